// A connection while a worker holds it, and how a command goes through it. Internal to mongo/.
//
// Used by one thread at a time.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "gesso/base/deadline.hpp"
#include "gesso/mongo/detail/client.hpp"
#include "gesso/mongo/session.hpp"
#include "gesso/mongo/throttle_fsm.hpp"

namespace gesso::mongo::detail {

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
  enum class Repeat {
    kNever,  // not even where it had no effect: the middle of a cursor
    kNo,     // where it was not sent, or the server refused to do it
    kRead,
    kNumberedWrite,
  };

 private:
  detail::Shared& shared_;
  Deadline deadline_;
  std::unique_ptr<detail::Client> client_;
  // Those that this unit of work began with and that its cursors may still use.
  std::vector<std::unique_ptr<detail::Client>> left_;
  bool pinned_;                                // to its endpoint
  Priority priority_ = Priority::kForeground;  // of the unit of work
  bool measured_ = false;                      // its commands are asked about
  RequestCharge charge_;
  std::int64_t last_write_ = 0;

 public:
  // Of the current endpoint.
  explicit Impl(detail::Shared& shared);
  // Of an endpoint that is not current (yet): whose credentials are not renewed when refused.
  Impl(detail::Shared& shared, std::shared_ptr<detail::Endpoint> endpoint);
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  // Between units of work: lets go of endpoints that are no longer current.
  void begin(Deadline deadline, Priority priority = Priority::kForeground);
  // Within a unit of work that goes on step by step, each with a deadline of its own.
  void prolong(Deadline deadline) {
    deadline_ = deadline;
    client_->limits().deadline = deadline;
  }
  // Between units of work: closes the connection, if there is one.
  void close();

  [[nodiscard]] mongoc_client_t* client() const { return client_->get(); }
  [[nodiscard]] mongoc_collection_t* collection(std::string_view name) {
    return client_->collection(name);
  }
  // Whether commands go to a server of this process, without the driver.
  [[nodiscard]] bool is_local() const { return client_->local() != nullptr; }
  [[nodiscard]] bool is_connected() const { return client_->is_connected(); }
  [[nodiscard]] Deadline deadline() const { return deadline_; }
  [[nodiscard]] const detail::Shared& shared() const { return shared_; }
  [[nodiscard]] const detail::Endpoint& endpoint() const { return client_->endpoint(); }
  [[nodiscard]] const DialectTraits& traits() const { return *endpoint().traits.load(); }
  // Whether only the driver can go on with a cursor.
  [[nodiscard]] bool has_driver_cursors() const {
    return !is_local() && traits().cursors_of_sessions;
  }
  // Of this unit of work so far, where it is measured.
  [[nodiscard]] std::optional<RequestCharge> request_charge() const;

  [[nodiscard]] Operation operation(std::string_view name, std::string_view database,
                                    std::string_view collection, Mode mode) const;
  // As `maxTimeMS`; nothing where the deadline is not set.
  void append_max_time(bson::Builder& command) const;

  // Finishes a command, runs it and gives its reply. Throws the first of its `writeErrors`.
  void call(std::string_view database, bson::Builder& command, Mode mode,
            const Operation& operation, Reply& reply);
  // The same, but `writeErrors` are the caller's to find, throttled ones included.
  void call_batch(std::string_view database, bson::Builder& command, Mode mode,
                  const Operation& operation, Reply& reply);

  // Waits between two commands as a throttling server asks; false where the deadline does not allow
  // it, or the service stops.
  [[nodiscard]] bool wait_for_capacity(std::string_view message, ThrottleFsm& throttle) const {
    return wait_for_capacity(message, deadline_.is_set() ? deadline_ : give_up(), throttle);
  }

  // Calls `attempt(error, reply)` until it succeeds or fails for good; it returns whether it
  // succeeded. What was not sent is repeated while the deadline and the server selection timeout
  // allow; what failed and may be `repeated` is so once; what the server refused to do for these
  // credentials is repeated with the next ones, if `renew_credentials` brings them (so `client()`
  // is another one then), and what the server had no capacity for (it did nothing) when the server
  // says, while the deadline allows. Throws the last failure.
  template <class F>
  void persist(const Operation& operation, Repeat repeat, Reply& reply, F&& attempt);

 private:
  struct Attempts {
    Repeat repeat;              // what may still be done
    Deadline give_up;           // with what was not sent
    bool fate_unknown = false;  // of a write in one of those before
    int logins = 0;             // after a refusal
    ThrottleFsm throttle = {};
  };
  enum class WriteErrors { kThrow, kReport };

  void send(std::string_view database, bson::Builder& command, Mode mode,
            const Operation& operation, WriteErrors errors, Reply& reply);
  void send_by_driver(std::string_view database, bson::Builder& command, Mode mode,
                      const Operation& operation, bool throws_throttled, Reply& reply);
  void adopt(std::shared_ptr<detail::Endpoint> endpoint);
  [[nodiscard]] Deadline give_up() const;
  // Returns to try again; throws otherwise.
  void judge(const bson_error_t& error, bson::View reply, const Operation& operation,
             Attempts& attempts);
  [[nodiscard]] bool wait_for_capacity(std::string_view message, Deadline end,
                                       ThrottleFsm& throttle) const;
  // Waits before a command while the service keeps below its collection's budget, work of the
  // background until the foreground leaves some of it; no longer than the deadline allows. Gives
  // what was reserved for the command.
  [[nodiscard]] double await_capacity(const Operation& operation) const;
  // After a command came back: what it cost, where that matters to anybody.
  void account(const Operation& operation, Reply* answer, double reserved);
  // Asks the server what the last command cost; std::nullopt where it does not say.
  [[nodiscard]] std::optional<CommandCharge> ask_charge();
  // By a token, where the endpoint wants one and it is due. False where that did not get through.
  // Throws Error (kAuth) where the token is refused.
  bool log_in(bson_error_t& error);
  // Moves to the endpoint with newer credentials; false where there is none.
  bool renew(Attempts& attempts);
  void refuse_if_late(const Operation& operation, const Attempts& attempts) const;
};

template <class F>
void Session::Impl::persist(const Operation& operation, Repeat repeat, Reply& reply, F&& attempt) {
  Attempts attempts{.repeat = repeat, .give_up = give_up()};
  for (;;) {
    refuse_if_late(operation, attempts);
    const double reserved = await_capacity(operation);
    bson_error_t error{};
    const bool sent = log_in(error);
    const bool done = sent && attempt(error, reply);
    account(operation, sent ? &reply : nullptr, reserved);
    if (done) break;
    judge(error, reply.view(), operation, attempts);
  }
  ++client_->limits().commands;
}

}  // namespace gesso::mongo
