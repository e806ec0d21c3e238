// The part of a user's document that login depends on: sessions, keys, the second factor.
//
// It is read as one value, changed in memory by plain functions, and written back on the condition
// that its revision is still the one that was read: compare and set over one document. Whoever
// comes second reads again and decides anew, so two changes are never mixed and a change that is
// made twice sees itself.
//
// Over one session, for one unit of work, as every repository. Every call blocks.
#pragma once

#include <concepts>
#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "gesso/models/user.hpp"
#include "gesso/repositories/repository.hpp"

namespace gesso::repositories {

// A projection of models::User.
struct Account {
  models::UserId id;
  schema::Email email;
  std::optional<models::FullName> full_name = {};
  models::AuthProvider auth_provider = models::AuthProvider::kEmail;
  std::optional<models::ForeignId> auth_provider_id = {};
  std::vector<models::LinkedIdentity> linked_identities = {};
  std::optional<schema::PasswordHash> hashed_password = {};
  bool is_active = true;
  bool is_verified = false;
  models::UserRole role = models::UserRole::kUser;
  models::SubscriptionTier subscription_tier = models::SubscriptionTier::kFree;
  schema::Object settings = {};
  std::vector<models::LoginSession> login_sessions = {};
  std::vector<models::ApiKey> api_keys = {};
  std::optional<models::Totp> totp = {};
  std::vector<models::TokenHash> recovery_codes = {};
  std::optional<models::MailedToken> email_token = {};
  std::optional<models::MailedToken> reset_token = {};
  std::optional<std::int64_t> account_revision = {};
  std::optional<Time> deleted_at = {};

  friend bool operator==(const Account&, const Account&) = default;
};

// What admission needs of a user for one request; see domain/admission.hpp. Read with nothing else.
struct SessionLife {
  models::SessionId id;
  Time expires_at;
};
BOOST_DESCRIBE_STRUCT(SessionLife, (), (id, expires_at))

struct ApiKeyLife {
  models::ApiKeyId id;
  models::TokenHash hash;
  std::vector<models::Scope> scopes;
  std::optional<Time> last_used_at = {};
  std::optional<Time> expires_at = {};
};
BOOST_DESCRIBE_STRUCT(ApiKeyLife, (), (id, hash, scopes, last_used_at, expires_at))

struct AdmissionRecord {
  bool is_active = true;
  bool is_verified = false;
  models::UserRole role = models::UserRole::kUser;
  models::SubscriptionTier subscription_tier = models::SubscriptionTier::kFree;
  std::vector<SessionLife> login_sessions = {};  // where sessions were asked for
  std::vector<ApiKeyLife> api_keys = {};         // where keys were asked for
};
GESSO_FIELDS(AdmissionRecord, (is_active, "", schema::kHasDefault),
             (is_verified, "", schema::kHasDefault), (role, "", schema::kHasDefault),
             (subscription_tier, "", schema::kHasDefault),
             (login_sessions, "", schema::kHasDefault), (api_keys, "", schema::kHasDefault))

enum class CredentialKind { kSession, kApiKey };

class AccountRepository : public Repository<models::User> {
 public:
  using Repository::Repository;

  // Inserts a new user, with the credits that one begins with. Throws Error: as Repository::create.
  models::User create(models::User user);

  [[nodiscard]] std::optional<Account> find_account(const models::UserId& id);
  [[nodiscard]] std::optional<Account> find_account(const schema::Email& email);
  // Whose account at a provider it is, the first one or one that was linked.
  [[nodiscard]] std::optional<Account> find_account(models::AuthProvider provider,
                                                    const models::ForeignId& auth_provider_id);

  // One read by `_id` of a few small fields: what every request costs.
  [[nodiscard]] std::optional<AdmissionRecord> find_for_admission(const models::UserId& id,
                                                                  CredentialKind kind);
  // Notes when a key was used, unless it was used since `seen`. Does not count as a change.
  void touch_api_key(const models::UserId& id, const ApiKeyLife& seen, Time moment);

  // Stores what differs between the two. False, and nothing is stored, where the account changed
  // since `before` was read. Throws Error: kDuplicate with field "email".
  [[nodiscard]] bool save(const Account& before, const Account& after);

  // Reads the account, lets `decide` change it, and saves it; again where somebody was faster.
  // Returns what `decide` returned, std::nullopt where there is no such user. `decide` may be
  // called several times, each time with the account as it is then. Throws Error: as `save`, and
  // kConflict (retryable) where others were faster until the unit's deadline.
  template <std::invocable<Account&> F>
  auto change_account(const models::UserId& id, F&& decide)
      -> std::optional<std::invoke_result_t<F&, Account&>> {
    for (OptimisticRetry retry = optimistic_retry(); retry.next();) {
      const std::optional<Account> before = find_account(id);
      if (!before) return std::nullopt;
      Account after = *before;
      auto outcome = decide(after);
      if (after == *before || save(*before, after)) return outcome;
    }
    throw too_busy(id);
  }

 private:
  [[nodiscard]] Error too_busy(const models::UserId& id) const;
};

// Flags and texts are User's; only what has a default may be absent in documents of yesterday.
GESSO_FIELDS(Account, (id, ""), (email, ""), (full_name, ""),
             (auth_provider, "", schema::kHasDefault), (auth_provider_id, ""),
             (linked_identities, "", schema::kHasDefault), (hashed_password, ""),
             (is_active, "", schema::kHasDefault), (is_verified, "", schema::kHasDefault),
             (role, "", schema::kHasDefault), (subscription_tier, "", schema::kHasDefault),
             (settings, "", schema::kHasDefault), (login_sessions, "", schema::kHasDefault),
             (api_keys, "", schema::kHasDefault), (totp, ""),
             (recovery_codes, "", schema::kHasDefault), (email_token, ""), (reset_token, ""),
             (account_revision, ""), (deleted_at, ""))

}  // namespace gesso::repositories
