#include "gesso/localdb/cosmos/numbered_writes.hpp"

#include <algorithm>
#include <chrono>
#include <string>
#include <vector>

#include "gesso/localdb/cosmos/codes.hpp"
#include "gesso/localdb/language/command_error.hpp"

namespace gesso::localdb::cosmos {
namespace {

constexpr std::chrono::milliseconds kBetweenLooks{20};

}  // namespace

std::optional<bson::Document> NumberedWrites::enter(const SessionId& session, std::int64_t number,
                                                    Operation& operation) {
  std::unique_lock lock(mutex_);
  for (;;) {
    if (sessions_.size() >= limits_.sessions && !sessions_.contains(session)) make_room();
    Entry& entry = sessions_[session];
    if (number < entry.number) {
      throw CommandError(kTransactionTooOld, "txnNumber " + std::to_string(number) +
                                                 " is below the session's last, " +
                                                 std::to_string(entry.number));
    }
    if (!entry.is_running) {
      if (number == entry.number && entry.reply) return entry.reply;
      set_reply(entry, std::nullopt);
      entry = Entry{.number = number, .is_running = true};
      return std::nullopt;
    }
    ended_.wait_for(lock, kBetweenLooks);
    lock.unlock();
    operation.check();
    lock.lock();
  }
}

void NumberedWrites::leave(const SessionId& session, std::optional<bson::Document> reply) {
  {
    const std::lock_guard lock(mutex_);
    Entry& entry = sessions_[session];
    entry.is_running = false;
    entry.used = SteadyClock::now();
    set_reply(entry, std::move(reply));
    if (reply_bytes_ > limits_.reply_bytes) make_room();
  }
  ended_.notify_all();
}

void NumberedWrites::set_reply(Entry& entry, std::optional<bson::Document> reply) {
  if (entry.reply) reply_bytes_ -= entry.reply->size();
  if (reply) reply_bytes_ += reply->size();
  entry.reply = std::move(reply);
}

NumberedWrites::Sessions::iterator NumberedWrites::forget(Sessions::iterator at) {
  set_reply(at->second, std::nullopt);
  return sessions_.erase(at);
}

void NumberedWrites::make_room() {
  const auto unused_since = SteadyClock::now() - limits_.timeout;
  std::vector<Sessions::iterator> left;
  for (auto at = sessions_.begin(); at != sessions_.end();) {
    if (at->second.is_running) {
      ++at;
    } else if (at->second.used <= unused_since) {
      at = forget(at);
    } else {
      left.push_back(at++);
    }
  }
  std::ranges::sort(left, {}, [](Sessions::iterator at) { return at->second.used; });
  std::size_t tenth = sessions_.size() < limits_.sessions ? 0 : limits_.sessions / 10 + 1;
  for (const Sessions::iterator oldest : left) {
    if (tenth == 0 && reply_bytes_ <= limits_.reply_bytes) return;
    if (tenth > 0) --tenth;
    (void)forget(oldest);
  }
}

}  // namespace gesso::localdb::cosmos
