// Who we are to Azure, by the settings: the credentials, and the client that asks with them.
//
// Owned by what reads from Azure; thread-safe; blocks.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "gesso/azure/credential.hpp"
#include "gesso/azure/token.hpp"
#include "gesso/base/clock.hpp"
#include "gesso/base/random.hpp"
#include "gesso/cli/settings.hpp"
#include "gesso/client/http_client.hpp"

namespace gesso::cli {

struct IdentityOptions {
  // Puts another client before the one that sends, to look at what passes.
  std::function<std::unique_ptr<client::HttpClient>(std::unique_ptr<client::HttpClient>)> wrap = {};
  int attempts = 5;                              // at each endpoint of identity
  std::vector<std::string> origins = {};         // more servers that the client may ask
  std::size_t max_reply = std::size_t{1} << 20;  // a body's, in bytes; a longer one is refused
  std::string client_id = {};  // of a user-assigned identity, where the settings name none
};

class AzureIdentity {
  std::unique_ptr<client::HttpClient> client_;
  std::unique_ptr<azure::TokenProvider> tokens_;

 public:
  // Asks nobody yet. Throws Error (kValidation) for settings that cannot be right. Borrows clock
  // and randomness.
  AzureIdentity(const Settings& settings, const azure::Environment& environment, const Clock& clock,
                Random& random, IdentityOptions options = {});

  [[nodiscard]] client::HttpClient& client() { return *client_; }
  // Keeps tokens, and renews them before they end.
  [[nodiscard]] azure::TokenProvider& tokens() { return *tokens_; }
};

// The variables of this process, as settings were read with them.
[[nodiscard]] azure::Environment process_environment();

}  // namespace gesso::cli
