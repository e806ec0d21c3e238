// The plans: what each costs and grants, and which price at Stripe stands for it. A value, made
// from the settings; thread-safe as any const data.
//
// Names of plans are ours, ids of prices are Stripe's and differ between its live and its test
// mode; this table is the one place where they meet.
//
// The free plan is what everybody has without a subscription; no document stands for it. Its
// credits are those that a new user starts with (User::credits_remaining), once, hence none a
// month. An operator who gives monthly credits away makes subscriptions without Stripe, which renew
// by the clock.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "gesso/models/subscription.hpp"

namespace gesso::domain {

struct PlanPrice {
  std::int64_t cents = 0;                              // for the whole interval
  std::optional<models::ForeignId> stripe_price = {};  // absent: not sold

  friend bool operator==(const PlanPrice&, const PlanPrice&) = default;
};

struct Plan {
  models::SubscriptionPlan plan = models::SubscriptionPlan::kFree;
  std::int64_t credits_at_sign_up = 0;
  std::int64_t credits_per_month = 0;
  PlanPrice monthly = {};
  PlanPrice yearly = {};

  [[nodiscard]] const PlanPrice& price(models::BillingInterval interval) const {
    return interval == models::BillingInterval::kYearly ? yearly : monthly;
  }
  friend bool operator==(const Plan&, const Plan&) = default;
};

// What a price at Stripe stands for.
struct PricedPlan {
  const Plan* plan = nullptr;
  models::BillingInterval interval = models::BillingInterval::kMonthly;
};

class Plans {
  std::array<Plan, 4> plans_;  // in the order of SubscriptionPlan
  std::string currency_ = "usd";

 public:
  // Those of a new installation: 10 credits at sign-up, then 100, 500 and 2000 a month, nothing
  // sold.
  Plans();
  // Throws Error (kValidation) where two prices have the same id, a number is negative, or the
  // plans are not the four in their order.
  explicit Plans(std::array<Plan, 4> plans, std::string currency = "usd");

  [[nodiscard]] const std::array<Plan, 4>& all() const { return plans_; }
  [[nodiscard]] const std::string& currency() const { return currency_; }
  [[nodiscard]] const Plan& get(models::SubscriptionPlan plan) const {
    return plans_[static_cast<std::size_t>(plan)];
  }
  // std::nullopt for a price that is none of ours.
  [[nodiscard]] std::optional<PricedPlan> find_price(std::string_view stripe_price) const;
};

// A plan as the settings say it: "credits=500, monthly=2900:price_1, yearly=29000:price_2", in
// cents and with Stripe's ids, each of which may be left out; what is not said is the plan's
// default. std::nullopt for any other text.
[[nodiscard]] std::optional<Plan> read_plan(models::SubscriptionPlan plan, std::string_view text);

// The tier of a user with that plan in force.
[[nodiscard]] models::SubscriptionTier tier_of(models::SubscriptionPlan plan);

}  // namespace gesso::domain
