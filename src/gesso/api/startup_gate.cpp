#include "gesso/api/startup_gate.hpp"

#include <string>
#include <utility>

#include "gesso/api/metrics.hpp"
#include "gesso/api/readiness.hpp"

namespace gesso::api {

void StartupGate::answer(http::Request request, http::Responder respond) const {
  if (const http::Router* router = router_.load(std::memory_order_acquire)) {
    return router->route(std::move(request), std::move(respond));
  }
  if (request.path == "/healthz") return respond({.body = R"({"status":"ok"})"});
  const std::optional<SecretState> secret = ask_ ? ask_() : std::nullopt;
  if (request.path == "/metrics") return respond(metrics(nullptr, secret));
  if (request.path == "/readyz") {
    return respond(not_ready("The database is not connected yet", secret));
  }
  http::Response response =
      http::problem(503, "The service is starting; /readyz says what it waits for", "unavailable");
  response.headers.emplace_back("Retry-After", "1");
  respond(std::move(response));
}

}  // namespace gesso::api
