// Access tokens for connections to a database that takes a managed identity instead of a password:
// from the same credentials that read a vault, made when the first connection wants one.
//
// Owned by the database; thread-safe; blocks until the deadline of who asks.
#pragma once

#include <memory>
#include <mutex>
#include <string>

#include "gesso/base/clock.hpp"
#include "gesso/base/random.hpp"
#include "gesso/cli/azure_identity.hpp"
#include "gesso/cli/settings.hpp"
#include "gesso/mongo/token_login.hpp"

namespace gesso::cli {

class TokenLogins {
  const Settings& settings_;
  const Clock& clock_;
  Random& random_;
  std::mutex mutex_;  // guards identity_
  std::unique_ptr<AzureIdentity> identity_;

  AzureIdentity& identity(const mongo::TokenLogin& login);

 public:
  // Borrows them all.
  TokenLogins(const Settings& settings, const Clock& clock, Random& random)
      : settings_(settings), clock_(clock), random_(random) {}

  // As mongo::TokenSource. Throws Error: kValidation for settings that cannot be right too.
  [[nodiscard]] mongo::LoginToken get(const mongo::TokenLogin& login, mongo::TokenWish wish,
                                      Deadline deadline);
  // Which credentials they are: "managed identity (App Service)"; "" before the first.
  [[nodiscard]] std::string name();
};

}  // namespace gesso::cli
