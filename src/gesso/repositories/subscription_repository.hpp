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

  // Returns std::nullopt, and changes nothing, also where it is not usable or has less than
  // `credits` left. Charging for a generation is charging.hpp's, which survives a crash. A token
  // that was used before changes nothing: a call whose answer was lost may be repeated (see
  // models/credit_operation.hpp).
  std::optional<models::Subscription> use_credits(const Id& id, std::int64_t credits,
                                                  const models::OperationToken& token);
  // Begins a new period, from the end of the old one where that has passed and else from now, as
  // long as the billing interval or until `period_end`. Credits that were not used lapse, and so do
  // those that a charge of the old period would have given back: its holds name their period.
  // Changes nothing where the current period lasts until `period_end` or longer (where it has not
  // ended, without one), so that an event that comes twice, or late, renews once. Of several calls
  // at once one renews, and all return what it made.
  std::optional<models::Subscription> reset_period_usage(const Id& id,
                                                         std::optional<Time> period_end = {});
  std::optional<models::Subscription> change_plan(const Id& id, const PlanChange& change);
  std::optional<models::Subscription> set_status(const Id& id, models::SubscriptionStatus status);
  // Cancels now or for the end of the period; in the second case it stays active until then, and
  // `end_cancelled` ends it.
  std::optional<models::Subscription> cancel(const Id& id, CancelWhen when);
  // Sets those to cancelled that were to end with their period and whose period ended by `moment`.
  // Returns how many.
  std::int64_t end_cancelled(Time moment);
};

// Whether its credits may be used: it is active, and its period has not ended. One whose renewal is
// late pays again once `reset_period_usage` has started the next period.
[[nodiscard]] bool is_usable(const models::Subscription& subscription, Time moment);

// A calendar month or year later, on the last day of the month where that day does not exist.
[[nodiscard]] Time add_interval(Time from, models::BillingInterval interval);

}  // namespace gesso::repositories
