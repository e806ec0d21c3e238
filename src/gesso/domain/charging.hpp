// Credits, exactly: no sequence of crashes, retries and concurrent calls loses or doubles one, with
// nothing but updates of single documents.
//
// Every update that takes credits, or prepares to give some back, places a hold with a token in the
// same document (models::PendingCharge). What becomes of a hold is written once, on the generation:
//
//   The credits of a hold are given back if, and only if, the generation's `refund_token` is the
//   hold's token, or another charge has paid for the generation (its `charge_token`).
//
// To resolve a hold is one update that takes it away and, if so, adds its credits; it matches while
// the hold is there, so whoever comes second changes nothing (holds.hpp).
// - A charge waits for two durable writes: the hold is placed where the credits are, and the
//   generation is inserted. (On a server of this process, which does both at once where the balance
//   pays alone, it is one.) Where the subscription pays a part only, it is three, the
//   subscription's hold first. Which of two inserts under one id succeeds is the `_id` index's
//   decision, and that decides every hold for that generation, for good.
// - The token of a charge is its generation's id. Where several attempts may charge for one
//   generation, as those with one idempotency key, each has a token of its own, the generation
//   names the one that paid, and the others are released.
// - Where a charger died before the insert, the sweep voids the charge: it inserts a failed
//   generation that nobody sees (`voided_at`), whose `refund_token` is its own id, and gives the
//   credits back. A charger that was merely slow finds its place taken, and releases its holds.
// - A refund's token is new. Its holds are placed, the token is written on the generation where
//   there is none yet, then the holds are resolved; of two refunds one wins, and the holds of the
//   other are dropped. `refund_due_at` is on the generation until the usage log tells the refund.
//
// What a reader sees before the holds of a charge are captured (a moment later, by the settler, or
// by the sweep after a crash): the balance and the subscription's usage are exact from the first
// write on, since capturing a hold moves no credit; the generation is there from the second; only
// `total_generations` lags behind. Before the insert the credits are taken and there is no
// generation yet: they are either about to be spent or about to be given back.
//
// Credits of a subscription are used first, and go back to it, if its allotment is still the one
// that they were taken from; else they have lapsed with it.
//
// Over one session, for one unit of work, as the repositories are. Every call blocks.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <variant>

#include "gesso/domain/holds.hpp"
#include "gesso/domain/settler.hpp"
#include "gesso/repositories/generation_repository.hpp"
#include "gesso/repositories/subscription_repository.hpp"
#include "gesso/repositories/user_repository.hpp"

namespace gesso::domain {

struct NotEnoughCredits {
  std::int64_t required = 0;
  std::int64_t available = 0;  // subscription and balance, when it was looked at
};

struct UserNotActive {};  // locked out, or not there

// Another attempt for the same generation has placed its hold and may insert it at any moment.
struct ChargeInProgress {};

struct ChargeOptions {
  // Whether the caller expects the user to have a subscription. A guess: a wrong one costs a
  // command.
  bool expects_subscription = false;
  // For how long another attempt for the same generation is left to finish.
  std::chrono::milliseconds attempt_lasts{60'000};
};

struct SweepReport {
  std::int64_t resolved = 0;  // holds that a crash left
  std::int64_t counted = 0;   // subscriptions whose generations a crash kept from the user's count
  std::int64_t refunded = 0;  // generations whose refund had not begun, or was not told
  std::int64_t failed = 0;    // documents that do not decode, or belie their hold: left as they are
};

class Charging {
  repositories::UserRepository users_;
  repositories::SubscriptionRepository subscriptions_;
  repositories::GenerationRepository generations_;
  Holds holds_;
  const repositories::RepositoryContext* context_;
  Settler* settler_;

 public:
  using Outcome =
      std::variant<models::Generation, NotEnoughCredits, UserNotActive, ChargeInProgress>;

  // Without a settler a charge captures its holds itself.
  Charging(mongo::Session& session, const repositories::RepositoryContext& context,
           Settler* settler = nullptr)
      : users_(session, context),
        subscriptions_(session, context),
        generations_(session, context),
        holds_(session, context),
        context_(&context),
        settler_(settler) {}

  // Takes `request.cost_credits` from the user's subscription and balance and creates the pending
  // generation. Throws Error: kTimeout where a sweep gave the charge up, and the credits are back.
  // After any other Error the sweep finds out what happened: either the generation is stored and
  // paid for, or the credits are given back.
  [[nodiscard]] Outcome charge_and_create(const models::GenerationCreate& request,
                                          const ChargeOptions& options = {}) {
    return charge(generations_.make_generation(request), options);
  }
  // The same for a generation that was made before, and may bring a `charge_token`. Where there is
  // one under its id already, returns that, and nothing was paid.
  [[nodiscard]] Outcome charge(models::Generation generation, const ChargeOptions& options = {});

  // Gives the cost of a generation that failed, or was cancelled before it began, back, once,
  // however often it is called. Returns the generation as it is then; std::nullopt where there is
  // none. Throws Error: kConflict where nothing is to be given back.
  std::optional<models::Generation> refund(const models::GenerationId& id);

  // Resolves whatever holds this generation decides, its refund's among them, so that it may be
  // deleted: a hold whose generation is gone would be taken for an interrupted charge's.
  void settle(const models::Generation& generation);

  // Resolves the holds that are older than `older_than`, at most 1000 documents of each kind. Safe
  // at any age and from many processes at once; a young age only gives up charges that are still on
  // their way.
  SweepReport sweep(std::chrono::milliseconds older_than = std::chrono::minutes(5));

 private:
  // The generation, which was there a moment ago. Throws Error: kInternal where it was deleted.
  [[nodiscard]] models::Generation existing(const models::GenerationId& id);
  std::optional<Outcome> charge_balance_alone(models::Generation generation);
  // Looks where the credits are, and takes them; returns what forbids it.
  std::optional<Outcome> take(models::Generation& generation, const ChargeOptions& options);
  bool hold_at_subscription(models::Generation& generation, const models::Subscription& seen,
                            std::int64_t credits);
  bool hold_at_user(models::Generation& generation, std::int64_t credits);
  [[nodiscard]] query::Update<models::User> hold(const models::Generation& generation) const;
  void release(const models::Generation& generation);
  // Inserts it by `send(generation)`, and captures its holds; std::nullopt where `send` says false:
  // it is not charged, and was not inserted.
  template <class Send>
  [[nodiscard]] std::optional<Outcome> insert(models::Generation generation, Send send);
  void capture(const models::Generation& generation);
  // The generation, once it says what becomes of the hold: inserts one that voids a charge whose
  // charger died, and ends a refund that was begun.
  models::Generation decision_on(const models::PendingCharge& hold, const models::UserId& user_id);
  void sweep_holds(const Payer& payer, const models::UserId& user_id,
                   std::span<const models::PendingCharge> holds, Time before, SweepReport& report);
  // Places the holds of a new refund, and has the generation name it, or the one that is faster.
  // Returns the generation as it is then; std::nullopt where it was deleted meanwhile.
  std::optional<models::Generation> begin_refund(const models::Generation& generation);
  void finish_refund(models::Generation& generation);
  bool place_refund_at_subscription(const models::Generation& generation,
                                    const models::PendingCharge& hold);
  // What the generation's cost takes from, or gives back to, the user and the subscription.
  [[nodiscard]] models::PendingCharge hold_of_user(const models::Generation& generation,
                                                   const models::ChargeToken& token) const;
  [[nodiscard]] models::PendingCharge hold_of_subscription(const models::Generation& generation,
                                                           const models::ChargeToken& token) const;
};

}  // namespace gesso::domain
