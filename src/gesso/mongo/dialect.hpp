// Which server stands at the other end, and everything in which it differs from the others.
//
// The differences are the members of one constexpr value a dialect, `DialectTraits`: no other file
// compares dialects, and what is above mongo/ sees none. Pure functions.
#pragma once

#include <array>
#include <cstddef>
#include <optional>
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

inline constexpr std::array kDialects{Dialect::kMongoDb, Dialect::kLocalDb, Dialect::kCosmosRu,
                                      Dialect::kDocumentDb};

[[nodiscard]] std::string_view to_string(Dialect dialect) noexcept;

// The dialect of that name, "cosmos-ru" for one.
[[nodiscard]] std::optional<Dialect> parse_dialect(std::string_view name) noexcept;

// What an account of Azure Cosmos DB (RU) can do beyond the others. It does not say so itself.
// (https://learn.microsoft.com/azure/cosmos-db/mongodb/how-to-configure-capabilities)
struct AccountCapabilities {
  bool retryable_writes = false;    // EnableMongoRetryableWrites
  bool ttl_on_custom_path = false;  // EnableTtlOnCustomPath
  bool partial_unique = false;      // EnablePartialUniqueIndex
  bool documents_of_16_mb = false;  // EnableMongo16MBDocumentSupport
  bool unique_reindex = false;      // EnableUniqueIndexReIndex
  friend bool operator==(const AccountCapabilities&, const AccountCapabilities&) = default;
};

// Reads Azure's names. Those that change nothing for us are passed over; gives std::nullopt where
// one is none of Azure's.
[[nodiscard]] std::optional<AccountCapabilities> parse_capabilities(
    std::span<const std::string_view> names);

// Whether and how a server tells of changes by `$changeStream`.
enum class ChangeStreams {
  kNone,
  kAnyForm,  // where it is a replica set or a router
  // Changed documents as a whole (`updateLookup`), by three fixed stages; no deletes.
  kOneForm,
};

struct DialectTraits {
  Dialect dialect = Dialect::kMongoDb;
  std::string_view name = "mongodb";
  std::string_view product = "MongoDB";

  // ---- indexes
  // A compound index serves filters: of all its fields, and of its first ones. If not, it serves
  // sorts along its whole path alone, and filters need an index on each field.
  bool compound_serves_filters = true;
  // An index may cover only the documents that match a filter. If not, what is unique when present
  // is unique under another name, which every document has (see stored_form.hpp).
  bool partial_indexes = true;
  // A TTL index may stand on any date. If not, only `_ts` expires, counted from the last change,
  // and documents carry their own `ttl` in seconds.
  bool ttl_on_any_date = true;
  // A unique index may be made where documents stand already.
  bool unique_over_documents = true;

  // ---- commands
  // The count command counts exactly. A sharded MongoDB counts orphans and documents on the move;
  // there the aggregation is exact.
  bool counts_exactly = true;
  // Collections are made by `customAction`, with shard key and throughput.
  bool extension_commands = false;
  // `getLastRequestStatistics` tells what the last command of the connection cost.
  bool tells_request_charge = false;
  // A cursor belongs to a session, and only the driver can go on with it.
  bool cursors_of_sessions = true;
  ChangeStreams change_streams = ChangeStreams::kNone;

  // ---- writes and errors
  // A numbered write is done once, however often it comes, where hello offers it.
  bool retryable_writes = true;
  // InternalError (1) is a passing fault of the service rather than a bug of the server.
  bool internal_error_is_transient = false;
  // The largest document in bytes; 0 where its hello is to be believed.
  std::size_t document_limit = 0;
};

// A dialect, as an account with these capabilities speaks it.
[[nodiscard]] constexpr DialectTraits traits_of(Dialect dialect,
                                                const AccountCapabilities& account = {}) {
  switch (dialect) {
    case Dialect::kLocalDb:
      return {.dialect = dialect,
              .name = "localdb",
              .product = "Gesso localdb",
              .cursors_of_sessions = false};
    case Dialect::kCosmosRu:
      return {.dialect = dialect,
              .name = "cosmos-ru",
              .product = "Azure Cosmos DB for MongoDB (RU)",
              .compound_serves_filters = false,
              .partial_indexes = account.partial_unique,
              .ttl_on_any_date = account.ttl_on_custom_path,
              .unique_over_documents = account.unique_reindex,
              .extension_commands = true,
              .tells_request_charge = true,
              .cursors_of_sessions = false,
              .change_streams = ChangeStreams::kOneForm,
              .retryable_writes = account.retryable_writes,
              .internal_error_is_transient = true,
              // Whatever its hello says.
              .document_limit = (account.documents_of_16_mb ? std::size_t{16} : 2) << 20};
    case Dialect::kDocumentDb:
      return {.dialect = dialect,
              .name = "documentdb",
              .product = "Azure DocumentDB",
              // Azure's own connection strings say retrywrites=false.
              .retryable_writes = false};
    case Dialect::kMongoDb:
      break;
  }
  return {.counts_exactly = false, .change_streams = ChangeStreams::kAnyForm};
}

// Tells the dialect by the server's answer to hello and the hosts that the URI names; with an empty
// answer, by the hosts alone.
[[nodiscard]] Dialect detect_dialect(std::span<const std::string> hosts, bson::View hello);

// Whether a host belongs to Azure Cosmos DB, RU or vCore (*.cosmos.azure.com, and
// *.documents.azure.com of old accounts).
[[nodiscard]] bool is_cosmos_host(std::string_view host) noexcept;

// Whether a server that says so in its hello does a numbered write once, however often it comes:
// it has sessions, and is a replica set or a router.
[[nodiscard]] bool can_retry_writes(bson::View hello) noexcept;

// Whether a server of these traits that says so in its hello tells of changes.
[[nodiscard]] bool has_change_streams(const DialectTraits& traits, bson::View hello) noexcept;

// The largest document the server takes, given what its hello says.
[[nodiscard]] std::size_t max_document_size(const DialectTraits& traits, bson::View hello) noexcept;

}  // namespace gesso::mongo
