// The types of BSON (https://bsonspec.org/spec.html) and the payloads that C++ has no type for.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

namespace gesso::bson {

enum class Type : std::uint8_t {
  kMissing = 0x00,  // no such element: what a look-up of an absent key gives; never stored
  kDouble = 0x01,
  kString = 0x02,
  kDocument = 0x03,
  kArray = 0x04,
  kBinary = 0x05,
  kUndefined = 0x06,
  kObjectId = 0x07,
  kBool = 0x08,
  kDate = 0x09,
  kNull = 0x0A,
  kRegex = 0x0B,
  kDbPointer = 0x0C,
  kCode = 0x0D,
  kSymbol = 0x0E,
  kCodeWithScope = 0x0F,
  kInt32 = 0x10,
  kTimestamp = 0x11,
  kInt64 = 0x12,
  kDecimal128 = 0x13,
  kMinKey = 0xFF,
  kMaxKey = 0x7F,
};

// The alias that `$type` and error messages use: "double", "string", "object", "array", "int", ...
[[nodiscard]] std::string_view type_name(Type type) noexcept;

struct Null {};
struct MinKey {};
struct MaxKey {};

struct ObjectId {
  std::array<std::uint8_t, 12> bytes{};
  friend bool operator==(const ObjectId&, const ObjectId&) = default;
};

struct Timestamp {
  std::uint32_t seconds = 0;
  std::uint32_t increment = 0;
  friend bool operator==(const Timestamp&, const Timestamp&) = default;
};

// IEEE 754-2008 decimal128 in binary integer encoding, as BSON stores it.
struct Decimal128 {
  std::uint64_t low = 0;
  std::uint64_t high = 0;
};

// Borrows its bytes.
struct Binary {
  std::uint8_t subtype = 0;
  std::span<const std::uint8_t> bytes;
};

// Borrows its text.
struct Regex {
  std::string_view pattern;
  std::string_view options;
};

}  // namespace gesso::bson
