// An access token of Microsoft Entra ID, and who gives one.
#pragma once

#include <string>

#include "gesso/base/clock.hpp"
#include "gesso/base/secret.hpp"
#include "gesso/client/call.hpp"

namespace gesso::azure {

struct AccessToken {
  Secret value;
  Time expires_on;
  Time refresh_on;  // when to ask for the next one: half of its life, or what the reply says

  [[nodiscard]] AccessToken clone() const { return {value.clone(), expires_on, refresh_on}; }
};

struct TokenRequest {
  std::string resource = "https://vault.azure.net";  // without a slash at its end
  std::string tenant = {};  // where it must be another than the credential's own
  // The token of before was refused: ask anew, whatever a cache holds.
  bool fresh = false;
};

// Implementations are thread-safe and block.
class TokenProvider {
 public:
  TokenProvider() = default;
  TokenProvider(const TokenProvider&) = delete;
  TokenProvider& operator=(const TokenProvider&) = delete;
  virtual ~TokenProvider() = default;

  // Throws Error: kAuth where this identity is refused or is not set up here, kUnavailable and
  // kTimeout where nobody answered. The message says what was tried and why it failed, without a
  // secret; for a chain, a line for each member.
  [[nodiscard]] virtual AccessToken token(const TokenRequest& request,
                                          const client::Call& call) = 0;

  // What it is called in logs and by `gesso doctor`: "managed identity (App Service)", "Azure CLI".
  [[nodiscard]] virtual std::string name() const = 0;
};

}  // namespace gesso::azure
