#include "gesso/api/authenticator.hpp"

#include "gesso/repositories/user_repository.hpp"

namespace gesso::api {

std::variant<Credentials, NotAuthenticated> Authenticator::identify(
    const http::Request& request) const {
  const auto field = request.headers.find("authorization");
  const auto token = field ? domain::bearer_token(*field) : std::nullopt;
  if (!token) {
    return NotAuthenticated{
        "Not authenticated: send Authorization: Bearer with an access token from "
        "/api/v1/auth/login"};
  }
  domain::TokenFault fault{};
  const auto subject = services_.tokens.verify(*token, fault);
  const auto user_id = subject ? models::UserId::parse(*subject) : std::nullopt;
  if (!user_id) return NotAuthenticated{domain::describe(fault)};
  return Credentials{.user_id = *user_id};
}

std::optional<Caller> Authenticator::admit(const Credentials& credentials,
                                           mongo::Session& session) const {
  repositories::UserRepository users(session, services_.repository_context);
  if (!users.is_active(credentials.user_id)) return std::nullopt;
  return Caller{.user_id = credentials.user_id, .scopes = kUserScopes};
}

}  // namespace gesso::api
