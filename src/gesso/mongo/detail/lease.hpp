// A connection while a worker holds it, and how a command goes through it. Internal to mongo/.
//
// Used by one worker thread at a time.
#pragma once

#include <atomic>
#include <chrono>
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
  std::atomic<std::size_t> open_connections{0};
};

enum class Mode {
  kRead,   // repeated once where that may help
  kWrite,  // libmongoc repeats it where the server can
  kPlain,  // as it is
};

}  // namespace gesso::mongo::detail

namespace gesso::mongo {

class Session::Impl {
 public:
  using Mode = detail::Mode;
  using Reply = detail::Reply;

 private:
  detail::Shared& shared_;
  detail::StreamLimits limits_;

 public:
  explicit Impl(detail::Shared& shared);
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  // The client, which the pool owns; null to give it up.
  void set_client(mongoc_client_t* client);
  [[nodiscard]] mongoc_client_t* client() const { return limits_.client; }
  [[nodiscard]] bool is_connected() const { return limits_.open > 0; }
  void set_deadline(Deadline deadline) { limits_.deadline = deadline; }

  [[nodiscard]] Deadline deadline() const { return limits_.deadline; }
  [[nodiscard]] const detail::Shared& shared() const { return shared_; }
  [[nodiscard]] Operation operation(std::string_view name, std::string_view database,
                                    std::string_view collection, Mode mode) const;
  // As `maxTimeMS`; nothing where the deadline is not set.
  void append_max_time(bson::Builder& command) const;

  // Runs a command and gives its reply, in which `writeErrors` are the caller's to find.
  void call(std::string_view database, bson::View command, Mode mode, Operation operation,
            Reply& reply);

  // Calls `attempt(error, reply)` until it succeeds or fails for good; it returns whether it
  // succeeded. What was not sent is repeated while the deadline and the server selection timeout
  // allow, a read that failed is repeated once. Throws the last failure.
  template <class F>
  void persist(Operation operation, Mode mode, Reply& reply, F&& attempt);

 private:
  // Whether to try again; throws otherwise.
  void judge(const bson_error_t& error, bson::View reply, Operation& operation, Mode mode,
             Deadline give_up, bool& retried) const;
  void refuse_if_late(const Operation& operation) const;
};

template <class F>
void Session::Impl::persist(Operation operation, Mode mode, Reply& reply, F&& attempt) {
  const Deadline give_up =
      Deadline::after(shared_.server_selection_timeout).earlier_of(limits_.deadline);
  bool retried = false;
  for (;;) {
    refuse_if_late(operation);
    bson_error_t error{};
    if (attempt(error, reply)) break;
    judge(error, reply.view(), operation, mode, give_up, retried);
  }
  ++limits_.commands;
}

}  // namespace gesso::mongo
