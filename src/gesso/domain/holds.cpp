#include "gesso/domain/holds.hpp"

#include <algorithm>
#include <utility>
#include <vector>

#include "gesso/base/error.hpp"
#include "gesso/domain/credit_entries.hpp"

namespace gesso::domain {

using namespace query;
using models::ChargeToken;
using models::Generation;
using models::PendingCharge;
using models::Subscription;
using models::SubscriptionId;
using models::User;
using models::UserId;

namespace {

constexpr std::string_view kRefundPrefix = "refund_";
constexpr std::string_view kAttemptPrefix = "charge_";

std::vector<ChargeToken> tokens_of(std::span<const CapturedHold> holds) {
  std::vector<ChargeToken> tokens;
  tokens.reserve(holds.size());
  for (const CapturedHold& hold : holds) tokens.push_back(hold.token);
  return tokens;
}

std::int64_t counted_by(std::span<const CapturedHold> holds) {
  return std::ranges::count_if(holds, &CapturedHold::counts_generation);
}

}  // namespace

ChargeToken refund_token(IdGenerator& ids) { return ids.next(kRefundPrefix); }
ChargeToken attempt_token(IdGenerator& ids) { return ids.next(kAttemptPrefix); }

bool is_refund(const PendingCharge& hold) { return hold.token.str().starts_with(kRefundPrefix); }

ChargeToken charge_token_of(const Generation& generation) {
  return generation.charge_token.value_or(generation.id.str());
}

bool paid_by_subscription_alone(const Generation& generation) {
  return generation.charged_subscription_id && generation.credits_from_balance == 0;
}

CapturedHold captured_hold(const Generation& generation, bool counts_generation) {
  CapturedHold hold{.token = charge_token_of(generation), .counts_generation = counts_generation};
  if (counts_generation) hold.entry = charge_entry(generation);
  return hold;
}

std::vector<models::UsageLog> entries_of(std::span<const CapturedHold> holds) {
  std::vector<models::UsageLog> entries;
  for (const CapturedHold& hold : holds) {
    if (hold.entry) entries.push_back(*hold.entry);
  }
  return entries;
}

bool gives_back(const PendingCharge& hold, const Generation& generation) {
  if (generation.refund_token == hold.token) return true;
  return !is_refund(hold) && charge_token_of(generation) != hold.token;
}

void Holds::capture(const Payer& payer, std::span<const CapturedHold> holds) {
  write_entries(entries_of(holds));
  capture_written(payer, holds);
}

// What is due to be deleted was written long ago, or is of no use any more.
void Holds::write_entries(std::span<const models::UsageLog> entries) {
  std::vector<models::UsageLog> lasting;
  for (const models::UsageLog& entry : entries) {
    if (entry.expires_at > context_->clock.now()) lasting.push_back(entry);
  }
  if (lasting.empty()) return;
  for (const std::optional<Error>& failure : logs_.create_many(lasting).failures) {
    if (failure && failure->kind() != ErrorKind::kDuplicate) throw Error(*failure);
  }
}

void Holds::capture_written(const Payer& payer, std::span<const CapturedHold> holds) {
  std::visit(
      [&](const auto& id) {
        if (holds.empty() || capture_at(id, holds) || holds.size() == 1) return;
        // Some are resolved; the others are captured one by one, as each counts for itself.
        for (const CapturedHold& hold : holds) capture_at(id, {&hold, 1});
      },
      payer);
}

// Each of the holds must be there, or the count would be wrong.
bool Holds::capture_at(const UserId& id, std::span<const CapturedHold> holds) {
  const std::vector<ChargeToken> tokens = tokens_of(holds);
  auto changes = update(pull<&User::pending_charges>(where<&PendingCharge::token>.in(tokens)));
  if (const auto count = counted_by(holds)) changes.add(inc<&User::total_generations>(count));
  return users_.change_one(
      where<&User::id> == id &&
          where<&User::pending_charges, &PendingCharge::token>.contains_all(tokens),
      std::move(changes));
}

bool Holds::capture_at(const SubscriptionId& id, std::span<const CapturedHold> holds) {
  const std::vector<ChargeToken> tokens = tokens_of(holds);
  auto changes =
      update(pull<&Subscription::pending_charges>(where<&PendingCharge::token>.in(tokens)));
  const auto are_there =
      where<&Subscription::id> == id &&
      where<&Subscription::pending_charges, &PendingCharge::token>.contains_all(tokens);
  const auto counted = counted_by(holds);
  if (counted == 0) return subscriptions_.change_one(are_there, std::move(changes));
  changes.add(inc<&Subscription::captured_generations>(counted));
  changes.add(set<&Subscription::uncounted_since>(context_->clock.now()));
  const auto captured = subscriptions_.update_one(are_there, std::move(changes));
  if (captured) count(*captured);
  return captured.has_value();
}

void Holds::count(const Subscription& subscription) {
  const std::int64_t captured = subscription.captured_generations.value();
  const auto follow = [&](const User& user) {
    const auto& followed = user.counted_subscription_id;
    const bool same = followed == subscription.id;
    const std::int64_t counted = same ? user.counted_generations.value() : 0;
    // Behind another instance that counted more, or of a subscription before the user's current
    // one, whose id is younger.
    if (counted >= captured || (followed && *followed > subscription.id)) return true;
    auto changes = update(inc<&User::total_generations>(captured - counted),
                          set<&User::counted_subscription_id>(subscription.id),
                          set<&User::counted_generations>(captured));
    const auto this_user = where<&User::id> == user.id;
    if (!followed) {
      return users_.change_one(this_user && where<&User::counted_subscription_id>.missing(),
                               std::move(changes));
    }
    return users_.change_one(
        this_user && where<&User::counted_subscription_id> == *followed &&
            where<&User::counted_generations> == user.counted_generations.value(),
        std::move(changes));
  };
  while (const auto user = users_.find_by_id(subscription.user_id)) {
    if (follow(*user)) break;
  }
  subscriptions_.change_one(where<&Subscription::id> == subscription.id &&
                                where<&Subscription::captured_generations> == captured,
                            update(unset<&Subscription::uncounted_since>()));
}

void Holds::resolve(const Payer& payer, const PendingCharge& hold, const Generation& generation) {
  if (gives_back(hold, generation)) {
    release(payer, hold);
  } else if (is_refund(hold)) {
    drop(payer, hold.token);
  } else {
    const CapturedHold captured =
        captured_hold(generation, std::holds_alternative<UserId>(payer) ||
                                      paid_by_subscription_alone(generation));
    capture(payer, {&captured, 1});
  }
}

void Holds::release(const Payer& payer, const PendingCharge& hold) {
  std::visit([&](const auto& id) { release_at(id, hold); }, payer);
}

void Holds::release_at(const UserId& id, const PendingCharge& hold) {
  const bool given_back = users_.change_one(
      where<&User::id> == id && where<&User::pending_charges, &PendingCharge::token> == hold.token,
      update(pull<&User::pending_charges>(where<&PendingCharge::token> == hold.token),
             inc<&User::credits_remaining>(hold.credits.value())));
  if (given_back) note_given_back(hold);
}

void Holds::release_at(const SubscriptionId& id, const PendingCharge& hold) {
  const auto is_there = where<&Subscription::id> == id &&
                        where<&Subscription::pending_charges, &PendingCharge::token> == hold.token;
  const auto take_away =
      pull<&Subscription::pending_charges>(where<&PendingCharge::token> == hold.token);
  const auto give_back = inc<&Subscription::credits_used_this_period>(-hold.credits.value());
  // The credits of an allotment that is over have lapsed. A hold of before allotments were written
  // on it is told by its period, and one of before that is of the period that it was placed in.
  const auto period = where<&Subscription::current_period_start>;
  bool given_back = false;
  if (hold.allotment) {
    given_back = subscriptions_.change_one(is_there && repositories::has_allotment(*hold.allotment),
                                           update(take_away, give_back));
    if (!given_back) {
      subscriptions_.change_one(is_there && where<&Subscription::allotment> != *hold.allotment,
                                update(take_away));
    }
  } else if (hold.period_start) {
    given_back = subscriptions_.change_one(is_there && period == *hold.period_start,
                                           update(take_away, give_back));
    if (!given_back) {
      subscriptions_.change_one(is_there && period != *hold.period_start, update(take_away));
    }
  } else {
    given_back =
        subscriptions_.change_one(is_there && period <= hold.at, update(take_away, give_back));
    if (!given_back) subscriptions_.change_one(is_there && period > hold.at, update(take_away));
  }
  if (given_back) note_given_back(hold);
}

void Holds::note_given_back(const PendingCharge& hold) const {
  using repositories::CreditCounters;
  context_->count(is_refund(hold) ? &CreditCounters::refunded : &CreditCounters::released,
                  hold.credits.value());
}

void Holds::drop(const Payer& payer, const ChargeToken& token) {
  if (const auto* user = std::get_if<UserId>(&payer)) {
    users_.change_one(
        where<&User::id> == *user && where<&User::pending_charges, &PendingCharge::token> == token,
        update(pull<&User::pending_charges>(where<&PendingCharge::token> == token)));
  } else {
    subscriptions_.change_one(
        where<&Subscription::id> == std::get<SubscriptionId>(payer) &&
            where<&Subscription::pending_charges, &PendingCharge::token> == token,
        update(pull<&Subscription::pending_charges>(where<&PendingCharge::token> == token)));
  }
}

}  // namespace gesso::domain
