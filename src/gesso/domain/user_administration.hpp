// What an administrator does with other people's accounts. Reading, listing and tiers are
// UserRepository's; here is what has a rule of its own.
#pragma once

#include <optional>
#include <variant>

#include "gesso/domain/account_services.hpp"
#include "gesso/domain/credit_grants.hpp"
#include "gesso/models/user.hpp"

namespace gesso::domain {

// An administrator who locks out or demotes himself may be the last one.
struct NotYourself {};

using AdministrationOutcome = std::variant<models::User, NoSuchUser, NotYourself>;

// Locks a user out at once, everywhere; lets the user in again. API keys rest meanwhile.
[[nodiscard]] AdministrationOutcome set_active(const AccountServices& services,
                                               mongo::Session& session,
                                               const models::UserId& administrator,
                                               const models::UserId& user_id, bool active);
// Adds credits to a user's balance (credit_grants.hpp), and notes it among the security events.
[[nodiscard]] GrantOutcome grant_credits(const AccountServices& services, mongo::Session& session,
                                         const GrantRequest& request,
                                         const std::optional<IdempotencyKey>& key);
[[nodiscard]] AdministrationOutcome set_role(const AccountServices& services,
                                             mongo::Session& session,
                                             const models::UserId& administrator,
                                             const models::UserId& user_id, models::UserRole role);

}  // namespace gesso::domain
