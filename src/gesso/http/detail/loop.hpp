// An I/O thread of the server: its event loop and the connections on it. For the server's inside
// alone.
//
// A `Loop` and its connections are touched by their thread only; `Shared` is const while the server
// runs, but for what says so. Includes Asio.
#pragma once

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_set>

#include "gesso/http/detail/connection.hpp"
#include "gesso/http/detail/tls.hpp"

namespace gesso::http::detail {

// What every thread and connection reads.
struct Shared {
  const ServerOptions options;
  const Handler handler;
  const TrustedProxies proxies;
  std::optional<TlsServer> tls;                // made before the loops start
  Places places;                               // thread-safe
  Places spare_places;                         // thread-safe; beyond those
  std::atomic<std::size_t> outstanding_bytes;  // of bodies, on all connections
  std::atomic<bool> retired = false;           // every response is its connection's last

  Shared(ServerOptions o, Handler h)
      : options(std::move(o)),
        handler(std::move(h)),
        proxies(options.trusted_proxies, options.forwarded_fields),
        places(options.max_connections, options.max_connections_per_address),
        spare_places(options.spare_connections, 0),
        outstanding_bytes(0) {}
};

// Ends when it drains and the last connection is gone, or when it is told to.
class Loop : public std::enable_shared_from_this<Loop> {
 public:
  std::shared_ptr<Shared> shared;
  asio::io_context context{1};
  asio::steady_timer timer{context};
  std::chrono::milliseconds tick;
  std::string date;       // the Date field's value, at most a tick old
  std::string id_prefix;  // of the request ids made here
  std::uint64_t next_id = 0;
  bool draining = false;
  bool reloads_tls = false;  // one loop does, for all
  SteadyClock::time_point next_reload;
  SteadyClock::time_point next_warning;
  // Destroyed before the context, whose services the sockets use.
  std::unordered_set<std::shared_ptr<ClientConnection>> connections;

  explicit Loop(std::shared_ptr<Shared> s);

  void keep_time();
  void adopt(tcp::socket socket, Peer peer, Place place);
  // From here on the loop ends with its last connection.
  void drain();
  void drain_all();
  void remove(const std::shared_ptr<ClientConnection>& connection);
  // A line in the log, once a second: what is refused by the thousand is said once.
  void warn_of_overload(std::string_view what);
  [[nodiscard]] std::string make_id() { return id_prefix + std::to_string(next_id++); }
};

}  // namespace gesso::http::detail
