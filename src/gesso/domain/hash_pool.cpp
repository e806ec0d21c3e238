#include "gesso/domain/hash_pool.hpp"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

namespace gesso::domain {

bool FairQueue::push(std::string_view key, Waiting task) {
  if (size_ >= limit_) return false;
  auto place = tasks_.find(key);
  if (place == tasks_.end()) {
    place = tasks_.try_emplace(std::string(key)).first;
    turns_.emplace_back(key);
  } else if (place->second.size() >= limit_per_key_) {
    return false;
  }
  place->second.push_back(std::move(task));
  ++size_;
  return true;
}

FairQueue::Waiting FairQueue::pop() {
  std::string key = std::move(turns_.front());
  turns_.pop_front();
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
                   WaitTimer time_wait)
    : queue_(queue_limit,
             limit_per_key == 0 ? std::max<std::size_t>(1, queue_limit / 4) : limit_per_key),
      time_wait_(std::move(time_wait)) {
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

bool HashPool::submit(std::string_view key, Deadline deadline, Task task, Task late) {
  {
    const std::lock_guard lock(mutex_);
    if (ending_ || !queue_.push(key, {.deadline = deadline,
                                      .task = std::move(task),
                                      .late = std::move(late),
                                      .since = std::chrono::steady_clock::now()})) {
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
  while (true) {
    FairQueue::Waiting next;
    {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [this] { return ending_ || !queue_.empty(); });
      if (ending_) return;
      next = queue_.pop();
    }
    if (time_wait_) {
      time_wait_(std::chrono::duration_cast<std::chrono::microseconds>(
          std::chrono::steady_clock::now() - next.since));
    }
    next.deadline.expired() ? next.late() : next.task();
  }
}

}  // namespace gesso::domain
