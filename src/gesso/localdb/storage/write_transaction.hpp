// The writing half of a transaction: what an operation given to `Store::write` works on.
//
// Lives for the time of that call. Reads see the operation's own writes. Every change keeps the
// indexes and the counters in step. A CommandError from one of these functions has changed nothing.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "gesso/localdb/index/key_generator.hpp"
#include "gesso/localdb/storage/transaction.hpp"

namespace gesso::localdb {

class WriteTransaction final : public Transaction {
 public:
  struct Counters {
    std::uint64_t documents = 0;  // or index entries
    std::uint64_t data_bytes = 0;
    std::uint64_t storage_bytes = 0;
    std::uint64_t next_record = 1;
  };

 private:
  // How to take back one change of this operation.
  struct Undo {
    unsigned table;
    std::string key;
    bool existed;
    std::vector<std::uint8_t> value;
  };
  std::vector<Undo> undo_;
  std::map<std::uint32_t, Counters> counters_;         // those that this commit touched
  std::map<std::uint32_t, Counters> counters_before_;  // as they were before this operation
  std::shared_ptr<const Catalog> catalog_before_;
  KeySet keys_, old_keys_;  // reused from document to document

 public:
  // By Store alone.
  WriteTransaction(const Environment& environment, MDB_txn* txn,
                   std::shared_ptr<const Catalog> catalog);
  void begin_operation();
  void undo_operation();
  // Writes what is kept in memory until the commit.
  void flush();
  [[nodiscard]] std::shared_ptr<const Catalog> shared_catalog() const { return catalog_; }

  [[nodiscard]] CollectionCounters counters(const Collection& collection) const override;
  [[nodiscard]] IndexCounters counters(const Index& index) const override;

  // With its `_id` index. Throws CommandError: 48 where there is one, 73 for a bad name.
  CollectionPtr create_collection(std::string_view database, std::string_view name,
                                  bson::View options = {});
  // The one that is there, or a new one.
  CollectionPtr ensure_collection(std::string_view database, std::string_view name);
  // False where there is none. Takes the same short time however large the collection is: the
  // sweep takes the documents away afterwards.
  bool drop_collection(std::string_view database, std::string_view name);
  // The number of collections dropped.
  std::size_t drop_database(std::string_view database);
  // Throws CommandError: 26 for no source, 48 for a target that exists.
  void rename_collection(const Collection& collection, std::string_view database,
                         std::string_view name);

  // Builds it over what is there. False where the same index exists. Throws CommandError: 85, 86
  // (see compare_specs), 67 past 64 indexes, 11000 for duplicates, 171 for parallel arrays.
  bool create_index(const Collection& collection, const IndexSpec& spec);
  // Throws CommandError: 27 for no such index, 72 for `_id_`.
  void drop_index(const Collection& collection, std::string_view name);
  // collMod's expireAfterSeconds. Throws CommandError: 27, 72 where the index is no TTL index.
  void set_expire_after(const Collection& collection, std::string_view name, std::int64_t seconds);

  // `document` has its `_id`. Throws CommandError: 11000 with keyPattern and keyValue among its
  // details, 171 for parallel arrays.
  RecordId insert(const Collection& collection, bson::View document);
  // Only what changed among the index entries is touched. Throws as `insert`, and CommandError
  // (112) where there is no such record.
  void replace(const Collection& collection, RecordId id, bson::View document);
  // False where there is no such record.
  bool remove(const Collection& collection, RecordId id);

  // Takes up to `limit` rows of dropped collections and indexes off the disk; how many they were.
  std::size_t purge_dropped(std::size_t limit);

 private:
  friend class IndexBuild;
  Counters& touch(std::uint32_t id);
  [[nodiscard]] Counters load_counters(std::uint32_t id) const;
  void put(unsigned table, std::string_view key, std::span<const std::uint8_t> value,
           std::span<const std::uint8_t> before, bool existed);
  bool erase(unsigned table, std::string_view key);
  void save_collection(const std::shared_ptr<Collection>& collection);
  std::uint32_t next_id();
  void mark_dropped(std::uint32_t id, bool is_collection);
  void check_unique(const Collection& collection, const Index& index, const KeySet& keys,
                    RecordId self, bson::View document) const;
  void add_entries(const Index& index, const KeySet& keys, RecordId id);
  void remove_entries(const Index& index, const KeySet& keys, RecordId id);
  void note_flags(const Collection& collection, const Index& index, const KeySet& keys);
};

}  // namespace gesso::localdb
