#include "gesso/api/routes.hpp"
#include "gesso/api/unit.hpp"
#include "gesso/repositories/user_repository.hpp"
#include "gesso/schema/codec.hpp"

namespace gesso::api {

void add_user_routes(http::Router& router, const Context& context) {
  router.add(
      http::Method::kGet, "/api/v1/users/me",
      handle_for_user(
          context, http::Location::kBody,
          [&context](const Call& call, const http::Request&, const models::UserId& user_id) {
            run_unit(context, call, [&context, user_id](mongo::Session& session) {
              const auto user =
                  repositories::UserRepository(session, context.repositories).find_by_id(user_id);
              if (!user || !user->is_active) {
                return http::unauthorized("The token's user is not active");
              }
              return http::Response{.body = schema::to_json(*user)};
            });
          }));
}

}  // namespace gesso::api
