#include "gesso/azure/token_cache.hpp"

#include <condition_variable>
#include <cstdint>
#include <optional>
#include <thread>

#include "gesso/base/error.hpp"

namespace gesso::azure {

struct TokenCache::Entry {
  TokenRequest request;
  TokenFsm machine;
  std::optional<AccessToken> token;
  std::optional<Error> failure;  // of the last fetch; none where it gave a token
  bool wanted = false;           // a caller began a fetch that the thread has not taken up
  bool fresh = false;            // ... because a token was refused
  std::uint64_t fetches = 0;     // that have ended
  std::condition_variable_any work;
  std::condition_variable_any done;
  std::jthread thread;  // last: ends before what it uses

  Entry(const TokenRequest& asked, TokenFsm::Options timing)
      : request{asked.resource, asked.tenant}, machine(timing) {}
};

TokenCache::TokenCache(std::unique_ptr<TokenProvider> source, const Clock& clock, Random& random,
                       Options options)
    : source_(std::move(source)), clock_(clock), random_(random), options_(options) {}

TokenCache::~TokenCache() {
  for (auto& [key, entry] : entries_)
    entry->thread.request_stop();  // all, before one is waited for
}

TokenCache::Entry& TokenCache::entry_for(const TokenRequest& request) {
  auto& entry = entries_[{request.resource, request.tenant}];
  if (!entry) entry = std::make_unique<Entry>(request, options_.timing);
  if (!entry->thread.joinable()) {
    entry->thread =
        std::jthread([this, &kept = *entry](const std::stop_token& stop) { work(kept, stop); });
  }
  return *entry;
}

AccessToken TokenCache::token(const TokenRequest& request, const client::Call& call) {
  std::unique_lock lock(mutex_);
  Entry& entry = entry_for(request);
  switch (entry.machine.ask(clock_.steady_now(), request.fresh)) {
    case TokenFsm::Action::kServe:
      entry.work.notify_one();  // it may be time for the next one
      return entry.token->clone();
    case TokenFsm::Action::kRefuse:
      throw *entry.failure;
    case TokenFsm::Action::kFetch:
      entry.wanted = true;
      entry.fresh = request.fresh;
      entry.work.notify_one();
      break;
    case TokenFsm::Action::kWait:
      break;
  }
  const std::uint64_t awaited = entry.fetches + 1;
  while (entry.fetches < awaited) {
    if (call.ended()) check(call, "waiting for a token of " + source_->name());
    entry.done.wait_until(lock, call.stop, call.deadline.moment(),
                          [&] { return entry.fetches >= awaited; });
  }
  if (entry.failure) throw *entry.failure;
  return entry.token->clone();
}

void TokenCache::work(Entry& entry, const std::stop_token& stop) {
  // Longer than this is not waited in one go: durations stay in range.
  constexpr std::chrono::hours kLongest{1};
  std::unique_lock lock(mutex_);
  while (!stop.stop_requested()) {
    const TokenFsm::Moment now = clock_.steady_now();
    if (!entry.wanted && entry.machine.due(now)) {
      entry.machine.begin();
      entry.wanted = true;
    }
    if (entry.wanted) {
      fetch(entry, lock, stop);
      continue;
    }
    const TokenFsm::Moment next = std::min(entry.machine.next(), now + kLongest);
    entry.work.wait_for(lock, stop, next - now,
                        [&] { return entry.wanted || entry.machine.due(clock_.steady_now()); });
  }
}

void TokenCache::fetch(Entry& entry, std::unique_lock<std::mutex>& lock,
                       const std::stop_token& stop) {
  TokenRequest request = entry.request;
  request.fresh = std::exchange(entry.fresh, false);
  entry.wanted = false;
  std::optional<AccessToken> token;
  std::optional<Error> failure;
  lock.unlock();
  try {
    token =
        source_->token(request, {.deadline = Deadline::after(options_.fetch_limit), .stop = stop});
  } catch (const Error& error) {
    failure = error;
  } catch (const std::exception& error) {
    failure = Error(ErrorKind::kInternal, error.what());
  }
  const double jitter = random_.uniform();
  lock.lock();
  const TokenFsm::Moment now = clock_.steady_now();
  if (token) {
    const Time wall = clock_.now();
    entry.machine.fetched(now, token->expires_on - wall, token->refresh_on - wall, jitter);
    entry.token = std::move(token);
  } else {
    entry.machine.failed(now, jitter);
  }
  entry.failure = std::move(failure);
  ++entry.fetches;
  entry.done.notify_all();
}

}  // namespace gesso::azure
