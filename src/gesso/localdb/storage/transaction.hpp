// A snapshot of the data folder, and the cursors that walk through it.
//
// `Transaction` is what the planner and the executor read through: a `ReadTransaction` (a snapshot
// of the last commit) or a `WriteTransaction` (which sees its own writes). Used by one thread at a
// time. Documents are views into the memory map, uncopied: valid until the transaction ends, and in
// a `WriteTransaction` only until its next write.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "gesso/bson/view.hpp"
#include "gesso/localdb/storage/catalog.hpp"

struct MDB_txn;
struct MDB_cursor;

namespace gesso::localdb {

class Environment;

struct CollectionCounters {
  std::uint64_t documents = 0;
  std::uint64_t data_bytes = 0;     // of all documents as BSON
  std::uint64_t storage_bytes = 0;  // the same with what a record takes around it on its pages
};

struct IndexCounters {
  std::uint64_t entries = 0;
  std::uint64_t bytes = 0;  // keys and values of all entries
};

struct Record {
  RecordId id = 0;
  bson::View document;
};

class Transaction {
 protected:
  const Environment* environment_ = nullptr;
  MDB_txn* txn_ = nullptr;
  std::shared_ptr<const Catalog> catalog_;

  Transaction() = default;
  ~Transaction() = default;

 public:
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;

  [[nodiscard]] const Catalog& catalog() const { return *catalog_; }
  // nullptr where there is no such collection. Throws StorageError (kDamagedCollection).
  [[nodiscard]] CollectionPtr find_collection(std::string_view database,
                                              std::string_view name) const;

  // std::nullopt where there is no such record.
  [[nodiscard]] std::optional<bson::View> get(const Collection& collection, RecordId id) const;
  // The bytes that are stored for it, whatever they say of themselves; 0 where there is none.
  [[nodiscard]] std::size_t record_size(const Collection& collection, RecordId id) const;
  // Through the `_id` index: two look-ups.
  [[nodiscard]] std::optional<Record> find_by_id(const Collection& collection,
                                                 bson::Value id) const;
  // The record under a whole key of a unique index, as `KeyEncoder` made it.
  [[nodiscard]] std::optional<RecordId> find_unique(const Index& index, std::string_view key) const;

  // Exact, also after a crash; from metadata. Of a `WriteTransaction`: with its own writes.
  [[nodiscard]] virtual CollectionCounters counters(const Collection& collection) const;
  [[nodiscard]] virtual IndexCounters counters(const Index& index) const;

  // Grows with every commit: two snapshots of one number show the same.
  [[nodiscard]] std::uint64_t number() const;

  // For the cursors below.
  [[nodiscard]] MDB_txn* native() const { return txn_; }
  [[nodiscard]] const Environment& environment() const { return *environment_; }
};

struct CursorCloser {
  void operator()(MDB_cursor* cursor) const noexcept;
};

// Over the records of one collection. Each move says whether it stands on a record.
// Must not outlive its transaction.
class RecordCursor {
  std::unique_ptr<MDB_cursor, CursorCloser> cursor_;
  std::uint32_t collection_;
  RecordId id_ = 0;
  bson::View document_;

 public:
  RecordCursor(const Transaction& transaction, const Collection& collection);

  bool first() { return seek(0); }
  bool last();
  bool seek(RecordId at_or_after);
  bool seek_before(RecordId id);  // the last one below `id`
  bool next();
  bool previous();

  [[nodiscard]] RecordId id() const { return id_; }
  [[nodiscard]] bson::View document() const { return document_; }

 private:
  bool accept(int result, const void* key, const void* value);
  bool move(int operation);
};

// Over the entries of one index. Keys are what `KeyEncoder` made, without the record id behind
// them; entries with equal keys are in the order of their record ids.
// Must not outlive its transaction.
class IndexCursor {
  std::unique_ptr<MDB_cursor, CursorCloser> cursor_;
  std::uint32_t index_;
  bool unique_;
  std::string_view key_;
  RecordId id_ = 0;

 public:
  IndexCursor(const Transaction& transaction, const Index& index);

  // The first entry whose key is `key` or above.
  bool seek(std::string_view key);
  // The last entry whose key is below `key`; "" for the last of all.
  bool seek_before(std::string_view key);
  // The first entry behind this one, and the last ahead of it, whether it is still there or not.
  bool seek_after(std::string_view key, RecordId id);
  bool seek_before(std::string_view key, RecordId id);
  bool next();
  bool previous();

  [[nodiscard]] std::string_view key() const { return key_; }
  [[nodiscard]] RecordId record() const { return id_; }

 private:
  bool accept(int result, std::string_view key, const void* value);
  bool move(int operation);
  bool move_to(std::string_view target);
  bool move_before(std::string_view target);
};

}  // namespace gesso::localdb
