#include "gesso/localdb/storage/catalog_store.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>

#include "gesso/base/error.hpp"
#include "gesso/bson/builder.hpp"
#include "gesso/localdb/storage/transaction.hpp"

namespace gesso::localdb {
namespace {

// Calls `visit(id, value)` for the rows whose key is `kind` and an id.
template <class Visit>
void for_each_row(const Environment& environment, MDB_txn* txn, char kind, Visit visit) {
  MDB_cursor* raw = nullptr;
  check_lmdb(mdb_cursor_open(txn, environment.table(kCatalogTable), &raw), "read the catalog");
  const std::unique_ptr<MDB_cursor, CursorCloser> cursor(raw);
  MDB_val key{.mv_size = 1, .mv_data = &kind};
  MDB_val value{};
  int result = mdb_cursor_get(raw, &key, &value, MDB_SET_RANGE);
  while (result == MDB_SUCCESS && text_of(key).front() == kind) {
    visit(read_big_endian<std::uint32_t>(text_of(key).data() + 1), value);
    result = mdb_cursor_get(raw, &key, &value, MDB_NEXT);
  }
  if (result != MDB_SUCCESS && result != MDB_NOTFOUND) throw_lmdb(result, "read the catalog");
}

std::shared_ptr<const Index> index_from(const Environment& environment, bson::View row) {
  auto index = std::make_shared<Index>();
  index->id = static_cast<std::uint32_t>(row["id"].as_int64());
  index->keys = environment.read_index(row["spec"].as_document());
  for (const bson::Element& flag : row["multikey"].as_document()) {
    index->multikey.push_back(flag.value.as_bool());
  }
  if (index->multikey.size() != index->keys->field_count()) {
    throw Error(ErrorKind::kInternal, "localdb: not one multikey flag a field");
  }
  index->has_truncated_keys = row["truncated"].as_bool();
  if (row["touched"]) {
    index->touched_id = static_cast<std::uint32_t>(row["touched"].as_int64());
    index->build_limit = static_cast<RecordId>(row["limit"].as_int64());
  }
  return index;
}

std::string text_or(bson::Value value, std::string otherwise) {
  return value.is_string() ? std::string(value.as_string()) : std::move(otherwise);
}

// What can be told of a collection whose row is refused.
CollectionPtr damaged_collection(std::uint32_t id, std::string_view bytes, std::string why) {
  auto collection = std::make_shared<Collection>();
  collection->id = id;
  collection->database = "local";
  collection->name = "damaged." + std::to_string(id);
  collection->damage = std::move(why);
  const auto* const data = reinterpret_cast<const std::uint8_t*>(bytes.data());
  if (!bson::View::validate({data, bytes.size()})) return collection;
  const bson::View row(data);
  collection->database = text_or(row["db"], collection->database);
  collection->name = text_or(row["name"], collection->name);
  if (!row["indexes"].is_array()) return collection;
  for (const bson::Element& entry : row["indexes"].as_document()) {
    if (!entry.value.is_document()) continue;
    const std::optional<std::int64_t> index = entry.value.as_document()["id"].integer();
    if (index) collection->damaged_indexes.push_back(static_cast<std::uint32_t>(*index));
    const std::optional<std::int64_t> touched = entry.value.as_document()["touched"].integer();
    if (touched) collection->damaged_indexes.push_back(static_cast<std::uint32_t>(*touched));
  }
  return collection;
}

CollectionPtr read_row(const Environment& environment, std::uint32_t id, std::string_view bytes) {
  const auto* const data = reinterpret_cast<const std::uint8_t*>(bytes.data());
  std::string why;
  try {
    if (bson::View::validate({data, bytes.size()}, &why))
      return from_row(environment, id, bson::View(data));
  } catch (const std::exception& error) {
    why = error.what();
  }
  CollectionPtr damaged = damaged_collection(id, bytes, why);
  spdlog::error("localdb: the collection {} cannot be used: its row of the catalog says: {}",
                damaged->ns(), why);
  return damaged;
}

}  // namespace

CollectionPtr from_row(const Environment& environment, std::uint32_t id, bson::View row) {
  auto collection = std::make_shared<Collection>();
  collection->id = id;
  collection->database = row["db"].as_string();
  collection->name = row["name"].as_string();
  collection->options = bson::Document(row["options"].as_document());
  const bson::Binary uuid = row["uuid"].as_binary();
  std::copy_n(uuid.bytes.begin(), std::min(uuid.bytes.size(), collection->uuid.size()),
              collection->uuid.begin());
  for (const bson::Element& index : row["indexes"].as_document()) {
    std::shared_ptr<const Index> read = index_from(environment, index.value.as_document());
    (read->is_building() ? collection->building : collection->indexes).push_back(std::move(read));
  }
  if (collection->indexes.empty() || !collection->indexes.front()->keys->is_id_index()) {
    throw Error(ErrorKind::kInternal, "localdb: a collection without its _id index");
  }
  return collection;
}

std::uint64_t read_catalog_version(const Environment& environment, MDB_txn* txn) {
  static constexpr std::string_view kKey = "version";
  MDB_val key{.mv_size = kKey.size(), .mv_data = const_cast<char*>(kKey.data())};
  MDB_val value{};
  const int result = mdb_get(txn, environment.table(kCatalogTable), &key, &value);
  if (result == MDB_NOTFOUND) return 0;
  check_lmdb(result, "read the catalog's version");
  return bson::detail::load<std::uint64_t>(static_cast<const std::uint8_t*>(value.mv_data));
}

std::shared_ptr<const Catalog> read_catalog(const Environment& environment, MDB_txn* txn) {
  auto catalog = std::make_shared<Catalog>();
  for_each_row(environment, txn, 'C', [&](std::uint32_t id, const MDB_val& value) {
    catalog->put(read_row(environment, id, text_of(value)));
  });
  return catalog;
}

bson::Document to_row(const Collection& collection) {
  bson::Builder row;
  row.append("db", collection.database)
      .append("name", collection.name)
      .append("options", collection.options)
      .append("uuid", bson::Binary{.subtype = 4, .bytes = collection.uuid});
  row.open_array("indexes");
  for (std::size_t i = 0; i < collection.kept_count(); ++i) {
    const Index& index = collection.kept(i);
    const auto entry = row.document(row.next_key());
    row.append("id", std::int64_t{index.id}).append("spec", index.keys->describe());
    row.open_array("multikey");
    for (const bool flag : index.multikey) row.push(flag);
    row.close();
    row.append("truncated", index.has_truncated_keys);
    if (index.is_building()) {
      row.append("touched", std::int64_t{index.touched_id});
      row.append("limit", static_cast<std::int64_t>(index.build_limit));
    }
  }
  row.close();
  return row.finish();
}

std::vector<DroppedRow> read_dropped(const Environment& environment, MDB_txn* txn) {
  std::vector<DroppedRow> rows;
  for_each_row(environment, txn, 'D', [&](std::uint32_t id, const MDB_val& value) {
    rows.push_back({.id = id, .is_collection = text_of(value) == "C"});
  });
  return rows;
}

}  // namespace gesso::localdb
