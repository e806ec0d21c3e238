// A moment by which a unit of work must be done. A value; passed down by copy.
#pragma once

#include <algorithm>
#include <chrono>

namespace gesso {

class Deadline {
  using SteadyClock = std::chrono::steady_clock;
  SteadyClock::time_point at_ = SteadyClock::time_point::max();

  explicit Deadline(SteadyClock::time_point at) : at_(at) {}

 public:
  // Never expires.
  Deadline() = default;

  [[nodiscard]] static Deadline after(std::chrono::milliseconds duration) {
    return Deadline(SteadyClock::now() + duration);
  }
  [[nodiscard]] static Deadline at(SteadyClock::time_point moment) { return Deadline(moment); }

  [[nodiscard]] bool is_set() const { return at_ != SteadyClock::time_point::max(); }
  [[nodiscard]] SteadyClock::time_point moment() const { return at_; }
  [[nodiscard]] bool expired() const { return is_set() && SteadyClock::now() >= at_; }

  // Time left, rounded up to a whole millisecond so that work with time left is never given
  // zero; 0 when expired; std::chrono::milliseconds::max() when not set.
  [[nodiscard]] std::chrono::milliseconds remaining() const {
    if (!is_set()) return std::chrono::milliseconds::max();
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(at_ - SteadyClock::now());
    return std::max(left, std::chrono::milliseconds{0});
  }

  [[nodiscard]] Deadline earlier_of(Deadline other) const {
    return Deadline(std::min(at_, other.at_));
  }
};

}  // namespace gesso
