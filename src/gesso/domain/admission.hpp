// Who sends a request, and what for it is good: asked of the database at every request, so that a
// session that was ended, a key that was revoked, a user who was locked out and a role that was
// taken away are so at once, everywhere (ASVS 5.0, 7.4.1, 7.4.2, 8.3.2). It is one read by `_id` of
// a few small fields.
//
// Two steps: reading what was shown needs no database and does not block; admitting does.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "gesso/domain/jwt.hpp"
#include "gesso/domain/secret_tokens.hpp"
#include "gesso/models/scope.hpp"
#include "gesso/models/user.hpp"
#include "gesso/mongo/session.hpp"
#include "gesso/repositories/repository_context.hpp"

namespace gesso::domain {

// What was shown: an access token that is signed and has not expired, or what looks like an API
// key.
struct SessionCredential {
  models::UserId user_id;
  models::SessionId session_id;
};
using Credential = std::variant<SessionCredential, ApiKeyToken>;

enum class AdmissionFault {
  kMalformed,
  kSignature,
  kExpired,
  kEnded,  // the session or key is not there any more, or its user is locked out or gone
};
// For the client: "The token has expired".
[[nodiscard]] std::string_view describe(AdmissionFault fault) noexcept;

struct Identity {
  models::UserId user_id;
  models::UserRole role = models::UserRole::kUser;
  models::SubscriptionTier tier = models::SubscriptionTier::kFree;
  bool is_verified = false;
  models::Scopes scopes = {};
  std::optional<models::SessionId> session_id = {};  // of a login
  std::optional<models::ApiKeyId> api_key_id = {};   // or of a key
};

// What a user of that role may do.
[[nodiscard]] models::Scopes scopes_of(models::UserRole role);

// `token` is what stands behind "Bearer" (see `bearer_token`).
[[nodiscard]] std::variant<Credential, AdmissionFault> read_credential(const Tokens& tokens,
                                                                       std::string_view token);

// Blocks for one read, and at most once a minute and key for the write of when it was used.
[[nodiscard]] std::variant<Identity, AdmissionFault> admit(
    mongo::Session& session, const repositories::RepositoryContext& context,
    const Credential& credential);

// Whether who was let in as `identity` is let in now, with the same session or key. Blocks for one
// read.
[[nodiscard]] bool is_still_admitted(mongo::Session& session,
                                     const repositories::RepositoryContext& context,
                                     const Identity& identity);

}  // namespace gesso::domain
