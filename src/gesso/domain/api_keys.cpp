#include "gesso/domain/api_keys.hpp"

#include <algorithm>

#include "gesso/base/error.hpp"

namespace gesso::domain {

using models::ApiKey;

std::variant<CreatedApiKey, LoginNeeded, ScopeNotAllowed, TooManyKeys, NoSuchUser> create_api_key(
    const AccountServices& services, mongo::Session& session, const Requester& requester,
    models::Scopes allowed, const NewApiKey& request) {
  using Outcome =
      std::variant<CreatedApiKey, LoginNeeded, ScopeNotAllowed, TooManyKeys, NoSuchUser>;
  if (!requester.session_id) return LoginNeeded{};
  const Time now = services.now();
  if (request.scopes.empty()) {
    throw validation_error({{.path = {"scopes"},
                             .type = "too_short",
                             .message = "List should have at least 1 item",
                             .expected = "list of at least 1 scope",
                             .found = "empty list"}});
  }
  if (request.expires_at && *request.expires_at <= now) {
    throw validation_error({{.path = {"expires_at"},
                             .type = "value_error",
                             .message = "Value error, a key must not end before it is made",
                             .expected = "date and time to come",
                             .found = to_iso8601(*request.expires_at)}});
  }
  std::vector<models::Scope> scopes = request.scopes;
  std::ranges::sort(scopes);
  scopes.erase(std::ranges::unique(scopes).begin(), scopes.end());
  for (const models::Scope scope : scopes) {
    if (!allowed.has(scope)) return ScopeNotAllowed{scope};
  }
  const ApiKeyToken token = make_api_key(requester.user_id, services.context.random);
  const ApiKey key{.id = models::ApiKeyId::next(services.context.ids),
                   .name = request.name,
                   .prefix = token.prefix,
                   .hash = hash_token(token.text),
                   .scopes = scopes,
                   .created_at = now,
                   .expires_at = request.expires_at};
  const auto outcome = AccountRepository(session, services.context)
                           .change_account(requester.user_id, [&](Account& account) -> Outcome {
                             if (!account.is_active) return NoSuchUser{};
                             std::erase_if(account.api_keys, [&](const ApiKey& one) {
                               return one.expires_at && *one.expires_at <= now;
                             });
                             if (account.api_keys.size() >= services.settings.max_api_keys) {
                               return TooManyKeys{services.settings.max_api_keys};
                             }
                             account.api_keys.push_back(key);
                             return CreatedApiKey{.key = key, .secret = token.text};
                           });
  if (!outcome) return NoSuchUser{};
  if (std::holds_alternative<CreatedApiKey>(*outcome)) {
    log_security_event("api_key_created", requester.user_id, requester.client);
  }
  return *outcome;
}

std::optional<std::vector<ApiKey>> list_api_keys(const AccountServices& services,
                                                 mongo::Session& session,
                                                 const models::UserId& user_id) {
  auto account = AccountRepository(session, services.context).find_account(user_id);
  if (!account) return std::nullopt;
  std::ranges::reverse(account->api_keys);
  return std::move(account->api_keys);
}

bool revoke_api_key(const AccountServices& services, mongo::Session& session,
                    const Requester& requester, const models::ApiKeyId& id) {
  const bool revoked =
      AccountRepository(session, services.context)
          .change_account(requester.user_id,
                          [&](Account& account) {
                            return std::erase_if(account.api_keys, [&](const ApiKey& one) {
                                     return one.id == id;
                                   }) > 0;
                          })
          .value_or(false);
  if (revoked) log_security_event("api_key_revoked", requester.user_id, requester.client);
  return revoked;
}

}  // namespace gesso::domain
