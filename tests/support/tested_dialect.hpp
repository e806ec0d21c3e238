// Which kind of server the tests of this run are on: localdb's own, or
//
//   GESSO_TEST_COSMOS_RU=400          an account of Azure Cosmos DB, so many request units a second
//   GESSO_TEST_COSMOS_SHARDED=1       and its collections sharded as Gesso declares it
//   GESSO_TEST_DOCUMENTDB=1           Azure DocumentDB
//
// Functions; thread-safe.
#pragma once

#include <cstddef>
#include <cstdlib>

#include "gesso/localdb/localdb.hpp"
#include "gesso/mongo/indexes.hpp"
#include "gesso/repositories/indexes.hpp"

namespace gesso::testing {

[[nodiscard]] inline bool is_on_cosmos() { return std::getenv("GESSO_TEST_COSMOS_RU") != nullptr; }

[[nodiscard]] inline localdb::ServerOptions on_tested_dialect(localdb::ServerOptions options) {
  if (const char* units = std::getenv("GESSO_TEST_COSMOS_RU")) {
    options.cosmos = localdb::CosmosOptions{.ru = std::atoll(units)};
  }
  options.documentdb = std::getenv("GESSO_TEST_DOCUMENTDB") != nullptr;
  return options;
}

[[nodiscard]] inline mongo::CollectionOptions tested_collections() {
  mongo::CollectionOptions collections;
  if (std::getenv("GESSO_TEST_COSMOS_SHARDED") != nullptr) {
    collections.shard_keys = repositories::declared_shard_keys();
  }
  return collections;
}

// `count`, or `throttled` where a few hundred request units a second are all there are.
[[nodiscard]] inline std::size_t many(std::size_t count, std::size_t throttled) {
  return is_on_cosmos() ? throttled : count;
}

}  // namespace gesso::testing
