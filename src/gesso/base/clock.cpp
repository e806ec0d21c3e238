#include "gesso/base/clock.hpp"

#include <algorithm>
#include <array>
#include <cstring>

namespace gesso {
namespace {

// Reads exactly `count` digits at `position` and moves past them.
std::optional<int> digits(std::string_view text, std::size_t& position, std::size_t count) {
  if (position + count > text.size()) return std::nullopt;
  int value = 0;
  for (std::size_t i = 0; i < count; ++i) {
    const char c = text[position + i];
    if (c < '0' || c > '9') return std::nullopt;
    value = value * 10 + (c - '0');
  }
  position += count;
  return value;
}

bool literal(std::string_view text, std::size_t& position, std::string_view any_of) {
  if (position >= text.size() || any_of.find(text[position]) == std::string_view::npos) {
    return false;
  }
  ++position;
  return true;
}

// Writes `count` digits of a number that has no more.
template <std::size_t N>
void put(std::array<char, N>& text, std::size_t position, std::size_t count, int number) {
  for (std::size_t i = position + count; i-- > position; number /= 10) {
    text[i] = static_cast<char>('0' + number % 10);
  }
}

}  // namespace

std::string to_iso8601(Time time) {
  std::string text;
  append_iso8601(text, time);
  return text;
}

void append_iso8601(std::string& out, Time time) {
  using namespace std::chrono;
  const Time lowest = sys_days{year{0} / 1 / 1};
  const Time highest = sys_days{year{9999} / 12 / 31} + days{1} - milliseconds{1};
  time = std::clamp(time, lowest, highest);
  const auto day = floor<days>(time);
  const year_month_day date{day};
  const hh_mm_ss clock{time - day};
  // By hand: every date of every JSON response passes here, and printf takes most of a microsecond.
  std::array<char, 24> text;  // NOLINT: every character is written
  std::memcpy(text.data(), "0000-00-00T00:00:00.000Z", text.size());
  put(text, 0, 4, static_cast<int>(date.year()));
  put(text, 5, 2, static_cast<int>(static_cast<unsigned>(date.month())));
  put(text, 8, 2, static_cast<int>(static_cast<unsigned>(date.day())));
  put(text, 11, 2, static_cast<int>(clock.hours().count()));
  put(text, 14, 2, static_cast<int>(clock.minutes().count()));
  put(text, 17, 2, static_cast<int>(clock.seconds().count()));
  put(text, 20, 3, static_cast<int>(clock.subseconds().count()));
  out.append(text.data(), text.size());
}

std::optional<Time> parse_iso8601(std::string_view text) {
  using namespace std::chrono;
  std::size_t at = 0;
  const auto year_number = digits(text, at, 4);
  if (!year_number || !literal(text, at, "-")) return std::nullopt;
  const auto month_number = digits(text, at, 2);
  if (!month_number || !literal(text, at, "-")) return std::nullopt;
  const auto day_number = digits(text, at, 2);
  if (!day_number || !literal(text, at, "Tt ")) return std::nullopt;
  const auto hour = digits(text, at, 2);
  if (!hour || *hour > 23 || !literal(text, at, ":")) return std::nullopt;
  const auto minute = digits(text, at, 2);
  if (!minute || *minute > 59 || !literal(text, at, ":")) return std::nullopt;
  const auto second = digits(text, at, 2);
  if (!second || *second > 59) return std::nullopt;

  int millis = 0;
  if (literal(text, at, ".")) {
    int count = 0;
    while (at < text.size() && text[at] >= '0' && text[at] <= '9') {
      if (++count > 9) return std::nullopt;
      if (count <= 3) millis = millis * 10 + (text[at] - '0');
      ++at;
    }
    if (count == 0) return std::nullopt;
    for (; count < 3; ++count) millis *= 10;
  }

  minutes offset{0};
  if (!literal(text, at, "Zz")) {
    if (at >= text.size() || (text[at] != '+' && text[at] != '-')) return std::nullopt;
    const bool east = text[at++] == '+';
    const auto offset_hour = digits(text, at, 2);
    if (!offset_hour || *offset_hour > 23 || !literal(text, at, ":")) return std::nullopt;
    const auto offset_minute = digits(text, at, 2);
    if (!offset_minute || *offset_minute > 59) return std::nullopt;
    offset = hours{*offset_hour} + minutes{*offset_minute};
    if (!east) offset = -offset;
  }
  if (at != text.size()) return std::nullopt;

  const year_month_day date{year{*year_number}, month{static_cast<unsigned>(*month_number)},
                            day{static_cast<unsigned>(*day_number)}};
  if (!date.ok()) return std::nullopt;
  return Time{sys_days{date}} + hours{*hour} + minutes{*minute} + seconds{*second} +
         milliseconds{millis} - offset;
}

Time SystemClock::now() const {
  return std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
}

std::chrono::steady_clock::time_point SystemClock::steady_now() const {
  return std::chrono::steady_clock::now();
}

}  // namespace gesso
