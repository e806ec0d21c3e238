#include "gesso/models/user.hpp"

#include <string>

namespace gesso::models {

IdentityKey identity_key(AuthProvider provider, const ForeignId& auth_provider_id) {
  return std::string(to_string(provider)) + "/" + auth_provider_id.str();
}

std::vector<Violation> UserCreate::check() const {
  const bool by_email = auth_provider == AuthProvider::kEmail;
  if (by_email ? password.has_value() : auth_provider_id.has_value()) return {};
  Violation violation = schema::missing();
  violation.path = {by_email ? "password" : "auth_provider_id"};
  violation.expected = by_email ? schema::Password::expected() : ForeignId::expected();
  return {violation};
}

}  // namespace gesso::models
