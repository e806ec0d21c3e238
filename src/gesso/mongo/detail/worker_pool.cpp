#include "gesso/mongo/detail/worker_pool.hpp"

#include <algorithm>
#include <system_error>
#include <utility>

#include "gesso/base/error.hpp"

namespace gesso::mongo::detail {
namespace {

std::exception_ptr refusal(ErrorKind kind, const char* why) {
  return std::make_exception_ptr(Error(kind, why, {.retryable = true}));
}

std::exception_ptr shut_down() {
  return refusal(ErrorKind::kUnavailable, "the database service is shutting down");
}

std::exception_ptr expired() {
  return refusal(ErrorKind::kTimeout, "the deadline passed before a connection was free");
}

}  // namespace

WorkerPool::WorkerPool(Options options)
    : options_(std::move(options)), reaper_([this] { reap(); }) {}

WorkerPool::~WorkerPool() { stop(); }

void WorkerPool::submit(Unit unit) {
  std::exception_ptr refused;
  Worker* called = nullptr;
  if (unit.deadline.expired()) {
    refused = expired();
  } else {
    const std::lock_guard lock(mutex_);
    if (stopping_) {
      refused = shut_down();
    } else if (!idle_.empty()) {
      called = idle_.back();
      idle_.pop_back();
      called->assigned = std::move(unit);
    } else if (workers_.size() < options_.workers && start_worker()) {
      workers_.back()->assigned = std::move(unit);
    } else if (queue_.size() < options_.queue_limit) {
      if (unit.deadline.moment() < earliest_.moment()) {
        earliest_ = unit.deadline;
        reaper_woken_.notify_one();
      }
      queue_.push_back(std::move(unit));
    } else {
      refused = refusal(ErrorKind::kOverloaded, "too many units of work wait for the database");
    }
  }
  if (called != nullptr) called->woken.notify_one();  // who wakes finds the mutex free
  if (refused) unit.refused(refused);
}

bool WorkerPool::start_worker() {
  Worker& worker = *workers_.emplace_back(std::make_unique<Worker>());
  try {
    worker.thread = std::jthread([this, &worker] { work(worker); });
    return true;
  } catch (const std::system_error&) {  // no more threads: those that are there will do
    workers_.pop_back();
    return false;
  }
}

void WorkerPool::work(Worker& self) {
  const std::unique_ptr<WorkerState> state = options_.make_state();
  std::unique_lock lock(mutex_);
  for (;;) {
    if (!self.assigned && !queue_.empty()) {
      self.assigned = std::move(queue_.front());
      queue_.pop_front();
    }
    if (self.assigned) {
      Unit unit = std::move(*self.assigned);
      self.assigned.reset();
      ++busy_;
      lock.unlock();
      if (unit.deadline.expired()) {
        unit.refused(expired());
      } else {
        unit.work(*state);
      }
      unit = {};  // what it holds ends outside the lock
      lock.lock();
      --busy_;
      continue;
    }
    if (stopping_) return;
    idle_.push_back(&self);
    (void)self.woken.wait_for(lock, options_.upkeep_period,
                              [&] { return self.assigned || stopping_ || self.upkeep_due; });
    self.upkeep_due = false;
    if (self.assigned) continue;  // `submit` took it out of idle_
    std::erase(idle_, &self);
    if (stopping_) continue;
    lock.unlock();
    state->upkeep();
    lock.lock();
  }
}

void WorkerPool::reap() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    if (!earliest_.is_set()) {
      reaper_woken_.wait(lock);
      continue;
    }
    reaper_woken_.wait_until(lock, earliest_.moment());
    if (!earliest_.expired()) continue;
    earliest_ = Deadline();
    std::vector<Unit> late;
    for (auto at = queue_.begin(); at != queue_.end();) {
      if (at->deadline.expired()) {
        late.push_back(std::move(*at));
        at = queue_.erase(at);
      } else {
        earliest_ = earliest_.earlier_of(at->deadline);
        ++at;
      }
    }
    lock.unlock();
    for (const Unit& unit : late) unit.refused(expired());
    late.clear();
    lock.lock();
  }
}

void WorkerPool::call_upkeep() {
  const std::lock_guard lock(mutex_);
  for (const auto& worker : workers_) {
    worker->upkeep_due = true;
    worker->woken.notify_one();
  }
}

void WorkerPool::stop() {
  std::deque<Unit> refused;
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    refused.swap(queue_);
    for (const auto& worker : workers_) worker->woken.notify_one();
    reaper_woken_.notify_one();
  }
  for (const Unit& unit : refused) unit.refused(shut_down());
  // No worker is added any more. Joining twice (two threads stop) is not supported by jthread, so
  // the first one takes them. The workers themselves stay: `submit` may be about to wake one.
  std::vector<std::jthread> threads;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& worker : workers_) threads.push_back(std::move(worker->thread));
    threads.push_back(std::move(reaper_));
  }
  for (std::jthread& thread : threads) {
    if (thread.joinable()) thread.join();
  }
}

WorkerPool::Status WorkerPool::status() const {
  const std::lock_guard lock(mutex_);
  Status status{.workers = workers_.size(), .busy = busy_, .queued = queue_.size()};
  if (!queue_.empty()) {
    status.longest_wait = std::chrono::duration_cast<std::chrono::milliseconds>(
        std::chrono::steady_clock::now() - queue_.front().submitted);
  }
  return status;
}

}  // namespace gesso::mongo::detail
