// Registration and login. The hash is made, and compared, on the hash pool, before or after the
// unit of work that needs it: no database connection is held meanwhile.
#include <boost/describe/class.hpp>
#include <boost/json.hpp>
#include <memory>

#include "gesso/api/routes.hpp"
#include "gesso/api/unit.hpp"
#include "gesso/base/error.hpp"
#include "gesso/models/password_hashing.hpp"
#include "gesso/models/user.hpp"
#include "gesso/repositories/user_repository.hpp"
#include "gesso/schema/codec.hpp"

namespace gesso::api {

struct LoginRequest {
  schema::Email email;
  std::string password;  // any text: one that no user can have is merely wrong
};
BOOST_DESCRIBE_STRUCT(LoginRequest, (), (email, password))

namespace {

using repositories::UserRepository;

// Runs `task` on the hash pool; answers for what it throws, and where it cannot run.
void run_hashing(const Services& services, const Call& call, std::function<void()> task) {
  auto guarded = [call, task = std::move(task)] {
    try {
      task();
    } catch (...) {
      fail(call, std::current_exception());
    }
  };
  auto late = [call] {
    fail(call,
         std::make_exception_ptr(Error(ErrorKind::kTimeout, "waited too long for the hash pool")));
  };
  if (!services.hashes.submit(call.deadline, std::move(guarded), std::move(late))) {
    fail(call,
         std::make_exception_ptr(Error(ErrorKind::kOverloaded, "the hash pool's queue is full")));
  }
}

// Other providers vouch for their users themselves; whoever registers here has a password.
void require_email_provider(const models::UserCreate& request) {
  if (request.auth_provider == models::AuthProvider::kEmail) return;
  throw validation_error({{.path = {"auth_provider"},
                           .type = "value_error",
                           .message = "Value error, only 'email' can register here",
                           .expected = "'email'",
                           .found = std::string(to_string(request.auth_provider))}});
}

void register_user(const Services& services, const Call& call, const http::Request& request) {
  auto decoded = schema::decode<models::UserCreate>(json_body(request), schema::Format::kJson);
  require_email_provider(decoded);
  if (auto violations = decoded.check(); !violations.empty()) {
    throw validation_error(std::move(violations));
  }
  const auto user = std::make_shared<const models::UserCreate>(std::move(decoded));
  run_hashing(services, call, [&services, call, user] {
    schema::PasswordHash hash =
        models::hash_password(user->password.value(), services.repository_context.random,
                              services.repository_context.bcrypt_cost);
    run_unit(services, call, [&services, user, hash = std::move(hash)](mongo::Session& session) {
      const models::User created =
          UserRepository(session, services.repository_context).create_user(*user, hash);
      return http::Response{.status = 201,
                            .headers = {{"Location", "/api/v1/users/me"}},
                            .body = schema::to_json(created)};
    });
  });
}

http::Response issue_token(const Services& services, const models::User& user) {
  boost::json::object body;
  body["access_token"] = services.tokens.issue(user.id.str());
  body["token_type"] = "bearer";
  body["expires_in"] = services.tokens.lifetime().count();
  return {.headers = {{"Cache-Control", "no-store"}}, .body = boost::json::serialize(body)};
}

void log_in(const Services& services, const Call& call, const http::Request& request) {
  auto login = schema::decode<LoginRequest>(json_body(request), schema::Format::kJson);
  const auto password = std::make_shared<const Secret>(std::move(login.password));
  const auto compare = [&services, call, password](const std::optional<models::User>& user) {
    run_hashing(services, call, [&services, call, password, user] {
      const bool known = user && user->hashed_password;
      const bool right = models::verify_password(
          password->reveal(),
          known ? *user->hashed_password
                : models::hash_of_nobody(services.repository_context.bcrypt_cost));
      if (!known || !right || !user->is_active) {
        call.respond(http::unauthorized("The email or the password is wrong"));
      } else {
        call.respond(issue_token(services, *user));
      }
    });
  };
  services.database.submit(
      call.deadline,
      [&services, call, email = login.email, compare](mongo::Session& session) {
        try {
          compare(UserRepository(session, services.repository_context).find_by_email(email));
        } catch (...) {
          fail(call, std::current_exception());
        }
      },
      [call](const std::exception_ptr& refusal) { fail(call, refusal); });
}

}  // namespace

void add_auth_routes(http::Router& router, const Services& services) {
  const auto add = [&](const char* path, auto* function) {
    router.add(http::Method::kPost, path,
               handle(services, http::Location::kBody,
                      [&services, function](const Call& call, const http::Request& request) {
                        function(services, call, request);
                      }));
  };
  add("/api/v1/auth/register", register_user);
  add("/api/v1/auth/login", log_in);
}

}  // namespace gesso::api
