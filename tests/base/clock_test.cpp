#include "gesso/base/clock.hpp"

#include <gtest/gtest.h>

namespace gesso {
namespace {

using std::chrono::milliseconds;

struct Case {
  const char* text;
  const char* canonical;  // nullptr: refused
};

class Iso8601 : public testing::TestWithParam<Case> {};

TEST_P(Iso8601, ReadsWhatRfc3339AllowsAndNothingElse) {
  const auto time = parse_iso8601(GetParam().text);
  if (GetParam().canonical == nullptr) {
    EXPECT_FALSE(time) << to_iso8601(*time);
    return;
  }
  ASSERT_TRUE(time);
  EXPECT_EQ(to_iso8601(*time), GetParam().canonical);
}

INSTANTIATE_TEST_SUITE_P(
    Dates, Iso8601,
    testing::Values(Case{"2026-02-28T23:59:59.987Z", "2026-02-28T23:59:59.987Z"},
                    Case{"2026-02-28t23:59:59z", "2026-02-28T23:59:59.000Z"},
                    Case{"2026-02-28 23:59:59Z", "2026-02-28T23:59:59.000Z"},
                    Case{"2026-02-28T23:59:59.5Z", "2026-02-28T23:59:59.500Z"},
                    Case{"2026-02-28T23:59:59.123456789Z", "2026-02-28T23:59:59.123Z"},
                    Case{"2026-03-01T01:30:00+02:00", "2026-02-28T23:30:00.000Z"},
                    Case{"2026-02-28T20:00:00-05:30", "2026-03-01T01:30:00.000Z"},
                    Case{"2024-02-29T00:00:00Z", "2024-02-29T00:00:00.000Z"},
                    Case{"0001-01-01T00:00:00Z", "0001-01-01T00:00:00.000Z"},
                    Case{"2026-02-29T00:00:00Z", nullptr}, Case{"2026-13-01T00:00:00Z", nullptr},
                    Case{"2026-01-01T24:00:00Z", nullptr}, Case{"2026-01-01T00:60:00Z", nullptr},
                    Case{"2026-01-01T00:00:00", nullptr}, Case{"2026-01-01", nullptr},
                    Case{"2026-01-01T00:00:00.Z", nullptr},
                    Case{"2026-01-01T00:00:00.1234567890Z", nullptr},
                    Case{"2026-01-01T00:00:00Z ", nullptr}, Case{"", nullptr},
                    Case{"2026-01-01T00:00:00+24:00", nullptr}));

TEST(Iso8601Text, ClampsWhatFourDigitsOfYearCannotHold) {
  EXPECT_EQ(to_iso8601(Time::max()), "9999-12-31T23:59:59.999Z");
  EXPECT_EQ(to_iso8601(Time::min()), "0000-01-01T00:00:00.000Z");
}

TEST(Iso8601Text, CountsMillisecondsBackBeforeTheEpoch) {
  EXPECT_EQ(to_iso8601(Time{milliseconds{-1}}), "1969-12-31T23:59:59.999Z");
}

}  // namespace
}  // namespace gesso
