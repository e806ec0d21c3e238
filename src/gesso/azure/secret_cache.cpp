#include "gesso/azure/secret_cache.hpp"

#include <algorithm>

#include "gesso/base/error.hpp"

namespace gesso::azure {
namespace {

using std::chrono::milliseconds;

// The vault did not answer, or not with sense: what it said before still holds.
bool is_outage(const Error& error) {
  return error.kind() == ErrorKind::kUnavailable || error.kind() == ErrorKind::kTimeout ||
         error.kind() == ErrorKind::kThrottled || error.kind() == ErrorKind::kInternal;
}

}  // namespace

SecretCache::SecretCache(SecretProvider& provider, Options options, const Clock& clock,
                         Random& random)
    : provider_(provider), options_(options), clock_(clock), random_(random) {}

SecretValue SecretCache::get(std::string_view name, std::string_view version, const Call& call) {
  std::unique_lock lock(mutex_);
  Entry& entry = entries_[std::string(name) + "/" + std::string(version)];
  while (true) {
    const bool fresh = clock_.steady_now() < entry.fresh_until;
    if (entry.value && (fresh || entry.reading)) {
      if (entry.stale) ++counts_.stale_serves;
      return entry.value->clone();
    }
    if (!entry.reading) break;
    const Deadline most = call.deadline.earlier_of(Deadline::after(std::chrono::hours{1}));
    changed_.wait_until(lock, call.stop, most.moment(), [&] { return !entry.reading; });
    check(call, "waiting for a secret");
  }
  entry.reading = true;
  ++counts_.reads;
  lock.unlock();

  std::optional<SecretValue> value;
  std::optional<Error> failure;
  try {
    value = provider_.get(name, version, call);
  } catch (const Error& error) {
    failure = error;
  } catch (...) {
    lock.lock();
    entry.reading = false;
    changed_.notify_all();
    throw;
  }
  const double jitter = 0.8 + 0.5 * random_.uniform();
  lock.lock();
  entry.reading = false;
  changed_.notify_all();
  const auto now = clock_.steady_now();
  counts_.last_error = failure ? failure->what() : "";
  if (value) {
    entry.value = value->clone();
    entry.read_at = now;
    entry.fresh_until = now + std::chrono::duration_cast<milliseconds>(options_.max_age * jitter);
    entry.stale = false;
    return std::move(*value);
  }
  if (!is_outage(*failure)) {
    entry.value.reset();
    entry.stale = false;
    throw *failure;
  }
  if (!entry.value || call.stop.stop_requested()) throw *failure;
  entry.stale = true;
  entry.fresh_until = now + options_.retry_after;
  ++counts_.stale_serves;
  return entry.value->clone();
}

std::vector<SecretVersion> SecretCache::versions(std::string_view name, const Call& call) {
  return provider_.versions(name, call);
}

void SecretCache::expire(std::string_view name) {
  const std::lock_guard lock(mutex_);
  for (auto& [key, entry] : entries_) {
    if (std::string_view(key).substr(0, key.find('/')) == name) entry.fresh_until = {};
  }
}

SecretCache::Status SecretCache::status() const {
  const std::lock_guard lock(mutex_);
  Status out = counts_;
  for (const auto& [key, entry] : entries_) {
    if (!entry.value) continue;
    ++out.secrets;
    if (!entry.stale) continue;
    const auto age = std::chrono::duration_cast<milliseconds>(clock_.steady_now() - entry.read_at);
    out.stalest = std::max(out.stalest, age);
  }
  return out;
}

}  // namespace gesso::azure
