#include "gesso/domain/user_administration.hpp"

#include <string>

#include "gesso/repositories/user_repository.hpp"

namespace gesso::domain {
namespace {

AdministrationOutcome noted(std::string_view event, const models::UserId& administrator,
                            const models::UserId& user_id, std::optional<models::User> user) {
  if (!user) return NoSuchUser{};
  log_security_event(std::string(event) + " by=" + administrator.str(), user_id, {});
  return *std::move(user);
}

}  // namespace

AdministrationOutcome set_active(const AccountServices& services, mongo::Session& session,
                                 const models::UserId& administrator, const models::UserId& user_id,
                                 bool active) {
  if (administrator == user_id) return NotYourself{};
  repositories::UserRepository users(session, services.context);
  return active ? noted("reactivated", administrator, user_id, users.reactivate(user_id))
                : noted("deactivated", administrator, user_id, users.deactivate(user_id));
}

GrantOutcome grant_credits(const AccountServices& services, mongo::Session& session,
                           const GrantRequest& request, const std::optional<IdempotencyKey>& key) {
  auto outcome = CreditGrants(session, services.context).grant(request, key);
  if (const auto* entry = std::get_if<models::UsageLog>(&outcome)) {
    log_security_event("credits_granted by=" + request.grant.granted_by.str() +
                           " amount=" + std::to_string(request.grant.credits.value()) +
                           " entry=" + entry->id.str(),
                       request.user_id, {});
  }
  return outcome;
}

AdministrationOutcome set_role(const AccountServices& services, mongo::Session& session,
                               const models::UserId& administrator, const models::UserId& user_id,
                               models::UserRole role) {
  if (administrator == user_id) return NotYourself{};
  return noted("role_" + std::string(to_string(role)), administrator, user_id,
               repositories::UserRepository(session, services.context).set_role(user_id, role));
}

}  // namespace gesso::domain
