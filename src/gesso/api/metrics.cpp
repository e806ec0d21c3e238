// GET /metrics: what Prometheus collects, in its text format
// (https://prometheus.io/docs/instrumenting/exposition_formats/).
#include "gesso/api/metrics.hpp"

#include <prometheus/client_metric.h>
#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include <string>
#include <utility>
#include <vector>

#include "gesso/api/routes.hpp"

namespace gesso::api {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;

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

http::Response metrics(const mongo::Service* database, const std::optional<SecretState>& secret) {
  Families families;
  if (database != nullptr) add_pool(families, *database);
  if (secret) add_secret(families, *secret);
  return {.content_type = "text/plain; version=0.0.4; charset=utf-8", .body = families.text()};
}

void add_metrics_routes(http::Router& router, const Services& services) {
  router.add(http::Method::kGet, "/metrics",
             [&services](const http::Request&, http::Responder respond) {
               respond(metrics(&services.database,
                               services.secret_state ? services.secret_state() : std::nullopt));
             });
}

}  // namespace gesso::api
