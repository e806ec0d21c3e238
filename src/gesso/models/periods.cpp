#include "gesso/models/periods.hpp"

#include <algorithm>

namespace gesso::models {

namespace {

constexpr std::chrono::days kHalfMonth{15};

// What the calendar of std::chrono can name; beyond it everything is one moment.
constexpr Time kFirst = std::chrono::sys_days(std::chrono::year{-9999} / 1 / 1);
constexpr Time kLast = std::chrono::sys_days(std::chrono::year{9999} / 12 / 31);
constexpr std::int64_t kMostMonths = 240'000;

}  // namespace

Time add_months(Time anchor, std::int64_t months) {
  using namespace std::chrono;
  anchor = std::clamp(anchor, kFirst, kLast);
  const sys_days day = floor<days>(anchor);
  const year_month_day date(day);
  const auto count = std::chrono::months(
      static_cast<int>(std::clamp<std::int64_t>(months, -kMostMonths, kMostMonths)));
  const year_month month = year_month(date.year(), date.month()) + count;
  const year_month_day_last last_day = month / last;
  return sys_days(month / std::min(date.day(), last_day.day())) + (anchor - day);
}

std::int64_t months_since(Time anchor, Time moment) {
  using namespace std::chrono;
  anchor = std::clamp(anchor, kFirst, kLast);
  moment = std::clamp(moment, kFirst, kLast);
  const year_month_day from(floor<days>(anchor));
  const year_month_day to(floor<days>(moment));
  const std::int64_t months =
      (year_month(to.year(), to.month()) - year_month(from.year(), from.month())).count();
  return add_months(anchor, months) <= moment ? months : months - 1;
}

Period period_at(Time anchor, std::int64_t months, Time moment) {
  const std::int64_t passed = months_since(anchor, moment);
  const std::int64_t into = ((passed % months) + months) % months;
  return {.start = add_months(anchor, passed - into),
          .end = add_months(anchor, passed - into + months)};
}

Period credit_period(const Period& paid, Time anchor, Time moment) {
  Period found = paid;
  for (std::int64_t month = months_since(anchor, paid.start) + 1;; ++month) {
    const Time boundary = add_months(anchor, month);
    if (boundary + kHalfMonth > std::min(paid.end, kLast)) return found;
    if (boundary - kHalfMonth < paid.start) continue;
    if (moment < boundary) return {.start = found.start, .end = boundary};
    found.start = boundary;
  }
}

Time anchor_of(const Period& period) {
  const std::int64_t months = months_since(period.start, period.end);
  return months > 0 && add_months(period.start, months) == period.end ? period.start : period.end;
}

}  // namespace gesso::models
