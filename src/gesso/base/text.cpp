#include "gesso/base/text.hpp"

#include <algorithm>
#include <cstring>

namespace gesso {
namespace {

int digit_value(char c) noexcept {
  if (c >= '0' && c <= '9') return c - '0';
  if (lower(c) >= 'a' && lower(c) <= 'f') return lower(c) - 'a' + 10;
  return -1;
}

// `blank` is the character that stands for one; NUL where none does, since NUL is itself then.
std::optional<std::string> decode(std::string_view text, char blank) {
  std::string result;
  result.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%') {
      if (i + 2 >= text.size()) return std::nullopt;
      const int high = digit_value(text[i + 1]);
      const int low = digit_value(text[i + 2]);
      if (high < 0 || low < 0) return std::nullopt;
      result += static_cast<char>(high * 16 + low);
      i += 2;
    } else {
      result += blank != '\0' && text[i] == blank ? ' ' : text[i];
    }
  }
  return result;
}

bool are_ascii(const unsigned char* eight_bytes) noexcept {
  std::uint64_t bits = 0;
  std::memcpy(&bits, eight_bytes, sizeof bits);
  return (bits & 0x8080808080808080U) == 0;
}

// The bytes of the code point that starts at `at`, 0 where none does.
std::size_t sequence_length(const unsigned char* at, std::size_t left) noexcept {
  const unsigned char lead = *at;
  if (lead < 0x80) return 1;
  std::size_t length = 0;
  unsigned char lowest = 0x80;
  unsigned char highest = 0xBF;
  if (lead >= 0xC2 && lead <= 0xDF) {
    length = 2;
  } else if (lead >= 0xE0 && lead <= 0xEF) {
    length = 3;
    if (lead == 0xE0) lowest = 0xA0;
    if (lead == 0xED) highest = 0x9F;
  } else if (lead >= 0xF0 && lead <= 0xF4) {
    length = 4;
    if (lead == 0xF0) lowest = 0x90;
    if (lead == 0xF4) highest = 0x8F;
  } else {
    return 0;
  }
  if (left < length || at[1] < lowest || at[1] > highest) return 0;
  for (std::size_t i = 2; i < length; ++i) {
    if ((at[i] & 0xC0) != 0x80) return 0;
  }
  return length;
}

}  // namespace

std::string lower(std::string_view text) {
  std::string result(text);
  for (char& c : result) c = lower(c);
  return result;
}

bool equal_ignoring_case(std::string_view left, std::string_view right) noexcept {
  return std::equal(left.begin(), left.end(), right.begin(), right.end(),
                    [](char a, char b) { return lower(a) == lower(b); });
}

std::string hex(std::span<const std::uint8_t> bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string result;
  result.reserve(2 * bytes.size());
  for (const std::uint8_t byte : bytes) result += {kDigits[byte >> 4], kDigits[byte & 15]};
  return result;
}

void append_percent_encoded(std::string& out, std::string_view text) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  for (const char c : text) {
    if (is_letter_or_digit(c) || c == '-' || c == '.' || c == '_' || c == '~') {
      out += c;
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    out += {'%', kDigits[byte >> 4], kDigits[byte & 15]};
  }
}

std::string percent_encode(std::string_view text) {
  std::string result;
  result.reserve(text.size());
  append_percent_encoded(result, text);
  return result;
}

std::optional<std::string> percent_decode(std::string_view text) { return decode(text, '\0'); }

std::optional<std::string> form_decode(std::string_view text) { return decode(text, '+'); }

bool is_utf8(std::string_view text) noexcept {
  const auto* at = reinterpret_cast<const unsigned char*>(text.data());
  std::size_t left = text.size();
  while (left > 0) {
    const bool ascii = left >= 8 && are_ascii(at);
    const std::size_t length = ascii ? 8 : sequence_length(at, left);
    if (length == 0) return false;
    at += length;
    left -= length;
  }
  return true;
}

std::optional<std::size_t> utf8_length(std::string_view text) noexcept {
  // Most texts are ASCII throughout.
  const auto* at = reinterpret_cast<const unsigned char*>(text.data());
  std::size_t plain = 0;
  while (text.size() - plain >= 8 && are_ascii(at + plain)) plain += 8;
  while (plain < text.size() && at[plain] < 0x80) ++plain;
  if (plain == text.size()) return plain;
  if (!is_utf8(text)) return std::nullopt;
  return count_code_points(text);
}

std::size_t count_code_points(std::string_view text) noexcept {
  std::size_t count = 0;
  for (const char byte : text) count += is_continuation(byte) ? 0 : 1;
  return count;
}

std::size_t byte_of_code_point(std::string_view text, std::size_t index) noexcept {
  std::size_t at = 0;
  while (at < text.size() && index > 0) {
    ++at;
    while (at < text.size() && is_continuation(text[at])) ++at;
    --index;
  }
  return at;
}

std::string_view utf8_prefix(std::string_view text, std::size_t bytes) noexcept {
  if (text.size() <= bytes) return text;
  while (bytes > 0 && is_continuation(text[bytes])) --bytes;
  return text.substr(0, bytes);
}

}  // namespace gesso
