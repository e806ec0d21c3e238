#include "gesso/localdb/index/key_encoder.hpp"

#include <array>
#include <bit>
#include <cmath>
#include <cstdint>

#include "gesso/base/crypto.hpp"
#include "gesso/bson/compare.hpp"
#include "gesso/bson/decimal.hpp"

namespace gesso::localdb {
namespace {

using bson::Type;
using bson::Value;

// Behind the eight bytes of the nearest double: where the number stands to that double.
constexpr char kBelow = 1;
constexpr char kSame = 2;
constexpr char kAbove = 3;

template <class T>
void put_big_endian(T number, std::string& out) {
  for (int shift = (static_cast<int>(sizeof number) - 1) * 8; shift >= 0; shift -= 8) {
    out.push_back(static_cast<char>(static_cast<std::uint8_t>(number >> shift)));
  }
}

void put_signed(std::int64_t number, std::string& out) {
  put_big_endian(static_cast<std::uint64_t>(number) ^ (std::uint64_t{1} << 63), out);
}

// Ordered as the doubles are; NaN below all, the two zeros equal.
void put_double(double number, std::string& out) {
  if (std::isnan(number)) {
    put_big_endian(std::uint64_t{0}, out);
    return;
  }
  const auto bits = std::bit_cast<std::uint64_t>(number == 0 ? 0.0 : number);
  constexpr std::uint64_t kSign = std::uint64_t{1} << 63;
  put_big_endian((bits & kSign) != 0 ? ~bits : bits | kSign, out);
}

// What a decimal128 says: coefficient * 10^exponent, for a finite one other than zero.
// https://en.wikipedia.org/wiki/Decimal128_floating-point_format, binary integer encoding.
void put_decimal(bson::Decimal128 number, std::string& out) {
  __extension__ using Wide = unsigned __int128;
  const bool negative = (number.high >> 63) != 0;
  auto exponent = static_cast<int>(number.high >> 49 & 0x3FFF);
  Wide coefficient = static_cast<Wide>(number.high & 0x1FFFFFFFFFFFF) << 64 | number.low;
  std::array<std::uint8_t, 34> digits{};
  std::size_t count = 0;
  for (Wide rest = coefficient; rest != 0; rest /= 10) ++count;
  for (std::size_t i = count; i-- > 0; coefficient /= 10) {
    digits.at(i) = static_cast<std::uint8_t>(coefficient % 10);
  }
  const std::size_t start = out.size();
  out.push_back('\1');
  // The exponent of the first digit, then the digits two by two: 1.00 and 1 come out the same.
  exponent += static_cast<int>(count);
  put_big_endian(static_cast<std::uint16_t>(exponent), out);
  for (std::size_t i = 0; i < digits.size(); i += 2) {
    out.push_back(static_cast<char>(digits[i] * 10 + digits[i + 1]));
  }
  if (negative) {
    for (std::size_t i = start; i < out.size(); ++i) out[i] = static_cast<char>(~out[i]);
  }
}

// A number that its nearest double does not say in full carries its decimal behind it.
void put_inexact(bson::Decimal128 number, std::string& out) {
  const double nearest = bson::decimal_to_double(number);
  put_double(nearest, out);
  const int order = bson::compare(number, bson::decimal_exact(nearest));
  out.push_back(order == 0 ? kSame : order < 0 ? kBelow : kAbove);
  if (order != 0) put_decimal(number, out);
}

void put_number(Value number, std::string& out) {
  if (number.is(Type::kDecimal128)) {
    const bson::Decimal128 decimal = number.as_decimal128();
    if (!bson::is_nan(decimal)) {
      put_inexact(decimal, out);
      return;
    }
    put_double(std::nan(""), out);
  } else if (number.is(Type::kInt64)) {
    const std::int64_t integer = number.as_int64();
    constexpr std::int64_t kExact = std::int64_t{1} << 53;
    if (integer > kExact || integer < -kExact) {
      put_inexact(bson::decimal_from(integer), out);
      return;
    }
    put_double(static_cast<double>(integer), out);
  } else {
    put_double(number.number(), out);
  }
  out.push_back(kSame);
}

// Any bytes, ended: 00 becomes 00 FF and the end is 00 01, so a shorter text comes first.
void put_text(std::string_view text, std::string& out) {
  std::size_t from = 0;
  for (std::size_t nul = text.find('\0'); nul != std::string_view::npos;
       nul = text.find('\0', from)) {
    out.append(text, from, nul - from).append("\0\xFF", 2);
    from = nul + 1;
  }
  out.append(text, from).append("\0\1", 2);
}

void put_bytes(std::span<const std::uint8_t> bytes, std::string& out) {
  out.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
}

void put_value(Value value, std::string& out);

void put_elements(bson::View view, bool with_names, std::string& out) {
  for (const bson::Element& element : view) {
    const std::size_t type_at = out.size();
    put_value(element.value, out);
    if (with_names) {
      // The name stands between the type and the payload, as `bson::compare` looks at them.
      std::string name;
      put_text(element.key, name);
      out.insert(type_at + 1, name);
    }
  }
  out.push_back('\0');
}

void put_value(Value value, std::string& out) {
  out.push_back(class_byte(value.type()));
  switch (value.type()) {
    case Type::kDouble:
    case Type::kInt32:
    case Type::kInt64:
    case Type::kDecimal128:
      return put_number(value, out);
    case Type::kString:
    case Type::kSymbol:
    case Type::kCode:
      return put_text(value.as_string(), out);
    case Type::kDocument:
      return put_elements(value.as_document(), true, out);
    case Type::kArray:
      return put_elements(value.as_document(), false, out);
    case Type::kBinary: {
      const bson::Binary binary = value.as_binary();
      put_big_endian(static_cast<std::uint32_t>(binary.bytes.size()), out);
      out.push_back(static_cast<char>(binary.subtype));
      return put_bytes(binary.bytes, out);
    }
    case Type::kObjectId:
      return put_bytes(value.raw(), out);
    case Type::kBool:
      out.push_back(value.as_bool() ? '\1' : '\0');
      return;
    case Type::kDate:
      return put_signed(value.as_int64(), out);
    case Type::kTimestamp:
      put_big_endian(value.as_timestamp().seconds, out);
      return put_big_endian(value.as_timestamp().increment, out);
    case Type::kRegex: {
      const bson::Regex regex = value.as_regex();
      put_text(regex.pattern, out);
      return put_text(regex.options, out);
    }
    case Type::kDbPointer:
      put_big_endian(static_cast<std::uint32_t>(value.raw().size()), out);
      return put_bytes(value.raw(), out);
    case Type::kCodeWithScope: {
      const std::uint8_t* const start = value.raw().data() + 4;
      const auto length = bson::detail::load<std::uint32_t>(start);
      put_text({reinterpret_cast<const char*>(start + 4), length - 1}, out);
      return put_elements(bson::View(start + 4 + length), true, out);
    }
    case Type::kMissing:
    case Type::kUndefined:
    case Type::kNull:
    case Type::kMinKey:
    case Type::kMaxKey:
      return;
  }
}

}  // namespace

char class_byte(Type type) {
  // Never 00, which ends a document, nor FF, so that class + 1 bounds a class above.
  return static_cast<char>(8 + 4 * bson::type_order(type));
}

void encode_value(Value value, bool descending, std::string& out) {
  const std::size_t start = out.size();
  put_value(value, out);
  if (!descending) return;
  for (std::size_t i = start; i < out.size(); ++i) out[i] = static_cast<char>(~out[i]);
}

std::string successor(std::string_view prefix) {
  while (!prefix.empty() && prefix.back() == '\xFF') prefix.remove_suffix(1);
  std::string next(prefix);
  if (!next.empty()) {
    next.back() = static_cast<char>(static_cast<std::uint8_t>(next.back()) + 1);
  }
  return next;
}

bool truncate_key(std::string& key) {
  if (key.size() <= kMaxKeyBytes) return false;
  const Digest hash = sha256(key);
  key.resize(kCutKeyBytes);
  put_bytes(hash, key);
  return true;
}

}  // namespace gesso::localdb
