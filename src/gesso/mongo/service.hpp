// The connection service: a pool of connections, as many worker threads, and a bounded queue.
//
// Repositories are plain synchronous functions over a `Session`. A unit of work is a function of
// one; it runs on a worker thread that leases a connection for as long as the unit takes.
//
//   auto user = service.run(deadline, [&](Session& session) { return users.find_by_id(session, id); });
//
// Thread-safe. Owned by the program's main function; destroying it waits for running units and
// refuses queued ones. `submit` never blocks; `run` blocks the caller.
#pragma once

#include <chrono>
#include <exception>
#include <functional>
#include <future>
#include <memory>
#include <string>
#include <type_traits>
#include <vector>

#include "gesso/base/clock.hpp"
#include "gesso/base/deadline.hpp"
#include "gesso/base/random.hpp"
#include "gesso/base/secret.hpp"
#include "gesso/mongo/dialect.hpp"
#include "gesso/mongo/session.hpp"

namespace gesso::mongo {

struct ServiceOptions {
  Secret uri;                                     // mongodb:// or mongodb+srv://
  std::string database = "imagegenerator";        // where collections stand
  std::size_t pool_size = 50;                     // connections = workers = operations in flight
  std::size_t warm_minimum = 10;                  // connections kept open while idle
  std::size_t queue_limit = 1000;                 // units that may wait; more are kOverloaded
  int connect_attempts = 3;
  std::chrono::milliseconds connect_wait_min{2000};   // exponential between attempts
  std::chrono::milliseconds connect_wait_max{10000};
  std::chrono::milliseconds server_selection_timeout{5000};
  std::chrono::milliseconds connect_timeout{5000};
  std::chrono::milliseconds socket_timeout{65000};    // Cosmos DB may take 60 s
  std::chrono::milliseconds default_deadline{30000};  // for units that bring none
  std::string tls_ca_file = {};
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

  // Pings with retries (3 attempts, exponential wait of 2 to 10 s), detects the dialect and warms
  // the pool. Blocks. Throws Error (kUnavailable, kAuth) when the last attempt failed.
  void connect();

  // Queues a unit. Exactly one of the two is called, on a worker thread or (a full queue) on the
  // caller's: `work` with a lease, or `refused` with an Error (kOverloaded, kTimeout when the
  // deadline passed while it waited, kUnavailable while shutting down). `work` must not throw.
  void submit(Deadline deadline, Work work, OnRefused refused);

  // Queues a unit and waits for its result; what the unit throws is thrown here.
  template <class F>
  std::invoke_result_t<F, Session&> run(Deadline deadline, F&& unit);
  template <class F>
  std::invoke_result_t<F, Session&> run(F&& unit) {
    return run(Deadline::after(default_deadline()), std::forward<F>(unit));
  }

  // A ping and one real read. Throws Error with the reason when the server is not usable.
  void check_health(Deadline deadline);

  [[nodiscard]] Dialect dialect() const;
  [[nodiscard]] const std::string& database() const;
  [[nodiscard]] std::chrono::milliseconds default_deadline() const;
};

template <class F>
std::invoke_result_t<F, Session&> Service::run(Deadline deadline, F&& unit) {
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
      [promise](std::exception_ptr refusal) { promise->set_exception(std::move(refusal)); });
  return future.get();
}

}  // namespace gesso::mongo
