// What came of numbered writes, so that one that is sent again is not done again: the capability
// EnableMongoRetryableWrites.
//
// Of each session the last number is known, in memory, as long as the server runs, the session is
// used, and there is room: then those that were used longest ago go first. Owned by the dialect.
// Thread-safe; `enter` blocks while the same write is still being done.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>

#include "gesso/bson/builder.hpp"
#include "gesso/localdb/engine/context.hpp"
#include "gesso/localdb/engine/operation.hpp"

namespace gesso::localdb::cosmos {

class NumberedWrites {
 public:
  struct Limits {
    std::size_t sessions = 100'000;
    std::size_t reply_bytes = std::size_t{64} << 20;  // of all replies
    std::chrono::milliseconds timeout = std::chrono::minutes{kSessionTimeoutMinutes};
  };

 private:
  using SteadyClock = std::chrono::steady_clock;
  struct Entry {
    std::int64_t number = -1;
    bool is_running = false;
    std::optional<bson::Document> reply = {};
    SteadyClock::time_point used = SteadyClock::now();
  };
  using Sessions = std::map<SessionId, Entry>;

  const Limits limits_;
  std::mutex mutex_;  // guards what is below
  std::condition_variable ended_;
  Sessions sessions_;
  std::size_t reply_bytes_ = 0;

 public:
  NumberedWrites() : NumberedWrites(Limits{}) {}
  explicit NumberedWrites(Limits limits) : limits_(limits) {}

  // The reply of a write that was done before; std::nullopt where it is to be done now, and then
  // `leave` is to be called, with its reply, or without one where it failed. Throws CommandError
  // (225) for a number below the session's last; what the operation's check throws while it waits.
  [[nodiscard]] std::optional<bson::Document> enter(const SessionId& session, std::int64_t number,
                                                    Operation& operation);
  void leave(const SessionId& session, std::optional<bson::Document> reply);

 private:
  // The next three with the mutex held.
  void set_reply(Entry& entry, std::optional<bson::Document> reply);
  // Forgets sessions that are not used any more, and where that is not enough the oldest tenth.
  void make_room();
  Sessions::iterator forget(Sessions::iterator at);
};

}  // namespace gesso::localdb::cosmos
