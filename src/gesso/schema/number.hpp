// Numbers within bounds. Value types that convert to the plain number, and from it with a check.
#pragma once

#include <concepts>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <utility>

#include "gesso/bson/builder.hpp"
#include "gesso/schema/access.hpp"
#include "gesso/schema/violation.hpp"

namespace gesso::schema {

template <class I>
concept PlainInteger = std::integral<I> && !std::same_as<I, bool>;

// An integer from Min to Max.
template <std::int64_t Min, std::int64_t Max = std::numeric_limits<std::int64_t>::max()>
class Integer {
  static_assert(Min <= Max);
  static constexpr bool kHasMin = Min != std::numeric_limits<std::int64_t>::min();
  static constexpr bool kHasMax = Max != std::numeric_limits<std::int64_t>::max();
  std::int64_t value_ = Min;

  Integer() = default;
  friend struct Access;
  void set(std::int64_t value) { value_ = value; }

 public:
  using Wire = std::int64_t;

  // Throws Error (kValidation).
  template <PlainInteger I>
  Integer(I value) : value_(static_cast<std::int64_t>(value)) {  // NOLINT: implicit, as a number is
    std::optional<Violation> violation = check(value_);
    if (!std::in_range<std::int64_t>(value)) {
      violation = above(std::to_string(Max), std::to_string(value));
      violation->expected = expected();
    }
    if (violation) throw validation_error({*violation});
  }

  [[nodiscard]] constexpr std::int64_t value() const noexcept { return value_; }
  [[nodiscard]] constexpr Wire wire() const noexcept { return value_; }
  constexpr operator std::int64_t() const noexcept { return value_; }  // NOLINT

  [[nodiscard]] static std::optional<Violation> check(std::int64_t value) {
    if (value >= Min && value <= Max) return std::nullopt;
    Violation violation = value < Min ? below(std::to_string(Min), std::to_string(value))
                                      : above(std::to_string(Max), std::to_string(value));
    violation.expected = expected();
    return violation;
  }
  [[nodiscard]] static std::string expected() {
    if constexpr (kHasMin && kHasMax) {
      return "integer from " + std::to_string(Min) + " to " + std::to_string(Max);
    } else if constexpr (kHasMin) {
      return "integer of at least " + std::to_string(Min);
    } else if constexpr (kHasMax) {
      return "integer of at most " + std::to_string(Max);
    } else {
      return "integer";
    }
  }
  static void json_schema(bson::Builder& keywords) {
    keywords.append("type", "integer");
    if constexpr (kHasMin) keywords.append("minimum", Min);
    if constexpr (kHasMax) keywords.append("maximum", Max);
  }
};

// Counts, credits, durations.
using NonNegative = Integer<0>;

// A finite number from Min to Max. The bounds are integers, so that every compiler of ours takes
// them as template arguments.
template <std::int64_t Min, std::int64_t Max>
class Number {
  static_assert(Min <= Max);
  double value_ = static_cast<double>(Min);

  Number() = default;
  friend struct Access;
  void set(double value) { value_ = value; }

 public:
  using Wire = double;

  // Throws Error (kValidation), for NaN too.
  Number(double value) : value_(value) {  // NOLINT: implicit, as a number is
    if (auto violation = check(value_)) throw validation_error({*violation});
  }

  [[nodiscard]] constexpr double value() const noexcept { return value_; }
  [[nodiscard]] constexpr Wire wire() const noexcept { return value_; }
  constexpr operator double() const noexcept { return value_; }  // NOLINT

  [[nodiscard]] static std::optional<Violation> check(double value) {
    if (value >= static_cast<double>(Min) && value <= static_cast<double>(Max)) return std::nullopt;
    Violation violation = value > static_cast<double>(Max)
                              ? above(std::to_string(Max), number_text(value))
                              : below(std::to_string(Min), number_text(value));
    violation.expected = expected();
    return violation;
  }
  [[nodiscard]] static std::string expected() {
    return "number from " + std::to_string(Min) + " to " + std::to_string(Max);
  }
  static void json_schema(bson::Builder& keywords) {
    keywords.append("type", "number").append("minimum", Min).append("maximum", Max);
  }
};

}  // namespace gesso::schema
