// How large the database is, for operators: mongo::DatabaseStatistics described, so that
// `gesso stats` and the API show the same.
#pragma once

#include <array>
#include <string_view>

#include "gesso/mongo/statistics.hpp"
#include "gesso/schema/described.hpp"
#include "gesso/schema/enum.hpp"

namespace gesso::mongo {

constexpr auto wire_texts(Dialect) {
  return std::to_array<std::string_view>({"mongodb", "localdb", "cosmos-ru", "documentdb"});
}

GESSO_FIELDS(IndexStatistics, (name, "The index."),
             (size_mb, "In megabytes of 1024 * 1024 bytes, where the server says it."),
             (uses, "How many operations used it, on the server that answered."),
             (uses_since, "Since when; a restart of the server begins anew."))
GESSO_FIELDS(CollectionStatistics, (name, "The collection."),
             (documents, "How many there are, about."),
             (data_mb, "The documents, in megabytes of 1024 * 1024 bytes."),
             (storage_mb, "What they take on disk."), (index_mb, "What its indexes take."),
             (throughput, "Request units a second that it may use; with autoscale, the most."),
             (indexes, "By name."))
GESSO_FIELDS(DatabaseStatistics, (database, "Its name."),
             (server_version, "As the server tells it; empty where it does not."),
             (dialect, "What kind of server it is."), (collections, "By name."),
             (documents, "Of all collections, about."),
             (data_mb, "All documents, in megabytes of 1024 * 1024 bytes."),
             (storage_mb, "What they take on disk."), (index_mb, "What all indexes take."),
             (request_units, "What it cost to ask all this, where the server charges and tells."),
             (absent, "What this server does not tell, or not to this user."))

}  // namespace gesso::mongo
