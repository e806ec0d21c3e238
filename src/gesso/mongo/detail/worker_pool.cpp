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

bool WorkerPool::takes_more() const {
  if (queued() < options_.queue_limit) return true;
  return queued() == 0 && (!idle_.empty() || workers_.size() < options_.workers);
}

void WorkerPool::submit(Unit unit) {
  std::exception_ptr refused;
  Worker* called = nullptr;
  if (unit.deadline.expired()) {
    refused = expired();
  } else {
    const std::lock_guard lock(mutex_);
    if (stopping_) {
      refused = shut_down();
    } else if (takes_more()) {
      const Deadline deadline = unit.deadline;
      queues_[static_cast<std::size_t>(unit.priority)].push_back(std::move(unit));
      called = dispatch();
      if (queued() != 0 && deadline.moment() < earliest_.moment()) {
        earliest_ = deadline;
        reaper_woken_.notify_one();
      }
    } else {
      refused = refusal(ErrorKind::kOverloaded, "too many units of work wait for the database");
    }
  }
  if (called != nullptr) called->woken.notify_one();  // who wakes finds the mutex free
  if (refused) unit.refused(refused);
}

std::optional<WorkerPool::Unit> WorkerPool::take_next() {
  next_look_ = Deadline();
  auto& background = queues_[static_cast<std::size_t>(Priority::kBackground)];
  auto& foreground = queues_[static_cast<std::size_t>(Priority::kForeground)];
  if (background.empty() && foreground.empty()) return std::nullopt;
  const auto now = std::chrono::steady_clock::now();
  const bool overdue =
      !background.empty() &&
      now - std::max(last_background_, background.front().submitted) >= kBackgroundPatience;
  auto& queue = overdue || foreground.empty() ? background : foreground;
  if (options_.admit) {
    // Who is overdue is taken as if somebody waited for it.
    const auto wait = options_.admit(overdue ? Priority::kForeground : queue.front().priority);
    if (wait.count() > 0) {
      next_look_ = Deadline::after(std::chrono::ceil<std::chrono::milliseconds>(wait));
      reaper_woken_.notify_one();
      return std::nullopt;
    }
  }
  std::optional<Unit> unit(std::move(queue.front()));
  queue.pop_front();
  if (&queue == &background) last_background_ = now;
  return unit;
}

WorkerPool::Worker* WorkerPool::dispatch() {
  Worker* called = nullptr;
  while (queued() != 0 && (!idle_.empty() || workers_.size() < options_.workers)) {
    std::optional<Unit> unit = take_next();
    if (!unit) break;
    if (idle_.empty()) {
      if (!start_worker()) {  // no more threads: those that are there will do
        queues_[static_cast<std::size_t>(unit->priority)].push_front(std::move(*unit));
        break;
      }
      workers_.back()->assigned = std::move(unit);
      continue;
    }
    if (called != nullptr) called->woken.notify_one();
    called = idle_.back();
    idle_.pop_back();
    called->assigned = std::move(unit);
  }
  return called;
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
    if (!self.assigned) self.assigned = take_next();
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
    const Deadline next = earliest_.earlier_of(next_look_);
    if (!next.is_set()) {
      reaper_woken_.wait(lock);
      continue;
    }
    reaper_woken_.wait_until(lock, next.moment());
    if (next_look_.is_set() && next_look_.expired()) {
      next_look_ = Deadline();
      if (Worker* const called = dispatch()) called->woken.notify_one();
    }
    if (!earliest_.expired()) continue;
    earliest_ = Deadline();
    std::vector<Unit> late;
    for (auto& queue : queues_) take_late(queue, late);
    lock.unlock();
    for (const Unit& unit : late) unit.refused(expired());
    late.clear();
    lock.lock();
  }
}

void WorkerPool::take_late(std::deque<Unit>& queue, std::vector<Unit>& late) {
  for (auto at = queue.begin(); at != queue.end();) {
    if (at->deadline.expired()) {
      late.push_back(std::move(*at));
      at = queue.erase(at);
    } else {
      earliest_ = earliest_.earlier_of(at->deadline);
      ++at;
    }
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
  std::array<std::deque<Unit>, 2> refused;
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    refused.swap(queues_);
    for (const auto& worker : workers_) worker->woken.notify_one();
    reaper_woken_.notify_one();
  }
  for (const auto& queue : refused) {
    for (const Unit& unit : queue) unit.refused(shut_down());
  }
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
  Status status{.workers = workers_.size(), .busy = busy_, .queued = queued()};
  const auto now = std::chrono::steady_clock::now();
  for (const auto& queue : queues_) {
    if (queue.empty()) continue;
    status.longest_wait = std::max(
        status.longest_wait,
        std::chrono::duration_cast<std::chrono::milliseconds>(now - queue.front().submitted));
  }
  return status;
}

}  // namespace gesso::mongo::detail
