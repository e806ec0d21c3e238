// The changes of the catalog: WriteTransaction's collections and indexes.
#include <algorithm>

#include "gesso/base/random.hpp"
#include "gesso/base/uuid.hpp"
#include "gesso/bson/builder.hpp"
#include "gesso/localdb/storage/catalog_store.hpp"
#include "gesso/localdb/storage/names.hpp"
#include "gesso/localdb/storage/storage_error.hpp"
#include "gesso/localdb/storage/write_state.hpp"
#include "gesso/localdb/storage/write_transaction.hpp"

namespace gesso::localdb {
namespace {

constexpr std::size_t kMaxIndexes = 64;
// Rows that a drop takes off at once; more of them are left to the sweep.
constexpr std::size_t kPurgeAtOnce = 1000;

KeyBuffer row_key(char kind, std::uint32_t id) {
  KeyBuffer key;
  key.add(std::string_view(&kind, 1));
  key.add(id);
  return key;
}

KeyBuffer row_key(std::string_view name) {
  KeyBuffer key;
  key.add(name);
  return key;
}

template <class T>
std::string_view bytes_of(const T& number) {
  return {reinterpret_cast<const char*>(&number), sizeof number};
}

void check_names(std::string_view database, std::string_view name) {
  if (is_database_name(database) && is_collection_name(database, name)) return;
  throw StorageError(
      StorageFault::kInvalidName,
      "Invalid namespace specified '" + std::string(database) + "." + std::string(name) + "'");
}

[[noreturn]] void throw_exists(const Collection& collection) {
  throw StorageError(StorageFault::kCollectionExists,
                     "Collection already exists. NS: " + collection.ns());
}

// The position of an index among the collection's, which must be there.
std::size_t find_index(const Collection& collection, std::string_view name) {
  for (std::size_t i = 0; i < collection.indexes.size(); ++i) {
    if (collection.indexes[i]->keys->name == name) return i;
  }
  throw StorageError(StorageFault::kNoIndex,
                     "index not found with name [" + std::string(name) + "]");
}

}  // namespace

Catalog& WriteTransaction::change_catalog() {
  if (!own_catalog_) {
    own_catalog_ = std::make_shared<Catalog>(*catalog_);
    catalog_ = own_catalog_;
    const std::uint64_t version = read_catalog_version(*environment_, txn_) + 1;
    KeyBuffer key = row_key("version");
    put(kCatalogTable, key, bytes_of(version));
  }
  return *own_catalog_;
}

void WriteTransaction::save(CollectionPtr collection) {
  const bson::Document row = to_row(*collection);
  // What is written is what will be read: a row that the reader refuses is refused here.
  static_cast<void>(from_row(*environment_, collection->id, row));
  Catalog& catalog = change_catalog();
  KeyBuffer key = row_key('C', collection->id);
  put(kCatalogTable, key, {reinterpret_cast<const char*>(row.data()), row.size()});
  catalog.put(std::move(collection));
}

std::uint32_t WriteTransaction::next_id() {
  KeyBuffer key = row_key("next_id");
  MDB_val native_key = key.value();
  MDB_val value{};
  std::uint32_t id = 1;
  const int result = mdb_get(txn_, environment_->table(kCatalogTable), &native_key, &value);
  if (result == MDB_SUCCESS) {
    id = bson::detail::load<std::uint32_t>(static_cast<const std::uint8_t*>(value.mv_data));
  } else if (result != MDB_NOTFOUND) {
    check(result, "read the next id");
  }
  const std::uint32_t next = id + 1;
  put(kCatalogTable, key, bytes_of(next));
  return id;
}

CollectionPtr WriteTransaction::create_collection(std::string_view database, std::string_view name,
                                                  bson::View options) {
  check_names(database, name);
  if (const CollectionPtr found = catalog_->find(database, name)) throw_exists(*found);
  auto id_index = std::make_shared<Index>();
  id_index->id = next_id();
  id_index->keys = environment_->read_index(
      bson::make_document("key", bson::make_document("_id", 1), "name", "_id_"));
  id_index->multikey.resize(1);
  auto collection = std::make_shared<Collection>();
  collection->id = next_id();
  collection->database = database;
  collection->name = name;
  collection->options = bson::Document(options);
  SystemRandom random;
  collection->uuid = random_uuid(random);
  collection->indexes.push_back(std::move(id_index));
  save(collection);
  return collection;
}

CollectionPtr WriteTransaction::ensure_collection(std::string_view database,
                                                  std::string_view name) {
  CollectionPtr found = find_collection(database, name);
  return found ? found : create_collection(database, name);
}

bool WriteTransaction::drop_collection(std::string_view database, std::string_view name) {
  const CollectionPtr collection = catalog_->find(database, name);
  if (!collection) return false;
  for (const auto& index : collection->indexes) {
    purge_or_defer(index->id, false, counters(*index).entries);
  }
  for (const auto& index : collection->building) {
    purge_or_defer(index->id, false, UINT64_MAX);
    purge_or_defer(index->touched_id, false, UINT64_MAX);
  }
  // Of unreadable indexes and their number of entries nothing is known but the ids.
  for (const std::uint32_t id : collection->damaged_indexes) purge_or_defer(id, false, UINT64_MAX);
  purge_or_defer(collection->id, true, counters(*collection).documents);
  change_catalog().remove(*collection);
  KeyBuffer key = row_key('C', collection->id);
  erase(kCatalogTable, key);
  return true;
}

std::size_t WriteTransaction::drop_database(std::string_view database) {
  const std::vector<CollectionPtr> collections = catalog_->collections(database);
  for (const CollectionPtr& collection : collections) {
    drop_collection(collection->database, collection->name);
  }
  return collections.size();
}

void WriteTransaction::change_options(const Collection& stale, bson::View options) {
  auto changed = std::make_shared<Collection>(current(stale));
  changed->options = bson::Document(options);
  save(std::move(changed));
}

void WriteTransaction::rename_collection(const Collection& stale, std::string_view database,
                                         std::string_view name) {
  check_names(database, name);
  if (const CollectionPtr found = catalog_->find(database, name)) throw_exists(*found);
  auto renamed = std::make_shared<Collection>(current(stale));
  renamed->database = database;
  renamed->name = name;
  save(std::move(renamed));
}

namespace {

// A new index of that description, or null where it exists or is being built.
std::shared_ptr<Index> new_index(const Collection& collection, IndexKeysPtr keys) {
  for (std::size_t i = 0; i < collection.kept_count(); ++i) {
    if (collection.kept(i).keys->is_same_as(*keys)) return nullptr;
  }
  if (collection.kept_count() >= kMaxIndexes) {
    throw StorageError(StorageFault::kTooManyIndexes, "add index fails, too many indexes for " +
                                                          collection.ns() + " key:" + keys->name);
  }
  auto index = std::make_shared<Index>();
  index->multikey.resize(keys->field_count());
  index->keys = std::move(keys);
  return index;
}

// The index that is being built, taken out of `collection`.
std::shared_ptr<const Index> take_building(Collection& collection, std::uint32_t index_id) {
  const auto found = std::ranges::find_if(collection.building,
                                          [&](const auto& index) { return index->id == index_id; });
  if (found == collection.building.end()) {
    throw StorageError(StorageFault::kBuildAborted, "the index is not being built");
  }
  std::shared_ptr<const Index> index = std::move(*found);
  collection.building.erase(found);
  return index;
}

}  // namespace

bool WriteTransaction::create_index(const Collection& stale, IndexKeysPtr keys) {
  const Collection& collection = current(stale);
  std::shared_ptr<Index> index = new_index(collection, std::move(keys));
  if (!index) return false;
  build_index(collection, *index);
  auto changed = std::make_shared<Collection>(collection);
  changed->indexes.push_back(std::move(index));
  save(std::move(changed));
  return true;
}

std::optional<std::uint32_t> WriteTransaction::begin_index(const Collection& stale,
                                                           IndexKeysPtr keys) {
  const Collection& collection = current(stale);
  std::shared_ptr<Index> index = new_index(collection, std::move(keys));
  if (!index) return std::nullopt;
  const std::uint32_t id = next_id();
  index->id = id;
  index->touched_id = next_id();
  index->build_limit = touch(collection.id).next_record;
  auto changed = std::make_shared<Collection>(collection);
  changed->building.push_back(std::move(index));
  save(std::move(changed));
  return id;
}

void WriteTransaction::finish_index(const Collection& stale, std::uint32_t index_id,
                                    const std::vector<bool>& multikey, bool truncated) {
  auto changed = std::make_shared<Collection>(current(stale));
  auto index = std::make_shared<Index>(*take_building(*changed, index_id));
  purge_or_defer(index->touched_id, false, UINT64_MAX);
  index->touched_id = 0;
  index->build_limit = 0;
  index->has_truncated_keys |= truncated;
  for (std::size_t i = 0; i < multikey.size(); ++i) {
    if (multikey[i]) index->multikey[i] = true;
  }
  changed->indexes.push_back(std::move(index));
  save(std::move(changed));
}

void WriteTransaction::abandon_index(const Collection& stale, std::uint32_t index_id) {
  auto changed = std::make_shared<Collection>(current(stale));
  const std::shared_ptr<const Index> index = take_building(*changed, index_id);
  purge_or_defer(index->id, false, UINT64_MAX);
  purge_or_defer(index->touched_id, false, UINT64_MAX);
  save(std::move(changed));
}

void WriteTransaction::drop_index(const Collection& stale, std::string_view name) {
  const Collection& collection = current(stale);
  const std::size_t at = find_index(collection, name);
  const Index& index = *collection.indexes[at];
  if (index.keys->is_id_index()) {
    throw StorageError(StorageFault::kIdIndex, "cannot drop _id index");
  }
  auto changed = std::make_shared<Collection>(collection);
  changed->indexes.erase(changed->indexes.begin() + static_cast<std::ptrdiff_t>(at));
  purge_or_defer(index.id, false, counters(index).entries);
  save(std::move(changed));
}

void WriteTransaction::change_index(const Collection& stale, std::string_view name,
                                    IndexKeysPtr keys) {
  const Collection& collection = current(stale);
  const std::size_t at = find_index(collection, name);
  auto index = std::make_shared<Index>(*collection.indexes[at]);
  index->keys = std::move(keys);
  auto changed = std::make_shared<Collection>(collection);
  changed->indexes[at] = std::move(index);
  save(std::move(changed));
}

void WriteTransaction::purge_or_defer(std::uint32_t id, bool is_collection, std::uint64_t rows) {
  live_->counters.erase(id);
  if (rows <= kPurgeAtOnce) {
    purge(id, is_collection, kPurgeAtOnce);
  } else {
    KeyBuffer mark = row_key('D', id);
    put(kCatalogTable, mark, is_collection ? "C" : "I");
  }
  KeyBuffer key(id);
  erase(kCountersTable, key);
}

std::size_t WriteTransaction::purge(std::uint32_t id, bool is_collection, std::size_t limit) {
  const MDB_dbi table = environment_->table(is_collection ? kRecordsTable : kEntriesTable);
  MDB_cursor* raw = nullptr;
  check(mdb_cursor_open(txn_, table, &raw), "purge");
  const std::unique_ptr<MDB_cursor, CursorCloser> cursor(raw);
  std::size_t purged = 0;
  for (; purged < limit; ++purged) {
    KeyBuffer start(id);
    MDB_val key = start.value();
    MDB_val value{};
    const int result = mdb_cursor_get(raw, &key, &value, MDB_SET_RANGE);
    if (result == MDB_NOTFOUND) break;
    check(result, "purge");
    if (read_big_endian<std::uint32_t>(key.mv_data) != id) break;
    ++changes_;
    check(mdb_cursor_del(raw, 0), "purge");
  }
  return purged;
}

std::size_t WriteTransaction::purge_dropped(std::size_t limit) {
  std::size_t purged = 0;
  for (const DroppedRow& dropped : read_dropped(*environment_, txn_)) {
    if (purged == limit) break;
    const std::size_t here = purge(dropped.id, dropped.is_collection, limit - purged);
    purged += here;
    if (purged < limit) {
      KeyBuffer mark = row_key('D', dropped.id);
      erase(kCatalogTable, mark);
    }
  }
  return purged;
}

}  // namespace gesso::localdb
