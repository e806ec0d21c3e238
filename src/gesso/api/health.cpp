#include "gesso/api/routes.hpp"
#include "gesso/api/unit.hpp"
#include "gesso/bson/builder.hpp"

namespace gesso::api {
namespace {

// A load balancer asks often and wants a quick answer.
constexpr std::chrono::milliseconds kReadyTimeout{2000};

}  // namespace

void add_health_routes(http::Router& router, const Context& context) {
  router.add(http::Method::kGet, "/healthz", [](http::Request, http::Responder respond) {
    respond({.body = R"({"status":"ok"})"});
  });
  // One ping and one real read: a server may answer the one and not the other.
  router.add(http::Method::kGet, "/readyz",
             handle(context, http::Location::kBody, [&context](Call call, const http::Request&) {
               call.deadline = call.deadline.earlier_of(Deadline::after(kReadyTimeout));
               run_unit(context, std::move(call), [](mongo::Session& session) {
                 (void)session.run_command(bson::make_document("ping", 1));
                 (void)session.find_one("users", bson::make_document("_id", "user_none"));
                 return http::Response{.body = R"({"status":"ready"})"};
               });
             }));
}

http::Router make_router(const Context& context) {
  http::Router router;
  add_health_routes(router, context);
  add_auth_routes(router, context);
  add_user_routes(router, context);
  add_generation_routes(router, context);
  return router;
}

}  // namespace gesso::api
