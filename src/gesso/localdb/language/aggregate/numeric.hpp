// Arithmetic over BSON's four number types, as updates, expressions and accumulators share it.
//
// The result has the wider type: int32 < int64 < double < decimal128; int32 that overflows becomes
// int64. Pure; values.
#pragma once

#include <cstdint>
#include <optional>

#include "gesso/bson/view.hpp"
#include "gesso/localdb/language/aggregate/arena.hpp"

namespace gesso::localdb {

class Number {
  bson::Type type_ = bson::Type::kInt32;
  std::int64_t integer_ = 0;  // of the integer types
  double real_ = 0;
  bson::Decimal128 decimal_{};

 public:
  Number() = default;  // int32 0
  // `value` is a number.
  explicit Number(bson::Value value);
  [[nodiscard]] static Number of_int32(std::int32_t value);
  [[nodiscard]] static Number of_int64(std::int64_t value);
  [[nodiscard]] static Number of_double(double value);
  [[nodiscard]] static Number of_decimal(bson::Decimal128 value);
  // int32 where it fits.
  [[nodiscard]] static Number of_smallest(std::int64_t value);

  [[nodiscard]] bson::Type type() const noexcept { return type_; }
  [[nodiscard]] bool is_integer() const noexcept {
    return type_ == bson::Type::kInt32 || type_ == bson::Type::kInt64;
  }
  [[nodiscard]] std::int64_t integer() const noexcept { return integer_; }
  [[nodiscard]] double to_double() const noexcept;
  [[nodiscard]] bson::Decimal128 to_decimal() const noexcept;
  [[nodiscard]] bson::Value to_value(Arena& arena) const;
};

// std::nullopt where int64 overflows.
[[nodiscard]] std::optional<Number> add(Number left, Number right) noexcept;
[[nodiscard]] std::optional<Number> subtract(Number left, Number right) noexcept;
[[nodiscard]] std::optional<Number> multiply(Number left, Number right) noexcept;

}  // namespace gesso::localdb
