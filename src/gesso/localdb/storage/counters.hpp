// The counters of one collection or index as their row holds them.
//
// Private to storage/.
#pragma once

#include <cstdint>

#include "gesso/localdb/storage/environment.hpp"
#include "gesso/localdb/storage/transaction.hpp"

namespace gesso::localdb {

struct Counters {
  std::uint64_t rows = 0;  // documents of a collection, entries of an index
  std::uint64_t bytes = 0;
  std::uint64_t storage_bytes = 0;
  std::uint64_t next_record = 1;
};

[[nodiscard]] inline Counters read_counters(const Environment& environment, MDB_txn* txn,
                                            std::uint32_t id) {
  KeyBuffer buffer(id);
  MDB_val key = buffer.value();
  MDB_val value{};
  const int result = mdb_get(txn, environment.table(kCountersTable), &key, &value);
  Counters counters;
  if (result == MDB_NOTFOUND) return counters;
  check_lmdb(result, "read the counters");
  std::memcpy(&counters, value.mv_data, sizeof counters);
  return counters;
}

[[nodiscard]] inline CollectionCounters as_collection(const Counters& counters) {
  return {.documents = counters.rows,
          .data_bytes = counters.bytes,
          .storage_bytes = counters.storage_bytes};
}

[[nodiscard]] inline IndexCounters as_index(const Counters& counters) {
  return {.entries = counters.rows, .bytes = counters.bytes};
}

}  // namespace gesso::localdb
