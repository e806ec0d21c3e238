#include "gesso/domain/charging.hpp"

#include <algorithm>
#include <utility>

namespace gesso::domain {

using namespace query;
using models::ChargeToken;
using models::Generation;
using models::GenerationId;
using models::GenerationStatus;
using models::PendingCharge;
using models::Subscription;
using models::SubscriptionId;
using models::SubscriptionStatus;
using models::User;
using models::UserId;
using repositories::is_usable;
using repositories::ListOptions;

namespace {

constexpr std::int64_t kSweepLimit = 1000;

ChargeToken charge_token(const GenerationId& id) { return id.str(); }

bool is_charge(const PendingCharge& hold) { return hold.token == hold.generation_id.str(); }

// The rule of this file.
bool is_refunded(const PendingCharge& hold, const Generation& generation) {
  return generation.refund_token == hold.token;
}

// What is inserted in the place of a generation whose charger died: it voids the charge.
Generation voiding_generation(const GenerationId& id, const UserId& user_id, Time moment) {
  return {.id = id,
          .user_id = user_id,
          .prompt = "(not accepted)",
          .status = GenerationStatus::kFailed,
          .error_message = "The request was interrupted before it was accepted; nothing was paid.",
          .cost_credits = 0,
          .refund_token = charge_token(id),
          .refunded_at = moment,
          .claimable_at = moment,
          .created_at = moment,
          .completed_at = moment,
          .updated_at = moment};
}

}  // namespace

PendingCharge Charging::make_hold(const ChargeToken& token, const GenerationId& id,
                                  std::int64_t credits) const {
  return {.token = token, .generation_id = id, .credits = credits, .at = context_->clock.now()};
}

Charging::Outcome Charging::charge_and_create(const models::GenerationCreate& request) {
  Generation generation = generations_.make_generation(request);
  const std::int64_t cost = request.cost_credits;
  if (cost > 0) {
    while (!take_from_subscription(generation, cost)) {
    }
  }
  const std::int64_t rest = cost - generation.credits_from_subscription;
  // Also with nothing to take: capturing the hold is what counts the generation, once.
  if (!take_from_balance(generation, rest)) return refuse(generation, cost);
  generation.credits_from_balance = rest;

  Generation stored = generation;
  try {
    generations_.create(generation);
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::kDuplicate || error.field() != "id") throw;
    // A sweep was faster, or the first of two attempts to insert had come through.
    stored = existing(generation.id);
  }
  const PendingCharge at_user = make_hold(charge_token(generation.id), generation.id, rest);
  resolve_at_user(generation.user_id, at_user, stored);
  if (generation.charged_subscription_id) {
    resolve_at_subscription(
        *generation.charged_subscription_id,
        make_hold(charge_token(generation.id), generation.id, generation.credits_from_subscription),
        stored);
  }
  if (is_refunded(at_user, stored)) {
    throw Error(ErrorKind::kTimeout,
                "the charge took so long that it was given up; its credits are back",
                {.retryable = true, .ns = generations_.ns(), .operation = "insert"});
  }
  return stored;
}

Generation Charging::existing(const GenerationId& id) {
  if (auto generation = generations_.find_by_id(id)) return *std::move(generation);
  throw Error(ErrorKind::kInternal, "generation " + id.str() + " was deleted meanwhile",
              {.ns = generations_.ns(), .operation = "find"});
}

// False where the subscription changed meanwhile: try again.
bool Charging::take_from_subscription(Generation& generation, std::int64_t credits) {
  const auto seen = subscriptions_.find_by_user(generation.user_id);
  const Time moment = context_->clock.now();
  if (!seen || !is_usable(*seen, moment)) return true;
  const std::int64_t part =
      std::min(credits, seen->credits_per_month - seen->credits_used_this_period);
  if (part <= 0) return true;
  const bool taken = subscriptions_.change_one(
      where<&Subscription::id> == seen->id &&
          where<&Subscription::status> == SubscriptionStatus::kActive &&
          where<&Subscription::current_period_end> > moment &&
          where<&Subscription::current_period_start> == seen->current_period_start &&
          where<&Subscription::credits_per_month> == seen->credits_per_month &&
          where<&Subscription::credits_used_this_period> <= seen->credits_per_month - part,
      update(inc<&Subscription::credits_used_this_period>(part),
             push<&Subscription::pending_charges>(
                 make_hold(charge_token(generation.id), generation.id, part))));
  if (!taken) return false;
  generation.credits_from_subscription = part;
  generation.charged_subscription_id = seen->id;
  generation.charged_period_start = seen->current_period_start;
  return true;
}

bool Charging::take_from_balance(const Generation& generation, std::int64_t credits) {
  return users_.change_one(where<&User::id> == generation.user_id &&
                               where<&User::is_active> == true &&
                               where<&User::credits_remaining> >= credits,
                           update(inc<&User::credits_remaining>(-credits),
                                  push<&User::pending_charges>(make_hold(
                                      charge_token(generation.id), generation.id, credits))));
}

Charging::Outcome Charging::refuse(const Generation& generation, std::int64_t required) {
  const PendingCharge taken =
      make_hold(charge_token(generation.id), generation.id, generation.credits_from_subscription);
  if (generation.charged_subscription_id) {
    resolve_at_subscription(
        *generation.charged_subscription_id, taken,
        voiding_generation(generation.id, generation.user_id, context_->clock.now()));
  }
  const auto user = users_.find_by_id(generation.user_id);
  if (!user || !user->is_active) return UserNotActive{};
  return NotEnoughCredits{.required = required,
                          .available = taken.credits + user->credits_remaining};
}

void Charging::resolve_at_user(const UserId& id, const PendingCharge& hold,
                               const Generation& generation) {
  auto changes = update(pull<&User::pending_charges>(where<&PendingCharge::token> == hold.token));
  if (is_refunded(hold, generation)) {
    changes.add(inc<&User::credits_remaining>(hold.credits.value()));
  } else if (is_charge(hold)) {
    changes.add(inc<&User::total_generations>(1));
  }
  users_.change_one(
      where<&User::id> == id && where<&User::pending_charges, &PendingCharge::token> == hold.token,
      std::move(changes));
}

void Charging::resolve_at_subscription(const SubscriptionId& id, const PendingCharge& hold,
                                       const Generation& generation) {
  auto changes =
      update(pull<&Subscription::pending_charges>(where<&PendingCharge::token> == hold.token));
  if (is_refunded(hold, generation)) {
    changes.add(inc<&Subscription::credits_used_this_period>(-hold.credits.value()));
  }
  subscriptions_.change_one(
      where<&Subscription::id> == id &&
          where<&Subscription::pending_charges, &PendingCharge::token> == hold.token,
      std::move(changes));
}

std::optional<Generation> Charging::refund(const GenerationId& id) {
  std::optional<Generation> generation = generations_.find_by_id(id);
  if (!generation || generation->refund_token) return generation;
  if (generation->status != GenerationStatus::kFailed) {
    throw Error(ErrorKind::kConflict,
                "generation " + id.str() + " is " + std::string(to_string(generation->status)) +
                    "; only a failed one is refunded",
                {.ns = generations_.ns(), .operation = "update"});
  }
  const ChargeToken token = context_->ids.next("refund_");
  const PendingCharge to_subscription = make_hold(token, id, generation->credits_from_subscription);
  const PendingCharge to_user = make_hold(token, id, generation->credits_from_balance);
  const bool of_subscription =
      generation->charged_subscription_id && generation->charged_period_start &&
      subscriptions_.change_one(
          where<&Subscription::id> == *generation->charged_subscription_id &&
              where<&Subscription::current_period_start> == *generation->charged_period_start,
          update(push<&Subscription::pending_charges>(to_subscription)));
  if (to_user.credits > 0) {
    users_.change_one(where<&User::id> == generation->user_id,
                      update(push<&User::pending_charges>(to_user)));
  }
  generations_.change_one(
      where<&Generation::id> == id && where<&Generation::refund_token>.missing(),
      update(set<&Generation::refund_token>(token),
             set<&Generation::refunded_at>(context_->clock.now()),
             unset<&Generation::refund_due_at>()));
  const Generation decision = existing(id);
  if (of_subscription) {
    resolve_at_subscription(*decision.charged_subscription_id, to_subscription, decision);
  }
  if (to_user.credits > 0) resolve_at_user(decision.user_id, to_user, decision);
  return decision;
}

// The generation, once it says what becomes of the hold.
Generation Charging::decision_on(const PendingCharge& hold, const UserId& user_id) {
  if (is_charge(hold)) {
    if (auto generation = generations_.find_by_id(hold.generation_id)) return *generation;
    try {
      return generations_.create(
          voiding_generation(hold.generation_id, user_id, context_->clock.now()));
    } catch (const Error& error) {
      if (error.kind() != ErrorKind::kDuplicate) throw;  // else the charger was faster
    }
    return existing(hold.generation_id);
  }
  if (auto generation = refund(hold.generation_id)) return *generation;
  return voiding_generation(hold.generation_id, user_id, hold.at);  // deleted: it names no refund
}

SweepReport Charging::sweep(std::chrono::milliseconds older_than) {
  const Time before = context_->clock.now() - older_than;
  SweepReport report;
  const ListOptions options{.skip_undecodable = [&](const Error&) { ++report.failed; }};
  // One document that makes no sense must not keep the sweep from all others.
  const auto attempt = [&](std::int64_t& done, auto&& step) {
    try {
      step();
      ++done;
    } catch (const Error& error) {
      if (error.kind() != ErrorKind::kInternal && error.kind() != ErrorKind::kConflict) throw;
      ++report.failed;
    }
  };
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
        for (const PendingCharge& left : subscription.pending_charges) {
          if (left.at > before) continue;
          attempt(report.resolved, [&] {
            resolve_at_subscription(subscription.id, left, decision_on(left, subscription.user_id));
          });
        }
      });
  sweep_all(
      users_.stream(where<&User::pending_charges, &PendingCharge::at> <= before, unsorted, options),
      [&](const User& user) {
        for (const PendingCharge& left : user.pending_charges) {
          if (left.at > before) continue;
          attempt(report.resolved,
                  [&] { resolve_at_user(user.id, left, decision_on(left, user.id)); });
        }
      });
  sweep_all(generations_.stream(where<&Generation::refund_due_at> <= before, unsorted, options),
            [&](const Generation& generation) {
              attempt(report.refunded, [&] { refund(generation.id); });
            });
  report.ended = subscriptions_.end_cancelled(context_->clock.now());
  return report;
}

}  // namespace gesso::domain
