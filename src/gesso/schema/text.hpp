// A string of Min to Max Unicode characters (code points). A value type; always valid UTF-8.
#pragma once

#include <concepts>
#include <cstddef>
#include <optional>
#include <ostream>
#include <string>
#include <string_view>

#include "gesso/base/text.hpp"
#include "gesso/bson/builder.hpp"
#include "gesso/schema/access.hpp"
#include "gesso/schema/violation.hpp"

namespace gesso::schema {

template <std::size_t Min, std::size_t Max>
class Text {
  static_assert(Min <= Max);
  std::string text_;

  Text() = default;
  friend struct Access;
  void set(std::string_view text) { text_ = text; }

 public:
  using Wire = std::string_view;

  // Throws Error (kValidation). Implicit, so that a literal serves where a text is asked for.
  template <std::convertible_to<std::string_view> S>
  Text(const S& text) : text_(std::string_view(text)) {  // NOLINT
    if (auto violation = check(text_)) throw validation_error({*violation});
  }

  [[nodiscard]] const std::string& str() const noexcept { return text_; }
  [[nodiscard]] Wire wire() const noexcept { return text_; }
  operator std::string_view() const noexcept { return text_; }  // NOLINT: a text is readable as one

  [[nodiscard]] static std::optional<Violation> check(std::string_view text) {
    const std::optional<std::size_t> length = utf8_length(text);
    if (length && *length >= Min && *length <= Max) return std::nullopt;
    Violation violation = !length         ? not_utf8()
                          : *length < Min ? too_short(Min, *length, LengthUnit::kCharacters)
                                          : too_long(Max, *length, LengthUnit::kCharacters);
    violation.expected = expected();
    return violation;
  }
  [[nodiscard]] static std::string expected() {
    return length_text(Min, Max, LengthUnit::kCharacters);
  }
  static void json_schema(bson::Builder& keywords) {
    keywords.append("type", "string");
    if constexpr (Min > 0) keywords.append("minLength", static_cast<std::int64_t>(Min));
    keywords.append("maxLength", static_cast<std::int64_t>(Max));
  }

  friend bool operator==(const Text&, const Text&) = default;
  template <std::convertible_to<std::string_view> S>
  friend bool operator==(const Text& left, const S& right) {
    return left.text_ == std::string_view(right);
  }
  friend std::ostream& operator<<(std::ostream& out, const Text& text) { return out << text.text_; }
};

}  // namespace gesso::schema
