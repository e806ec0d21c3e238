// A few threads for work that takes the processor and nothing else: bcrypt, at a quarter of a
// second a hash. It must run neither on I/O threads nor on those that hold a connection, and a
// storm of logins must not take every core for minutes: the queue is short, and full means no.
//
// Thread-safe. `submit` never blocks. Destroying it drops what waits (the tasks are destroyed, not
// run) and waits for what runs.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include "gesso/base/deadline.hpp"

namespace gesso::domain {

class HashPool {
 public:
  using Task = std::function<void()>;

 private:
  struct Waiting {
    Deadline deadline;
    Task task;
    Task late;
  };
  std::mutex mutex_;  // guards the two below
  std::deque<Waiting> queue_;
  bool ending_ = false;
  std::condition_variable changed_;
  std::size_t queue_limit_;
  std::vector<std::thread> threads_;

  void work();

 public:
  HashPool(std::size_t threads, std::size_t queue_limit);
  ~HashPool();
  HashPool(const HashPool&) = delete;
  HashPool& operator=(const HashPool&) = delete;

  // Queues `task`; false when the queue is full. `late` runs instead where the deadline passed
  // before the task's turn. Neither may throw.
  [[nodiscard]] bool submit(Deadline deadline, Task task, Task late);
};

}  // namespace gesso::domain
