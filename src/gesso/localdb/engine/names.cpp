#include "gesso/localdb/engine/names.hpp"

#include "gesso/localdb/language/command_error.hpp"
#include "gesso/localdb/storage/names.hpp"

namespace gesso::localdb {
namespace {

[[noreturn]] void invalid(std::string_view ns) {
  throw CommandError(ErrorCode::kInvalidNamespace,
                     "Invalid namespace specified '" + std::string(ns) + "'");
}

}  // namespace

void check_database_name(std::string_view name) {
  if (is_database_name(name)) return;
  throw CommandError(ErrorCode::kInvalidNamespace,
                     "Invalid database name: '" + std::string(name) + "'");
}

void check_collection_name(std::string_view db, std::string_view name) {
  if (!is_collection_name(db, name)) invalid(std::string(db) + "." + std::string(name));
}

std::string_view collection_name(std::string_view db, bson::Value value) {
  if (!value.is_string()) {
    throw CommandError(
        ErrorCode::kInvalidNamespace,
        "collection name has invalid type " + std::string(bson::type_name(value.type())));
  }
  const std::string_view name = value.as_string();
  check_readable(db, name);
  return name;
}

void check_readable(std::string_view db, std::string_view collection) {
  check_collection_name(db, collection);
  if (db == kUsersDatabase && collection == kUsersCollection) {
    throw CommandError(ErrorCode::kUnauthorized,
                       "admin.system.users is read and written by the commands for users only");
  }
}

void check_cursor_collection(std::string_view db, std::string_view name) {
  if (!name.starts_with("$cmd.")) check_collection_name(db, name);
}

void check_writable(std::string_view db, std::string_view collection) {
  if (collection.starts_with("system.")) {
    throw CommandError(ErrorCode::kInvalidNamespace,
                       "cannot write to '" + std::string(db) + "." + std::string(collection) + "'");
  }
}

std::pair<std::string_view, std::string_view> split_namespace(std::string_view ns) {
  const std::size_t dot = ns.find('.');
  if (dot == std::string_view::npos) invalid(ns);
  const std::string_view db = ns.substr(0, dot);
  const std::string_view collection = ns.substr(dot + 1);
  check_database_name(db);
  check_collection_name(db, collection);
  return {db, collection};
}

}  // namespace gesso::localdb
