// From Prometheus' families to single figures. For metrics.cpp alone. A pure function.
#pragma once

#include <cmath>
#include <map>
#include <string>
#include <vector>

#include "gesso/api/detail/metric_families.hpp"
#include "gesso/api/metric_history.hpp"

namespace gesso::api::detail {

[[nodiscard]] inline std::vector<MetricSample> samples_of(const MetricFamilies& families) {
  std::vector<MetricSample> samples;
  for (const prometheus::MetricFamily& family : families.all()) {
    std::map<double, double> buckets;
    for (const prometheus::ClientMetric& metric : family.metric) {
      MetricLabels labels;
      for (const auto& label : metric.label) labels.emplace_back(label.name, label.value);
      if (family.type == prometheus::MetricType::Histogram) {
        for (const auto& bucket : metric.histogram.bucket) {
          buckets[bucket.upper_bound] += static_cast<double>(bucket.cumulative_count);
        }
        samples.push_back({.name = family.name + "_count",
                           .labels = labels,
                           .value = static_cast<double>(metric.histogram.sample_count)});
        samples.push_back({.name = family.name + "_sum",
                           .labels = std::move(labels),
                           .value = metric.histogram.sample_sum});
      } else {
        const bool is_counter = family.type == prometheus::MetricType::Counter;
        samples.push_back({.name = family.name,
                           .labels = std::move(labels),
                           .value = is_counter ? metric.counter.value : metric.gauge.value});
      }
    }
    for (const auto& [bound, count] : buckets) {
      std::string text = std::isinf(bound) ? "+Inf" : std::to_string(bound);
      if (const std::size_t end = text.find_last_not_of('0'); text.find('.') != std::string::npos) {
        text.erase(text[end] == '.' ? end : end + 1);
      }
      samples.push_back(
          {.name = family.name + "_bucket", .labels = {{"le", std::move(text)}}, .value = count});
    }
  }
  return samples;
}

}  // namespace gesso::api::detail
