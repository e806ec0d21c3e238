// Which server stands at the other end, and what that means for the commands we send.
#pragma once

#include <string_view>

namespace gesso::mongo {

enum class Dialect {
  kMongoDb,     // mongod, mongos, Atlas
  kLocalDb,     // our embedded engine, plain
  kCosmosRu,    // Azure Cosmos DB for MongoDB, request units
  kDocumentDb,  // Azure DocumentDB (Cosmos DB for MongoDB vCore)
};

[[nodiscard]] std::string_view to_string(Dialect dialect) noexcept;

}  // namespace gesso::mongo
