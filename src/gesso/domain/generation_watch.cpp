#include "gesso/domain/generation_watch.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <exception>
#include <set>
#include <utility>

#include "gesso/domain/generations.hpp"

namespace gesso::domain {

using models::Generation;
using models::GenerationId;
using models::GenerationStatus;

namespace {

constexpr std::int64_t kEnded = std::int64_t{1} << 40;
constexpr std::int64_t kDeleted = kEnded + 1;
constexpr std::size_t kIdsPerQuery = 500;
constexpr std::chrono::seconds kQueryDeadline{5};
constexpr std::chrono::milliseconds kWithFeed{30'000};
// Some servers' streams tell of no deletes.
constexpr std::chrono::milliseconds kWithStream{10'000};

GenerationEvent event_of(const Generation& generation) {
  return {.position = position_of(generation),
          .is_last = has_ended(generation.status),
          .generation = generation};
}

LookIntervals intervals_of(const WatchOptions& options) {
  if (!options.has_feed) return options.looks;
  return {.min = kWithFeed, .max = kWithFeed, .retry = options.looks.retry};
}

GenerationWatch::Fetch fetch_by(mongo::Service& database,
                                const repositories::RepositoryContext& context) {
  return [&](const std::vector<GenerationId>& ids) {
    const auto find = [&](mongo::Session& session) {
      return repositories::GenerationRepository(session, context)
          .find_many(query::where<&Generation::id>.in(ids), query::unsorted,
                     {.skip_undecodable = [](const Error&) {}});
    };
    const Deadline deadline = Deadline::after(kQueryDeadline);
    std::vector<Generation> found;
    std::exception_ptr failure;
    const bool is_here = database.run_here(deadline, [&](mongo::Session& session) {
      try {
        found = find(session);
      } catch (...) {
        failure = std::current_exception();
      }
    });
    if (!is_here) return database.run(deadline, find);
    if (failure) std::rethrow_exception(failure);
    return found;
  };
}

}  // namespace

std::int64_t position_of(const Generation& generation) {
  if (has_ended(generation.status)) return kEnded;
  const std::int64_t claims = generation.attempts.value();
  if (generation.status == GenerationStatus::kPending) return 4 * claims;
  return std::max<std::int64_t>(1, 4 * claims - 2) + (generation.cancel_requested_at ? 1 : 0);
}

GenerationWatch::Subscription& GenerationWatch::Subscription::operator=(
    Subscription&& other) noexcept {
  if (this != &other) {
    end();
    watch_ = other.watch_;
    watcher_ = std::move(other.watcher_);
  }
  return *this;
}

void GenerationWatch::Subscription::end() {
  if (watcher_) watch_->unsubscribe(std::exchange(watcher_, nullptr));
}

GenerationWatch::GenerationWatch(Fetch fetch, WatchOptions options)
    : fetch_(std::move(fetch)), options_(options), schedule_(intervals_of(options)) {
  thread_ = std::thread([this] { work(); });
}

GenerationWatch::GenerationWatch(mongo::Service& database,
                                 const repositories::RepositoryContext& context,
                                 WatchOptions options)
    : GenerationWatch(fetch_by(database, context), options) {}

GenerationWatch::~GenerationWatch() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
  }
  changed_.notify_all();
  thread_.join();
  // A callback may own its subscription, which owns the watcher, and looks at the members of this:
  // it goes before them.
  const auto left = std::exchange(watchers_, {});
  for (const auto& [id, of_id] : left) {
    for (const auto& watcher : of_id) {
      watcher->on_event = nullptr;
      watcher->on_quiet = nullptr;
    }
  }
}

GenerationWatch::Subscription GenerationWatch::watch(const GenerationId& id, std::int64_t after,
                                                     OnEvent on_event, OnQuiet on_quiet) {
  auto watcher = std::make_shared<Watcher>(Watcher{.id = id,
                                                   .position = after,
                                                   .last_told = std::chrono::steady_clock::now(),
                                                   .on_event = std::move(on_event),
                                                   .on_quiet = std::move(on_quiet)});
  {
    const std::lock_guard lock(mutex_);
    watchers_[id].push_back(watcher);
    schedule_.hurry(id, std::chrono::steady_clock::now());
  }
  changed_.notify_all();
  return {*this, std::move(watcher)};
}

void GenerationWatch::notify(const Generation& generation) {
  if (options_.has_feed) return;
  {
    const std::lock_guard lock(mutex_);
    if (!watchers_.contains(generation.id)) return;
    notified_.push_back(generation);
  }
  changed_.notify_all();
}

void GenerationWatch::changed(const GenerationId& id) {
  {
    const std::lock_guard lock(mutex_);
    if (!watchers_.contains(id)) return;
    schedule_.hurry(id, std::chrono::steady_clock::now());
  }
  changed_.notify_all();
}

void GenerationWatch::feed_opened() {
  use({.min = kWithStream, .max = kWithStream, .retry = options_.looks.retry});
}

void GenerationWatch::feed_closed() { use(options_.looks); }

void GenerationWatch::use(const LookIntervals& intervals) {
  {
    const std::lock_guard lock(mutex_);
    schedule_.use(intervals, std::chrono::steady_clock::now());
  }
  changed_.notify_all();
}

bool GenerationWatch::wait_for_watchers(const std::stop_token& stop) {
  const std::stop_callback woken(stop, [this] {
    const std::lock_guard lock(mutex_);
    changed_.notify_all();
  });
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return stop.stop_requested() || !watchers_.empty(); });
  return !stop.stop_requested();
}

std::size_t GenerationWatch::watchers() const {
  const std::lock_guard lock(mutex_);
  std::size_t count = 0;
  for (const auto& [id, of_id] : watchers_) count += of_id.size();
  return count;
}

void GenerationWatch::work() {
  using std::chrono::steady_clock;
  const auto between_quiets = std::max(options_.quiet / 4, std::chrono::milliseconds{1});
  auto next_quiet = steady_clock::now() + between_quiets;
  std::unique_lock lock(mutex_);
  while (!ending_) {
    const auto now = steady_clock::now();
    const auto told = std::exchange(notified_, {});
    const std::vector<GenerationId> ids = schedule_.take_due(now);
    const bool is_quiet_due = now >= next_quiet;
    if (is_quiet_due) next_quiet = now + between_quiets;
    if (told.empty() && ids.empty() && !is_quiet_due) {
      const auto due = schedule_.next();  // none where nobody watches
      if (due) {
        changed_.wait_until(lock, std::min(*due, next_quiet));
      } else {
        changed_.wait(lock);
      }
      continue;
    }
    lock.unlock();
    for (const Generation& generation : told) {
      if (!tell(generation.id, event_of(generation))) continue;
      const std::lock_guard again(mutex_);
      schedule_.expect_more(generation.id, std::chrono::steady_clock::now());
    }
    for (std::size_t i = 0; i < ids.size(); i += kIdsPerQuery) {
      const auto begin = ids.begin() + static_cast<std::ptrdiff_t>(i);
      const auto count = static_cast<std::ptrdiff_t>(std::min(kIdsPerQuery, ids.size() - i));
      look({begin, begin + count});
    }
    if (is_quiet_due) tell_of_quiet(now);
    lock.lock();
  }
}

void GenerationWatch::look(const std::vector<GenerationId>& ids) {
  std::vector<Generation> found;
  try {
    found = fetch_(ids);
  } catch (const std::exception& error) {
    spdlog::warn("watch: {}", error.what());
    looked(ids, LookSchedule::Found::kFailed);
    return;
  }
  std::set<GenerationId> gone(ids.begin(), ids.end());
  for (const Generation& generation : found) {
    gone.erase(generation.id);
    const bool is_news = tell(generation.id, event_of(generation));
    looked({generation.id}, is_news ? LookSchedule::Found::kNews : LookSchedule::Found::kNothing);
  }
  for (const GenerationId& id : gone) {
    tell(id, {.position = kDeleted, .is_last = true});
    looked({id}, LookSchedule::Found::kNothing);  // for who came while that was told
  }
}

void GenerationWatch::looked(const std::vector<GenerationId>& ids, LookSchedule::Found found) {
  const auto now = std::chrono::steady_clock::now();
  const std::lock_guard lock(mutex_);
  for (const GenerationId& id : ids) schedule_.looked(id, found, now);
}

bool GenerationWatch::tell(const GenerationId& id, const GenerationEvent& event) {
  std::unique_lock lock(mutex_);
  const auto found = watchers_.find(id);
  if (found == watchers_.end()) return false;
  const Watchers watchers = found->second;
  bool is_news = false;
  for (const auto& watcher : watchers) {
    if (!is_there(watcher)) continue;  // it left while another was told
    // The end is told in any case: who came back after it must learn that nothing follows.
    if (event.position <= watcher->position && !event.is_last) continue;
    is_news = true;
    watcher->position = event.position;
    if (event.is_last) remove(watcher);
    call(lock, *watcher, [&] { watcher->on_event(event); });
  }
  return is_news;
}

void GenerationWatch::tell_of_quiet(std::chrono::steady_clock::time_point now) {
  std::unique_lock lock(mutex_);
  Watchers quiet;
  for (const auto& [id, of_id] : watchers_) {
    for (const auto& watcher : of_id) {
      if (watcher->on_quiet && now - watcher->last_told >= options_.quiet) quiet.push_back(watcher);
    }
  }
  for (const auto& watcher : quiet) {
    if (is_there(watcher)) call(lock, *watcher, watcher->on_quiet);
  }
}

void GenerationWatch::call(std::unique_lock<std::mutex>& lock, Watcher& watcher,
                           const std::function<void()>& callback) {
  watcher.last_told = std::chrono::steady_clock::now();
  running_ = &watcher;
  lock.unlock();
  try {
    callback();
  } catch (const std::exception& error) {
    spdlog::warn("watch: {}", error.what());
  }
  lock.lock();
  running_ = nullptr;
  changed_.notify_all();
}

bool GenerationWatch::is_there(const std::shared_ptr<Watcher>& watcher) const {
  const auto found = watchers_.find(watcher->id);
  return found != watchers_.end() &&
         std::ranges::find(found->second, watcher) != found->second.end();
}

void GenerationWatch::unsubscribe(const std::shared_ptr<Watcher>& watcher) {
  std::unique_lock lock(mutex_);
  remove(watcher);
  if (std::this_thread::get_id() == thread_.get_id()) return;  // within a callback
  changed_.wait(lock, [&] { return running_ != watcher.get(); });
}

void GenerationWatch::remove(const std::shared_ptr<Watcher>& watcher) {
  const auto found = watchers_.find(watcher->id);
  if (found == watchers_.end()) return;
  std::erase(found->second, watcher);
  if (!found->second.empty()) return;
  schedule_.remove(found->first);
  watchers_.erase(found);
}

}  // namespace gesso::domain
