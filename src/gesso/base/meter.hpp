// How much work something has done, and the question, every so often, whether it is to go on.
//
//   Meter meter([&] { if (deadline.expired()) throw ...; });
//   const Meter::Scope scope(&meter);
//   ... anything that this thread runs, however deep, says `charge(bytes)` ...
//
// A loop whose length a client chooses charges what it touches: bytes, or some bytes' worth for a
// step. The meter looks after each 64 KiB, which is well under a millisecond of any work. It is the
// one thing that goes with the thread instead of through the parameters: the loops are in a hundred
// functions that have nothing else in common, and one that is forgotten is one that cannot be
// stopped.
//
// A Meter is used by one thread at a time; `work` may be asked by others. Owned by whoever runs the
// work.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <utility>

namespace gesso {

class Meter {
  static constexpr std::int64_t kPeriod = std::int64_t{64} << 10;
  static inline thread_local Meter* current_ = nullptr;

  std::function<void()> check_;
  std::int64_t left_ = kPeriod;
  std::atomic<std::uint64_t> work_ = 0;

 public:
  // What one round of a loop costs beside the bytes that it touches.
  static constexpr std::size_t kStep = 16;

  // `check` throws to end the work.
  explicit Meter(std::function<void()> check) : check_(std::move(check)) {}
  Meter(const Meter&) = delete;
  Meter& operator=(const Meter&) = delete;
  ~Meter() = default;

  void charge(std::size_t bytes) {
    left_ -= static_cast<std::int64_t>(bytes);
    if (left_ <= 0) [[unlikely]]
      look();
  }
  // Asks the check now. Throws what the check throws.
  void look() {
    work_.store(work_.load(std::memory_order_relaxed) + static_cast<std::uint64_t>(kPeriod - left_),
                std::memory_order_relaxed);
    left_ = kPeriod;
    check_();
  }
  // The work until the last look, in bytes. Any thread may ask.
  [[nodiscard]] std::uint64_t work() const { return work_.load(std::memory_order_relaxed); }

  // The meter of this thread; null where nobody counts.
  [[nodiscard]] static Meter* current() noexcept { return current_; }

  // Makes `meter`, which may be null, the thread's until the scope ends; then the one before is
  // the thread's again.
  class Scope {
    Meter* before_;

   public:
    explicit Scope(Meter* meter) noexcept : before_(std::exchange(current_, meter)) {}
    Scope(const Scope&) = delete;
    Scope& operator=(const Scope&) = delete;
    ~Scope() { current_ = before_; }
  };
};

// Charges the thread's meter, if it has one. Throws what its check throws.
inline void charge(std::size_t bytes) {
  if (Meter* const meter = Meter::current()) meter->charge(bytes);
}

}  // namespace gesso
