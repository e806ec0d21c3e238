#include "gesso/api/worker_probe.hpp"

#include <chrono>
#include <string>

#include "gesso/api/output.hpp"
#include "gesso/api/readiness.hpp"
#include "gesso/base/error.hpp"
#include "gesso/http/problem.hpp"

namespace gesso::api {
namespace {

constexpr std::chrono::milliseconds kReadyTimeout{2000};

http::Response refusal(std::string_view why, const std::string& request_id) {
  return encode_problem(not_ready(why, std::nullopt), request_id);
}

}  // namespace

void WorkerProbe::answer(const http::Request& request, const http::Responder& respond) {
  if (request.path == "/healthz") return respond({.body = R"({"status":"ok"})"});
  if (request.path == "/readyz") return answer_readiness(request.id, respond);
  if (request.path == "/metrics") {
    return respond(
        {.content_type = std::string(Metrics::kContentType), .body = metrics_.text(sources_())});
  }
  respond(http::to_response({.status = 404,
                             .code = "not_found",
                             .detail = "A worker answers /healthz, /readyz and /metrics alone"},
                            request.id));
}

void WorkerProbe::answer_readiness(const std::string& request_id, const http::Responder& respond) {
  mongo::Service* const database = database_.load(std::memory_order_acquire);
  if (database == nullptr) return respond(refusal("The database is not connected yet", request_id));
  if (ending_.load(std::memory_order_acquire)) {
    return respond(refusal("The worker is about to end", request_id));
  }
  database->submit(
      Deadline::after(kReadyTimeout),
      [database, respond, request_id](mongo::Session& session) {
        try {
          database->check_health(session);
        } catch (const Error&) {
          return respond(refusal("The database does not answer", request_id));
        }
        respond({.body = R"({"status":"ready"})"});
      },
      [respond, request_id](const std::exception_ptr&) {
        respond(refusal("The database does not answer", request_id));
      });
}

}  // namespace gesso::api
