// What a process that only works answers to those who run it: /healthz that it lives, /readyz
// whether its database answers, /metrics what its worker does. Everything else is 404.
//
// Thread-safe; never blocks. Borrows what it is given, which must outlive the requests.
#pragma once

#include <atomic>
#include <functional>

#include "gesso/api/metrics.hpp"
#include "gesso/http/server.hpp"
#include "gesso/mongo/service.hpp"

namespace gesso::api {

class WorkerProbe {
  const Metrics& metrics_;
  const std::function<MetricSources()> sources_;
  std::atomic<mongo::Service*> database_{nullptr};
  std::atomic<bool> ending_{false};

 public:
  // `sources` may be asked from the first request on.
  WorkerProbe(const Metrics& metrics, std::function<MetricSources()> sources)
      : metrics_(metrics), sources_(std::move(sources)) {}

  // The database is connected.
  void open(mongo::Service& database) { database_.store(&database, std::memory_order_release); }
  // From here on it is not ready.
  void end() { ending_.store(true, std::memory_order_release); }
  void answer(const http::Request& request, const http::Responder& respond);

 private:
  void answer_readiness(const std::string& request_id, const http::Responder& respond);
};

}  // namespace gesso::api
