// Prometheus' families, made of rows of the metric table. For metrics.cpp and metric_sources.cpp
// alone. Not thread-safe.
#pragma once

#include <prometheus/client_metric.h>
#include <prometheus/labels.h>
#include <prometheus/metric_family.h>

#include <algorithm>
#include <chrono>
#include <initializer_list>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "gesso/api/metric_table.hpp"

namespace gesso::api::detail {

// REQUIRES: as many values as the metric has labels.
[[nodiscard]] inline prometheus::Labels labels_of(const MetricInfo& info,
                                                  std::initializer_list<std::string_view> values) {
  prometheus::Labels labels;
  std::string_view rest = info.labels;
  for (const std::string_view value : values) {
    const std::string_view name = rest.substr(0, rest.find(' '));
    labels.emplace(name, value);
    rest.remove_prefix(std::min(name.size() + 1, rest.size()));
  }
  return labels;
}

class MetricFamilies {
  std::vector<prometheus::MetricFamily> families_;

 public:
  // A counter or a gauge. Those of one metric follow each other.
  template <class T>
  requires std::is_arithmetic_v<T>
  void add(const MetricInfo& info, T value, std::initializer_list<std::string_view> labels = {}) {
    if (families_.empty() || families_.back().name != info.name) {
      families_.push_back({.name = std::string(info.name),
                           .help = std::string(info.help),
                           .type = info.type == MetricType::kCounter
                                       ? prometheus::MetricType::Counter
                                       : prometheus::MetricType::Gauge,
                           .metric = {}});
    }
    prometheus::ClientMetric metric;
    for (auto& [name, label] : labels_of(info, labels)) metric.label.push_back({name, label});
    (info.type == MetricType::kCounter ? metric.counter.value : metric.gauge.value) =
        static_cast<double>(value);
    families_.back().metric.push_back(std::move(metric));
  }
  template <class Rep, class Period>
  void add(const MetricInfo& info, std::chrono::duration<Rep, Period> value,
           std::initializer_list<std::string_view> labels = {}) {
    add(info, std::chrono::duration<double>(value).count(), labels);
  }
  void add_all(std::vector<prometheus::MetricFamily> families) {
    for (auto& family : families) families_.push_back(std::move(family));
  }
  [[nodiscard]] const std::vector<prometheus::MetricFamily>& all() const { return families_; }
};

}  // namespace gesso::api::detail
