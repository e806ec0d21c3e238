// Login sessions as a user's document holds them: begun, refreshed, ended. What RFC 9700, 4.14, and
// ASVS 5.0, 10.4.5 ask of refresh tokens is decided here, without I/O:
// - Each refresh token is good once. Using it issues its successor; using it again ends the
//   session, since one of the two who showed it has stolen it.
// - For a few seconds the one just used yields the same successor again, for a client whose answer
//   was lost. The successor is computed from the token by a key of the service's, so that nothing
//   secret is stored for it.
// - A session ends at a fixed time, and earlier where it is not used.
//
// Functions over values; thread-safe. They are called by what changes an account
// (repositories/account_repository.hpp), which makes each an atomic step.
#pragma once

#include <chrono>
#include <cstddef>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "gesso/domain/client_info.hpp"
#include "gesso/domain/secret_tokens.hpp"
#include "gesso/models/account_state.hpp"
#include "gesso/repositories/repository_context.hpp"

namespace gesso::domain {

struct SessionRules {
  std::size_t limit = 20;  // of a user; the one that is unused for longest makes room
  std::chrono::seconds lifetime = std::chrono::days{30};
  std::chrono::seconds idle_lifetime = std::chrono::days{14};
  std::chrono::seconds grace{10};
};

struct SessionToken {
  models::SessionId session_id;
  std::string refresh_token;
  Time expires_at;  // of the session
};

[[nodiscard]] SessionToken begin_session(std::vector<models::LoginSession>& sessions,
                                         const models::UserId& user_id, const ClientInfo& client,
                                         const SessionRules& rules,
                                         const repositories::RepositoryContext& context);

enum class RefreshFault {
  kUnknown,  // no such session: never, or ended
  kExpired,
  kReused,  // it was used before: the session has been ended
};

// `successors` are the refresh tokens that may follow `shown`: by the service's key, and by the key
// before it.
[[nodiscard]] std::variant<SessionToken, RefreshFault> refresh_session(
    std::vector<models::LoginSession>& sessions, const RefreshToken& shown,
    std::span<const std::string> successors, const ClientInfo& client, const SessionRules& rules,
    Time now);

// Returns whether there was one.
bool end_session(std::vector<models::LoginSession>& sessions, const models::SessionId& id);
// Ends all, or all but one. Returns how many.
std::size_t end_sessions_but(std::vector<models::LoginSession>& sessions,
                             const models::SessionId* keep);

// Those that are alive, the one used last first.
[[nodiscard]] std::vector<models::LoginSession> live_sessions(
    std::vector<models::LoginSession> sessions, const SessionRules& rules, Time now);

}  // namespace gesso::domain
