#include "gesso/localdb/cosmos/numbered_writes.hpp"

#include <chrono>
#include <string>

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
    if (sessions_.size() >= kMostSessions && !sessions_.contains(session)) {
      std::erase_if(sessions_, [](const auto& entry) { return !entry.second.is_running; });
    }
    Entry& entry = sessions_[session];
    if (number < entry.number) {
      throw CommandError(kTransactionTooOld, "txnNumber " + std::to_string(number) +
                                                 " is below the session's last, " +
                                                 std::to_string(entry.number));
    }
    if (!entry.is_running) {
      if (number == entry.number && entry.reply) return entry.reply;
      entry = Entry{.number = number, .is_running = true, .reply = {}};
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
    entry.reply = std::move(reply);
  }
  ended_.notify_all();
}

}  // namespace gesso::localdb::cosmos
