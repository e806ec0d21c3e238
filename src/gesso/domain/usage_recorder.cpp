#include "gesso/domain/usage_recorder.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "gesso/repositories/usage_log_repository.hpp"

namespace gesso::domain {

using models::UsageLog;
using repositories::UsageLogRepository;

UsageRecorder::UsageRecorder(mongo::Service& database,
                             const repositories::RepositoryContext& context,
                             const UsageRecorderOptions& options)
    : database_(database), context_(context), options_(options) {
  thread_ = std::thread([this] { work(); });
}

UsageRecorder::~UsageRecorder() { (void)stop(Deadline::after(std::chrono::seconds(5))); }

bool UsageRecorder::record(models::UsageLogCreate entry) {
  UsageLog log = repositories::make_usage_log(context_, std::move(entry));
  bool enough = false;
  {
    const std::lock_guard lock(mutex_);
    if (stopping_ || queue_.size() + being_written_ >= options_.queue_limit) {
      ++statistics_.dropped_full;
      return false;
    }
    queue_.push_back(std::move(log));
    ++statistics_.recorded;
    enough = queue_.size() == options_.batch_size;
  }
  if (enough) changed_.notify_all();
  return true;
}

std::size_t UsageRecorder::stop(Deadline deadline) {
  {
    const std::lock_guard lock(mutex_);
    if (!stopping_) stop_by_ = deadline;
    stopping_ = true;
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
  return statistics().dropped_late;
}

UsageStatistics UsageRecorder::statistics() const {
  const std::lock_guard lock(mutex_);
  UsageStatistics statistics = statistics_;
  statistics.waiting = queue_.size() + being_written_;
  statistics.oldest = oldest_taken_;
  if (!oldest_taken_ && !queue_.empty()) statistics.oldest = queue_.front().created_at;
  return statistics;
}

void UsageRecorder::work() {
  std::vector<UsageLog> backlog;       // what was taken from the queue; the batch is at its end
  std::chrono::milliseconds pause{0};  // after a failure
  std::size_t most = options_.batch_size;
  std::unique_lock lock(mutex_);
  for (;;) {
    wait(lock, pause, backlog.empty());
    if (backlog.empty()) backlog.swap(queue_);
    const bool late = stopping_ && stop_by_.expired();
    if (late || (stopping_ && backlog.empty())) {
      statistics_.dropped_late = backlog.size() + queue_.size();
      queue_.clear();
      being_written_ = 0;
      oldest_taken_.reset();
      break;
    }
    note_taken(backlog);
    if (backlog.empty()) continue;
    const auto batch = std::span(backlog).last(std::min(most, backlog.size()));
    const Deadline deadline =
        Deadline::after(options_.write_timeout).earlier_of(stopping_ ? stop_by_ : Deadline());
    lock.unlock();
    const Outcome outcome = write(batch, deadline);
    backlog.erase(backlog.end() - static_cast<std::ptrdiff_t>(batch.size() - outcome.kept),
                  backlog.end());
    lock.lock();
    note_taken(backlog);
    statistics_.written += outcome.written;
    statistics_.dropped_unfit += outcome.unfit;
    if (outcome.kept == 0) {
      pause = {};
      most = std::min(options_.batch_size, most * 2);
    } else {
      // A server that is throttled takes less at a time.
      ++statistics_.failed_batches;
      most = std::max<std::size_t>(1, most / 2);
      pause = std::clamp(pause * 2, options_.retry_min, options_.retry_max);
    }
  }
  if (statistics_.dropped_late > 0) {
    spdlog::warn("usage log: {} entries could not be written before the end",
                 statistics_.dropped_late);
  }
}

void UsageRecorder::note_taken(const std::vector<UsageLog>& backlog) {
  being_written_ = backlog.size();
  oldest_taken_ = backlog.empty() ? std::nullopt : std::optional(backlog.front().created_at);
}

void UsageRecorder::wait(std::unique_lock<std::mutex>& lock, std::chrono::milliseconds pause,
                         bool idle) {
  if (pause.count() > 0) {
    const bool was_stopping = stopping_;
    if (was_stopping) pause = std::min(pause, stop_by_.remaining());
    changed_.wait_for(lock, pause, [&] { return stopping_ != was_stopping; });
  } else if (idle) {
    changed_.wait_for(lock, options_.flush_interval,
                      [this] { return stopping_ || queue_.size() >= options_.batch_size; });
  }
}

UsageRecorder::Outcome UsageRecorder::write(std::span<UsageLog> batch, Deadline deadline) {
  Outcome outcome;
  std::optional<Error> failure;
  try {
    const repositories::CreateManyResult result = database_.run(
        deadline,
        [&](mongo::Session& session) {
          return UsageLogRepository(session, context_).create_many(batch);
        },
        mongo::Priority::kBackground);
    for (std::size_t i = 0; i < batch.size(); ++i) {
      const std::optional<Error>& refusal = result.failures[i];
      if (!refusal || refusal->kind() == ErrorKind::kDuplicate) {
        ++outcome.written;
      } else if (refusal->retryable()) {
        if (outcome.kept != i) batch[outcome.kept] = std::move(batch[i]);
        ++outcome.kept;
        failure = refusal;
      } else {
        ++outcome.unfit;
        spdlog::warn("usage log: an entry was refused: {}", refusal->what());
      }
    }
  } catch (const Error& error) {
    // What cannot even be sent would stop all that comes later; batches shrink until it is alone.
    const bool unfit = error.kind() == ErrorKind::kValidation && batch.size() == 1;
    (unfit ? outcome.unfit : outcome.kept) = batch.size();
    failure = error;
  }
  if (failure && !failing_) {
    spdlog::warn("usage log: the database refuses, entries wait: {}", failure->what());
  } else if (!failure && failing_) {
    spdlog::info("usage log: entries are written again");
  }
  failing_ = failure.has_value();
  return outcome;
}

}  // namespace gesso::domain
