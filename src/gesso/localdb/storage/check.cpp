#include "gesso/localdb/storage/check.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <set>

#include "gesso/base/error.hpp"
#include "gesso/bson/json.hpp"
#include "gesso/localdb/storage/catalog_store.hpp"
#include "gesso/localdb/storage/counters.hpp"
#include "gesso/localdb/storage/store.hpp"

namespace gesso::localdb {
namespace {

// A broken folder is not described row by row.
constexpr std::size_t kMaxFaults = 100;

class Check {
  const Transaction& read_;
  FolderReport report_;
  KeySet keys_;
  std::set<RecordId> unreadable_;  // of the collection at hand

 public:
  explicit Check(const Transaction& read) : read_(read) {}

  FolderReport run() {
    for (const CollectionPtr& collection : read_.catalog().all()) {
      ++report_.collections;
      if (!collection->damage.empty()) {
        fault(collection->ns() + ": its row of the catalog cannot be read: " + collection->damage);
        continue;
      }
      check_documents(*collection);
      for (const auto& index : collection->indexes) check_entries(*collection, *index);
    }
    check_strays();
    return std::move(report_);
  }

 private:
  void fault(const std::string& what) {
    if (report_.faults.size() < kMaxFaults) report_.faults.push_back(what);
  }

  static std::string describe(const Collection& collection, RecordId id) {
    return collection.ns() + " record " + std::to_string(id);
  }

  // Every document is valid and has its entries in every index.
  void check_documents(const Collection& collection) {
    CollectionCounters found;
    unreadable_.clear();
    RecordCursor records(read_, collection);
    for (bool more = records.first(); more; more = records.next()) {
      ++found.documents;
      const std::size_t size = read_.record_size(collection, records.id());
      std::string why;
      if (!bson::View::validate({records.document().data(), size}, &why)) {
        fault(describe(collection, records.id()) + ": not valid BSON: " + why);
        unreadable_.insert(records.id());
        continue;
      }
      found.data_bytes += size;
      for (const auto& index : collection.indexes) {
        check_document_in(collection, *index, records.id(), records.document());
      }
    }
    report_.documents += found.documents;
    const CollectionCounters counted = read_.counters(collection);
    if (counted.documents != found.documents || counted.data_bytes != found.data_bytes) {
      fault(collection.ns() + ": the counters say " + std::to_string(counted.documents) +
            " documents of " + std::to_string(counted.data_bytes) + " bytes, there are " +
            std::to_string(found.documents) + " of " + std::to_string(found.data_bytes));
    }
  }

  void check_document_in(const Collection& collection, const Index& index, RecordId id,
                         bson::View document) {
    const std::string where = describe(collection, id) + ", index " + index.keys->name;
    try {
      index.keys->keys_of(document, keys_);
    } catch (const std::exception& error) {
      fault(where + ": " + error.what());
      return;
    }
    if (keys_.truncated && !index.has_truncated_keys) fault(where + ": a cut key is not flagged");
    for (std::size_t i = 0; i < keys_.multikey.size(); ++i) {
      if (keys_.multikey[i] && !index.multikey[i]) fault(where + ": an array is not flagged");
    }
    IndexCursor entries(read_, index);
    for (const std::string& key : keys_.keys) {
      bool found = false;
      for (bool more = entries.seek(key); more && entries.key() == key && !found;
           more = entries.next()) {
        found = entries.record() == id;
      }
      if (!found) fault(where + ": an entry is missing");
    }
  }

  // Every entry belongs to a document that has its key.
  void check_entries(const Collection& collection, const Index& index) {
    IndexCounters found;
    IndexCursor entries(read_, index);
    for (bool more = entries.seek(""); more; more = entries.next()) {
      ++found.entries;
      const std::string where =
          "index " + index.keys->name + ", entry of " + describe(collection, entries.record());
      const std::optional<bson::View> document = read_.get(collection, entries.record());
      if (!document) {
        fault(where + ": there is no such document");
        continue;
      }
      if (unreadable_.contains(entries.record())) continue;
      try {
        index.keys->keys_of(*document, keys_);
      } catch (const std::exception&) {
        continue;  // reported with the document
      }
      const std::string key(entries.key());
      if (!std::binary_search(keys_.keys.begin(), keys_.keys.end(), key)) {
        fault(where + ": the document does not have this key");
      }
    }
    report_.index_entries += found.entries;
    const IndexCounters counted = read_.counters(index);
    if (counted.entries != found.entries) {
      fault(collection.ns() + ", index " + index.keys->name + ": the counter says " +
            std::to_string(counted.entries) + " entries, there are " +
            std::to_string(found.entries));
    }
  }

  // Rows that belong to nothing: neither to what the catalog holds nor to what waits for the sweep.
  void check_strays() {
    std::set<std::uint32_t> collections;
    std::set<std::uint32_t> indexes;
    for (const CollectionPtr& collection : read_.catalog().all()) {
      collections.insert(collection->id);
      for (const auto& index : collection->indexes) indexes.insert(index->id);
      indexes.insert(collection->damaged_indexes.begin(), collection->damaged_indexes.end());
    }
    for (const DroppedRow& dropped : read_dropped(read_.environment(), read_.native())) {
      (dropped.is_collection ? collections : indexes).insert(dropped.id);
    }
    for (const auto& [table, owners, name] :
         {std::tuple{kRecordsTable, &collections, "records of a collection"},
          std::tuple{kEntriesTable, &indexes, "entries of an index"}}) {
      for (const std::uint32_t id : ids_in(table)) {
        if (!owners->contains(id)) {
          fault("there are " + std::string(name) + " with the id " + std::to_string(id) +
                " that the catalog does not know");
        }
      }
    }
  }

  // The ids that the table's rows begin with, by one seek for each.
  [[nodiscard]] std::vector<std::uint32_t> ids_in(Table table) const {
    MDB_cursor* raw = nullptr;
    check_lmdb(mdb_cursor_open(read_.native(), read_.environment().table(table), &raw), "check");
    const std::unique_ptr<MDB_cursor, CursorCloser> cursor(raw);
    std::vector<std::uint32_t> ids;
    KeyBuffer start(std::uint32_t{0});
    MDB_val key = start.value();
    MDB_val value{};
    while (mdb_cursor_get(raw, &key, &value, MDB_SET_RANGE) == MDB_SUCCESS) {
      ids.push_back(read_big_endian<std::uint32_t>(key.mv_data));
      start = KeyBuffer(ids.back() + 1);
      key = start.value();
    }
    return ids;
  }
};

}  // namespace

FolderReport check_folder(const std::filesystem::path& data_dir, IndexReader read_index) {
  if (!std::filesystem::exists(data_dir / "data.mdb")) {
    throw Error(ErrorKind::kValidation,
                data_dir.string() + " is not a data folder: it holds no data.mdb");
  }
  Store store({.data_dir = data_dir,
               .read_index = read_index,
               .sweep_period = std::chrono::milliseconds{0}});
  const ReadTransaction read = store.read();
  return Check(read).run();
}

}  // namespace gesso::localdb
