// What changes documents: a commit of the store, or whatever holds changes back until one.
//
// A Transaction whose reads see its own writes. Used by one thread at a time; does not block. A
// StorageError from one of these functions has changed nothing; any other exception in the middle
// of a change leaves it broken, and it cannot be committed then.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "gesso/bson/view.hpp"
#include "gesso/localdb/storage/transaction.hpp"

namespace gesso::localdb {

class Writer : public Transaction {
 protected:
  ~Writer() = default;

 public:
  // The collection that is there, or a new one. Throws StorageError (kInvalidName).
  virtual CollectionPtr ensure_collection(std::string_view database, std::string_view name) = 0;

  // `document` has its `_id` and is no view into this transaction's own data. Throws StorageError:
  // kDuplicateKey, kNoRoom, kNoCollection; what an index throws for a document that cannot be in
  // it.
  virtual RecordId insert(const Collection& collection, bson::View document) = 0;
  // Only what changed among the index entries is touched. Throws as `insert`, and StorageError
  // (kRecordGone) where there is no such record.
  virtual void replace(const Collection& collection, RecordId id, bson::View document) = 0;
  // False where there is no such record.
  virtual bool remove(const Collection& collection, RecordId id) = 0;

  // By which whoever changes many documents paces himself: rows and bytes (of keys and values)
  // written so far, and whether others wait for the writer at this moment.
  [[nodiscard]] virtual std::uint64_t changes() const = 0;
  [[nodiscard]] virtual std::size_t written_bytes() const = 0;
  [[nodiscard]] virtual bool is_awaited() const = 0;
};

}  // namespace gesso::localdb
