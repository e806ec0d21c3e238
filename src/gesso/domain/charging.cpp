#include "gesso/domain/charging.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "gesso/domain/credit_entries.hpp"

namespace gesso::domain {

using namespace query;
using models::ChargeToken;
using models::Generation;
using models::GenerationId;
using models::GenerationStatus;
using models::PendingCharge;
using models::Subscription;
using models::User;
using models::UserId;
using repositories::CreditCounters;
using repositories::is_usable;
using repositories::ListOptions;

namespace {

constexpr std::int64_t kSweepLimit = 1000;

// What is inserted in the place of a generation whose charger died: it voids the charge.
Generation voiding_generation(const GenerationId& id, const UserId& user_id, Time moment) {
  return {.id = id,
          .user_id = user_id,
          .prompt = "(not accepted)",
          .status = GenerationStatus::kFailed,
          .error_message = "The request was interrupted before it was accepted; nothing was paid.",
          .cost_credits = 0,
          .voided_at = moment,
          .refund_token = id.str(),
          .refunded_at = moment,
          .claimable_at = moment,
          .created_at = moment,
          .completed_at = moment,
          .updated_at = moment};
}

void take_subscription_off(Generation& generation) {
  generation.credits_from_subscription = 0;
  generation.charged_subscription_id.reset();
  generation.charged_period_start.reset();
  generation.charged_allotment.reset();
}

// Whether another attempt for the generation is still on its way.
bool is_attempted(std::span<const PendingCharge> holds, const Generation& generation, Time since) {
  return std::ranges::any_of(holds, [&](const PendingCharge& hold) {
    return hold.generation_id == generation.id && !is_refund(hold) && hold.at > since &&
           hold.token != charge_token_of(generation);
  });
}

// The user who is to pay, if that is possible.
auto may_pay(const Generation& generation, std::int64_t credits) {
  return where<&User::id> == generation.user_id && where<&User::is_active> == true &&
         where<&User::credits_remaining> >= credits;
}

// Does a step of the sweep, and counts it. One document that makes no sense must not keep the sweep
// from all others.
template <class F>
void attempt(SweepReport& report, std::int64_t& done, F&& step) {
  try {
    std::forward<F>(step)();
    ++done;
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::kInternal && error.kind() != ErrorKind::kConflict) throw;
    ++report.failed;
  }
}

}  // namespace

PendingCharge Charging::hold_of_user(const Generation& generation, const ChargeToken& token) const {
  return {.token = token,
          .generation_id = generation.id,
          .credits = generation.credits_from_balance,
          .at = context_->clock.now()};
}

PendingCharge Charging::hold_of_subscription(const Generation& generation,
                                             const ChargeToken& token) const {
  return {.token = token,
          .generation_id = generation.id,
          .credits = generation.credits_from_subscription,
          .at = context_->clock.now(),
          .period_start = generation.charged_period_start,
          .allotment = generation.charged_allotment};
}

Charging::Outcome Charging::charge(Generation generation, const ChargeOptions& options) {
  if (settler_ != nullptr) settler_->make_room(holds_, generation.user_id);
  if (!options.expects_subscription) {
    if (auto charged = charge_balance_alone(generation)) return *std::move(charged);
  }
  if (auto refusal = take(generation, options)) return *std::move(refusal);
  return *insert(std::move(generation), [this](const Generation& charged) {
    generations_.insert(charged);
    return true;
  });
}

// The whole of it at once, where there is nothing else to look at; std::nullopt where there is.
std::optional<Charging::Outcome> Charging::charge_balance_alone(Generation generation) {
  const std::int64_t cost = generation.cost_credits.value();
  generation.credits_from_balance = cost;
  return insert(std::move(generation), [&](const Generation& charged) {
    const bool held = users_.change_one_then_insert(
        may_pay(charged, cost) && where<&User::may_have_subscription> == false, hold(charged),
        generations_, charged);
    if (held) context_->count(&CreditCounters::held, cost);
    return held;
  });
}

std::optional<Charging::Outcome> Charging::take(Generation& generation,
                                                const ChargeOptions& options) {
  const std::int64_t cost = generation.cost_credits.value();
  while (true) {
    const Time moment = context_->clock.now();
    const Time since = moment - options.attempt_lasts;
    const auto user = users_.find_by_id(generation.user_id);
    if (!user || !user->is_active) return UserNotActive{};
    std::optional<Subscription> seen;
    if (user->may_have_subscription) seen = subscriptions_.find_current(user->id);
    if (is_attempted(user->pending_charges, generation, since) ||
        (seen && is_attempted(seen->pending_charges, generation, since))) {
      return ChargeInProgress{};
    }
    const std::int64_t left =
        seen && repositories::is_usable(*seen, moment)
            ? std::max<std::int64_t>(
                  0, seen->credits_per_month - seen->credits_used_this_period.value())
            : 0;
    const std::int64_t part = std::min(cost, left);
    const std::int64_t rest = cost - part;
    if (rest > user->credits_remaining) {
      return NotEnoughCredits{.required = cost, .available = left + user->credits_remaining};
    }
    if (part > 0) {
      if (settler_ != nullptr) settler_->make_room(holds_, seen->id);
      if (!hold_at_subscription(generation, *seen, part)) continue;  // changed meanwhile
      if (rest == 0) return std::nullopt;
    }
    if (hold_at_user(generation, rest)) return std::nullopt;
    release(generation);  // the balance changed meanwhile
    take_subscription_off(generation);
  }
}

bool Charging::hold_at_subscription(Generation& generation, const Subscription& seen,
                                    std::int64_t credits) {
  generation.credits_from_subscription = credits;
  generation.charged_subscription_id = seen.id;
  generation.charged_period_start = seen.current_period_start;
  generation.charged_allotment = seen.allotment;
  const bool held = subscriptions_.change_one(
      repositories::as_seen(seen) &&
          where<&Subscription::credits_used_this_period> <= seen.credits_per_month - credits,
      update(inc<&Subscription::credits_used_this_period>(credits),
             push<&Subscription::pending_charges>(
                 hold_of_subscription(generation, charge_token_of(generation)))));
  if (!held) take_subscription_off(generation);
  if (held) context_->count(&CreditCounters::held, credits);
  return held;
}

// Also with nothing to take: capturing the hold is what counts the generation, once.
query::Update<User> Charging::hold(const Generation& generation) const {
  return update(
      inc<&User::credits_remaining>(-generation.credits_from_balance),
      push<&User::pending_charges>(hold_of_user(generation, charge_token_of(generation))));
}

bool Charging::hold_at_user(Generation& generation, std::int64_t credits) {
  generation.credits_from_balance = credits;
  const bool held = users_.change_one(may_pay(generation, credits), hold(generation));
  if (!held) generation.credits_from_balance = 0;
  if (held) context_->count(&CreditCounters::held, credits);
  return held;
}

template <class Send>
std::optional<Charging::Outcome> Charging::insert(Generation generation, Send send) {
  try {
    if (!send(generation)) return std::nullopt;
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::kDuplicate || error.field() != "id") throw;
    // A sweep was faster, another attempt was, or the first of two tries of ours had come through.
    Generation stored = existing(generation.id);
    const ChargeToken token = charge_token_of(generation);
    if (charge_token_of(stored) != token || stored.refund_token == token) {
      release(generation);
      if (!stored.voided_at) return stored;
      throw Error(ErrorKind::kTimeout,
                  "the charge took so long that it was given up; its credits are back",
                  {.retryable = true, .ns = generations_.ns(), .operation = "insert"});
    }
    generation = std::move(stored);
  }
  context_->count(&CreditCounters::captured,
                  generation.credits_from_subscription + generation.credits_from_balance.value());
  capture(generation);
  return generation;
}

void Charging::capture(const Generation& generation) {
  const auto capture_at = [&](const Payer& payer, bool counts) {
    const CapturedHold hold = captured_hold(generation, counts);
    if (settler_ == nullptr || !settler_->add(payer, hold)) holds_.capture(payer, {&hold, 1});
  };
  // The charge is done: what fails from here on is the sweep's.
  try {
    const bool by_subscription = paid_by_subscription_alone(generation);
    if (!by_subscription) capture_at(generation.user_id, true);
    if (generation.charged_subscription_id) {
      capture_at(*generation.charged_subscription_id, by_subscription);
    }
  } catch (const Error&) {  // NOLINT(bugprone-empty-catch)
  }
}

// Takes the holds of a charge that did not come to anything away again.
void Charging::release(const Generation& generation) {
  const ChargeToken token = charge_token_of(generation);
  if (!paid_by_subscription_alone(generation)) {
    holds_.release(generation.user_id, hold_of_user(generation, token));
  }
  if (generation.charged_subscription_id) {
    holds_.release(*generation.charged_subscription_id, hold_of_subscription(generation, token));
  }
}

Generation Charging::existing(const GenerationId& id) {
  if (auto generation = generations_.find_stored(id)) return *std::move(generation);
  throw Error(ErrorKind::kInternal, "generation " + id.str() + " was deleted meanwhile",
              {.ns = generations_.ns(), .operation = "find"});
}

std::optional<Generation> Charging::refund(const GenerationId& id) {
  std::optional<Generation> generation = generations_.find_stored(id);
  if (!generation) return std::nullopt;
  if (!generation->refund_token) {
    const bool is_due = generation->status == GenerationStatus::kFailed ||
                        (generation->status == GenerationStatus::kCancelled &&
                         generation->refund_due_at.has_value());
    if (!is_due) {
      throw Error(ErrorKind::kConflict,
                  "generation " + id.str() + " is " + std::string(to_string(generation->status)) +
                      "; only a failed one, and one cancelled before it began, is refunded",
                  {.ns = generations_.ns(), .operation = "update"});
    }
    generation = begin_refund(*generation);
    if (!generation) return std::nullopt;
  }
  if (generation->refund_due_at) finish_refund(*generation);
  return generation;
}

std::optional<Generation> Charging::begin_refund(const Generation& generation) {
  const ChargeToken token = refund_token(context_->ids);
  const PendingCharge to_subscription = hold_of_subscription(generation, token);
  const PendingCharge to_user = hold_of_user(generation, token);
  const bool of_subscription = place_refund_at_subscription(generation, to_subscription);
  if (to_user.credits > 0) {
    users_.change_one(where<&User::id> == generation.user_id,
                      update(push<&User::pending_charges>(to_user)));
  }
  const Time moment = context_->clock.now();
  generations_.change_one(
      where<&Generation::id> == generation.id && where<&Generation::refund_token>.missing(),
      update(set<&Generation::refund_token>(token), set<&Generation::refunded_at>(moment),
             set<&Generation::refund_due_at>(moment)));
  auto decision = generations_.find_stored(generation.id);
  // Deleted meanwhile, which takes a refund that was through: this one is dropped.
  const Generation& decides = decision ? *decision : generation;
  if (of_subscription) holds_.resolve(*decides.charged_subscription_id, to_subscription, decides);
  if (to_user.credits > 0) holds_.resolve(decides.user_id, to_user, decides);
  return decision;
}

// Nowhere, where the credits have lapsed.
bool Charging::place_refund_at_subscription(const Generation& generation,
                                            const PendingCharge& hold) {
  if (!generation.charged_subscription_id || !generation.charged_period_start) return false;
  const auto subscription = where<&Subscription::id> == *generation.charged_subscription_id;
  auto placed = update(push<&Subscription::pending_charges>(hold));
  if (hold.allotment) {
    return subscriptions_.change_one(subscription && repositories::has_allotment(*hold.allotment),
                                     std::move(placed));
  }
  return subscriptions_.change_one(subscription && where<&Subscription::current_period_start> ==
                                                       *generation.charged_period_start,
                                   std::move(placed));
}

// Also of a refund whose process died: its holds are resolved, it is told in the usage log, and the
// mark that it is due is taken off.
void Charging::finish_refund(Generation& generation) {
  settle(generation);
  const models::UsageLog entry = refund_entry(generation);
  if (entry.credits_used != 0) holds_.write_entries({&entry, 1});
  auto told = generations_.update_one(
      where<&Generation::id> == generation.id && where<&Generation::refund_token>.exists(),
      update(unset<&Generation::refund_due_at>()));
  if (told) generation = *std::move(told);
}

void Charging::settle(const Generation& generation) {
  const auto resolve_at = [&](const Payer& payer, std::span<const PendingCharge> holds) {
    for (const PendingCharge& hold : holds) {
      if (hold.generation_id == generation.id) holds_.resolve(payer, hold, generation);
    }
  };
  if (const auto user = users_.find_by_id(generation.user_id)) {
    resolve_at(user->id, user->pending_charges);
  }
  if (!generation.charged_subscription_id) return;
  if (const auto paid = subscriptions_.find_by_id(*generation.charged_subscription_id)) {
    resolve_at(paid->id, paid->pending_charges);
  }
}

// The generation, once it says what becomes of the hold.
Generation Charging::decision_on(const PendingCharge& hold, const UserId& user_id) {
  if (!is_refund(hold)) {
    if (auto generation = generations_.find_stored(hold.generation_id)) return *generation;
    Generation voiding = voiding_generation(hold.generation_id, user_id, context_->clock.now());
    try {
      generations_.insert(voiding);
      return voiding;
    } catch (const Error& error) {
      if (error.kind() != ErrorKind::kDuplicate) throw;  // else the charger was faster
    }
    return existing(hold.generation_id);
  }
  if (auto generation = refund(hold.generation_id)) return *generation;
  // Deleted: a generation without this refund, which is dropped.
  return voiding_generation(hold.generation_id, user_id, hold.at);
}

void Charging::sweep_holds(const Payer& payer, const UserId& user_id,
                           std::span<const PendingCharge> holds, Time before, SweepReport& report) {
  for (const PendingCharge& hold : holds) {
    if (hold.at > before) continue;
    attempt(report, report.resolved,
            [&] { holds_.resolve(payer, hold, decision_on(hold, user_id)); });
  }
}

SweepReport Charging::sweep(std::chrono::milliseconds older_than) {
  const Time before = context_->clock.now() - older_than;
  SweepReport report;
  const ListOptions options{.skip_undecodable = [&](const Error&) { ++report.failed; }};
  // Documents that fail count for nothing in the limit: they would keep the sweep from all others.
  const auto sweep_all = [&](auto documents, auto&& resolve) {
    std::int64_t swept = 0;
    while (swept < kSweepLimit) {
      const auto document = documents.next();
      if (!document) return;
      const std::int64_t failed = report.failed;
      resolve(*document);
      if (report.failed == failed) ++swept;
    }
  };
  sweep_all(
      subscriptions_.stream(where<&Subscription::pending_charges, &PendingCharge::at> <= before,
                            unsorted, options),
      [&](const Subscription& subscription) {
        sweep_holds(subscription.id, subscription.user_id, subscription.pending_charges, before,
                    report);
      });
  sweep_all(
      users_.stream(where<&User::pending_charges, &PendingCharge::at> <= before, unsorted, options),
      [&](const User& user) {
        sweep_holds(user.id, user.id, user.pending_charges, before, report);
      });
  sweep_all(
      subscriptions_.stream(where<&Subscription::uncounted_since> <= before, unsorted, options),
      [&](const Subscription& subscription) {
        attempt(report, report.counted, [&] { holds_.count(subscription); });
      });
  sweep_all(generations_.stream(where<&Generation::refund_due_at> <= before, unsorted, options),
            [&](const Generation& generation) {
              attempt(report, report.refunded, [&] { refund(generation.id); });
            });
  return report;
}

}  // namespace gesso::domain
