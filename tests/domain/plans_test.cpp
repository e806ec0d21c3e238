#include "gesso/domain/plans.hpp"

#include <gtest/gtest.h>

#include "gesso/base/error.hpp"

namespace gesso::domain {
namespace {

using models::BillingInterval;
using models::SubscriptionPlan;
using models::SubscriptionTier;

std::array<Plan, 4> priced() {
  std::array<Plan, 4> plans = Plans().all();
  plans[2].monthly.stripe_price = "price_pro_m";
  plans[2].yearly.stripe_price = "price_pro_y";
  return plans;
}

TEST(PlansTest, AnInstallationBeginsWithTheFourPlansAndSellsNone) {
  const Plans plans;
  EXPECT_EQ(plans.get(SubscriptionPlan::kFree).credits_at_sign_up, 10);
  EXPECT_EQ(plans.get(SubscriptionPlan::kFree).credits_per_month, 0);
  EXPECT_EQ(plans.get(SubscriptionPlan::kBasic).credits_per_month, 100);
  EXPECT_EQ(plans.get(SubscriptionPlan::kPro).credits_per_month, 500);
  EXPECT_EQ(plans.get(SubscriptionPlan::kEnterprise).credits_per_month, 2000);
  EXPECT_FALSE(plans.find_price(""));
}

TEST(PlansTest, APriceStandsForAPlanAndAnInterval) {
  const Plans plans(priced());
  const auto found = plans.find_price("price_pro_y");
  ASSERT_TRUE(found);
  EXPECT_EQ(found->plan->plan, SubscriptionPlan::kPro);
  EXPECT_EQ(found->interval, BillingInterval::kYearly);
  EXPECT_EQ(plans.find_price("price_pro_m")->interval, BillingInterval::kMonthly);
  EXPECT_FALSE(plans.find_price("price_basic_m"));
}

TEST(PlansTest, ATableThatMakesNoSenseIsRefused) {
  auto twice = priced();
  twice[1].monthly.stripe_price = "price_pro_m";
  EXPECT_THROW(Plans{twice}, Error);
  auto negative = priced();
  negative[1].credits_per_month = -1;
  EXPECT_THROW(Plans{negative}, Error);
  auto swapped = priced();
  std::swap(swapped[1], swapped[2]);
  EXPECT_THROW(Plans{swapped}, Error);
}

TEST(PlansTest, APlanIsReadFromText) {
  const auto read = [](std::string_view text) { return read_plan(SubscriptionPlan::kPro, text); };
  Plan expected = Plans().get(SubscriptionPlan::kPro);
  EXPECT_EQ(read(""), expected);
  expected.credits_per_month = 600;
  EXPECT_EQ(read("credits=600"), expected);
  expected.monthly = {.cents = 2500, .stripe_price = models::ForeignId("price_1")};
  expected.yearly.cents = 25'000;
  EXPECT_EQ(read(" credits=600, monthly=2500:price_1 ,yearly=25000 "), expected);
  for (const char* text :
       {"600", "credits", "credits=", "credits=many", "credits=-1", "gold=1", "credits=1:price",
        "monthly=1:", "monthly=:price_1", "credits=1x", ","}) {
    EXPECT_EQ(read(text), std::nullopt) << text;
  }
}

TEST(PlansTest, EachPlanHasItsTier) {
  EXPECT_EQ(tier_of(SubscriptionPlan::kFree), SubscriptionTier::kFree);
  EXPECT_EQ(tier_of(SubscriptionPlan::kBasic), SubscriptionTier::kBasic);
  EXPECT_EQ(tier_of(SubscriptionPlan::kPro), SubscriptionTier::kPro);
  EXPECT_EQ(tier_of(SubscriptionPlan::kEnterprise), SubscriptionTier::kEnterprise);
}

}  // namespace
}  // namespace gesso::domain
