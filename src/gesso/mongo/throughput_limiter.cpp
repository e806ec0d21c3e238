#include "gesso/mongo/throughput_limiter.hpp"

#include <algorithm>
#include <numeric>

namespace gesso::mongo {
namespace {

using std::chrono::duration;
using std::chrono::duration_cast;
using std::chrono::milliseconds;
using Seconds = duration<double>;

constexpr milliseconds kSlot{100};
// Nobody waits for longer before asking again: others' work may end for less than was reserved.
constexpr milliseconds kLongestWait{1000};
constexpr milliseconds kShortestWait{1};
// After a refusal that names no time.
constexpr milliseconds kUnnamedPause{50};
// Of the last unit's charge in the running average.
constexpr double kWeight = 0.1;

}  // namespace

void ThroughputLimiter::turn(TimePoint now) {
  const std::int64_t slot = now.time_since_epoch() / kSlot;
  const std::int64_t passed = std::min<std::int64_t>(slot - slot_, kSlots);
  for (std::int64_t i = 0; i < passed; ++i) {
    charged_[static_cast<std::size_t>((slot - i) % static_cast<std::int64_t>(kSlots))] = 0;
  }
  if (passed > 0) slot_ = slot;
}

double ThroughputLimiter::charged_lately(TimePoint now) {
  turn(now);
  return std::accumulate(charged_.begin(), charged_.end(), 0.0);
}

double ThroughputLimiter::most() const {
  return std::max(budget_ * options_.burst, 2 * unit_charge_[0]);
}

void ThroughputLimiter::advance(TimePoint now) {
  if (now <= filled_at_) return;
  const double seconds = Seconds(now - filled_at_).count();
  filled_at_ = now;
  if (now - refused_at_ > options_.forget_after) {
    budget_ = 0;
    return;
  }
  if (delayed_) budget_ *= 1 + options_.growth * std::min(seconds, 1.0);
  delayed_ = false;
  level_ = std::min(level_ + budget_ * seconds, most());
}

ThroughputLimiter::Admission ThroughputLimiter::admit(Priority priority, TimePoint now) {
  if (budget_ <= 0) return {};
  advance(now);
  if (budget_ <= 0) return {};
  const double expected = unit_charge_[static_cast<std::size_t>(priority)];
  const double needed = priority == Priority::kBackground ? most() / 2 : 0;
  if (now < resumes_at_) return {.wait = resumes_at_ - now};
  if (level_ >= needed) {
    level_ -= expected;
    return {.reserved = expected};
  }
  delayed_ = true;
  const auto until = duration_cast<Duration>(Seconds((needed - level_) / budget_));
  return {.wait = std::clamp<Duration>(until + kShortestWait, kShortestWait, kLongestWait)};
}

void ThroughputLimiter::charged(double request_units, TimePoint now) {
  turn(now);
  charged_[static_cast<std::size_t>(slot_ % static_cast<std::int64_t>(kSlots))] += request_units;
  if (budget_ <= 0) return;
  advance(now);
  level_ -= request_units;
}

void ThroughputLimiter::refused(std::optional<milliseconds> retry_after, TimePoint now) {
  const bool first = budget_ <= 0;
  refused_at_ = now;
  resumes_at_ =
      std::max(resumes_at_, now + std::min(retry_after.value_or(kUnnamedPause), kLongestWait));
  // What was in flight when the window was spent is refused too: one lesson a window.
  if (!first && now - lowered_at_ < std::chrono::seconds(1)) return;
  lowered_at_ = now;
  const double given = charged_lately(now) * (1 - options_.headroom);
  if (first) {
    filled_at_ = now;
    level_ = 0;
    budget_ = std::max(given, options_.least);
    return;
  }
  advance(now);
  // Another's work, or a hot partition, may have spent it: no more than by half at a time.
  budget_ = std::max({std::min(given, budget_), budget_ / 2, options_.least});
  level_ = std::min(level_, 0.0);
}

void ThroughputLimiter::finished(Priority priority, double reserved, double request_units,
                                 TimePoint now) {
  double& average = unit_charge_[static_cast<std::size_t>(priority)];
  average += kWeight * (request_units - average);
  if (budget_ <= 0) return;
  advance(now);
  level_ += reserved;
}

}  // namespace gesso::mongo
