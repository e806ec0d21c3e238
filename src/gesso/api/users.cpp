#include "gesso/api/routes.hpp"
#include "gesso/api/unit.hpp"
#include "gesso/repositories/user_repository.hpp"
#include "gesso/schema/codec.hpp"

namespace gesso::api {

void add_user_routes(http::Router& router, const Services& services) {
  router.add(
      http::Method::kGet, "/api/v1/users/me",
      handle_for_user(
          services, http::Location::kBody,
          [&services](const Call& call, const http::Request&, const models::UserId& user_id) {
            run_unit(services, call, [&services, user_id](mongo::Session& session) {
              const auto user = repositories::UserRepository(session, services.repository_context)
                                    .find_by_id(user_id);
              if (!user || !user->is_active) {
                return http::unauthorized("The token's user is not active");
              }
              return http::Response{.body = schema::to_json(*user)};
            });
          }));
}

}  // namespace gesso::api
