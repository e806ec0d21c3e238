#include "gesso/cli/billing.hpp"

#include <gtest/gtest.h>

#include "gesso/base/error.hpp"

namespace gesso::cli {
namespace {

using models::BillingInterval;
using models::SubscriptionPlan;

Settings selling() {
  Settings settings;
  settings.stripe_secret_key = Secret(std::string_view("sk_test_1"));
  settings.stripe_webhook_secrets = Secret(std::string_view("whsec_new, whsec_old,"));
  settings.plan_pro = "credits=600, monthly=2500:price_m, yearly=25000:price_y";
  settings.checkout_success_url = "https://a.example/ok";
  settings.checkout_cancel_url = "https://a.example/no";
  settings.portal_return_url = "https://a.example/plan";
  return settings;
}

TEST(BillingSettingsTest, WithoutAKeyNothingIsSold) {
  const auto billing = make_billing_services(Settings(), {});
  EXPECT_FALSE(billing.settings.sells);
  EXPECT_FALSE(billing.settings.local_plans);
  EXPECT_TRUE(billing.webhook_secrets.empty());
  EXPECT_EQ(billing.settings.plans.get(SubscriptionPlan::kPro).credits_per_month, 500);
}

TEST(BillingSettingsTest, PlansAndSecretsAreWhatTheSettingsSay) {
  const auto billing = make_billing_services(selling(), {});
  EXPECT_TRUE(billing.settings.sells);
  EXPECT_EQ(billing.settings.plans.get(SubscriptionPlan::kPro).credits_per_month, 600);
  EXPECT_EQ(billing.settings.plans.find_price("price_y")->interval, BillingInterval::kYearly);
  ASSERT_EQ(billing.webhook_secrets.size(), 2U);
  EXPECT_EQ(billing.webhook_secrets[0].reveal(), "whsec_new");
  EXPECT_EQ(billing.webhook_secrets[1].reveal(), "whsec_old");
}

TEST(BillingSettingsTest, WhatSellingNeedsIsNamed) {
  Settings settings = selling();
  settings.stripe_webhook_secrets = Secret(std::string_view(" , "));
  settings.portal_return_url.clear();
  try {
    (void)make_billing_services(settings, {});
    FAIL() << "nothing was thrown";
  } catch (const Error& error) {
    ASSERT_EQ(error.violations().size(), 2U);
    EXPECT_EQ(to_string(error.violations()[0].path), "stripe_webhook_secrets");
    EXPECT_EQ(to_string(error.violations()[1].path), "portal_return_url");
  }
}

TEST(BillingSettingsTest, OnePriceStandsForOnePlan) {
  Settings settings = selling();
  settings.plan_basic = "monthly=900:price_m";
  EXPECT_THROW((void)make_billing_services(settings, {}), Error);
}

}  // namespace
}  // namespace gesso::cli
