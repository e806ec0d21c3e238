// A document of another server that is kept for an hour, and fetched anew before that only where it
// does not serve: at most once a minute, by one caller for all.
//
// Thread-safe. `get` blocks while it, or another caller, fetches.
#pragma once

#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <string_view>

#include "gesso/base/clock.hpp"
#include "gesso/base/error.hpp"
#include "gesso/client/call.hpp"

namespace gesso::domain::oauth {

template <class Value>
class Cached {
  using Moment = std::chrono::steady_clock::time_point;
  const Clock& clock_;
  std::mutex mutex_;  // guards what follows; not held while anybody fetches
  std::condition_variable_any changed_;
  std::shared_ptr<const Value> value_;
  Moment fetched_at_ = {};
  std::optional<Moment> tried_at_;
  bool fetching_ = false;

 public:
  static constexpr std::chrono::hours kFresh{1};
  // Where the server does not answer, what is known serves for so long: keys that it withdrew
  // meanwhile are trusted no longer.
  static constexpr std::chrono::hours kStale{24};
  static constexpr std::chrono::minutes kPause{1};

  explicit Cached(const Clock& clock) : clock_(clock) {}

  // The document: one that `serves` where it can be had, else the newest there is. `fetch` returns
  // a Value or throws, which is passed on where nothing is known. `doing` as for client::check.
  template <class Serves, class Fetch>
  [[nodiscard]] std::shared_ptr<const Value> get(Serves serves, Fetch fetch,
                                                 const client::Call& call, std::string_view doing) {
    std::unique_lock lock(mutex_);
    while (true) {
      const Moment now = clock_.steady_now();
      const auto age = now - fetched_at_;
      const bool known = value_ != nullptr && age < kStale;
      if (known && age < kFresh && serves(*value_)) return value_;
      if (known && tried_at_ && now - *tried_at_ < kPause) return value_;
      if (!fetching_) break;
      const Deadline until = Deadline::after(std::chrono::minutes{1}).earlier_of(call.deadline);
      changed_.wait_until(lock, call.stop, until.moment(), [&] { return !fetching_; });
      client::check(call, doing);
    }
    fetching_ = true;
    std::shared_ptr<const Value> fetched;
    std::optional<Error> failure;
    lock.unlock();
    try {
      fetched = std::make_shared<const Value>(fetch());
    } catch (const Error& error) {
      failure = error;
    } catch (...) {  // no memory: another caller may fetch
      lock.lock();
      fetching_ = false;
      changed_.notify_all();
      throw;
    }
    lock.lock();
    fetching_ = false;
    tried_at_ = clock_.steady_now();
    if (fetched != nullptr) {
      value_ = fetched;
      fetched_at_ = *tried_at_;
    }
    changed_.notify_all();
    if (failure && (value_ == nullptr || *tried_at_ - fetched_at_ >= kStale)) throw *failure;
    return value_;
  }
};

}  // namespace gesso::domain::oauth
