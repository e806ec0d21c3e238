#include "gesso/localdb/storage/sweep.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "gesso/localdb/storage/environment.hpp"

namespace gesso::localdb {
namespace {

// A commit this large does not hold up other writers for long.
constexpr std::size_t kBatch = 200;

struct Entry {
  std::string key;
  RecordId record = 0;
};

// The next expired entries behind `after`, or the first ones.
std::vector<Entry> find_expired(const Transaction& transaction, const Index& index,
                                const KeySpan& expired, const std::optional<Entry>& after) {
  std::vector<Entry> found;
  IndexCursor cursor(transaction, index);
  for (bool more = after ? cursor.seek_after(after->key, after->record) : cursor.seek(expired.low);
       more && expired.holds(cursor.key()) && found.size() < kBatch; more = cursor.next()) {
    found.push_back({std::string(cursor.key()), cursor.record()});
  }
  return found;
}

bool holds_entry(const Transaction& transaction, const Index& index, const Entry& entry) {
  IndexCursor cursor(transaction, index);
  for (bool more = cursor.seek(entry.key); more && cursor.key() == entry.key;
       more = cursor.next()) {
    if (cursor.record() == entry.record) return true;
  }
  return false;
}

struct Removed {
  std::size_t documents = 0;
  std::size_t strays = 0;  // entries that no document has
};

// The documents may have changed since they were found.
Removed remove_expired(WriteTransaction& write, std::uint32_t collection_id, std::uint32_t index_id,
                       const KeySpan& expired, const std::vector<Entry>& candidates) {
  const CollectionPtr collection = write.catalog().find(collection_id);
  const Index* const index = collection ? collection->index_by_id(index_id) : nullptr;
  Removed removed;
  if (index == nullptr) return removed;
  KeySet keys;
  for (const Entry& candidate : candidates) {
    const std::optional<bson::View> document = write.get(*collection, candidate.record);
    if (document) {
      index->keys->keys_of(*document, keys);
      if (std::any_of(keys.keys.begin(), keys.keys.end(),
                      [&](const std::string& key) { return expired.holds(key); })) {
        write.remove(*collection, candidate.record);
        ++removed.documents;
        continue;
      }
    }
    if (holds_entry(write, *index, candidate)) ++removed.strays;
  }
  return removed;
}

// Goes through the expired entries once, from first to last: where an index and its documents
// disagree it ends all the same.
std::size_t sweep_index(Store& store, std::uint32_t collection_id, std::uint32_t index_id, Time now,
                        const std::atomic<bool>& stopping) {
  Removed total;
  std::optional<Entry> last;
  std::string name;
  while (!stopping) {
    std::vector<Entry> candidates;
    KeySpan expired;
    {
      const ReadTransaction read = store.read();
      const CollectionPtr collection = read.catalog().find(collection_id);
      const Index* const index = collection ? collection->index_by_id(index_id) : nullptr;
      if (index == nullptr) break;
      name = collection->ns() + ", index " + index->keys->name;
      expired = index->keys->expired(now).value_or(KeySpan{});
      candidates = find_expired(read, *index, expired, last);
    }
    if (candidates.empty()) break;
    const Removed removed = store.write([&](WriteTransaction& write) {
      return remove_expired(write, collection_id, index_id, expired, candidates);
    });
    total.documents += removed.documents;
    total.strays += removed.strays;
    last = std::move(candidates.back());
  }
  if (total.strays > 0) {
    spdlog::error(
        "localdb: {}: {} expired entries belong to no document; run `gesso localdb --check`", name,
        total.strays);
  }
  return total.documents;
}

}  // namespace

std::size_t sweep_store(Store& store, Time now, const std::atomic<bool>& stopping) {
  std::vector<std::pair<std::uint32_t, std::uint32_t>> ttl_indexes;
  {
    const ReadTransaction read = store.read();
    for (const CollectionPtr& collection : read.catalog().all()) {
      for (const auto& index : collection->indexes) {
        if (index->keys->expired(now)) ttl_indexes.emplace_back(collection->id, index->id);
      }
    }
  }
  std::size_t removed = 0;
  for (const auto& [collection, index] : ttl_indexes) {
    removed += sweep_index(store, collection, index, now, stopping);
  }
  const auto purge = [](WriteTransaction& write) { return write.purge_dropped(kBatch); };
  while (!stopping && store.write(purge, OnError::kKeep) > 0) {
  }
  return removed;
}

// LMDB keeps its free pages as lists (a count, then page numbers) in its table 0.
std::uint64_t count_free_pages(MDB_txn* txn) {
  MDB_cursor* raw = nullptr;
  check_lmdb(mdb_cursor_open(txn, 0, &raw), "count free pages");
  const std::unique_ptr<MDB_cursor, CursorCloser> cursor(raw);
  std::uint64_t pages = 0;
  MDB_val key{};
  MDB_val value{};
  while (mdb_cursor_get(raw, &key, &value, MDB_NEXT) == MDB_SUCCESS) {
    pages += bson::detail::load<std::size_t>(static_cast<const std::uint8_t*>(value.mv_data));
  }
  return pages;
}

}  // namespace gesso::localdb
