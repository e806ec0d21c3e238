// $add, $subtract, $multiply, $divide, $mod and the operators on bits.
#include <array>
#include <cmath>

#include "gesso/bson/compare.hpp"
#include "gesso/bson/decimal.hpp"
#include "gesso/localdb/language/aggregate/numeric.hpp"
#include "gesso/localdb/language/aggregate/operators.hpp"
#include "gesso/localdb/language/command_error.hpp"

namespace gesso::localdb {
namespace {

using bson::Type;
using bson::Value;

using Arithmetic = std::optional<Number> (*)(Number, Number) noexcept;

// int64 that overflows becomes double.
Number widened(Arithmetic arithmetic, Number left, Number right) {
  if (const auto result = arithmetic(left, right)) return *result;
  return *arithmetic(Number::of_double(left.to_double()), Number::of_double(right.to_double()));
}

bool any_nullish(Arguments arguments) {
  for (const Value argument : arguments) {
    if (is_nullish(argument)) return true;
  }
  return false;
}

// A number of milliseconds, to be added to a date.
std::int64_t milliseconds_of(Number number) {
  if (number.is_integer()) return number.integer();
  const double value = std::nearbyint(number.to_double());
  if (!(value >= -0x1p63 && value < 0x1p63)) {
    throw CommandError(ErrorCode::kOverflow, "date overflow");
  }
  return static_cast<std::int64_t>(value);
}

std::int64_t checked_date(std::int64_t date, std::int64_t milliseconds, bool minus) {
  std::int64_t result = 0;
  const bool overflow = minus ? __builtin_sub_overflow(date, milliseconds, &result)
                              : __builtin_add_overflow(date, milliseconds, &result);
  if (overflow) throw CommandError(ErrorCode::kOverflow, "date overflow");
  return result;
}

Value add_all(Evaluation& evaluation, Arguments arguments) {
  Number sum;
  const Value* date = nullptr;
  for (const Value& argument : arguments) {
    if (is_nullish(argument)) return Arena::null();
    if (argument.is_number()) {
      sum = widened(&add, sum, Number(argument));
    } else if (argument.is(Type::kDate)) {
      if (date != nullptr) throw CommandError(16612, "only one date allowed in an $add expression");
      date = &argument;
    } else {
      throw CommandError(ErrorCode::kTypeMismatch,
                         "$add only supports numeric or date types, not " + type_text(argument));
    }
  }
  if (date == nullptr) return sum.to_value(evaluation.arena);
  return evaluation.arena.date(checked_date(date->as_int64(), milliseconds_of(sum), false));
}

Value subtract_two(Evaluation& evaluation, Arguments arguments) {
  const Value left = arguments[0];
  const Value right = arguments[1];
  if (any_nullish(arguments)) return Arena::null();
  if (left.is_number() && right.is_number()) {
    return widened(&subtract, Number(left), Number(right)).to_value(evaluation.arena);
  }
  if (left.is(Type::kDate) && right.is(Type::kDate)) {
    return evaluation.arena.int64(checked_date(left.as_int64(), right.as_int64(), true));
  }
  if (left.is(Type::kDate) && right.is_number()) {
    return evaluation.arena.date(
        checked_date(left.as_int64(), milliseconds_of(Number(right)), true));
  }
  throw CommandError(ErrorCode::kTypeMismatch,
                     "can't $subtract " + type_text(right) + " from " + type_text(left));
}

Value multiply_all(Evaluation& evaluation, Arguments arguments) {
  Number product = Number::of_int32(1);
  for (const Value argument : arguments) {
    if (is_nullish(argument)) return Arena::null();
    if (!argument.is_number()) {
      throw CommandError(ErrorCode::kTypeMismatch,
                         "$multiply only supports numeric types, not " + type_text(argument));
    }
    product = widened(&multiply, product, Number(argument));
  }
  return product.to_value(evaluation.arena);
}

Value divide_two(Evaluation& evaluation, Arguments arguments) {
  if (any_nullish(arguments)) return Arena::null();
  if (!arguments[0].is_number() || !arguments[1].is_number()) {
    throw CommandError(ErrorCode::kTypeMismatch, "$divide only supports numeric types, not " +
                                                     type_text(arguments[0]) + " and " +
                                                     type_text(arguments[1]));
  }
  const Number left(arguments[0]);
  const Number right(arguments[1]);
  if (right.to_double() == 0) throw CommandError(ErrorCode::kBadValue, "can't $divide by zero");
  if (left.type() == Type::kDecimal128 || right.type() == Type::kDecimal128) {
    return evaluation.arena.decimal(bson::divide(left.to_decimal(), right.to_decimal()));
  }
  return evaluation.arena.real(left.to_double() / right.to_double());
}

bson::Decimal128 decimal_remainder(bson::Decimal128 left, bson::Decimal128 right) {
  const bson::Decimal128 quotient = bson::divide(left, right);
  const double approximate = std::trunc(bson::decimal_to_double(quotient));
  bson::Decimal128 whole = bson::decimal_exact(approximate);
  // The double may have been rounded past the quotient; a truncated one is no greater in size.
  const int direction = approximate < 0 ? -1 : 1;
  if (bson::compare(whole, quotient) * direction > 0) {
    whole = bson::subtract(whole, bson::decimal_from(std::int64_t{direction}));
  }
  return bson::subtract(left, bson::multiply(whole, right));
}

Value mod_two(Evaluation& evaluation, Arguments arguments) {
  if (any_nullish(arguments)) return Arena::null();
  if (!arguments[0].is_number() || !arguments[1].is_number()) {
    throw CommandError(16611, "$mod only supports numeric types, not " + type_text(arguments[0]) +
                                  " and " + type_text(arguments[1]));
  }
  const Number left(arguments[0]);
  const Number right(arguments[1]);
  if (right.to_double() == 0) throw CommandError(16610, "can't $mod by zero");
  if (left.type() == Type::kDecimal128 || right.type() == Type::kDecimal128) {
    return evaluation.arena.decimal(decimal_remainder(left.to_decimal(), right.to_decimal()));
  }
  if (!left.is_integer() || !right.is_integer()) {
    return evaluation.arena.real(std::fmod(left.to_double(), right.to_double()));
  }
  // INT64_MIN % -1 is undefined in C++.
  const std::int64_t rest = right.integer() == -1 ? 0 : left.integer() % right.integer();
  const bool wide = left.type() == Type::kInt64 || right.type() == Type::kInt64;
  return (wide ? Number::of_int64(rest) : Number::of_smallest(rest)).to_value(evaluation.arena);
}

template <class Combine>
Value bits(Evaluation& evaluation, Arguments arguments, std::int64_t neutral, const char* name,
           Combine combine) {
  std::int64_t result = neutral;
  bool wide = false;
  for (const Value argument : arguments) {
    if (is_nullish(argument)) return Arena::null();
    if (!argument.is(Type::kInt32) && !argument.is(Type::kInt64)) {
      throw CommandError(ErrorCode::kTypeMismatch,
                         std::string(name) + " only supports int and long operands.");
    }
    wide = wide || argument.is(Type::kInt64);
    result = combine(result, Number(argument).integer());
  }
  return wide ? evaluation.arena.int64(result)
              : evaluation.arena.int32(static_cast<std::int32_t>(result));
}

Value bit_and(Evaluation& e, Arguments a) {
  return bits(e, a, -1, "$bitAnd", [](std::int64_t x, std::int64_t y) { return x & y; });
}
Value bit_or(Evaluation& e, Arguments a) {
  return bits(e, a, 0, "$bitOr", [](std::int64_t x, std::int64_t y) { return x | y; });
}
Value bit_xor(Evaluation& e, Arguments a) {
  return bits(e, a, 0, "$bitXor", [](std::int64_t x, std::int64_t y) { return x ^ y; });
}
Value bit_not(Evaluation& e, Arguments a) {
  return bits(e, a, 0, "$bitNot", [](std::int64_t, std::int64_t y) { return ~y; });
}

constexpr std::array kFunctions = {
    FunctionEntry{"$add", 0, kAnyNumber, add_all},
    FunctionEntry{"$subtract", 2, 2, subtract_two},
    FunctionEntry{"$multiply", 0, kAnyNumber, multiply_all},
    FunctionEntry{"$divide", 2, 2, divide_two},
    FunctionEntry{"$mod", 2, 2, mod_two},
    FunctionEntry{"$bitAnd", 0, kAnyNumber, bit_and},
    FunctionEntry{"$bitOr", 0, kAnyNumber, bit_or},
    FunctionEntry{"$bitXor", 0, kAnyNumber, bit_xor},
    FunctionEntry{"$bitNot", 1, 1, bit_not},
};

}  // namespace

std::span<const FunctionEntry> arithmetic_functions() { return kFunctions; }

}  // namespace gesso::localdb
