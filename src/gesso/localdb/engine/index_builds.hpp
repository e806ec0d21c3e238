// Lets a createIndexes wait for a build of another command.
//
// Shared by all commands; thread-safe. `wait` blocks, and looks at its interrupt all the while.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>

namespace gesso::localdb {

class IndexBuilds {
  mutable std::mutex mutex_;  // guards what is below
  std::condition_variable changed_;
  std::uint64_t ended_ = 0;

 public:
  // A build that runs in this command.
  class Scope {
    IndexBuilds& builds_;

   public:
    explicit Scope(IndexBuilds& builds) : builds_(builds) {}
    Scope(const Scope&) = delete;
    Scope& operator=(const Scope&) = delete;
    ~Scope() {
      {
        const std::lock_guard lock(builds_.mutex_);
        ++builds_.ended_;
      }
      builds_.changed_.notify_all();
    }
  };

  // How many builds have ended so far.
  [[nodiscard]] std::uint64_t ended() const {
    const std::lock_guard lock(mutex_);
    return ended_;
  }

  // Until more than `before` have ended. Throws what `check_interrupt` throws.
  void wait(std::uint64_t before, const std::function<void()>& check_interrupt) {
    constexpr auto kBetweenChecks = std::chrono::milliseconds{20};
    std::unique_lock lock(mutex_);
    while (!changed_.wait_for(lock, kBetweenChecks, [&] { return ended_ > before; })) {
      lock.unlock();
      check_interrupt();
      lock.lock();
    }
  }
};

}  // namespace gesso::localdb
