// The writing half of a transaction: what an operation given to `Store::write` works on.
//
// Lives for the time of that call. Every change keeps the indexes and the counters in step. One
// that an exception left broken is not committed, whatever the operation made of the exception.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "gesso/localdb/storage/commit_listeners.hpp"
#include "gesso/localdb/storage/index_keys.hpp"
#include "gesso/localdb/storage/writer.hpp"

namespace gesso::localdb {

class KeyBuffer;
struct Counters;

class WriteTransaction final : public Writer {
  struct Live;  // counters that this transaction touched, in memory until `flush`
  std::unique_ptr<Live> live_;
  std::shared_ptr<Catalog> own_catalog_;  // the same as `catalog_` once this transaction changed it
  std::vector<KeySet> keys_, old_keys_;   // reused from document to document
  CommitNews news_;
  const std::atomic<std::size_t>* waiting_;  // operations that wait for the writer: the store's
  std::uint64_t changes_ = 0;
  std::size_t written_bytes_ = 0;
  bool has_room_ = true;   // false close to the map's limit: deletes only
  bool changing_ = false;  // within a change: what is thrown now leaves it half made
  int failure_ = 0;        // what LMDB refused

  // Marks the time between the first and the last row of one change.
  class Change;

 public:
  // By Store alone. `waiting` is borrowed: how many operations wait while this one runs.
  WriteTransaction(const Environment& environment, MDB_txn* txn,
                   std::shared_ptr<const Catalog> catalog, bool has_room,
                   const std::atomic<std::size_t>& waiting, CommitNews news = {});
  // Within `group`, whose changes it sees; `txn` is a child of that one's.
  WriteTransaction(const WriteTransaction& group, MDB_txn* txn);
  ~WriteTransaction();
  // What a committed `child` kept in memory.
  void take_over(WriteTransaction&& child);
  // Writes what was kept in memory. True where the catalog changed.
  bool flush();
  // For who listens, once it is committed.
  [[nodiscard]] CommitNews take_news() { return std::move(news_); }
  [[nodiscard]] std::shared_ptr<const Catalog> shared_catalog() const { return catalog_; }
  [[nodiscard]] std::uint64_t changes() const override { return changes_; }
  [[nodiscard]] std::size_t written_bytes() const override { return written_bytes_; }
  [[nodiscard]] bool is_awaited() const override {
    return waiting_->load(std::memory_order_relaxed) > 0;
  }
  [[nodiscard]] bool is_broken() const { return failure_ != 0 || changing_; }
  // Throws Error (kInternal), or StorageError (kNoRoom).
  void throw_if_broken() const;

  [[nodiscard]] CollectionCounters counters(const Collection& collection) const override;
  [[nodiscard]] IndexCounters counters(const Index& index) const override;

  // With its `_id` index. Throws StorageError: kCollectionExists, kInvalidName.
  CollectionPtr create_collection(std::string_view database, std::string_view name,
                                  bson::View options = {});
  CollectionPtr ensure_collection(std::string_view database, std::string_view name) override;
  // Throws StorageError (kNoCollection).
  void change_options(const Collection& collection, bson::View options);
  // False where there is none. Takes the same short time however large the collection is: the
  // sweep takes the documents away afterwards.
  bool drop_collection(std::string_view database, std::string_view name);
  // The number of collections dropped.
  std::size_t drop_database(std::string_view database);
  // Throws StorageError: kNoCollection, kCollectionExists for the target, kInvalidName.
  void rename_collection(const Collection& collection, std::string_view database,
                         std::string_view name);

  // Builds it over what is there. False where the same index exists. Throws StorageError:
  // kTooManyIndexes past 64, kDuplicateKey; what the index throws: for one that cannot stand beside
  // it, for a document that cannot be in it.
  bool create_index(const Collection& collection, IndexKeysPtr keys);
  // The first step of a build that others write beside, see index_build.hpp: its id, or
  // std::nullopt where the same index exists. Throws as `create_index`.
  std::optional<std::uint32_t> begin_index(const Collection& collection, IndexKeysPtr keys);
  // One entry of such a build, unless its record was changed since the build began. Throws
  // StorageError (kDuplicateKey).
  void put_built(const Collection& collection, const Index& index, std::string_view key,
                 RecordId record);
  void finish_index(const Collection& collection, std::uint32_t index_id,
                    const std::vector<bool>& multikey, bool truncated);
  void abandon_index(const Collection& collection, std::uint32_t index_id);
  // Throws StorageError: kNoIndex, kIdIndex.
  void drop_index(const Collection& collection, std::string_view name);
  // Gives an index another description, by which every document has the same keys. Throws
  // StorageError (kNoIndex); what the reader of indexes throws for a description that is none.
  void change_index(const Collection& collection, std::string_view name, IndexKeysPtr keys);

  RecordId insert(const Collection& collection, bson::View document) override;
  void replace(const Collection& collection, RecordId id, bson::View document) override;
  bool remove(const Collection& collection, RecordId id) override;

  // Takes up to `limit` rows of dropped collections and indexes off the disk; how many they were.
  std::size_t purge_dropped(std::size_t limit);

 private:
  void check(int result, std::string_view doing);
  void require_room() const;
  Counters& touch(std::uint32_t id);
  Catalog& change_catalog();
  void save(std::shared_ptr<const Collection> collection);
  std::uint32_t next_id();
  void purge_or_defer(std::uint32_t id, bool is_collection, std::uint64_t rows);
  std::size_t purge(std::uint32_t id, bool is_collection, std::size_t limit);
  [[nodiscard]] const Collection& current(const Collection& collection) const;
  void generate_all(const Collection& collection, bson::View document,
                    std::vector<KeySet>& keys) const;
  // Of the indexes whose keys an update may change, into `old_keys_` and `keys_`; of the others
  // none.
  void generate_changed(const Collection& collection, bson::View before, bson::View after);
  void check_unique(const Collection& collection, const Index& index, const KeySet& keys,
                    RecordId self, bson::View document) const;
  void widen_flags(const Collection& collection, const std::vector<KeySet>& keys);
  void put(unsigned table, KeyBuffer& key, std::string_view value);
  bool erase(unsigned table, KeyBuffer& key);
  void put_record(const Collection& collection, RecordId id, bson::View document);
  void touch_record(const Index& index, RecordId id);
  void replace_entries(const Index& index, const std::vector<std::string>& removed,
                       const std::vector<std::string>& added, RecordId id);
  bool put_new(unsigned table, KeyBuffer& key, std::string_view value);
  void put_entry(const Index& index, std::string_view key, RecordId id);
  void erase_entry(const Index& index, std::string_view key, RecordId id);
  void build_index(const Collection& collection, Index& index);
};

}  // namespace gesso::localdb
