// Changing a password, and setting a new one with what was mailed. Both end sessions, and a change
// of the address that is not confirmed yet: whoever knew the old password is out.
#pragma once

#include <string_view>
#include <variant>

#include "gesso/domain/account_services.hpp"
#include "gesso/domain/reauthentication.hpp"
#include "gesso/schema/password.hpp"

namespace gesso::domain {

// Sets a new password and ends all sessions but the requester's own. Also gives a first password to
// a user who logs in by a provider. Hashes. Throws Error: kValidation at `new_password`.
[[nodiscard]] std::variant<Accepted, NotProven, TooManyAttempts> change_password(
    const AccountServices& services, const RunUnit& run, const Requester& requester,
    const Proof& proof, const schema::Password& new_password);

// Mails what sets a new password, if there is such a user: the answer, and its time, do not say.
[[nodiscard]] std::variant<Accepted, TooManyAttempts> request_password_reset(
    const AccountServices& services, mongo::Session& session, const schema::Email& email,
    const ClientInfo& client);

// Sets a new password, once, and ends all sessions. The second factor stays; but where the address
// was not confirmed before, somebody else may have registered it: then API keys, linked accounts
// and the second factor go too. Hashes. Throws Error:
// kValidation at `new_password`.
[[nodiscard]] std::variant<Accepted, TokenRefused, TooManyAttempts> reset_password(
    const AccountServices& services, const RunUnit& run, std::string_view token,
    const schema::Password& new_password, const ClientInfo& client);

}  // namespace gesso::domain
