#include "gesso/localdb/storage/transaction.hpp"

#include "gesso/localdb/storage/counters.hpp"
#include "gesso/localdb/storage/environment.hpp"
#include "gesso/localdb/storage/storage_error.hpp"

namespace gesso::localdb {
namespace {

std::unique_ptr<MDB_cursor, CursorCloser> open_cursor(const Transaction& transaction, Table table) {
  MDB_cursor* cursor = nullptr;
  check_lmdb(mdb_cursor_open(transaction.native(), transaction.environment().table(table), &cursor),
             "open a cursor");
  return std::unique_ptr<MDB_cursor, CursorCloser>(cursor);
}

// Without data where there is none.
MDB_val read_record(const Environment& environment, MDB_txn* txn, std::uint32_t collection,
                    RecordId id) {
  KeyBuffer buffer(collection, id);
  MDB_val key = buffer.value();
  MDB_val value{};
  const int result = mdb_get(txn, environment.table(kRecordsTable), &key, &value);
  if (result == MDB_NOTFOUND) return {};
  check_lmdb(result, "read a record");
  return value;
}

}  // namespace

void CursorCloser::operator()(MDB_cursor* cursor) const noexcept { mdb_cursor_close(cursor); }

CollectionPtr Transaction::find_collection(std::string_view database, std::string_view name) const {
  CollectionPtr found = catalog_->find(database, name);
  if (found && !found->damage.empty()) {
    throw StorageError(
        StorageFault::kDamagedCollection,
        "the collection " + found->ns() +
            " can only be dropped: its row of the catalog cannot be read: " + found->damage);
  }
  return found;
}

std::uint64_t Transaction::number() const { return mdb_txn_id(txn_); }

std::optional<bson::View> Transaction::get(const Collection& collection, RecordId id) const {
  const MDB_val value = read_record(*environment_, txn_, collection.id, id);
  if (value.mv_data == nullptr) return std::nullopt;
  return bson::View(static_cast<const std::uint8_t*>(value.mv_data));
}

std::size_t Transaction::record_size(const Collection& collection, RecordId id) const {
  return read_record(*environment_, txn_, collection.id, id).mv_size;
}

std::optional<RecordId> Transaction::find_unique(const Index& index, std::string_view key) const {
  KeyBuffer buffer(index.id, key);
  MDB_val native_key = buffer.value();
  MDB_val value{};
  const int result = mdb_get(txn_, environment_->table(kEntriesTable), &native_key, &value);
  if (result == MDB_NOTFOUND) return std::nullopt;
  check_lmdb(result, "read an index");
  return read_big_endian<RecordId>(value.mv_data);
}

std::optional<Record> Transaction::find_by_id(const Collection& collection, bson::Value id) const {
  const std::string key = collection.id_index().keys->key_of_value(id);
  const std::optional<RecordId> record = find_unique(collection.id_index(), key);
  if (!record) return std::nullopt;
  const std::optional<bson::View> document = get(collection, *record);
  if (!document) return std::nullopt;
  return Record{.id = *record, .document = *document};
}

CollectionCounters Transaction::counters(const Collection& collection) const {
  return as_collection(read_counters(*environment_, txn_, collection.id));
}

IndexCounters Transaction::counters(const Index& index) const {
  return as_index(read_counters(*environment_, txn_, index.id));
}

RecordCursor::RecordCursor(const Transaction& transaction, const Collection& collection)
    : cursor_(open_cursor(transaction, kRecordsTable)), collection_(collection.id) {}

bool RecordCursor::accept(int result, const void* key, const void* value) {
  if (result == MDB_NOTFOUND) return false;
  check_lmdb(result, "scan a collection");
  if (read_big_endian<std::uint32_t>(key) != collection_) return false;
  id_ = read_big_endian<RecordId>(static_cast<const char*>(key) + sizeof(std::uint32_t));
  document_ = bson::View(static_cast<const std::uint8_t*>(value));
  return true;
}

bool RecordCursor::move(int operation) {
  MDB_val key{};
  MDB_val value{};
  const int result =
      mdb_cursor_get(cursor_.get(), &key, &value, static_cast<MDB_cursor_op>(operation));
  return accept(result, key.mv_data, value.mv_data);
}

bool RecordCursor::seek(RecordId at_or_after) {
  KeyBuffer buffer(collection_, at_or_after);
  MDB_val key = buffer.value();
  MDB_val value{};
  const int result = mdb_cursor_get(cursor_.get(), &key, &value, MDB_SET_RANGE);
  return accept(result, key.mv_data, value.mv_data);
}

bool RecordCursor::seek_before(RecordId id) {
  KeyBuffer buffer(collection_, id);
  MDB_val key = buffer.value();
  MDB_val value{};
  const int result = mdb_cursor_get(cursor_.get(), &key, &value, MDB_SET_RANGE);
  if (result != MDB_NOTFOUND) check_lmdb(result, "scan a collection");
  return move(result == MDB_NOTFOUND ? MDB_LAST : MDB_PREV);
}

// Record ids start at 1 and never come near the end.
bool RecordCursor::last() { return seek_before(~RecordId{0}); }
bool RecordCursor::next() { return move(MDB_NEXT); }
bool RecordCursor::previous() { return move(MDB_PREV); }

IndexCursor::IndexCursor(const Transaction& transaction, const Index& index)
    : cursor_(open_cursor(transaction, kEntriesTable)),
      index_(index.id),
      unique_(index.keys->unique) {}

bool IndexCursor::accept(int result, std::string_view key, const void* value) {
  if (result == MDB_NOTFOUND) return false;
  check_lmdb(result, "scan an index");
  if (read_big_endian<std::uint32_t>(key.data()) != index_) return false;
  key.remove_prefix(sizeof(std::uint32_t));
  if (unique_) {
    key_ = key;
    id_ = read_big_endian<RecordId>(value);
  } else {
    key_ = key.substr(0, key.size() - sizeof(RecordId));
    id_ = read_big_endian<RecordId>(key.data() + key_.size());
  }
  return true;
}

bool IndexCursor::move(int operation) {
  MDB_val key{};
  MDB_val value{};
  const int result =
      mdb_cursor_get(cursor_.get(), &key, &value, static_cast<MDB_cursor_op>(operation));
  return accept(result, text_of(key), value.mv_data);
}

bool IndexCursor::move_to(std::string_view target) {
  MDB_val key{.mv_size = target.size(), .mv_data = const_cast<char*>(target.data())};
  MDB_val value{};
  const int result = mdb_cursor_get(cursor_.get(), &key, &value, MDB_SET_RANGE);
  return accept(result, text_of(key), value.mv_data);
}

bool IndexCursor::move_before(std::string_view target) {
  MDB_val key{.mv_size = target.size(), .mv_data = const_cast<char*>(target.data())};
  MDB_val value{};
  const int result = mdb_cursor_get(cursor_.get(), &key, &value, MDB_SET_RANGE);
  if (result != MDB_NOTFOUND) check_lmdb(result, "scan an index");
  return move(result == MDB_NOTFOUND ? MDB_LAST : MDB_PREV);
}

bool IndexCursor::seek(std::string_view key) { return move_to(KeyBuffer(index_, key).view()); }

bool IndexCursor::seek_before(std::string_view key) {
  return move_before(key.empty() ? KeyBuffer(index_ + 1).view() : KeyBuffer(index_, key).view());
}

bool IndexCursor::seek_after(std::string_view key, RecordId id) {
  KeyBuffer target(index_, key);
  if (!unique_) target.add(id);
  if (!move_to(target.view())) return false;
  return key_ == key && (unique_ || id_ == id) ? next() : true;
}

bool IndexCursor::seek_before(std::string_view key, RecordId id) {
  KeyBuffer target(index_, key);
  if (!unique_) target.add(id);
  return move_before(target.view());
}

bool IndexCursor::next() { return move(MDB_NEXT); }
bool IndexCursor::previous() { return move(MDB_PREV); }

}  // namespace gesso::localdb
