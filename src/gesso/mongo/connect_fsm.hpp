// When to try, to wait and to give up while connecting: a state machine without I/O or clock.
//
// A value of one owner; not thread-safe; never blocks. service.cpp drives it: it does what an
// action says and reports how that went.
#pragma once

#include <chrono>

namespace gesso::mongo {

class ConnectFsm {
 public:
  struct Options {
    int attempts = 3;
    std::chrono::milliseconds wait_min{2000};
    std::chrono::milliseconds wait_max{10000};
  };
  enum class Event {
    kStart,
    kConnected,
    kFailed,   // a later attempt may succeed
    kRefused,  // none will: credentials, a server too old
    kWaited,
    kStopped,  // the program is ending
  };
  struct Action {
    enum class Kind { kTry, kWait, kConnected, kGiveUp };
    Kind kind;
    std::chrono::milliseconds wait{0};  // for kWait
    friend bool operator==(const Action&, const Action&) = default;
  };

 private:
  Options options_;
  int failures_ = 0;

 public:
  explicit ConnectFsm(Options options) : options_(options) {}

  // `jitter` in [0, 1): a wait doubles from `wait_min` with each failure, is made up to half
  // longer by it, so that twenty processes do not come back together, and is at most `wait_max`.
  [[nodiscard]] Action resume(Event event, double jitter);

  [[nodiscard]] int failures() const { return failures_; }
};

}  // namespace gesso::mongo
