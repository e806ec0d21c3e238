#include "gesso/models/periods.hpp"

#include <gtest/gtest.h>

#include <ostream>
#include <random>

namespace gesso::models {

void PrintTo(const Period& period, std::ostream* out) {
  *out << to_iso8601(period.start) << " to " << to_iso8601(period.end);
}

namespace {

using namespace std::chrono_literals;

Time at(const char* text) { return *parse_iso8601(text); }

Period period(const char* start, const char* end) { return {.start = at(start), .end = at(end)}; }

TEST(PeriodsTest, TheAnchorsDayIsKept) {
  const Time anchor = at("2026-01-31T10:00:00Z");
  EXPECT_EQ(add_months(anchor, 1), at("2026-02-28T10:00:00Z"));
  EXPECT_EQ(add_months(anchor, 2), at("2026-03-31T10:00:00Z"));
  EXPECT_EQ(add_months(anchor, 3), at("2026-04-30T10:00:00Z"));
  EXPECT_EQ(add_months(anchor, 25), at("2028-02-29T10:00:00Z"));
  EXPECT_EQ(add_months(anchor, -2), at("2025-11-30T10:00:00Z"));
  EXPECT_EQ(add_months(anchor, 0), anchor);
}

TEST(PeriodsTest, ALeapDayComesBackEveryLeapYear) {
  const Time anchor = at("2028-02-29T00:00:00Z");
  EXPECT_EQ(period_at(anchor, 12, at("2029-02-27T23:59:59Z")),
            period("2028-02-29T00:00:00Z", "2029-02-28T00:00:00Z"));
  EXPECT_EQ(period_at(anchor, 12, at("2029-03-01T00:00:00Z")),
            period("2029-02-28T00:00:00Z", "2030-02-28T00:00:00Z"));
  EXPECT_EQ(period_at(anchor, 12, at("2032-02-28T23:59:59Z")),
            period("2031-02-28T00:00:00Z", "2032-02-29T00:00:00Z"));
  EXPECT_EQ(period_at(anchor, 12, at("2032-02-29T00:00:00Z")),
            period("2032-02-29T00:00:00Z", "2033-02-28T00:00:00Z"));
}

TEST(PeriodsTest, APeriodBeginsWithItsFirstMomentAndEndsBeforeItsLast) {
  const Time anchor = at("2026-01-31T10:00:00Z");
  const Period february = period("2026-02-28T10:00:00Z", "2026-03-31T10:00:00Z");
  EXPECT_EQ(period_at(anchor, 1, february.start), february);
  EXPECT_EQ(period_at(anchor, 1, february.end - 1ms), february);
  EXPECT_EQ(period_at(anchor, 1, february.end).start, february.end);
  EXPECT_EQ(period_at(anchor, 1, at("2025-12-30T00:00:00Z")),
            period("2025-11-30T10:00:00Z", "2025-12-31T10:00:00Z"));
}

TEST(PeriodsTest, PeriodsOfAnAnchorFollowOneAnother) {
  std::mt19937_64 random(1);
  for (int i = 0; i < 2000; ++i) {
    const Time anchor{std::chrono::milliseconds(random() % 4'000'000'000'000)};
    const Time moment{std::chrono::milliseconds(random() % 4'000'000'000'000)};
    const std::int64_t months = random() % 2 == 0 ? 1 : 12;
    const Period found = period_at(anchor, months, moment);
    ASSERT_LE(found.start, moment);
    ASSERT_LT(moment, found.end);
    ASSERT_EQ(period_at(anchor, months, found.end).start, found.end);
    ASSERT_EQ(period_at(anchor, months, found.start - 1ms).end, found.start);
    ASSERT_EQ(add_months(anchor, months_since(anchor, found.start)), found.start);
  }
}

TEST(PeriodsTest, APaidMonthIsOneCreditPeriodWhateverItsDays) {
  // As Stripe bills an anchor of 31 January: what it says of a period is not the anchor.
  for (const Period& paid : {period("2026-01-31T10:00:00Z", "2026-02-28T10:00:00Z"),
                             period("2026-02-28T10:00:00Z", "2026-03-31T10:00:00Z"),
                             period("2026-03-31T10:00:00Z", "2026-04-30T10:00:00Z"),
                             period("2026-02-01T00:00:00Z", "2026-03-01T00:00:00Z")}) {
    for (const Time moment :
         {paid.start - 1h, paid.start, paid.end - 1ms, paid.end, paid.end + 9h}) {
      EXPECT_EQ(credit_period(paid, paid.start, moment), paid);
      EXPECT_EQ(credit_period(paid, at("2025-05-31T10:00:00Z"), moment), paid);
    }
  }
}

TEST(PeriodsTest, APaidYearIsTwelveCreditPeriods) {
  const Period paid = period("2026-01-31T10:00:00Z", "2027-01-31T10:00:00Z");
  int count = 0;
  for (Time moment = paid.start; moment < paid.end;) {
    const Period month = credit_period(paid, paid.start, moment);
    EXPECT_EQ(month.start, moment);
    EXPECT_EQ(credit_period(paid, paid.start, month.end - 1ms), month);
    moment = month.end;
    ++count;
  }
  EXPECT_EQ(count, 12);
  EXPECT_EQ(credit_period(paid, paid.start, at("2026-03-15T00:00:00Z")),
            period("2026-02-28T10:00:00Z", "2026-03-31T10:00:00Z"));
  EXPECT_EQ(credit_period(paid, paid.start, paid.start - 1h).start, paid.start);
  EXPECT_EQ(credit_period(paid, paid.start, paid.end + 1h).end, paid.end);
}

TEST(PeriodsTest, LessThanHalfAMonthIsNoCreditPeriod) {
  // A year that begins in the middle of a month that had begun, and one that a leap day lengthens.
  const Period longer = period("2026-01-10T00:00:00Z", "2027-01-20T00:00:00Z");
  EXPECT_EQ(credit_period(longer, longer.start, at("2027-01-15T00:00:00Z")),
            period("2026-12-10T00:00:00Z", "2027-01-20T00:00:00Z"));
  const Period shifted = period("2026-01-10T00:00:00Z", "2027-01-10T00:00:00Z");
  EXPECT_EQ(credit_period(shifted, at("2026-01-20T00:00:00Z"), shifted.start),
            period("2026-01-10T00:00:00Z", "2026-02-20T00:00:00Z"));
}

TEST(PeriodsTest, TheEndsOfTimeAreNoTrap) {
  const Period endless{.start = Time::min(), .end = Time::max()};
  EXPECT_NO_THROW((void)credit_period(endless, endless.start, at("2026-01-01T00:00:00Z")));
  EXPECT_NO_THROW((void)period_at(Time::max(), 1, Time::min()));
  EXPECT_NO_THROW((void)add_months(Time::max(), std::numeric_limits<std::int64_t>::max()));
}

TEST(PeriodsTest, ThePeriodOfAnOlderSubscriptionHasAnAnchor) {
  EXPECT_EQ(anchor_of(period("2026-01-31T10:00:00Z", "2026-02-28T10:00:00Z")),
            at("2026-01-31T10:00:00Z"));
  EXPECT_EQ(anchor_of(period("2026-01-31T10:00:00Z", "2027-01-31T10:00:00Z")),
            at("2026-01-31T10:00:00Z"));
  EXPECT_EQ(anchor_of(period("2026-01-31T10:00:00Z", "2026-03-02T10:00:00Z")),
            at("2026-03-02T10:00:00Z"));
}

}  // namespace
}  // namespace gesso::models
