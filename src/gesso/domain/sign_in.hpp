// Logging in and out: by password, by password and second factor, by refresh token, by another
// provider's word.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "gesso/base/secret.hpp"
#include "gesso/domain/account_services.hpp"
#include "gesso/domain/identities.hpp"
#include "gesso/models/user.hpp"

namespace gesso::domain {

struct SignedIn {
  models::UserId user_id;
  std::string access_token;
  std::chrono::seconds access_lifetime;
  SessionToken session;
};

// The password was right; a code is asked for, together with this.
struct SecondFactorNeeded {
  std::string challenge;
  std::chrono::seconds lifetime;
};

struct WrongCredentials {};  // or there is no such user, or the user is locked out: who knows
struct EmailNotConfirmed {};

using SignInOutcome = std::variant<SignedIn, SecondFactorNeeded, WrongCredentials,
                                   EmailNotConfirmed, TooManyAttempts>;

// Hashes, and takes as long where there is no such user.
[[nodiscard]] SignInOutcome log_in(const AccountServices& services, const RunUnit& run,
                                   const schema::Email& email, const Secret& password,
                                   const ClientInfo& client);

// The second step: `code` is of the authenticator program, or a recovery code.
[[nodiscard]] std::variant<SignedIn, WrongCredentials, TooManyAttempts> log_in_with_code(
    const AccountServices& services, mongo::Session& session, std::string_view challenge,
    std::string_view code, const ClientInfo& client);

// A new access token and the next refresh token; see sessions.hpp. `kReused` says that the session
// was ended for it.
[[nodiscard]] std::variant<SignedIn, RefreshFault, TooManyAttempts> refresh(
    const AccountServices& services, mongo::Session& session, std::string_view refresh_token,
    const ClientInfo& client);

// Ends the session that a refresh token belongs to, if it is good. For a client that has nothing
// else left.
void log_out(const AccountServices& services, mongo::Session& session,
             std::string_view refresh_token);

// There is a user with that address who is not known to have it, or who logs in by another
// provider: logging in there comes first.
struct NotLinked {};
struct NoEmail {};  // a new user needs an address that the provider vouches for

// Finds the user by provider and subject, never by address alone; links to a user whose address is
// confirmed where the provider vouches for the same one; else makes a user. `SecondFactorNeeded`
// where the user has one.
[[nodiscard]] std::variant<SignedIn, SecondFactorNeeded, WrongCredentials, NotLinked, NoEmail>
log_in_by_provider(const AccountServices& services, mongo::Session& session,
                   const ProviderIdentity& identity, const ClientInfo& client);

// The sessions that are alive; std::nullopt where there is no such user.
[[nodiscard]] std::optional<std::vector<models::LoginSession>> list_sessions(
    const AccountServices& services, mongo::Session& session, const models::UserId& user_id);
// Returns whether there was such a session.
bool end_session(const AccountServices& services, mongo::Session& session,
                 const models::UserId& user_id, const models::SessionId& session_id);
// Returns how many were ended. `keep` may be absent.
std::size_t end_other_sessions(const AccountServices& services, mongo::Session& session,
                               const models::UserId& user_id,
                               const std::optional<models::SessionId>& keep);

}  // namespace gesso::domain
