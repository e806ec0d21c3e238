#include "gesso/localdb/storage/catalog.hpp"

#include <algorithm>

#include "gesso/bson/compare.hpp"

namespace gesso::localdb {

bool Index::is_multikey() const {
  return std::find(multikey.begin(), multikey.end(), true) != multikey.end();
}

const Index* Collection::index_by_name(std::string_view index_name) const {
  for (const auto& index : indexes) {
    if (index->keys->name == index_name) return index.get();
  }
  return nullptr;
}

const Index* Collection::index_by_key(bson::View key) const {
  for (const auto& index : indexes) {
    if (bson::compare(index->keys->key, key) == 0) return index.get();
  }
  return nullptr;
}

const Index* Collection::index_by_id(std::uint32_t index_id) const {
  for (const auto& index : indexes) {
    if (index->id == index_id) return index.get();
  }
  return nullptr;
}

const Index* Collection::building_by_id(std::uint32_t index_id) const {
  for (const auto& index : building) {
    if (index->id == index_id) return index.get();
  }
  return nullptr;
}

CollectionPtr Catalog::find(std::string_view database, std::string_view name) const {
  const auto in_database = databases_.find(database);
  if (in_database == databases_.end()) return nullptr;
  const auto found = in_database->second.find(name);
  return found == in_database->second.end() ? nullptr : found->second;
}

CollectionPtr Catalog::find(std::uint32_t id) const {
  const auto found = by_id_.find(id);
  return found == by_id_.end() ? nullptr : found->second;
}

std::vector<std::string> Catalog::databases() const {
  std::vector<std::string> names;
  for (const auto& [name, collections] : databases_) names.push_back(name);
  return names;
}

std::vector<CollectionPtr> Catalog::collections(std::string_view database) const {
  std::vector<CollectionPtr> found;
  const auto in_database = databases_.find(database);
  if (in_database == databases_.end()) return found;
  for (const auto& [name, collection] : in_database->second) found.push_back(collection);
  return found;
}

std::vector<CollectionPtr> Catalog::all() const {
  std::vector<CollectionPtr> found;
  for (const auto& [id, collection] : by_id_) found.push_back(collection);
  return found;
}

void Catalog::put(CollectionPtr collection) {
  if (const CollectionPtr before = find(collection->id)) remove(*before);
  by_id_[collection->id] = collection;
  databases_[collection->database][collection->name] = std::move(collection);
}

void Catalog::remove(const Collection& collection) {
  const auto in_database = databases_.find(collection.database);
  if (in_database == databases_.end()) return;
  const CollectionPtr alive = find(collection.id);  // `collection` may be the last one to hold it
  by_id_.erase(alive->id);
  in_database->second.erase(alive->name);
  if (in_database->second.empty()) databases_.erase(in_database);
}

}  // namespace gesso::localdb
