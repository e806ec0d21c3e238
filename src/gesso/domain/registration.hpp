// How an account begins, and how its email address is confirmed or changed.
#pragma once

#include <optional>
#include <string_view>
#include <variant>

#include "gesso/domain/account_services.hpp"
#include "gesso/domain/reauthentication.hpp"
#include "gesso/models/user.hpp"
#include "gesso/schema/password.hpp"

namespace gesso::domain {

struct Registration {
  schema::Email email;
  schema::Password password;
  std::optional<models::FullName> full_name = {};
};

struct EmailTaken {};

using RegistrationOutcome = std::variant<models::User, EmailTaken, Accepted, TooManyAttempts>;

// Makes an account and mails what confirms its address. Returns `Accepted` in place of the user, or
// of `EmailTaken`, where the settings hide whether there was one. Hashes. Throws Error: kValidation
// at `email` or `password`.
[[nodiscard]] RegistrationOutcome register_account(const AccountServices& services,
                                                   const RunUnit& run, Registration registration,
                                                   const ClientInfo& client);

// Mails what confirms the address once more, if there is such a user and it is not confirmed yet:
// the answer, and its time, say nothing of that.
[[nodiscard]] std::variant<Accepted, TooManyAttempts> resend_confirmation(
    const AccountServices& services, mongo::Session& session, const schema::Email& email,
    const ClientInfo& client);

// Confirms the address that a token was mailed to; if it is a new one of the user's, it takes the
// place of the old one, whose owner is told. Safe to repeat while the token lasts.
[[nodiscard]] std::variant<Account, TokenRefused, EmailTaken, TooManyAttempts> confirm_email(
    const AccountServices& services, mongo::Session& session, std::string_view token,
    const ClientInfo& client);

// Mails what confirms a new address to that address; the old one stays until it is confirmed.
// Whether another user has it is only told to whoever confirms it. Hashes. Throws Error:
// kValidation at `email`.
[[nodiscard]] std::variant<Accepted, NotProven, TooManyAttempts> request_email_change(
    const AccountServices& services, const RunUnit& run, const Requester& requester,
    const schema::Email& email, const Proof& proof);

}  // namespace gesso::domain
