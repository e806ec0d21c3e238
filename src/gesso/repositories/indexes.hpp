// The indexes that the models declare, as the MongoDB service makes them.
//
//   mongo::create_indexes(session, declared_indexes());
//
// A pure function.
#pragma once

#include <vector>

#include "gesso/mongo/indexes.hpp"

namespace gesso::repositories {

// The indexes of all collections, in the order of their declaration.
[[nodiscard]] std::vector<mongo::CollectionIndex> declared_indexes();

}  // namespace gesso::repositories
