#include "gesso/azure/link_keys.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

namespace gesso::azure {

LinkKeys::LinkKeys(Fetch fetch, const Clock& clock, LinkKeysOptions options)
    : fetch_(std::move(fetch)), clock_(clock), options_(options) {}

void LinkKeys::begin(const client::Call& call) {
  std::unique_lock lock(mutex_);
  if (!thread_.joinable()) {
    thread_ = std::jthread([this](const std::stop_token& stop) { work(stop); });
  }
  const std::uint64_t before = attempts_;
  while (!key_ && attempts_ == before) {
    if (call.ended()) client::check(call, "waiting for a key for links");
    changed_.wait_until(lock, call.stop, call.deadline.moment(),
                        [&] { return key_ || attempts_ != before; });
  }
  if (!key_) throw *failure_;
}

std::shared_ptr<const DelegationKey> LinkKeys::current() const {
  const std::lock_guard lock(mutex_);
  return key_;
}

bool LinkKeys::is_due() const { return clock_.now() >= next_; }

void LinkKeys::work(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    attempt(stop);
    std::unique_lock lock(mutex_);
    while (!stop.stop_requested() && !is_due()) {
      const auto left = std::chrono::ceil<std::chrono::milliseconds>(next_ - clock_.now());
      changed_.wait_for(lock, stop, std::min(options_.look_every, left),
                        [this] { return is_due(); });
    }
  }
}

void LinkKeys::attempt(const std::stop_token& stop) {
  std::shared_ptr<const DelegationKey> key;
  std::optional<Error> failure;
  try {
    key = std::make_shared<const DelegationKey>(
        fetch_({.deadline = Deadline::after(options_.fetch_limit), .stop = stop}));
  } catch (const Error& error) {
    failure = error;
  } catch (const std::exception& error) {
    failure = Error(ErrorKind::kInternal, error.what());
  }
  const std::lock_guard lock(mutex_);
  const Time now = clock_.now();
  // The one before is good for as long as it says.
  if (key) key_ = key;
  next_ = key ? now + (key->ends - now) / 2 : now + options_.retry_wait;
  // The first one is told by who began; what fails again and again is told once.
  if (failure && !failure_ && attempts_ > 0) {
    spdlog::warn("no new key for links to images: {}", failure->what());
  } else if (key && failure_) {
    spdlog::info("there is a key for links to images again");
  }
  failure_ = std::move(failure);
  ++attempts_;
  changed_.notify_all();
}

}  // namespace gesso::azure
