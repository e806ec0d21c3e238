#include "gesso/domain/billing.hpp"

#include <algorithm>
#include <utility>

#include "gesso/domain/stripe_event.hpp"

namespace gesso::domain {

using namespace query;
using models::ForeignId;
using models::StripeEvent;
using models::StripeEventKind;
using models::StripeRecord;
using models::Subscription;
using models::SubscriptionStatus;
using models::User;
using models::UserId;
using models::WebhookEvent;
using models::WebhookState;
using repositories::OptimisticRetry;

namespace {

constexpr std::size_t kSweepLimit = 1000;
// Whoever changed a subscription settles it itself, unless it died.
constexpr std::chrono::seconds kTimeToSettle{30};
// How long a sweep waits for Stripe.
constexpr std::chrono::seconds kTimeToAsk{10};
// A month and the half of one that would have been too short (see periods.hpp).
constexpr std::chrono::days kLongestCreditPeriod{31 + 16};

[[noreturn]] void give_up(const std::string& ns) {
  throw Error(ErrorKind::kConflict, "the document changed each time that it was to be written",
              {.retryable = true, .ns = ns, .operation = "update"});
}

// An error that another attempt does not end: the event waits for somebody to look into it, and
// Stripe need not send it again.
bool is_lasting(const Error& error) {
  return error.kind() == ErrorKind::kInternal || error.kind() == ErrorKind::kDuplicate ||
         error.kind() == ErrorKind::kValidation;
}

StripeRecord& record_of(Subscription& subscription, const ForeignId& id) {
  for (StripeRecord& record : subscription.stripe_records) {
    if (record.id == id) return record;
  }
  return subscription.stripe_records.emplace_back(StripeRecord{.id = id});
}

// What holds the records of a user who never had a plan.
Subscription no_plan_yet(const models::SubscriptionId& id, const UserId& user_id, Time now) {
  return {.id = id,
          .user_id = user_id,
          .plan = models::SubscriptionPlan::kFree,
          .status = SubscriptionStatus::kExpired,
          .credits_per_month = 0,
          .current_period_start = now,
          .current_period_end = now,
          .created_at = now,
          .updated_at = now};
}

}  // namespace

std::string_view to_string(ApplyOutcome outcome) {
  switch (outcome) {
    case ApplyOutcome::kApplied:
      return "applied";
    case ApplyOutcome::kRepeated:
      return "repeated";
    case ApplyOutcome::kIgnored:
      return "ignored";
    case ApplyOutcome::kParked:
      return "parked";
  }
  return "unknown";
}

// ---- events -------------------------------------------------------------------------------------

ApplyOutcome Billing::apply(const StripeEvent& event) {
  const WebhookEvent stored = events_.receive(event);
  if (stored.state == WebhookState::kApplied || stored.state == WebhookState::kIgnored) {
    return ApplyOutcome::kRepeated;
  }
  return retry(stored, nullptr);
}

ApplyOutcome Billing::retry(const WebhookEvent& stored, const StripeTransport& transport) {
  if (!stored.stripe) {
    events_.mark_ignored(stored.id, "it holds no event of Stripe's");
    return ApplyOutcome::kIgnored;
  }
  Verdict verdict;
  try {
    verdict = process(*stored.stripe);
    if (verdict.ask && transport) {
      const Time asked_at = context_->clock.now();
      const auto reply = read_stripe_reply(
          transport(fetch_subscription(*verdict.ask), Deadline::after(kTimeToAsk)));
      const auto* object = std::get_if<bson::Document>(&reply);
      if (object == nullptr || !apply_reply(*object, asked_at)) {
        verdict = {.outcome = ApplyOutcome::kParked, .reason = "Stripe did not say which is newer"};
      } else {
        verdict = process(*stored.stripe);
        verdict.ask.reset();
      }
    } else if (verdict.ask && settings_->sells) {
      verdict = {.outcome = ApplyOutcome::kParked,
                 .reason = "two states are told of one second; Stripe is to be asked"};
    }
  } catch (const Error& error) {
    if (!is_lasting(error)) throw;
    verdict = {.outcome = ApplyOutcome::kParked, .reason = error.what()};
  }
  return finish(stored, verdict);
}

ApplyOutcome Billing::finish(const WebhookEvent& stored, const Verdict& verdict) {
  switch (verdict.outcome) {
    case ApplyOutcome::kApplied:
    case ApplyOutcome::kRepeated:
      events_.mark_applied(stored.id);
      break;
    case ApplyOutcome::kIgnored:
      events_.mark_ignored(stored.id, verdict.reason);
      break;
    case ApplyOutcome::kParked:
      events_.park(stored, verdict.reason);
      break;
  }
  return verdict.outcome;
}

Billing::Verdict Billing::process(const StripeEvent& event) {
  if (event.kind == StripeEventKind::kOther) {
    return {.outcome = ApplyOutcome::kIgnored, .reason = "its type means nothing here"};
  }
  const auto user_id = resolve_user(event);
  if (!user_id) {
    return {.outcome = ApplyOutcome::kParked, .reason = "nobody is known to be its customer"};
  }
  if (event.kind != StripeEventKind::kCheckoutCompleted) return merge_into(*user_id, event);
  link_customer(*user_id, *event.customer_id);
  retry_parked(*event.customer_id);
  return {};
}

std::optional<UserId> Billing::resolve_user(const StripeEvent& event) {
  // What our own checkout wrote comes first: it is the same in every event of a subscription.
  if (event.user_id) {
    if (const auto id = UserId::parse(*event.user_id); id && users_.find_by_id(*id)) return id;
  }
  if (event.customer_id) {
    if (const auto user = users_.find_by_stripe_customer_id(*event.customer_id)) return user->id;
    if (const auto bought = subscriptions_.find_by_stripe_customer_id(*event.customer_id)) {
      return bought->user_id;
    }
  }
  if (event.subscription_id) {
    if (const auto bought = subscriptions_.find_by_stripe_subscription_id(*event.subscription_id)) {
      return bought->user_id;
    }
  }
  return std::nullopt;
}

Billing::Verdict Billing::merge_into(const UserId& user_id, const StripeEvent& event) {
  Verdict verdict;
  for (OptimisticRetry retry = subscriptions_.optimistic_retry();;) {
    if (!retry.next()) give_up(subscriptions_.ns());
    const Time now = context_->clock.now();
    const auto seen = subscriptions_.find_by_user(user_id);
    Subscription next =
        seen ? *seen : no_plan_yet(models::SubscriptionId::next(context_->ids), user_id, now);
    StripeRecord& record = record_of(next, *event.subscription_id);
    verdict = {};
    if (merge(record, event, settings_->plans) == MergeResult::kTied) {
      verdict.ask = *event.subscription_id;
    }
    const auto price = price_of(record);
    const bool is_known = price && settings_->plans.find_price(*price);
    const bool ends = record.status == models::StripeStatus::kCanceled ||
                      record.status == models::StripeStatus::kIncompleteExpired;
    if (!is_known && !ends && event.kind != StripeEventKind::kInvoiceFailed) {
      return {.outcome = ApplyOutcome::kParked,
              .reason = "no plan has the price " + (price ? price->str() : std::string("(none)"))};
    }
    next = derive(std::move(next), settings_->plans, now, settings_->payment_grace);
    if (!seen) {
      try {
        next.unsettled_since = now;
        subscriptions_.create(next);
        break;
      } catch (const Error& error) {
        if (error.kind() != ErrorKind::kDuplicate || error.field() != "user_id") throw;
        continue;  // somebody else was faster
      }
    }
    if (next == *seen || subscriptions_.change_state(*seen, next)) break;
  }
  settle(user_id);
  return verdict;
}

void Billing::retry_parked(const ForeignId& customer_id) {
  for (const WebhookEvent& parked : events_.find_parked(customer_id)) {
    // A checkout that is parked would lead here again; the sweep has it.
    if (parked.stripe && parked.stripe->kind == StripeEventKind::kCheckoutCompleted) continue;
    retry(parked, nullptr);
  }
}

bool Billing::apply_reply(bson::View object, Time asked_at, const std::optional<UserId>& of) {
  auto event = read_subscription_reply(object, context_->ids.next("reply_"), asked_at);
  if (!event) return false;
  if (of) event->user_id = ForeignId(of->str());
  const Verdict verdict = process(*event);
  return verdict.outcome == ApplyOutcome::kApplied;
}

// ---- the user's document ------------------------------------------------------------------------

std::optional<ForeignId> Billing::link_customer(const UserId& user_id,
                                                const ForeignId& customer_id) {
  users_.change_one(where<&User::id> == user_id && where<&User::stripe_customer_id>.missing(),
                    update(set<&User::stripe_customer_id>(customer_id)));
  const auto user = users_.find_by_id(user_id);
  return user ? user->stripe_customer_id : std::nullopt;
}

// The user is looked at first and written on condition that nobody wrote meanwhile, so that of two
// who settle at once, the one that saw the older subscription writes nothing, or looks again.
void Billing::settle(const UserId& user_id) {
  for (OptimisticRetry retry = users_.optimistic_retry(); retry.next();) {
    const auto user = users_.find_by_id(user_id);
    const auto subscription = subscriptions_.find_by_user(user_id);
    if (!subscription) return;
    if (user) {
      const auto tier =
          decides_tier(*subscription) ? tier_of(*subscription) : user->subscription_tier;
      const auto& customer = subscription->stripe_customer_id;
      const bool is_shown =
          user->subscription_tier == tier && (!customer || user->stripe_customer_id == customer);
      if (!is_shown || subscription->unsettled_since) {
        auto changes = update(set<&User::subscription_tier>(tier));
        if (customer) changes.add(set<&User::stripe_customer_id>(*customer));
        if (!users_.change_one(where<&User::id> == user_id &&
                                   where<&User::updated_at> == user->updated_at &&
                                   where<&User::subscription_tier> == user->subscription_tier,
                               std::move(changes))) {
          continue;
        }
      }
    }
    if (!subscription->unsettled_since || subscriptions_.settle(*subscription)) return;
  }
  // Left to the sweep: somebody else is at it, again and again.
}

// ---- what a user asks for -----------------------------------------------------------------------

MySubscription Billing::mine(const UserId& user_id) {
  return show(subscriptions_.find_by_user(user_id), *settings_, context_->clock.now());
}

template <class Decide>
BillingDecision Billing::decide(const UserId& user_id, Decide decide) {
  for (OptimisticRetry retry = subscriptions_.optimistic_retry(); retry.next();) {
    const auto user = users_.find_by_id(user_id);
    if (!user) return BillingRefusal::kUnknownUser;
    auto seen = subscriptions_.find_by_user(user_id);
    const Time now = context_->clock.now();
    if (seen) seen = advance(*seen, now);
    BillingDecision decision = decide(seen, *user, now);
    auto* change = std::get_if<ChangeHere>(&decision);
    if (change == nullptr) return decision;
    if (seen) {
      if (!subscriptions_.change_state(*seen, change->next)) continue;
    } else {
      try {
        change->next.unsettled_since = now;
        subscriptions_.create(change->next);
      } catch (const Error& error) {
        if (error.kind() != ErrorKind::kDuplicate || error.field() != "user_id") throw;
        continue;
      }
    }
    settle(user_id);
    if (auto stored = subscriptions_.find_by_user(user_id)) change->next = *std::move(stored);
    return decision;
  }
  give_up(subscriptions_.ns());
}

BillingDecision Billing::checkout(const UserId& user_id, models::SubscriptionPlan plan,
                                  models::BillingInterval interval, std::string_view key) {
  return decide(user_id, [&](const MaybeSubscription& seen, const User& user, Time) {
    return decide_checkout(seen, user, plan, interval, *settings_, key);
  });
}

BillingDecision Billing::portal(const UserId& user_id, PortalFlow flow, std::string_view key) {
  return decide(user_id, [&](const MaybeSubscription& seen, const User& user, Time) {
    return decide_portal(seen, user, flow, *settings_, key);
  });
}

BillingDecision Billing::change(const UserId& user_id, models::SubscriptionPlan plan,
                                models::BillingInterval interval, std::string_view key) {
  const auto fresh_id = models::SubscriptionId::next(context_->ids);
  return decide(user_id, [&](const MaybeSubscription& seen, const User& user, Time now) {
    return decide_change(seen, user, plan, interval, *settings_, now, fresh_id, key);
  });
}

BillingDecision Billing::cancel(const UserId& user_id, repositories::CancelWhen when,
                                std::string_view key) {
  return decide(user_id, [&](const MaybeSubscription& seen, const User&, Time now) {
    return decide_cancel(seen, when, *settings_, now, key);
  });
}

BillingDecision Billing::reactivate(const UserId& user_id, std::string_view key) {
  return decide(user_id, [&](const MaybeSubscription& seen, const User&, Time) {
    return decide_reactivate(seen, *settings_, key);
  });
}

// ---- the clock ----------------------------------------------------------------------------------

Subscription Billing::advance(const Subscription& first_seen, Time now) {
  Subscription seen = first_seen;
  for (OptimisticRetry retry = subscriptions_.optimistic_retry(); retry.next();) {
    Subscription next = derive(seen, settings_->plans, now, settings_->payment_grace);
    if (next == seen) return seen;
    const bool written = subscriptions_.change_state(seen, next);
    auto stored = subscriptions_.find_by_id(seen.id);
    if (!stored) return next;
    seen = *std::move(stored);
    if (written) {
      settle(seen.user_id);
      return subscriptions_.find_by_id(seen.id).value_or(seen);
    }
  }
  give_up(subscriptions_.ns());
}

BillingSweepReport Billing::sweep_due(Time now, const StripeTransport& transport) {
  BillingSweepReport report;
  sweep_events(now, transport, report);
  sweep_subscriptions(now, report);
  return report;
}

void Billing::sweep_events(Time now, const StripeTransport& transport, BillingSweepReport& report) {
  for (const WebhookEvent& due : events_.find_due(now, kSweepLimit)) {
    if (retry(due, transport) == ApplyOutcome::kParked) {
      ++report.parked;
    } else {
      ++report.retried;
    }
  }
}

void Billing::sweep_subscriptions(Time now, BillingSweepReport& report) {
  const repositories::ListOptions options{
      .skip_undecodable = [&](const Error&) { ++report.failed; }};
  // Found first and changed afterwards: a change moves a document within the index that is read.
  std::vector<Subscription> due;
  std::vector<UserId> begin_month;
  for (const SubscriptionStatus status :
       {SubscriptionStatus::kActive, SubscriptionStatus::kPastDue}) {
    auto ended = subscriptions_.stream(
        where<&Subscription::status> == status && where<&Subscription::current_period_end> <= now,
        unsorted, options);
    // Those that wait for a payment count for nothing in the limit.
    while (due.size() < kSweepLimit) {
      auto subscription = ended.next();
      if (!subscription) break;
      if (derive(*subscription, settings_->plans, now, settings_->payment_grace) != *subscription) {
        due.push_back(*std::move(subscription));
      }
    }
  }
  {
    // An older version of this program gave a year's credits in one piece: nobody else's end so
    // late.
    auto yearly = subscriptions_.stream(
        where<&Subscription::status> == SubscriptionStatus::kActive &&
            where<&Subscription::current_period_end> > now + kLongestCreditPeriod,
        unsorted, options);
    while (begin_month.size() < kSweepLimit) {
      const auto subscription = yearly.next();
      if (!subscription) break;
      if (repositories::with_months_credits(*subscription, now) != *subscription) {
        begin_month.push_back(subscription->user_id);
      }
    }
  }
  std::vector<UserId> unsettled;
  {
    auto marked = subscriptions_.stream(
        where<&Subscription::unsettled_since> <= now - kTimeToSettle, unsorted, options);
    while (unsettled.size() < kSweepLimit) {
      const auto subscription = marked.next();
      if (!subscription) break;
      unsettled.push_back(subscription->user_id);
    }
  }
  // One document that makes no sense must not keep the sweep from all others.
  const auto attempt = [&](auto&& step) {
    try {
      step();
    } catch (const Error& error) {
      if (!is_lasting(error) && error.kind() != ErrorKind::kConflict) throw;
      ++report.failed;
    }
  };
  for (const Subscription& subscription : due) {
    attempt([&] {
      const Subscription after = advance(subscription, now);
      ++(is_in_force(after) ? report.renewed : report.ended);
    });
  }
  for (const UserId& user_id : begin_month) {
    attempt([&] {
      (void)subscriptions_.find_current(user_id);
      ++report.renewed;
    });
  }
  for (const UserId& user_id : unsettled) {
    attempt([&] {
      settle(user_id);
      ++report.settled;
    });
  }
}

}  // namespace gesso::domain
