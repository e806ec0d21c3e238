// A string literal as a template argument: Id<"user_">.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string_view>

namespace gesso::schema {

template <std::size_t N>
struct FixedString {
  char text[N]{};

  constexpr FixedString(const char (&literal)[N]) {  // NOLINT: implicit, so that a literal serves
    std::copy(literal, literal + N, text);
  }
  [[nodiscard]] constexpr std::string_view view() const { return {text, N - 1}; }
};

}  // namespace gesso::schema
