#include "gesso/repositories/charging.hpp"

#include <algorithm>
#include <utility>

namespace gesso::repositories {

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

namespace {

constexpr std::int64_t kSweepLimit = 1000;

ChargeToken charge_token(const GenerationId& id) { return id.str(); }

bool is_charge(const PendingCharge& mark) { return mark.token == mark.generation_id.str(); }

// The rule of this file.
bool comes_back(const PendingCharge& mark, const Generation& generation) {
  return generation.refund_token == mark.token;
}

// What stands in the place of a generation whose charger died.
Generation abandoned(const GenerationId& id, const UserId& user_id, Time moment) {
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

PendingCharge Charging::mark(const ChargeToken& token, const GenerationId& id,
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
  // Also with nothing to take: the mark is what counts the generation, once.
  if (!take_from_balance(generation, rest)) return refuse(generation, cost);
  generation.credits_from_balance = rest;

  Generation stands = generation;
  try {
    generations_.create(generation);
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::kDuplicate || error.field() != "id") throw;
    // A sweep was faster, or the first of two attempts to insert had come through.
    stands = existing(generation.id);
  }
  const PendingCharge at_user = mark(charge_token(generation.id), generation.id, rest);
  settle_at_user(generation.user_id, at_user, stands);
  if (generation.charged_subscription_id) {
    settle_at_subscription(
        *generation.charged_subscription_id,
        mark(charge_token(generation.id), generation.id, generation.credits_from_subscription),
        stands);
  }
  if (comes_back(at_user, stands)) {
    throw Error(ErrorKind::kTimeout,
                "the charge took so long that it was given up; its credits are back",
                {.retryable = true, .ns = generations_.ns(), .operation = "insert"});
  }
  return stands;
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
                 mark(charge_token(generation.id), generation.id, part))));
  if (!taken) return false;
  generation.credits_from_subscription = part;
  generation.charged_subscription_id = seen->id;
  generation.charged_period_start = seen->current_period_start;
  return true;
}

bool Charging::take_from_balance(const Generation& generation, std::int64_t credits) {
  return users_.change_one(
      where<&User::id> == generation.user_id && where<&User::is_active> == true &&
          where<&User::credits_remaining> >= credits,
      update(
          inc<&User::credits_remaining>(-credits),
          push<&User::pending_charges>(mark(charge_token(generation.id), generation.id, credits))));
}

Charging::Outcome Charging::refuse(const Generation& generation, std::int64_t required) {
  const PendingCharge taken =
      mark(charge_token(generation.id), generation.id, generation.credits_from_subscription);
  if (generation.charged_subscription_id) {
    settle_at_subscription(*generation.charged_subscription_id, taken,
                           abandoned(generation.id, generation.user_id, context_->clock.now()));
  }
  const auto user = users_.find_by_id(generation.user_id);
  if (!user || !user->is_active) return UserNotActive{};
  return NotEnoughCredits{.required = required,
                          .available = taken.credits + user->credits_remaining};
}

void Charging::settle_at_user(const UserId& id, const PendingCharge& mark,
                              const Generation& generation) {
  auto changes = update(pull<&User::pending_charges>(where<&PendingCharge::token> == mark.token));
  if (comes_back(mark, generation)) {
    changes.add(inc<&User::credits_remaining>(mark.credits.value()));
  } else if (is_charge(mark)) {
    changes.add(inc<&User::total_generations>(1));
  }
  users_.change_one(
      where<&User::id> == id && where<&User::pending_charges, &PendingCharge::token> == mark.token,
      std::move(changes));
}

void Charging::settle_at_subscription(const SubscriptionId& id, const PendingCharge& mark,
                                      const Generation& generation) {
  auto changes =
      update(pull<&Subscription::pending_charges>(where<&PendingCharge::token> == mark.token));
  if (comes_back(mark, generation)) {
    changes.add(inc<&Subscription::credits_used_this_period>(-mark.credits.value()));
  }
  subscriptions_.change_one(
      where<&Subscription::id> == id &&
          where<&Subscription::pending_charges, &PendingCharge::token> == mark.token,
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
  const PendingCharge to_subscription = mark(token, id, generation->credits_from_subscription);
  const PendingCharge to_user = mark(token, id, generation->credits_from_balance);
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
  const Generation now_decided = existing(id);
  if (of_subscription) {
    settle_at_subscription(*now_decided.charged_subscription_id, to_subscription, now_decided);
  }
  if (to_user.credits > 0) settle_at_user(now_decided.user_id, to_user, now_decided);
  return now_decided;
}

// The generation, once it says what becomes of the mark.
Generation Charging::decided(const PendingCharge& mark, const UserId& user_id) {
  if (is_charge(mark)) {
    if (auto generation = generations_.find_by_id(mark.generation_id)) return *generation;
    try {
      return generations_.create(abandoned(mark.generation_id, user_id, context_->clock.now()));
    } catch (const Error& error) {
      if (error.kind() != ErrorKind::kDuplicate) throw;  // else the charger was faster
    }
    return existing(mark.generation_id);
  }
  if (auto generation = refund(mark.generation_id)) return *generation;
  return abandoned(mark.generation_id, user_id, mark.at);  // deleted: it names no refund
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
  const auto sweep_all = [&](auto documents, auto&& settle) {
    std::int64_t swept = 0;
    while (swept < kSweepLimit) {
      const auto document = documents.next();
      if (!document) return;
      const std::int64_t failed = report.failed;
      settle(*document);
      if (report.failed == failed) ++swept;
    }
  };
  sweep_all(
      subscriptions_.stream(where<&Subscription::pending_charges, &PendingCharge::at> <= before,
                            unsorted, options),
      [&](const Subscription& subscription) {
        for (const PendingCharge& left : subscription.pending_charges) {
          if (left.at > before) continue;
          attempt(report.settled, [&] {
            settle_at_subscription(subscription.id, left, decided(left, subscription.user_id));
          });
        }
      });
  sweep_all(
      users_.stream(where<&User::pending_charges, &PendingCharge::at> <= before, unsorted, options),
      [&](const User& user) {
        for (const PendingCharge& left : user.pending_charges) {
          if (left.at > before) continue;
          attempt(report.settled, [&] { settle_at_user(user.id, left, decided(left, user.id)); });
        }
      });
  sweep_all(generations_.stream(where<&Generation::refund_due_at> <= before, unsorted, options),
            [&](const Generation& generation) {
              attempt(report.refunded, [&] { refund(generation.id); });
            });
  report.ended = subscriptions_.end_cancelled(context_->clock.now());
  return report;
}

}  // namespace gesso::repositories
