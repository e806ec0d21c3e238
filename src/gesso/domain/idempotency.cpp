#include "gesso/domain/idempotency.hpp"

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "gesso/base/crypto.hpp"
#include "gesso/base/text.hpp"
#include "gesso/schema/codec.hpp"

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

models::GenerationId keyed_id(const models::UserId& user_id, const IdempotencyKey& key,
                              std::size_t voided) {
  // No part holds a NUL that another could be taken for: ids have none, and the key comes last.
  std::string text("generation");
  text += '\0';
  text += user_id.str();
  text += '\0';
  text += std::to_string(voided);
  text += '\0';
  text += key.str();
  const Digest digest = sha256(text);
  return std::string(models::GenerationId::kPrefix) + ulid_text(std::span(digest).first<16>());
}

models::RequestHash hash_of(const models::GenerationCreate& request) {
  models::GenerationCreate decided_by_client = request;
  decided_by_client.cost_credits = 0;
  const bson::Document bytes = schema::to_bson(decided_by_client);
  return hex(sha256(as_text(bytes.view().bytes())));
}

}  // namespace gesso::domain
