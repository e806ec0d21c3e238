// A few threads for work that takes the processor and nothing else: bcrypt, at a quarter of a
// second a hash. It must run neither on I/O threads nor on those that hold a connection.
//
// The queue is fair. Each task comes with a key, the network that it came from, and the keys take
// turns: whoever sends a thousand bad logins waits for them all, and the next one to log in waits
// for one. A key may have few tasks waiting, all keys together some more; beyond that the answer is
// no at once.
//
// Tasks may be of kinds: what waits for one slow service leaves threads to those that ask another.
//
// Its threads give way to all others of the machine: a hash may take a little longer, and a hundred
// short requests do not wait for it.
//
// Thread-safe. `submit` never blocks. Stopping it drops what waits (the tasks are destroyed, not
// run) and waits for what runs; destroying it stops it.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "gesso/base/deadline.hpp"

namespace gesso::domain {

// Tasks in the order of their turns. Not thread-safe; no I/O.
class FairQueue {
 public:
  using Task = std::function<void()>;
  struct Waiting {
    Deadline deadline;
    Task task;
    Task late;
    std::chrono::steady_clock::time_point since = {};
    std::string kind = {};
  };
  using MayRun = std::function<bool(const std::string& kind)>;

 private:
  using Key = std::pair<std::string, std::string>;  // and before it the kind
  // Each key's tasks, in the order in which they came. A key without a task is not among them.
  std::map<Key, std::deque<Waiting>> tasks_;
  std::deque<Key> turns_;  // the keys of `tasks_`, the next one first
  std::size_t size_ = 0;
  std::size_t limit_;
  std::size_t limit_per_key_;

 public:
  FairQueue(std::size_t limit, std::size_t limit_per_key)
      : limit_(limit), limit_per_key_(limit_per_key) {}

  // False where the queue, or the part of it for the key's tasks of this kind, is full.
  [[nodiscard]] bool push(std::string_view key, Waiting task);
  // The next one of the key whose turn it is, among the kinds that may run; std::nullopt where
  // nothing of these waits.
  [[nodiscard]] std::optional<Waiting> pop(const MayRun& may_run);
  [[nodiscard]] bool empty() const noexcept { return size_ == 0; }
  [[nodiscard]] std::size_t size() const noexcept { return size_; }
};

class HashPool {
 public:
  static constexpr int kNiceness = 10;  // of its threads

  using Task = FairQueue::Task;
  // Told how long each task waited for its thread, before it runs. Must not throw.
  using WaitTimer = std::function<void(std::chrono::microseconds waited)>;

 private:
  mutable std::mutex mutex_;  // guards the three below
  FairQueue queue_;
  std::map<std::string, std::size_t> running_;  // threads by kind
  bool ending_ = false;
  std::condition_variable changed_;
  const WaitTimer time_wait_;
  const std::size_t threads_per_kind_;
  std::vector<std::thread> threads_;

  static void give_way();
  void work();

 public:
  // `limit_per_key` 0 is a quarter of `queue_limit`. `threads_per_kind` is how many run tasks of
  // one kind at a time at the most; 0: all.
  HashPool(std::size_t threads, std::size_t queue_limit, std::size_t limit_per_key = 0,
           WaitTimer time_wait = {}, std::size_t threads_per_kind = 0);
  ~HashPool();
  HashPool(const HashPool&) = delete;
  HashPool& operator=(const HashPool&) = delete;

  // Queues `task` behind those of the same key and kind; false when the queue, or their part of
  // it, is full. `late` runs instead where the deadline passed before the task's turn. Neither may
  // throw.
  [[nodiscard]] bool submit(std::string_view key, Deadline deadline, Task task, Task late,
                            std::string_view kind = {});
  [[nodiscard]] bool submit(Deadline deadline, Task task, Task late) {
    return submit({}, deadline, std::move(task), std::move(late));
  }

  // Takes no more, drops what waits and blocks until what runs has ended: for an owner whose tasks
  // use what goes before the pool does. Idempotent. REQUIRES: no task and no other thread calls it.
  void stop();

  // Tasks that wait.
  [[nodiscard]] std::size_t waiting() const;
};

}  // namespace gesso::domain
