// What databases, collections and indexes there are, at one moment.
//
// Immutable values behind shared pointers: a transaction holds the catalog of its snapshot, and
// whatever it handed out stays valid for as long as somebody holds it. Thread-safe.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "gesso/bson/view.hpp"
#include "gesso/localdb/storage/index_keys.hpp"

namespace gesso::localdb {

// The place of a document in its collection; ascending in the order of insertion.
using RecordId = std::uint64_t;

struct Index {
  std::uint32_t id = 0;  // never used again for another index
  IndexKeysPtr keys;
  // For each field: whether some document had an array on its path, so that one document may have
  // several entries. Never goes back to false.
  std::vector<bool> multikey;
  // Whether some entry was too long for a key and is a prefix with a hash: such an index finds, but
  // does not order. Never goes back to false.
  bool has_truncated_keys = false;
  // Of an index that is being built, see index_build.hpp: under `touched_id` the records are marked
  // that were changed since, and `build_limit` is above all records that were there. 0 otherwise.
  std::uint32_t touched_id = 0;
  RecordId build_limit = 0;

  [[nodiscard]] bool is_building() const { return touched_id != 0; }
  [[nodiscard]] bool is_multikey() const;
};

struct Collection {
  std::uint32_t id = 0;  // never used again for another collection
  std::string database;
  std::string name;
  bson::Document options;  // as `create` was given
  std::array<std::uint8_t, 16> uuid{};
  std::vector<std::shared_ptr<const Index>> indexes;  // `_id_` first, then in order of creation
  // Kept by every write, and seen by no read.
  std::vector<std::shared_ptr<const Index>> building;
  // Why its row of the catalog cannot be read; "" for a sound one. A damaged collection is there to
  // be seen and dropped; its names may be made up, and its indexes are incomplete.
  std::string damage;
  std::vector<std::uint32_t> damaged_indexes;

  [[nodiscard]] std::string ns() const { return database + "." + name; }
  [[nodiscard]] const Index& id_index() const { return *indexes.front(); }
  // nullptr where there is none.
  [[nodiscard]] const Index* index_by_name(std::string_view index_name) const;
  [[nodiscard]] const Index* index_by_key(bson::View key) const;
  [[nodiscard]] const Index* index_by_id(std::uint32_t index_id) const;
  [[nodiscard]] const Index* building_by_id(std::uint32_t index_id) const;
  // What a write keeps: `indexes`, then `building`.
  [[nodiscard]] std::size_t kept_count() const { return indexes.size() + building.size(); }
  [[nodiscard]] const Index& kept(std::size_t i) const {
    return i < indexes.size() ? *indexes[i] : *building[i - indexes.size()];
  }
};

using CollectionPtr = std::shared_ptr<const Collection>;

class Catalog {
  using ByName = std::map<std::string, CollectionPtr, std::less<>>;
  std::map<std::string, ByName, std::less<>> databases_;  // none of them empty
  std::map<std::uint32_t, CollectionPtr> by_id_;

 public:
  // nullptr where there is none.
  [[nodiscard]] CollectionPtr find(std::string_view database, std::string_view name) const;
  [[nodiscard]] CollectionPtr find(std::uint32_t id) const;
  // Sorted by name.
  [[nodiscard]] std::vector<std::string> databases() const;
  [[nodiscard]] std::vector<CollectionPtr> collections(std::string_view database) const;
  [[nodiscard]] std::vector<CollectionPtr> all() const;

  // Adds, or takes the place of the one with the same id.
  void put(CollectionPtr collection);
  void remove(const Collection& collection);
};

}  // namespace gesso::localdb
