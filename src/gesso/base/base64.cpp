#include "gesso/base/base64.hpp"

#include <array>
#include <cstdint>

namespace gesso {
namespace {

struct Alphabet {
  std::string_view digits;
  std::array<int, 256> values{};  // -1 for what is no digit

  explicit constexpr Alphabet(std::string_view text) : digits(text) {
    values.fill(-1);
    for (std::size_t i = 0; i < digits.size(); ++i) {
      values[static_cast<unsigned char>(digits[i])] = static_cast<int>(i);
    }
  }
};

constexpr Alphabet kPlain("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/");
constexpr Alphabet kUrl("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_");

std::string encode(std::string_view bytes, const Alphabet& alphabet) {
  std::string text;
  text.reserve((bytes.size() + 2) / 3 * 4);
  std::uint32_t bits = 0;
  int count = 0;  // of bits that are not written yet
  for (const char c : bytes) {
    bits = (bits << 8) | static_cast<unsigned char>(c);
    for (count += 8; count >= 6; count -= 6) text += alphabet.digits[(bits >> (count - 6)) & 63];
  }
  if (count > 0) text += alphabet.digits[(bits << (6 - count)) & 63];
  return text;
}

// `text` is without padding.
std::optional<std::string> decode(std::string_view text, const Alphabet& alphabet) {
  if (text.size() % 4 == 1) return std::nullopt;
  std::string bytes(text.size() * 3 / 4, '\0');
  char* to = bytes.data();
  std::uint32_t bits = 0;
  int count = 0;
  for (const char c : text) {
    const int value = alphabet.values[static_cast<unsigned char>(c)];
    if (value < 0) return std::nullopt;
    bits = (bits << 6) | static_cast<std::uint32_t>(value);
    count += 6;
    if (count >= 8) {
      count -= 8;
      *to++ = static_cast<char>((bits >> count) & 255);
    }
  }
  if ((bits & ((1U << count) - 1)) != 0) return std::nullopt;
  return bytes;
}

}  // namespace

std::string base64_encode(std::string_view bytes) {
  std::string text = encode(bytes, kPlain);
  while (text.size() % 4 != 0) text += '=';
  return text;
}

std::string base64url_encode(std::string_view bytes) { return encode(bytes, kUrl); }

std::optional<std::string> base64_decode(std::string_view text) {
  if (text.size() % 4 != 0) return std::nullopt;
  for (int padding = 0; padding < 2 && text.ends_with('='); ++padding) text.remove_suffix(1);
  return decode(text, kPlain);
}

std::optional<std::string> base64url_decode(std::string_view text) { return decode(text, kUrl); }

}  // namespace gesso
