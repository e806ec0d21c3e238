#include "gesso/api/startup_gate.hpp"

#include <string>
#include <utility>

#include "gesso/api/output.hpp"
#include "gesso/api/readiness.hpp"
#include "gesso/http/problem.hpp"

namespace gesso::api {

void StartupGate::answer(http::Request request, http::Responder respond) const {
  if (const Application* application = application_.load(std::memory_order_acquire)) {
    return application->answer(std::move(request), std::move(respond));
  }
  if (request.path == "/healthz") return respond({.body = R"({"status":"ok"})"});
  const std::optional<SecretState> secret = ask_ ? ask_() : std::nullopt;
  if (request.path == "/metrics") {
    return respond({.content_type = std::string(Metrics::kContentType),
                    .body = metrics_.text({.secret = secret})});
  }
  if (request.path == "/readyz") {
    return respond(
        encode_problem(not_ready("The database is not connected yet", secret), request.id));
  }
  respond(http::to_response({.status = 503,
                             .code = "unavailable",
                             .detail = "The service is starting; /readyz says what it waits for",
                             .retry_after = std::chrono::seconds{1}},
                            request.id));
}

}  // namespace gesso::api
