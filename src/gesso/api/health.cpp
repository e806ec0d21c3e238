#include <spdlog/spdlog.h>

#include "gesso/api/readiness.hpp"
#include "gesso/api/routes.hpp"
#include "gesso/api/unit.hpp"
#include "gesso/base/error.hpp"

namespace gesso::api {
namespace {

// A load balancer asks often and wants a quick answer.
constexpr std::chrono::milliseconds kReadyTimeout{2000};

std::optional<SecretState> secret_of(const Services& services) {
  return services.secret_state ? services.secret_state() : std::nullopt;
}

http::Response not_ready_since(const Services& services, const std::exception_ptr& failure) {
  std::string_view why = "The database does not answer";
  try {
    std::rethrow_exception(failure);
  } catch (const Error& error) {
    spdlog::warn("not ready: {}", error.what());
    if (error.kind() == ErrorKind::kAuth) why = "The database refuses the service's credentials";
    if (error.kind() == ErrorKind::kOverloaded) why = "The service has more to do than it can";
  } catch (const std::exception& error) {
    spdlog::warn("not ready: {}", error.what());
  }
  return not_ready(why, secret_of(services));
}

}  // namespace

void add_health_routes(http::Router& router, const Services& services) {
  router.add(http::Method::kGet, "/healthz", [](http::Request, http::Responder respond) {
    respond({.body = R"({"status":"ok"})"});
  });
  router.add(
      http::Method::kGet, "/readyz",
      handle(services, http::Location::kBody, [&services](const Call& call, const http::Request&) {
        // Also where no worker got to it in time: a database that is silent holds them all.
        const auto failed = [&services, call](const std::exception_ptr& failure) {
          call.respond(not_ready_since(services, failure));
        };
        services.database.submit(
            call.deadline.earlier_of(Deadline::after(kReadyTimeout)),
            [&services, call, failed](mongo::Session& session) {
              try {
                services.database.check_health(session);
              } catch (...) {
                return failed(std::current_exception());
              }
              call.respond(ready(secret_of(services)));
            },
            failed);
      }));
}

http::Router make_router(const Services& services) {
  http::Router router;
  add_health_routes(router, services);
  add_metrics_routes(router, services);
  add_auth_routes(router, services);
  add_user_routes(router, services);
  add_generation_routes(router, services);
  return router;
}

}  // namespace gesso::api
