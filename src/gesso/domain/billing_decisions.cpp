#include "gesso/domain/billing_decisions.hpp"

#include <algorithm>

namespace gesso::domain {

using models::BillingInterval;
using models::ForeignId;
using models::StripeRecord;
using models::Subscription;
using models::SubscriptionPlan;
using models::SubscriptionStatus;
using models::User;
using repositories::CancelWhen;

namespace {

const StripeRecord* find_record(const Subscription& subscription) {
  for (const StripeRecord& record : subscription.stripe_records) {
    if (record.id == subscription.stripe_subscription_id) return &record;
  }
  return nullptr;
}

bool has_ended(const StripeRecord& record) {
  return record.status == models::StripeStatus::kCanceled ||
         record.status == models::StripeStatus::kIncompleteExpired;
}

// A subscription that Stripe goes on collecting for, also one that is in force no longer here.
bool is_collected(const Subscription& subscription) {
  if (!subscription.stripe_subscription_id) return false;
  const StripeRecord* record = find_record(subscription);
  if (record == nullptr || !record->status) return is_in_force(subscription);
  return !has_ended(*record);
}

std::optional<ForeignId> customer_of(const MaybeSubscription& subscription, const User& user) {
  if (subscription && subscription->stripe_customer_id) return subscription->stripe_customer_id;
  return user.stripe_customer_id;
}

// A plan that begins now, for a user without one.
Subscription begin(const MaybeSubscription& old, const User& user, const Plan& plan,
                   BillingInterval interval, Time now, const models::SubscriptionId& fresh_id) {
  const models::Period paid{.start = now,
                            .end = models::add_months(now, repositories::months_of(interval))};
  const models::Period credits = models::credit_period(paid, now, now);
  Subscription next{.id = old ? old->id : fresh_id,
                    .user_id = user.id,
                    .plan = plan.plan,
                    .stripe_customer_id = customer_of(old, user),
                    .billing_interval = interval,
                    .credits_per_month = plan.credits_per_month,
                    .allotment = old ? old->allotment + 1 : 1,
                    .current_period_start = credits.start,
                    .current_period_end = credits.end,
                    .billing_anchor = now,
                    .paid_from = paid.start,
                    .paid_until = paid.end,
                    .created_at = old ? old->created_at : now,
                    .updated_at = now};
  if (old) next.revision = old->revision;
  return next;
}

// The same months; what is paid is the month or the year of the anchor that holds this moment.
Subscription change_here(Subscription next, const Plan& plan, BillingInterval interval, Time now) {
  next.plan = plan.plan;
  next.credits_per_month = plan.credits_per_month;
  if (next.billing_interval != interval) {
    next.billing_interval = interval;
    const Time anchor = next.billing_anchor.value_or(next.current_period_start);
    const auto paid = models::period_at(anchor, repositories::months_of(interval), now);
    next.paid_from = paid.start;
    next.paid_until = paid.end;
  }
  return next;
}

}  // namespace

std::string_view to_string(BillingRefusal refusal) {
  switch (refusal) {
    case BillingRefusal::kUnknownUser:
      return "unknown_user";
    case BillingRefusal::kPaymentsNotConfigured:
      return "payments_not_configured";
    case BillingRefusal::kNotSold:
      return "plan_not_sold";
    case BillingRefusal::kAlreadySubscribed:
      return "already_subscribed";
    case BillingRefusal::kNotSubscribed:
      return "not_subscribed";
    case BillingRefusal::kNothingToChange:
      return "nothing_to_change";
    case BillingRefusal::kNotACustomer:
      return "not_a_customer";
  }
  return "unknown";
}

std::string_view explain(BillingRefusal refusal) {
  switch (refusal) {
    case BillingRefusal::kUnknownUser:
      return "There is no such user";
    case BillingRefusal::kPaymentsNotConfigured:
      return "This service takes no payments";
    case BillingRefusal::kNotSold:
      return "This plan is not sold at this interval";
    case BillingRefusal::kAlreadySubscribed:
      return "A plan is in force; change it instead";
    case BillingRefusal::kNotSubscribed:
      return "No plan is in force";
    case BillingRefusal::kNothingToChange:
      return "The plan is so already";
    case BillingRefusal::kNotACustomer:
      return "Nothing was bought yet";
  }
  return "This is not possible";
}

std::vector<ForeignId> collected_at_stripe(const Subscription& subscription) {
  std::vector<ForeignId> collected;
  for (const StripeRecord& record : subscription.stripe_records) {
    if (!has_ended(record)) collected.push_back(record.id);
  }
  // Stored before there were records.
  if (find_record(subscription) == nullptr && is_collected(subscription)) {
    collected.push_back(*subscription.stripe_subscription_id);
  }
  return collected;
}

bool is_in_force(const Subscription& subscription) {
  return subscription.status == SubscriptionStatus::kActive ||
         subscription.status == SubscriptionStatus::kPastDue;
}

models::SubscriptionTier tier_of(const Subscription& subscription) {
  return is_in_force(subscription) ? tier_of(subscription.plan) : models::SubscriptionTier::kFree;
}

bool decides_tier(const Subscription& subscription) {
  const auto& records = subscription.stripe_records;
  return is_in_force(subscription) || records.empty() ||
         std::ranges::any_of(records, &models::StripeRecord::was_live);
}

MySubscription show(const MaybeSubscription& subscription, const BillingSettings& settings,
                    Time now) {
  const bool is_none = !subscription || (subscription->plan == SubscriptionPlan::kFree &&
                                         !is_in_force(*subscription));
  if (is_none) {
    return {.credits_per_month = settings.plans.get(SubscriptionPlan::kFree).credits_per_month};
  }
  const Subscription today = repositories::with_months_credits(
      derive(*subscription, settings.plans, now, settings.payment_grace), now);
  MySubscription shown{.plan = today.plan,
                       .status = today.status,
                       .billing_interval = today.billing_interval,
                       .credits_per_month = today.credits_per_month,
                       .credits_used_this_period = today.credits_used_this_period,
                       .current_period_start = today.current_period_start,
                       .current_period_end = today.current_period_end,
                       .paid_until = repositories::paid_period(today).end,
                       .grace_until = today.grace_until,
                       .cancel_at_period_end = today.cancel_at_period_end,
                       .cancelled_at = today.cancelled_at};
  if (is_in_force(today) && !today.cancel_at_period_end) {
    shown.renewed_by = today.stripe_subscription_id ? WhoRenews::kStripe : WhoRenews::kClock;
  }
  if (repositories::is_usable(today, now)) {
    shown.credits_left =
        std::max<std::int64_t>(0, today.credits_per_month - today.credits_used_this_period);
  }
  return shown;
}

BillingDecision decide_checkout(const MaybeSubscription& subscription, const User& user,
                                SubscriptionPlan plan, BillingInterval interval,
                                const BillingSettings& settings, std::string_view key) {
  if (!settings.sells) return BillingRefusal::kPaymentsNotConfigured;
  if (subscription && is_collected(*subscription)) return BillingRefusal::kAlreadySubscribed;
  const auto& price = settings.plans.get(plan).price(interval).stripe_price;
  if (!price) return BillingRefusal::kNotSold;
  const auto customer = customer_of(subscription, user);
  if (!customer) {
    return AskFirst{.what = AskFirst::For::kCustomer, .call = create_customer(user.id, user.email)};
  }
  return create_checkout_session({.user_id = user.id,
                                  .customer_id = *customer,
                                  .price_id = *price,
                                  .success_url = settings.checkout_success_url,
                                  .cancel_url = settings.checkout_cancel_url},
                                 key);
}

BillingDecision decide_portal(const MaybeSubscription& subscription, const User& user,
                              PortalFlow flow, const BillingSettings& settings,
                              std::string_view key) {
  if (!settings.sells) return BillingRefusal::kPaymentsNotConfigured;
  const auto customer = customer_of(subscription, user);
  if (!customer) return BillingRefusal::kNotACustomer;
  const bool about_plan = flow == PortalFlow::kCancel || flow == PortalFlow::kChangePlan;
  const bool has_plan = subscription && is_collected(*subscription);
  if (about_plan && !has_plan) return BillingRefusal::kNotSubscribed;
  return create_portal_session(
      *customer, has_plan ? subscription->stripe_subscription_id : std::optional<ForeignId>(), flow,
      settings.portal_return_url, key);
}

BillingDecision decide_change(const MaybeSubscription& subscription, const User& user,
                              SubscriptionPlan plan, BillingInterval interval,
                              const BillingSettings& settings, Time now,
                              const models::SubscriptionId& fresh_id, std::string_view key) {
  if (plan == SubscriptionPlan::kFree) {
    return decide_cancel(subscription, CancelWhen::kAtPeriodEnd, settings, now, key);
  }
  const Plan& wanted = settings.plans.get(plan);
  if (subscription && is_collected(*subscription)) {
    if (!settings.sells) return BillingRefusal::kPaymentsNotConfigured;
    const auto& price = wanted.price(interval).stripe_price;
    if (!price) return BillingRefusal::kNotSold;
    if (price == subscription->stripe_price_id) return BillingRefusal::kNothingToChange;
    const ForeignId& id = *subscription->stripe_subscription_id;
    const StripeRecord* record = find_record(*subscription);
    if (record == nullptr || !record->item_id) {
      return AskFirst{.what = AskFirst::For::kSubscription, .call = fetch_subscription(id)};
    }
    return change_price(id, *record->item_id, *price, key);
  }
  // Who has to pay goes to the checkout.
  if (settings.sells) return BillingRefusal::kNotSubscribed;
  if (!settings.local_plans) return BillingRefusal::kPaymentsNotConfigured;
  if (!subscription || !is_in_force(*subscription)) {
    return ChangeHere{begin(subscription, user, wanted, interval, now, fresh_id)};
  }
  if (subscription->plan == plan && subscription->billing_interval == interval) {
    return BillingRefusal::kNothingToChange;
  }
  return ChangeHere{change_here(*subscription, wanted, interval, now)};
}

BillingDecision decide_cancel(const MaybeSubscription& subscription, CancelWhen when,
                              const BillingSettings& settings, Time now, std::string_view key) {
  if (!subscription) return BillingRefusal::kNotSubscribed;
  if (is_collected(*subscription)) {
    if (!settings.sells) return BillingRefusal::kPaymentsNotConfigured;
    const ForeignId& id = *subscription->stripe_subscription_id;
    if (when == CancelWhen::kNow) return cancel_now(id, key);
    if (subscription->cancel_at_period_end) return BillingRefusal::kNothingToChange;
    return set_cancel_at_period_end(id, true, key);
  }
  if (!is_in_force(*subscription)) return BillingRefusal::kNotSubscribed;
  if (!settings.local_plans) return BillingRefusal::kPaymentsNotConfigured;
  Subscription next = *subscription;
  if (when == CancelWhen::kAtPeriodEnd) {
    if (next.cancel_at_period_end) return BillingRefusal::kNothingToChange;
    next.cancel_at_period_end = true;
  } else {
    next.status = SubscriptionStatus::kCancelled;
  }
  next.cancelled_at = now;
  return ChangeHere{std::move(next)};
}

BillingDecision decide_reactivate(const MaybeSubscription& subscription,
                                  const BillingSettings& settings, std::string_view key) {
  if (!subscription || !is_in_force(*subscription)) return BillingRefusal::kNotSubscribed;
  if (!subscription->cancel_at_period_end) return BillingRefusal::kNothingToChange;
  if (is_collected(*subscription)) {
    if (!settings.sells) return BillingRefusal::kPaymentsNotConfigured;
    return set_cancel_at_period_end(*subscription->stripe_subscription_id, false, key);
  }
  if (!settings.local_plans) return BillingRefusal::kPaymentsNotConfigured;
  Subscription next = *subscription;
  next.cancel_at_period_end = false;
  next.cancelled_at.reset();
  return ChangeHere{std::move(next)};
}

}  // namespace gesso::domain
