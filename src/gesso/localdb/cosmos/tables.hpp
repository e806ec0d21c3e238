// What Cosmos DB for MongoDB (RU) has, by name: commands, stages, operators. The lists of server
// version 4.2 and 7.0 are the same
// (https://learn.microsoft.com/azure/cosmos-db/mongodb/feature-support-42, -70).
//
// Data; thread-safe.
#pragma once

#include <string_view>

namespace gesso::localdb::cosmos {

enum class CommandKind {
  kNone,      // there is no such command
  kGreeting,  // handshake and log-in: no account is kept of it
  kCounted,   // getLastRequestStatistics tells about it
};
[[nodiscard]] CommandKind kind_of_command(std::string_view name);

// With their dollar.
[[nodiscard]] bool is_stage(std::string_view name);
[[nodiscard]] bool is_expression(std::string_view name);
[[nodiscard]] bool is_query_operator(std::string_view name);
[[nodiscard]] bool is_update_operator(std::string_view name);
[[nodiscard]] bool is_projection_operator(std::string_view name);

}  // namespace gesso::localdb::cosmos
