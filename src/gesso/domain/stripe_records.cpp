#include "gesso/domain/stripe_records.hpp"

#include <algorithm>
#include <tuple>
#include <utility>

#include "gesso/domain/stripe_event.hpp"
#include "gesso/repositories/subscription_repository.hpp"

namespace gesso::domain {

using models::BillingInterval;
using models::ForeignId;
using models::InvoiceReason;
using models::Period;
using models::StripeEvent;
using models::StripeEventKind;
using models::StripeInvoiceFacts;
using models::StripeItem;
using models::StripeRecord;
using models::StripeStatus;
using models::StripeSubscriptionFacts;
using models::Subscription;
using models::SubscriptionStatus;

namespace {

// Of one user; more than anybody buys.
constexpr std::size_t kMostRecords = 50;

bool is_final(StripeStatus status) {
  return status == StripeStatus::kCanceled || status == StripeStatus::kIncompleteExpired;
}

bool has_ended(const StripeRecord& record) { return record.status && is_final(*record.status); }

bool is_live(StripeStatus status) {
  return status == StripeStatus::kTrialing || status == StripeStatus::kActive ||
         status == StripeStatus::kPastDue || status == StripeStatus::kUnpaid;
}

std::int64_t rank_of(std::string_view type) {
  if (type == "customer.subscription.created") return 0;
  if (type == kFetchedType) return 2;
  if (type == "customer.subscription.deleted") return 3;
  return 1;
}

// Later is greater.
auto order_of(bool ended, const std::optional<Time>& created, std::int64_t rank,
              std::string_view event_id) {
  return std::tuple(ended, created, rank, event_id);
}

// The item that stands for a plan of ours; the first one where none does.
const StripeItem* choose_item(const std::vector<StripeItem>& items, const Plans& plans) {
  for (const StripeItem& item : items) {
    if (plans.find_price(item.price_id)) return &item;
  }
  return items.empty() ? nullptr : &items.front();
}

void take_state(StripeRecord& record, const StripeEvent& event, std::int64_t rank,
                const StripeItem* item) {
  const StripeSubscriptionFacts& facts = *event.subscription;
  record.status = facts.status;
  record.stripe_event_created = event.created;
  record.event_rank = rank;
  record.event_id = event.id;
  record.item_id = item ? std::optional(item->id) : std::nullopt;
  record.price_id = item ? std::optional(item->price_id) : std::nullopt;
  record.cancel_at_period_end = facts.cancel_at_period_end;
  record.cancel_at = facts.cancel_at;
  record.canceled_at = facts.canceled_at;
  record.ended_at = facts.ended_at;
}

bool says_the_same(const StripeRecord& record, const StripeSubscriptionFacts& facts,
                   const StripeItem* item) {
  return record.status == facts.status &&
         record.price_id == (item ? std::optional(item->price_id) : std::nullopt) &&
         record.cancel_at_period_end == facts.cancel_at_period_end &&
         record.cancel_at == facts.cancel_at;
}

MergeResult merge_state(StripeRecord& record, const StripeEvent& event, const Plans& plans) {
  const StripeSubscriptionFacts& facts = *event.subscription;
  const StripeItem* item = choose_item(facts.items, plans);
  const std::int64_t rank = rank_of(event.type);
  const bool ended = is_final(facts.status);
  record.created = facts.created;
  record.was_live = record.was_live || is_live(facts.status);
  if (!record.status) {
    take_state(record, event, rank, item);
    return MergeResult::kDone;
  }
  const bool tied = !ended && !has_ended(record) && record.stripe_event_created == event.created &&
                    rank != 0 && record.event_rank != 0 && record.event_id != event.id &&
                    !says_the_same(record, facts, item);
  if (tied) record.tied_at = event.created;
  const auto known = order_of(has_ended(record), record.stripe_event_created, record.event_rank,
                              record.event_id ? record.event_id->str() : std::string_view());
  if (order_of(ended, event.created, rank, event.id) > known) take_state(record, event, rank, item);
  if (has_ended(record) || record.stripe_event_created != record.tied_at) record.tied_at.reset();
  // Also where the event comes again: it is still not known which is newer.
  return record.tied_at == event.created ? MergeResult::kTied : MergeResult::kDone;
}

void merge_payment(StripeRecord& record, const StripeEvent& event) {
  const StripeInvoiceFacts& invoice = *event.invoice;
  const bool failed = event.kind == StripeEventKind::kInvoiceFailed;
  if (invoice.reason == InvoiceReason::kOther) return;
  const auto next = failed ? invoice.next_attempt_at : std::nullopt;
  if (std::tuple(std::optional(event.created), !failed, next) >
      std::tuple(record.payment_at, !record.payment_failed, record.next_attempt_at)) {
    record.payment_at = event.created;
    record.payment_failed = failed;
    record.next_attempt_at = next;
  }
  if (failed || !invoice.period_start || !invoice.period_end) return;
  if (invoice.reason == InvoiceReason::kUpdate) {
    if (std::tie(invoice.period_start, invoice.period_end) >
        std::tie(record.extended_from, record.extended_until)) {
      record.extended_from = invoice.period_start;
      record.extended_until = invoice.period_end;
    }
    return;
  }
  const std::optional<ForeignId> id = invoice.id;
  const auto text = [](const std::optional<ForeignId>& of) {
    return of ? std::string_view(*of) : std::string_view();
  };
  if (std::tuple(invoice.period_start, invoice.period_end, text(id)) >
      std::tuple(record.paid_from, record.paid_until, text(record.invoice_id))) {
    record.paid_from = invoice.period_start;
    record.paid_until = invoice.period_end;
    record.invoice_id = id;
    record.paid_price_id = invoice.price_id;
  }
}

// ---- what the records make of the subscription --------------------------------------------------

bool is_paid(const StripeRecord& record) { return record.paid_from && record.paid_until; }

// Later is greater.
auto precedence(const StripeRecord& record) {
  return std::tuple(!has_ended(record), is_paid(record),
                    record.created ? record.created : record.paid_from, record.id.str());
}

// The record that says what the subscription is; nullptr where none ever was in force.
StripeRecord* governing(Subscription& subscription) {
  StripeRecord* found = nullptr;
  for (StripeRecord& record : subscription.stripe_records) {
    const bool is_known = record.id == subscription.stripe_subscription_id;
    if (!record.was_live && !is_paid(record) && !is_known) continue;
    if (found == nullptr || precedence(record) > precedence(*found)) found = &record;
  }
  return found;
}

bool was_paid_since(const StripeRecord& record) {
  return !record.payment_failed && record.payment_at > record.stripe_event_created;
}

SubscriptionStatus status_of(const StripeRecord& record) {
  if (!record.status) {
    return record.payment_failed ? SubscriptionStatus::kPastDue : SubscriptionStatus::kActive;
  }
  switch (*record.status) {
    case StripeStatus::kTrialing:
    case StripeStatus::kActive:
      return record.payment_failed && record.payment_at > record.stripe_event_created
                 ? SubscriptionStatus::kPastDue
                 : SubscriptionStatus::kActive;
    case StripeStatus::kPastDue:
      return was_paid_since(record) ? SubscriptionStatus::kActive : SubscriptionStatus::kPastDue;
    case StripeStatus::kIncomplete:
      return is_paid(record) && !record.payment_failed ? SubscriptionStatus::kActive
                                                       : SubscriptionStatus::kPastDue;
    case StripeStatus::kPaused:
      return SubscriptionStatus::kPastDue;
    case StripeStatus::kUnpaid:
      return was_paid_since(record) ? SubscriptionStatus::kActive : SubscriptionStatus::kExpired;
    case StripeStatus::kIncompleteExpired:
      return SubscriptionStatus::kExpired;
    case StripeStatus::kCanceled:
      return SubscriptionStatus::kCancelled;
  }
  return SubscriptionStatus::kExpired;
}

Period paid_period(const StripeRecord& record) {
  Period paid{.start = *record.paid_from, .end = *record.paid_until};
  if (record.extended_from > record.paid_from) {
    paid.end = std::max(paid.end, *record.extended_until);
  }
  return paid;
}

bool is_in_force(const Subscription& subscription) {
  return subscription.status == SubscriptionStatus::kActive ||
         subscription.status == SubscriptionStatus::kPastDue;
}

// Goes over to a credit period. Only one that begins later has new credits: going back, as late
// facts may have it, grants nothing.
void enter(Subscription& subscription, const Period& period) {
  if (period.start > subscription.current_period_start) {
    subscription.credits_used_this_period = 0;
    subscription.allotment = subscription.allotment + 1;
  }
  subscription.current_period_start = period.start;
  subscription.current_period_end = period.end;
}

// Another subscription takes the place of the one that the document was about.
void take_over(Subscription& subscription, StripeRecord& record, const Period& period) {
  for (StripeRecord& other : subscription.stripe_records) {
    if (other.id == subscription.stripe_subscription_id &&
        subscription.credits_used_this_period > 0) {
      other.used_period_start = subscription.current_period_start;
      other.used_credits = subscription.credits_used_this_period;
    }
  }
  subscription.stripe_subscription_id = record.id;
  subscription.current_period_start = period.start;
  subscription.current_period_end = period.end;
  subscription.credits_used_this_period =
      record.used_period_start == period.start ? record.used_credits : schema::NonNegative(0);
  // Also where the period begins at the same moment: what the other one paid goes back to nobody.
  subscription.allotment = subscription.allotment + 1;
  record.used_period_start.reset();
  record.used_credits = 0;
}

void follow(Subscription& subscription, StripeRecord& record, const Plans& plans, Time now) {
  const auto price = price_of(record);
  if (price) {
    subscription.stripe_price_id = price;
    if (const auto priced = plans.find_price(*price)) {
      subscription.plan = priced->plan->plan;
      subscription.billing_interval = priced->interval;
      subscription.credits_per_month = priced->plan->credits_per_month;
    }
  }
  if (record.customer_id) subscription.stripe_customer_id = record.customer_id;
  subscription.status = status_of(record);
  const bool may_wait = subscription.status == SubscriptionStatus::kPastDue &&
                        record.status != StripeStatus::kPaused && record.payment_failed;
  subscription.grace_until = may_wait ? record.next_attempt_at : std::nullopt;
  subscription.cancelled_at = record.canceled_at;
  subscription.cancel_at_period_end = record.cancel_at_period_end;
  const bool nothing_granted =
      subscription.paid_from && subscription.paid_from == subscription.paid_until;
  const bool takes_over = subscription.stripe_subscription_id != record.id || nothing_granted;

  Period credits;
  if (is_paid(record)) {
    const Period paid = paid_period(record);
    // The subscription was stored without records, and knows a later period than this invoice's.
    if (!takes_over && paid.start < repositories::paid_period(subscription).start) return;
    // Months pass no longer for one that has ended, also where that is told late.
    const Time end = record.ended_at.value_or(record.stripe_event_created.value_or(now));
    credits = credit_period(paid, paid.start, has_ended(record) ? std::min(now, end) : now);
    subscription.billing_anchor = paid.start;
    subscription.paid_from = paid.start;
    subscription.paid_until = paid.end;
  } else if (!takes_over) {
    return;  // stored without records, with the period that it knows
  } else {
    // Nothing is granted before it is paid.
    const Time start = record.created.value_or(now);
    credits = {.start = start, .end = start};
    subscription.billing_anchor = subscription.paid_from = subscription.paid_until = start;
  }
  if (record.cancel_at && *record.cancel_at <= *subscription.paid_until) {
    subscription.cancel_at_period_end = true;
  }
  if (takes_over) {
    take_over(subscription, record, credits);
  } else {
    enter(subscription, credits);
  }
}

// Without Stripe the calendar is the only one that says what is paid.
void renew(Subscription& subscription, Time now) {
  Period paid = repositories::paid_period(subscription);
  if (paid.start >= paid.end) return;  // of somebody else's making: there is nothing to count from
  const Time anchor = subscription.billing_anchor.value_or(anchor_of(paid));
  if (now >= paid.end && !subscription.cancel_at_period_end) {
    const Period due =
        models::period_at(anchor, repositories::months_of(subscription.billing_interval), now);
    paid = {.start = std::max(due.start, paid.end), .end = due.end};
  }
  subscription.billing_anchor = anchor;
  subscription.paid_from = paid.start;
  subscription.paid_until = paid.end;
  enter(subscription, credit_period(paid, anchor, now));
}

void end_by_clock(Subscription& subscription, Time now, std::chrono::milliseconds grace) {
  const Time paid_end = subscription.paid_until.value_or(subscription.current_period_end);
  if (now < paid_end) return;
  if (subscription.cancel_at_period_end) {
    subscription.status = SubscriptionStatus::kCancelled;
    if (!subscription.cancelled_at) subscription.cancelled_at = paid_end;
  } else if (subscription.stripe_subscription_id &&
             now >= std::max(paid_end + grace, subscription.grace_until.value_or(paid_end))) {
    subscription.status = SubscriptionStatus::kExpired;
  }
}

// A record that is gone cannot keep a late event from reviving its subscription: hence the oldest,
// which no event is about any more.
void forget_oldest(Subscription& subscription) {
  auto& records = subscription.stripe_records;
  while (records.size() > kMostRecords) {
    const auto oldest =
        std::min_element(records.begin(), records.end(), [&](const auto& a, const auto& b) {
          const auto key = [&](const StripeRecord& record) {
            const bool is_kept =
                !has_ended(record) || record.id == subscription.stripe_subscription_id;
            return std::tuple(is_kept, record.stripe_event_created, record.id.str());
          };
          return key(a) < key(b);
        });
    records.erase(oldest);
  }
}

}  // namespace

MergeResult merge(StripeRecord& record, const StripeEvent& event, const Plans& plans) {
  if (event.customer_id) record.customer_id = event.customer_id;
  if (event.subscription) return merge_state(record, event, plans);
  if (event.invoice) merge_payment(record, event);
  return MergeResult::kDone;
}

std::optional<ForeignId> price_of(const StripeRecord& record) {
  return record.price_id ? record.price_id : record.paid_price_id;
}

Subscription derive(Subscription subscription, const Plans& plans, Time now,
                    std::chrono::milliseconds grace) {
  StripeRecord* record = governing(subscription);
  if (record != nullptr) {
    follow(subscription, *record, plans, now);
  } else if (is_in_force(subscription) && !subscription.stripe_subscription_id) {
    renew(subscription, now);
  }
  if (is_in_force(subscription)) end_by_clock(subscription, now, grace);
  forget_oldest(subscription);
  return subscription;
}

}  // namespace gesso::domain
