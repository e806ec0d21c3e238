#include "gesso/cli/token_logins.hpp"

#include <utility>

namespace gesso::cli {

AzureIdentity& TokenLogins::identity(const mongo::TokenLogin& login) {
  const std::lock_guard lock(mutex_);
  if (!identity_) {
    identity_ = std::make_unique<AzureIdentity>(settings_, process_environment(), clock_, random_,
                                                IdentityOptions{.client_id = login.client_id});
  }
  return *identity_;
}

mongo::LoginToken TokenLogins::get(const mongo::TokenLogin& login, mongo::TokenWish wish,
                                   Deadline deadline) {
  azure::AccessToken token =
      identity(login).tokens().token({.resource = login.resource,
                                      .tenant = settings_.key_vault_tenant,
                                      .fresh = wish == mongo::TokenWish::kFresh},
                                     {.deadline = deadline});
  return {.value = std::move(token.value), .expires_on = token.expires_on};
}

std::string TokenLogins::name() {
  const std::lock_guard lock(mutex_);
  return identity_ ? identity_->tokens().name() : std::string();
}

}  // namespace gesso::cli
