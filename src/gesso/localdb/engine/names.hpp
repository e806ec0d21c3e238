// Names of databases and collections: what may be one. Pure.
// https://www.mongodb.com/docs/manual/reference/limits/#naming-restrictions
#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "gesso/bson/view.hpp"

namespace gesso::localdb {

// Throws CommandError (73).
void check_database_name(std::string_view name);
void check_collection_name(std::string_view db, std::string_view name);
// A name that a command may read: any good one but that of the users' collection. Throws
// CommandError (73, 13).
void check_readable(std::string_view db, std::string_view collection);
// The name in the first field of a command, checked. Throws CommandError (73), for a value that is
// no string too.
[[nodiscard]] std::string_view collection_name(std::string_view db, bson::Value value);
// The collection of a cursor, which may be one of the lists: "$cmd.aggregate". Throws CommandError
// (73).
void check_cursor_collection(std::string_view db, std::string_view name);
// Throws CommandError (73) for the system's own collections, which commands do not write.
void check_writable(std::string_view db, std::string_view collection);

// "db.collection" in its two parts. Throws CommandError (73).
[[nodiscard]] std::pair<std::string_view, std::string_view> split_namespace(std::string_view ns);

// Where users are kept; read by usersInfo only.
inline constexpr std::string_view kUsersDatabase = "admin";
inline constexpr std::string_view kUsersCollection = "system.users";

}  // namespace gesso::localdb
