#include "gesso/api/recorder.hpp"

#include "gesso/api/services.hpp"

namespace gesso::api {

void Recorder::finish(Record& record, int status) const {
  record.status = status;
  record.duration = std::chrono::duration_cast<std::chrono::microseconds>(
      std::chrono::steady_clock::now() - record.began);
  services_.metrics.request(record.operation, status, record.duration);
  if (services_.access_log) services_.access_log(record);
}

}  // namespace gesso::api
