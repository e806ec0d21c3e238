#include "gesso/localdb/language/match/type_set.hpp"

#include <algorithm>
#include <array>
#include <string>

#include "gesso/localdb/language/command_error.hpp"

namespace gesso::localdb {
namespace {

using bson::Type;
using bson::Value;

constexpr std::array kTypes = {
    Type::kDouble,    Type::kString,    Type::kDocument, Type::kArray,      Type::kBinary,
    Type::kUndefined, Type::kObjectId,  Type::kBool,     Type::kDate,       Type::kNull,
    Type::kRegex,     Type::kDbPointer, Type::kCode,     Type::kSymbol,     Type::kCodeWithScope,
    Type::kInt32,     Type::kTimestamp, Type::kInt64,    Type::kDecimal128, Type::kMinKey,
    Type::kMaxKey,
};

constexpr std::array kNumbers = {Type::kDouble, Type::kInt32, Type::kInt64, Type::kDecimal128};

}  // namespace

std::optional<Type> type_of_alias(std::string_view alias) noexcept {
  const auto* found =
      std::ranges::find_if(kTypes, [alias](Type type) { return bson::type_name(type) == alias; });
  return found == kTypes.end() ? std::nullopt : std::optional(*found);
}

std::optional<Type> type_of_number(double number) noexcept {
  if (number == -1) return Type::kMinKey;
  const auto* found = std::ranges::find_if(kTypes, [number](Type type) {
    return type != Type::kMinKey && static_cast<double>(type) == number;
  });
  return found == kTypes.end() ? std::nullopt : std::optional(*found);
}

void TypeSet::add(Value operand) {
  std::optional<Type> type;
  if (operand.is_string()) {
    if (operand.as_string() == "number") {
      types_.insert(types_.end(), kNumbers.begin(), kNumbers.end());
      return;
    }
    type = type_of_alias(operand.as_string());
    if (!type) {
      throw CommandError(ErrorCode::kBadValue,
                         "Unknown type name alias: " + std::string(operand.as_string()));
    }
  } else if (operand.is_number()) {
    type = type_of_number(operand.number());
    if (!type) {
      throw CommandError(ErrorCode::kBadValue,
                         "Invalid numerical type code: " + value_text(operand));
    }
  } else {
    throw CommandError(ErrorCode::kTypeMismatch,
                       "type must be represented as a number or a string");
  }
  types_.push_back(*type);
}

TypeSet TypeSet::parse(Value operand) {
  TypeSet set;
  if (!operand.is_array()) {
    set.add(operand);
    return set;
  }
  for (const bson::Element& element : operand.as_document()) set.add(element.value);
  if (set.types_.empty()) {
    throw CommandError(ErrorCode::kFailedToParse, "$type must match at least one type");
  }
  return set;
}

bool TypeSet::contains(Type type) const noexcept {
  return std::ranges::find(types_, type) != types_.end();
}

}  // namespace gesso::localdb
