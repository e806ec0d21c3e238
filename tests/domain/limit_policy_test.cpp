#include "gesso/domain/limit_policy.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "gesso/base/error.hpp"

namespace gesso::domain {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

const Quota& only(const QuotaList& quotas) {
  EXPECT_EQ(quotas.size(), 1U);
  return quotas.view()[0];
}

TEST(LimitPolicy, TheDefaultsLimitEveryClassByMinuteAndDay) {
  const LimitTable table = default_limits();
  for (std::size_t tier = 0; tier < schema::kWireTexts<LimitTier>.size(); ++tier) {
    EXPECT_TRUE(table.at(static_cast<LimitTier>(tier), LimitClass::kNone).empty());
    for (std::size_t i = 1; i < schema::kWireTexts<LimitClass>.size(); ++i) {
      const auto quotas = table.at(static_cast<LimitTier>(tier), static_cast<LimitClass>(i)).view();
      ASSERT_EQ(quotas.size(), 2U);
      EXPECT_EQ(quotas[0].name, "burst");
      EXPECT_EQ(quotas[0].window, 1min);
      EXPECT_EQ(quotas[1].name, "daily");
      EXPECT_EQ(quotas[1].window, 24h);
      EXPECT_GT(quotas[1].limit, quotas[0].limit);
    }
  }
}

TEST(LimitPolicy, AHigherTierIsAllowedMore) {
  const LimitTable table = default_limits();
  for (const LimitClass limit_class :
       {LimitClass::kRead, LimitClass::kWrite, LimitClass::kGenerate}) {
    for (int tier = 1; tier < 4; ++tier) {
      const auto& lower = table.at(static_cast<LimitTier>(tier), limit_class);
      const auto& higher = table.at(static_cast<LimitTier>(tier + 1), limit_class);
      EXPECT_LT(lower.view()[0].limit, higher.view()[0].limit);
      EXPECT_LT(lower.view()[1].limit, higher.view()[1].limit);
    }
  }
  EXPECT_EQ(limit_tier(models::SubscriptionTier::kPro), LimitTier::kPro);
}

TEST(LimitPolicy, AnEntryIsTheWholeOfWhatHolds) {
  const LimitTable table = parse_limits(" free.generate = 5/30s, 50/1d ;\n pro.read=7/2h\n\n");
  EXPECT_EQ(table.at(LimitTier::kFree, LimitClass::kGenerate).view()[0],
            (Quota{.name = kBurst, .limit = 5, .window = 30s}));
  EXPECT_EQ(table.at(LimitTier::kFree, LimitClass::kGenerate).view()[1],
            (Quota{.name = kDaily, .limit = 50, .window = 24h}));
  EXPECT_EQ(only(table.at(LimitTier::kPro, LimitClass::kRead)),
            (Quota{.name = kBurst, .limit = 7, .window = 2h}));
  EXPECT_EQ(table.at(LimitTier::kPro, LimitClass::kWrite),
            default_limits().at(LimitTier::kPro, LimitClass::kWrite));
}

TEST(LimitPolicy, AStarStandsForAllAndALaterEntryWins) {
  const LimitTable table = parse_limits("*.* = unlimited; *.login = 3/1m; basic.login = 0/24h");
  EXPECT_TRUE(table.at(LimitTier::kAnonymous, LimitClass::kRead).empty());
  EXPECT_EQ(only(table.at(LimitTier::kFree, LimitClass::kLogin)).limit, 3);
  EXPECT_EQ(only(table.at(LimitTier::kBasic, LimitClass::kLogin)),
            (Quota{.name = kDaily, .limit = 0, .window = 24h}));
  EXPECT_TRUE(table.at(LimitTier::kBasic, LimitClass::kNone).empty());
}

TEST(LimitPolicy, NothingMeansTheDefaults) {
  EXPECT_EQ(parse_limits(""), default_limits());
  EXPECT_EQ(parse_limits(" ;\n; "), default_limits());
}

TEST(LimitPolicy, WhatIsWrongIsSaidForEachEntry) {
  const auto wrong = [](std::string_view text) {
    try {
      (void)parse_limits(text);
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::kValidation);
      return std::string(error.what());
    }
    ADD_FAILURE() << text << " was taken";
    return std::string();
  };
  EXPECT_THAT(wrong("gold.read = 1/1m"),
              HasSubstr("one of anonymous, free, basic, pro, enterprise, or *, not \"gold\""));
  EXPECT_THAT(wrong("free.none = 1/1m"), HasSubstr("not \"none\""));
  EXPECT_THAT(wrong("free = 1/1m"), HasSubstr("tier.class = quotas"));
  EXPECT_THAT(wrong("free.read"), HasSubstr("tier.class = quotas"));
  EXPECT_THAT(wrong("free.read = "), HasSubstr("as in 10/1m"));
  EXPECT_THAT(wrong("free.read = 10"), HasSubstr("not \"10\""));
  EXPECT_THAT(wrong("free.read = -1/1m"), HasSubstr("not \"-1/1m\""));
  EXPECT_THAT(wrong("free.read = 1000000000000000/1m"), HasSubstr("a number of requests"));
  EXPECT_THAT(wrong("free.read = 10/0s"), HasSubstr("a window of 1s to 1d"));
  EXPECT_THAT(wrong("free.read = 10/2d"), HasSubstr("not \"2d\""));
  EXPECT_THAT(wrong("free.read = 10/1w"), HasSubstr("not \"1w\""));
  EXPECT_THAT(wrong("free.read = 10/m"), HasSubstr("not \"m\""));
  EXPECT_THAT(wrong("free.read = 1/1m, 2/1h"), HasSubstr("not two that are burst"));
  const std::string two = wrong("free.read = x; pro.read = 1/1m; basic.read = y");
  EXPECT_THAT(two, HasSubstr("\"free.read = x\""));
  EXPECT_THAT(two, HasSubstr("\"basic.read = y\""));
}

}  // namespace
}  // namespace gesso::domain
