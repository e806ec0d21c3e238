// The work of `Store::sweep`, and the count of free pages. Private to storage/.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "gesso/base/clock.hpp"
#include "gesso/localdb/storage/store.hpp"

namespace gesso::localdb {

// Looks at `stopping` between two batches, which are short.
std::size_t sweep_store(Store& store, Time now, const std::atomic<bool>& stopping);
[[nodiscard]] std::uint64_t count_free_pages(MDB_txn* txn);

}  // namespace gesso::localdb
