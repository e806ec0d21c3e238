// Users: what is stored of them, what their roles allow, and the directory that holds them all.
//
// Roles are MongoDB's built-in ones, taken coarsely: a role is a set of rights on one database or
// on all. https://www.mongodb.com/docs/manual/reference/built-in-roles/
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <shared_mutex>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "gesso/bson/view.hpp"
#include "gesso/localdb/engine/auth/scram.hpp"

namespace gesso::localdb::auth {

// A set of rights, a bit for each.
using Rights = std::uint32_t;
inline constexpr Rights kRead = 1U << 0;     // documents, and lists of collections and indexes
inline constexpr Rights kWrite = 1U << 1;    // documents, collections, indexes
inline constexpr Rights kDdl = 1U << 2;      // collections, indexes, databases, statistics
inline constexpr Rights kUsers = 1U << 3;    // users of the database
inline constexpr Rights kMonitor = 1U << 4;  // the server's state
inline constexpr Rights kCluster = 1U << 5;  // the server itself

struct Role {
  std::string name;
  std::string db;
};

// What a role allows. std::nullopt for a role that does not exist (on that database).
struct Grant {
  Rights rights = 0;
  bool everywhere = false;  // else on the role's database
};
[[nodiscard]] std::optional<Grant> grant_of(const Role& role);

struct User {
  std::string name;
  std::string db;
  std::array<std::uint8_t, 16> uuid{};
  Credentials credentials;
  std::vector<Role> roles;
  bson::Document custom_data;
  bool has_custom_data = false;

  // "db.name": the `_id` it is stored under, unique among all users.
  [[nodiscard]] std::string id() const { return db + "." + name; }
  // Whether it has any of `rights` on `database`.
  [[nodiscard]] bool may(Rights rights, std::string_view database) const;

  // As it is stored. `decode` throws Error (kInternal) for what `encode` never wrote.
  [[nodiscard]] bson::Document encode() const;
  [[nodiscard]] static User decode(bson::View document);
};

using UserPtr = std::shared_ptr<const User>;

// All users in memory, kept in step with the store by the commands that change them: no log-in and
// no command reads the disk for it. Thread-safe.
class UserDirectory {
  mutable std::shared_mutex mutex_;  // guards users_
  std::map<std::string, UserPtr, std::less<>> users_;

 public:
  void put(User user);
  // False where there is none.
  bool remove(std::string_view id);
  void remove_all(std::string_view db);

  // nullptr where there is none.
  [[nodiscard]] UserPtr find(std::string_view db, std::string_view name) const;
  [[nodiscard]] UserPtr find_id(std::string_view id) const;
  [[nodiscard]] std::vector<UserPtr> all() const;
  [[nodiscard]] bool empty() const;
};

}  // namespace gesso::localdb::auth
