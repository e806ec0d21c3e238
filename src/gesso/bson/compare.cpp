#include "gesso/bson/compare.hpp"

#include <algorithm>
#include <cmath>

#include "gesso/bson/decimal.hpp"

namespace gesso::bson {
namespace {

template <class T>
int three_way(const T& left, const T& right) noexcept {
  return static_cast<int>(right < left) - static_cast<int>(left < right);
}

int compare_bytes(std::span<const std::uint8_t> left,
                  std::span<const std::uint8_t> right) noexcept {
  const std::size_t common = std::min(left.size(), right.size());
  const int order = common == 0 ? 0 : std::memcmp(left.data(), right.data(), common);
  return order != 0 ? order : three_way(left.size(), right.size());
}

int compare_text(std::string_view left, std::string_view right) noexcept {
  return left.compare(right);
}

int compare_doubles(double left, double right) noexcept {
  const bool left_nan = std::isnan(left);
  const bool right_nan = std::isnan(right);
  if (left_nan || right_nan) return static_cast<int>(right_nan) - static_cast<int>(left_nan);
  return three_way(left, right);
}

// Without the rounding that a conversion to double brings beyond 2^53.
int compare_int_double(std::int64_t left, double right) noexcept {
  if (std::isnan(right)) return 1;
  if (right >= 0x1p63) return -1;
  if (right < -0x1p63) return 1;
  const double whole = std::trunc(right);
  const auto right_integer = static_cast<std::int64_t>(whole);
  if (left != right_integer) return three_way(left, right_integer);
  return three_way(whole, right);  // the fraction decides: 2 < 2.5, -2 > -2.5
}

Decimal128 to_decimal(Value number) noexcept {
  switch (number.type()) {
    case Type::kInt32:
      return decimal_from(std::int64_t{number.as_int32()});
    case Type::kInt64:
      return decimal_from(number.as_int64());
    case Type::kDouble:
      return decimal_exact(number.as_double());
    default:
      return number.as_decimal128();
  }
}

std::int64_t as_integer(Value number) noexcept {
  return number.is(Type::kInt32) ? number.as_int32() : number.as_int64();
}

// string(length, text) and the 12 bytes behind it; then code and its scope.
int compare_db_pointers(Value left, Value right) noexcept {
  const int by_length = three_way(left.raw().size(), right.raw().size());
  return by_length != 0 ? by_length : compare_bytes(left.raw(), right.raw());
}

int compare_scoped_code(Value left, Value right) noexcept {
  const auto parts = [](Value value) {
    const std::uint8_t* const start = value.raw().data() + 4;
    const auto length = detail::load<std::uint32_t>(start);
    return std::pair{std::string_view(reinterpret_cast<const char*>(start + 4), length - 1),
                     View(start + 4 + length)};
  };
  const auto [left_code, left_scope] = parts(left);
  const auto [right_code, right_scope] = parts(right);
  const int by_code = compare_text(left_code, right_code);
  return by_code != 0 ? by_code : compare(left_scope, right_scope);
}

}  // namespace

int type_order(Type type) noexcept {
  switch (type) {
    case Type::kMinKey:
      return 0;
    case Type::kUndefined:
      return 1;
    case Type::kMissing:
    case Type::kNull:
      return 2;
    case Type::kDouble:
    case Type::kInt32:
    case Type::kInt64:
    case Type::kDecimal128:
      return 3;
    case Type::kString:
    case Type::kSymbol:
      return 4;
    case Type::kDocument:
      return 5;
    case Type::kArray:
      return 6;
    case Type::kBinary:
      return 7;
    case Type::kObjectId:
      return 8;
    case Type::kBool:
      return 9;
    case Type::kDate:
      return 10;
    case Type::kTimestamp:
      return 11;
    case Type::kRegex:
      return 12;
    case Type::kDbPointer:
      return 13;
    case Type::kCode:
      return 14;
    case Type::kCodeWithScope:
      return 15;
    case Type::kMaxKey:
      return 16;
  }
  return 2;
}

int compare_numbers(Value left, Value right) noexcept {
  if (left.is(Type::kDecimal128) || right.is(Type::kDecimal128)) {
    return compare(to_decimal(left), to_decimal(right));
  }
  if (left.is(Type::kDouble)) {
    if (right.is(Type::kDouble)) return compare_doubles(left.as_double(), right.as_double());
    return -compare_int_double(as_integer(right), left.as_double());
  }
  if (right.is(Type::kDouble)) return compare_int_double(as_integer(left), right.as_double());
  return three_way(as_integer(left), as_integer(right));
}

int compare(Value left, Value right) noexcept {
  const int left_order = type_order(left.type());
  const int right_order = type_order(right.type());
  if (left_order != right_order) return three_way(left_order, right_order);
  switch (left.type()) {
    case Type::kDouble:
    case Type::kInt32:
    case Type::kInt64:
    case Type::kDecimal128:
      return compare_numbers(left, right);
    case Type::kString:
    case Type::kSymbol:
    case Type::kCode:
      return compare_text(left.as_string(), right.as_string());
    case Type::kDocument:
    case Type::kArray:
      return compare(left.as_document(), right.as_document());
    case Type::kBinary: {
      const Binary a = left.as_binary();
      const Binary b = right.as_binary();
      if (a.bytes.size() != b.bytes.size()) return three_way(a.bytes.size(), b.bytes.size());
      if (a.subtype != b.subtype) return three_way(a.subtype, b.subtype);
      return compare_bytes(a.bytes, b.bytes);
    }
    case Type::kObjectId:
      return compare_bytes(left.raw(), right.raw());
    case Type::kBool:
      return three_way(left.as_bool(), right.as_bool());
    case Type::kDate:
      return three_way(left.as_int64(), right.as_int64());
    case Type::kTimestamp: {
      const Timestamp a = left.as_timestamp();
      const Timestamp b = right.as_timestamp();
      return a.seconds != b.seconds ? three_way(a.seconds, b.seconds)
                                    : three_way(a.increment, b.increment);
    }
    case Type::kRegex: {
      const Regex a = left.as_regex();
      const Regex b = right.as_regex();
      const int by_pattern = compare_text(a.pattern, b.pattern);
      return by_pattern != 0 ? by_pattern : compare_text(a.options, b.options);
    }
    case Type::kDbPointer:
      return compare_db_pointers(left, right);
    case Type::kCodeWithScope:
      return compare_scoped_code(left, right);
    case Type::kMissing:
    case Type::kUndefined:
    case Type::kNull:
    case Type::kMinKey:
    case Type::kMaxKey:
      return 0;
  }
  return 0;
}

int compare(View left, View right) noexcept {
  auto a = left.begin();
  auto b = right.begin();
  for (; a != left.end() && b != right.end(); ++a, ++b) {
    const int by_type = three_way(type_order(a->value.type()), type_order(b->value.type()));
    if (by_type != 0) return by_type;
    const int by_key = compare_text(a->key, b->key);
    if (by_key != 0) return by_key;
    const int by_value = compare(a->value, b->value);
    if (by_value != 0) return by_value;
  }
  return static_cast<int>(a != left.end()) - static_cast<int>(b != right.end());
}

}  // namespace gesso::bson
