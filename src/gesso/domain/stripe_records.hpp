// The law of Stripe's events: they are facts in no order.
//
// `merge` adds what one event says to the record of its Stripe subscription. A record is a join:
// merging is commutative, associative and idempotent, so that events may come late, twice and in
// any order, and the record is what it would be had they come once and in theirs. For this
// - the state is that of the newest event by Stripe's own time. Within one second, events that make
//   a subscription are older than those that change it, and those older than what we were told when
//   we asked; what is left is decided by the event's id, and `merge` says that Stripe should be
//   asked.
// - A subscription that ended at Stripe has ended, whatever comes late: Stripe never revives one.
// - Of the invoices that pay a period, the one with the latest start counts; an older one neither
//   shortens it nor grants again, and neither does the same one. An invoice for a change of plan
//   may extend what is paid, but grants nothing: else changing to and fro would give credits.
//
// `derive` is what a user's subscription is by the records, the plans and the clock, and nothing
// else: which of several Stripe subscriptions is in force, what was paid, which month's credits
// there are, and whether it has ended.
//
// Pure functions; thread-safe.
#pragma once

#include <chrono>
#include <optional>

#include "gesso/domain/plans.hpp"
#include "gesso/models/subscription.hpp"

namespace gesso::domain {

enum class MergeResult {
  kDone,
  kTied  // two different states of one second: ask Stripe for the subscription
};

// REQUIRES: the event is about the record's subscription.
MergeResult merge(models::StripeRecord& record, const models::StripeEvent& event,
                  const Plans& plans);

// The price by which the record's plan is known; std::nullopt while no event has named one.
[[nodiscard]] std::optional<models::ForeignId> price_of(const models::StripeRecord& record);

// How long a subscription at Stripe stays in force, without credits, after the end of what was
// paid: Stripe collects an hour after the period began, and repeats its events for three days.
constexpr std::chrono::milliseconds kPaymentGrace = std::chrono::days{3};

// The subscription as it is at `now`.
// - One at Stripe is what the record says that governs it: the one that has not ended and was paid;
//   of several, the one that was made last. It expires where no payment has come by the end of what
//   was paid and the grace, or, past due, by Stripe's next attempt.
// - One without Stripe renews itself by its anchor.
// - One that is cancelled for the end of its period ends then.
// - Credits are granted where a credit period begins, or another subscription takes over. What was
//   used of one that gives way is kept in its record, so that its period is not granted again.
// Keeps its revision and holds. Forgets, of more than 50 records, the oldest of those that ended.
[[nodiscard]] models::Subscription derive(models::Subscription subscription, const Plans& plans,
                                          Time now,
                                          std::chrono::milliseconds grace = kPaymentGrace);

}  // namespace gesso::domain
