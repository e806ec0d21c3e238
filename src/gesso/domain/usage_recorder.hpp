// Usage logs off the path of requests: what happened is queued in memory, and a thread of its own
// writes it down in batches.
//
// An entry gets its id and its moment when it is recorded, so that a batch can be sent again after
// a lost answer: what stands already is a duplicate, and ignored. While the database fails, entries
// wait, and it is tried again and again; no more than `queue_limit` wait, those that come then are
// dropped and counted. A clean stop writes down what waits.
//
// Thread-safe; `record` never blocks. Owned by whoever serves; borrows the database and the
// context.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>
#include <span>
#include <thread>
#include <vector>

#include "gesso/base/deadline.hpp"
#include "gesso/models/usage_log.hpp"
#include "gesso/mongo/service.hpp"
#include "gesso/repositories/repository_context.hpp"

namespace gesso::domain {

struct UsageRecorderOptions {
  std::size_t queue_limit = 50'000;  // entries in memory, at about 500 bytes each
  std::size_t batch_size = 500;      // so many are written at once, and as soon as so many wait
  std::chrono::milliseconds flush_interval{1'000};
  std::chrono::milliseconds write_timeout{20'000};  // of a batch
  std::chrono::milliseconds retry_min{200};         // doubles from failure to failure
  std::chrono::milliseconds retry_max{10'000};
};

struct UsageStatistics {
  std::uint64_t recorded = 0;        // taken by `record`
  std::uint64_t written = 0;         // in the database
  std::uint64_t dropped_full = 0;    // refused by `record`, since so many waited
  std::uint64_t dropped_late = 0;    // left when the time to stop was over
  std::uint64_t dropped_unfit = 0;   // refused by the database for what they are
  std::uint64_t failed_batches = 0;  // tried in vain, and again later
  std::size_t waiting = 0;           // now
  std::optional<Time> oldest = {};   // of those, when it was recorded
};

class UsageRecorder {
  mongo::Service& database_;
  const repositories::RepositoryContext& context_;
  UsageRecorderOptions options_;
  mutable std::mutex mutex_;  // guards the next six
  std::vector<models::UsageLog> queue_;
  std::size_t being_written_ = 0;     // entries that were taken from the queue, and still count
  std::optional<Time> oldest_taken_;  // of those
  bool stopping_ = false;
  Deadline stop_by_;
  UsageStatistics statistics_;
  std::condition_variable changed_;
  bool failing_ = false;  // of the thread alone
  std::thread thread_;

 public:
  UsageRecorder(mongo::Service& database, const repositories::RepositoryContext& context,
                const UsageRecorderOptions& options = {});
  // Stops with 5 s to go, unless it has stopped.
  ~UsageRecorder();
  UsageRecorder(const UsageRecorder&) = delete;
  UsageRecorder& operator=(const UsageRecorder&) = delete;

  // Whether it was taken; false where the queue is full, or after `stop`.
  bool record(models::UsageLogCreate entry);

  // Takes no more, writes down what waits by the deadline, and returns how many entries were left.
  // Blocks. REQUIRES: the database still serves, and no other thread stops it. Idempotent.
  std::size_t stop(Deadline deadline);

  [[nodiscard]] UsageStatistics statistics() const;

 private:
  // What became of a batch. The entries that are kept, to be tried again, stand at its front.
  struct Outcome {
    std::size_t written = 0;
    std::size_t unfit = 0;
    std::size_t kept = 0;
  };

  void work();
  // REQUIRES: the mutex.
  void note_taken(const std::vector<models::UsageLog>& backlog);
  void wait(std::unique_lock<std::mutex>& lock, std::chrono::milliseconds pause, bool idle);
  [[nodiscard]] Outcome write(std::span<models::UsageLog> batch, Deadline deadline);
};

}  // namespace gesso::domain
