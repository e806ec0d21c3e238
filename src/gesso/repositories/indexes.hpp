// The indexes that the models declare, as the MongoDB service makes them.
//
//   mongo::create_indexes(session, declared_indexes());
//
// A pure function.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "gesso/mongo/indexes.hpp"

namespace gesso::repositories {

// The indexes of all collections, in the order of their declaration; behind those of a model that
// hides documents (`kHiddenBy`) the guard's.
[[nodiscard]] std::vector<mongo::CollectionIndex> declared_indexes();

// The field by which each collection is spread over partitions, where it is: users and
// subscriptions are not, since an address, and a user's one subscription, are unique over all of
// them, and on Azure Cosmos DB (RU) an index is unique within a shard key only.
[[nodiscard]] std::map<std::string, std::string> declared_shard_keys();

}  // namespace gesso::repositories
