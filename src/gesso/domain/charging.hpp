// Credits, exactly: no sequence of crashes, retries and concurrent calls loses or doubles one, with
// nothing but updates of single documents.
//
// Every update that takes credits, or prepares to give some back, places a hold with a token in the
// same document (models::PendingCharge). What becomes of a hold is written once, on the generation:
//
//   The credits of a hold are refunded if, and only if, the generation's `refund_token` is the
//   hold's token.
//
// To resolve a hold is one update that takes it away and, if so, adds its credits; it matches while
// the hold is there, so whoever comes second changes nothing.
// - A charge's token is the id of its generation. Holds are placed (on the subscription first, then
//   on the user), the generation is inserted, and the holds are captured: the credits stay taken.
//   Where a charger died before the insert, the sweep voids its holds: it inserts a failed
//   generation whose `refund_token` is its own id, and gives the credits back. Which of the two
//   inserts succeeds is the `_id` index's decision, so a charger that was merely slow finds its
//   place taken, and voids its holds as well.
// - A refund's token is new. Its holds are placed, the token is written on the failed generation
//   where there is none yet, then the holds are resolved; of two refunds one wins, and the holds of
//   the other are dropped.
//
// Credits of a subscription are used first, and go back to it, if it is still in the period that
// they were taken from; else they have lapsed with it.
//
// Over one session, for one unit of work, as the repositories are. Every call blocks.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <variant>

#include "gesso/repositories/generation_repository.hpp"
#include "gesso/repositories/subscription_repository.hpp"
#include "gesso/repositories/user_repository.hpp"

namespace gesso::domain {

struct NotEnoughCredits {
  std::int64_t required = 0;
  std::int64_t available = 0;  // subscription and balance, when it was looked at
};

struct UserNotActive {};  // locked out, or not there

struct SweepReport {
  std::int64_t resolved = 0;  // holds that a crash left
  std::int64_t refunded = 0;  // failed generations whose refund had not begun
  std::int64_t ended = 0;     // subscriptions that were to end with their period
  std::int64_t failed = 0;    // documents that do not decode, or belie their hold: left as they are
};

class Charging {
  repositories::UserRepository users_;
  repositories::SubscriptionRepository subscriptions_;
  repositories::GenerationRepository generations_;
  const repositories::RepositoryContext* context_;

 public:
  using Outcome = std::variant<models::Generation, NotEnoughCredits, UserNotActive>;

  Charging(mongo::Session& session, const repositories::RepositoryContext& context)
      : users_(session, context),
        subscriptions_(session, context),
        generations_(session, context),
        context_(&context) {}

  // Takes `request.cost_credits` from the user's subscription and balance and creates the pending
  // generation; counts it in the user's `total_generations`. Throws Error: kTimeout where a sweep
  // gave the charge up, and the credits are back. After any other Error the sweep finds out what
  // happened: either the generation is stored and paid for, or the credits are given back.
  [[nodiscard]] Outcome charge_and_create(const models::GenerationCreate& request);

  // Gives a failed generation's cost back, once, however often it is called. Returns the generation
  // as it is then; std::nullopt where there is none. Throws Error: kConflict where it did not fail.
  std::optional<models::Generation> refund(const models::GenerationId& id);

  // Resolves the holds that are older than `older_than`, at most 1000 documents of each kind, and
  // ends the subscriptions that were cancelled for the end of their period. Safe at any age and
  // from many processes at once; a young age only gives up charges that are still on their way.
  SweepReport sweep(std::chrono::milliseconds older_than = std::chrono::minutes(5));

 private:
  // The generation, which was there a moment ago. Throws Error: kInternal where it was deleted.
  [[nodiscard]] models::Generation existing(const models::GenerationId& id);
  bool take_from_subscription(models::Generation& generation, std::int64_t credits);
  bool take_from_balance(const models::Generation& generation, std::int64_t credits);
  [[nodiscard]] Outcome refuse(const models::Generation& generation, std::int64_t required);
  // The generation, once it says what becomes of the hold: inserts one that voids a charge whose
  // charger died, and ends a refund that was begun.
  models::Generation decision_on(const models::PendingCharge& hold, const models::UserId& user_id);
  void resolve_at_user(const models::UserId& id, const models::PendingCharge& hold,
                       const models::Generation& generation);
  void resolve_at_subscription(const models::SubscriptionId& id, const models::PendingCharge& hold,
                               const models::Generation& generation);
  [[nodiscard]] models::PendingCharge make_hold(const models::ChargeToken& token,
                                                const models::GenerationId& id,
                                                std::int64_t credits) const;
};

}  // namespace gesso::domain
