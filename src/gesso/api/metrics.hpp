// What Prometheus collects, in its text format
// (https://prometheus.io/docs/instrumenting/exposition_formats/): what happens is counted here, how
// things stand is asked of the parts of the service (metric_sources.hpp). Every metric is a row of
// the table in metric_table.hpp.
//
// Owned by the composition root. Thread-safe; never blocks.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "gesso/api/metric_history.hpp"
#include "gesso/api/metric_sources.hpp"
#include "gesso/domain/work_observer.hpp"

namespace gesso::domain {
struct SweepRun;
}
namespace gesso::mongo {
struct CommandCharge;
}

namespace gesso::api {

class Metrics final : public domain::WorkObserver {
  class Impl;
  std::unique_ptr<Impl> impl_;

 public:
  static constexpr std::string_view kContentType = "text/plain; version=0.0.4; charset=utf-8";

  Metrics();
  ~Metrics() override;

  // A request was answered; `operation` is the id of one, or "" for none. It must live as long as
  // this does.
  void request(std::string_view operation, int status, std::chrono::microseconds duration);
  // The answer was a problem of that code, one of the service's own.
  void problem(std::string_view operation, std::string_view code);
  // The server refused a request or a connection by itself: a reason of http::Refusal.
  void refusal(std::string_view reason, int status);

  // A command of the database came back, and a unit of work got a worker: for the timers of
  // mongo::ServiceOptions.
  void command(std::string_view name, std::chrono::microseconds duration, bool ok);
  void wait(std::chrono::microseconds waited);
  // What a command cost: for the observer of mongo::ServiceOptions.
  void charge(const mongo::CommandCharge& charge);
  // A task of a pool got its thread: for the timer of domain::HashPool. "hashing", "outgoing".
  void pool_wait(std::string_view pool, std::chrono::microseconds waited);

  void sweep(const domain::SweepRun& run);
  // An event of a provider's was taken.
  void webhook(std::string_view provider, std::string_view outcome);

  // Of a worker of this process.
  void claimed(domain::ProviderKind provider, std::int64_t attempt) override;
  void stepped(domain::ProviderKind provider, std::string_view step,
               std::string_view outcome) override;
  void painted(domain::ProviderKind provider, std::chrono::milliseconds since_asked) override;
  void stored(std::size_t images, std::uint64_t bytes) override;
  void ended(domain::ProviderKind provider, domain::WorkEnd end,
             std::chrono::milliseconds age) override;

  // Everything, with the state of the sources now.
  [[nodiscard]] std::string text(const MetricSources& sources) const;
  // The same as single figures.
  [[nodiscard]] std::vector<MetricSample> samples(const MetricSources& sources) const;
};

}  // namespace gesso::api
