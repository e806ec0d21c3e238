// What a worker does with generations: claims one, says that it is still at it, and how it ended.
//
// A worker holds a generation under a lease, which ends by time: nothing has to be alive to end it.
// Each claim has a number of its own, the generation's `attempts`, which is the fencing token of
// whatever the worker writes: each write is one update on condition that the generation is still
// processing under this claim. A worker whose lease expired may still finish while nobody else has
// claimed; once somebody has, it changes nothing and is told so. Every call may be repeated after a
// lost answer, and gives the same answer.
//
// A generation is tried `max_attempts` times. It has failed for good, and is paid back, when the
// last attempt says so or its lease expires. Of one that its user asked to stop:
// - a worker that stops (kCancelled) ends it; what it has cost stays paid, for the work was done;
// - a worker that completes it before has completed it;
// - where the attempt dies or fails instead, it is cancelled and paid back.
//
// Over one session, for one unit of work, as the repositories are. Every call blocks.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "gesso/domain/generation_images.hpp"
#include "gesso/domain/generations.hpp"

namespace gesso::domain {

struct WorkOptions {
  std::chrono::milliseconds lease = std::chrono::minutes(5);  // of a claim and of each heartbeat
  std::int64_t max_attempts = 3;
  std::chrono::milliseconds retry_after = std::chrono::seconds(10);  // after a failed attempt
};

// What a worker holds. Given back by it with every call.
struct Claim {
  models::GenerationId generation_id;
  std::string worker;
  std::int64_t attempt = 0;
};

struct LeaseLost {};  // somebody else has claimed it, or it has ended otherwise

struct StillHeld {
  Time lease_until;
  bool cancel_requested = false;  // the worker should stop, and say so by `fail`
};
using HeartbeatOutcome = std::variant<StillHeld, LeaseLost, NoSuchGeneration>;
// The generation as it is then.
using EndOutcome = std::variant<models::Generation, LeaseLost, NoSuchGeneration>;

enum class FailureKind {
  kFinal,      // it cannot be done
  kRetryable,  // another attempt may succeed
  kCancelled,  // stopped because its user asked; without such a request it is kFinal
};
constexpr auto wire_texts(FailureKind) {
  return std::to_array<std::string_view>({"final", "retryable", "cancelled"});
}

class GenerationWork {
  repositories::GenerationRepository generations_;
  Charging charging_;
  const repositories::RepositoryContext* context_;
  WorkOptions options_;
  GenerationHooks hooks_;

 public:
  GenerationWork(mongo::Session& session, const repositories::RepositoryContext& context,
                 const WorkOptions& options = {}, const GenerationHooks& hooks = {})
      : generations_(session, context),
        charging_(session, context, hooks.settler),
        context_(&context),
        options_(options),
        hooks_(hooks) {}

  // The oldest generation that is free, now processing and held by `worker`, whose claim is its
  // `attempts`; std::nullopt where there is none. What has no attempt left, or is to stop, is ended
  // on the way.
  [[nodiscard]] std::optional<models::Generation> claim(std::string_view worker);
  // The same for who chooses: those that are free, oldest first (repositories::find_claimable),
  [[nodiscard]] std::vector<repositories::ClaimCandidate> find_claimable(std::int64_t most);
  // and one of them; std::nullopt where it is not free any more, or was ended.
  [[nodiscard]] std::optional<models::Generation> claim(
      std::string_view worker, const repositories::ClaimCandidate& candidate);

  [[nodiscard]] HeartbeatOutcome heartbeat(const Claim& claim);
  // Writes down that `provider` is about to be asked: from here on an answer may be lost. These two
  // return the generation as it is then; std::nullopt where it is not this claim's any more.
  [[nodiscard]] std::optional<models::Generation> note_asking(const Claim& claim,
                                                              std::string_view provider);
  // Writes down the prediction that the provider made; harmless where it is there. Throws Error:
  // kDuplicate where it is another generation's.
  [[nodiscard]] std::optional<models::Generation> note_prediction(const Claim& claim,
                                                                  std::string_view prediction_id);
  [[nodiscard]] EndOutcome complete(const Claim& claim, const ImageAddresses& images);
  [[nodiscard]] EndOutcome fail(const Claim& claim, FailureKind kind, std::string_view reason);

  // Takes back a claim that its worker never learned of: the generation is free at once, in its
  // old place in the queue, and the attempt does not count; its number is given to the next claim,
  // since nobody has seen it. What its user wants stopped is cancelled. Returns whether it was
  // still held by this claim.
  bool hand_back(const Claim& claim);

  // Ends what is held under a lease that has expired and has no attempt left, or is to stop: for
  // the sweep, where nobody claims. Returns how many.
  std::int64_t end_expired();

 private:
  // One update on condition that it is processing under this claim.
  std::optional<models::Generation> change(const Claim& claim,
                                           query::Update<models::Generation> changes);
  // Whether a claim may be worked on; ends what has no attempt left or is to stop.
  [[nodiscard]] bool begins(const models::Generation& claimed);
  [[nodiscard]] EndOutcome ended(models::Generation generation);
  [[nodiscard]] Time now() const { return context_->clock.now(); }
};

}  // namespace gesso::domain
