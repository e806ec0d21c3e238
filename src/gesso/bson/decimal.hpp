// decimal128 arithmetic for BSON: GCC's own _Decimal128 has BSON's bytes on x86-64 (binary integer
// encoding), so what libgcc offers serves; the rest is Intel's library, wrapped in decimal.cpp.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "gesso/bson/types.hpp"

namespace gesso::bson {

[[nodiscard]] double decimal_to_double(Decimal128 value) noexcept;
// The value where it is integral and fits.
[[nodiscard]] std::optional<std::int64_t> decimal_to_int64(Decimal128 value) noexcept;
[[nodiscard]] Decimal128 decimal_from(std::int64_t value) noexcept;
// Rounded to 15 significant digits first, as MongoDB converts a double.
[[nodiscard]] Decimal128 decimal_from(double value) noexcept;
// The nearest decimal of 34 digits; for comparison.
[[nodiscard]] Decimal128 decimal_exact(double value) noexcept;

[[nodiscard]] bool is_nan(Decimal128 value) noexcept;
// -1, 0, 1 in the order of BSON: NaN equals NaN and is below every other number.
[[nodiscard]] int compare(Decimal128 left, Decimal128 right) noexcept;

[[nodiscard]] Decimal128 add(Decimal128 left, Decimal128 right) noexcept;
[[nodiscard]] Decimal128 subtract(Decimal128 left, Decimal128 right) noexcept;
[[nodiscard]] Decimal128 multiply(Decimal128 left, Decimal128 right) noexcept;
[[nodiscard]] Decimal128 divide(Decimal128 left, Decimal128 right) noexcept;

[[nodiscard]] std::string to_string(Decimal128 value);
[[nodiscard]] std::optional<Decimal128> parse_decimal(std::string_view text);

}  // namespace gesso::bson
