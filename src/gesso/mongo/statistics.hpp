// How large the database is, and what its indexes are used for: documents, bytes, indexes.
//
// A function over a leased session (see session.hpp): it blocks and throws as it does. What a
// dialect does not tell is left out rather than guessed, and named.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "gesso/base/clock.hpp"
#include "gesso/mongo/dialect.hpp"
#include "gesso/mongo/session.hpp"

namespace gesso::mongo {

// Sizes are in megabytes of 1024 * 1024 bytes.
struct IndexStatistics {
  std::string name;
  std::optional<double> size_mb = {};
  // How many operations used it, since when: of the server that answered alone.
  std::optional<std::int64_t> uses = {};
  std::optional<Time> uses_since = {};

  static constexpr std::string_view kName = "IndexStatistics";
};

struct CollectionStatistics {
  std::string name;
  std::optional<std::int64_t> documents = {};
  std::optional<double> data_mb = {};
  std::optional<double> storage_mb = {};
  std::optional<double> index_mb = {};
  // Request units a second that it may use, with autoscale the most.
  std::optional<std::int64_t> throughput = {};
  std::vector<IndexStatistics> indexes = {};  // by name

  static constexpr std::string_view kName = "CollectionStatistics";
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
  // What it cost to ask all this, where the server charges and tells it.
  std::optional<double> request_units = {};
  // What this server does not tell, or not to us: "sizes of collections (collStats)".
  std::vector<std::string> absent = {};

  static constexpr std::string_view kName = "DatabaseStatistics";
  static constexpr std::string_view kAbout = "How large the database is, by collection and index.";
};

// Asks the server, with a few commands for each collection.
[[nodiscard]] DatabaseStatistics database_stats(Session& session);

}  // namespace gesso::mongo
