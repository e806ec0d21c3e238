// How the service fares, as an administrator sees it.
#include "gesso/api/metric_history.hpp"
#include "gesso/api/operations.hpp"

namespace gesso::api {

struct GetMetricHistory {
  std::optional<Time> after = {};
  schema::Integer<1, 720> points = 180;
};
GESSO_FIELDS(GetMetricHistory, (after, "Only what came after: the last time of the answer before."),
             (points, "At most so many moments; more are thinned out.", schema::kHasDefault))

struct MetricLabelView {
  std::string name;
  std::string value;

  static constexpr std::string_view kName = "MetricLabel";
};
GESSO_FIELDS(MetricLabelView, (name, "What is told apart."), (value, "Which one it is."))

struct MetricSeriesView {
  std::string name;
  std::vector<MetricLabelView> labels;
  std::vector<double> values;

  static constexpr std::string_view kName = "MetricSeries";
};
GESSO_FIELDS(MetricSeriesView,
             (name,
              "As /metrics has it. Of a histogram `_count` and `_sum` by its labels, and "
              "`_bucket` by `le` over all of them."),
             (labels, "Which of the metric's figures it is."),
             (values, "One for each of `times`. Counters grow from when the process began."))

struct MetricHistoryView {
  std::vector<Time> times;
  std::vector<MetricSeriesView> series;

  static constexpr std::string_view kName = "MetricHistory";
  static constexpr std::string_view kAbout =
      "The metrics of the instance that answers, over the last hour at most.";
};
GESSO_FIELDS(MetricHistoryView, (times, "When they were read, oldest first."),
             (series, "Those that were not 0 throughout."))

namespace {

// An hour of metrics is thinned out under a lock that the sampler takes, too: not on an I/O thread.
Result<MetricHistoryView> get_metric_history(DatabaseCall& call, const GetMetricHistory& asked) {
  MetricHistoryView view;
  if (call.services.metric_history == nullptr) return view;
  MetricExcerpt excerpt = call.services.metric_history->excerpt(
      asked.after, static_cast<std::size_t>(asked.points.value()));
  view.times = std::move(excerpt.times);
  for (MetricSeries& one : excerpt.series) {
    MetricSeriesView& series = view.series.emplace_back();
    series.name = std::move(one.name);
    series.values = std::move(one.values);
    for (auto& [name, value] : one.labels) {
      series.labels.push_back({.name = std::move(name), .value = std::move(value)});
    }
  }
  return view;
}

constexpr Operation kOperations[] = {
    operation<get_metric_history>(
        {.path = "/api/v1/admin/metrics",
         .id = "getMetricHistory",
         .tag = "Administration",
         .summary = "The metrics over the last hour, for charts.",
         .description = "Of the instance that answers, sampled every five seconds. Where there are "
                        "several, Prometheus has all of them: see /metrics.",
         .scope = Scope::kAdmin}),
};

}  // namespace

Operations admin_metric_operations() { return kOperations; }

}  // namespace gesso::api
