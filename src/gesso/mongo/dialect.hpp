// Which server stands at the other end, and what that means for the commands we send.
//
// The differences between servers are answered here, by a function each, so that no other file
// compares dialects. Pure functions.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include "gesso/bson/view.hpp"

namespace gesso::mongo {

enum class Dialect {
  kMongoDb,     // mongod, mongos, Atlas
  kLocalDb,     // our embedded engine, plain
  kCosmosRu,    // Azure Cosmos DB for MongoDB, request units
  kDocumentDb,  // Azure DocumentDB (Cosmos DB for MongoDB vCore)
};

[[nodiscard]] std::string_view to_string(Dialect dialect) noexcept;

// Tells the dialect by the server's answer to hello and the hosts that the URI names; with an empty
// answer, by the hosts alone.
[[nodiscard]] Dialect detect_dialect(std::span<const std::string> hosts, bson::View hello);

// Whether a host belongs to Azure Cosmos DB, RU or vCore (*.cosmos.azure.com, and
// *.documents.azure.com of old accounts).
[[nodiscard]] bool is_cosmos_host(std::string_view host) noexcept;

// Whether a TTL index may stand on any date. If not, only `_ts` expires, counted from the last
// change, and documents carry their own `ttl` in seconds.
[[nodiscard]] bool ttl_on_any_date(Dialect dialect) noexcept;

// Whether an index may cover only the documents that match a filter.
[[nodiscard]] bool has_partial_indexes(Dialect dialect) noexcept;

// Whether an index serves all that one on its first fields would: filters and sorts. On Cosmos DB
// (RU) a compound index serves sorts along its whole path only.
[[nodiscard]] bool serves_prefixes(Dialect dialect) noexcept;

// Whether the count command counts exactly. A sharded MongoDB counts orphans and documents on the
// move; there the aggregation is exact.
[[nodiscard]] bool count_command_is_exact(Dialect dialect) noexcept;

// Whether InternalError (1) is a passing fault of the service rather than a bug of the server.
[[nodiscard]] bool internal_error_is_transient(Dialect dialect) noexcept;

// Whether a server that says so in its hello does a numbered write once, however often it comes:
// it has sessions, and is a replica set or a router.
[[nodiscard]] bool can_retry_writes(bson::View hello) noexcept;

// The largest document the server takes, given what its hello says.
[[nodiscard]] std::size_t max_document_size(Dialect dialect, bson::View hello) noexcept;

}  // namespace gesso::mongo
