// Dates to and from text.
#include <algorithm>
#include <array>

#include "gesso/base/clock.hpp"
#include "gesso/localdb/language/aggregate/dates.hpp"
#include "gesso/localdb/language/command_error.hpp"

namespace gesso::localdb {
namespace {

constexpr std::int64_t kMinute = 60 * 1000;

constexpr std::array<std::string_view, 12> kMonths = {
    "January", "February", "March",     "April",   "May",      "June",
    "July",    "August",   "September", "October", "November", "December"};

std::string padded(std::int64_t value, std::size_t width) {
  std::string text = std::to_string(value < 0 ? -value : value);
  if (text.size() < width) text.insert(0, width - text.size(), '0');
  return value < 0 ? "-" + text : text;
}

std::string offset_text(Zone zone) {
  const std::int64_t minutes = zone.offset / kMinute;
  const std::int64_t size = minutes < 0 ? -minutes : minutes;
  return (minutes < 0 ? "-" : "+") + padded(size / 60, 2) + padded(size % 60, 2);
}

// Weeks begin on Sunday; the days before the first are week 0.
int sunday_week(const DateParts& parts) { return (parts.day_of_year - 1 - parts.weekday + 7) / 7; }

std::string field(char specifier, const DateParts& parts, Zone zone) {
  switch (specifier) {
    case 'Y':
      return padded(parts.year, 4);
    case 'm':
      return padded(parts.month, 2);
    case 'd':
      return padded(parts.day, 2);
    case 'H':
      return padded(parts.hour, 2);
    case 'M':
      return padded(parts.minute, 2);
    case 'S':
      return padded(parts.second, 2);
    case 'L':
      return padded(parts.millisecond, 3);
    case 'j':
      return padded(parts.day_of_year, 3);
    case 'w':
      return std::to_string(parts.weekday + 1);
    case 'u':
      return std::to_string(parts.weekday == 0 ? 7 : parts.weekday);
    case 'U':
      return padded(sunday_week(parts), 2);
    case 'V':
      return padded(parts.iso_week, 2);
    case 'G':
      return padded(parts.iso_year, 4);
    case 'b':
      return std::string(kMonths[static_cast<std::size_t>(parts.month - 1)].substr(0, 3));
    case 'B':
      return std::string(kMonths[static_cast<std::size_t>(parts.month - 1)]);
    case 'z':
      return offset_text(zone);
    case 'Z':
      return padded(zone.offset / kMinute, 1);
    case '%':
      return "%";
    default:
      throw CommandError(
          18536, std::string("Invalid format character '%") + specifier + "' in format string");
  }
}

char specifier_at(std::string_view format, std::size_t at) {
  if (at >= format.size()) throw CommandError(18535, "Unmatched '%' at end of format string");
  return format[at];
}

// Takes up to `most` digits off the front.
std::optional<int> take_number(std::string_view& text, std::size_t most) {
  std::size_t length = 0;
  int value = 0;
  while (length < std::min(most, text.size()) && text[length] >= '0' && text[length] <= '9') {
    value = value * 10 + (text[length++] - '0');
  }
  if (length == 0) return std::nullopt;
  text.remove_prefix(length);
  return value;
}

std::optional<int> take_month(std::string_view& text) {
  for (std::size_t i = 0; i < kMonths.size(); ++i) {
    for (const std::string_view name : {kMonths[i], kMonths[i].substr(0, 3)}) {
      if (!text.starts_with(name)) continue;
      text.remove_prefix(name.size());
      return static_cast<int>(i) + 1;
    }
  }
  return std::nullopt;
}

// What a format's fields said.
struct Reading {
  DateParts parts;
  Zone zone;
};

bool take_field(char specifier, std::string_view& text, Reading& reading) {
  const auto number_into = [&text](int& target, std::size_t most) {
    const auto value = take_number(text, most);
    if (value) target = *value;
    return value.has_value();
  };
  switch (specifier) {
    case 'Y':
      return number_into(reading.parts.year, 4);
    case 'm':
      return number_into(reading.parts.month, 2);
    case 'd':
      return number_into(reading.parts.day, 2);
    case 'H':
      return number_into(reading.parts.hour, 2);
    case 'M':
      return number_into(reading.parts.minute, 2);
    case 'S':
      return number_into(reading.parts.second, 2);
    case 'L':
      return number_into(reading.parts.millisecond, 3);
    case 'b':
    case 'B': {
      const auto month = take_month(text);
      if (month) reading.parts.month = *month;
      return month.has_value();
    }
    case 'z': {
      std::size_t length = text.starts_with('Z') ? 1 : std::min<std::size_t>(text.size(), 6);
      if (length > 1 && text.find(':') >= length) length = std::min<std::size_t>(length, 5);
      if (length == 0) return false;
      reading.zone = parse_zone(text.substr(0, length));
      text.remove_prefix(length);
      return true;
    }
    case '%':
      if (!text.starts_with('%')) return false;
      text.remove_prefix(1);
      return true;
    default:
      throw CommandError(
          18536, std::string("Invalid format character '%") + specifier + "' in format string");
  }
}

bool in_range(const DateParts& parts) {
  return parts.month >= 1 && parts.month <= 12 && parts.day >= 1 && parts.day <= 31 &&
         parts.hour <= 23 && parts.minute <= 59 && parts.second <= 59;
}

}  // namespace

std::string format_date(std::int64_t date, std::string_view format, Zone zone) {
  const DateParts parts = parts_of(date, zone);
  std::string text;
  for (std::size_t i = 0; i < format.size(); ++i) {
    if (format[i] == '%') {
      text += field(specifier_at(format, ++i), parts, zone);
    } else {
      text += format[i];
    }
  }
  return text;
}

std::optional<std::int64_t> parse_date_as(std::string_view text, std::string_view format,
                                          Zone zone) {
  Reading reading{.parts = {}, .zone = zone};
  for (std::size_t i = 0; i < format.size(); ++i) {
    if (format[i] == '%') {
      if (!take_field(specifier_at(format, ++i), text, reading)) return std::nullopt;
    } else {
      if (!text.starts_with(format[i])) return std::nullopt;
      text.remove_prefix(1);
    }
  }
  const DateParts& parts = reading.parts;
  if (!text.empty() || !in_range(parts)) return std::nullopt;
  return date_of_parts(parts.year, parts.month, parts.day, parts.hour, parts.minute, parts.second,
                       parts.millisecond, reading.zone);
}

std::optional<std::int64_t> parse_date(std::string_view text, Zone zone) {
  if (const auto time = parse_iso8601(text)) return time->time_since_epoch().count();
  for (const std::string_view format :
       {"%Y-%m-%d", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%S.%L", "%Y-%m-%d %H:%M:%S",
        "%Y-%m-%d %H:%M:%S.%L", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S%z",
        "%Y-%m-%dT%H:%M:%S.%L%z"}) {
    try {
      if (const auto date = parse_date_as(text, format, zone)) return date;
    } catch (const CommandError&) {
      continue;  // an offset that is none
    }
  }
  return std::nullopt;
}

}  // namespace gesso::localdb
