// The catalog on the disk: rows of the catalog table to and from `Catalog`.
//
//   "format"  u32, see environment.cpp        "version" u64, raised by every change of the catalog
//   "next_id" u32 for the next collection or index
//   'C' u32   a collection with its indexes, BSON
//   'D' u32   a collection ('C') or an index ('I') that is dropped and whose rows are to be purged
//
// Private to storage/.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "gesso/localdb/storage/catalog.hpp"
#include "gesso/localdb/storage/environment.hpp"

namespace gesso::localdb {

[[nodiscard]] std::uint64_t read_catalog_version(const Environment& environment, MDB_txn* txn);
// A row that cannot be read becomes a damaged collection.
[[nodiscard]] std::shared_ptr<const Catalog> read_catalog(const Environment& environment,
                                                          MDB_txn* txn);
[[nodiscard]] bson::Document to_row(const Collection& collection);
// Throws for a row that `to_row` would not write.
[[nodiscard]] CollectionPtr from_row(const Environment& environment, std::uint32_t id,
                                     bson::View row);

struct DroppedRow {
  std::uint32_t id = 0;
  bool is_collection = false;
};
[[nodiscard]] std::vector<DroppedRow> read_dropped(const Environment& environment, MDB_txn* txn);

}  // namespace gesso::localdb
