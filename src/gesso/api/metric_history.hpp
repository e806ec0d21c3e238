// What the metrics were over the last hour, for people who look now: /metrics tells how things are,
// and who has no Prometheus has no yesterday. Kept in memory, of this process alone.
#pragma once

#include <chrono>
#include <cstddef>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "gesso/base/clock.hpp"

namespace gesso::api {

using MetricLabels = std::vector<std::pair<std::string, std::string>>;  // in the metric's order

// One figure of a metric at one moment. A histogram is a `_count` and a `_sum` for its labels, and
// over all of them a `_bucket` for each `le`, which counts what took that long or less.
struct MetricSample {
  std::string name;
  MetricLabels labels = {};
  double value = 0;
};

struct MetricSeries {
  std::string name;
  MetricLabels labels;
  std::vector<double> values;  // one for each of the times
};
struct MetricExcerpt {
  std::vector<Time> times;
  std::vector<MetricSeries> series;  // those that are not 0 throughout
};

// The samples of the last while; older ones make room. Thread-safe; never blocks for longer than
// an excerpt takes.
class MetricHistory {
  struct Moment {
    Time at;
    std::vector<double> values;  // by the number of the series; those behind its end are 0
  };
  using Key = std::pair<std::string, MetricLabels>;
  const std::size_t limit_;
  mutable std::mutex mutex_;           // guards what follows
  std::map<Key, std::size_t> series_;  // the number of each
  std::deque<Moment> moments_;

 public:
  // Series beyond this many are left out: labels have few values, known in advance.
  static constexpr std::size_t kMostSeries = 1000;

  explicit MetricHistory(std::size_t limit) : limit_(limit) {}

  void add(Time at, const std::vector<MetricSample>& samples);

  // What was sampled after a moment, `points` times at most: the newest, and older ones at even
  // distances.
  [[nodiscard]] MetricExcerpt excerpt(std::optional<Time> after, std::size_t points) const;
};

// Samples now, and again after each interval, on a thread of its own, until it is destroyed.
// Borrows the history and the clock; `collect` is called on that thread.
class MetricSampler {
  std::jthread thread_;

 public:
  MetricSampler(MetricHistory& history, const Clock& clock, std::chrono::milliseconds interval,
                std::function<std::vector<MetricSample>()> collect);
};

}  // namespace gesso::api
