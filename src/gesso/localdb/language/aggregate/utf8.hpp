// Code points of valid UTF-8.
#pragma once

#include <cstddef>
#include <string_view>

namespace gesso::localdb {

[[nodiscard]] inline bool is_continuation(char byte) noexcept {
  return (static_cast<unsigned char>(byte) & 0xC0) == 0x80;
}

[[nodiscard]] inline std::size_t count_code_points(std::string_view text) noexcept {
  std::size_t count = 0;
  for (const char byte : text) count += is_continuation(byte) ? 0 : 1;
  return count;
}

// The byte at which code point `index` begins; the size where there are not so many.
[[nodiscard]] inline std::size_t byte_of_code_point(std::string_view text,
                                                    std::size_t index) noexcept {
  std::size_t at = 0;
  while (at < text.size() && index > 0) {
    ++at;
    while (at < text.size() && is_continuation(text[at])) ++at;
    --index;
  }
  return at;
}

}  // namespace gesso::localdb
