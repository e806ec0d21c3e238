#include "gesso/repositories/subscription_repository.hpp"

#include <algorithm>
#include <chrono>

#include "gesso/repositories/checks.hpp"
#include "gesso/repositories/user_repository.hpp"

namespace gesso::repositories {

using namespace query;
using models::ForeignId;
using models::Subscription;
using models::SubscriptionStatus;

bool is_usable(const Subscription& subscription, Time moment) {
  return subscription.status == SubscriptionStatus::kActive &&
         moment < subscription.current_period_end;
}

Time add_interval(Time from, models::BillingInterval interval) {
  using namespace std::chrono;
  const sys_days day = floor<days>(from);
  const auto later =
      year_month_day(day) + months(interval == models::BillingInterval::kYearly ? 12 : 1);
  const sys_days that_day =
      later.ok() ? sys_days(later) : sys_days(later.year() / later.month() / last);
  return that_day + (from - day);
}

Subscription SubscriptionRepository::create_subscription(
    const models::SubscriptionCreate& request) {
  if (auto violations = request.check(); !violations.empty()) {
    throw validation_error(std::move(violations));
  }
  const Time moment = now();
  return create({.id = next_id(),
                 .user_id = request.user_id,
                 .plan = request.plan,
                 .stripe_subscription_id = request.stripe_subscription_id,
                 .stripe_customer_id = request.stripe_customer_id,
                 .stripe_price_id = request.stripe_price_id,
                 .billing_interval = request.billing_interval,
                 .credits_per_month = request.credits_per_month,
                 .current_period_start = request.current_period_start.value_or(moment),
                 .current_period_end = request.current_period_end,
                 .created_at = moment,
                 .updated_at = moment});
}

Subscription SubscriptionRepository::create(Subscription subscription) {
  // First, so that no charge passes over a subscription that is there.
  UserRepository(session(), context())
      .change_one(where<&models::User::id> == subscription.user_id &&
                      where<&models::User::may_have_subscription> == false,
                  update(set<&models::User::may_have_subscription>(true)));
  return Repository::create(std::move(subscription));
}

std::optional<Subscription> SubscriptionRepository::find_by_user(const models::UserId& user_id) {
  return find_one(where<&Subscription::user_id> == user_id);
}

std::optional<Subscription> SubscriptionRepository::find_by_stripe_subscription_id(
    std::string_view stripe_subscription_id) {
  if (ForeignId::check(stripe_subscription_id)) return std::nullopt;
  return find_one(where<&Subscription::stripe_subscription_id> == stripe_subscription_id);
}

std::optional<Subscription> SubscriptionRepository::find_by_stripe_customer_id(
    std::string_view stripe_customer_id) {
  if (ForeignId::check(stripe_customer_id)) return std::nullopt;
  return find_one(where<&Subscription::stripe_customer_id> == stripe_customer_id);
}

std::vector<Subscription> SubscriptionRepository::find_due(SubscriptionStatus status, Time moment,
                                                           std::int64_t limit) {
  return find_many(
      where<&Subscription::status> == status && where<&Subscription::current_period_end> <= moment,
      sort_by(asc<&Subscription::current_period_end>), {.limit = limit});
}

std::optional<Subscription> SubscriptionRepository::use_credits(
    const Id& id, std::int64_t credits, const models::OperationToken& token) {
  require_at_least(1, "credits", credits);
  // Comparing two fields of a document takes an expression, which few servers do well. Both are
  // compared with what was seen instead, and a change in between is seen at the next try.
  while (const auto seen = find_by_id(id)) {
    const std::int64_t most = seen->credits_per_month - credits;
    const Time moment = now();
    if (models::has_operation(seen->recent_operations, token)) return seen;
    if (!is_usable(*seen, moment) || seen->credits_used_this_period > most) break;
    auto used = update_one(
        where<&Subscription::id> == id &&
            where<&Subscription::status> == SubscriptionStatus::kActive &&
            where<&Subscription::current_period_end> > moment &&
            where<&Subscription::current_period_start> == seen->current_period_start &&
            where<&Subscription::credits_per_month> == seen->credits_per_month &&
            where<&Subscription::credits_used_this_period> <= most &&
            where<&Subscription::recent_operations, &models::CreditOperation::token> != token,
        update(inc<&Subscription::credits_used_this_period>(credits),
               push_bounded<&Subscription::recent_operations>(
                   models::CreditOperation{.token = token, .credits = -credits, .at = moment},
                   models::kRecentOperations)));
    if (used) return used;
  }
  return std::nullopt;
}

std::optional<Subscription> SubscriptionRepository::reset_period_usage(
    const Id& id, std::optional<Time> period_end) {
  const auto seen = find_by_id(id);
  if (!seen) return std::nullopt;
  // What is told again, or late, has been done: a second renewal would be credits for nothing.
  const bool is_done =
      period_end ? *period_end <= seen->current_period_end : now() < seen->current_period_end;
  if (is_done) return seen;
  const Time start = std::min(seen->current_period_end, now());
  const Time end = period_end.value_or(add_interval(start, seen->billing_interval));
  auto renewed =
      update_one(where<&Subscription::id> == id &&
                     where<&Subscription::current_period_start> == seen->current_period_start &&
                     where<&Subscription::current_period_end> == seen->current_period_end,
                 update(set<&Subscription::credits_used_this_period>(0),
                        set<&Subscription::current_period_start>(start),
                        set<&Subscription::current_period_end>(end)));
  // Of two that renew the same period at once, one does.
  return renewed ? renewed : find_by_id(id);
}

std::int64_t SubscriptionRepository::end_cancelled(Time moment) {
  std::vector<Id> due;
  auto overdue = stream(where<&Subscription::status> == SubscriptionStatus::kActive &&
                            where<&Subscription::current_period_end> <= moment,
                        unsorted, {.skip_undecodable = [](const Error&) {}});
  while (const auto subscription = overdue.next()) {
    if (subscription->cancel_at_period_end) due.push_back(subscription->id);
  }
  std::int64_t ended = 0;
  for (const Id& id : due) {
    ended += change_one(where<&Subscription::id> == id &&
                            where<&Subscription::status> == SubscriptionStatus::kActive &&
                            where<&Subscription::cancel_at_period_end> == true &&
                            where<&Subscription::current_period_end> <= moment,
                        update(set<&Subscription::status>(SubscriptionStatus::kCancelled)))
                 ? 1
                 : 0;
  }
  return ended;
}

std::optional<Subscription> SubscriptionRepository::change_plan(const Id& id,
                                                                const PlanChange& change) {
  require_at_least(0, "credits_per_month", change.credits_per_month);
  auto changes = update(set<&Subscription::plan>(change.plan),
                        set<&Subscription::credits_per_month>(change.credits_per_month));
  if (change.stripe_price_id) {
    changes.add(set<&Subscription::stripe_price_id>(*change.stripe_price_id));
  }
  return update_by_id(id, std::move(changes));
}

std::optional<Subscription> SubscriptionRepository::set_status(const Id& id,
                                                               SubscriptionStatus status) {
  return update_by_id(id, update(set<&Subscription::status>(status)));
}

std::optional<Subscription> SubscriptionRepository::cancel(const Id& id, CancelWhen when) {
  auto changes = update(set<&Subscription::cancelled_at>(now()),
                        set<&Subscription::cancel_at_period_end>(when == CancelWhen::kAtPeriodEnd));
  if (when == CancelWhen::kNow) {
    changes.add(set<&Subscription::status>(SubscriptionStatus::kCancelled));
  }
  return update_by_id(id, std::move(changes));
}

}  // namespace gesso::repositories
