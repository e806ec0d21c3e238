// What Prometheus collects, in its text format
// (https://prometheus.io/docs/instrumenting/exposition_formats/).
//
// Owned by the composition root. Thread-safe; never blocks.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "gesso/api/secret_state.hpp"
#include "gesso/mongo/service.hpp"

namespace gesso::api {

class Metrics {
  class Impl;
  std::unique_ptr<Impl> impl_;

 public:
  static constexpr std::string_view kContentType = "text/plain; version=0.0.4; charset=utf-8";

  Metrics();
  ~Metrics();
  Metrics(const Metrics&) = delete;
  Metrics& operator=(const Metrics&) = delete;

  // A request was answered; `operation` is the id of one, or "" for none. It must live as long as
  // this does.
  void request(std::string_view operation, int status, std::chrono::microseconds duration);

  // A command of the database came back, and a unit of work got a worker: for the timers of
  // mongo::ServiceOptions.
  void command(std::string_view name, std::chrono::microseconds duration, bool ok);
  void wait(std::chrono::microseconds waited);

  // Everything, with the state of the pool and the secret now. `database` is nullptr where there is
  // none yet.
  [[nodiscard]] std::string text(const mongo::Service* database,
                                 const std::optional<SecretState>& secret) const;
};

}  // namespace gesso::api
