// An HTTP/1.1 server, plain or over TLS: a few I/O threads that parse requests, hand them to one
// handler and write what its responder is given. It knows no resource.
//
//   Server server({.host = "127.0.0.1", .port = 8080}, handler);
//   server.start();
//   ...
//   server.stop(std::chrono::seconds{10});
//
// Each connection lives on one I/O thread and has one request in work at a time; further ones that
// are there already (pipelining) wait in its buffer, and are answered in order. Handlers run on the
// I/O thread and must not block; their responders may be called from anywhere, also after the
// server is gone. Thread-safe. Owned by whoever starts it.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "gesso/http/response.hpp"
#include "gesso/http/trusted_proxies.hpp"

namespace gesso::http {

// What the access log is told, on the I/O thread, after the handler has answered.
struct AccessRecord {
  std::string_view method;
  std::string_view path;
  int status = 0;
  std::string_view request_id;
  std::chrono::microseconds duration{};  // from the whole request to its response
};

// What the server answered by itself: no handler saw the request, or its response could not be
// sent.
struct Refusal {
  enum class Reason {
    kRequest,      // what came is no request that is taken: malformed, late, too large
    kMemory,       // more would wait in memory than may
    kConnections,  // as many connections are open as may be
  };
  Reason reason = Reason::kRequest;
  int status = 0;
  std::string_view method = "-";  // as far as it was read, as the path
  std::string_view path = {};
  std::string_view request_id = {};  // "" where there was no request
  std::string_view client_address = {};
  std::chrono::microseconds duration{};  // since its first byte
};
// "request", "memory", "connections".
[[nodiscard]] std::string_view to_string(Refusal::Reason reason) noexcept;

struct ServerOptions {
  std::string host = "127.0.0.1";  // an address or a name; "" is every address
  std::uint16_t port = 8080;       // 0 takes a free one; see `port()`
  int threads = 2;
  // PEM files; both, or neither for plain HTTP. They are looked at every `tls_poll_interval`: what
  // changed is served to new connections, what cannot be used is logged and left.
  std::string tls_certificate_file = {};
  std::string tls_key_file = {};
  std::chrono::milliseconds tls_poll_interval{5'000};
  // Who may say, by these fields, for whom it asks: addresses and networks ("10.0.0.0/8").
  std::vector<std::string> trusted_proxies = {};
  ForwardedFields forwarded_fields = ForwardedFields::kXForwarded;
  std::size_t max_connections = 4096;  // more are answered with 503 and closed
  // The same for those of one address (of IPv6: one /64), trusted proxies apart; 0 is no limit.
  std::size_t max_connections_per_address = 0;
  // Beyond `max_connections` so many are heard, one request each within `spare_timeout`: what asks
  // for one of `always_answered` is answered, and the rest gets its 503 in the right way, over TLS
  // too.
  std::size_t spare_connections = 32;
  std::chrono::milliseconds spare_timeout{1'000};
  // Paths of cheap answers that a service gives however busy it is: its health, its metrics. No
  // lack of connections or memory keeps them from being sent.
  std::vector<std::string> always_answered = {};
  std::size_t max_header_bytes = 16 * 1024;  // more is 431
  std::size_t max_body_bytes = 1024 * 1024;  // more is 413
  // A limit of its own for a request, in place of `max_body_bytes`. Must not block.
  std::function<std::size_t(Method, std::string_view path)> body_limit = {};
  // What may wait in memory, over all connections: bodies of requests that arrive or are in work,
  // and of responses that are being sent. A request or a response of more than a few KiB that goes
  // beyond it gets a 503, and its connection ends.
  std::size_t max_outstanding_bytes = 256 * 1024 * 1024;
  // A connection that makes no whole header, no whole request, takes no whole response (of a
  // stream, no whole piece) or asks nothing within these times is closed. They are kept to a
  // quarter of the shortest.
  std::chrono::milliseconds header_timeout{10'000};
  std::chrono::milliseconds request_timeout{30'000};
  std::chrono::milliseconds write_timeout{30'000};
  std::chrono::milliseconds idle_timeout{75'000};
  std::function<void(const AccessRecord&)> access_log = {};  // must not block; empty logs nothing
  // Adds to what the server answers by itself the fields that every response has; `origin` is the
  // request's, "" where it was not read. Must not block.
  std::function<void(Response&, std::string_view origin, bool is_https)> add_fields = {};
  // Told of each refusal, on an I/O thread. Must not block.
  std::function<void(const Refusal&)> on_refused = {};
};

class Server {
 public:
  class Impl;

 private:
  std::unique_ptr<Impl> impl_;

 public:
  // Throws Error (kValidation) for a trusted proxy that is no network.
  Server(ServerOptions options, Handler handler);
  // Stops without grace.
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  // Listens and returns. Throws Error (kUnavailable) when the address is taken or not ours, or the
  // certificate cannot be used.
  void start();

  // From here on every response ends its connection, so that a proxy that has been told to go
  // elsewhere keeps none. Requests are taken as before. Does not block.
  void retire();

  // Takes what has connected already and accepts no more, closes idle connections, finishes streams
  // that are endless, lets requests that have begun and other streams finish within `grace`, then
  // cuts what is left and ends the threads. Blocks. Idempotent.
  void stop(std::chrono::milliseconds grace);

  // What it listens on, after `start`.
  [[nodiscard]] std::uint16_t port() const noexcept;
  [[nodiscard]] std::size_t connections() const noexcept;
  // What is held of `max_outstanding_bytes`.
  [[nodiscard]] std::size_t outstanding_bytes() const noexcept;
};

}  // namespace gesso::http
