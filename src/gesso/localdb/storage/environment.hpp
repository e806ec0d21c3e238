// The LMDB environment of a data folder: its four tables, its lock, and LMDB's errors as ours.
//
// Private to storage/: the only header that includes LMDB's. Owned by Store.
#pragma once

#include <lmdb.h>

#include <array>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <memory>
#include <span>
#include <string_view>

#include "gesso/localdb/storage/index_keys.hpp"

namespace gesso::localdb {

// All collections and indexes share four trees, told apart by a prefix of four bytes: creating and
// dropping one is a few rows in the catalog, and LMDB's handles need no care. Documents stand under
// record ids rather than under their `_id`: a scan is in natural order, and an index entry points
// with eight bytes whatever the `_id` is.
enum Table : unsigned {
  kCatalogTable,   // see catalog_store.hpp
  kCountersTable,  // u32 collection or index -> Counters
  kRecordsTable,   // u32 collection, u64 record -> BSON
  kEntriesTable,  // u32 index, key, u64 record -> nothing; of a unique index u32, key -> u64 record
  kTableCount,
};

// Throws StorageError (kNoRoom) for MDB_MAP_FULL, otherwise Error (kInternal): "localdb: `doing`:
// ...".
[[noreturn]] void throw_lmdb(int result, std::string_view doing);
inline void check_lmdb(int result, std::string_view doing) {
  if (result != MDB_SUCCESS) throw_lmdb(result, doing);
}

class Environment {
  struct Closer {
    void operator()(MDB_env* env) const noexcept { mdb_env_close(env); }
  };
  class FolderLock {
    int fd_ = -1;

   public:
    explicit FolderLock(const std::filesystem::path& folder);
    ~FolderLock();
    FolderLock(const FolderLock&) = delete;
    FolderLock& operator=(const FolderLock&) = delete;
  };

  FolderLock lock_;  // first: held while LMDB is open
  std::unique_ptr<MDB_env, Closer> env_;
  std::array<MDB_dbi, kTableCount> tables_{};
  IndexReader read_index_;

 public:
  // Makes the folder and the tables if needed. `map_bytes` is address space: where so much cannot
  // be had, a quarter of it is tried, down to 1 GiB. Throws Error as `Store` says.
  Environment(const std::filesystem::path& folder, std::uint64_t map_bytes, IndexReader reader);

  [[nodiscard]] MDB_env* native() const { return env_.get(); }
  [[nodiscard]] MDB_dbi table(unsigned which) const { return tables_[which]; }
  [[nodiscard]] IndexKeysPtr read_index(bson::View description) const {
    return read_index_(description);
  }
  [[nodiscard]] std::uint64_t map_bytes() const;
  // Of the data file that are in use or were.
  [[nodiscard]] std::uint64_t used_bytes() const;
  [[nodiscard]] std::uint32_t page_bytes() const;
};

// A key put together on the stack: big-endian numbers, so that memcmp orders them.
class KeyBuffer {
  std::array<std::uint8_t, 511> bytes_;  // LMDB's limit
  std::size_t size_ = 0;

 public:
  KeyBuffer() {}  // NOLINT: the bytes are written before they are read
  explicit KeyBuffer(std::uint32_t id) { add(id); }
  KeyBuffer(std::uint32_t id, std::uint64_t record) {
    add(id);
    add(record);
  }
  KeyBuffer(std::uint32_t id, std::string_view key) {
    add(id);
    add(key);
  }

  void add(std::uint32_t number) {
    const std::uint32_t big = __builtin_bswap32(number);
    std::memcpy(bytes_.data() + size_, &big, sizeof big);
    size_ += sizeof big;
  }
  void add(std::uint64_t number) {
    const std::uint64_t big = __builtin_bswap64(number);
    std::memcpy(bytes_.data() + size_, &big, sizeof big);
    size_ += sizeof big;
  }
  // Longer text is cut at the limit: nothing stored is longer, so a search finds the same place.
  void add(std::string_view text) {
    const std::size_t fits = std::min(text.size(), bytes_.size() - size_);
    std::memcpy(bytes_.data() + size_, text.data(), fits);
    size_ += fits;
  }
  [[nodiscard]] MDB_val value() { return {.mv_size = size_, .mv_data = bytes_.data()}; }
  [[nodiscard]] std::string_view view() const {
    return {reinterpret_cast<const char*>(bytes_.data()), size_};
  }
};

template <class T>
[[nodiscard]] T read_big_endian(const void* at) {
  T number;
  std::memcpy(&number, at, sizeof number);
  if constexpr (sizeof(T) == 4) return __builtin_bswap32(number);
  if constexpr (sizeof(T) == 8) return __builtin_bswap64(number);
}

[[nodiscard]] inline std::string_view text_of(const MDB_val& value) {
  return {static_cast<const char*>(value.mv_data), value.mv_size};
}

}  // namespace gesso::localdb
