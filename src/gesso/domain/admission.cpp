#include "gesso/domain/admission.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <chrono>

#include "gesso/base/error.hpp"
#include "gesso/repositories/account_repository.hpp"

namespace gesso::domain {
namespace {

using models::Scope;
using models::Scopes;
using repositories::AccountRepository;
using repositories::AdmissionRecord;
using repositories::ApiKeyLife;
using repositories::CredentialKind;
using repositories::SessionLife;

constexpr std::chrono::minutes kTouchEvery{1};

// When a key was used is worth no request: it is told another time.
void touch(AccountRepository& accounts, const models::UserId& id, const ApiKeyLife& key, Time now) {
  if (key.last_used_at && now < *key.last_used_at + kTouchEvery) return;
  try {
    accounts.touch_api_key(id, key, now);
  } catch (const Error& error) {
    spdlog::warn("when an API key was used is not noted: {}", error.what());
  }
}

bool is_live(const AdmissionRecord& record, const models::SessionId& id, Time now) {
  const auto life = std::ranges::find(record.login_sessions, id, &SessionLife::id);
  return life != record.login_sessions.end() && now < life->expires_at;
}

bool is_live(const ApiKeyLife& key, Time now) { return !key.expires_at || now < *key.expires_at; }

Identity identity_of(const models::UserId& id, const AdmissionRecord& record, Scopes scopes) {
  return {.user_id = id,
          .role = record.role,
          .tier = record.subscription_tier,
          .is_verified = record.is_verified,
          .scopes = scopes};
}

}  // namespace

std::string_view describe(AdmissionFault fault) noexcept {
  switch (fault) {
    case AdmissionFault::kMalformed:
      return "This is neither an access token nor an API key";
    case AdmissionFault::kSignature:
      return "The token's signature is not good";
    case AdmissionFault::kExpired:
      return "The token has expired";
    case AdmissionFault::kEnded:
      return "The session or the key has ended";
  }
  return "This is neither an access token nor an API key";
}

Scopes scopes_of(models::UserRole role) {
  Scopes scopes = models::kUserScopes;
  if (role == models::UserRole::kAdmin) {
    scopes.add(Scope::kWorker);
    scopes.add(Scope::kAdmin);
  }
  return scopes;
}

std::variant<Credential, AdmissionFault> read_credential(const Tokens& tokens,
                                                         std::string_view token) {
  if (is_api_key(token)) {
    if (auto key = parse_api_key(token)) return Credential(*std::move(key));
    return AdmissionFault::kMalformed;
  }
  TokenFault fault{};
  const auto claims = tokens.verify(TokenUse::kAccess, token, fault);
  if (!claims) {
    switch (fault) {
      case TokenFault::kSignature:
        return AdmissionFault::kSignature;
      case TokenFault::kExpired:
        return AdmissionFault::kExpired;
      case TokenFault::kMalformed:
        break;
    }
    return AdmissionFault::kMalformed;
  }
  const auto user_id = models::UserId::parse(claims->subject);
  const auto session_id = models::SessionId::parse(claims->session_id);
  if (!user_id || !session_id) return AdmissionFault::kMalformed;
  return Credential(SessionCredential{.user_id = *user_id, .session_id = *session_id});
}

std::variant<Identity, AdmissionFault> admit(mongo::Session& session,
                                             const repositories::RepositoryContext& context,
                                             const Credential& credential) {
  AccountRepository accounts(session, context);
  const Time now = context.clock.now();
  if (const auto* login = std::get_if<SessionCredential>(&credential)) {
    const auto record = accounts.find_for_admission(login->user_id, CredentialKind::kSession);
    if (!record || !record->is_active) return AdmissionFault::kEnded;
    if (!is_live(*record, login->session_id, now)) return AdmissionFault::kEnded;
    Identity identity = identity_of(login->user_id, *record, scopes_of(record->role));
    identity.session_id = login->session_id;
    return identity;
  }
  const auto& shown = std::get<ApiKeyToken>(credential);
  const auto record = accounts.find_for_admission(shown.user_id, CredentialKind::kApiKey);
  if (!record || !record->is_active) return AdmissionFault::kEnded;
  const models::TokenHash hash = hash_token(shown.text);
  const auto key = std::ranges::find_if(record->api_keys, [&](const ApiKeyLife& one) {
    return constant_time_equal(one.hash.str(), hash.str());
  });
  if (key == record->api_keys.end() || !is_live(*key, now)) return AdmissionFault::kEnded;
  touch(accounts, shown.user_id, *key, now);
  // What its user may no longer do, the key may not either.
  Identity identity =
      identity_of(shown.user_id, *record, Scopes(key->scopes).common_with(scopes_of(record->role)));
  identity.api_key_id = key->id;
  return identity;
}

bool is_still_admitted(mongo::Session& session, const repositories::RepositoryContext& context,
                       const Identity& identity) {
  AccountRepository accounts(session, context);
  const Time now = context.clock.now();
  const auto record = accounts.find_for_admission(
      identity.user_id, identity.session_id ? CredentialKind::kSession : CredentialKind::kApiKey);
  if (!record || !record->is_active) return false;
  if (identity.session_id) return is_live(*record, *identity.session_id, now);
  return std::ranges::any_of(record->api_keys, [&](const ApiKeyLife& key) {
    return key.id == identity.api_key_id && is_live(key, now);
  });
}

}  // namespace gesso::domain
