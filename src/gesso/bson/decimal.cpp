#include "gesso/bson/decimal.hpp"

#include <bson/bson.h>

#include <array>
#include <bit>
#include <cmath>
#include <cstdio>

// Intel's library, built to take values and to be told rounding and flags with each call. GCC has a
// type of its own for this, which other compilers have not.
#define DECIMAL_CALL_BY_REFERENCE 0
#define DECIMAL_GLOBAL_ROUNDING 0
#define DECIMAL_GLOBAL_EXCEPTION_FLAGS 0
extern "C" {
#include <bid_conf.h>
#include <bid_functions.h>
}

namespace gesso::bson {
namespace {

BID_UINT128 native(Decimal128 value) noexcept {
  static_assert(sizeof(BID_UINT128) == sizeof value);
  return std::bit_cast<BID_UINT128>(value);
}

Decimal128 portable(BID_UINT128 value) noexcept { return std::bit_cast<Decimal128>(value); }

// Inexact, overflow and the like are in the value itself: nobody asks for the flags.
class Flags {
  _IDEC_flags flags_ = 0;

 public:
  operator _IDEC_flags*() { return &flags_; }  // NOLINT: that is what it is for
  [[nodiscard]] bool invalid() const { return (flags_ & BID_INVALID_EXCEPTION) != 0; }
  [[nodiscard]] bool inexact() const { return (flags_ & BID_INEXACT_EXCEPTION) != 0; }
};

constexpr _IDEC_round kToNearest = BID_ROUNDING_TO_NEAREST;

}  // namespace

double decimal_to_double(Decimal128 value) noexcept {
  return bid128_to_binary64(native(value), kToNearest, Flags());
}

std::optional<std::int64_t> decimal_to_int64(Decimal128 value) noexcept {
  Flags flags;
  const BID_SINT64 integer = bid128_to_int64_xint(native(value), flags);
  if (flags.invalid() || flags.inexact()) return std::nullopt;
  return integer;
}

Decimal128 decimal_from(std::int64_t value) noexcept { return portable(bid128_from_int64(value)); }

Decimal128 decimal_from(double value) noexcept {
  if (!std::isfinite(value)) return decimal_exact(value);
  std::array<char, 40> text{};
  std::snprintf(text.data(), text.size(), "%.14e", value);
  return parse_decimal(text.data()).value_or(Decimal128{});
}

Decimal128 decimal_exact(double value) noexcept {
  return portable(binary64_to_bid128(value, kToNearest, Flags()));
}

bool is_nan(Decimal128 value) noexcept { return bid128_isNaN(native(value)) != 0; }

int compare(Decimal128 left, Decimal128 right) noexcept {
  const bool left_nan = is_nan(left);
  const bool right_nan = is_nan(right);
  if (left_nan || right_nan) return static_cast<int>(right_nan) - static_cast<int>(left_nan);
  const BID_UINT128 a = native(left);
  const BID_UINT128 b = native(right);
  return bid128_quiet_greater(a, b, Flags()) - bid128_quiet_less(a, b, Flags());
}

Decimal128 add(Decimal128 left, Decimal128 right) noexcept {
  return portable(bid128_add(native(left), native(right), kToNearest, Flags()));
}
Decimal128 subtract(Decimal128 left, Decimal128 right) noexcept {
  return portable(bid128_sub(native(left), native(right), kToNearest, Flags()));
}
Decimal128 multiply(Decimal128 left, Decimal128 right) noexcept {
  return portable(bid128_mul(native(left), native(right), kToNearest, Flags()));
}
Decimal128 divide(Decimal128 left, Decimal128 right) noexcept {
  return portable(bid128_div(native(left), native(right), kToNearest, Flags()));
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
