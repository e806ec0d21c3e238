// The id of a document of one collection: a prefix that says which, and what its maker chose.
//
// Ours are prefix + ULID (base/id.hpp); ids that other programs gave are read as well, as long as
// they hold nothing that a URL or Cosmos DB minds. A value type.
#pragma once

#include <concepts>
#include <optional>
#include <ostream>
#include <string>
#include <string_view>

#include "gesso/base/id.hpp"
#include "gesso/bson/builder.hpp"
#include "gesso/schema/access.hpp"
#include "gesso/schema/fixed_string.hpp"
#include "gesso/schema/violation.hpp"

namespace gesso::schema {

namespace detail {
// Whether `text` is `prefix` and 1 to 64 of [0-9A-Za-z_-].
[[nodiscard]] bool is_prefixed_id(std::string_view text, std::string_view prefix) noexcept;
}  // namespace detail

template <FixedString Prefix>
class Id {
  std::string text_;

  Id() = default;
  friend struct Access;
  void set(std::string_view text) { text_ = text; }
  static std::string pattern() { return "^" + std::string(kPrefix) + "[0-9A-Za-z_-]{1,64}$"; }

 public:
  using Wire = std::string_view;
  static constexpr std::string_view kPrefix = Prefix.view();

  // Throws Error (kValidation). An id of another kind does not convert.
  template <std::convertible_to<std::string_view> S>
  requires(!requires { S::kPrefix; }) Id(const S& text)
      : text_(std::string_view(text)) {  // NOLINT: implicit, as for Text
    if (auto violation = check(text_)) throw validation_error({*violation});
  }
  // A new one.
  [[nodiscard]] static Id next(IdGenerator& generator) {
    Id id;
    id.text_ = generator.next(kPrefix);
    return id;
  }
  // std::nullopt for what cannot be an id of this kind (a look-up of it finds nothing).
  [[nodiscard]] static std::optional<Id> parse(std::string_view text) {
    if (!detail::is_prefixed_id(text, kPrefix)) return std::nullopt;
    Id id;
    id.text_ = text;
    return id;
  }

  [[nodiscard]] const std::string& str() const noexcept { return text_; }
  [[nodiscard]] Wire wire() const noexcept { return text_; }
  operator std::string_view() const noexcept { return text_; }  // NOLINT

  [[nodiscard]] static std::optional<Violation> check(std::string_view text) {
    if (detail::is_prefixed_id(text, kPrefix)) return std::nullopt;
    Violation violation = pattern_mismatch(pattern(), text);
    violation.expected = expected();
    return violation;
  }
  [[nodiscard]] static std::string expected() {
    return "id that starts with \"" + std::string(kPrefix) + "\"";
  }
  static void json_schema(bson::Builder& keywords) {
    keywords.append("type", "string").append("pattern", pattern());
  }

  friend bool operator==(const Id&, const Id&) = default;
  friend auto operator<=>(const Id&, const Id&) = default;
  // Compares with a text, but not with an id of another kind.
  template <std::convertible_to<std::string_view> S>
  requires(!requires { S::kPrefix; }) friend bool operator==(const Id& left, const S& right) {
    return left.text_ == std::string_view(right);
  }
  friend std::ostream& operator<<(std::ostream& out, const Id& id) { return out << id.text_; }
};

}  // namespace gesso::schema
