#include "gesso/localdb/storage/sweep.hpp"

#include <algorithm>
#include <vector>

#include "gesso/localdb/index/key_encoder.hpp"
#include "gesso/localdb/index/key_generator.hpp"
#include "gesso/localdb/storage/environment.hpp"

namespace gesso::localdb {
namespace {

// A commit this large does not hold up other writers for long.
constexpr std::size_t kBatch = 500;

// The keys of a TTL index that have expired: from `low` up to but without `high`.
struct ExpiredKeys {
  std::string low, high;

  [[nodiscard]] bool holds(std::string_view key) const { return key >= low && key < high; }
};

ExpiredKeys expired_keys(const IndexSpec& spec, Time now) {
  const Time newest = now - std::chrono::seconds(*spec.expire_after_seconds);
  const std::int64_t millis = newest.time_since_epoch().count();
  std::string edge;
  const bson::Value date(bson::Type::kDate, reinterpret_cast<const std::uint8_t*>(&millis));
  encode_value(date, spec.fields.front().descending, edge);
  std::string dates(1, edge.front());
  if (spec.fields.front().descending) return {.low = edge, .high = successor(dates)};
  return {.low = dates, .high = successor(edge)};
}

std::vector<RecordId> find_expired(const Transaction& transaction, const Index& index,
                                   const ExpiredKeys& expired) {
  std::vector<RecordId> found;
  IndexCursor cursor(transaction, index);
  for (bool more = cursor.seek(expired.low);
       more && expired.holds(cursor.key()) && found.size() < kBatch; more = cursor.next()) {
    found.push_back(cursor.record());
  }
  return found;
}

// The documents may have changed since they were found.
std::size_t remove_expired(WriteTransaction& write, std::uint32_t collection_id,
                           std::uint32_t index_id, const ExpiredKeys& expired,
                           const std::vector<RecordId>& candidates) {
  const CollectionPtr collection = write.catalog().find(collection_id);
  const Index* const index = collection ? collection->index_by_id(index_id) : nullptr;
  if (index == nullptr) return 0;
  std::size_t removed = 0;
  KeySet keys;
  for (const RecordId id : candidates) {
    const std::optional<bson::View> document = write.get(*collection, id);
    if (!document) continue;
    generate_keys(index->spec, *document, keys);
    if (std::none_of(keys.keys.begin(), keys.keys.end(),
                     [&](const std::string& key) { return expired.holds(key); })) {
      continue;
    }
    write.remove(*collection, id);
    ++removed;
  }
  return removed;
}

std::size_t sweep_index(Store& store, std::uint32_t collection_id, std::uint32_t index_id,
                        Time now) {
  for (std::size_t total = 0;;) {
    std::vector<RecordId> candidates;
    ExpiredKeys expired;
    {
      const ReadTransaction read = store.read();
      const CollectionPtr collection = read.catalog().find(collection_id);
      const Index* const index = collection ? collection->index_by_id(index_id) : nullptr;
      if (index == nullptr) return total;
      expired = expired_keys(index->spec, now);
      candidates = find_expired(read, *index, expired);
    }
    if (candidates.empty()) return total;
    const std::size_t removed = store.write([&](WriteTransaction& write) {
      return remove_expired(write, collection_id, index_id, expired, candidates);
    });
    total += removed;
    if (candidates.size() < kBatch) return total;
  }
}

}  // namespace

std::size_t sweep_store(Store& store, Time now) {
  std::vector<std::pair<std::uint32_t, std::uint32_t>> ttl_indexes;
  {
    const ReadTransaction read = store.read();
    for (const CollectionPtr& collection : read.catalog().all()) {
      for (const auto& index : collection->indexes) {
        if (index->spec.expire_after_seconds) ttl_indexes.emplace_back(collection->id, index->id);
      }
    }
  }
  std::size_t removed = 0;
  for (const auto& [collection, index] : ttl_indexes) {
    removed += sweep_index(store, collection, index, now);
  }
  while (store.write([](WriteTransaction& write) { return write.purge_dropped(kBatch); }) > 0) {
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
