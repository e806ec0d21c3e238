// The connection service: a pool of connections, as many worker threads, and a bounded queue.
//
// Repositories are plain synchronous functions over a `Session`. A unit of work is a function of
// one; it runs on a worker thread that leases a connection for as long as the unit takes.
//
//   auto user = service.run(deadline, [&](Session& session) {
//     return users.find_by_id(session, id);
//   });
//
// Every worker keeps a connection of its own, from one libmongoc pool that watches the servers in
// the background. The worker that was busy last is given work first, so connections that the load
// does not need fall idle; those are closed after `idle_limit`, down to `warm_minimum`, and the
// ones that stay are pinged every `keep_alive`. A server that is lost fails the units that are
// using it with one kUnavailable each; the next units reconnect.
//
// The connection string may change while units run (`switch_to`): those that run end on the
// connections they began with, those that come later get new ones. Each string that became current
// has a pool of its own; pools are numbered 1, 2, ... in that order.
//
// Thread-safe. Owned by the program's main function; destroying it waits for running units and
// refuses queued ones. `submit` never blocks; `run` blocks the caller, and must not be called on
// a worker (a unit that waits for a unit may wait for ever).
#pragma once

#include <chrono>
#include <cstdint>
#include <exception>
#include <functional>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "gesso/base/clock.hpp"
#include "gesso/base/deadline.hpp"
#include "gesso/base/random.hpp"
#include "gesso/base/secret.hpp"
#include "gesso/mongo/dialect.hpp"
#include "gesso/mongo/local_connection.hpp"
#include "gesso/mongo/log.hpp"
#include "gesso/mongo/request_charge.hpp"
#include "gesso/mongo/session.hpp"
#include "gesso/mongo/throughput_limiter.hpp"
#include "gesso/mongo/token_login.hpp"

namespace gesso::mongo {

// Told of each command when it has come back, on the worker's thread: its name, the command as it
// went out, how long it took and whether the server said ok. Costs a copy of every command.
using CommandObserver = std::function<void(std::string_view name, bson::View command,
                                           std::chrono::microseconds duration, bool ok)>;

// Told of each command's duration when it has come back, on the worker's thread. Costs little.
using CommandTimer =
    std::function<void(std::string_view name, std::chrono::microseconds duration, bool ok)>;

// Told how long each unit waited for a worker, before it runs. Costs little.
using WaitTimer = std::function<void(std::chrono::microseconds waited)>;

struct ServiceOptions {
  Secret uri;                               // mongodb:// or mongodb+srv://
  std::string database = "imagegenerator";  // where collections stand
  std::size_t pool_size = 50;               // connections = workers = operations in flight
  std::size_t warm_minimum = 10;            // connections kept open while idle
  std::size_t queue_limit = 1000;           // units that may wait; more are kOverloaded
  int connect_attempts = 3;
  std::chrono::milliseconds connect_wait_min{2000};  // exponential between attempts
  std::chrono::milliseconds connect_wait_max{10000};
  std::chrono::milliseconds server_selection_timeout{5000};
  std::chrono::milliseconds connect_timeout{5000};
  std::chrono::milliseconds socket_timeout{65000};    // Cosmos DB may take 60 s
  std::chrono::milliseconds default_deadline{30000};  // for units that bring none
  std::string tls_ca_file = {};
  std::string app_name = "gesso";  // where the URI names none
  // A connection no unit used for so long is closed, but for the warm minimum. A shorter
  // maxIdleTimeMS in the URI is obeyed. Azure drops idle connections after four minutes.
  std::chrono::milliseconds idle_limit{120'000};
  std::chrono::milliseconds keep_alive{60'000};  // a ping for idle connections that stay
  std::string health_collection = "users";       // what `check_health` reads from
  // Called on a worker's thread when the server refuses the credentials of a connection of the pool
  // of that number. Blocks until `switch_to` made a newer one current, and is true then: the
  // refused command goes out once more. False where there is none by the deadline, and the refusal
  // is thrown.
  std::function<bool(std::uint64_t pool_number, Deadline)> renew_credentials = {};
  // Where a connection string wants tokens (token_login.hpp), they come from here.
  TokenSource login_token = {};
  // For a server of this process: the units' commands go this way, past the driver, which
  // does nothing then.
  OpenLocalConnection open_local = {};
  // Whether such a server does the two of `Session::update_then_insert` in one.
  bool joins_writes = true;
  // The server's dialect, where it is not to be detected.
  std::optional<Dialect> dialect = {};
  // Of the account, where the server is Azure Cosmos DB (RU), which does not tell them.
  AccountCapabilities capabilities = {};
  // The part of all units of work whose commands are asked about for their charge, from 0 to 1,
  // where the server tells it. Each answer is one more round trip.
  double charge_sampling = 0;
  ChargeObserver observe_charge = {};
  CommandObserver observe_command = {};
  CommandTimer time_command = {};
  WaitTimer time_wait = {};
  std::function<void(const LogLine&)> log = {};  // the driver's lines, on a thread of ours
};

// What the pool is doing now.
struct PoolStatus {
  std::size_t workers = 0;                    // threads
  std::size_t busy = 0;                       // units that run
  std::size_t queued = 0;                     // units that wait
  std::chrono::milliseconds longest_wait{0};  // of those that wait now
  std::size_t open_connections = 0;           // the background watch's own not counted
  // Request units a second that work is kept below since the server refused more; 0: as it comes.
  double throughput_limit = 0;
};

class Service {
 public:
  class Impl;
  using Work = std::function<void(Session&)>;
  using OnRefused = std::function<void(std::exception_ptr)>;

 private:
  std::unique_ptr<Impl> impl_;

 public:
  // Does not connect. Throws Error (kValidation) for a URI that cannot be read, without showing
  // its password.
  Service(ServiceOptions options, const Clock& clock, Random& random);
  ~Service();
  Service(const Service&) = delete;
  Service& operator=(const Service&) = delete;

  // Makes a connection, pings and reads with retries (3 attempts, exponential wait of 2 to 10 s),
  // detects the dialect and warms the pool. Blocks. Throws Error: kUnavailable when the last
  // attempt failed or `stop` was called, kAuth at once when the credentials are refused.
  void connect();

  // Opens a connection by another string, checks it as `connect` does, with one attempt, and lets
  // `prepare` use it; then makes it current at once and gives its pool's number. The connections of
  // the one before are closed as their units end, and those that idle at once. Blocks; one call at
  // a time goes on. Throws Error: kValidation, kAuth, kUnavailable or kTimeout, or what `prepare`
  // throws, and nothing has changed.
  std::uint64_t switch_to(Secret uri, Deadline deadline,
                          const std::function<void(Session&)>& prepare = {});

  // Refuses queued and new units with kUnavailable, interrupts `connect`, and waits for running
  // units. Idempotent; the destructor calls it.
  void stop();

  // Queues a unit. Exactly one of the two is called, on a worker thread or (a full queue) on the
  // caller's: `work` with a lease, or `refused` with an Error (kOverloaded, kTimeout when the
  // deadline passed while it waited, kUnavailable while shutting down). `work` must not throw.
  //
  // Work of the background starts after all that waits in the foreground, and is the first to wait
  // where the server gives less than is asked of it (throughput_limiter.hpp).
  void submit(Deadline deadline, Work work, OnRefused refused,
              Priority priority = Priority::kForeground);

  // Runs a unit at once, on the caller's thread, where the server is in this process and its
  // answers wait for no network; false, and nothing was done, where it is elsewhere or the service
  // stops. For short reads: a write would wait for the disk. `work` must not throw.
  [[nodiscard]] bool run_here(Deadline deadline, const Work& work);

  // Queues a unit and waits for its result; what the unit throws is thrown here.
  template <class F>
  std::invoke_result_t<F, Session&> run(Deadline deadline, F&& unit,
                                        Priority priority = Priority::kForeground);
  template <class F>
  std::invoke_result_t<F, Session&> run(F&& unit) {
    return run(Deadline::after(default_deadline()), std::forward<F>(unit));
  }

  // Whether the server is usable: a ping and one real read, since a server may answer the one and
  // refuse the other. Run it within a unit of work. Throws Error with the reason.
  void check_health(Session& session) const;

  [[nodiscard]] std::uint64_t pool_number() const;
  [[nodiscard]] Dialect dialect() const { return traits().dialect; }
  [[nodiscard]] const DialectTraits& traits() const;
  // Whether its server, another process, tells of changes (change_stream.hpp); known once it is
  // connected.
  [[nodiscard]] bool has_change_streams() const;
  [[nodiscard]] const std::string& database() const;
  [[nodiscard]] PoolStatus status() const;
  // The URI without its password, as it is given to the driver.
  [[nodiscard]] std::string redacted_uri() const;
  [[nodiscard]] std::chrono::milliseconds default_deadline() const;
};

template <class F>
std::invoke_result_t<F, Session&> Service::run(Deadline deadline, F&& unit, Priority priority) {
  using Result = std::invoke_result_t<F, Session&>;
  auto promise = std::make_shared<std::promise<Result>>();
  std::future<Result> future = promise->get_future();
  submit(
      deadline,
      [promise, &unit](Session& session) {
        try {
          if constexpr (std::is_void_v<Result>) {
            unit(session);
            promise->set_value();
          } else {
            promise->set_value(unit(session));
          }
        } catch (...) {
          promise->set_exception(std::current_exception());
        }
      },
      [promise](std::exception_ptr refusal) { promise->set_exception(std::move(refusal)); },
      priority);
  return future.get();
}

}  // namespace gesso::mongo
