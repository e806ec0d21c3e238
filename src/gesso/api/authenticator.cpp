#include "gesso/api/authenticator.hpp"

namespace gesso::api {

std::variant<Credentials, NotAuthenticated> Authenticator::identify(
    const http::Request& request) const {
  const auto field = request.headers.find("authorization");
  const auto token = field ? domain::bearer_token(*field) : std::nullopt;
  if (!token) {
    return NotAuthenticated{
        "Not authenticated: send Authorization: Bearer with an access token from "
        "/api/v1/auth/login, or an API key"};
  }
  auto credential = domain::read_credential(services_.tokens, *token);
  if (const auto* fault = std::get_if<domain::AdmissionFault>(&credential)) {
    return NotAuthenticated{domain::describe(*fault)};
  }
  return std::get<Credentials>(std::move(credential));
}

std::optional<Caller> Authenticator::admit(const Credentials& credentials,
                                           mongo::Session& session) const {
  const auto admitted = domain::admit(session, services_.repository_context, credentials);
  const auto* identity = std::get_if<domain::Identity>(&admitted);
  if (identity == nullptr) return std::nullopt;
  return Caller{.user_id = identity->user_id,
                .tier = identity->tier,
                .scopes = identity->scopes,
                .session_id = identity->session_id ? identity->session_id->str() : std::string(),
                .api_key_id = identity->api_key_id};
}

}  // namespace gesso::api
