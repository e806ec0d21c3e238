// What Replicate tells of predictions, applied to the generations that they are for.
//
// Its events come late, several times and in any order. A generation therefore only moves forward:
// waiting, begun, ended; what would move it back, or moves it where it is, changes nothing, and of
// two ends the first one counts. Each move is one conditional update. No event need be stored for
// this: what an event says is known by the state that it leads to, and it may be sent again after
// any failure.
//
// Which generation an event is about is said by the address that it is sent to, which we gave, and
// by the prediction's id, which the generation holds once the provider has answered our request.
// - Where the generation holds another prediction, the event is ignored: a request that was
// repeated
//   after a lost answer makes a second one, of which one counts.
// - Where it holds none yet, the answer was lost, or has not come yet: the event is the answer, and
//   the generation takes its prediction. Who sent the event knows our address and Replicate's
//   secret; and its body, which is signed, repeats the address, so that an event that was
//   overheard cannot be passed off as another generation's.
//
// The end of a generation as a prediction tells it:
//   succeeded          completed, with the addresses of the images; without any it has failed
//   failed             failed, and paid back
//   canceled, aborted  cancelled where its user asked for that, else failed; paid back, but for one
//                      that was cancelled after it had begun: that work was done
//                      (generation_work.hpp)
// Where a worker of ours asked for the prediction, `succeeded` ends nothing: the worker is told,
// asks for the images, keeps them, and completes it; without one the next that claims it does. Nor
// does `processing` begin anything then. Else `processing` begins one that waits, as a worker's
// claim would: the provider holds it under a lease, and where no end is told before that expires,
// it is free for a worker, or given up.
//
// Over one session, for one unit of work, as the repositories are. Every call blocks.
#pragma once

#include <optional>
#include <string_view>

#include "gesso/domain/generation_work.hpp"
#include "gesso/domain/replicate_event.hpp"

namespace gesso::domain {

enum class PredictionOutcome {
  kApplied,
  kRepeated,  // the generation is there, or beyond, already
  kIgnored    // it is about nothing that we know or want
};
[[nodiscard]] std::string_view to_string(PredictionOutcome outcome);

struct PredictionVerdict {
  PredictionOutcome outcome = PredictionOutcome::kApplied;
  std::string_view reason = {};  // why it was ignored, for the log
};

class Predictions {
  repositories::GenerationRepository generations_;
  Charging charging_;
  const repositories::RepositoryContext* context_;
  WorkOptions options_;
  GenerationHooks hooks_;

 public:
  Predictions(mongo::Session& session, const repositories::RepositoryContext& context,
              const WorkOptions& options = {}, const GenerationHooks& hooks = {})
      : generations_(session, context),
        charging_(session, context, hooks.settler),
        context_(&context),
        options_(options),
        hooks_(hooks) {}

  // `addressed`: the generation that the address named at which the event came. Safe to repeat,
  // also after an Error, from many processes at once.
  PredictionVerdict apply(const std::optional<models::GenerationId>& addressed,
                          const Prediction& prediction);

 private:
  // What the prediction changes of the generation; std::nullopt for nothing.
  [[nodiscard]] std::optional<query::Update<models::Generation>> changes_of(
      const models::Generation& seen, const Prediction& prediction) const;
  // Has a worker of this process that is at it, or could be, look at once.
  void tell_workers(const models::Generation& generation) const;
  // One update on condition that it is as it was seen, as far as that matters.
  std::optional<models::Generation> change(const models::Generation& seen,
                                           const Prediction& prediction,
                                           query::Update<models::Generation> changes);
};

}  // namespace gesso::domain
