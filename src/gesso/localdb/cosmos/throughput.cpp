#include "gesso/localdb/cosmos/throughput.hpp"

#include <algorithm>
#include <cmath>

namespace gesso::localdb::cosmos {
namespace {

using std::chrono::duration_cast;
using std::chrono::milliseconds;

// Burst capacity: a partition of fewer units than these saves what it does not use, for so many
// seconds, and spends no more than these a second.
constexpr double kBurstRate = 3000;
constexpr double kBurstSeconds = 300;

std::int64_t milliseconds_of(std::chrono::steady_clock::time_point now) {
  return duration_cast<milliseconds>(now.time_since_epoch()).count();
}

double share_of(const Provision& provision) {
  return provision.ru / static_cast<double>(provision.partitions);
}

bool saves(double share) { return share < kBurstRate; }

}  // namespace

Throughput::Window& Throughput::window_of(const Provision& provision, std::size_t partition,
                                          TimePoint now) {
  std::vector<Window>& windows = windows_[provision.owner];
  const std::int64_t second = milliseconds_of(now) / 1000;
  // A new partition begins with nothing saved.
  if (windows.size() < provision.partitions) {
    windows.resize(provision.partitions, Window{.second = second});
  }
  Window& window = windows[partition];
  // Whoever asked for the time ahead of another may come behind it.
  if (window.second >= second) return window;
  const double share = share_of(provision);
  if (burst_ && saves(share)) {
    const auto idle = static_cast<double>(second - window.second - 1);
    window.saved += share - window.used + share * idle;
    window.saved = std::clamp(window.saved, 0.0, kBurstSeconds * share);
  }
  window.second = second;
  window.used = 0;
  return window;
}

double Throughput::left_in(const Window& window, double share) const {
  const double allowed =
      burst_ && saves(share) ? std::min(kBurstRate, share + window.saved) : share;
  return allowed - window.used;
}

std::optional<std::int64_t> Throughput::admit(const Provision& provision, std::size_t partition,
                                              TimePoint now) {
  const std::lock_guard lock(mutex_);
  const double share = share_of(provision);
  const double left = left_in(window_of(provision, partition, now), share);
  if (left > 0) return std::nullopt;
  const auto in_window = static_cast<double>(1000 - milliseconds_of(now) % 1000);
  return static_cast<std::int64_t>(std::ceil(in_window + 1000 * -left / share));
}

void Throughput::charge(const Provision& provision, std::size_t partition, double ru,
                        TimePoint now) {
  const std::lock_guard lock(mutex_);
  window_of(provision, partition, now).used += ru;
}

}  // namespace gesso::localdb::cosmos
