#include "gesso/api/recorder.hpp"

#include "gesso/api/services.hpp"
#include "gesso/base/text.hpp"
#include "gesso/bson/builder.hpp"

namespace gesso::api {

namespace {

models::UsageLogCreate usage_of(const Record& record) {
  // A path is what the client made it.
  std::optional<models::ResourceId> path;
  const bool fits = !record.path.empty() && is_utf8(record.path);
  if (fits) path = utf8_prefix(record.path, 255);
  return {.user_id = record.user_id,
          .action_type = models::ActionType::kApiRequest,
          .resource_id = std::move(path),
          .response_time_ms =
              std::chrono::duration_cast<std::chrono::milliseconds>(record.duration).count(),
          .metadata = schema::Object(
              bson::make_document("operation", record.operation, "status", record.status)),
          .request_units = record.request_units};
}

}  // namespace

void Recorder::finish(Record& record, const http::Response& response) const {
  record.status = response.status;
  record.duration = std::chrono::duration_cast<std::chrono::microseconds>(
      std::chrono::steady_clock::now() - record.began);
  services_.metrics.request(record.operation, record.status, record.duration);
  if (!response.code.empty()) services_.metrics.problem(record.operation, response.code);
  if (services_.usage != nullptr && !record.user_id.empty()) {
    services_.usage->record(usage_of(record));
  }
  if (services_.access_log) services_.access_log(record);
}

void record_refusal(Metrics& metrics, const AccessLog& log, const http::Refusal& refusal) {
  metrics.refusal(to_string(refusal.reason), refusal.status);
  const bool is_request = !refusal.request_id.empty();
  if (is_request) metrics.request({}, refusal.status, refusal.duration);
  if (!log) return;
  log({.method = refusal.method,
       .path = std::string(refusal.path),
       .request_id = std::string(refusal.request_id),
       .address = std::string(refusal.client_address),
       .status = refusal.status,
       .duration = refusal.duration});
}

}  // namespace gesso::api
