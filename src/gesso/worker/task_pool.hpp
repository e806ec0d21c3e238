// Threads that wait for others: providers, the store. Thread-safe; `run` never blocks. Destroying
// it waits for what runs and drops what waits.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace gesso::worker {

class TaskPool {
  std::mutex mutex_;  // guards the three below
  std::deque<std::function<void()>> waiting_;
  std::size_t idle_ = 0;
  bool ending_ = false;
  std::condition_variable changed_;
  const std::size_t most_;
  std::vector<std::thread> threads_;  // guarded by mutex_ until the end

  void work();

 public:
  // At most so many threads, begun as they are needed.
  explicit TaskPool(std::size_t most) : most_(most) {}
  ~TaskPool();
  TaskPool(const TaskPool&) = delete;
  TaskPool& operator=(const TaskPool&) = delete;

  // The task must not throw.
  void run(std::function<void()> task);
};

}  // namespace gesso::worker
