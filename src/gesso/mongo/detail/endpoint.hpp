// One connection string at work: libmongoc's pool for it and what is known of its server. A service
// has one that is current, and keeps the one before it until the last unit of work has left it.
// Internal to mongo/.
//
// Thread-safe. Shared by the clients that came from it.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "gesso/base/clock.hpp"
#include "gesso/base/deadline.hpp"
#include "gesso/base/random.hpp"
#include "gesso/mongo/detail/client_pool.hpp"
#include "gesso/mongo/detail/limiter_gate.hpp"
#include "gesso/mongo/dialect.hpp"
#include "gesso/mongo/local_connection.hpp"
#include "gesso/mongo/service.hpp"
#include "gesso/mongo/uri.hpp"

namespace gesso::mongo::detail {

struct Endpoint {
  std::uint64_t pool_number;  // 1, 2, ... in the order in which they became current
  DriverUri uri;
  ClientPool clients;
  std::atomic<const DialectTraits*> traits{nullptr};  // one of Shared's; set when it is made
  std::atomic<std::size_t> max_document_size{std::size_t{16} << 20};
  // The URI allows it, and the server does one numbered write once, however often it comes.
  std::atomic<bool> retry_writes{false};
  std::atomic<bool> change_streams{false};  // the server tells of changes

  Endpoint(std::uint64_t number, DriverUri driver_uri, PoolPtr pool)
      : pool_number(number), uri(std::move(driver_uri)), clients(std::move(pool)) {}
};

// What every dialect is for a service, by its account's capabilities and the operator's word.
struct DialectTable {
  std::optional<Dialect> forced;
  std::array<DialectTraits, kDialects.size()> traits;

  [[nodiscard]] const DialectTraits* of(Dialect detected) const {
    return &traits[static_cast<std::size_t>(forced.value_or(detected))];
  }
};

// Closes endpoints on a thread of its own: libmongoc waits half a second for its watch to end, and
// the last to leave an endpoint is a worker with better things to do. Destroying it ends what it
// still has.
class EndpointCloser {
  std::mutex mutex_;  // guards the two below
  std::vector<std::unique_ptr<Endpoint>> waiting_;
  bool stopping_ = false;
  std::condition_variable woken_;
  std::jthread thread_;

  void work();

 public:
  EndpointCloser() : thread_([this] { work(); }) {}
  ~EndpointCloser();
  EndpointCloser(const EndpointCloser&) = delete;
  EndpointCloser& operator=(const EndpointCloser&) = delete;

  // The endpoint, which comes back here when the last owner lets go. The closer must outlive it.
  [[nodiscard]] std::shared_ptr<Endpoint> share(std::unique_ptr<Endpoint> endpoint);
};

// Says once that the service stops, and ends the waits of those that would notice it too late.
// Thread-safe.
class StopSignal {
  mutable std::mutex mutex_;  // guards given_
  mutable std::condition_variable wakes_;
  bool given_ = false;

 public:
  void give() {
    const std::lock_guard lock(mutex_);
    given_ = true;
    wakes_.notify_all();
  }
  [[nodiscard]] bool is_given() const {
    const std::lock_guard lock(mutex_);
    return given_;
  }
  // Blocks for that time, or until it is given; whether it is.
  [[nodiscard]] bool wait_for(std::chrono::milliseconds time) const {
    std::unique_lock lock(mutex_);
    return wakes_.wait_for(lock, time, [this] { return given_; });
  }
};

// What all leases of a service share.
class Shared {
  std::atomic<std::uint64_t> pool_number_{0};
  mutable std::mutex mutex_;  // guards current_
  std::shared_ptr<Endpoint> current_;

 public:
  std::string database;
  std::chrono::milliseconds connect_timeout{5000};
  std::chrono::milliseconds server_selection_timeout{5000};
  TokenSource login_token;  // ServiceOptions::login_token; may be empty
  const Clock* clock = nullptr;
  // ServiceOptions::renew_credentials; may be empty.
  std::function<bool(std::uint64_t pool_number, Deadline)> renew_credentials;
  DialectTable dialects;          // as the account speaks them
  double charge_sampling = 0;     // ServiceOptions::charge_sampling
  ChargeObserver observe_charge;  // ServiceOptions::observe_charge; may be empty
  mutable LimiterGate limiter;
  Random* random = nullptr;        // for the jitter of waits; set before there is a lease
  OpenLocalConnection open_local;  // ServiceOptions::open_local; may be empty
  bool joins_writes = true;        // ServiceOptions::joins_writes
  // What is told of the commands of local connections; either may be empty.
  CommandObserver observe_command;
  CommandTimer time_command;
  std::atomic<std::size_t> open_connections{0};
  StopSignal stop;

  [[nodiscard]] std::uint64_t pool_number() const {
    return pool_number_.load(std::memory_order_acquire);
  }
  [[nodiscard]] std::shared_ptr<Endpoint> current() const;
  // New units of work go to `next` from here on.
  void replace(std::shared_ptr<Endpoint> next);
};

}  // namespace gesso::mongo::detail
