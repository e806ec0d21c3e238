#include "gesso/domain/derived_id.hpp"

#include <cstdint>
#include <span>

#include "gesso/base/crypto.hpp"

namespace gesso::domain {

namespace {

// 26 characters of Crockford's base 32, as a ULID is written (https://github.com/ulid/spec).
std::string ulid_text(std::span<const std::uint8_t, 16> bytes) {
  constexpr std::string_view kDigits = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
  std::string text(26, '0');
  for (std::size_t i = 0; i < text.size(); ++i) {
    // Bits from the most significant on; the first two of the 130 are 0.
    unsigned digit = 0;
    for (std::size_t bit = i * 5; bit < i * 5 + 5; ++bit) {
      digit <<= 1U;
      if (bit >= 2) digit |= (bytes[(bit - 2) / 8] >> (7 - (bit - 2) % 8)) & 1U;
    }
    text[i] = kDigits[digit];
  }
  return text;
}

}  // namespace

std::string derived_ulid(std::initializer_list<std::string_view> parts) {
  std::string text;
  for (const std::string_view part : parts) {
    if (!text.empty()) text += '\0';
    text += part;
  }
  const Digest digest = sha256(text);
  return ulid_text(std::span(digest).first<16>());
}

}  // namespace gesso::domain
