// Builds indexes over a collection while others write to it.
//
// From `WriteTransaction::begin_index` on, every write keeps the new index, which nobody reads yet.
// The build scans the documents of that moment in short snapshots, sorts their keys (beyond its
// memory in a temporary file), and puts them in, in operations of the writer that give way to
// others every few milliseconds. Records that were changed meanwhile are marked by the writes that
// changed them, in the same commit, and are left out: their entries are there already.
//
// Blocks the caller until the indexes are finished. One thread.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "gesso/localdb/storage/store.hpp"

namespace gesso::localdb {

struct IndexBuildOptions {
  std::size_t memory_bytes = std::size_t{64} << 20;  // for keys, of all indexes together
  std::function<void()> check_interrupt = {};        // throws to end the build
};

// `indexes` are ids that `begin_index` gave. Throws StorageError: kDuplicateKey; kBuildAborted
// where an index or the collection was dropped meanwhile; what `check_interrupt` and the index's
// keys throw. All of `indexes` are gone then.
void build_indexes(Store& store, std::uint32_t collection_id,
                   const std::vector<std::uint32_t>& indexes, const IndexBuildOptions& options);

}  // namespace gesso::localdb
