// Finds images in the store that no generation has, and removes them: what a crash left between an
// image and its generation's end, what a worker wrote for one that was deleted meanwhile, what
// could not be removed at the time.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "gesso/domain/account_services.hpp"
#include "gesso/images/blob_store.hpp"
#include "gesso/repositories/repository_context.hpp"

namespace gesso::domain {

struct OrphanSweepReport {
  std::int64_t looked_at = 0;
  std::int64_t removed = 0;
  std::string last = {};  // the name to go on after; "" where the end was reached
};

// Looks at `limit` blobs behind `after` (or some more) and removes those that are older than
// `grace` and are named by no generation that has ended, or belong to one that is not there. What
// is younger may be on its way, and so may all that belongs to one that has not ended. A unit of
// work for every few hundred; no connection is held while the store is asked. Safe from many
// processes at once. Throws Error.
[[nodiscard]] OrphanSweepReport sweep_orphan_images(const RunUnit& run,
                                                    const repositories::RepositoryContext& context,
                                                    images::BlobStore& store,
                                                    std::string_view after, std::size_t limit,
                                                    std::chrono::milliseconds grace);

}  // namespace gesso::domain
