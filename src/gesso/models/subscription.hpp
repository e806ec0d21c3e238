// Subscriptions: a plan, its state at Stripe, and the credits of the current period. Value types.
//
// `current_period_*` is the credit period, a month; `paid_from` and `paid_until` are what was paid,
// a month or a year (see periods.hpp for why they are two).
#pragma once

#include <array>
#include <optional>
#include <string_view>
#include <vector>

#include "gesso/base/clock.hpp"
#include "gesso/models/credit_operation.hpp"
#include "gesso/models/ids.hpp"
#include "gesso/models/pending_charge.hpp"
#include "gesso/models/periods.hpp"
#include "gesso/models/stripe.hpp"
#include "gesso/models/user.hpp"
#include "gesso/query/index.hpp"
#include "gesso/schema/codec.hpp"
#include "gesso/schema/number.hpp"

namespace gesso::models {

enum class SubscriptionPlan { kFree, kBasic, kPro, kEnterprise };
constexpr auto wire_texts(SubscriptionPlan) {
  return std::to_array<std::string_view>({"free", "basic", "pro", "enterprise"});
}

enum class SubscriptionStatus { kActive, kCancelled, kPastDue, kExpired };
constexpr auto wire_texts(SubscriptionStatus) {
  return std::to_array<std::string_view>({"active", "cancelled", "past_due", "expired"});
}

enum class BillingInterval { kMonthly, kYearly };
constexpr auto wire_texts(BillingInterval) {
  return std::to_array<std::string_view>({"monthly", "yearly"});
}

struct Subscription {
  SubscriptionId id;
  UserId user_id;
  SubscriptionPlan plan;
  SubscriptionStatus status = SubscriptionStatus::kActive;
  std::optional<ForeignId> stripe_subscription_id = {};
  std::optional<ForeignId> stripe_customer_id = {};
  std::optional<ForeignId> stripe_price_id = {};
  BillingInterval billing_interval = BillingInterval::kMonthly;
  schema::NonNegative credits_per_month;
  schema::NonNegative credits_used_this_period = 0;
  schema::NonNegative allotment = 0;
  std::vector<PendingCharge> pending_charges = {};
  std::vector<CreditOperation> recent_operations = {};
  schema::NonNegative captured_generations = 0;
  std::optional<Time> uncounted_since = {};
  Time current_period_start;
  Time current_period_end;
  std::optional<Time> billing_anchor = {};
  std::optional<Time> paid_from = {};
  std::optional<Time> paid_until = {};
  std::optional<Time> grace_until = {};
  bool cancel_at_period_end = false;
  std::optional<Time> cancelled_at = {};
  std::vector<StripeRecord> stripe_records = {};
  schema::NonNegative revision = 0;
  std::optional<Time> unsettled_since = {};
  Time created_at;
  Time updated_at;

  friend bool operator==(const Subscription&, const Subscription&) = default;

  static constexpr std::string_view kName = "Subscription";
  static constexpr std::string_view kCollection = "subscriptions";
  static constexpr std::string_view kAbout = "The plan of one user and its current period.";

  using Indexes =
      query::IndexList<query::Unique<&Subscription::user_id>,  // a user has one
                                                               // Stripe's events. Absent for the
                                                               // free plan, hence unique when
                                                               // present.
                       query::UniqueWhenPresent<&Subscription::stripe_subscription_id>,
                       query::Index<&Subscription::stripe_customer_id>,
                       // What is due to renew or to expire.
                       query::Index<&Subscription::status, &Subscription::current_period_end>,
                       query::Lookup<&Subscription::plan, &Subscription::status>,
                       // The sweep looks for holds that a crash left,
                       query::Index<query::asc<&Subscription::pending_charges, &PendingCharge::at>>,
                       // for generations that a crash kept from the user's count,
                       query::Index<&Subscription::uncounted_since>,
                       // and for changes that the user's document may not show yet.
                       query::Index<&Subscription::unsettled_since>>;
};
GESSO_FIELDS(Subscription, (id, "Assigned by the service."),
             (user_id, "Whose it is; a user has one subscription."), (plan, "What was bought."),
             (status,
              "Credits are used from an active one within its period, and from one past due until "
              "`grace_until`."),
             (stripe_subscription_id, "The subscription at Stripe; absent for the free plan."),
             (stripe_customer_id, "Who pays at Stripe."),
             (stripe_price_id, "The price at Stripe that stands for plan and interval."),
             (billing_interval, "How often is paid.", schema::kHasDefault),
             (credits_per_month, "Credits that each period grants."),
             (credits_used_this_period, "Of these, used; back to 0 when a period starts.",
              schema::kHasDefault),
             (allotment,
              "Counts how often credits were granted: what was taken of one allotment goes back to "
              "no other.",
              schema::kHasDefault | schema::kInternal),
             (pending_charges, kPendingChargesAbout, schema::kHasDefault | schema::kInternal),
             (recent_operations, kRecentOperationsAbout, schema::kHasDefault | schema::kInternal),
             (captured_generations, "How many generations it has paid alone, ever.",
              schema::kHasDefault | schema::kInternal),
             (uncounted_since,
              "Since when `captured_generations` may be ahead of what the user's document counts.",
              schema::kInternal),
             (current_period_start, "When the current credits were granted."),
             (current_period_end, "When they lapse and the next ones are due."),
             (billing_anchor,
              "The moment that months and years are counted from; keeps the day of the month."),
             (paid_from, "When the period began that was paid; `current_period_start` if absent."),
             (paid_until, "When it ends; `current_period_end` if absent."),
             (grace_until, "Past due: credits are still given until then."),
             (cancel_at_period_end, "Cancelled, and in force until the paid period ends.",
              schema::kHasDefault),
             (cancelled_at, "When the user cancelled."),
             (stripe_records, "What Stripe's events said, for each of the user's subscriptions.",
              schema::kHasDefault | schema::kInternal),
             (revision, "Grows with each change of the plan's state; tells concurrent ones apart.",
              schema::kHasDefault | schema::kInternal),
             (unsettled_since,
              "Since when the user's document may not show the plan that this one grants.",
              schema::kInternal),
             (created_at, "When it was bought."), (updated_at, "Last change of any field."))

// A purchase.
struct SubscriptionCreate {
  UserId user_id;
  SubscriptionPlan plan;
  std::optional<ForeignId> stripe_subscription_id = {};
  std::optional<ForeignId> stripe_customer_id = {};
  std::optional<ForeignId> stripe_price_id = {};
  BillingInterval billing_interval = BillingInterval::kMonthly;
  schema::NonNegative credits_per_month;
  std::optional<Time> current_period_start = {};
  Time current_period_end;

  friend bool operator==(const SubscriptionCreate&, const SubscriptionCreate&) = default;

  // The period ends after it starts.
  [[nodiscard]] std::vector<Violation> check() const;

  static constexpr std::string_view kName = "SubscriptionCreate";
  static constexpr std::string_view kAbout = "A purchase.";
};
GESSO_FIELDS(SubscriptionCreate, (user_id, "Who buys."), (plan, "What is bought."),
             (stripe_subscription_id, schema::field_about<&Subscription::stripe_subscription_id>),
             (stripe_customer_id, schema::field_about<&Subscription::stripe_customer_id>),
             (stripe_price_id, schema::field_about<&Subscription::stripe_price_id>),
             (billing_interval, schema::field_about<&Subscription::billing_interval>,
              schema::kHasDefault),
             (credits_per_month, schema::field_about<&Subscription::credits_per_month>),
             (current_period_start, "When the first period begins; now where absent."),
             (current_period_end, "When it ends."))

// A change as the payment service tells it, never a client: what is absent stays.
struct SubscriptionUpdate {
  std::optional<SubscriptionPlan> plan = {};
  std::optional<SubscriptionStatus> status = {};
  schema::Clearable<ForeignId> stripe_subscription_id = {};
  schema::Clearable<ForeignId> stripe_customer_id = {};
  schema::Clearable<ForeignId> stripe_price_id = {};
  std::optional<BillingInterval> billing_interval = {};
  std::optional<schema::NonNegative> credits_per_month = {};
  std::optional<Time> current_period_start = {};
  std::optional<Time> current_period_end = {};
  std::optional<bool> cancel_at_period_end = {};

  friend bool operator==(const SubscriptionUpdate&, const SubscriptionUpdate&) = default;

  static constexpr std::string_view kName = "SubscriptionUpdate";
  static constexpr std::string_view kAbout = "A change of a subscription: what is absent stays.";
};
GESSO_FIELDS(SubscriptionUpdate, (plan, "The new plan."), (status, "What Stripe says of it."),
             (stripe_subscription_id, "null takes it away."),
             (stripe_customer_id, "null takes it away."), (stripe_price_id, "null takes it away."),
             (billing_interval, schema::field_about<&Subscription::billing_interval>),
             (credits_per_month, schema::field_about<&Subscription::credits_per_month>),
             (current_period_start, schema::field_about<&Subscription::current_period_start>),
             (current_period_end, "When it ends."),
             (cancel_at_period_end, "Whether it ends with the period."))

}  // namespace gesso::models
