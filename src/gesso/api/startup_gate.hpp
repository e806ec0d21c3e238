// What answers requests while the database is not there yet: /healthz says that the process lives,
// /readyz and /metrics why it is not ready, and everything else is 503. Once it is opened, the
// router does.
//
// Thread-safe; never blocks. Borrows the metrics, and the application once it is opened, which must
// outlive the requests.
#pragma once

#include <atomic>

#include "gesso/api/application.hpp"
#include "gesso/api/metrics.hpp"
#include "gesso/api/secret_state.hpp"

namespace gesso::api {

class StartupGate {
  AskSecretState ask_;
  const Metrics& metrics_;
  std::atomic<const Application*> application_{nullptr};

 public:
  StartupGate(AskSecretState ask, const Metrics& metrics)
      : ask_(std::move(ask)), metrics_(metrics) {}

  void open(const Application& application) {
    application_.store(&application, std::memory_order_release);
  }
  void answer(http::Request request, http::Responder respond) const;
};

}  // namespace gesso::api
