// What came of numbered writes, so that one that is sent again is not done again: the capability
// EnableMongoRetryableWrites.
//
// Of each session the last number is known, in memory, as long as the server runs. Owned by the
// dialect. Thread-safe; `enter` blocks while the same write is still being done.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>

#include "gesso/bson/builder.hpp"
#include "gesso/localdb/engine/operation.hpp"

namespace gesso::localdb::cosmos {

class NumberedWrites {
  struct Entry {
    std::int64_t number = -1;
    bool is_running = false;
    std::optional<bson::Document> reply;
  };
  static constexpr std::size_t kMostSessions = 100'000;

  std::mutex mutex_;  // guards the sessions
  std::condition_variable ended_;
  std::map<SessionId, Entry> sessions_;

 public:
  // The reply of a write that was done before; std::nullopt where it is to be done now, and then
  // `leave` is to be called, with its reply, or without one where it failed. Throws CommandError
  // (225) for a number below the session's last; what the operation's check throws while it waits.
  [[nodiscard]] std::optional<bson::Document> enter(const SessionId& session, std::int64_t number,
                                                    Operation& operation);
  void leave(const SessionId& session, std::optional<bson::Document> reply);
};

}  // namespace gesso::localdb::cosmos
