// What Stripe says: one event as the facts in it (`StripeEvent`), and what is known of one of its
// subscriptions after any number of events (`StripeRecord`). Value types, stored within other
// documents and never shown.
//
// Events come in any order and any number of times. A record is therefore made so that the order
// does not matter: of each kind of fact it keeps the newest by Stripe's own time, and of what only
// grows, the most (see domain/stripe_records.hpp).
#pragma once

#include <array>
#include <optional>
#include <string_view>
#include <vector>

#include "gesso/base/clock.hpp"
#include "gesso/models/user.hpp"
#include "gesso/schema/codec.hpp"
#include "gesso/schema/number.hpp"

namespace gesso::models {

// As Stripe spells them.
enum class StripeStatus {
  kIncomplete,
  kIncompleteExpired,
  kTrialing,
  kActive,
  kPastDue,
  kCanceled,
  kUnpaid,
  kPaused
};
constexpr auto wire_texts(StripeStatus) {
  return std::to_array<std::string_view>({"incomplete", "incomplete_expired", "trialing", "active",
                                          "past_due", "canceled", "unpaid", "paused"});
}

enum class StripeEventKind {
  kSubscription,       // the state of a subscription
  kInvoicePaid,        // an invoice of a subscription was paid
  kInvoiceFailed,      // a payment of it failed
  kCheckoutCompleted,  // a user is a customer
  kOther               // nothing to us
};
constexpr auto wire_texts(StripeEventKind) {
  return std::to_array<std::string_view>(
      {"subscription", "invoice_paid", "invoice_failed", "checkout_completed", "other"});
}

// Why Stripe made an invoice, as far as it matters.
enum class InvoiceReason { kCreate, kCycle, kUpdate, kOther };
constexpr auto wire_texts(InvoiceReason) {
  return std::to_array<std::string_view>({"create", "cycle", "update", "other"});
}

// A price within a subscription.
struct StripeItem {
  ForeignId id;
  ForeignId price_id;

  friend bool operator==(const StripeItem&, const StripeItem&) = default;
  static constexpr std::string_view kName = "StripeItem";
};
GESSO_FIELDS(StripeItem, (id, "The item, which a change of plan names."), (price_id, "The price."))

struct StripeSubscriptionFacts {
  StripeStatus status;
  Time created;
  std::vector<StripeItem> items = {};
  bool cancel_at_period_end = false;
  std::optional<Time> cancel_at = {};
  std::optional<Time> canceled_at = {};
  std::optional<Time> ended_at = {};

  friend bool operator==(const StripeSubscriptionFacts&, const StripeSubscriptionFacts&) = default;
  static constexpr std::string_view kName = "StripeSubscriptionFacts";
};
GESSO_FIELDS(StripeSubscriptionFacts, (status, "As Stripe has it."),
             (created, "When the subscription was made."), (items, "What it consists of."),
             (cancel_at_period_end, "Whether it ends with its period."),
             (cancel_at, "When it will end."), (canceled_at, "When that was asked for."),
             (ended_at, "When it ended."))

struct StripeInvoiceFacts {
  ForeignId id;
  InvoiceReason reason = InvoiceReason::kOther;
  std::optional<Time> period_start = {};
  std::optional<Time> period_end = {};
  std::optional<ForeignId> price_id = {};
  std::optional<Time> next_attempt_at = {};

  friend bool operator==(const StripeInvoiceFacts&, const StripeInvoiceFacts&) = default;
  static constexpr std::string_view kName = "StripeInvoiceFacts";
};
GESSO_FIELDS(StripeInvoiceFacts, (id, "The invoice."), (reason, "Why it was made."),
             (period_start, "The start of the period that is paid."),
             (period_end, "The end of the period that is paid."),
             (price_id, "The price of that period."),
             (next_attempt_at, "When Stripe tries to collect it again."))

struct StripeEvent {
  ForeignId id;
  ForeignId type;
  Time created;
  StripeEventKind kind = StripeEventKind::kOther;
  std::optional<ForeignId> customer_id = {};
  std::optional<ForeignId> subscription_id = {};
  std::optional<ForeignId> user_id = {};
  std::optional<StripeSubscriptionFacts> subscription = {};
  std::optional<StripeInvoiceFacts> invoice = {};

  friend bool operator==(const StripeEvent&, const StripeEvent&) = default;
  static constexpr std::string_view kName = "StripeEvent";
};
GESSO_FIELDS(StripeEvent, (id, "The event."), (type, "As Stripe names it."),
             (created, "When it happened, in whole seconds."),
             (kind, "What it means to us.", schema::kHasDefault), (customer_id, "Whose it is."),
             (subscription_id, "The subscription that it is about."),
             (user_id, "The user whom our own checkout wrote into its metadata."),
             (subscription, "The state of the subscription."), (invoice, "What was to be paid."))

struct StripeRecord {
  ForeignId id;
  std::optional<ForeignId> customer_id = {};
  // The newest state.
  std::optional<StripeStatus> status = {};
  std::optional<Time> stripe_event_created = {};
  schema::NonNegative event_rank = 0;
  std::optional<ForeignId> event_id = {};
  std::optional<Time> created = {};
  std::optional<ForeignId> item_id = {};
  std::optional<ForeignId> price_id = {};
  bool cancel_at_period_end = false;
  std::optional<Time> cancel_at = {};
  std::optional<Time> canceled_at = {};
  std::optional<Time> ended_at = {};
  bool was_live = false;
  std::optional<Time> tied_at = {};
  // The newest period that was paid, and the newest one that a change of plan added to it.
  std::optional<ForeignId> invoice_id = {};
  std::optional<Time> paid_from = {};
  std::optional<Time> paid_until = {};
  std::optional<ForeignId> paid_price_id = {};
  std::optional<Time> extended_from = {};
  std::optional<Time> extended_until = {};
  // The newest outcome of a payment.
  std::optional<Time> payment_at = {};
  bool payment_failed = false;
  std::optional<Time> next_attempt_at = {};
  // What was used of its credits when another subscription took its place.
  std::optional<Time> used_period_start = {};
  schema::NonNegative used_credits = 0;

  friend bool operator==(const StripeRecord&, const StripeRecord&) = default;
  static constexpr std::string_view kName = "StripeRecord";
};
GESSO_FIELDS(
    StripeRecord, (id, "The subscription at Stripe."), (customer_id, "Who pays."),
    (status, "Its newest state."),
    (stripe_event_created, "When the event happened that told the newest state."),
    (event_rank, "Tells events of one second apart: made, changed, deleted.", schema::kHasDefault),
    (event_id, "The event that told the newest state."),
    (created, "When the subscription was made."),
    (item_id, "The item of the price, which a change of plan names."),
    (price_id, "The price of the newest state."),
    (cancel_at_period_end, "Whether it ends with its period.", schema::kHasDefault),
    (cancel_at, "When it will end."), (canceled_at, "When that was asked for."),
    (ended_at, "When it ended."), (was_live, "Whether it was ever in force.", schema::kHasDefault),
    (tied_at, "The second of the newest state, if another state was told of it too."),
    (invoice_id, "The invoice that paid the newest period."),
    (paid_from, "The start of the newest paid period."), (paid_until, "The end of it."),
    (paid_price_id, "The price that was paid."),
    (extended_from, "The start of the newest period that a change of plan paid."),
    (extended_until, "The end of it."), (payment_at, "When a payment last succeeded or failed."),
    (payment_failed, "Whether it failed.", schema::kHasDefault),
    (next_attempt_at, "When Stripe tries again."),
    (used_period_start, "The credit period it was in when another took its place."),
    (used_credits, "What had been used in that period.", schema::kHasDefault))

}  // namespace gesso::models
