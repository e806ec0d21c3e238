// When to fetch a token, when to serve the one that is held, and when to leave its source alone: a
// state machine without I/O, threads, clock or randomness.
//
// A value of one owner; not thread-safe; never blocks. token_cache.cpp drives it.
#pragma once

#include <algorithm>
#include <chrono>

namespace gesso::azure {

class TokenFsm {
 public:
  // Of a clock that never goes back: a wall clock that is set does not make a token older.
  using Moment = std::chrono::steady_clock::time_point;
  using Millis = std::chrono::milliseconds;

  struct Options {
    // A token with less left is not served any more: it would end on the way. A quarter of its life
    // where that is less.
    Millis margin{60'000};
    // A token that replaced a refused one so short a time ago is not replaced because somebody
    // refuses it too: he would refuse the next one as well.
    Millis fresh_cooldown{60'000};
    // Between two refreshes, for sources that give the same token again and again.
    Millis refresh_min{30'000};
    // After a failure, doubled with each; then a request is refused with what failed before.
    Millis retry_min{1'000};
    Millis retry_max{30'000};
  };
  enum class Action {
    kServe,   // the token that is held
    kFetch,   // begin: the machine counts the fetch as in flight from here on
    kWait,    // for the fetch in flight
    kRefuse,  // with the failure of before: it is too early to try again
  };

 private:
  Options options_;
  bool held_ = false;
  bool in_flight_ = false;
  bool replacing_ = false;  // what is in flight is to replace a token that was refused
  int failures_ = 0;
  Moment settled_ = {};  // a refusal changes nothing before
  Moment serve_until_ = {};
  Moment refresh_at_ = {};
  Moment not_before_ = {};  // the next try after a failure

 public:
  explicit TokenFsm(Options options) : options_(options) {}

  // Somebody wants a token; `fresh`: the one that is held was refused.
  [[nodiscard]] Action ask(Moment now, bool fresh) {
    const bool usable = held_ && now < serve_until_;
    if (usable && (!fresh || now < settled_)) return Action::kServe;
    if (in_flight_) return Action::kWait;
    if (now < not_before_) return Action::kRefuse;
    in_flight_ = true;
    replacing_ = fresh;
    return Action::kFetch;
  }

  // Whether the token that is held is to be replaced now, though nobody waits for it.
  [[nodiscard]] bool due(Moment now) const { return !in_flight_ && now >= next(); }
  // When it will be; Moment::max() where no token is held.
  [[nodiscard]] Moment next() const {
    return held_ ? std::max(refresh_at_, not_before_) : Moment::max();
  }
  // Begins the fetch that is due.
  void begin() { in_flight_ = true; }

  // The fetch gave a token: its life and when to ask for the next. `jitter` in [0, 1) puts that off
  // by up to a tenth of what is left, so that a fleet does not come at once.
  void fetched(Moment now, Millis life, Millis refresh_after, double jitter);
  // It failed; a token that is held stays. `jitter` makes the wait 0.8 to 1.3 of itself.
  void failed(Moment now, double jitter);
};

}  // namespace gesso::azure
