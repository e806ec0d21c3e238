// The work of `Store::sweep`, and the count of free pages. Private to storage/.
#pragma once

#include <cstddef>
#include <cstdint>

#include "gesso/base/clock.hpp"
#include "gesso/localdb/storage/store.hpp"

namespace gesso::localdb {

std::size_t sweep_store(Store& store, Time now);
[[nodiscard]] std::uint64_t count_free_pages(MDB_txn* txn);

}  // namespace gesso::localdb
