#include "gesso/api/metrics.hpp"

#include <prometheus/client_metric.h>
#include <prometheus/histogram.h>
#include <prometheus/metric_family.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include <array>
#include <map>
#include <mutex>
#include <shared_mutex>
#include <string>
#include <utility>
#include <vector>

namespace gesso::api {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;

// In seconds: from a point read in this process to a hash under load.
const prometheus::Histogram::BucketBoundaries kBuckets{
    0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05,
    0.1,    0.25,    0.5,    1,     2.5,    5,     10,   30};

class Families {
  std::vector<MetricFamily> families_;

  void add(const char* name, const char* help, MetricType type, ClientMetric metric) {
    families_.push_back({.name = name, .help = help, .type = type, .metric = {std::move(metric)}});
  }

 public:
  void gauge(const char* name, const char* help, double value) {
    ClientMetric metric;
    metric.gauge.value = value;
    add(name, help, MetricType::Gauge, std::move(metric));
  }
  void counter(const char* name, const char* help, std::uint64_t value) {
    ClientMetric metric;
    metric.counter.value = static_cast<double>(value);
    add(name, help, MetricType::Counter, std::move(metric));
  }
  // A gauge of 1 whose label says what is.
  void info(const char* name, const char* help, const char* label, const std::string& value) {
    ClientMetric metric;
    metric.label = {{label, value}};
    metric.gauge.value = 1;
    add(name, help, MetricType::Gauge, std::move(metric));
  }
  void add_all(std::vector<MetricFamily> families) {
    for (MetricFamily& family : families) families_.push_back(std::move(family));
  }
  [[nodiscard]] std::string text() const {
    return prometheus::TextSerializer().Serialize(families_);
  }
};

double count(std::size_t number) { return static_cast<double>(number); }
double seconds(std::chrono::milliseconds duration) {
  return std::chrono::duration<double>(duration).count();
}

void add_pool(Families& families, const mongo::Service& service) {
  const mongo::PoolStatus pool = service.status();
  families.gauge("gesso_database_workers", "Threads that run units of work.", count(pool.workers));
  families.gauge("gesso_database_busy", "Units of work that run now.", count(pool.busy));
  families.gauge("gesso_database_queued", "Units of work that wait for a thread.",
                 count(pool.queued));
  families.gauge("gesso_database_queue_age_seconds", "How long the oldest of those has waited.",
                 seconds(pool.longest_wait));
  families.gauge("gesso_database_connections", "Connections to the database that are open.",
                 count(pool.open_connections));
  families.gauge("gesso_database_epoch", "How many connection strings have been in use.",
                 static_cast<double>(service.pool_number()));
  families.info("gesso_database_info", "What kind of server the database is.", "dialect",
                std::string(to_string(service.dialect())));
}

void add_secret(Families& families, const SecretState& secret) {
  families.info("gesso_secret_state", "Where the rotation of the connection string stands.",
                "state", secret.state);
  families.gauge("gesso_secret_healthy", "1 while the latest version of the secret is in use.",
                 secret.healthy ? 1 : 0);
  families.gauge("gesso_secret_age_seconds", "Age of the version in use.", seconds(secret.age));
  families.gauge("gesso_secret_stale_seconds", "How long the vault has not been readable.",
                 seconds(secret.stale_for));
  if (secret.last_read) {
    families.gauge("gesso_secret_last_read_timestamp_seconds",
                   "When the vault was last read with success.",
                   seconds(secret.last_read->time_since_epoch()));
  }
  families.counter("gesso_secret_reads_total", "Reads of the vault.", secret.reads);
  families.counter("gesso_secret_read_failures_total", "Reads of the vault that failed.",
                   secret.read_failures);
  families.counter("gesso_secret_applies_total", "Secrets tried on the database.", secret.applies);
  families.counter("gesso_secret_refusals_total",
                   "Secrets that the database refused when they were tried on it.",
                   secret.refusals);
  families.counter("gesso_secret_rotations_total", "New versions taken into use.",
                   secret.rotations);
  families.counter("gesso_secret_renewals_total",
                   "Requests whose credentials the database refused and that waited for others.",
                   secret.renewals);
}

}  // namespace

// The histograms of one family, each made when it is first needed.
template <class Key>
class HistogramsBy {
  prometheus::Family<prometheus::Histogram>& family_;
  std::shared_mutex mutex_;  // guards by_key_; a histogram guards itself
  std::map<Key, prometheus::Histogram*, std::less<>> by_key_;

 public:
  HistogramsBy(prometheus::Registry& registry, const char* name, const char* help)
      : family_(prometheus::BuildHistogram().Name(name).Help(help).Register(registry)) {}

  template <class Labels>
  void observe(const Key& key, std::chrono::microseconds duration, Labels&& labels) {
    const double value = std::chrono::duration<double>(duration).count();
    {
      const std::shared_lock lock(mutex_);
      if (const auto found = by_key_.find(key); found != by_key_.end()) {
        return found->second->Observe(value);
      }
    }
    auto& made = family_.Add(labels(), kBuckets);  // the same one for the same labels
    const std::unique_lock lock(mutex_);
    by_key_.emplace(key, &made).first->second->Observe(value);
  }
};

class Metrics::Impl {
  prometheus::Registry registry_;
  // By operation and by the class of the status: 2xx, 4xx, ...
  HistogramsBy<std::pair<std::string_view, int>> requests_{
      registry_, "gesso_request_duration_seconds",
      "From a whole request to its response, by operation and class of status."};
  HistogramsBy<std::pair<std::string, bool>> commands_{
      registry_, "gesso_database_command_duration_seconds",
      "From a command to the database until its reply, by command and outcome."};
  prometheus::Histogram& waits_ =
      prometheus::BuildHistogram()
          .Name("gesso_database_wait_seconds")
          .Help("How long units of work waited for a thread and its connection.")
          .Register(registry_)
          .Add({}, kBuckets);

 public:
  void request(std::string_view operation, int status, std::chrono::microseconds duration) {
    requests_.observe({operation, status / 100}, duration, [&]() -> prometheus::Labels {
      return {{"operation", operation.empty() ? "none" : std::string(operation)},
              {"status", std::to_string(status / 100) + "xx"}};
    });
  }
  void command(std::string_view name, std::chrono::microseconds duration, bool ok) {
    commands_.observe({std::string(name), ok}, duration, [&]() -> prometheus::Labels {
      return {{"command", std::string(name)}, {"outcome", ok ? "ok" : "failed"}};
    });
  }
  void wait(std::chrono::microseconds waited) {
    waits_.Observe(std::chrono::duration<double>(waited).count());
  }
  [[nodiscard]] std::vector<MetricFamily> collect() const { return registry_.Collect(); }
};

Metrics::Metrics() : impl_(std::make_unique<Impl>()) {}
Metrics::~Metrics() = default;

void Metrics::request(std::string_view operation, int status, std::chrono::microseconds duration) {
  impl_->request(operation, status, duration);
}
void Metrics::command(std::string_view name, std::chrono::microseconds duration, bool ok) {
  impl_->command(name, duration, ok);
}
void Metrics::wait(std::chrono::microseconds waited) { impl_->wait(waited); }

std::string Metrics::text(const mongo::Service* database,
                          const std::optional<SecretState>& secret) const {
  Families families;
  if (database != nullptr) add_pool(families, *database);
  if (secret) add_secret(families, *secret);
  families.add_all(impl_->collect());
  return families.text();
}

}  // namespace gesso::api
