#include "gesso/localdb/language/aggregate/convert.hpp"

#include <array>
#include <charconv>
#include <cmath>
#include <cstdio>

#include "gesso/base/clock.hpp"
#include "gesso/base/text.hpp"
#include "gesso/bson/decimal.hpp"
#include "gesso/localdb/language/aggregate/dates.hpp"
#include "gesso/localdb/language/aggregate/numeric.hpp"
#include "gesso/localdb/language/command_error.hpp"

namespace gesso::localdb {
namespace {

using bson::Type;
using bson::Value;

constexpr int kConversionFailure = 241;

[[noreturn]] void unsupported(Value value, Type to) {
  throw CommandError(kConversionFailure, "Unsupported conversion from " +
                                             std::string(bson::type_name(value.type())) + " to " +
                                             std::string(bson::type_name(to)) +
                                             " in $convert with no onError value");
}

[[noreturn]] void unparsable(Value value, Type to) {
  throw CommandError(kConversionFailure, "Failed to parse " + std::string(bson::type_name(to)) +
                                             " '" + std::string(value.as_string()) +
                                             "' in $convert with no onError value");
}

[[noreturn]] void overflow(Value value) {
  throw CommandError(kConversionFailure,
                     "Conversion would overflow target type in $convert with no onError value: " +
                         value_text(value));
}

// The shortest text that reads back as the same number; whole ones without a point.
std::string text_of(double value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value > 0 ? "Infinity" : "-Infinity";
  std::array<char, 32> buffer{};
  const bool plain = std::abs(value) < 1e15 && std::abs(value) >= 1e-4;
  const auto format = plain || value == 0 ? std::chars_format::fixed : std::chars_format::general;
  const auto result = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value, format);
  return {buffer.data(), result.ptr};
}

Value to_string(Value value, Arena& arena) {
  switch (value.type()) {
    case Type::kString:
      return value;
    case Type::kBool:
      return arena.string(value.as_bool() ? "true" : "false");
    case Type::kInt32:
    case Type::kInt64:
      return arena.string(std::to_string(Number(value).integer()));
    case Type::kDouble:
      return arena.string(text_of(value.as_double()));
    case Type::kDecimal128:
      return arena.string(bson::to_string(value.as_decimal128()));
    case Type::kObjectId:
      return arena.string(hex(value.raw()));
    case Type::kDate:
      return arena.string(format_date(value.as_int64(), kIsoFormat, {}));
    default:
      unsupported(value, Type::kString);
  }
}

Value to_bool(Value value) {
  switch (value.type()) {
    case Type::kString:
    case Type::kObjectId:
    case Type::kDate:
    case Type::kTimestamp:
      return Arena::boolean(true);
    default:
      break;
  }
  if (!value.is_number() && !value.is(Type::kBool)) unsupported(value, Type::kBool);
  return Arena::boolean(value.truthy());
}

template <class Integer>
Integer parse_integer(Value value, Type to) {
  const std::string_view text = value.as_string();
  Integer result = 0;
  const char* const end = text.data() + text.size();
  const char* begin = text.data();
  if (text.size() > 1 && text[0] == '+' && text[1] != '-') ++begin;
  const auto [stop, error] = std::from_chars(begin, end, result);
  if (error != std::errc{} || stop != end || text.empty()) unparsable(value, to);
  return result;
}

// Toward zero.
std::int64_t whole(Value value) {
  if (const auto exact = value.integer()) return *exact;
  const double number = std::trunc(value.number());
  if (!(number >= -0x1p63 && number < 0x1p63)) overflow(value);
  return static_cast<std::int64_t>(number);
}

Value to_int32(Value value, Arena& arena) {
  if (value.is_string()) return arena.int32(parse_integer<std::int32_t>(value, Type::kInt32));
  if (value.is(Type::kBool)) return arena.int32(value.as_bool() ? 1 : 0);
  if (!value.is_number()) unsupported(value, Type::kInt32);
  const std::int64_t number = whole(value);
  if (number < INT32_MIN || number > INT32_MAX) overflow(value);
  return arena.int32(static_cast<std::int32_t>(number));
}

Value to_int64(Value value, Arena& arena) {
  if (value.is_string()) return arena.int64(parse_integer<std::int64_t>(value, Type::kInt64));
  if (value.is(Type::kBool)) return arena.int64(value.as_bool() ? 1 : 0);
  if (value.is(Type::kDate)) return arena.int64(value.as_int64());
  if (!value.is_number()) unsupported(value, Type::kInt64);
  return arena.int64(whole(value));
}

Value to_double(Value value, Arena& arena) {
  if (value.is_string()) {
    const std::string_view text = value.as_string();
    double number = 0;
    const char* const end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data(), end, number);
    if (error != std::errc{} || stop != end) unparsable(value, Type::kDouble);
    return arena.real(number);
  }
  if (value.is(Type::kBool)) return arena.real(value.as_bool() ? 1 : 0);
  if (value.is(Type::kDate)) return arena.real(static_cast<double>(value.as_int64()));
  if (!value.is_number()) unsupported(value, Type::kDouble);
  return arena.real(value.number());
}

Value to_decimal(Value value, Arena& arena) {
  if (value.is_string()) {
    const auto decimal = bson::parse_decimal(value.as_string());
    if (!decimal) unparsable(value, Type::kDecimal128);
    return arena.decimal(*decimal);
  }
  if (value.is(Type::kBool)) {
    return arena.decimal(bson::decimal_from(std::int64_t{value.as_bool()}));
  }
  if (value.is(Type::kDate)) return arena.decimal(bson::decimal_from(value.as_int64()));
  if (!value.is_number()) unsupported(value, Type::kDecimal128);
  return arena.decimal(Number(value).to_decimal());
}

Value to_date(Value value, Arena& arena) {
  switch (value.type()) {
    case Type::kDate:
      return value;
    case Type::kObjectId: {
      const auto bytes = value.raw();
      const std::uint32_t seconds = static_cast<std::uint32_t>(bytes[0]) << 24 |
                                    static_cast<std::uint32_t>(bytes[1]) << 16 |
                                    static_cast<std::uint32_t>(bytes[2]) << 8 | bytes[3];
      return arena.date(std::int64_t{seconds} * 1000);
    }
    case Type::kTimestamp:
      return arena.date(std::int64_t{value.as_timestamp().seconds} * 1000);
    case Type::kInt64:
    case Type::kDouble:
    case Type::kDecimal128:
      return arena.date(whole(value));
    case Type::kString: {
      const auto date = parse_date(value.as_string(), {});
      if (!date) unparsable(value, Type::kDate);
      return arena.date(*date);
    }
    default:
      unsupported(value, Type::kDate);
  }
}

Value to_object_id(Value value, Arena& arena) {
  if (value.is(Type::kObjectId)) return value;
  if (!value.is_string()) unsupported(value, Type::kObjectId);
  const std::string_view text = value.as_string();
  std::array<std::uint8_t, 12> bytes{};
  if (text.size() != 2 * bytes.size()) unparsable(value, Type::kObjectId);
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    const char* const begin = text.data() + 2 * i;
    const auto [stop, error] = std::from_chars(begin, begin + 2, bytes[i], 16);
    if (error != std::errc{} || stop != begin + 2) unparsable(value, Type::kObjectId);
  }
  return arena.copy(Type::kObjectId, bytes);
}

}  // namespace

Value convert_value(Value value, Type to, Arena& arena) {
  switch (to) {
    case Type::kString:
      return to_string(value, arena);
    case Type::kBool:
      return to_bool(value);
    case Type::kInt32:
      return to_int32(value, arena);
    case Type::kInt64:
      return to_int64(value, arena);
    case Type::kDouble:
      return to_double(value, arena);
    case Type::kDecimal128:
      return to_decimal(value, arena);
    case Type::kDate:
      return to_date(value, arena);
    case Type::kObjectId:
      return to_object_id(value, arena);
    default:
      unsupported(value, to);
  }
}

std::string coerce_to_string(Value value) {
  switch (value.type()) {
    case Type::kMissing:
    case Type::kNull:
    case Type::kUndefined:
      return {};
    case Type::kString:
    case Type::kSymbol:
    case Type::kCode:
      return std::string(value.as_string());
    case Type::kInt32:
    case Type::kInt64:
    case Type::kDouble:
    case Type::kDecimal128:
    case Type::kDate: {
      Arena arena;
      return std::string(to_string(value, arena).as_string());
    }
    default:
      throw CommandError(16007, "can't convert from BSON type " +
                                    std::string(bson::type_name(value.type())) + " to String");
  }
}

}  // namespace gesso::localdb
