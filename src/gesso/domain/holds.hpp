// Holds on the credits of a user and of a subscription: placed, and then captured or released.
//
// A hold is placed by the update that takes credits from a document, and is a part of that document
// (models::PendingCharge). What becomes of it is written once, on its generation, and read from
// there by `gives_back`; to resolve it is one update that takes the hold away and does the rest in
// the same document: a released hold gives its credits back, a captured one leaves them taken and
// counts the generation. That update matches while the hold is there, so whoever comes second
// changes nothing.
//
// `total_generations` of a user counts each generation whose charge was captured, once. Where the
// user's balance paid any of it, the user's hold does that. Where a subscription paid alone there
// is no hold at the user, and no update of two documents is atomic; so the subscription counts what
// it captured in `captured_generations`, which only grows, and the user's document follows it by
// compare-and-set: `counted_generations` says how far. `uncounted_since` makes the sweep find a
// subscription whose follower a crash stopped.
//
// A charge is told in the usage log before its hold is captured, under an id that follows from the
// generation's: whoever finds the hold after a crash tells it again, and it is there once.
//
// Over one session, for one unit of work, as the repositories are. Every call blocks.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <variant>
#include <vector>

#include "gesso/models/generation.hpp"
#include "gesso/models/pending_charge.hpp"
#include "gesso/models/usage_log.hpp"
#include "gesso/repositories/subscription_repository.hpp"
#include "gesso/repositories/usage_log_repository.hpp"
#include "gesso/repositories/user_repository.hpp"

namespace gesso::domain {

// Whose document a hold is in.
using Payer = std::variant<models::UserId, models::SubscriptionId>;

// A hold of a charge whose generation is stored and names it.
struct CapturedHold {
  models::ChargeToken token;
  bool counts_generation = true;  // false for the second of two holds of one charge
  // What the usage log says of the charge; of the hold that counts the generation.
  std::optional<models::UsageLog> entry = {};
};

// The token of a new refund, and of a charge that is one of several attempts for one generation.
[[nodiscard]] models::ChargeToken refund_token(IdGenerator& ids);
[[nodiscard]] models::ChargeToken attempt_token(IdGenerator& ids);
[[nodiscard]] bool is_refund(const models::PendingCharge& hold);

// The token of the charge that paid for the generation.
[[nodiscard]] models::ChargeToken charge_token_of(const models::Generation& generation);
// Whether a subscription alone paid, so that the hold of the charge is there and nowhere else.
[[nodiscard]] bool paid_by_subscription_alone(const models::Generation& generation);
// The hold of the charge that paid for a stored generation.
[[nodiscard]] CapturedHold captured_hold(const models::Generation& generation,
                                         bool counts_generation);
// What the usage log says of these.
[[nodiscard]] std::vector<models::UsageLog> entries_of(std::span<const CapturedHold> holds);
// Whether a hold for this generation gives its credits back when it is resolved: where the
// generation's `refund_token` is the hold's token, or where another charge has paid for it.
[[nodiscard]] bool gives_back(const models::PendingCharge& hold,
                              const models::Generation& generation);

class Holds {
  repositories::UserRepository users_;
  repositories::SubscriptionRepository subscriptions_;
  repositories::UsageLogRepository logs_;
  const repositories::RepositoryContext* context_;

 public:
  Holds(mongo::Session& session, const repositories::RepositoryContext& context)
      : users_(session, context),
        subscriptions_(session, context),
        logs_(session, context),
        context_(&context) {}

  // Captures holds of one document: one update for all of them, after their entries are in the
  // usage log. Those that are resolved already stay so.
  void capture(const Payer& payer, std::span<const CapturedHold> holds);
  // The same in two steps, for holds of many documents whose entries are written at once. REQUIRES:
  // the entries of the holds that are captured were written.
  void write_entries(std::span<const models::UsageLog> entries);
  void capture_written(const Payer& payer, std::span<const CapturedHold> holds);
  // Resolves a hold as its generation says.
  void resolve(const Payer& payer, const models::PendingCharge& hold,
               const models::Generation& generation);
  // Takes a hold away and gives its credits back.
  void release(const Payer& payer, const models::PendingCharge& hold);
  // Brings the user's count up to what the subscription has captured.
  void count(const models::Subscription& subscription);

 private:
  bool capture_at(const models::UserId& id, std::span<const CapturedHold> holds);
  bool capture_at(const models::SubscriptionId& id, std::span<const CapturedHold> holds);
  void release_at(const models::UserId& id, const models::PendingCharge& hold);
  void release_at(const models::SubscriptionId& id, const models::PendingCharge& hold);
  void note_given_back(const models::PendingCharge& hold) const;
  void drop(const Payer& payer, const models::ChargeToken& token);
};

}  // namespace gesso::domain
