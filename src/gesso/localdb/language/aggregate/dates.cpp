#include "gesso/localdb/language/aggregate/dates.hpp"

#include <algorithm>
#include <array>
#include <chrono>

#include "gesso/base/text.hpp"
#include "gesso/localdb/language/command_error.hpp"

namespace gesso::localdb {
namespace {

using std::chrono::days;
using std::chrono::sys_days;
using std::chrono::year_month_day;

constexpr std::int64_t kSecond = 1000;
constexpr std::int64_t kMinute = 60 * kSecond;
constexpr std::int64_t kHour = 60 * kMinute;
constexpr std::int64_t kDay = 24 * kHour;
constexpr std::int64_t kFirstYear = -32767;
constexpr std::int64_t kLastYear = 32767;

[[noreturn]] void out_of_range() {
  throw CommandError(18537, "the date is out of the range of the calendar");
}

std::int64_t floor_div(std::int64_t value, std::int64_t divisor) {
  const std::int64_t quotient = value / divisor;
  return value % divisor < 0 ? quotient - 1 : quotient;
}

std::int64_t checked_add(std::int64_t left, std::int64_t right) {
  std::int64_t sum = 0;
  if (__builtin_add_overflow(left, right, &sum)) {
    throw CommandError(ErrorCode::kOverflow, "date overflow");
  }
  return sum;
}

std::int64_t checked_multiply(std::int64_t left, std::int64_t right) {
  std::int64_t product = 0;
  if (__builtin_mul_overflow(left, right, &product)) {
    throw CommandError(ErrorCode::kOverflow, "date overflow");
  }
  return product;
}

// Days since 1970 of the first of a month that is counted from year 0.
std::int64_t first_of_month(std::int64_t months) {
  const std::int64_t year = floor_div(months, 12);
  if (year < kFirstYear || year > kLastYear) out_of_range();
  const auto month = static_cast<unsigned>(months - year * 12) + 1;
  const year_month_day first{std::chrono::year(static_cast<int>(year)), std::chrono::month(month),
                             std::chrono::day(1)};
  return sys_days(first).time_since_epoch().count();
}

year_month_day civil(std::int64_t day) {
  const std::int64_t first = first_of_month(kFirstYear * 12);
  const std::int64_t last = first_of_month(kLastYear * 12);
  if (day < first || day > last) out_of_range();
  return sys_days(days(day));
}

std::int64_t months_of(const year_month_day& date) {
  return std::int64_t{static_cast<int>(date.year())} * 12 + static_cast<unsigned>(date.month()) - 1;
}

constexpr std::array<std::string_view, 9> kUnits = {
    "year", "quarter", "month", "week", "day", "hour", "minute", "second", "millisecond"};
constexpr std::array<std::string_view, 7> kWeekdays = {"sunday",   "monday", "tuesday", "wednesday",
                                                       "thursday", "friday", "saturday"};

std::int64_t milliseconds_of(DateUnit unit) {
  switch (unit) {
    case DateUnit::kWeek:
      return 7 * kDay;
    case DateUnit::kDay:
      return kDay;
    case DateUnit::kHour:
      return kHour;
    case DateUnit::kMinute:
      return kMinute;
    case DateUnit::kSecond:
      return kSecond;
    default:
      return 1;
  }
}

// Of the units that are made of months; 0 of others.
std::int64_t months_in(DateUnit unit) {
  switch (unit) {
    case DateUnit::kYear:
      return 12;
    case DateUnit::kQuarter:
      return 3;
    case DateUnit::kMonth:
      return 1;
    default:
      return 0;
  }
}

// 1970-01-01 was a Thursday.
std::int64_t days_since_week_start(std::int64_t day, int week_start) {
  const std::int64_t since = (day + 4 - week_start) % 7;
  return since < 0 ? since + 7 : since;
}

bool digits(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

int number(std::string_view text) {
  int value = 0;
  for (const char c : text) value = value * 10 + (c - '0');
  return value;
}

}  // namespace

Zone parse_zone(std::string_view text) {
  if (text == "UTC" || text == "GMT" || text == "Z" || text == "Etc/UTC" || text.empty()) return {};
  std::string_view rest = text.substr(1);
  if (text[0] == '+' || text[0] == '-') {
    const std::string_view hours = rest.substr(0, 2);
    rest.remove_prefix(hours.size());
    if (rest.starts_with(':')) rest.remove_prefix(1);
    const bool valid =
        hours.size() == 2 && digits(hours) && (rest.empty() || (rest.size() == 2 && digits(rest)));
    if (valid) {
      const std::int64_t offset = number(hours) * kHour + number(rest) * kMinute;
      return {.offset = text[0] == '-' ? -offset : offset};
    }
  }
  throw CommandError(40485, "unrecognized time zone identifier: \"" + std::string(text) +
                                "\"; UTC and offsets such as +02:00 are supported");
}

DateUnit parse_date_unit(std::string_view text) {
  const auto* found = std::ranges::find(kUnits, text);
  if (found == kUnits.end()) {
    throw CommandError(ErrorCode::kFailedToParse, "unknown time unit value: " + std::string(text));
  }
  return static_cast<DateUnit>(found - kUnits.begin());
}

int parse_weekday(std::string_view text) {
  const std::string name = lower(text);
  for (std::size_t i = 0; i < kWeekdays.size(); ++i) {
    if (name == kWeekdays[i] || name == kWeekdays[i].substr(0, 3)) return static_cast<int>(i);
  }
  throw CommandError(ErrorCode::kFailedToParse, "unknown day of week value: " + std::string(text));
}

DateParts parts_of(std::int64_t date, Zone zone) {
  const std::int64_t local = checked_add(date, zone.offset);
  const std::int64_t day = floor_div(local, kDay);
  const year_month_day ymd = civil(day);
  const std::int64_t in_day = local - day * kDay;
  DateParts parts;
  parts.year = static_cast<int>(ymd.year());
  parts.month = static_cast<int>(static_cast<unsigned>(ymd.month()));
  parts.day = static_cast<int>(static_cast<unsigned>(ymd.day()));
  parts.hour = static_cast<int>(in_day / kHour);
  parts.minute = static_cast<int>(in_day / kMinute % 60);
  parts.second = static_cast<int>(in_day / kSecond % 60);
  parts.millisecond = static_cast<int>(in_day % kSecond);
  parts.weekday = static_cast<int>(days_since_week_start(day, 0));
  parts.day_of_year = static_cast<int>(day - first_of_month(std::int64_t{parts.year} * 12)) + 1;
  // An ISO week belongs to the year that its Thursday is in.
  const std::int64_t thursday = day - days_since_week_start(day, 1) + 3;
  parts.iso_year = static_cast<int>(civil(thursday).year());
  parts.iso_week =
      static_cast<int>((thursday - first_of_month(std::int64_t{parts.iso_year} * 12)) / 7) + 1;
  return parts;
}

std::int64_t date_of_parts(std::int64_t year, std::int64_t month, std::int64_t day,
                           std::int64_t hour, std::int64_t minute, std::int64_t second,
                           std::int64_t millisecond, Zone zone) {
  const std::int64_t months = checked_add(checked_multiply(year, 12), month - 1);
  const std::int64_t days_in = checked_add(first_of_month(months), day - 1);
  std::int64_t result = checked_multiply(days_in, kDay);
  result = checked_add(result, checked_multiply(hour, kHour));
  result = checked_add(result, checked_multiply(minute, kMinute));
  result = checked_add(result, checked_multiply(second, kSecond));
  return checked_add(checked_add(result, millisecond), -zone.offset);
}

std::int64_t add_to_date(std::int64_t date, DateUnit unit, std::int64_t amount, Zone zone) {
  const std::int64_t months = months_in(unit);
  if (months == 0) return checked_add(date, checked_multiply(amount, milliseconds_of(unit)));
  const std::int64_t local = checked_add(date, zone.offset);
  const std::int64_t day = floor_div(local, kDay);
  const year_month_day ymd = civil(day);
  const std::int64_t target = checked_add(months_of(ymd), checked_multiply(amount, months));
  const std::int64_t first = first_of_month(target);
  const std::int64_t last = first_of_month(target + 1) - 1;
  const std::int64_t wanted = first + static_cast<unsigned>(ymd.day()) - 1;
  return std::min(wanted, last) * kDay + (local - day * kDay) - zone.offset;
}

std::int64_t date_difference(std::int64_t start, std::int64_t end, DateUnit unit, Zone zone,
                             int week_start) {
  const std::int64_t from = checked_add(start, zone.offset);
  const std::int64_t to = checked_add(end, zone.offset);
  if (unit == DateUnit::kMillisecond) return checked_add(to, -from);
  if (const std::int64_t months = months_in(unit)) {
    return floor_div(months_of(civil(floor_div(to, kDay))), months) -
           floor_div(months_of(civil(floor_div(from, kDay))), months);
  }
  if (unit == DateUnit::kWeek) {
    const auto week = [week_start](std::int64_t local) {
      const std::int64_t day = floor_div(local, kDay);
      return floor_div(day - days_since_week_start(day, week_start), 7);
    };
    return week(to) - week(from);
  }
  const std::int64_t size = milliseconds_of(unit);
  return floor_div(to, size) - floor_div(from, size);
}

std::int64_t truncate_date(std::int64_t date, DateUnit unit, std::int64_t size, Zone zone,
                           int week_start) {
  const std::int64_t local = checked_add(date, zone.offset);
  constexpr std::int64_t kReferenceMonths = 2000 * 12;
  if (const std::int64_t months = months_in(unit)) {
    const std::int64_t since = months_of(civil(floor_div(local, kDay))) - kReferenceMonths;
    const std::int64_t bin = checked_multiply(months, size);
    return first_of_month(kReferenceMonths + floor_div(since, bin) * bin) * kDay - zone.offset;
  }
  std::int64_t reference = first_of_month(kReferenceMonths);
  if (unit == DateUnit::kWeek) {
    const std::int64_t since = days_since_week_start(reference, week_start);
    if (since != 0) reference += 7 - since;
  }
  const std::int64_t start = reference * kDay;
  const std::int64_t bin = checked_multiply(milliseconds_of(unit), size);
  const std::int64_t since = checked_add(local, -start);
  return checked_add(start, checked_multiply(floor_div(since, bin), bin)) - zone.offset;
}

}  // namespace gesso::localdb
