// A connection while a worker holds it, and how a command goes through it. Internal to mongo/.
//
// Used by one worker thread at a time.
#pragma once

#include <atomic>
#include <chrono>
#include <map>
#include <string>
#include <string_view>
#include <type_traits>

#include "gesso/base/deadline.hpp"
#include "gesso/mongo/detail/deadline_stream.hpp"
#include "gesso/mongo/detail/driver.hpp"
#include "gesso/mongo/dialect.hpp"
#include "gesso/mongo/session.hpp"

namespace gesso::mongo::detail {

// What all leases of a service share. Thread-safe.
struct Shared {
  std::string database;
  std::chrono::milliseconds server_selection_timeout{5000};
  std::chrono::milliseconds connect_timeout{5000};
  std::atomic<Dialect> dialect{Dialect::kMongoDb};
  std::atomic<std::size_t> max_document_size{std::size_t{16} << 20};
  // The URI allows it, and the server does one numbered write once, however often it comes.
  std::atomic<bool> retry_writes{false};
  std::atomic<std::size_t> open_connections{0};
};

enum class Mode {
  kRead,         // repeated once where that may help
  kWrite,        // may not be repeated once it was sent
  kSingleWrite,  // writes of one document each: repeated once where the server can tell
};

}  // namespace gesso::mongo::detail

namespace gesso::mongo {

class Session::Impl {
 public:
  using Mode = detail::Mode;
  using Reply = detail::Reply;
  enum class Repeat { kNo, kRead, kNumberedWrite };

 private:
  detail::Shared& shared_;
  detail::StreamLimits limits_;
  std::map<std::string, detail::CollectionPtr, std::less<>> collections_;
  // Numbers single writes. libmongoc would number some of them itself (insert_one and the like),
  // but puts maxTimeMS where the server refuses it, and waits for a server without regard to the
  // deadline; so its retryWrites is off and the session is ours.
  detail::SessionPtr writes_;
  std::int64_t last_write_ = 0;

 public:
  explicit Impl(detail::Shared& shared);
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  // The client, which the pool owns; null to give it up.
  void set_client(mongoc_client_t* client);
  [[nodiscard]] mongoc_client_t* client() const { return limits_.client; }
  // A handle on a collection of `Shared::database`, kept for the client's life.
  [[nodiscard]] mongoc_collection_t* collection(std::string_view name);
  [[nodiscard]] bool is_connected() const { return limits_.open > 0; }
  void set_deadline(Deadline deadline) { limits_.deadline = deadline; }

  [[nodiscard]] Deadline deadline() const { return limits_.deadline; }
  [[nodiscard]] const detail::Shared& shared() const { return shared_; }
  [[nodiscard]] Operation operation(std::string_view name, std::string_view database,
                                    std::string_view collection, Mode mode) const;
  // As `maxTimeMS`; nothing where the deadline is not set.
  void append_max_time(bson::Builder& command) const;

  // Finishes a command, runs it and gives its reply. Throws the first of its `writeErrors`.
  void call(std::string_view database, bson::Builder& command, Mode mode,
            const Operation& operation, Reply& reply);
  // The same, but `writeErrors` are the caller's to find.
  void call_batch(std::string_view database, bson::Builder& command, Mode mode,
                  const Operation& operation, Reply& reply);

  // Calls `attempt(error, reply)` until it succeeds or fails for good; it returns whether it
  // succeeded. What was not sent is repeated while the deadline and the server selection timeout
  // allow; what failed and may be `repeated` is so once. Throws the last failure.
  template <class F>
  void persist(const Operation& operation, Repeat repeat, Reply& reply, F&& attempt);

 private:
  // Whether there is a session to number writes with; makes one.
  bool open_writes();
  struct Attempts {
    Repeat repeat;              // what may still be done
    bool fate_unknown = false;  // of a write in one of those before
  };

  // Returns to try again; throws otherwise.
  void judge(const bson_error_t& error, bson::View reply, const Operation& operation,
             Deadline give_up, Attempts& attempts);
  void refuse_if_late(const Operation& operation, const Attempts& attempts) const;
};

template <class F>
void Session::Impl::persist(const Operation& operation, Repeat repeat, Reply& reply, F&& attempt) {
  const Deadline give_up =
      Deadline::after(shared_.server_selection_timeout).earlier_of(limits_.deadline);
  Attempts attempts{.repeat = repeat};
  for (;;) {
    refuse_if_late(operation, attempts);
    bson_error_t error{};
    if (attempt(error, reply)) break;
    judge(error, reply.view(), operation, give_up, attempts);
  }
  ++limits_.commands;
}

}  // namespace gesso::mongo
