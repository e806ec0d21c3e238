#include "gesso/repositories/subscription_repository.hpp"

#include <algorithm>
#include <chrono>

#include "gesso/repositories/checks.hpp"
#include "gesso/repositories/user_repository.hpp"

namespace gesso::repositories {

using namespace query;
using models::ForeignId;
using models::Period;
using models::Subscription;
using models::SubscriptionStatus;

namespace {

template <auto Member, class T>
void set_or_unset(Update<Subscription>& changes, const std::optional<T>& value) {
  if (value) {
    changes.add(set<Member>(*value));
  } else {
    changes.add(unset<Member>());
  }
}

}  // namespace

bool is_usable(const Subscription& subscription, Time moment) {
  switch (subscription.status) {
    case SubscriptionStatus::kActive:
      return moment < subscription.current_period_end;
    case SubscriptionStatus::kPastDue:
      return subscription.grace_until && moment < *subscription.grace_until;
    case SubscriptionStatus::kCancelled:
    case SubscriptionStatus::kExpired:
      break;
  }
  return false;
}

Period paid_period(const Subscription& subscription) {
  return {.start = subscription.paid_from.value_or(subscription.current_period_start),
          .end = subscription.paid_until.value_or(subscription.current_period_end)};
}

Subscription with_months_credits(Subscription subscription, Time moment) {
  const Period paid = paid_period(subscription);
  const bool is_running = subscription.status == SubscriptionStatus::kActive && moment < paid.end;
  if (!is_running || paid.start >= paid.end) return subscription;
  const Time anchor = subscription.billing_anchor.value_or(models::anchor_of(paid));
  const Period credits = models::credit_period(paid, anchor, moment);
  if (credits.start <= subscription.current_period_start) return subscription;
  subscription.billing_anchor = anchor;
  subscription.paid_from = paid.start;
  subscription.paid_until = paid.end;
  subscription.current_period_start = credits.start;
  subscription.current_period_end = credits.end;
  subscription.credits_used_this_period = 0;
  subscription.allotment = subscription.allotment + 1;
  return subscription;
}

Subscription SubscriptionRepository::create_subscription(
    const models::SubscriptionCreate& request) {
  if (auto violations = request.check(); !violations.empty()) {
    throw validation_error(std::move(violations));
  }
  const Time moment = now();
  const Period paid{.start = request.current_period_start.value_or(moment),
                    .end = request.current_period_end};
  if (paid.start >= paid.end) {
    models::SubscriptionCreate begun = request;
    begun.current_period_start = moment;
    throw validation_error(begun.check());
  }
  const Time anchor = models::anchor_of(paid);
  const Period credits = models::credit_period(paid, anchor, moment);
  return create({.id = next_id(),
                 .user_id = request.user_id,
                 .plan = request.plan,
                 .stripe_subscription_id = request.stripe_subscription_id,
                 .stripe_customer_id = request.stripe_customer_id,
                 .stripe_price_id = request.stripe_price_id,
                 .billing_interval = request.billing_interval,
                 .credits_per_month = request.credits_per_month,
                 .allotment = 1,
                 .current_period_start = credits.start,
                 .current_period_end = credits.end,
                 .billing_anchor = anchor,
                 .paid_from = paid.start,
                 .paid_until = paid.end,
                 .created_at = moment,
                 .updated_at = moment});
}

Subscription SubscriptionRepository::create(Subscription subscription) {
  // First, so that no charge passes over a subscription that is there.
  UserRepository(session(), context())
      .change_one(where<&models::User::id> == subscription.user_id &&
                      where<&models::User::may_have_subscription> == false,
                  update(set<&models::User::may_have_subscription>(true)));
  Subscription created = Repository::create(std::move(subscription));
  context().count(&CreditCounters::granted, created.credits_per_month.value());
  return created;
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

bool SubscriptionRepository::change_state(const Subscription& seen, const Subscription& next) {
  Update<Subscription> changes =
      update(set<&Subscription::plan>(next.plan), set<&Subscription::status>(next.status),
             set<&Subscription::billing_interval>(next.billing_interval),
             set<&Subscription::credits_per_month>(next.credits_per_month),
             set<&Subscription::cancel_at_period_end>(next.cancel_at_period_end),
             set<&Subscription::stripe_records>(next.stripe_records),
             set<&Subscription::unsettled_since>(now()), inc<&Subscription::revision>(1));
  set_or_unset<&Subscription::stripe_subscription_id>(changes, next.stripe_subscription_id);
  set_or_unset<&Subscription::stripe_customer_id>(changes, next.stripe_customer_id);
  set_or_unset<&Subscription::stripe_price_id>(changes, next.stripe_price_id);
  set_or_unset<&Subscription::billing_anchor>(changes, next.billing_anchor);
  set_or_unset<&Subscription::paid_from>(changes, next.paid_from);
  set_or_unset<&Subscription::paid_until>(changes, next.paid_until);
  set_or_unset<&Subscription::grace_until>(changes, next.grace_until);
  set_or_unset<&Subscription::cancelled_at>(changes, next.cancelled_at);
  changes.add(set<&Subscription::current_period_start>(next.current_period_start));
  changes.add(set<&Subscription::current_period_end>(next.current_period_end));
  // Holds of the old allotment stay, for they count generations; what they would give back has
  // lapsed.
  const bool is_same_allotment = next.allotment == seen.allotment;
  if (!is_same_allotment) {
    changes.add(set<&Subscription::allotment>(next.allotment));
    changes.add(set<&Subscription::credits_used_this_period>(next.credits_used_this_period));
  }
  const std::int64_t before = is_same_allotment ? seen.credits_per_month.value() : 0;
  const auto write = [&](const auto& revision) {
    const auto unchanged =
        where<&Subscription::id> == seen.id &&
        where<&Subscription::current_period_start> == seen.current_period_start && revision;
    // What was used is carried over, or given up: a charge meanwhile would be forgotten.
    const bool written =
        is_same_allotment
            ? change_one(unchanged, std::move(changes))
            : change_one(unchanged && where<&Subscription::credits_used_this_period> ==
                                          seen.credits_used_this_period,
                         std::move(changes));
    if (written) {
      context().count(&CreditCounters::granted, next.credits_per_month.value() - before);
    }
    return written;
  };
  const auto same_revision = where<&Subscription::revision> == seen.revision;
  if (seen.revision > 0) return write(same_revision);
  // One that an older version of this program stored has none.
  return write(same_revision || where<&Subscription::revision>.missing());
}

bool SubscriptionRepository::settle(const Subscription& seen) {
  return change_one(
      where<&Subscription::id> == seen.id && where<&Subscription::revision> == seen.revision,
      update(unset<&Subscription::unsettled_since>()));
}

std::optional<Subscription> SubscriptionRepository::find_current(const models::UserId& user_id) {
  while (auto seen = find_by_user(user_id)) {
    Subscription next = with_months_credits(*seen, now());
    if (next == *seen) return seen;
    (void)change_state(*seen, next);
  }
  return std::nullopt;
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
        as_seen(*seen) && where<&Subscription::credits_used_this_period> <= most &&
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
  const Time moment = now();
  const Period old = paid_period(*seen);
  // What is told again, or late, has been done: a second renewal would be credits for nothing.
  const bool is_done = period_end ? *period_end <= old.end : moment < old.end;
  if (is_done) return seen;
  Time anchor =
      seen->billing_anchor.value_or(old.start < old.end ? models::anchor_of(old) : old.end);
  Period paid{.start = std::min(old.end, moment), .end = period_end.value_or(Time())};
  if (!period_end) {
    // The end of the interval that begins where the old one ended, however late this is.
    paid.end = models::period_at(anchor, months_of(seen->billing_interval), paid.start).end;
  } else if (paid.start != old.end) {
    anchor = models::anchor_of(paid);
  }
  const Period credits = models::credit_period(paid, anchor, paid.start);
  auto renewed = update_one(
      where<&Subscription::id> == id &&
          where<&Subscription::current_period_start> == seen->current_period_start &&
          where<&Subscription::current_period_end> == seen->current_period_end,
      update(set<&Subscription::billing_anchor>(anchor), set<&Subscription::paid_from>(paid.start),
             set<&Subscription::paid_until>(paid.end), inc<&Subscription::revision>(1),
             set<&Subscription::current_period_start>(credits.start),
             set<&Subscription::current_period_end>(credits.end),
             set<&Subscription::credits_used_this_period>(schema::NonNegative(0)),
             inc<&Subscription::allotment>(1)));
  // Of two that renew the same period at once, one does.
  return renewed ? renewed : find_by_id(id);
}

std::optional<Subscription> SubscriptionRepository::change_plan(const Id& id,
                                                                const PlanChange& change) {
  require_at_least(0, "credits_per_month", change.credits_per_month);
  auto changes =
      update(set<&Subscription::plan>(change.plan),
             set<&Subscription::credits_per_month>(change.credits_per_month),
             set<&Subscription::unsettled_since>(now()), inc<&Subscription::revision>(1));
  if (change.stripe_price_id) {
    changes.add(set<&Subscription::stripe_price_id>(*change.stripe_price_id));
  }
  return update_by_id(id, std::move(changes));
}

std::optional<Subscription> SubscriptionRepository::set_status(const Id& id,
                                                               SubscriptionStatus status) {
  return update_by_id(
      id, update(set<&Subscription::status>(status), set<&Subscription::unsettled_since>(now()),
                 inc<&Subscription::revision>(1)));
}

std::optional<Subscription> SubscriptionRepository::cancel(const Id& id, CancelWhen when) {
  auto changes =
      update(set<&Subscription::cancelled_at>(now()),
             set<&Subscription::cancel_at_period_end>(when == CancelWhen::kAtPeriodEnd),
             set<&Subscription::unsettled_since>(now()), inc<&Subscription::revision>(1));
  if (when == CancelWhen::kNow) {
    changes.add(set<&Subscription::status>(SubscriptionStatus::kCancelled));
  }
  return update_by_id(id, std::move(changes));
}

}  // namespace gesso::repositories
