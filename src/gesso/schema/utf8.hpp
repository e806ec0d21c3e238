// Counting and cutting UTF-8 by code points. Pure functions.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

namespace gesso::schema {

// The number of code points; std::nullopt where the text is not well-formed UTF-8 (table 3-7 of
// the Unicode standard: no overlong forms, no surrogates, nothing past U+10FFFF).
[[nodiscard]] std::optional<std::size_t> count_code_points(std::string_view text) noexcept;

// At most `bytes` bytes of well-formed `text`, not ending within a code point.
[[nodiscard]] std::string_view utf8_prefix(std::string_view text, std::size_t bytes) noexcept;

}  // namespace gesso::schema
