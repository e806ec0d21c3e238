// Registration and login. No database connection is held while a hash is made or compared.
#include "gesso/api/operations.hpp"
#include "gesso/base/error.hpp"
#include "gesso/models/password_hashing.hpp"
#include "gesso/models/user.hpp"
#include "gesso/repositories/user_repository.hpp"

namespace gesso::api {

struct Register {
  models::UserCreate body;
};
GESSO_FIELDS(Register, (body, "Who registers."))

struct LoginRequest {
  schema::Email email;
  std::string password;  // any text: one that no user can have is merely wrong

  static constexpr std::string_view kName = "LoginRequest";
};
GESSO_FIELDS(LoginRequest, (email, "The login name."), (password, "The password."))

struct Login {
  LoginRequest body;
};
GESSO_FIELDS(Login, (body, "Who logs in."))

struct AccessToken {
  std::string access_token;
  std::string token_type;
  std::int64_t expires_in = 0;

  static constexpr std::string_view kName = "AccessToken";
  static constexpr std::string_view kAbout = "What later requests show.";
};
GESSO_FIELDS(AccessToken, (access_token, "For `Authorization: Bearer ...`."),
             (token_type, "`bearer`."), (expires_in, "Seconds from now."))

namespace {

using repositories::UserRepository;

using WrongLogin = Problem<401, "unauthorized", "Unauthorized">;

// Other providers vouch for their users themselves; whoever registers here has a password.
void require_email_provider(const models::UserCreate& request) {
  if (request.auth_provider == models::AuthProvider::kEmail) return;
  throw validation_error({{.path = {"auth_provider"},
                           .type = "value_error",
                           .message = "Value error, only 'email' can register here",
                           .expected = "'email'",
                           .found = std::string(to_string(request.auth_provider))}});
}

Result<models::User> register_user(HashingCall& call, const Register& asked) {
  const models::UserCreate& user = asked.body;
  require_email_provider(user);
  const auto& context = call.services.repository_context;
  const schema::PasswordHash hash =
      models::hash_password(user.password.value(), context.random, context.bcrypt_cost);
  return call.run([&](mongo::Session& session) {
    return UserRepository(session, context).create_user(user, hash);
  });
}

Result<AccessToken, WrongLogin> log_in(HashingCall& call, const Login& asked) {
  const auto& context = call.services.repository_context;
  const Secret password{std::string_view(asked.body.password)};
  const auto user = call.run([&](mongo::Session& session) {
    return UserRepository(session, context).find_by_email(asked.body.email);
  });
  const bool known = user && user->hashed_password;
  const bool right = models::verify_password(
      password.reveal(),
      known ? *user->hashed_password : models::hash_of_nobody(context.bcrypt_cost));
  if (!known || !right || !user->is_active) {
    return WrongLogin{.detail = "The email or the password is wrong"};
  }
  return AccessToken{.access_token = call.services.tokens.issue(user->id.str()),
                     .token_type = "bearer",
                     .expires_in = call.services.tokens.lifetime().count()};
}

constexpr Operation kOperations[] = {
    operation<register_user>({.method = http::Method::kPost,
                              .path = "/api/v1/auth/register",
                              .id = "register",
                              .tag = "Accounts",
                              .summary = "Make an account with an email and a password.",
                              .access = Access::kPublic,
                              .limit = LimitClass::kLogin,
                              .status = 201,
                              .location = "/api/v1/users/me"}),
    operation<log_in>({.method = http::Method::kPost,
                       .path = "/api/v1/auth/login",
                       .id = "login",
                       .tag = "Accounts",
                       .summary = "Get an access token for an email and its password.",
                       .access = Access::kPublic,
                       .limit = LimitClass::kLogin}),
};

}  // namespace

Operations auth_operations() { return kOperations; }

}  // namespace gesso::api
