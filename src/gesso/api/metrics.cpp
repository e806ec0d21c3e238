#include "gesso/api/metrics.hpp"

#include <prometheus/counter.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include <array>
#include <concepts>
#include <map>
#include <mutex>
#include <shared_mutex>
#include <string>
#include <utility>

#include "gesso/api/detail/metric_families.hpp"
#include "gesso/api/detail/metric_samples.hpp"
#include "gesso/domain/sweeper.hpp"
#include "gesso/mongo/request_charge.hpp"

namespace gesso::api {
namespace {

using detail::labels_of;
using prometheus::Counter;
using prometheus::Family;
using prometheus::Histogram;

// In seconds: from a point read in this process to a hash under load.
const Histogram::BucketBoundaries kBuckets{0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005,
                                           0.01,   0.025,   0.05,   0.1,   0.25,   0.5,
                                           1,      2.5,     5,      10,    30};

// In seconds: from a preview to a model that starts cold.
const Histogram::BucketBoundaries kPaintingBuckets{0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1,   2.5,
                                                   5,    10,    20,   40,  60,   120, 300, 600};

double seconds(std::chrono::microseconds duration) {
  return std::chrono::duration<double>(duration).count();
}

// The metrics of one family, each made when it is first needed. Thread-safe.
template <class Metric, class Key>
class MetricsBy {
  const MetricInfo& info_;
  const Histogram::BucketBoundaries& buckets_;  // of histograms
  Family<Metric>& family_;
  std::shared_mutex mutex_;  // guards by_key_; a metric guards itself
  std::map<Key, Metric*, std::less<>> by_key_;

  static Family<Metric>& make(prometheus::Registry& registry, const MetricInfo& info) {
    if constexpr (std::same_as<Metric, Histogram>) {
      return prometheus::BuildHistogram()
          .Name(std::string(info.name))
          .Help(std::string(info.help))
          .Register(registry);
    } else {
      return prometheus::BuildCounter()
          .Name(std::string(info.name))
          .Help(std::string(info.help))
          .Register(registry);
    }
  }
  Metric& add(const prometheus::Labels& labels) {
    if constexpr (std::same_as<Metric, Histogram>) {
      return family_.Add(labels, buckets_);  // the same one for the same labels
    } else {
      return family_.Add(labels);
    }
  }

 public:
  MetricsBy(prometheus::Registry& registry, const MetricInfo& info,
            const Histogram::BucketBoundaries& buckets = kBuckets)
      : info_(info), buckets_(buckets), family_(make(registry, info)) {}

  Metric& at(const Key& key, std::initializer_list<std::string_view> labels) {
    {
      const std::shared_lock lock(mutex_);
      if (const auto found = by_key_.find(key); found != by_key_.end()) return *found->second;
    }
    Metric& made = add(labels_of(info_, labels));
    const std::unique_lock lock(mutex_);
    return *by_key_.emplace(key, &made).first->second;
  }
};

// "2xx", for the life of the process.
std::string_view class_of(int status) {
  static constexpr std::array<std::string_view, 6> kClasses{"0xx", "1xx", "2xx",
                                                            "3xx", "4xx", "5xx"};
  return kClasses.at(static_cast<std::size_t>(status / 100 % 6));
}

}  // namespace

class Metrics::Impl {
  using Texts = std::pair<std::string, std::string>;
  template <std::size_t kCount>
  using Views = std::array<std::string_view, kCount>;  // of texts of the program's own
  prometheus::Registry registry_;

 public:
  MetricsBy<Histogram, std::pair<std::string_view, int>> requests{
      registry_, metric("gesso_request_duration_seconds")};
  MetricsBy<Counter, Texts> problems{registry_, metric("gesso_problems_total")};
  MetricsBy<Counter, Texts> refusals{registry_, metric("gesso_http_refusals_total")};
  MetricsBy<Histogram, std::pair<std::string, bool>> commands{
      registry_, metric("gesso_database_command_duration_seconds")};
  MetricsBy<Counter, Texts> charges{registry_, metric("gesso_database_request_units_total")};
  MetricsBy<Counter, int> delays{registry_,
                                 metric("gesso_database_rate_limiting_delay_seconds_total")};
  MetricsBy<Histogram, int> waits{registry_, metric("gesso_database_wait_seconds")};
  MetricsBy<Histogram, std::string> pool_waits{registry_, metric("gesso_pool_wait_seconds")};
  MetricsBy<Histogram, Texts> sweeps{registry_, metric("gesso_sweep_duration_seconds")};
  MetricsBy<Counter, std::string> sweep_changes{registry_, metric("gesso_sweep_changes_total")};
  MetricsBy<Counter, Texts> webhooks{registry_, metric("gesso_webhooks_total")};
  MetricsBy<Counter, Views<2>> claims{registry_, metric("gesso_worker_claims_total")};
  MetricsBy<Counter, Views<3>> steps{registry_, metric("gesso_worker_steps_total")};
  MetricsBy<Counter, Views<2>> ends{registry_, metric("gesso_worker_ends_total")};
  MetricsBy<Histogram, Views<1>> paintings{
      registry_, metric("gesso_provider_painting_duration_seconds"), kPaintingBuckets};
  MetricsBy<Histogram, Views<1>> generations{registry_, metric("gesso_generation_duration_seconds"),
                                             kPaintingBuckets};
  MetricsBy<Counter, int> images{registry_, metric("gesso_images_stored_total")};
  MetricsBy<Counter, int> image_bytes{registry_, metric("gesso_images_stored_bytes_total")};

  // What may be counted is shown from the start, so that the first one is seen to have come.
  Impl() {
    for (const char* status : {"400", "408", "413", "431"}) {
      refusals.at({"request", status}, {"request", status});
    }
    for (const char* reason : {"memory", "connections"}) {
      refusals.at({reason, "503"}, {reason, "503"});
    }
    for (const char* outcome : {"applied", "repeated", "ignored", "parked"}) {
      webhooks.at({"stripe", outcome}, {"stripe", outcome});
    }
    for (const char* pool : {"hashing", "outgoing"}) pool_waits.at(pool, {pool});
    for (const char* sweep : {"charges", "subscriptions"}) {
      for (const char* outcome : {"ok", "failed"}) sweeps.at({sweep, outcome}, {sweep, outcome});
    }
    waits.at(0, {});
  }

  [[nodiscard]] std::vector<prometheus::MetricFamily> collect() const {
    return registry_.Collect();
  }
};

Metrics::Metrics() : impl_(std::make_unique<Impl>()) {}
Metrics::~Metrics() = default;

void Metrics::request(std::string_view operation, int status, std::chrono::microseconds duration) {
  impl_->requests
      .at({operation, status / 100}, {operation.empty() ? "none" : operation, class_of(status)})
      .Observe(seconds(duration));
}
void Metrics::problem(std::string_view operation, std::string_view code) {
  const std::string_view name = operation.empty() ? "none" : operation;
  impl_->problems.at({std::string(name), std::string(code)}, {name, code}).Increment();
}
void Metrics::refusal(std::string_view reason, int status) {
  const std::string text = std::to_string(status);
  impl_->refusals.at({std::string(reason), text}, {reason, text}).Increment();
}
void Metrics::command(std::string_view name, std::chrono::microseconds duration, bool ok) {
  impl_->commands.at({std::string(name), ok}, {name, ok ? "ok" : "failed"})
      .Observe(seconds(duration));
}
void Metrics::charge(const mongo::CommandCharge& charge) {
  impl_->charges
      .at({std::string(charge.operation), std::string(charge.collection)},
          {charge.operation, charge.collection})
      .Increment(charge.request_units * charge.weight);
  impl_->delays.at(0, {}).Increment(seconds(charge.delayed) * charge.weight);
}
void Metrics::wait(std::chrono::microseconds waited) {
  impl_->waits.at(0, {}).Observe(seconds(waited));
}
void Metrics::pool_wait(std::string_view pool, std::chrono::microseconds waited) {
  impl_->pool_waits.at(std::string(pool), {pool}).Observe(seconds(waited));
}
void Metrics::sweep(const domain::SweepRun& run) {
  const std::string_view outcome = run.ok ? "ok" : "failed";
  impl_->sweeps.at({std::string(run.name), std::string(outcome)}, {run.name, outcome})
      .Observe(seconds(run.duration));
  for (const auto& [change, count] : run.changes) {
    impl_->sweep_changes.at(std::string(change), {change}).Increment(static_cast<double>(count));
  }
}
void Metrics::webhook(std::string_view provider, std::string_view outcome) {
  impl_->webhooks.at({std::string(provider), std::string(outcome)}, {provider, outcome})
      .Increment();
}

void Metrics::claimed(domain::ProviderKind provider, std::int64_t attempt) {
  const std::string_view of = schema::to_string(provider);
  const std::string_view which = attempt > 1 ? "again" : "first";
  impl_->claims.at({of, which}, {of, which}).Increment();
}
void Metrics::stepped(domain::ProviderKind provider, std::string_view step,
                      std::string_view outcome) {
  const std::string_view of = schema::to_string(provider);
  impl_->steps.at({of, step, outcome}, {of, step, outcome}).Increment();
}
void Metrics::painted(domain::ProviderKind provider, std::chrono::milliseconds since_asked) {
  const std::string_view of = schema::to_string(provider);
  impl_->paintings.at({of}, {of}).Observe(seconds(since_asked));
}
void Metrics::stored(std::size_t images, std::uint64_t bytes) {
  impl_->images.at(0, {}).Increment(static_cast<double>(images));
  impl_->image_bytes.at(0, {}).Increment(static_cast<double>(bytes));
}
void Metrics::ended(domain::ProviderKind provider, domain::WorkEnd end,
                    std::chrono::milliseconds age) {
  const std::string_view of = schema::to_string(provider);
  const std::string_view as = schema::to_string(end);
  impl_->ends.at({of, as}, {of, as}).Increment();
  if (end == domain::WorkEnd::kCompleted) impl_->generations.at({of}, {of}).Observe(seconds(age));
}

namespace {

detail::MetricFamilies all_of(const MetricSources& sources,
                              std::vector<prometheus::MetricFamily> counted) {
  detail::MetricFamilies families;
  detail::add_sources(families, sources);
  families.add_all(std::move(counted));
  return families;
}

}  // namespace

std::string Metrics::text(const MetricSources& sources) const {
  return prometheus::TextSerializer().Serialize(all_of(sources, impl_->collect()).all());
}

std::vector<MetricSample> Metrics::samples(const MetricSources& sources) const {
  return detail::samples_of(all_of(sources, impl_->collect()));
}

}  // namespace gesso::api
