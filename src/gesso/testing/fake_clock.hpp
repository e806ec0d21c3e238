// A clock that moves when a test says so.
//
// Owned by the test; thread-safe; never blocks.
#pragma once

#include <chrono>
#include <mutex>

#include "gesso/base/clock.hpp"

namespace gesso::testing {

class FakeClock final : public Clock {
  mutable std::mutex mutex_;  // guards the two below
  Time now_;
  std::chrono::steady_clock::time_point steady_now_{std::chrono::hours{24}};

 public:
  // 2026-01-31T12:00:00Z unless told otherwise.
  explicit FakeClock(Time now = std::chrono::sys_days{std::chrono::year{2026} / 1 / 31} +
                                std::chrono::hours{12})
      : now_(now) {}

  [[nodiscard]] Time now() const override {
    const std::lock_guard lock(mutex_);
    return now_;
  }
  [[nodiscard]] std::chrono::steady_clock::time_point steady_now() const override {
    const std::lock_guard lock(mutex_);
    return steady_now_;
  }

  // Moves both clocks.
  void advance(std::chrono::milliseconds duration) {
    const std::lock_guard lock(mutex_);
    now_ += duration;
    steady_now_ += duration;
  }
  // Sets the wall clock alone, backwards if wanted, as an administrator or NTP does.
  void set_now(Time now) {
    const std::lock_guard lock(mutex_);
    now_ = now;
  }
};

}  // namespace gesso::testing
