// When to send again what a server had no capacity for: a state machine without I/O or clock.
//
// A value of one owner; not thread-safe; never blocks. The lease drives it (detail/lease.cpp): it
// waits as long as an action says, and reports how the next attempt went.
#pragma once

#include <chrono>
#include <optional>

namespace gesso::mongo {

class ThrottleFsm {
 public:
  struct Options {
    // The least wait doubles from the first to the second, whatever the server asks for.
    std::chrono::milliseconds wait_min{2};
    std::chrono::milliseconds wait_max{512};
  };
  struct Action {
    enum class Kind { kWait, kGiveUp };
    Kind kind;
    std::chrono::milliseconds wait{0};  // for kWait
    friend bool operator==(const Action&, const Action&) = default;
  };

 private:
  Options options_ = {};
  int refusals_ = 0;

 public:
  ThrottleFsm() = default;
  explicit ThrottleFsm(Options options) : options_(options) {}

  // After a refusal that named `retry_after`, or nothing. Gives up where what is asked for is not
  // less than what is `left` until the deadline: the answer would come too late. `jitter` in [0, 1)
  // makes a wait up to a quarter longer, so that not all that were refused together come back
  // together; never longer than `left`.
  [[nodiscard]] Action refused(std::optional<std::chrono::milliseconds> retry_after,
                               std::chrono::milliseconds left, double jitter);

  [[nodiscard]] int refusals() const { return refusals_; }
};

}  // namespace gesso::mongo
