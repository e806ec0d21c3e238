// Sizes and counts of collections, as collStats and the stage $collStats show them.
#pragma once

#include "gesso/bson/builder.hpp"
#include "gesso/localdb/storage/transaction.hpp"

namespace gesso::localdb {

// Appends size, count, storageSize, indexSizes, ... of `collection` (null: of none), byte counts
// divided by `scale`.
void append_storage_statistics(bson::Builder& out, const Transaction& transaction,
                               const Collection* collection, std::int64_t scale);

}  // namespace gesso::localdb
