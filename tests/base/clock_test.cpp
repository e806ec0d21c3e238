#include "gesso/base/clock.hpp"

#include <gtest/gtest.h>

namespace gesso {
namespace {

TEST(Iso8601, KeepsMillisecondsBothWays) {
  const auto time = parse_iso8601("2026-02-28T23:59:59.987Z");
  ASSERT_TRUE(time);
  EXPECT_EQ(to_iso8601(*time), "2026-02-28T23:59:59.987Z");
}

TEST(Iso8601, RefusesDaysThatDoNotExist) {
  EXPECT_FALSE(parse_iso8601("2026-02-29T00:00:00Z"));
  EXPECT_TRUE(parse_iso8601("2024-02-29T00:00:00Z"));
}

}  // namespace
}  // namespace gesso
