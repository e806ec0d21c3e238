#include "gesso/domain/generation_end.hpp"

#include <utility>

#include "gesso/domain/generation_watch.hpp"
#include "gesso/repositories/generation_repository.hpp"

namespace gesso::domain {

using namespace query;
using models::Generation;
using models::GenerationStatus;

Update<Generation> completion(const Generation& seen, const ImageAddresses& images, Time moment) {
  auto changes =
      update(set<&Generation::status>(GenerationStatus::kCompleted),
             set<&Generation::is_leased>(false), set<&Generation::result_urls>(images.result_urls),
             set<&Generation::blob_urls>(images.blob_urls),
             set<&Generation::thumbnail_urls>(images.thumbnail_urls));
  if (images.provider) changes.add(set<&Generation::provider>(*images.provider));
  repositories::add_end(changes, seen, moment);
  return changes;
}

Update<Generation> failure(const Generation& seen, GenerationStatus status, Refund refund,
                           std::string_view reason, Time moment) {
  auto changes = update(set<&Generation::status>(status), set<&Generation::is_leased>(false),
                        set<&Generation::error_message>(repositories::readable_reason(reason)));
  repositories::add_end(changes, seen, moment);
  if (refund == Refund::kYes && repositories::is_paid_for(seen)) {
    changes.add(set<&Generation::refund_due_at>(moment));
  }
  return changes;
}

Update<Generation> giving_up(const Generation& seen, std::string_view reason, Time moment) {
  return seen.cancel_requested_at
             ? failure(seen, GenerationStatus::kCancelled, Refund::kYes, "It was cancelled.",
                       moment)
             : failure(seen, GenerationStatus::kFailed, Refund::kYes, reason, moment);
}

std::optional<Generation> after_end(Charging& charging, const GenerationHooks& hooks,
                                    Generation generation) {
  if (generation.refund_due_at) {
    auto refunded = charging.refund(generation.id);
    if (!refunded) return std::nullopt;
    generation = *std::move(refunded);
  }
  if (hooks.watch != nullptr) hooks.watch->notify(generation);
  return generation;
}

}  // namespace gesso::domain
