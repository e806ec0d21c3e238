#include "gesso/domain/orphan_images.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <map>
#include <set>
#include <vector>

#include "gesso/domain/generation_images.hpp"
#include "gesso/domain/generations.hpp"
#include "gesso/repositories/generation_repository.hpp"

namespace gesso::domain {

using images::StoredBlob;
using models::Generation;
using models::GenerationId;

namespace {

constexpr std::size_t kIdsPerQuery = 200;
constexpr std::chrono::seconds kTimeToAsk{30};

// "generations/ID/0.png"
std::optional<GenerationId> owner_of(std::string_view name) {
  if (!name.starts_with(kImagesFolder)) return std::nullopt;
  name.remove_prefix(kImagesFolder.size());
  return GenerationId::parse(name.substr(0, name.find('/')));
}

// What of them is somebody's: all blobs of a generation that goes on, else those that it names.
class Owned {
  std::set<GenerationId> going_on_;
  std::set<std::string, std::less<>> names_;

 public:
  void add(const Generation& generation, const images::BlobStore& store) {
    if (!has_ended(generation.status)) going_on_.insert(generation.id);
    for (const auto* addresses : {&generation.blob_urls, &generation.thumbnail_urls}) {
      for (const models::Url& address : *addresses) {
        if (auto name = store.name_at(address)) names_.insert(*std::move(name));
      }
    }
  }
  void keep_all_of(const GenerationId& id) { going_on_.insert(id); }
  [[nodiscard]] bool has(const StoredBlob& blob) const {
    const auto owner = owner_of(blob.name);
    return names_.contains(blob.name) || (owner && going_on_.contains(*owner));
  }
};

Owned owned_of(const RunUnit& run, const repositories::RepositoryContext& context,
               const images::BlobStore& store, const std::vector<StoredBlob>& blobs) {
  std::set<GenerationId> distinct;
  for (const StoredBlob& blob : blobs) {
    if (const auto owner = owner_of(blob.name)) distinct.insert(*owner);
  }
  const std::vector<GenerationId> ids(distinct.begin(), distinct.end());
  Owned owned;
  for (std::size_t at = 0; at < ids.size(); at += kIdsPerQuery) {
    const auto first = ids.begin() + static_cast<std::ptrdiff_t>(at);
    const auto count = static_cast<std::ptrdiff_t>(std::min(kIdsPerQuery, ids.size() - at));
    bool all_were_read = true;
    const auto found = run_unit(run, [&](mongo::Session& session) {
      return repositories::GenerationRepository(session, context)
          .find_many(query::where<&Generation::id>.in(std::vector(first, first + count)),
                     query::unsorted, {.skip_undecodable = [&](const Error& error) {
                       spdlog::error("sweep of images: {}", error.what());
                       all_were_read = false;
                     }});
    });
    for (const Generation& generation : found) owned.add(generation, store);
    // What one has that cannot be read is not known: all of these may be its.
    if (!all_were_read) {
      for (auto id = first; id != first + count; ++id) owned.keep_all_of(*id);
    }
  }
  return owned;
}

}  // namespace

OrphanSweepReport sweep_orphan_images(const RunUnit& run,
                                      const repositories::RepositoryContext& context,
                                      images::BlobStore& store, std::string_view after,
                                      std::size_t limit, std::chrono::milliseconds grace) {
  const client::Call call{.deadline = Deadline::after(kTimeToAsk)};
  const Time before = context.clock.now() - grace;
  const auto blobs = store.list(kImagesFolder, after, limit, call);
  OrphanSweepReport report{.looked_at = std::ssize(blobs)};
  if (blobs.size() >= limit) report.last = blobs.back().name;
  std::vector<StoredBlob> old;
  std::ranges::copy_if(blobs, std::back_inserter(old),
                       [&](const StoredBlob& blob) { return blob.written_at <= before; });
  if (old.empty()) return report;
  const Owned owned = owned_of(run, context, store, old);
  for (const StoredBlob& blob : old) {
    if (owned.has(blob)) continue;
    try {
      store.remove(blob.name, call);
      ++report.removed;
    } catch (const Error& error) {
      if (call.ended()) throw;  // the next sweep takes it up here
      spdlog::warn("sweep of images: {}: {}", blob.name, error.what());
    }
  }
  return report;
}

}  // namespace gesso::domain
