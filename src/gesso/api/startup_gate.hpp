// What answers requests while the database is not there yet: /healthz says that the process lives,
// /readyz and /metrics why it is not ready, and everything else is 503. Once it is opened, the
// router does.
//
// Thread-safe; never blocks. Borrows the router, which must outlive the requests.
#pragma once

#include <atomic>

#include "gesso/api/secret_state.hpp"
#include "gesso/http/router.hpp"

namespace gesso::api {

class StartupGate {
  AskSecretState ask_;
  std::atomic<const http::Router*> router_{nullptr};

 public:
  explicit StartupGate(AskSecretState ask) : ask_(std::move(ask)) {}

  void open(const http::Router& router) { router_.store(&router, std::memory_order_release); }
  void answer(http::Request request, http::Responder respond) const;
};

}  // namespace gesso::api
