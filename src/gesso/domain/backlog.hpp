// How much work waits, for metrics: open holds of charges, and generations that wait for a worker.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>

#include "gesso/mongo/service.hpp"
#include "gesso/repositories/repository_context.hpp"

namespace gesso::domain {

struct Backlog {
  Time read_at;
  std::int64_t pending = 0;  // generations, to 10,000
  std::int64_t processing = 0;
  std::optional<Time> oldest_pending_at = {};  // when it was asked for
  std::int64_t open_holds = 0;                 // of 1,000 users and of 1,000 subscriptions at most
  std::optional<Time> oldest_hold_at = {};
};

// Five reads, each along an index and of bounded length. Throws what the session throws.
[[nodiscard]] Backlog read_backlog(mongo::Session& session,
                                   const repositories::RepositoryContext& context);

// The backlog, at hand for whoever asks: read again once it is older than `max_age` and somebody
// asks, in a unit of work of its own, so that asking costs no wait, and the database is asked once
// however many ask.
//
// Thread-safe; never blocks. Owned by whoever serves; borrows the database and the context. End it
// after the database has stopped.
class BacklogWatch {
  class State;
  mongo::Service& database_;
  std::shared_ptr<State> state_;

 public:
  BacklogWatch(mongo::Service& database, const repositories::RepositoryContext& context,
               std::chrono::milliseconds max_age = std::chrono::seconds{10});

  // What was read last; std::nullopt before the first time. A database that fails leaves what was
  // there, whose `read_at` tells its age.
  [[nodiscard]] std::optional<Backlog> latest() const;
};

}  // namespace gesso::domain
