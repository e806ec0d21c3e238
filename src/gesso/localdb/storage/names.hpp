// What may be the name of a database or a collection. Pure.
// https://www.mongodb.com/docs/manual/reference/limits/#naming-restrictions
#pragma once

#include <string_view>

namespace gesso::localdb {

// 1 to 63 bytes and none of /\\. "$*<>:|? or NUL.
[[nodiscard]] constexpr bool is_database_name(std::string_view name) {
  constexpr std::string_view kForbidden("/\\. \"$*<>:|?\0", 13);
  constexpr std::size_t kMaxBytes = 63;
  return !name.empty() && name.size() <= kMaxBytes &&
         name.find_first_of(kForbidden) == std::string_view::npos;
}

// Not empty, no dot at either end, no $ and no NUL; with its database's at most 255 bytes.
[[nodiscard]] constexpr bool is_collection_name(std::string_view database, std::string_view name) {
  constexpr std::string_view kForbidden("$\0", 2);
  constexpr std::size_t kMaxNamespaceBytes = 255;
  return !name.empty() && name.front() != '.' && name.back() != '.' &&
         database.size() + 1 + name.size() <= kMaxNamespaceBytes &&
         name.find_first_of(kForbidden) == std::string_view::npos;
}

}  // namespace gesso::localdb
