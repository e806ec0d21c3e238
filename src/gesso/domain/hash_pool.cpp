#include "gesso/domain/hash_pool.hpp"

#include <algorithm>

namespace gesso::domain {

HashPool::HashPool(std::size_t threads, std::size_t queue_limit) : queue_limit_(queue_limit) {
  for (std::size_t i = 0; i < std::max<std::size_t>(1, threads); ++i) {
    threads_.emplace_back([this] { work(); });
  }
}

HashPool::~HashPool() {
  {
    std::deque<Waiting> dropped;  // destroyed outside the lock
    const std::lock_guard lock(mutex_);
    ending_ = true;
    dropped.swap(queue_);
  }
  changed_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

bool HashPool::submit(Deadline deadline, Task task, Task late) {
  {
    const std::lock_guard lock(mutex_);
    if (ending_ || queue_.size() >= queue_limit_) return false;
    queue_.push_back({.deadline = deadline, .task = std::move(task), .late = std::move(late)});
  }
  changed_.notify_one();
  return true;
}

void HashPool::work() {
  while (true) {
    Waiting next;
    {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [this] { return ending_ || !queue_.empty(); });
      if (ending_) return;
      next = std::move(queue_.front());
      queue_.pop_front();
    }
    next.deadline.expired() ? next.late() : next.task();
  }
}

}  // namespace gesso::domain
