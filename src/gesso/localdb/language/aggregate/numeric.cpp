#include "gesso/localdb/language/aggregate/numeric.hpp"

#include <algorithm>

#include "gesso/bson/decimal.hpp"

namespace gesso::localdb {
namespace {

using bson::Type;
using bson::Value;

int width(Type type) noexcept {
  switch (type) {
    case Type::kInt32:
      return 0;
    case Type::kInt64:
      return 1;
    case Type::kDouble:
      return 2;
    default:
      return 3;
  }
}

// `on_integers` is one of the compiler's checked operations: true on overflow.
template <class OnIntegers, class OnDoubles, class OnDecimals>
std::optional<Number> combine(Number left, Number right, OnIntegers on_integers,
                              OnDoubles on_doubles, OnDecimals on_decimals) noexcept {
  switch (std::max(width(left.type()), width(right.type()))) {
    case 3:
      return Number::of_decimal(on_decimals(left.to_decimal(), right.to_decimal()));
    case 2:
      return Number::of_double(on_doubles(left.to_double(), right.to_double()));
    default:
      break;
  }
  std::int64_t result = 0;
  if (on_integers(left.integer(), right.integer(), &result)) return std::nullopt;
  const bool wide = left.type() == Type::kInt64 || right.type() == Type::kInt64;
  return wide ? Number::of_int64(result) : Number::of_smallest(result);
}

}  // namespace

Number::Number(Value value) : type_(value.type()) {
  switch (type_) {
    case Type::kInt32:
      integer_ = value.as_int32();
      break;
    case Type::kInt64:
      integer_ = value.as_int64();
      break;
    case Type::kDouble:
      real_ = value.as_double();
      break;
    default:
      decimal_ = value.as_decimal128();
      break;
  }
}

Number Number::of_int32(std::int32_t value) {
  Number number;
  number.integer_ = value;
  return number;
}

Number Number::of_int64(std::int64_t value) {
  Number number;
  number.type_ = Type::kInt64;
  number.integer_ = value;
  return number;
}

Number Number::of_double(double value) {
  Number number;
  number.type_ = Type::kDouble;
  number.real_ = value;
  return number;
}

Number Number::of_decimal(bson::Decimal128 value) {
  Number number;
  number.type_ = Type::kDecimal128;
  number.decimal_ = value;
  return number;
}

Number Number::of_smallest(std::int64_t value) {
  return value >= INT32_MIN && value <= INT32_MAX ? of_int32(static_cast<std::int32_t>(value))
                                                  : of_int64(value);
}

double Number::to_double() const noexcept {
  switch (type_) {
    case Type::kDouble:
      return real_;
    case Type::kDecimal128:
      return bson::decimal_to_double(decimal_);
    default:
      return static_cast<double>(integer_);
  }
}

bson::Decimal128 Number::to_decimal() const noexcept {
  switch (type_) {
    case Type::kDouble:
      return bson::decimal_from(real_);
    case Type::kDecimal128:
      return decimal_;
    default:
      return bson::decimal_from(integer_);
  }
}

Value Number::to_value(Arena& arena) const {
  switch (type_) {
    case Type::kInt32:
      return arena.int32(static_cast<std::int32_t>(integer_));
    case Type::kInt64:
      return arena.int64(integer_);
    case Type::kDouble:
      return arena.real(real_);
    default:
      return arena.decimal(decimal_);
  }
}

std::optional<Number> add(Number left, Number right) noexcept {
  return combine(
      left, right,
      [](std::int64_t a, std::int64_t b, std::int64_t* result) {
        return __builtin_add_overflow(a, b, result);
      },
      [](double a, double b) { return a + b; },
      [](bson::Decimal128 a, bson::Decimal128 b) { return bson::add(a, b); });
}

std::optional<Number> subtract(Number left, Number right) noexcept {
  return combine(
      left, right,
      [](std::int64_t a, std::int64_t b, std::int64_t* result) {
        return __builtin_sub_overflow(a, b, result);
      },
      [](double a, double b) { return a - b; },
      [](bson::Decimal128 a, bson::Decimal128 b) { return bson::subtract(a, b); });
}

std::optional<Number> multiply(Number left, Number right) noexcept {
  return combine(
      left, right,
      [](std::int64_t a, std::int64_t b, std::int64_t* result) {
        return __builtin_mul_overflow(a, b, result);
      },
      [](double a, double b) { return a * b; },
      [](bson::Decimal128 a, bson::Decimal128 b) { return bson::multiply(a, b); });
}

}  // namespace gesso::localdb
