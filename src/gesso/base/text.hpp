// Text: ASCII case, hexadecimal digits, percent coding, UTF-8. Pure functions without a locale.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace gesso {

// The letters A to Z in lower case; every other byte stays as it is.
[[nodiscard]] constexpr char lower(char c) noexcept {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
}
[[nodiscard]] std::string lower(std::string_view text);
[[nodiscard]] bool equal_ignoring_case(std::string_view left, std::string_view right) noexcept;

[[nodiscard]] constexpr bool is_letter_or_digit(char c) noexcept {
  return (c >= '0' && c <= '9') || (lower(c) >= 'a' && lower(c) <= 'z');
}

// The bytes as a view of text, for functions that take one. Borrows them.
[[nodiscard]] inline std::string_view as_text(std::span<const std::uint8_t> bytes) noexcept {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// The bytes in hexadecimal: two digits a byte, in lower case.
[[nodiscard]] std::string hex(std::span<const std::uint8_t> bytes);

// Percent coding (RFC 3986, section 2.1): every byte but the unreserved characters as %XX.
[[nodiscard]] std::string percent_encode(std::string_view text);
// Appends the percent-encoded text to `out` without a copy elsewhere, as a secret needs it.
void append_percent_encoded(std::string& out, std::string_view text);
// Undoes percent coding. std::nullopt where a "%" is not followed by two hexadecimal digits.
[[nodiscard]] std::optional<std::string> percent_decode(std::string_view text);
// Undoes percent coding of a value of a query or a form, in which "+" stands for a blank.
// std::nullopt as for `percent_decode`.
[[nodiscard]] std::optional<std::string> form_decode(std::string_view text);

// Whether the text is well-formed UTF-8 (table 3-7 of the Unicode standard: no overlong forms, no
// surrogates, nothing past U+10FFFF).
[[nodiscard]] bool is_utf8(std::string_view text) noexcept;
// The number of code points; std::nullopt where the text is not well-formed UTF-8.
[[nodiscard]] std::optional<std::size_t> utf8_length(std::string_view text) noexcept;

// REQUIRES, from here on: the text is well-formed UTF-8.

// Whether the byte goes on with a code point that an earlier one began.
[[nodiscard]] constexpr bool is_continuation(char byte) noexcept {
  return (static_cast<unsigned char>(byte) & 0xC0) == 0x80;
}
[[nodiscard]] std::size_t count_code_points(std::string_view text) noexcept;
// The byte at which code point `index` begins; the size where there are not so many.
[[nodiscard]] std::size_t byte_of_code_point(std::string_view text, std::size_t index) noexcept;
// At most `bytes` bytes from the front, not ending within a code point.
[[nodiscard]] std::string_view utf8_prefix(std::string_view text, std::size_t bytes) noexcept;

}  // namespace gesso
