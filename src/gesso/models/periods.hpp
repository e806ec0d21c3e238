// The periods of a subscription: calendar arithmetic in UTC. Pure functions.
//
// Two kinds of period, of which each ends once:
// - The paid period is what was bought: a month or a year, by the plan's interval. The provider's
//   invoices say what it is; without a provider the calendar does.
// - The credit period is a month of it. Credits are granted a month at a time, also where a year is
//   paid: a year's credits in one piece could be spent on the first day and the plan then cancelled
//   or refunded, and the plans are compared by credits a month. In a monthly plan the two coincide.
//
// Both are counted from an anchor, the moment at which the first one began, never from the end of
// the one before: of an anchor of 31 January the periods begin on 31 January, 28 (or 29) February
// and 31 March, and of one of 29 February a year begins on that day in every leap year.
#pragma once

#include <chrono>
#include <cstdint>

#include "gesso/base/clock.hpp"

namespace gesso::models {

// From `start` to before `end`.
struct Period {
  Time start;
  Time end;

  friend bool operator==(const Period&, const Period&) = default;
};

// The moment `months` calendar months after (or before) the anchor: its day of the month, or the
// last day of a month that is shorter; its time of day.
[[nodiscard]] Time add_months(Time anchor, std::int64_t months);

// How many whole months of the anchor have passed at `moment`: the greatest m for which
// `add_months(anchor, m) <= moment`. Negative before the anchor.
[[nodiscard]] std::int64_t months_since(Time anchor, Time moment);

// The period of `months` months, counted from the anchor, that holds `moment`. REQUIRES: months > 0
[[nodiscard]] Period period_at(Time anchor, std::int64_t months, Time moment);

// The month of a paid period that holds `moment`, the first one before it and the last one after
// it. The months begin where the anchor says. One that would be shorter than half a month is none:
// it belongs to its neighbour, so that a paid period of a month is one credit period, whatever its
// days. REQUIRES: paid.start < paid.end
[[nodiscard]] Period credit_period(const Period& paid, Time anchor, Time moment);

// The anchor of a period that was given without one: its start, if it ends whole months later,
// else its end.
[[nodiscard]] Time anchor_of(const Period& period);

}  // namespace gesso::models
