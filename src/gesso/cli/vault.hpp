// The way to the connection string in Azure Key Vault: who we are there, the vault and the secret.
//
// Owned by the database that needs it; thread-safe; blocks.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "gesso/azure/credential.hpp"
#include "gesso/azure/key_vault.hpp"
#include "gesso/azure/token.hpp"
#include "gesso/base/clock.hpp"
#include "gesso/base/random.hpp"
#include "gesso/cli/azure_identity.hpp"
#include "gesso/cli/settings.hpp"
#include "gesso/client/http_client.hpp"

namespace gesso::cli {

struct VaultOptions {
  // Puts another client before the one that sends, to look at what passes.
  std::function<std::unique_ptr<client::HttpClient>(std::unique_ptr<client::HttpClient>)> wrap = {};
  int attempts = 5;        // at each endpoint of identity
  int vault_attempts = 5;  // few where the caller itself tries again
};

class Vault {
  AzureIdentity identity_;
  azure::KeyVault vault_;
  std::string secret_;

 public:
  // Asks nobody yet. Throws Error (kValidation) for settings that cannot be right: a URL that is no
  // vault's, a credential that there is not. Borrows clock and randomness.
  Vault(const Settings& settings, const azure::Environment& environment, const Clock& clock,
        Random& random, VaultOptions options = {});

  // The latest version. Throws as azure::KeyVault::get.
  [[nodiscard]] azure::SecretValue read(const client::Call& call) {
    return vault_.get(secret_, "", call);
  }

  [[nodiscard]] azure::TokenProvider& tokens() { return identity_.tokens(); }
  [[nodiscard]] const azure::VaultUrl& url() const { return vault_.url(); }
  [[nodiscard]] const std::string& secret() const { return secret_; }
};

}  // namespace gesso::cli
