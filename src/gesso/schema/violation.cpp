#include "gesso/schema/violation.hpp"

#include <array>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <optional>

#include "gesso/base/text.hpp"
#include "gesso/bson/json.hpp"

namespace gesso::schema {
namespace {

constexpr std::size_t kLongestFound = 40;

std::string quoted(std::string_view text) {
  std::string result = "string \"";
  result += utf8_prefix(text, kLongestFound);
  result += text.size() > kLongestFound ? "...\"" : "\"";
  return result;
}

Violation of(std::string_view type, std::string message, std::string expected, std::string found) {
  return {.path = {},
          .type = std::string(type),
          .message = std::move(message),
          .expected = std::move(expected),
          .found = std::move(found)};
}

}  // namespace

std::string count_text(std::size_t count, LengthUnit unit) {
  std::string text = std::to_string(count);
  text += unit == LengthUnit::kBytes ? " byte" : " character";
  if (count != 1) text += 's';
  return text;
}

std::string length_text(std::size_t min, std::size_t max, LengthUnit unit) {
  if (min == 0) return "string of at most " + count_text(max, unit);
  return "string of " + std::to_string(min) + " to " + count_text(max, unit);
}

std::string alternatives(std::span<const std::string_view> texts) {
  std::string result;
  for (std::size_t i = 0; i < texts.size(); ++i) {
    if (i > 0) result += i + 1 == texts.size() ? " or " : ", ";
    result += '\'';
    result += texts[i];
    result += '\'';
  }
  return result;
}

namespace {

// Of a number that is one of 7.5's kind, with one decimal at most; where its text is at hand, the
// search for the shortest one, which takes a thousand instructions, is not needed. A decimal of 15
// digits or fewer is the only one of its length that reads as its double (IEEE 754).
std::optional<std::int64_t> tenths_of(double value) {
  constexpr double kMost = 1e6;
  if (!(std::abs(value) < kMost) || (value == 0 && std::signbit(value))) return std::nullopt;
  const auto tenths = static_cast<std::int64_t>(std::llround(value * 10));
  if (static_cast<double>(tenths) / 10 != value) return std::nullopt;
  return tenths;
}

std::string tenths_text(std::int64_t tenths) {
  const std::int64_t size = std::abs(tenths);
  std::string text = std::to_string(size / 10);
  if (tenths < 0) text.insert(text.begin(), '-');
  text += '.';
  text += static_cast<char>('0' + size % 10);
  return text;
}

}  // namespace

std::string number_text(double value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value < 0 ? "-Infinity" : "Infinity";
  if (const auto tenths = tenths_of(value)) return tenths_text(*tenths);
  std::array<char, 32> buffer{};
  const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value).ptr;
  std::string text(buffer.data(), end);
  if (text.find_first_of(".e") == std::string::npos) text += ".0";
  return text;
}

std::string found_text(bson::Value value) {
  switch (value.type()) {
    case bson::Type::kMissing:
      return "nothing";
    case bson::Type::kNull:
      return "null";
    case bson::Type::kString:
      return quoted(value.as_string());
    case bson::Type::kDocument:
      return "object";
    case bson::Type::kArray:
      return "array";
    case bson::Type::kBool:
      return value.as_bool() ? "bool true" : "bool false";
    case bson::Type::kInt32:
      return "int " + std::to_string(value.as_int32());
    case bson::Type::kInt64:
      return "long " + std::to_string(value.as_int64());
    case bson::Type::kDouble:
      return "double " + number_text(value.as_double());
    case bson::Type::kDate:
      return "date " + to_iso8601(value.as_date());
    default:
      return std::string(bson::type_name(value.type()));
  }
}

Violation missing() { return of("missing", "Field required", {}, "nothing"); }

Violation extra_forbidden(bson::Value found) {
  // The type alone: a misspelt "password" has a value that must not be repeated.
  return of("extra_forbidden", "Extra inputs are not permitted", "no such field",
            std::string(bson::type_name(found.type())));
}

Violation wrong_type(std::string_view type, std::string_view message, bson::Value found) {
  return of(type, std::string(message), {}, found_text(found));
}

Violation too_short(std::size_t min, std::size_t found, LengthUnit unit) {
  return of("string_too_short", "String should have at least " + count_text(min, unit), {},
            "string of " + count_text(found, unit));
}

Violation too_long(std::size_t max, std::size_t found, LengthUnit unit) {
  return of("string_too_long", "String should have at most " + count_text(max, unit), {},
            "string of " + count_text(found, unit));
}

Violation not_utf8() {
  return of("string_unicode",
            "Input should be a valid string, unable to parse raw data as a unicode string", {},
            "string that is not UTF-8");
}

Violation below(std::string_view min, std::string_view found) {
  return of("greater_than_equal", "Input should be greater than or equal to " + std::string(min),
            {}, std::string(found));
}

Violation above(std::string_view max, std::string_view found) {
  return of("less_than_equal", "Input should be less than or equal to " + std::string(max), {},
            std::string(found));
}

Violation not_in_enum(std::span<const std::string_view> texts, bson::Value found) {
  const std::string listed = alternatives(texts);
  return of("enum", "Input should be " + listed, listed, found_text(found));
}

Violation not_in_enum(std::span<const std::string_view> texts, std::string_view found) {
  const std::string listed = alternatives(texts);
  return of("enum", "Input should be " + listed, listed, quoted(found));
}

Violation pattern_mismatch(std::string_view pattern, std::string_view found) {
  return of("string_pattern_mismatch", "String should match pattern '" + std::string(pattern) + "'",
            {}, quoted(found));
}

Violation value_error(std::string_view message, std::string_view found) {
  return of("value_error", std::string(message), {}, quoted(found));
}

}  // namespace gesso::schema
