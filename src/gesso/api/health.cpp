#include <spdlog/spdlog.h>

#include "gesso/api/readiness.hpp"
#include "gesso/api/routes.hpp"
#include "gesso/api/unit.hpp"
#include "gesso/base/error.hpp"
#include "gesso/bson/builder.hpp"

namespace gesso::api {
namespace {

// A load balancer asks often and wants a quick answer.
constexpr std::chrono::milliseconds kReadyTimeout{2000};

http::Response probe(const Context& context, mongo::Session& session) {
  const auto secret = [&] { return context.secret_state ? context.secret_state() : std::nullopt; };
  try {
    (void)session.run_command(bson::make_document("ping", 1));
    (void)session.find_one("users", bson::make_document("_id", "user_none"));
  } catch (const Error& error) {
    if (!http::is_our_fault(error)) throw;
    spdlog::warn("not ready: {}", error.what());
    const std::string_view why = error.kind() == ErrorKind::kAuth
                                     ? "The database refuses the service's credentials"
                                     : "The database does not answer";
    return not_ready(why, secret());
  }
  return ready(secret());
}

}  // namespace

void add_health_routes(http::Router& router, const Context& context) {
  router.add(http::Method::kGet, "/healthz", [](http::Request, http::Responder respond) {
    respond({.body = R"({"status":"ok"})"});
  });
  // One ping and one real read: a server may answer the one and not the other.
  router.add(http::Method::kGet, "/readyz",
             handle(context, http::Location::kBody, [&context](Call call, const http::Request&) {
               call.deadline = call.deadline.earlier_of(Deadline::after(kReadyTimeout));
               run_unit(context, std::move(call),
                        [&context](mongo::Session& session) { return probe(context, session); });
             }));
}

http::Router make_router(const Context& context) {
  http::Router router;
  add_health_routes(router, context);
  add_metrics_routes(router, context);
  add_auth_routes(router, context);
  add_user_routes(router, context);
  add_generation_routes(router, context);
  return router;
}

}  // namespace gesso::api
