#include "gesso/azure/json_values.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "gesso/base/text.hpp"

namespace gesso::azure {
namespace {

namespace json = boost::json;

std::optional<std::int64_t> in_range(std::int64_t number) {
  if (number < 0 || number > kMaxSeconds) return std::nullopt;
  return number;
}

std::optional<std::int64_t> in_range(double number) {
  if (!(number >= 0 && number <= static_cast<double>(kMaxSeconds))) return std::nullopt;
  return static_cast<std::int64_t>(std::floor(number));
}

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kBlanks = " \t\r\n";
  text.remove_prefix(std::min(text.find_first_not_of(kBlanks), text.size()));
  return text.substr(0, text.find_last_not_of(kBlanks) + 1);
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }

}  // namespace

const json::value* member(const json::object& object, std::string_view name) {
  const json::value* value = object.if_contains(name);
  return value == nullptr || value->is_null() ? nullptr : value;
}

std::optional<std::string_view> string_member(const json::object& object, std::string_view name) {
  const json::value* value = object.if_contains(name);
  if (value == nullptr || !value->is_string()) return std::nullopt;
  return std::string_view(value->get_string());
}

std::optional<std::int64_t> read_seconds(const json::value& value) {
  if (value.is_int64()) return in_range(value.get_int64());
  if (value.is_double()) return in_range(value.get_double());
  if (!value.is_string()) return std::nullopt;
  const std::string_view text = trimmed(value.get_string());
  const char* const last = text.data() + text.size();
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), last, number);
  if (error != std::errc{}) return std::nullopt;
  // A fraction, as of "3599.0", is cut off.
  if (end != last && (*end != '.' || !std::all_of(end + 1, last, is_digit))) return std::nullopt;
  return in_range(number);
}

std::optional<bool> read_flag(const json::value& value) {
  if (value.is_bool()) return value.get_bool();
  if (!value.is_string()) return std::nullopt;
  const std::string_view text = trimmed(value.get_string());
  if (equal_ignoring_case(text, "true")) return true;
  if (equal_ignoring_case(text, "false")) return false;
  return std::nullopt;
}

}  // namespace gesso::azure
