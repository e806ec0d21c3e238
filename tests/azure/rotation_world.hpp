// A vault, a database and requests against it, in simulated time, around a RotationFsm.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "gesso/azure/rotation_fsm.hpp"

namespace gesso::azure {

class World {
 public:
  using Moment = RotationFsm::Moment;
  using Kind = RotationFsm::Action::Kind;
  using milliseconds = std::chrono::milliseconds;

  struct Counts {
    int reads = 0;
    int applies = 0;
    int requests = 0;
    int failed = 0;                // requests
    milliseconds longest_wait{0};  // of a request
  };

  // What the machine sees; a test changes them, at once or by `at`.
  std::optional<std::string> vault;  // the latest version; std::nullopt: it is down
  std::set<std::string> keys;        // versions whose key the database accepts
  bool database_up = true;
  bool permitted = true;  // false: 13 although the credentials are good
  std::set<std::string> unreadable;
  milliseconds read_time{30};
  milliseconds apply_time{50};
  milliseconds request_interval{0};  // 0: no requests

  RotationFsm fsm;
  Counts counts;
  std::string in_use;
  std::vector<std::pair<milliseconds, RotationFsm::State>> states;  // each change

 private:
  struct Waiter {
    std::uint64_t pool_number;
    Moment since;
  };
  std::mt19937_64 random_;
  Moment start_{std::chrono::hours{24}};
  Moment now_ = start_;
  std::multimap<Moment, std::function<void()>> events_;
  std::vector<Waiter> waiters_;
  Moment next_request_ = start_;
  std::uint64_t pools_ = 0;

  double jitter() { return std::uniform_real_distribution<double>(0, 1)(random_); }

  void note() {
    if (states.empty() || states.back().second != fsm.state()) {
      states.emplace_back(time(), fsm.state());
    }
  }

  // A request on the pool of the current pool_number, tried again after each renewal.
  void request(std::uint64_t pool_number, Moment since) {
    for (int tries = 0; tries < 10; ++tries) {
      if (keys.contains(in_use) && permitted) {
        counts.longest_wait =
            std::max(counts.longest_wait, std::chrono::duration_cast<milliseconds>(now_ - since));
        return;
      }
      switch (fsm.refused(pool_number, now_)) {
        case RotationFsm::RefusalAction::kRetry:
          pool_number = fsm.pool_number();
          continue;
        case RotationFsm::RefusalAction::kNoUse:
          ++counts.failed;
          return;
        case RotationFsm::RefusalAction::kWait:
          if (now_ - since >= milliseconds{10'000}) {
            ++counts.failed;
          } else {
            waiters_.push_back({pool_number, since});
          }
          return;
      }
    }
    ++counts.failed;
  }

  // Time passes, with what happens in it, but for what the machine does.
  void pass(Moment until) {
    while (true) {
      Moment next = until;
      if (!events_.empty()) next = std::min(next, events_.begin()->first);
      const bool serving = request_interval.count() > 0 && fsm.pool_number() > 0;
      if (serving) next = std::min(next, std::max(next_request_, now_));
      now_ = std::max(now_, next);
      if (!events_.empty() && events_.begin()->first <= now_) {
        const auto event = events_.begin()->second;
        events_.erase(events_.begin());
        event();
      } else if (serving && next_request_ <= now_) {
        next_request_ = now_ + request_interval;
        ++counts.requests;
        request(fsm.pool_number(), now_);
        return;  // it may have woken the machine
      } else {
        return;
      }
    }
  }
  void pass_whole(milliseconds duration) {
    const Moment until = now_ + duration;
    while (now_ < until) pass(until);
  }

  void apply(const std::string& version) {
    ++counts.applies;
    pass_whole(apply_time);
    const double random = jitter();
    if (unreadable.contains(version)) {
      fsm.apply_failed(RotationFsm::ApplyResult::kUnreadable, now_, random);
    } else if (!database_up) {
      fsm.apply_failed(RotationFsm::ApplyResult::kUnavailable, now_, random);
    } else if (!keys.contains(version)) {
      fsm.apply_failed(RotationFsm::ApplyResult::kRefused, now_, random);
    } else {
      in_use = version;
      fsm.applied(++pools_, now_, random);
    }
  }

 public:
  explicit World(std::uint64_t seed = 1, RotationFsm::Options options = {})
      : fsm(options), random_(seed) {}

  [[nodiscard]] milliseconds time() const {
    return std::chrono::duration_cast<milliseconds>(now_ - start_);
  }
  void at(milliseconds time, std::function<void()> event) {
    events_.emplace(start_ + time, std::move(event));
  }

  // Lets it all run until then.
  void run(milliseconds until) {
    while (time() < until) {
      const RotationFsm::Action action = fsm.next(now_);
      switch (action.kind) {
        case Kind::kRead: {
          ++counts.reads;
          const std::optional<std::string> found = vault;
          pass_whole(read_time);
          if (found) {
            latest_ = *found;
            fsm.read(*found, now_, jitter());
          } else {
            fsm.read_failed(now_, jitter());
          }
          break;
        }
        case Kind::kApplyLatest:
          apply(latest_);
          break;
        case Kind::kApplyInUse:
          apply(in_use);
          break;
        case Kind::kWait:
          // Waiters that ran out of time are looked at each 100 ms.
          pass(std::min({action.until, start_ + until,
                         waiters_.empty() ? Moment::max() : now_ + milliseconds{100}}));
          break;
        case Kind::kStop:
          return;
      }
      note();
      std::vector<Waiter> waiters;
      waiters.swap(waiters_);
      for (const Waiter& waiter : waiters) request(waiter.pool_number, waiter.since);
    }
  }

  // What happened in `run` alone.
  [[nodiscard]] Counts run_and_count(milliseconds until) {
    counts = {};
    run(until);
    return counts;
  }

 private:
  std::string latest_;
};

}  // namespace gesso::azure
