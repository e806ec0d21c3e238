// Cursors: what a `find` or an aggregation left to be fetched with getMore.
//
// No transaction is held between two commands: a source gives up its place when it is detached and
// seeks it again in the next command's snapshot, or it owns the documents that are left.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "gesso/base/random.hpp"
#include "gesso/bson/builder.hpp"
#include "gesso/bson/view.hpp"
#include "gesso/localdb/engine/operation.hpp"
#include "gesso/localdb/language/match/projection.hpp"
#include "gesso/localdb/plan/execution.hpp"

namespace gesso::localdb {

// What documents are fetched from, batch by batch. Used by one thread at a time.
class BatchSource {
 public:
  BatchSource() = default;
  BatchSource(const BatchSource&) = delete;
  BatchSource& operator=(const BatchSource&) = delete;
  virtual ~BatchSource() = default;

  // std::nullopt at the end. Valid until the next call of anything here.
  [[nodiscard]] virtual std::optional<bson::View> next() = 0;
  // `next` will give the last one again.
  virtual void push_back() = 0;

  // Bytes that it keeps between two commands.
  [[nodiscard]] virtual std::size_t memory() const = 0;

  // Before the first `next` of a command, and after the last.
  virtual void attach(const Transaction& transaction) = 0;
  virtual void detach() = 0;
};

// The records of a plan, projected.
class ExecutionSource final : public BatchSource {
  Execution execution_;
  std::optional<Projection> projection_;
  bson::Document projected_;

 public:
  ExecutionSource(Execution execution, std::optional<Projection> projection)
      : execution_(std::move(execution)), projection_(std::move(projection)) {}

  std::optional<bson::View> next() override;
  void push_back() override { execution_.push_back(); }
  [[nodiscard]] std::size_t memory() const override { return execution_.memory(); }
  void attach(const Transaction& transaction) override { execution_.attach(transaction); }
  void detach() override { execution_.detach(); }
};

// Documents that are there.
class KeptDocuments final : public BatchSource {
  std::vector<bson::Document> documents_;
  std::size_t next_ = 0;
  std::size_t released_ = 0;  // of the front: documents that were given up
  std::size_t memory_ = 0;    // of the others

 public:
  explicit KeptDocuments(std::vector<bson::Document> documents);

  std::optional<bson::View> next() override;
  void push_back() override { --next_; }
  [[nodiscard]] std::size_t memory() const override { return memory_; }
  void attach(const Transaction& /*transaction*/) override {}
  void detach() override {}
};

struct Cursor {
  std::string ns;
  std::string user;                  // who opened it; "" where nobody is logged in
  std::optional<SessionId> session;  // that it goes with
  bool never_expires = false;
  std::optional<std::chrono::milliseconds> time_left;  // of the maxTimeMS it was opened with
  std::unique_ptr<BatchSource> source;
  std::vector<std::shared_ptr<Watch>> watches;  // of the queries behind `source`
};

// How much goes into one reply.
struct BatchLimits {
  static constexpr std::size_t kFirstBatch = 101;
  static constexpr std::size_t kMaxBytes = 16 * 1024 * 1024;
  // What a reply has around its documents is smaller.
  static constexpr std::size_t kAroundBytes = std::size_t{16} << 10;
  std::optional<std::size_t> documents;  // nothing set: as many as fit
  std::size_t bytes = kMaxBytes;         // of the reply with them
};

// Appends documents to the array that is open in `reply`, until one of the limits. Whether there
// are more. One document always fits, however large.
[[nodiscard]] bool append_batch(bson::Builder& reply, BatchSource& source,
                                const BatchLimits& limits);

// What all open cursors together may take. Past it the ones that were idle longest are closed, and
// a client that asks for them is told that they are not found.
struct CursorLimits {
  std::chrono::milliseconds timeout{600'000};  // of one that is not used
  std::size_t most = 10'000;
  std::size_t memory_bytes = std::size_t{512} << 20;
};

// All open cursors, by id. Thread-safe; never blocks for long. `reap` is to be called now and then.
class CursorRegistry {
  using SteadyClock = std::chrono::steady_clock;
  struct Entry {
    std::string ns;
    std::string user;
    std::optional<SessionId> session;
    std::unique_ptr<Cursor> cursor;  // null while a command has it
    std::size_t memory = 0;
    SteadyClock::time_point used;
    bool never_expires = false;
    bool killed = false;
  };

  const CursorLimits limits_;
  Random& random_;
  mutable std::mutex mutex_;  // guards what is below
  std::unordered_map<std::int64_t, Entry> entries_;
  std::size_t memory_ = 0;  // of all entries

 public:
  CursorRegistry(CursorLimits limits, Random& random) : limits_(limits), random_(random) {}

  // Keeps it; its id is positive. Throws CommandError (292) where it alone is beyond the limit.
  [[nodiscard]] std::int64_t add(std::unique_ptr<Cursor> cursor);
  // Hands it out for one command; give it back or close it. Throws CommandError: 43 for an unknown
  // id, 13 where it belongs to another namespace or user, 12051 while another command has it.
  [[nodiscard]] std::unique_ptr<Cursor> take(std::int64_t id, std::string_view ns,
                                             std::string_view user);
  void give_back(std::int64_t id, std::unique_ptr<Cursor> cursor);
  void close(std::int64_t id);
  // False where there is none of that namespace and user.
  [[nodiscard]] bool kill(std::int64_t id, std::string_view ns, std::string_view user);

  // Those of a session of the user's.
  void kill_session(const SessionId& session, std::string_view user);
  // Those of all sessions of the users that are `wanted(id)`.
  template <class Wanted>
  void kill_sessions_of(Wanted wanted) {
    const std::lock_guard lock(mutex_);
    kill_where([&](const Entry& entry) { return entry.session && wanted(entry.user); });
  }
  // Closes those that were not used for too long.
  void reap();

  [[nodiscard]] std::size_t open_count() const;

 private:
  using Entries = std::unordered_map<std::int64_t, Entry>;
  // The next three with the mutex held.
  Entries::iterator erase(Entries::iterator at) {
    memory_ -= at->second.memory;
    return entries_.erase(at);
  }
  template <class Which>
  void kill_where(Which which) {
    for (auto at = entries_.begin(); at != entries_.end();) {
      if (!which(at->second)) {
        ++at;
      } else if (at->second.cursor) {
        at = erase(at);
      } else {
        at++->second.killed = true;  // the command that has it ends it
      }
    }
  }
  void make_room();
};

}  // namespace gesso::localdb
