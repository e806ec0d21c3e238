// The limiter that all leases of a service share, and what commands cost usually. Internal to
// mongo/.
//
// Thread-safe. Never blocks for longer than a few additions take; while nothing is shaped, asking
// costs the load of one atomic.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "gesso/mongo/request_charge.hpp"
#include "gesso/mongo/throughput_limiter.hpp"

namespace gesso::mongo::detail {

// A refusal for want of capacity.
struct Refusal {
  std::optional<std::chrono::milliseconds> retry_after;
};

class LimiterGate {
 public:
  using Duration = ThroughputLimiter::Duration;

 private:
  std::atomic<bool> shaping_{false};
  mutable std::mutex mutex_;  // guards the two below
  ThroughputLimiter limiter_;
  // Of one document, by operation and collection, as the server said lately.
  std::map<std::string, double, std::less<>> usual_;

 public:
  [[nodiscard]] bool is_shaping() const { return shaping_.load(std::memory_order_relaxed); }
  // As ThroughputLimiter's.
  [[nodiscard]] ThroughputLimiter::Admission admit(Priority priority);
  // How long a command of a unit that runs already waits before asking again; zero: not at all.
  [[nodiscard]] Duration pause(Priority priority);
  // Takes the charge of a command for so many documents, `measured` or to be estimated by what such
  // commands cost usually, and whether it was refused for want of capacity. Gives the charge.
  double charged(const CommandCharge& charge, bool measured, std::size_t documents,
                 const std::optional<Refusal>& refused);
  void finished(Priority priority, double reserved, double request_units);
  [[nodiscard]] double budget() const;
};

// What a reply, or a statement of a write in it, says of capacity that the server had not.
[[nodiscard]] std::optional<Refusal> refusal_of(bson::View reply);

}  // namespace gesso::mongo::detail
