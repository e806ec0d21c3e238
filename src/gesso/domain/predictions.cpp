#include "gesso/domain/predictions.hpp"

#include <utility>

#include "gesso/base/error.hpp"
#include "gesso/domain/generation_end.hpp"
#include "gesso/domain/generation_watch.hpp"
#include "gesso/domain/work_bell.hpp"

namespace gesso::domain {

using namespace query;
using models::Generation;
using models::GenerationId;
using models::GenerationStatus;

namespace {

constexpr std::string_view kLeaseOwner = "(replicate)";

Update<Generation> end_of(const Generation& seen, const Prediction& prediction, Time moment) {
  switch (*prediction.status) {
    case PredictionStatus::kSucceeded:
      if (prediction.output.empty()) return giving_up(seen, "The provider gave no image.", moment);
      return completion(seen, {.result_urls = prediction.output}, moment);
    case PredictionStatus::kCanceled:
      if (seen.cancel_requested_at && prediction.has_begun) {
        return failure(seen, GenerationStatus::kCancelled, Refund::kNo, "It was cancelled.",
                       moment);
      }
      return giving_up(seen, "The provider cancelled it.", moment);
    case PredictionStatus::kAborted:
      return giving_up(seen, "The provider did not begin it in time.", moment);
    case PredictionStatus::kFailed:
    case PredictionStatus::kStarting:
    case PredictionStatus::kProcessing:
      break;
  }
  return giving_up(seen,
                   prediction.error.empty() ? "The provider could not make it." : prediction.error,
                   moment);
}

// Whether a worker of ours asked for it, who fetches the images that the provider keeps for an
// hour.
bool is_fetched(const Generation& seen, const GenerationHooks& hooks) {
  return hooks.images != nullptr && seen.provider_asked_at.has_value();
}

bool is_end(PredictionStatus status) {
  return status != PredictionStatus::kStarting && status != PredictionStatus::kProcessing;
}

}  // namespace

std::string_view to_string(PredictionOutcome outcome) {
  switch (outcome) {
    case PredictionOutcome::kApplied:
      return "applied";
    case PredictionOutcome::kRepeated:
      return "repeated";
    case PredictionOutcome::kIgnored:
      return "ignored";
  }
  return "unknown";
}

std::optional<Update<Generation>> Predictions::changes_of(const Generation& seen,
                                                          const Prediction& prediction) const {
  const Time moment = context_->clock.now();
  Update<Generation> changes;
  const bool is_ours = is_fetched(seen, hooks_);
  if (is_ours && prediction.status == PredictionStatus::kSucceeded) {
    // A worker that knows the prediction asks for its images.
  } else if (is_end(*prediction.status)) {
    changes = end_of(seen, prediction, moment);
  } else if (!is_ours && prediction.status == PredictionStatus::kProcessing &&
             seen.status == GenerationStatus::kPending && !seen.started_at) {
    changes = update(set<&Generation::status>(GenerationStatus::kProcessing),
                     set<&Generation::started_at>(moment), set<&Generation::is_leased>(true),
                     set<&Generation::claimable_at>(moment + options_.lease),
                     set<&Generation::lease_owner>(kLeaseOwner), inc<&Generation::attempts>(1));
  }
  if (!seen.replicate_prediction_id) {
    changes.add(set<&Generation::replicate_prediction_id>(prediction.id));
  }
  if (changes.empty()) return std::nullopt;
  return changes;
}

std::optional<Generation> Predictions::change(const Generation& seen, const Prediction& prediction,
                                              Update<Generation> changes) {
  const auto as_seen = where<&Generation::id> == seen.id &&
                       where<&Generation::status> == seen.status &&
                       where<&Generation::attempts> == seen.attempts.value();
  if (seen.replicate_prediction_id) {
    return generations_.update_one(
        as_seen && where<&Generation::replicate_prediction_id> == prediction.id,
        std::move(changes));
  }
  return generations_.update_one(as_seen && where<&Generation::replicate_prediction_id>.missing(),
                                 std::move(changes));
}

void Predictions::tell_workers(const Generation& generation) const {
  if (hooks_.bell == nullptr || has_ended(generation.status)) return;
  if (generation.status == GenerationStatus::kPending) {
    hooks_.bell->ring();
  } else {
    hooks_.bell->tell(generation.id);
  }
}

PredictionVerdict Predictions::apply(const std::optional<GenerationId>& addressed,
                                     const Prediction& prediction) {
  const auto ignored = [](std::string_view reason) {
    return PredictionVerdict{PredictionOutcome::kIgnored, reason};
  };
  if (!prediction.status) return ignored("its state is none that is known here");
  const auto& named = prediction.generation_id ? prediction.generation_id : addressed;
  if (addressed && *addressed != *named) return ignored("it was sent to another's address");
  while (true) {
    const auto seen = named ? generations_.find_by_id(*named)
                            : generations_.find_by_replicate_prediction_id(prediction.id);
    if (!seen) return ignored("there is no such generation");
    if (seen->replicate_prediction_id && *seen->replicate_prediction_id != prediction.id) {
      return ignored("the generation's prediction is another one");
    }
    if (has_ended(seen->status)) {
      (void)after_end(charging_, hooks_, *seen);
      return {PredictionOutcome::kRepeated};
    }
    // In a collection that is sharded no index keeps a prediction one generation's.
    if (!seen->replicate_prediction_id &&
        generations_.find_by_replicate_prediction_id(prediction.id)) {
      return ignored("the prediction is another generation's");
    }
    auto changes = changes_of(*seen, prediction);
    if (!changes) {
      tell_workers(*seen);
      return {PredictionOutcome::kRepeated};
    }
    try {
      auto changed = change(*seen, prediction, *std::move(changes));
      if (!changed) continue;  // it moved on meanwhile
      tell_workers(*changed);
      (void)after_end(charging_, hooks_, *std::move(changed));
      return {};
    } catch (const Error& error) {
      if (error.kind() != ErrorKind::kDuplicate) throw;
      return ignored("the prediction is another generation's");
    }
  }
}

}  // namespace gesso::domain
