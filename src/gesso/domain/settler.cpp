#include "gesso/domain/settler.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <exception>
#include <iterator>
#include <utility>

namespace gesso::domain {

namespace {

std::vector<models::UsageLog> entries_of(const std::vector<SettleBatch>& batches) {
  std::vector<models::UsageLog> entries;
  for (const SettleBatch& batch : batches) {
    auto of_batch = entries_of(batch.holds);
    std::ranges::move(of_batch, std::back_inserter(entries));
  }
  return entries;
}

}  // namespace

bool SettleQueue::add(const Payer& payer, const CapturedHold& hold,
                      std::chrono::steady_clock::time_point now) {
  if (count_ >= options_.most) return false;
  const auto [place, is_first] = waiting_.try_emplace(payer, Waiting{.holds = {}, .since = now});
  place->second.holds.push_back(hold);
  ++count_;
  return true;
}

bool SettleQueue::has_batch(const Payer& payer) const {
  const auto found = waiting_.find(payer);
  return found != waiting_.end() && found->second.holds.size() >= options_.batch;
}

std::vector<CapturedHold> SettleQueue::take_if_full(const Payer& payer) {
  const auto found = waiting_.find(payer);
  if (found == waiting_.end() || found->second.holds.size() < options_.most_per_document) return {};
  std::vector<CapturedHold> holds = std::move(found->second.holds);
  waiting_.erase(found);
  count_ -= holds.size();
  return holds;
}

std::vector<SettleBatch> SettleQueue::take_due(std::chrono::steady_clock::time_point now) {
  std::vector<SettleBatch> due;
  for (auto it = waiting_.begin(); it != waiting_.end();) {
    Waiting& waiting = it->second;
    if (waiting.holds.size() < options_.batch && now - waiting.since < options_.linger) {
      ++it;
      continue;
    }
    count_ -= waiting.holds.size();
    due.push_back({it->first, std::move(waiting.holds)});
    it = waiting_.erase(it);
  }
  return due;
}

std::vector<SettleBatch> SettleQueue::take_all() {
  std::vector<SettleBatch> all;
  for (auto& [payer, waiting] : waiting_) all.push_back({payer, std::move(waiting.holds)});
  waiting_.clear();
  count_ = 0;
  return all;
}

Settler::Settler(mongo::Service& database, const repositories::RepositoryContext& context,
                 SettlerOptions options)
    : database_(database), context_(context), options_(options), queue_(options) {
  thread_ = std::thread([this] { work(); });
}

Settler::~Settler() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
  }
  changed_.notify_all();
  thread_.join();
  flush();
}

bool Settler::add(const Payer& payer, const CapturedHold& hold) {
  bool wake = false;
  {
    const std::lock_guard lock(mutex_);
    if (!queue_.add(payer, hold, context_.clock.steady_now())) return false;
    wake = !hurry_ && queue_.has_batch(payer);
    hurry_ = hurry_ || wake;
  }
  if (wake) changed_.notify_all();
  return true;
}

void Settler::make_room(Holds& holds, const Payer& payer) {
  std::vector<CapturedHold> full;
  {
    const std::lock_guard lock(mutex_);
    full = queue_.take_if_full(payer);
  }
  if (!full.empty()) holds.capture(payer, full);
}

void Settler::flush() {
  std::vector<SettleBatch> all;
  {
    const std::lock_guard lock(mutex_);
    all = queue_.take_all();
  }
  settle(std::move(all));
}

std::size_t Settler::size() const {
  const std::lock_guard lock(mutex_);
  return queue_.size();
}

void Settler::work() {
  std::unique_lock lock(mutex_);
  while (!ending_) {
    changed_.wait_for(lock, std::max(options_.linger, std::chrono::milliseconds(1)),
                      [this] { return ending_ || hurry_; });
    hurry_ = false;
    std::vector<SettleBatch> due = queue_.take_due(context_.clock.steady_now());
    lock.unlock();
    settle(std::move(due));
    lock.lock();
  }
}

// In as many units of work as may run at once, so that they share the server's commits.
void Settler::settle(std::vector<SettleBatch> batches) {
  const std::size_t units = std::min(options_.parallel, batches.size());
  if (units == 0) return;
  std::vector<std::vector<SettleBatch>> shares(units);
  for (std::size_t i = 0; i < batches.size(); ++i) {
    shares[i % units].push_back(std::move(batches[i]));
  }
  std::size_t running = units;  // guarded by mutex_
  const auto done = [&] {
    const std::lock_guard lock(mutex_);
    --running;
    changed_.notify_all();  // under the mutex: who waits for `running` leaves with it
  };
  for (std::vector<SettleBatch>& share : shares) {
    database_.submit(
        Deadline::after(database_.default_deadline()),
        [&](mongo::Session& session) {
          run(session, share);
          done();
        },
        [&](const std::exception_ptr& refusal) {
          for (SettleBatch& batch : share) give_up(batch, refusal);
          done();
        });
  }
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return running == 0; });
}

void Settler::run(mongo::Session& session, std::vector<SettleBatch>& batches) {
  Holds holds(session, context_);
  try {
    holds.write_entries(entries_of(batches));
  } catch (...) {
    for (SettleBatch& batch : batches) give_up(batch, std::current_exception());
    return;
  }
  for (SettleBatch& batch : batches) {
    try {
      holds.capture_written(batch.payer, batch.holds);
    } catch (...) {
      give_up(batch, std::current_exception());
    }
  }
}

void Settler::give_up(SettleBatch& batch, const std::exception_ptr& reason) {
  bool later = false;
  try {
    std::rethrow_exception(reason);
  } catch (const Error& error) {
    later = error.kind() == ErrorKind::kOverloaded || error.kind() == ErrorKind::kThrottled ||
            error.kind() == ErrorKind::kUnavailable || error.kind() == ErrorKind::kTimeout;
    spdlog::warn("settler: {} holds wait for {}: {}", batch.holds.size(),
                 later ? "the next try" : "the sweep", error.what());
  } catch (const std::exception& error) {
    spdlog::warn("settler: {} holds wait for the sweep: {}", batch.holds.size(), error.what());
  }
  const std::lock_guard lock(mutex_);
  if (!later || ending_) return;  // the sweep finds them
  for (const CapturedHold& hold : batch.holds) {
    if (!queue_.add(batch.payer, hold, context_.clock.steady_now())) return;
  }
}

}  // namespace gesso::domain
