// What a user may ask for about the own plan, and what is to be done about it: pure functions of
// the subscription, the user, the settings and the clock.
//
// A plan that is paid at Stripe is changed at Stripe, and here by what Stripe says of it. A plan
// without Stripe is changed here, and only where the operator lets users do that.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "gesso/domain/plans.hpp"
#include "gesso/domain/stripe_calls.hpp"
#include "gesso/domain/stripe_records.hpp"
#include "gesso/models/subscription.hpp"
#include "gesso/models/user.hpp"
#include "gesso/repositories/subscription_repository.hpp"

namespace gesso::domain {

struct BillingSettings {
  Plans plans = {};
  std::chrono::milliseconds payment_grace = kPaymentGrace;
  bool sells = false;  // a key of Stripe is set
  bool local_plans =
      false;  // users may take plans without Stripe: for trials and own installations
  std::string checkout_success_url = {};
  std::string checkout_cancel_url = {};
  std::string portal_return_url = {};
};

enum class BillingRefusal {
  kUnknownUser,
  kPaymentsNotConfigured,
  kNotSold,            // no price at Stripe stands for that plan and interval
  kAlreadySubscribed,  // a plan is in force: change it
  kNotSubscribed,      // none is: buy one
  kNothingToChange,
  kNotACustomer
};
// "payments_not_configured", ...: stable, for clients.
[[nodiscard]] std::string_view to_string(BillingRefusal refusal);
// A sentence for people.
[[nodiscard]] std::string_view explain(BillingRefusal refusal);

// What has to be known before the question can be answered: send the call, tell `Billing` the
// reply, and ask again.
struct AskFirst {
  enum class For { kCustomer, kSubscription };
  For what = For::kCustomer;
  StripeCall call;
};

// The subscription as it is to be stored, or, unchanged, as it is.
struct ChangeHere {
  models::Subscription next;
};

using BillingDecision = std::variant<ChangeHere, StripeCall, AskFirst, BillingRefusal>;

enum class WhoRenews { kNobody, kClock, kStripe };
constexpr auto wire_texts(WhoRenews) {
  return std::to_array<std::string_view>({"nobody", "clock", "stripe"});
}

// The plan of a user as the user sees it.
struct MySubscription {
  models::SubscriptionPlan plan = models::SubscriptionPlan::kFree;
  models::SubscriptionStatus status = models::SubscriptionStatus::kActive;
  models::BillingInterval billing_interval = models::BillingInterval::kMonthly;
  WhoRenews renewed_by = WhoRenews::kNobody;
  schema::NonNegative credits_per_month = 0;
  schema::NonNegative credits_used_this_period = 0;
  schema::NonNegative credits_left = 0;
  std::optional<Time> current_period_start = {};
  std::optional<Time> current_period_end = {};
  std::optional<Time> paid_until = {};
  std::optional<Time> grace_until = {};
  bool cancel_at_period_end = false;
  std::optional<Time> cancelled_at = {};

  friend bool operator==(const MySubscription&, const MySubscription&) = default;
  static constexpr std::string_view kName = "MySubscription";
  static constexpr std::string_view kAbout = "A user's plan and the credits that it has left.";
};
GESSO_FIELDS(
    MySubscription, (plan, "What is in force, or was last."), (status, "Whether it is in force."),
    (billing_interval, schema::field_about<&models::Subscription::billing_interval>),
    (renewed_by, "Who begins its next period: Stripe, the clock, or nobody."),
    (credits_per_month, schema::field_about<&models::Subscription::credits_per_month>),
    (credits_used_this_period, "Of these, used in the current period."),
    (credits_left, "What can be used now; 0 where the plan is not in force."),
    (current_period_start, schema::field_about<&models::Subscription::current_period_start>),
    (current_period_end, schema::field_about<&models::Subscription::current_period_end>),
    (paid_until, "When the paid period ends."),
    (grace_until, schema::field_about<&models::Subscription::grace_until>),
    (cancel_at_period_end, schema::field_about<&models::Subscription::cancel_at_period_end>),
    (cancelled_at, schema::field_about<&models::Subscription::cancelled_at>))

// The view of a subscription as the clock makes it at `now`; the free plan where there is none.
[[nodiscard]] MySubscription show(const std::optional<models::Subscription>& subscription,
                                  const BillingSettings& settings, Time now);

// The subscriptions at Stripe that it goes on collecting for, also where they are not in force
// here.
[[nodiscard]] std::vector<models::ForeignId> collected_at_stripe(
    const models::Subscription& subscription);

// Whether the subscription gives its user the plan's tier.
[[nodiscard]] bool is_in_force(const models::Subscription& subscription);
// The tier that its user should have: the plan's while it is in force, else free.
[[nodiscard]] models::SubscriptionTier tier_of(const models::Subscription& subscription);
// Whether that is for it to say: one that was never in force (a checkout that was begun and left)
// takes nobody's tier away.
[[nodiscard]] bool decides_tier(const models::Subscription& subscription);

// `key` is new for each request of a user: it tells Stripe a repetition from a second wish.
// REQUIRES, of all: the subscription is as `derive` makes it at `now`.
using MaybeSubscription = std::optional<models::Subscription>;
[[nodiscard]] BillingDecision decide_checkout(
    const MaybeSubscription& subscription, const models::User& user, models::SubscriptionPlan plan,
    models::BillingInterval interval, const BillingSettings& settings, std::string_view key);
[[nodiscard]] BillingDecision decide_portal(const MaybeSubscription& subscription,
                                            const models::User& user, PortalFlow flow,
                                            const BillingSettings& settings, std::string_view key);
// `fresh_id` is that of the subscription if one has to be made.
[[nodiscard]] BillingDecision decide_change(const MaybeSubscription& subscription,
                                            const models::User& user, models::SubscriptionPlan plan,
                                            models::BillingInterval interval,
                                            const BillingSettings& settings, Time now,
                                            const models::SubscriptionId& fresh_id,
                                            std::string_view key);
[[nodiscard]] BillingDecision decide_cancel(const MaybeSubscription& subscription,
                                            repositories::CancelWhen when,
                                            const BillingSettings& settings, Time now,
                                            std::string_view key);
[[nodiscard]] BillingDecision decide_reactivate(const MaybeSubscription& subscription,
                                                const BillingSettings& settings,
                                                std::string_view key);

}  // namespace gesso::domain
