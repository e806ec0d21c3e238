#include "gesso/bson/shell_text.hpp"

#include <array>
#include <charconv>
#include <cmath>

#include "gesso/base/text.hpp"
#include "gesso/bson/json.hpp"

namespace gesso::bson {
namespace {

std::string double_text(double number) {
  if (std::isnan(number)) return "nan.0";
  if (std::isinf(number)) return number < 0 ? "-inf.0" : "inf.0";
  std::array<char, 32> text{};
  const auto end = std::to_chars(text.data(), text.data() + text.size(), number).ptr;
  std::string out(text.data(), end);
  if (out.find_first_of(".e") == std::string::npos) out += ".0";
  return out;
}

std::string array_text(View array) {
  std::string out = "[ ";
  for (const Element& element : array) {
    if (out.size() > 2) out += ", ";
    out += shell_text(element.value);
  }
  return out + " ]";
}

}  // namespace

std::string shell_text(View document) {
  std::string out = "{";
  for (const Element& element : document) {
    out += out.size() > 1 ? ", " : " ";
    out.append(element.key).append(": ").append(shell_text(element.value));
  }
  return out + " }";
}

std::string shell_text(Value value) {
  switch (value.type()) {
    case Type::kDouble:
      return double_text(value.as_double());
    case Type::kInt32:
      return std::to_string(value.as_int32());
    case Type::kInt64:
      return std::to_string(value.as_int64());
    case Type::kString:
    case Type::kSymbol:
      return '"' + std::string(value.as_string()) + '"';
    case Type::kObjectId:
      return "ObjectId('" + hex(value.raw()) + "')";
    case Type::kDate:
      return "new Date(" + std::to_string(value.as_int64()) + ")";
    case Type::kBool:
      return value.as_bool() ? "true" : "false";
    case Type::kBinary:
      return "BinData(" + std::to_string(value.as_binary().subtype) + ", " +
             hex(value.as_binary().bytes) + ")";
    case Type::kTimestamp:
      return "Timestamp(" + std::to_string(value.as_timestamp().seconds) + ", " +
             std::to_string(value.as_timestamp().increment) + ")";
    case Type::kMissing:
    case Type::kNull:
      return "null";
    case Type::kUndefined:
      return "undefined";
    case Type::kMinKey:
      return "MinKey";
    case Type::kMaxKey:
      return "MaxKey";
    case Type::kDocument:
      return shell_text(value.as_document());
    case Type::kArray:
      return array_text(value.as_document());
    default:
      return to_json(value);
  }
}

}  // namespace gesso::bson
