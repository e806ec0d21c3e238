// Threads that run units of work, the newest idle one first, and the bounded queue before them.
// Who waits in the background waits behind all in the foreground.
// Knows nothing of databases: what a unit runs with is the `WorkerState` of its thread. Internal to
// mongo/.
//
// Thread-safe. `submit` never blocks for longer than starting a thread takes. Threads are started
// when they are needed. Destroying it stops it.
#pragma once

#include <array>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "gesso/base/deadline.hpp"
#include "gesso/mongo/throughput_limiter.hpp"

namespace gesso::mongo::detail {

// What one worker thread has of its own; made, used and destroyed by that thread only.
class WorkerState {
 public:
  WorkerState() = default;
  WorkerState(const WorkerState&) = delete;
  WorkerState& operator=(const WorkerState&) = delete;
  virtual ~WorkerState() = default;

  // Called after an idle stretch of `upkeep_period`, and when `call_upkeep` says so.
  virtual void upkeep() = 0;
};

class WorkerPool {
 public:
  struct Unit {
    Deadline deadline;
    std::function<void(WorkerState&)> work;
    std::function<void(std::exception_ptr)> refused;
    Priority priority = Priority::kForeground;
    std::chrono::steady_clock::time_point submitted = std::chrono::steady_clock::now();
  };
  using Admit = std::function<ThroughputLimiter::Duration(Priority)>;
  struct Options {
    std::size_t workers = 50;
    std::size_t queue_limit = 1000;
    std::chrono::milliseconds upkeep_period{60'000};
    std::function<std::unique_ptr<WorkerState>()> make_state;  // called on the new thread
    // How long a unit waits before this is asked again; zero: it may start. Must not block.
    Admit admit;
  };
  struct Status {
    std::size_t workers = 0;
    std::size_t busy = 0;
    std::size_t queued = 0;
    std::chrono::milliseconds longest_wait{0};  // of those that wait now
  };

 private:
  struct Worker {
    std::condition_variable woken;
    std::optional<Unit> assigned;
    bool upkeep_due = false;
    std::jthread thread;
  };

  Options options_;
  mutable std::mutex mutex_;  // guards what follows
  bool stopping_ = false;
  std::array<std::deque<Unit>, 2> queues_;  // by priority
  std::vector<std::unique_ptr<Worker>> workers_;
  std::vector<Worker*> idle_;  // the newest last
  std::size_t busy_ = 0;
  Deadline earliest_;                                        // of what is queued, or earlier
  std::chrono::steady_clock::time_point last_background_{};  // when such a unit was last started
  Deadline next_look_;  // when a unit that was not admitted is looked at again; unset: none waits
  std::condition_variable reaper_woken_;
  std::jthread reaper_;  // refuses what expires in the queue

 public:
  explicit WorkerPool(Options options);
  ~WorkerPool();
  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;

  // As `Service::submit`.
  void submit(Unit unit);
  // Has all workers do their upkeep as soon as they are idle; does not wait for it.
  void call_upkeep();
  // As `Service::stop`.
  void stop();
  [[nodiscard]] Status status() const;

 private:
  // REQUIRES, of what follows up to `queued`: the mutex.
  bool start_worker();
  // The unit that starts now: foreground before background, each in its order; but one of the
  // background each `kBackgroundPatience`, whatever waits before it.
  std::optional<Unit> take_next();
  // Gives what is queued to workers that idle or can be started. All are woken but one, which is
  // the caller's to wake.
  Worker* dispatch();
  [[nodiscard]] bool takes_more() const;
  [[nodiscard]] std::size_t queued() const { return queues_[0].size() + queues_[1].size(); }
  void work(Worker& self);
  void reap();
  // Moves those whose deadline has passed to `late`. REQUIRES: the mutex.
  void take_late(std::deque<Unit>& queue, std::vector<Unit>& late);
};

}  // namespace gesso::mongo::detail
