// An account as Azure Cosmos DB for MongoDB (RU) has them: a name and two keys, each of which opens
// everything, so that one can be made anew while clients use the other.
//
// Owned by the engine's options; thread-safe. `regenerate` blocks on the disk.
#pragma once

#include <array>
#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <string>
#include <string_view>

#include "gesso/base/random.hpp"
#include "gesso/base/secret.hpp"
#include "gesso/localdb/engine/auth/user.hpp"

namespace gesso::localdb::auth {

enum class AccountKey { kPrimary, kSecondary };

// "primary", "secondary". std::nullopt for another word.
[[nodiscard]] std::optional<AccountKey> account_key(std::string_view name);

class Account {
 public:
  // Whoever logged in by a key is that key's user; a new key has a new one.
  using Users = std::array<UserPtr, 2>;
  struct Keys {
    Secret primary;
    Secret secondary;
  };

 private:
  struct State {
    std::array<Secret, 2> keys;
    Users users;
  };

  const std::string name_;
  const std::filesystem::path file_;  // empty where the keys are somebody else's to change
  Random& random_;
  std::mutex regenerating_;          // held while a new key is made and written
  mutable std::shared_mutex mutex_;  // guards state_
  State state_;

 public:
  // Keys that are given (what is no base64 of 64 bytes is taken too: it is a password), and that
  // nobody can change here. Throws Error (kValidation) for a name that Azure would not take, or a
  // key that cannot be a password.
  Account(std::string name, Keys keys, Random& random);
  // Keys that are kept in a folder, and made there at the first start. Throws Error: kValidation
  // as above and for a file that is not ours, kInternal for what the disk says.
  Account(std::string name, const std::filesystem::path& folder, Random& random);

  [[nodiscard]] const std::string& name() const noexcept { return name_; }
  [[nodiscard]] Secret key(AccountKey which) const;
  // Primary and secondary; their credentials have the same salt.
  [[nodiscard]] Users users() const;
  // Whether somebody who logged in as this user still is somebody.
  [[nodiscard]] bool is_current(const UserPtr& user) const;

  // Makes a new key. Once it returns nobody is in by the old one. Throws Error: kConflict where the
  // keys are given, kInternal for what the disk says, and nothing has changed.
  void regenerate(AccountKey which);

 private:
  Account(std::string name, std::filesystem::path file, Keys keys, Random& random);
  [[nodiscard]] UserPtr make_user(std::string_view key, std::vector<std::uint8_t> salt) const;
};

}  // namespace gesso::localdb::auth
