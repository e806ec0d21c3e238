// API keys: made, listed, revoked by their user.
#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "gesso/domain/account_services.hpp"
#include "gesso/domain/reauthentication.hpp"
#include "gesso/models/scope.hpp"

namespace gesso::domain {

struct NewApiKey {
  models::ApiKeyName name;
  std::vector<models::Scope> scopes;
  std::optional<Time> expires_at = {};
};

struct CreatedApiKey {
  models::ApiKey key;
  std::string secret;  // the whole key; shown this once
};
struct ScopeNotAllowed {
  models::Scope scope;
};
struct LoginNeeded {};  // a key makes no other key: it would outlive its end and its revocation
struct TooManyKeys {
  std::size_t limit = 0;
};

// Makes a key that may do no more than `allowed`, which is what its maker may do now. Throws Error:
// kValidation at `scopes` for none, at `expires_at` for the past.
[[nodiscard]] std::variant<CreatedApiKey, LoginNeeded, ScopeNotAllowed, TooManyKeys, NoSuchUser>
create_api_key(const AccountServices& services, mongo::Session& session, const Requester& requester,
               models::Scopes allowed, const NewApiKey& request);

// The newest first; std::nullopt where there is no such user.
[[nodiscard]] std::optional<std::vector<models::ApiKey>> list_api_keys(
    const AccountServices& services, mongo::Session& session, const models::UserId& user_id);

// Ends the key at once, everywhere. Returns whether there was one.
bool revoke_api_key(const AccountServices& services, mongo::Session& session,
                    const Requester& requester, const models::ApiKeyId& id);

}  // namespace gesso::domain
