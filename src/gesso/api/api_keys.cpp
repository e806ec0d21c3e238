// The caller's API keys.
#include "gesso/domain/api_keys.hpp"

#include "gesso/api/account_calls.hpp"
#include "gesso/api/operations.hpp"

namespace gesso::api {

struct ApiKeyRequest {
  models::ApiKeyName name;
  std::vector<models::Scope> scopes;
  std::optional<Time> expires_at = {};

  static constexpr std::string_view kName = "ApiKeyRequest";
};
GESSO_FIELDS(ApiKeyRequest, (name, schema::field_about<&models::ApiKey::name>),
             (scopes, "At least one, and none that the caller has not."),
             (expires_at, schema::field_about<&models::ApiKey::expires_at>))

struct CreateApiKey {
  ApiKeyRequest body;
};
GESSO_FIELDS(CreateApiKey, (body, "What the key is for."))

struct CreatedApiKey {
  models::ApiKeyId id;
  std::string key;
  models::ApiKeyPrefix prefix;
  models::ApiKeyName name;
  std::vector<models::Scope> scopes;
  Time created_at;
  std::optional<Time> expires_at = {};

  static constexpr std::string_view kName = "CreatedApiKey";
};
GESSO_FIELDS(CreatedApiKey, (id, "Assigned by the service."),
             (key, "For `Authorization: Bearer ...`. It is shown this once."),
             (prefix, schema::field_about<&models::ApiKey::prefix>),
             (name, schema::field_about<&models::ApiKey::name>),
             (scopes, schema::field_about<&models::ApiKey::scopes>),
             (created_at, schema::field_about<&models::ApiKey::created_at>),
             (expires_at, schema::field_about<&models::ApiKey::expires_at>))

struct RevokeApiKey {
  std::string id;
};
GESSO_FIELDS(RevokeApiKey, (id, "Which one."))

namespace {

using TooManyKeys = Problem<409, "too_many_api_keys", "There are too many API keys">;
using ScopeNotAllowed = Problem<403, "scope_not_allowed", "The caller has not that scope">;

Result<CreatedApiKey, LoginRequired, ScopeNotAllowed, TooManyKeys, NotFound> create_api_key(
    DatabaseCall& call, const CreateApiKey& asked) {
  const auto outcome = domain::create_api_key(
      call.services.accounts, call.session, requester_of(call), call.caller().scopes,
      {.name = asked.body.name, .scopes = asked.body.scopes, .expires_at = asked.body.expires_at});
  if (std::holds_alternative<domain::LoginNeeded>(outcome)) return login_required();
  if (const auto* refusal = std::get_if<domain::ScopeNotAllowed>(&outcome)) {
    return ScopeNotAllowed{.detail = "The caller has not the scope " +
                                     std::string(to_string(refusal->scope))};
  }
  if (const auto* refusal = std::get_if<domain::TooManyKeys>(&outcome)) {
    return TooManyKeys{.detail = "There are " + std::to_string(refusal->limit) +
                                 " already; revoke one first"};
  }
  if (std::holds_alternative<domain::NoSuchUser>(outcome)) {
    return NotFound{.detail = "The user was deleted"};
  }
  const auto& created = std::get<domain::CreatedApiKey>(outcome);
  return CreatedApiKey{.id = created.key.id,
                       .key = created.secret,
                       .prefix = created.key.prefix,
                       .name = created.key.name,
                       .scopes = created.key.scopes,
                       .created_at = created.key.created_at,
                       .expires_at = created.key.expires_at};
}

Result<Page<models::ApiKey>> list_api_keys(DatabaseCall& call, const NoInput&) {
  auto keys = domain::list_api_keys(call.services.accounts, call.session, call.user_id());
  Page<models::ApiKey> page;
  if (keys) page.items = *std::move(keys);
  return page;
}

Result<NoContent, NotFound> revoke_api_key(DatabaseCall& call, const RevokeApiKey& asked) {
  const auto id = models::ApiKeyId::parse(asked.id);
  if (id && domain::revoke_api_key(call.services.accounts, call.session, requester_of(call), *id)) {
    return NoContent{};
  }
  return NotFound{.detail = "There is no such key"};
}

constexpr Operation kOperations[] = {
    operation<create_api_key>({.method = http::Method::kPost,
                               .path = "/api/v1/users/me/api-keys",
                               .id = "createApiKey",
                               .tag = "API keys",
                               .summary = "Make a key for a program.",
                               .scope = Scope::kAccountWrite,
                               .limit = LimitClass::kWrite,
                               .status = 201}),
    operation<list_api_keys>({.path = "/api/v1/users/me/api-keys",
                              .id = "listApiKeys",
                              .tag = "API keys",
                              .summary = "The caller's keys, newest first.",
                              .scope = Scope::kAccountRead}),
    operation<revoke_api_key>({.method = http::Method::kDelete,
                               .path = "/api/v1/users/me/api-keys/{id}",
                               .id = "revokeApiKey",
                               .tag = "API keys",
                               .summary = "End a key at once.",
                               .scope = Scope::kAccountWrite,
                               .limit = LimitClass::kWrite,
                               .status = 204}),
};

}  // namespace

Operations api_key_operations() { return kOperations; }

}  // namespace gesso::api
