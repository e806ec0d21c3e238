#include "gesso/domain/generation_work.hpp"

#include <utility>

#include "gesso/domain/generation_end.hpp"
#include "gesso/domain/generation_watch.hpp"
#include "gesso/domain/work_bell.hpp"

namespace gesso::domain {

using namespace query;
using models::Generation;
using models::GenerationStatus;
using repositories::ClaimCandidate;
using repositories::ListOptions;

namespace {

bool is_of(const Generation& generation, const Claim& claim) {
  return generation.lease_owner == claim.worker && generation.attempts == claim.attempt;
}

Claim claim_of(const Generation& generation) {
  return {.generation_id = generation.id,
          .worker = generation.lease_owner ? generation.lease_owner->str() : "",
          .attempt = generation.attempts.value()};
}

std::string gave_up(std::int64_t attempts) {
  return "It was given up after " + std::to_string(attempts) + " attempts.";
}

}  // namespace

std::optional<Generation> GenerationWork::change(const Claim& claim, Update<Generation> changes) {
  return generations_.update_one(
      where<&Generation::id> == claim.generation_id &&
          where<&Generation::status> == GenerationStatus::kProcessing &&
          where<&Generation::is_leased> == true &&
          where<&Generation::lease_owner> == std::string_view(claim.worker) &&
          where<&Generation::attempts> == claim.attempt,
      std::move(changes));
}

EndOutcome GenerationWork::ended(Generation generation) {
  auto after = after_end(charging_, hooks_, std::move(generation));
  if (!after) return NoSuchGeneration{};
  return *std::move(after);
}

bool GenerationWork::begins(const Generation& claimed) {
  const bool is_exhausted = claimed.attempts > options_.max_attempts;
  if (!is_exhausted && !claimed.cancel_requested_at) {
    if (hooks_.watch != nullptr) hooks_.watch->notify(claimed);
    return true;
  }
  if (auto over =
          change(claim_of(claimed), giving_up(claimed, gave_up(options_.max_attempts), now()))) {
    (void)ended(*std::move(over));
  }
  return false;
}

std::optional<Generation> GenerationWork::claim(std::string_view worker) {
  while (auto claimed = generations_.claim_next(worker, options_.lease)) {
    if (begins(*claimed)) return claimed;
  }
  return std::nullopt;
}

std::vector<ClaimCandidate> GenerationWork::find_claimable(std::int64_t most) {
  return generations_.find_claimable(most);
}

std::optional<Generation> GenerationWork::claim(std::string_view worker,
                                                const ClaimCandidate& candidate) {
  auto claimed = generations_.claim(candidate, worker, options_.lease);
  if (claimed && !begins(*claimed)) return std::nullopt;
  return claimed;
}

HeartbeatOutcome GenerationWork::heartbeat(const Claim& claim) {
  const Time until = now() + options_.lease;
  const auto held = change(claim, update(set<&Generation::claimable_at>(until)));
  if (held) {
    return StillHeld{.lease_until = until,
                     .cancel_requested = held->cancel_requested_at.has_value()};
  }
  if (!generations_.find_by_id(claim.generation_id)) return NoSuchGeneration{};
  return LeaseLost{};
}

std::optional<Generation> GenerationWork::note_asking(const Claim& claim,
                                                      std::string_view provider) {
  return change(claim, update(set<&Generation::provider>(provider),
                              set<&Generation::provider_asked_at>(now())));
}

std::optional<Generation> GenerationWork::note_prediction(const Claim& claim,
                                                          std::string_view prediction_id) {
  return change(claim, update(set<&Generation::replicate_prediction_id>(prediction_id)));
}

EndOutcome GenerationWork::complete(const Claim& claim, const ImageAddresses& images) {
  const auto seen = generations_.find_by_id(claim.generation_id);
  if (!seen) return NoSuchGeneration{};
  if (!is_of(*seen, claim)) return LeaseLost{};
  if (seen->status == GenerationStatus::kCompleted) return ended(*seen);  // said again
  auto completed = change(claim, completion(*seen, images, now()));
  if (!completed) return LeaseLost{};
  return ended(*std::move(completed));
}

EndOutcome GenerationWork::fail(const Claim& claim, FailureKind kind, std::string_view reason) {
  const auto seen = generations_.find_by_id(claim.generation_id);
  if (!seen) return NoSuchGeneration{};
  if (!is_of(*seen, claim)) return LeaseLost{};
  // Said again, of which the first came through.
  if (seen->status != GenerationStatus::kProcessing) {
    if (seen->status == GenerationStatus::kCompleted) return LeaseLost{};
    return ended(*seen);
  }
  std::optional<Generation> after;
  if (kind == FailureKind::kCancelled && seen->cancel_requested_at) {
    after = change(claim, failure(*seen, GenerationStatus::kCancelled, Refund::kNo, reason, now()));
  } else if (kind == FailureKind::kRetryable && seen->attempts < options_.max_attempts &&
             !seen->cancel_requested_at) {
    after = change(claim, update(set<&Generation::status>(GenerationStatus::kPending),
                                 set<&Generation::is_leased>(false),
                                 set<&Generation::claimable_at>(now() + options_.retry_after)));
  } else {
    after = change(claim, giving_up(*seen, reason, now()));
  }
  if (!after) return LeaseLost{};
  return ended(*std::move(after));
}

bool GenerationWork::hand_back(const Claim& claim) {
  const auto seen = generations_.find_by_id(claim.generation_id);
  if (!seen || !is_of(*seen, claim)) return false;
  if (seen->cancel_requested_at) {
    auto over = change(claim, giving_up(*seen, "It was cancelled.", now()));
    if (over) (void)ended(*std::move(over));
    return over.has_value();
  }
  const auto free = change(claim, update(set<&Generation::status>(GenerationStatus::kPending),
                                         set<&Generation::is_leased>(false),
                                         set<&Generation::claimable_at>(seen->created_at),
                                         inc<&Generation::attempts>(-1)));
  if (free && hooks_.watch != nullptr) hooks_.watch->notify(*free);
  if (free && hooks_.bell != nullptr) hooks_.bell->ring();
  return free.has_value();
}

std::int64_t GenerationWork::end_expired() {
  constexpr std::int64_t kLimit = 1000;
  auto expired = generations_.stream(where<&Generation::status> == GenerationStatus::kProcessing &&
                                         where<&Generation::is_leased> == true &&
                                         where<&Generation::claimable_at> <= now(),
                                     sort_by(asc<&Generation::claimable_at>),
                                     ListOptions{.skip_undecodable = [](const Error&) {}});
  std::int64_t count = 0;
  while (count < kLimit) {
    const auto generation = expired.next();
    if (!generation) break;
    // What has attempts left is left to whoever claims next.
    if (!generation->cancel_requested_at && generation->attempts < options_.max_attempts) continue;
    // Its worker may have woken since it was read: it is claimed, on condition that it did not.
    const Time moment = now();
    const auto claimed = generations_.update_one(
        where<&Generation::id> == generation->id &&
            where<&Generation::status> == GenerationStatus::kProcessing &&
            where<&Generation::attempts> == generation->attempts.value() &&
            where<&Generation::is_leased> == true && where<&Generation::claimable_at> <= moment,
        update(set<&Generation::lease_owner>("(sweep)"), inc<&Generation::attempts>(1),
               set<&Generation::claimable_at>(moment + options_.lease)));
    if (!claimed) continue;
    if (auto over = change(claim_of(*claimed),
                           giving_up(*claimed, gave_up(generation->attempts.value()), now()))) {
      (void)ended(*std::move(over));
      ++count;
    }
  }
  return count;
}

}  // namespace gesso::domain
