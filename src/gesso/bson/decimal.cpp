#include "gesso/bson/decimal.hpp"

#include <bson/bson.h>

#include <array>
#include <bit>
#include <cmath>
#include <cstdio>

namespace gesso::bson {
namespace {

// GCC's decimal floating type; not spelled _Decimal128 in C++.
using Native = float __attribute__((mode(TD)));

Native native(Decimal128 value) noexcept {
  static_assert(sizeof(Native) == sizeof value);
  return std::bit_cast<Native>(value);
}

Decimal128 portable(Native value) noexcept { return std::bit_cast<Decimal128>(value); }

}  // namespace

double decimal_to_double(Decimal128 value) noexcept { return static_cast<double>(native(value)); }

std::optional<std::int64_t> decimal_to_int64(Decimal128 value) noexcept {
  if (is_nan(value) || is_infinite(value)) return std::nullopt;
  const Native number = native(value);
  const Native lowest = static_cast<Native>(INT64_MIN);
  const Native highest = static_cast<Native>(INT64_MAX);
  if (number < lowest || number > highest) return std::nullopt;
  const auto integer = static_cast<std::int64_t>(number);
  if (static_cast<Native>(integer) != number) return std::nullopt;
  return integer;
}

Decimal128 decimal_from(std::int64_t value) noexcept {
  return portable(static_cast<Native>(value));
}

Decimal128 decimal_from(double value) noexcept {
  if (!std::isfinite(value)) return portable(static_cast<Native>(value));
  std::array<char, 40> text{};
  std::snprintf(text.data(), text.size(), "%.14e", value);
  return parse_decimal(text.data()).value_or(Decimal128{});
}

Decimal128 decimal_exact(double value) noexcept { return portable(static_cast<Native>(value)); }

bool is_nan(Decimal128 value) noexcept {
  const Native number = native(value);
  return number != number;  // NOLINT: the definition of NaN
}

bool is_infinite(Decimal128 value) noexcept {
  return (value.high & 0x7C00000000000000U) == 0x7800000000000000U;
}

int compare(Decimal128 left, Decimal128 right) noexcept {
  const bool left_nan = is_nan(left);
  const bool right_nan = is_nan(right);
  if (left_nan || right_nan) return static_cast<int>(right_nan) - static_cast<int>(left_nan);
  const Native a = native(left);
  const Native b = native(right);
  return static_cast<int>(a > b) - static_cast<int>(a < b);
}

Decimal128 add(Decimal128 left, Decimal128 right) noexcept {
  return portable(native(left) + native(right));
}
Decimal128 subtract(Decimal128 left, Decimal128 right) noexcept {
  return portable(native(left) - native(right));
}
Decimal128 multiply(Decimal128 left, Decimal128 right) noexcept {
  return portable(native(left) * native(right));
}
Decimal128 divide(Decimal128 left, Decimal128 right) noexcept {
  return portable(native(left) / native(right));
}

std::string to_string(Decimal128 value) {
  const bson_decimal128_t raw{.low = value.low, .high = value.high};
  std::array<char, BSON_DECIMAL128_STRING> text{};
  bson_decimal128_to_string(&raw, text.data());
  return text.data();
}

std::optional<Decimal128> parse_decimal(std::string_view text) {
  bson_decimal128_t raw{};
  if (!bson_decimal128_from_string(std::string(text).c_str(), &raw)) return std::nullopt;
  return Decimal128{.low = raw.low, .high = raw.high};
}

}  // namespace gesso::bson
