#include "gesso/localdb/storage/write_transaction.hpp"

#include <algorithm>
#include <iterator>

#include "gesso/base/error.hpp"
#include "gesso/bson/builder.hpp"
#include "gesso/bson/shell_text.hpp"
#include "gesso/localdb/storage/counters.hpp"
#include "gesso/localdb/storage/environment.hpp"
#include "gesso/localdb/storage/storage_error.hpp"
#include "gesso/localdb/storage/write_state.hpp"

namespace gesso::localdb {
namespace {

// What a record of so many bytes takes on LMDB's pages: node and key on a leaf, and pages of its
// own when it is larger than half a page.
std::uint64_t record_storage(std::size_t bytes) {
  constexpr std::uint64_t kNode = 2 + 8 + 12;
  constexpr std::uint64_t kPage = 4096;
  constexpr std::uint64_t kPageHeader = 16;
  constexpr std::uint64_t kLargestOnLeaf = (kPage - kPageHeader) / 2 - kNode;
  if (bytes <= kLargestOnLeaf) return kNode + bytes;
  return kNode + 8 + (kPageHeader + bytes + kPage - 1) / kPage * kPage;
}

std::size_t entry_bytes(std::string_view key) {
  return sizeof(std::uint32_t) + key.size() + sizeof(RecordId);
}

[[noreturn]] void throw_duplicate(const Collection& collection, const Index& index,
                                  bson::View document, std::string_view key) {
  const bson::Document values = index.keys->values_of(document, key);
  throw StorageError(StorageFault::kDuplicateKey,
                     "E11000 duplicate key error collection: " + collection.ns() + " index: " +
                         index.keys->name + " dup key: " + bson::shell_text(values.view()),
                     bson::make_document("keyPattern", index.keys->key, "keyValue", values));
}

// The names of the fields, at the top, in which two documents differ; std::nullopt where their
// fields are not in the same order, but for some that only `after` has, at its end.
std::optional<std::vector<std::string_view>> changed_fields(bson::View before, bson::View after) {
  std::vector<std::string_view> changed;
  auto was = before.begin();
  for (const bson::Element& is : after) {
    if (was == before.end()) {
      changed.push_back(is.key);
      continue;
    }
    if (was->key != is.key) return std::nullopt;
    const auto old_bytes = was->value.raw();
    const auto new_bytes = is.value.raw();
    if (was->value.type() != is.value.type() || !std::ranges::equal(old_bytes, new_bytes)) {
      changed.push_back(is.key);
    }
    ++was;
  }
  if (was != before.end()) return std::nullopt;
  return changed;
}

}  // namespace

class WriteTransaction::Change {
  bool& changing_;

 public:
  explicit Change(WriteTransaction& transaction) : changing_(transaction.changing_) {
    changing_ = true;
  }
  Change(const Change&) = delete;
  Change& operator=(const Change&) = delete;
  ~Change() = default;

  void complete() { changing_ = false; }
};

WriteTransaction::WriteTransaction(const Environment& environment, MDB_txn* txn,
                                   std::shared_ptr<const Catalog> catalog, bool has_room,
                                   const std::atomic<std::size_t>& waiting, CommitNews news)
    : live_(std::make_unique<Live>()),
      news_(std::move(news)),
      waiting_(&waiting),
      has_room_(has_room) {
  environment_ = &environment;
  txn_ = txn;
  catalog_ = std::move(catalog);
}

WriteTransaction::WriteTransaction(const WriteTransaction& group, MDB_txn* txn)
    : live_(std::make_unique<Live>(*group.live_)),
      news_(group.news_.within()),
      waiting_(group.waiting_),
      has_room_(group.has_room_) {
  environment_ = group.environment_;
  txn_ = txn;
  catalog_ = group.catalog_;
}

WriteTransaction::~WriteTransaction() = default;

void WriteTransaction::take_over(WriteTransaction&& child) {
  *live_ = std::move(*child.live_);
  catalog_ = std::move(child.catalog_);
  if (child.own_catalog_) own_catalog_ = std::move(child.own_catalog_);
  news_.take_over(std::move(child.news_));
  changes_ += child.changes_;
  written_bytes_ += child.written_bytes_;
}

void WriteTransaction::throw_if_broken() const {
  if (failure_ != 0) throw_lmdb(failure_, "write");
  if (changing_) throw Error(ErrorKind::kInternal, "localdb: a change was cut short");
}

void WriteTransaction::require_room() const {
  if (!has_room_) {
    throw StorageError(StorageFault::kNoRoom,
                       "the data folder has reached the size of its map, " +
                           std::to_string(environment_->map_bytes()) +
                           " bytes: delete documents, or give it more address space");
  }
}

void WriteTransaction::check(int result, std::string_view doing) {
  if (result == MDB_SUCCESS) return;
  failure_ = result;
  throw_lmdb(result, doing);
}

Counters& WriteTransaction::touch(std::uint32_t id) {
  const auto [at, is_new] = live_->counters.try_emplace(id);
  if (is_new) at->second = read_counters(*environment_, txn_, id);
  return at->second;
}

CollectionCounters WriteTransaction::counters(const Collection& collection) const {
  const auto found = live_->counters.find(collection.id);
  return found == live_->counters.end() ? Transaction::counters(collection)
                                        : as_collection(found->second);
}

IndexCounters WriteTransaction::counters(const Index& index) const {
  const auto found = live_->counters.find(index.id);
  return found == live_->counters.end() ? Transaction::counters(index) : as_index(found->second);
}

const Collection& WriteTransaction::current(const Collection& collection) const {
  const CollectionPtr found = catalog_->find(collection.id);
  if (!found) {
    throw StorageError(StorageFault::kNoCollection, "ns not found: " + collection.ns());
  }
  return *found;  // the catalog holds it until it is changed again
}

void WriteTransaction::put(unsigned table, KeyBuffer& key, std::string_view value) {
  MDB_val native_key = key.value();
  MDB_val native_value{.mv_size = value.size(), .mv_data = const_cast<char*>(value.data())};
  ++changes_;
  written_bytes_ += native_key.mv_size + native_value.mv_size;
  check(mdb_put(txn_, environment_->table(table), &native_key, &native_value, 0), "write");
}

// False where the key is there already.
bool WriteTransaction::put_new(unsigned table, KeyBuffer& key, std::string_view value) {
  MDB_val native_key = key.value();
  MDB_val native_value{.mv_size = value.size(), .mv_data = const_cast<char*>(value.data())};
  const int result =
      mdb_put(txn_, environment_->table(table), &native_key, &native_value, MDB_NOOVERWRITE);
  if (result == MDB_KEYEXIST) return false;
  ++changes_;
  written_bytes_ += native_key.mv_size + value.size();
  check(result, "write");
  return true;
}

bool WriteTransaction::erase(unsigned table, KeyBuffer& key) {
  MDB_val native_key = key.value();
  ++changes_;
  written_bytes_ += native_key.mv_size;
  const int result = mdb_del(txn_, environment_->table(table), &native_key, nullptr);
  if (result == MDB_NOTFOUND) return false;
  check(result, "delete");
  return true;
}

void WriteTransaction::put_record(const Collection& collection, RecordId id, bson::View document) {
  KeyBuffer key(collection.id, id);
  put(kRecordsTable, key, {reinterpret_cast<const char*>(document.data()), document.size()});
}

void WriteTransaction::put_entry(const Index& index, std::string_view key, RecordId id) {
  KeyBuffer native_key(index.id, key);
  const std::uint64_t big = __builtin_bswap64(id);
  std::string_view value;
  if (index.keys->unique) {
    value = {reinterpret_cast<const char*>(&big), sizeof big};
  } else {
    native_key.add(id);
  }
  if (index.is_building()) {
    if (!put_new(kEntriesTable, native_key, value)) return;
  } else {
    put(kEntriesTable, native_key, value);
  }
  Counters& counters = touch(index.id);
  counters.rows += 1;
  counters.bytes += entry_bytes(key);
}

void WriteTransaction::erase_entry(const Index& index, std::string_view key, RecordId id) {
  KeyBuffer native_key(index.id, key);
  if (!index.keys->unique) {
    native_key.add(id);
  } else if (index.is_building() && find_unique(index, key) != id) {
    return;  // the build had not come to this record yet
  }
  if (!erase(kEntriesTable, native_key)) return;
  Counters& counters = touch(index.id);
  counters.rows -= 1;
  counters.bytes -= entry_bytes(key);
}

// From now on the record's entries are what writes make them, and not the build's business.
void WriteTransaction::touch_record(const Index& index, RecordId id) {
  KeyBuffer mark(index.touched_id);
  mark.add(id);
  put(kEntriesTable, mark, {});
}

// Of a record whose keys change from `removed` to `added`, both sorted.
void WriteTransaction::replace_entries(const Index& index, const std::vector<std::string>& removed,
                                       const std::vector<std::string>& added, RecordId id) {
  if (index.is_building()) {
    for (const std::string& key : removed) erase_entry(index, key, id);
    for (const std::string& key : added) put_entry(index, key, id);
    touch_record(index, id);
    return;
  }
  std::vector<std::string> difference;
  std::set_difference(removed.begin(), removed.end(), added.begin(), added.end(),
                      std::back_inserter(difference));
  for (const std::string& key : difference) erase_entry(index, key, id);
  difference.clear();
  std::set_difference(added.begin(), added.end(), removed.begin(), removed.end(),
                      std::back_inserter(difference));
  for (const std::string& key : difference) put_entry(index, key, id);
}

void WriteTransaction::generate_all(const Collection& collection, bson::View document,
                                    std::vector<KeySet>& keys) const {
  keys.resize(collection.kept_count());
  for (std::size_t i = 0; i < keys.size(); ++i) {
    collection.kept(i).keys->keys_of(document, keys[i]);
  }
}

void WriteTransaction::generate_changed(const Collection& collection, bson::View before,
                                        bson::View after) {
  const std::optional<std::vector<std::string_view>> changed = changed_fields(before, after);
  keys_.resize(collection.kept_count());
  old_keys_.resize(collection.kept_count());
  for (std::size_t i = 0; i < keys_.size(); ++i) {
    const IndexKeys& index = *collection.kept(i).keys;
    const auto matters = [&](std::string_view field) { return index.depends_on(field); };
    if (changed && std::ranges::none_of(*changed, matters)) {
      old_keys_[i].clear();
      keys_[i].clear();
    } else {
      index.keys_of(before, old_keys_[i]);
      index.keys_of(after, keys_[i]);
    }
  }
}

void WriteTransaction::check_unique(const Collection& collection, const Index& index,
                                    const KeySet& keys, RecordId self, bson::View document) const {
  if (!index.keys->unique) return;
  for (const std::string& key : keys.keys) {
    const std::optional<RecordId> holder = find_unique(index, key);
    if (holder && *holder != self) throw_duplicate(collection, index, document, key);
  }
}

void WriteTransaction::widen_flags(const Collection& collection, const std::vector<KeySet>& keys) {
  std::shared_ptr<Collection> changed;
  for (std::size_t i = 0; i < keys.size(); ++i) {
    const Index& index = collection.kept(i);
    bool is_news = keys[i].truncated && !index.has_truncated_keys;
    for (std::size_t f = 0; f < keys[i].multikey.size(); ++f) {
      is_news |= keys[i].multikey[f] && !index.multikey[f];
    }
    if (!is_news) continue;
    auto flagged = std::make_shared<Index>(index);
    flagged->has_truncated_keys |= keys[i].truncated;
    for (std::size_t f = 0; f < keys[i].multikey.size(); ++f) {
      if (keys[i].multikey[f]) flagged->multikey[f] = true;
    }
    if (!changed) changed = std::make_shared<Collection>(collection);
    const std::size_t finished = changed->indexes.size();
    (i < finished ? changed->indexes[i] : changed->building[i - finished]) = std::move(flagged);
  }
  if (changed) save(std::move(changed));
}

RecordId WriteTransaction::insert(const Collection& stale, bson::View document) {
  const Collection& collection = current(stale);
  require_room();
  generate_all(collection, document, keys_);
  for (std::size_t i = 0; i < keys_.size(); ++i) {
    check_unique(collection, collection.kept(i), keys_[i], 0, document);
  }
  Change change(*this);
  Counters& counters = touch(collection.id);
  const RecordId id = counters.next_record++;
  put_record(collection, id, document);
  counters.rows += 1;
  counters.bytes += document.size();
  counters.storage_bytes += record_storage(document.size());
  for (std::size_t i = 0; i < keys_.size(); ++i) {
    for (const std::string& key : keys_[i].keys) put_entry(collection.kept(i), key, id);
  }
  news_.note(collection, document);
  widen_flags(collection, keys_);
  change.complete();
  return id;
}

void WriteTransaction::replace(const Collection& stale, RecordId id, bson::View document) {
  const Collection& collection = current(stale);
  const std::optional<bson::View> before = get(collection, id);
  if (!before) {
    throw StorageError(StorageFault::kRecordGone, "the document to replace is no longer there");
  }
  const std::size_t size_before = before->size();
  if (document.size() > size_before) require_room();
  if (size_before == document.size() &&
      std::memcmp(before->data(), document.data(), size_before) == 0) {
    return;
  }
  // The old document is a view that the first write makes invalid: all keys come before.
  generate_changed(collection, *before, document);
  for (std::size_t i = 0; i < keys_.size(); ++i) {
    if (keys_[i].keys == old_keys_[i].keys) continue;
    check_unique(collection, collection.kept(i), keys_[i], id, document);
  }
  Change change(*this);
  for (std::size_t i = 0; i < keys_.size(); ++i) {
    if (keys_[i].keys == old_keys_[i].keys) continue;
    replace_entries(collection.kept(i), old_keys_[i].keys, keys_[i].keys, id);
  }
  put_record(collection, id, document);
  Counters& counters = touch(collection.id);
  counters.bytes += document.size() - size_before;  // wraps round when it shrank, and is right
  counters.storage_bytes += record_storage(document.size()) - record_storage(size_before);
  news_.note(collection, document);
  widen_flags(collection, keys_);
  change.complete();
}

bool WriteTransaction::remove(const Collection& stale, RecordId id) {
  const Collection& collection = current(stale);
  const std::optional<bson::View> document = get(collection, id);
  if (!document) return false;
  const std::size_t size = document->size();
  generate_all(collection, *document, old_keys_);
  Change change(*this);
  news_.note(collection, *document);  // a view that the first write makes invalid
  for (std::size_t i = 0; i < old_keys_.size(); ++i) {
    const Index& index = collection.kept(i);
    for (const std::string& key : old_keys_[i].keys) erase_entry(index, key, id);
    if (index.is_building()) touch_record(index, id);
  }
  KeyBuffer key(collection.id, id);
  erase(kRecordsTable, key);
  Counters& counters = touch(collection.id);
  counters.rows -= 1;
  counters.bytes -= size;
  counters.storage_bytes -= record_storage(size);
  change.complete();
  return true;
}

void WriteTransaction::build_index(const Collection& collection, Index& index) {
  // All keys before the first write: duplicates are found with nothing to take back, and entries
  // that come in order fill LMDB's pages one after another.
  std::vector<std::pair<std::string, RecordId>> entries;
  KeySet keys;
  RecordCursor records(*this, collection);
  for (bool more = records.first(); more; more = records.next()) {
    index.keys->keys_of(records.document(), keys);
    index.has_truncated_keys |= keys.truncated;
    for (std::size_t i = 0; i < keys.multikey.size(); ++i) {
      if (keys.multikey[i]) index.multikey[i] = true;
    }
    for (std::string& key : keys.keys) entries.emplace_back(std::move(key), records.id());
  }
  std::sort(entries.begin(), entries.end());
  if (index.keys->unique) {
    const auto same_key = [](const auto& left, const auto& right) {
      return left.first == right.first;
    };
    const auto twice = std::adjacent_find(entries.begin(), entries.end(), same_key);
    if (twice != entries.end()) {
      throw_duplicate(collection, index, get(collection, twice->second).value_or(bson::View()),
                      twice->first);
    }
  }
  index.id = next_id();  // from here on nothing is refused
  for (const auto& [key, id] : entries) put_entry(index, key, id);
}

void WriteTransaction::put_built(const Collection& collection, const Index& index,
                                 std::string_view key, RecordId record) {
  KeyBuffer mark(index.touched_id, record);
  MDB_val native_mark = mark.value();
  MDB_val nothing{};
  const int result = mdb_get(txn_, environment_->table(kEntriesTable), &native_mark, &nothing);
  if (result == MDB_SUCCESS) return;
  if (result != MDB_NOTFOUND) check(result, "read an index's build");
  if (index.keys->unique) {
    const std::optional<RecordId> holder = find_unique(index, key);
    if (holder && *holder != record) {
      throw_duplicate(collection, index, get(collection, record).value_or(bson::View()), key);
    }
  }
  Change change(*this);
  put_entry(index, key, record);
  change.complete();
}

bool WriteTransaction::flush() {
  for (auto& [id, counters] : live_->counters) {
    KeyBuffer key(id);
    put(kCountersTable, key, {reinterpret_cast<const char*>(&counters), sizeof counters});
  }
  live_->counters.clear();
  return own_catalog_ != nullptr;
}

}  // namespace gesso::localdb
