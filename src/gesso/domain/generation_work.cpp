#include "gesso/domain/generation_work.hpp"

#include <utility>

#include "gesso/domain/generation_watch.hpp"

namespace gesso::domain {

using namespace query;
using models::Generation;
using models::GenerationStatus;
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

std::optional<Generation> GenerationWork::end(const Claim& claim, const Generation& seen,
                                              GenerationStatus status, Refund refund,
                                              std::string_view reason) {
  const Time moment = context_->clock.now();
  auto changes = update(set<&Generation::status>(status), set<&Generation::is_leased>(false),
                        set<&Generation::error_message>(repositories::readable_reason(reason)));
  repositories::add_end(changes, seen, moment);
  if (refund == Refund::kYes && repositories::is_paid_for(seen)) {
    changes.add(set<&Generation::refund_due_at>(moment));
  }
  return change(claim, std::move(changes));
}

std::optional<Generation> GenerationWork::give_up(const Claim& claim, const Generation& seen,
                                                  std::string_view reason) {
  return seen.cancel_requested_at
             ? end(claim, seen, GenerationStatus::kCancelled, Refund::kYes, "It was cancelled.")
             : end(claim, seen, GenerationStatus::kFailed, Refund::kYes, reason);
}

EndOutcome GenerationWork::ended(Generation generation) {
  if (generation.refund_due_at) {
    auto refunded = charging_.refund(generation.id);
    if (!refunded) return NoSuchGeneration{};
    generation = *std::move(refunded);
  }
  if (hooks_.watch != nullptr) hooks_.watch->notify(generation);
  return generation;
}

std::optional<Generation> GenerationWork::claim(std::string_view worker) {
  while (auto claimed = generations_.claim_next(worker, options_.lease)) {
    const bool is_exhausted = claimed->attempts > options_.max_attempts;
    if (!is_exhausted && !claimed->cancel_requested_at) {
      if (hooks_.watch != nullptr) hooks_.watch->notify(*claimed);
      return claimed;
    }
    if (auto over = give_up(claim_of(*claimed), *claimed, gave_up(options_.max_attempts))) {
      (void)ended(*std::move(over));
    }
  }
  return std::nullopt;
}

HeartbeatOutcome GenerationWork::heartbeat(const Claim& claim) {
  const Time until = context_->clock.now() + options_.lease;
  const auto held = change(claim, update(set<&Generation::claimable_at>(until)));
  if (held) {
    return StillHeld{.lease_until = until,
                     .cancel_requested = held->cancel_requested_at.has_value()};
  }
  if (!generations_.find_by_id(claim.generation_id)) return NoSuchGeneration{};
  return LeaseLost{};
}

EndOutcome GenerationWork::complete(const Claim& claim, const std::vector<models::Url>& result_urls,
                                    const std::vector<models::Url>& blob_urls) {
  const auto seen = generations_.find_by_id(claim.generation_id);
  if (!seen) return NoSuchGeneration{};
  if (!is_of(*seen, claim)) return LeaseLost{};
  if (seen->status == GenerationStatus::kCompleted) return ended(*seen);  // said again
  auto changes = update(
      set<&Generation::status>(GenerationStatus::kCompleted), set<&Generation::is_leased>(false),
      set<&Generation::result_urls>(result_urls), set<&Generation::blob_urls>(blob_urls));
  repositories::add_end(changes, *seen, context_->clock.now());
  auto completed = change(claim, std::move(changes));
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
    after = end(claim, *seen, GenerationStatus::kCancelled, Refund::kNo, reason);
  } else if (kind == FailureKind::kRetryable && seen->attempts < options_.max_attempts &&
             !seen->cancel_requested_at) {
    after = change(claim, update(set<&Generation::status>(GenerationStatus::kPending),
                                 set<&Generation::is_leased>(false),
                                 set<&Generation::claimable_at>(context_->clock.now() +
                                                                options_.retry_after)));
  } else {
    after = give_up(claim, *seen, reason);
  }
  if (!after) return LeaseLost{};
  return ended(*std::move(after));
}

std::int64_t GenerationWork::end_expired() {
  constexpr std::int64_t kLimit = 1000;
  auto expired = generations_.stream(where<&Generation::status> == GenerationStatus::kProcessing &&
                                         where<&Generation::is_leased> == true &&
                                         where<&Generation::claimable_at> <= context_->clock.now(),
                                     sort_by(asc<&Generation::claimable_at>),
                                     ListOptions{.skip_undecodable = [](const Error&) {}});
  std::int64_t count = 0;
  while (count < kLimit) {
    const auto generation = expired.next();
    if (!generation) break;
    // What has attempts left is left to whoever claims next.
    if (!generation->cancel_requested_at && generation->attempts < options_.max_attempts) continue;
    // Its worker may have woken since it was read: it is claimed, on condition that it did not.
    const Time moment = context_->clock.now();
    const auto claimed = generations_.update_one(
        where<&Generation::id> == generation->id &&
            where<&Generation::status> == GenerationStatus::kProcessing &&
            where<&Generation::attempts> == generation->attempts.value() &&
            where<&Generation::is_leased> == true && where<&Generation::claimable_at> <= moment,
        update(set<&Generation::lease_owner>("(sweep)"), inc<&Generation::attempts>(1),
               set<&Generation::claimable_at>(moment + options_.lease)));
    if (!claimed) continue;
    if (auto over = give_up(claim_of(*claimed), *claimed, gave_up(generation->attempts.value()))) {
      (void)ended(*std::move(over));
      ++count;
    }
  }
  return count;
}

}  // namespace gesso::domain
