// Calendar arithmetic on BSON dates: milliseconds since 1970 in UTC, proleptic Gregorian.
//
// Time zones are UTC and fixed offsets ("+02:00"); names like "Europe/Paris" are refused.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace gesso::localdb {

struct Zone {
  std::int64_t offset = 0;  // milliseconds to add to UTC
};

enum class DateUnit { kYear, kQuarter, kMonth, kWeek, kDay, kHour, kMinute, kSecond, kMillisecond };

struct DateParts {
  int year = 1970;
  int month = 1;
  int day = 1;
  int hour = 0;
  int minute = 0;
  int second = 0;
  int millisecond = 0;
  int weekday = 0;  // 0: Sunday
  int day_of_year = 1;
  int iso_week = 1;
  int iso_year = 1970;
};

inline constexpr std::string_view kIsoFormat = "%Y-%m-%dT%H:%M:%S.%LZ";

// "UTC", "GMT", "Z", "+02", "+0200", "-02:00". Throws CommandError (40485) for others.
[[nodiscard]] Zone parse_zone(std::string_view text);
// "year", ... Throws CommandError (9).
[[nodiscard]] DateUnit parse_date_unit(std::string_view text);
// "monday", "mon", ... as 0 (Sunday) to 6. Throws CommandError (9).
[[nodiscard]] int parse_weekday(std::string_view text);

// Throws CommandError (18537) beyond the years -32767 to 32767.
[[nodiscard]] DateParts parts_of(std::int64_t date, Zone zone);
// Parts may be out of their ranges and carry over: month 13 is January of the next year.
[[nodiscard]] std::int64_t date_of_parts(std::int64_t year, std::int64_t month, std::int64_t day,
                                         std::int64_t hour, std::int64_t minute,
                                         std::int64_t second, std::int64_t millisecond, Zone zone);

// Throws CommandError (18535, 18536) for a wrong format.
[[nodiscard]] std::string format_date(std::int64_t date, std::string_view format, Zone zone);
// ISO 8601, with or without a time and an offset. `zone` is of texts that have none.
[[nodiscard]] std::optional<std::int64_t> parse_date(std::string_view text, Zone zone);
// By a format as above.
[[nodiscard]] std::optional<std::int64_t> parse_date_as(std::string_view text,
                                                        std::string_view format, Zone zone);

// Months keep the day where they have it, or take their last. Throws CommandError (15) on overflow.
[[nodiscard]] std::int64_t add_to_date(std::int64_t date, DateUnit unit, std::int64_t amount,
                                       Zone zone);
// How often a unit begins after `start`, up to `end`.
[[nodiscard]] std::int64_t date_difference(std::int64_t start, std::int64_t end, DateUnit unit,
                                           Zone zone, int week_start);
// The beginning of the bin of `size` units, counted from 2000-01-01.
[[nodiscard]] std::int64_t truncate_date(std::int64_t date, DateUnit unit, std::int64_t size,
                                         Zone zone, int week_start);

}  // namespace gesso::localdb
