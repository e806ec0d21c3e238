// What a user's document holds for login: sessions, API keys, the second factor, tokens sent by
// mail. All of it is in the one document, and bounded, so that every change is one atomic update of
// that document and a user who is locked out is out everywhere at once. Value types.
//
// No token is stored, only its SHA-256: each has 256 random bits, so that nothing slower is needed
// (ASVS 5.0, 6.5.2).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gesso/base/clock.hpp"
#include "gesso/models/ids.hpp"
#include "gesso/models/scope.hpp"
#include "gesso/schema/codec.hpp"
#include "gesso/schema/email.hpp"
#include "gesso/schema/text.hpp"

namespace gesso::models {

// SHA-256 of a token, in base64url.
using TokenHash = schema::Text<43, 43>;

using UserAgent = schema::Text<0, 200>;
using ClientAddress = schema::Text<0, 64>;

struct LoginSession {
  SessionId id;
  TokenHash token_hash;
  std::optional<TokenHash> previous_hash = {};
  std::optional<Time> rotated_at = {};
  Time created_at;
  Time last_used_at;
  Time expires_at;
  std::optional<UserAgent> user_agent = {};
  std::optional<ClientAddress> address = {};

  friend bool operator==(const LoginSession&, const LoginSession&) = default;

  static constexpr std::string_view kName = "LoginSession";
  static constexpr std::string_view kAbout = "A login on one device.";
};
GESSO_FIELDS(LoginSession, (id, "Assigned by the service; access tokens carry it as `sid`."),
             (token_hash, "SHA-256 of the refresh token that is good now.", schema::kInternal),
             (previous_hash, "SHA-256 of the refresh token before it.", schema::kInternal),
             (rotated_at, "When that one was used.", schema::kInternal),
             (created_at, "When the user logged in."),
             (last_used_at, "When the refresh token was last used."),
             (expires_at, "When the session ends, however often it is refreshed."),
             (user_agent, "What the client called itself."),
             (address, "Where it was last refreshed from."))

using ApiKeyName = schema::Text<1, 80>;
using ApiKeyPrefix = schema::Text<1, 32>;

struct ApiKey {
  ApiKeyId id;
  ApiKeyName name;
  ApiKeyPrefix prefix;
  TokenHash hash;
  std::vector<Scope> scopes;
  Time created_at;
  std::optional<Time> last_used_at = {};
  std::optional<Time> expires_at = {};

  friend bool operator==(const ApiKey&, const ApiKey&) = default;

  static constexpr std::string_view kName = "ApiKey";
  static constexpr std::string_view kAbout = "A key for programs; the key itself is not stored.";
};
GESSO_FIELDS(ApiKey, (id, "Assigned by the service."), (name, "What its user calls it."),
             (prefix, "How the key begins, to tell it by."),
             (hash, "SHA-256 of the key.", schema::kInternal), (scopes, "What it may be used for."),
             (created_at, "When it was made."),
             (last_used_at, "When it was last used, to the minute."),
             (expires_at, "When it ends; absent for never."))

// Time-based one-time passwords (RFC 6238).
struct Totp {
  std::string secret;
  std::optional<Time> confirmed_at = {};
  std::int64_t last_used_step = 0;

  friend bool operator==(const Totp&, const Totp&) = default;

  static constexpr std::string_view kName = "Totp";
};
GESSO_FIELDS(Totp,
             (secret, "The shared secret, encrypted: `enc1.KEY.TEXT`; by older versions in base32.",
              schema::kInternal),
             (confirmed_at, "When the first code was entered; before that it asks nobody."),
             (last_used_step, "The 30 seconds whose code was used last; none is taken twice.",
              schema::kHasDefault))

// A token that was sent by mail: whoever shows it reads that mailbox.
struct MailedToken {
  TokenHash hash;
  schema::Email email;
  Time expires_at;

  friend bool operator==(const MailedToken&, const MailedToken&) = default;

  static constexpr std::string_view kName = "MailedToken";
};
GESSO_FIELDS(MailedToken, (hash, "SHA-256 of the token.", schema::kInternal),
             (email, "Where it was sent."), (expires_at, "When it ends."))

}  // namespace gesso::models
