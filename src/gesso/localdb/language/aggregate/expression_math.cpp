// Rounding, powers, logarithms and trigonometry.
//
// Decimals are rounded exactly; what is transcendental is computed in double precision.
#include <array>
#include <cmath>
#include <numbers>

#include "gesso/bson/compare.hpp"
#include "gesso/bson/decimal.hpp"
#include "gesso/localdb/language/aggregate/numeric.hpp"
#include "gesso/localdb/language/aggregate/operators.hpp"
#include "gesso/localdb/language/command_error.hpp"

namespace gesso::localdb {
namespace {

using bson::Decimal128;
using bson::Type;
using bson::Value;

void require_number(Value value, const std::string& name, int code = 28765) {
  if (value.is_number()) return;
  throw CommandError(code, name + " only supports numeric types, not " + type_text(value));
}

enum class Rounding { kDown, kUp, kTowardZero, kHalfEven };

double round_double(double value, Rounding rounding) {
  switch (rounding) {
    case Rounding::kDown:
      return std::floor(value);
    case Rounding::kUp:
      return std::ceil(value);
    case Rounding::kTowardZero:
      return std::trunc(value);
    case Rounding::kHalfEven:
      return std::nearbyint(value);
  }
  return value;
}

Decimal128 round_decimal(Decimal128 value, Rounding rounding) {
  const double approximate = bson::decimal_to_double(value);
  // Beyond, a decimal of 34 digits is taken as whole.
  if (!(std::abs(approximate) < 0x1p62)) return value;
  const Decimal128 one = bson::decimal_from(std::int64_t{1});
  Decimal128 below = bson::decimal_from(static_cast<std::int64_t>(std::floor(approximate)));
  if (bson::compare(below, value) > 0) below = bson::subtract(below, one);
  if (bson::compare(bson::add(below, one), value) <= 0) below = bson::add(below, one);
  if (bson::compare(below, value) == 0) return below;
  const Decimal128 above = bson::add(below, one);
  switch (rounding) {
    case Rounding::kDown:
      return below;
    case Rounding::kUp:
      return above;
    case Rounding::kTowardZero:
      return approximate < 0 ? above : below;
    case Rounding::kHalfEven:
      break;
  }
  const Decimal128 half = *bson::parse_decimal("0.5");
  const int order = bson::compare(bson::subtract(value, below), half);
  if (order != 0) return order < 0 ? below : above;
  return bson::decimal_to_int64(below).value_or(0) % 2 == 0 ? below : above;
}

Value round_to_whole(Evaluation& evaluation, Value value, Rounding rounding) {
  if (value.is(Type::kDouble)) {
    return evaluation.arena.real(round_double(value.as_double(), rounding));
  }
  if (value.is(Type::kDecimal128)) {
    return evaluation.arena.decimal(round_decimal(value.as_decimal128(), rounding));
  }
  return value;
}

Decimal128 power_of_ten(std::int64_t exponent) {
  return *bson::parse_decimal("1E" + std::to_string(exponent));
}

// To `place` decimal digits, negative ones before the point.
Value round_to_place(Evaluation& evaluation, Value value, std::int64_t place, Rounding rounding) {
  const Number number(value);
  if (number.is_integer() && place >= 0) return value;
  if (value.is(Type::kDouble)) {
    const double real = value.as_double();
    const double scale = std::pow(10.0, static_cast<double>(place));
    const double scaled = real * scale;
    if (!std::isfinite(scaled)) return value;
    return evaluation.arena.real(round_double(scaled, rounding) / scale);
  }
  const Decimal128 scaled = bson::multiply(number.to_decimal(), power_of_ten(place));
  const Decimal128 rounded = bson::multiply(round_decimal(scaled, rounding), power_of_ten(-place));
  if (value.is(Type::kDecimal128)) return evaluation.arena.decimal(rounded);
  const auto integer = bson::decimal_to_int64(rounded);
  if (!integer) throw CommandError(51080, "invalid conversion from Decimal128 result in $round");
  return (value.is(Type::kInt64) ? Number::of_int64(*integer) : Number::of_smallest(*integer))
      .to_value(evaluation.arena);
}

template <Rounding kRounding>
Value rounded(Evaluation& evaluation, Arguments arguments) {
  const std::string name = kRounding == Rounding::kHalfEven ? "$round" : "$trunc";
  const Value value = arguments[0];
  const bool has_place = arguments.size() > 1;
  if (is_nullish(value) || (has_place && is_nullish(arguments[1]))) return Arena::null();
  require_number(value, name, 51081);
  if (!has_place) return round_to_whole(evaluation, value, kRounding);
  const auto place = arguments[1].is_number() ? arguments[1].integer() : std::nullopt;
  if (!place) {
    throw CommandError(51082, "precision argument to  " + name + " must be a integral value");
  }
  if (*place < -20 || *place > 100) {
    throw CommandError(51083, "cannot apply " + name + " with precision value " +
                                  std::to_string(*place) + " value must be in [-20, 100]");
  }
  return round_to_place(evaluation, value, *place, kRounding);
}

Value floor_of(Evaluation& evaluation, Arguments arguments) {
  if (is_nullish(arguments[0])) return Arena::null();
  require_number(arguments[0], "$floor");
  return round_to_whole(evaluation, arguments[0], Rounding::kDown);
}

Value ceil_of(Evaluation& evaluation, Arguments arguments) {
  if (is_nullish(arguments[0])) return Arena::null();
  require_number(arguments[0], "$ceil");
  return round_to_whole(evaluation, arguments[0], Rounding::kUp);
}

Value abs_of(Evaluation& evaluation, Arguments arguments) {
  const Value value = arguments[0];
  if (is_nullish(value)) return Arena::null();
  require_number(value, "$abs");
  const Number number(value);
  if (value.is(Type::kDouble)) return evaluation.arena.real(std::abs(value.as_double()));
  if (value.is(Type::kDecimal128)) {
    constexpr std::uint64_t kSign = std::uint64_t{1} << 63;
    Decimal128 decimal = value.as_decimal128();
    decimal.high &= ~kSign;
    return evaluation.arena.decimal(decimal);
  }
  if (number.integer() >= 0) return value;
  const auto negated =
      subtract(value.is(Type::kInt64) ? Number::of_int64(0) : Number::of_int32(0), number);
  if (!negated) throw CommandError(28680, "can't take $abs of long long min");
  return negated->to_value(evaluation.arena);
}

// A double, or a decimal where an argument is one.
Value real_result(Evaluation& evaluation, double result, bool decimal) {
  return decimal ? evaluation.arena.decimal(bson::decimal_from(result))
                 : evaluation.arena.real(result);
}

Value sqrt_of(Evaluation& evaluation, Arguments arguments) {
  const Value value = arguments[0];
  if (is_nullish(value)) return Arena::null();
  require_number(value, "$sqrt");
  if (value.number() < 0) {
    throw CommandError(28714, "$sqrt's argument must be greater than or equal to 0");
  }
  return real_result(evaluation, std::sqrt(value.number()), value.is(Type::kDecimal128));
}

std::optional<std::int64_t> integer_power(std::int64_t base, std::int64_t exponent) {
  std::int64_t result = 1;
  while (exponent > 0) {
    if (exponent % 2 == 1 && __builtin_mul_overflow(result, base, &result)) return std::nullopt;
    exponent /= 2;
    if (exponent > 0 && __builtin_mul_overflow(base, base, &base)) return std::nullopt;
  }
  return result;
}

Value pow_of(Evaluation& evaluation, Arguments arguments) {
  const Value base = arguments[0];
  const Value exponent = arguments[1];
  if (is_nullish(base) || is_nullish(exponent)) return Arena::null();
  if (!base.is_number()) {
    throw CommandError(28762, "$pow's base must be numeric, not " + type_text(base));
  }
  if (!exponent.is_number()) {
    throw CommandError(28763, "$pow's exponent must be numeric, not " + type_text(exponent));
  }
  if (base.number() == 0 && exponent.number() < 0) {
    throw CommandError(28764, "$pow cannot take a base of 0 and a negative exponent");
  }
  const Number left(base);
  const Number right(exponent);
  if (left.is_integer() && right.is_integer() && right.integer() >= 0) {
    if (const auto power = integer_power(left.integer(), right.integer())) {
      const bool wide = base.is(Type::kInt64) || exponent.is(Type::kInt64);
      return (wide ? Number::of_int64(*power) : Number::of_smallest(*power))
          .to_value(evaluation.arena);
    }
  }
  return real_result(evaluation, std::pow(left.to_double(), right.to_double()),
                     base.is(Type::kDecimal128) || exponent.is(Type::kDecimal128));
}

Value log_of(Evaluation& evaluation, Arguments arguments) {
  const Value value = arguments[0];
  const Value base = arguments[1];
  if (is_nullish(value) || is_nullish(base)) return Arena::null();
  if (!value.is_number()) {
    throw CommandError(28756, "$log's argument must be numeric, not " + type_text(value));
  }
  if (!base.is_number()) {
    throw CommandError(28757, "$log's base must be numeric, not " + type_text(base));
  }
  if (!(value.number() > 0)) {
    throw CommandError(28758, "$log's argument must be a positive number");
  }
  if (!(base.number() > 0) || base.number() == 1) {
    throw CommandError(28759, "$log's base must be a positive number not equal to 1");
  }
  return real_result(evaluation, std::log(value.number()) / std::log(base.number()),
                     value.is(Type::kDecimal128) || base.is(Type::kDecimal128));
}

Value positive_log(Evaluation& evaluation, Value value, const std::string& name, int code,
                   double (*function)(double)) {
  if (is_nullish(value)) return Arena::null();
  require_number(value, name);
  if (!(value.number() > 0)) {
    throw CommandError(code, name + "'s argument must be a positive number");
  }
  return real_result(evaluation, function(value.number()), value.is(Type::kDecimal128));
}

Value ln_of(Evaluation& evaluation, Arguments a) {
  return positive_log(evaluation, a[0], "$ln", 28766, [](double x) { return std::log(x); });
}
Value log10_of(Evaluation& evaluation, Arguments a) {
  return positive_log(evaluation, a[0], "$log10", 28761, [](double x) { return std::log10(x); });
}

double exp_fn(double x) { return std::exp(x); }
double sin_fn(double x) { return std::sin(x); }
double cos_fn(double x) { return std::cos(x); }
double tan_fn(double x) { return std::tan(x); }
double sinh_fn(double x) { return std::sinh(x); }
double cosh_fn(double x) { return std::cosh(x); }
double tanh_fn(double x) { return std::tanh(x); }
double asinh_fn(double x) { return std::asinh(x); }
double atan_fn(double x) { return std::atan(x); }
double to_radians(double x) { return x * std::numbers::pi / 180; }
double to_degrees(double x) { return x * 180 / std::numbers::pi; }
double asin_fn(double x) { return std::asin(x); }
double acos_fn(double x) { return std::acos(x); }
double acosh_fn(double x) { return std::acosh(x); }
double atanh_fn(double x) { return std::atanh(x); }

template <double (*kFunction)(double)>
Value real_function(Evaluation& evaluation, Arguments arguments) {
  const Value value = arguments[0];
  if (is_nullish(value)) return Arena::null();
  require_number(value, "the operator");
  const double result = kFunction(value.number());
  if (std::isnan(result) && !std::isnan(value.number())) {
    throw CommandError(50989, "cannot apply the operator to " + std::to_string(value.number()) +
                                  ", which is out of its bounds");
  }
  return real_result(evaluation, result, value.is(Type::kDecimal128));
}

Value atan2_of(Evaluation& evaluation, Arguments arguments) {
  if (is_nullish(arguments[0]) || is_nullish(arguments[1])) return Arena::null();
  require_number(arguments[0], "$atan2", 51044);
  require_number(arguments[1], "$atan2", 51045);
  return real_result(evaluation, std::atan2(arguments[0].number(), arguments[1].number()),
                     arguments[0].is(Type::kDecimal128) || arguments[1].is(Type::kDecimal128));
}

constexpr std::array kFunctions = {
    FunctionEntry{"$abs", 1, 1, abs_of},
    FunctionEntry{"$ceil", 1, 1, ceil_of},
    FunctionEntry{"$floor", 1, 1, floor_of},
    FunctionEntry{"$round", 1, 2, rounded<Rounding::kHalfEven>},
    FunctionEntry{"$trunc", 1, 2, rounded<Rounding::kTowardZero>},
    FunctionEntry{"$sqrt", 1, 1, sqrt_of},
    FunctionEntry{"$pow", 2, 2, pow_of},
    FunctionEntry{"$exp", 1, 1, real_function<exp_fn>},
    FunctionEntry{"$ln", 1, 1, ln_of},
    FunctionEntry{"$log", 2, 2, log_of},
    FunctionEntry{"$log10", 1, 1, log10_of},
    FunctionEntry{"$sin", 1, 1, real_function<sin_fn>},
    FunctionEntry{"$cos", 1, 1, real_function<cos_fn>},
    FunctionEntry{"$tan", 1, 1, real_function<tan_fn>},
    FunctionEntry{"$asin", 1, 1, real_function<asin_fn>},
    FunctionEntry{"$acos", 1, 1, real_function<acos_fn>},
    FunctionEntry{"$atan", 1, 1, real_function<atan_fn>},
    FunctionEntry{"$atan2", 2, 2, atan2_of},
    FunctionEntry{"$sinh", 1, 1, real_function<sinh_fn>},
    FunctionEntry{"$cosh", 1, 1, real_function<cosh_fn>},
    FunctionEntry{"$tanh", 1, 1, real_function<tanh_fn>},
    FunctionEntry{"$asinh", 1, 1, real_function<asinh_fn>},
    FunctionEntry{"$acosh", 1, 1, real_function<acosh_fn>},
    FunctionEntry{"$atanh", 1, 1, real_function<atanh_fn>},
    FunctionEntry{"$degreesToRadians", 1, 1, real_function<to_radians>},
    FunctionEntry{"$radiansToDegrees", 1, 1, real_function<to_degrees>},
};

}  // namespace

std::span<const FunctionEntry> math_functions() { return kFunctions; }

}  // namespace gesso::localdb
