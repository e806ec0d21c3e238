#include "gesso/api/metric_history.hpp"

#include <algorithm>
#include <condition_variable>
#include <iterator>

namespace gesso::api {

void MetricHistory::add(Time at, const std::vector<MetricSample>& samples) {
  const std::lock_guard lock(mutex_);
  Moment moment{.at = at, .values = std::vector<double>(series_.size())};
  for (const MetricSample& sample : samples) {
    auto found = series_.find({sample.name, sample.labels});
    if (found == series_.end()) {
      if (series_.size() == kMostSeries) continue;
      found = series_.emplace(Key{sample.name, sample.labels}, series_.size()).first;
      moment.values.resize(series_.size());
    }
    moment.values[found->second] = sample.value;
  }
  moments_.push_back(std::move(moment));
  if (moments_.size() > limit_) moments_.pop_front();
}

MetricExcerpt MetricHistory::excerpt(std::optional<Time> after, std::size_t points) const {
  const std::lock_guard lock(mutex_);
  const auto first =
      after ? std::ranges::upper_bound(moments_, *after, {}, &Moment::at) : moments_.begin();
  const auto count = static_cast<std::size_t>(moments_.end() - first);
  const std::size_t step = points == 0 ? count + 1 : (count + points - 1) / points;
  std::vector<const Moment*> chosen;
  for (std::size_t back = 1; back <= count; back += std::max<std::size_t>(step, 1)) {
    chosen.push_back(&*std::prev(moments_.end(), static_cast<std::ptrdiff_t>(back)));
  }
  std::ranges::reverse(chosen);

  MetricExcerpt excerpt;
  for (const Moment* moment : chosen) excerpt.times.push_back(moment->at);
  for (const auto& [key, number] : series_) {
    std::vector<double> values;
    for (const Moment* moment : chosen) {
      values.push_back(number < moment->values.size() ? moment->values[number] : 0);
    }
    if (std::ranges::all_of(values, [](double value) { return value == 0; })) continue;
    excerpt.series.push_back(
        {.name = key.first, .labels = key.second, .values = std::move(values)});
  }
  return excerpt;
}

MetricSampler::MetricSampler(MetricHistory& history, const Clock& clock,
                             std::chrono::milliseconds interval,
                             std::function<std::vector<MetricSample>()> collect)
    : thread_([&history, &clock, interval, collect = std::move(collect)](std::stop_token stop) {
        std::mutex mutex;  // guards nothing: the condition variable asks for one
        std::condition_variable_any stopped;
        std::unique_lock lock(mutex);
        while (!stop.stop_requested()) {
          history.add(clock.now(), collect());
          stopped.wait_for(lock, stop, interval, [&] { return stop.stop_requested(); });
        }
      }) {}

}  // namespace gesso::api
