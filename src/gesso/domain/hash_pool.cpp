#include "gesso/domain/hash_pool.hpp"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

namespace gesso::domain {

bool FairQueue::push(std::string_view key, Waiting task) {
  if (size_ >= limit_) return false;
  Key whose(task.kind, key);
  auto place = tasks_.find(whose);
  if (place == tasks_.end()) {
    place = tasks_.try_emplace(whose).first;
    turns_.push_back(std::move(whose));
  } else if (place->second.size() >= limit_per_key_) {
    return false;
  }
  place->second.push_back(std::move(task));
  ++size_;
  return true;
}

std::optional<FairQueue::Waiting> FairQueue::pop(const MayRun& may_run) {
  const auto turn =
      std::ranges::find_if(turns_, [&](const Key& key) { return may_run(key.first); });
  if (turn == turns_.end()) return std::nullopt;
  Key key = std::move(*turn);
  turns_.erase(turn);
  const auto place = tasks_.find(key);
  Waiting next = std::move(place->second.front());
  place->second.pop_front();
  --size_;
  if (place->second.empty()) {
    tasks_.erase(place);
  } else {
    turns_.push_back(std::move(key));
  }
  return next;
}

HashPool::HashPool(std::size_t threads, std::size_t queue_limit, std::size_t limit_per_key,
                   WaitTimer time_wait, std::size_t threads_per_kind)
    : queue_(queue_limit,
             limit_per_key == 0 ? std::max<std::size_t>(1, queue_limit / 4) : limit_per_key),
      time_wait_(std::move(time_wait)),
      threads_per_kind_(threads_per_kind == 0 ? threads : threads_per_kind) {
  for (std::size_t i = 0; i < std::max<std::size_t>(1, threads); ++i) {
    threads_.emplace_back([this] { work(); });
  }
}

HashPool::~HashPool() { stop(); }

void HashPool::stop() {
  {
    FairQueue dropped(0, 0);  // destroyed outside the lock
    const std::lock_guard lock(mutex_);
    ending_ = true;
    std::swap(dropped, queue_);
  }
  changed_.notify_all();
  for (std::thread& thread : threads_) {
    if (thread.joinable()) thread.join();
  }
}

bool HashPool::submit(std::string_view key, Deadline deadline, Task task, Task late,
                      std::string_view kind) {
  {
    const std::lock_guard lock(mutex_);
    if (ending_ || !queue_.push(key, {.deadline = deadline,
                                      .task = std::move(task),
                                      .late = std::move(late),
                                      .since = std::chrono::steady_clock::now(),
                                      .kind = std::string(kind)})) {
      return false;
    }
  }
  changed_.notify_one();
  return true;
}

std::size_t HashPool::waiting() const {
  const std::lock_guard lock(mutex_);
  return queue_.size();
}

// On Linux a thread has a niceness of its own. Where it cannot be set, hashes are merely as urgent
// as requests.
void HashPool::give_way() {
  (void)::setpriority(PRIO_PROCESS, static_cast<id_t>(::gettid()), kNiceness);
}

void HashPool::work() {
  give_way();
  std::optional<FairQueue::Waiting> next;
  const auto take = [&] {
    next = queue_.pop([this](const std::string& kind) {
      return running_[kind] < std::max<std::size_t>(1, threads_per_kind_);
    });
    return next.has_value();
  };
  std::unique_lock lock(mutex_);
  while (true) {
    // Whoever ends a task looks for the next one itself, hence nobody else is woken for that.
    changed_.wait(lock, [&] { return ending_ || take(); });
    if (ending_) return;
    ++running_[next->kind];
    lock.unlock();
    if (time_wait_) {
      time_wait_(std::chrono::duration_cast<std::chrono::microseconds>(
          std::chrono::steady_clock::now() - next->since));
    }
    next->deadline.expired() ? next->late() : next->task();
    const std::string kind = std::move(next->kind);
    next.reset();  // what it held goes outside the lock
    lock.lock();
    --running_[kind];
  }
}

}  // namespace gesso::domain
