// Subscriptions: what a user has bought, its state at Stripe, and the credits of its period.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "gesso/models/subscription.hpp"
#include "gesso/repositories/repository.hpp"

namespace gesso::repositories {

enum class CancelWhen { kNow, kAtPeriodEnd };

struct PlanChange {
  models::SubscriptionPlan plan = models::SubscriptionPlan::kFree;
  std::int64_t credits_per_month = 0;
  std::optional<models::ForeignId> stripe_price_id = {};  // absent: as it was
};

class SubscriptionRepository : public Repository<models::Subscription> {
 public:
  using Repository::Repository;

  // As Repository's, and tells the user's document that there may be a subscription now.
  models::Subscription create(models::Subscription subscription);
  // Throws Error: kDuplicate with field "user_id" where the user has one, kValidation where the
  // period ends before it starts.
  models::Subscription create_subscription(const models::SubscriptionCreate& request);

  [[nodiscard]] std::optional<models::Subscription> find_by_user(const models::UserId& user_id);
  [[nodiscard]] std::optional<models::Subscription> find_by_stripe_subscription_id(
      std::string_view stripe_subscription_id);
  [[nodiscard]] std::optional<models::Subscription> find_by_stripe_customer_id(
      std::string_view stripe_customer_id);
  // The subscriptions of a status whose period ended by `moment`, the longest overdue first.
  [[nodiscard]] std::vector<models::Subscription> find_due(models::SubscriptionStatus status,
                                                           Time moment, std::int64_t limit = 100);

  // These return the subscription as it is then, and std::nullopt where there is none.

  // Writes what billing decided: the plan, its state at Stripe, its periods, in one update, where
  // the subscription is still as it was seen. Counts its revision up and marks it unsettled. Where
  // the allotment is another, the credits used are set, else they are left to those who charge: who
  // grants credits anew counts it up. Returns whether it was as seen. Throws Error: kDuplicate with
  // field "stripe_subscription_id" where another user has that.
  bool change_state(const models::Subscription& seen, const models::Subscription& next);
  // Takes the mark off that `change_state` left, where the revision is still the one that was seen.
  // Returns whether it was.
  bool settle(const models::Subscription& seen);
  // The user's subscription with the credits of this month: begins the credit period that it has
  // come to within its paid one, if nobody did.
  [[nodiscard]] std::optional<models::Subscription> find_current(const models::UserId& user_id);

  // Returns std::nullopt, and changes nothing, also where it is not usable or has less than
  // `credits` left. Charging for a generation is charging.hpp's, which survives a crash. A token
  // that was used before changes nothing: a call whose answer was lost may be repeated (see
  // models/credit_operation.hpp).
  std::optional<models::Subscription> use_credits(const Id& id, std::int64_t credits,
                                                  const models::OperationToken& token);
  // Begins a new paid period, from the end of the old one where that has passed and else from now,
  // until `period_end` or, without one, to the end of the billing interval that its anchor counts;
  // and with it the credit period of its first month. Credits that were not used lapse, and so do
  // those that a charge of the old period would have given back. Changes nothing where what is paid
  // lasts until `period_end` or longer (where it has not ended, without one), so that an event that
  // comes twice, or late, renews once. Of several calls at once one renews, and all return what it
  // made.
  std::optional<models::Subscription> reset_period_usage(const Id& id,
                                                         std::optional<Time> period_end = {});
  std::optional<models::Subscription> change_plan(const Id& id, const PlanChange& change);
  std::optional<models::Subscription> set_status(const Id& id, models::SubscriptionStatus status);
  // Cancels now or for the end of the paid period; in the second case it stays active until then,
  // and billing's sweep ends it.
  std::optional<models::Subscription> cancel(const Id& id, CancelWhen when);
};

// Whether its credits may be used: it is active, and its credit period has not ended; or it is past
// due, and the provider is to collect again later. By the clock, so that one whose renewal is late
// pays nothing until it was renewed.
[[nodiscard]] bool is_usable(const models::Subscription& subscription, Time moment);

// A filter for the subscription while its credits are of this allotment. Documents of before there
// were any are of allotment 0.
[[nodiscard]] inline auto has_allotment(const schema::NonNegative& allotment) {
  constexpr auto kField = query::where<&models::Subscription::allotment>;
  return kField == allotment || kField.missing();
}

// A filter for the subscription as long as what makes it usable, and how many credits it grants, is
// as it was seen. Whether it was usable then is asked before: an update with this filter, and one
// on `credits_used_this_period`, takes credits exactly.
[[nodiscard]] inline auto as_seen(const models::Subscription& seen) {
  using models::Subscription;
  using query::where;
  return where<&Subscription::id> == seen.id && where<&Subscription::status> == seen.status &&
         where<&Subscription::current_period_start> == seen.current_period_start &&
         where<&Subscription::current_period_end> == seen.current_period_end &&
         where<&Subscription::credits_per_month> == seen.credits_per_month &&
         has_allotment(seen.allotment);
}

// The subscription with the credits of the month that it has come to within what it has paid for;
// as it is where it has them. One that an older version of this program stored may have been given
// a year's credits in one piece.
[[nodiscard]] models::Subscription with_months_credits(models::Subscription subscription,
                                                       Time moment);

// What the subscription has paid for, also where an older version of this program stored it.
[[nodiscard]] models::Period paid_period(const models::Subscription& subscription);

[[nodiscard]] constexpr std::int64_t months_of(models::BillingInterval interval) {
  return interval == models::BillingInterval::kYearly ? 12 : 1;
}

}  // namespace gesso::repositories
