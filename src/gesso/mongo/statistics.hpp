// How large the database is: documents, bytes, indexes.
//
// A function over a leased session (see session.hpp): it blocks and throws as it does. What a
// dialect does not tell is left out rather than guessed.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "gesso/mongo/dialect.hpp"
#include "gesso/mongo/session.hpp"

namespace gesso::mongo {

// Sizes are in megabytes of 1024 * 1024 bytes.
struct IndexStatistics {
  std::string name;
  std::optional<double> size_mb = {};
};

struct CollectionStatistics {
  std::string name;
  std::optional<std::int64_t> documents = {};
  std::optional<double> data_mb = {};
  std::optional<double> storage_mb = {};
  std::optional<double> index_mb = {};
  std::vector<IndexStatistics> indexes = {};  // by name
};

struct DatabaseStatistics {
  std::string database;
  std::string server_version = {};
  Dialect dialect = Dialect::kMongoDb;
  std::vector<CollectionStatistics> collections = {};  // by name
  // Sums of the whole database.
  std::optional<std::int64_t> documents = {};
  std::optional<double> data_mb = {};
  std::optional<double> storage_mb = {};
  std::optional<double> index_mb = {};
};

// Asks the server, with a command or two for each collection.
[[nodiscard]] DatabaseStatistics database_stats(Session& session);

}  // namespace gesso::mongo
