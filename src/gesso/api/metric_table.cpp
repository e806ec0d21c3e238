#include "gesso/api/metric_table.hpp"

#include <algorithm>

namespace gesso::api {

std::string_view to_string(MetricType type) noexcept {
  switch (type) {
    case MetricType::kCounter:
      return "counter";
    case MetricType::kGauge:
      return "gauge";
    case MetricType::kHistogram:
      return "histogram";
  }
  return "untyped";
}

std::string metric_names() {
  std::string text;
  for (const MetricInfo& info : kMetrics) {
    text.append(info.name).append(" ").append(to_string(info.type));
    if (!info.labels.empty()) text.append(" ").append(info.labels);
    text += '\n';
  }
  return text;
}

std::string metrics_markdown() {
  std::string text = R"(# Metrics

What `/metrics` shows, in Prometheus' text format. Made from `src/gesso/api/metric_table.hpp`; a test
compares. Alerts and recording rules over them: `deploy/prometheus/gesso.rules.yml`. What to watch
and what to do: [OPERATIONS.md](OPERATIONS.md#metrics).

| metric | type | labels | |
|---|---|---|---|
)";
  for (const MetricInfo& info : kMetrics) {
    text.append("| `").append(info.name).append("` | ").append(to_string(info.type)).append(" | ");
    std::string_view rest = info.labels;
    while (!rest.empty()) {
      const std::string_view label = rest.substr(0, rest.find(' '));
      rest.remove_prefix(std::min(label.size() + 1, rest.size()));
      text.append("`").append(label).append(rest.empty() ? "`" : "`, ");
    }
    text.append(" | ").append(info.help).append(" |\n");
  }
  return text;
}

}  // namespace gesso::api
