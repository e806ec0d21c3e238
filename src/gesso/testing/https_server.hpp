// A small HTTP/1.1 server of 127.0.0.1, plain or over TLS, that answers what a handler says, keeps
// what it was asked, and misbehaves when a test says so.
//
//   HttpsServer server([](const HttpsServer::Request&) { return HttpsServer::Reply{}; });
//   server.fail_next(2, Fault::with_status(503));
//
// One thread a connection, connections are kept alive. Owned by the test; thread-safe; its
// destructor ends what stands, releases what hangs and joins.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "gesso/base/clock.hpp"
#include "gesso/testing/test_ca.hpp"

namespace gesso::testing {

using HttpHeaders = std::vector<std::pair<std::string, std::string>>;

// What a throttled reply says about when to come back: nothing, seconds, or a date.
using RetryAfter = std::variant<std::monostate, std::chrono::seconds, Time>;

// "Wed, 21 Oct 2026 07:28:00 GMT"
[[nodiscard]] std::string http_date(Time time);

// What goes wrong with one request.
struct Fault {
  enum class Kind {
    kNone,         // nothing: for "the first goes well, the second does not"
    kStatus,       // `status` and `body` in place of what the handler would say
    kDelay,        // the reply comes `duration` late
    kHang,         // it comes when the server is released
    kCut,          // only its first `bytes` come, then the connection ends
    kReset,        // the connection is reset without a byte
    kGarbage,      // bytes that are no HTTP
    kOversized,    // a 200 with a body of `bytes`
    kWrongLength,  // its Content-Length names `bytes` more than come; then the connection ends
    kDrip,         // it comes a byte every `duration`
  };
  Kind kind = Kind::kStatus;
  int status = 500;
  HttpHeaders headers = {};
  std::optional<std::string> body = {};  // none: what this kind of server says with that status
  std::size_t bytes = 0;
  std::chrono::milliseconds duration{0};

  [[nodiscard]] static Fault none();
  [[nodiscard]] static Fault with_status(int status, RetryAfter retry_after = {});
  [[nodiscard]] static Fault redirect(std::string location, int status = 302);
  // A 200 with this body: not JSON, JSON of another shape, nothing.
  [[nodiscard]] static Fault with_body(std::string body);
  [[nodiscard]] static Fault delay(std::chrono::milliseconds duration);
  [[nodiscard]] static Fault hang();
  [[nodiscard]] static Fault cut(std::size_t after_bytes = 30);
  [[nodiscard]] static Fault reset();
  [[nodiscard]] static Fault garbage();
  [[nodiscard]] static Fault oversized(std::size_t bytes);
  [[nodiscard]] static Fault wrong_length(std::size_t missing = 10);
  [[nodiscard]] static Fault drip(std::chrono::milliseconds interval);
};

class HttpsServer {
 public:
  class Impl;

  struct Request {
    std::string method;
    std::string target;                                      // as it was sent
    std::string path;                                        // before '?', percent-decoded
    std::vector<std::pair<std::string, std::string>> query;  // decoded, in order
    HttpHeaders headers;                                     // names in lower case
    std::string body;
    std::string server_name;       // the name that TLS asked for (SNI); empty without TLS
    std::uint64_t connection = 0;  // counts from 1
    int answered = 0;              // the status that went out; 0 while none did

    // The first of that name (headers: in lower case).
    [[nodiscard]] std::optional<std::string> header(std::string_view name) const;
    [[nodiscard]] std::optional<std::string> parameter(std::string_view name) const;
    // The first of that name in an application/x-www-form-urlencoded body.
    [[nodiscard]] std::optional<std::string> form(std::string_view name) const;
  };
  struct Reply {
    int status = 200;
    std::string body = {};
    HttpHeaders headers = {};
    std::string content_type = "application/json; charset=utf-8";
  };
  // Called by the connections' threads, several at once; must not block for long. An exception is
  // a 500 with its message.
  using Handler = std::function<Reply(const Request&)>;
  struct Options {
    std::optional<Certificate> certificate = {};  // none: plain HTTP
    // What `Fault::with_status` says where the fault has no body of its own.
    std::function<std::string(int status)> error_body = {};
    // What the header Date tells; none: the system's. Must outlive this.
    const Clock* clock = nullptr;
  };

 private:
  std::unique_ptr<Impl> impl_;

 public:
  // Takes a free port.
  explicit HttpsServer(Handler handler);
  HttpsServer(Handler handler, Options options);
  ~HttpsServer();
  HttpsServer(const HttpsServer&) = delete;
  HttpsServer& operator=(const HttpsServer&) = delete;

  [[nodiscard]] std::uint16_t port() const;

  // The next `count` requests fail so, in the order of these calls; they come before `fail`.
  void fail_next(std::size_t count, Fault fault);
  // Every request does, until `heal`.
  void fail(Fault fault);
  // Nothing fails any more, what hangs is answered, and a server that was down is up.
  void heal();
  // Ends all connections and takes none: connects are refused from the moment this returns.
  void down();
  void up();
  // Answers what hangs now; faults stay.
  void release();
  // New connections see this certificate. For a server with TLS.
  void use_certificate(const Certificate& certificate);

  // All requests, in order of arrival.
  [[nodiscard]] std::vector<Request> requests() const;
  [[nodiscard]] std::size_t request_count() const;
  // How many requests were answered with this status.
  [[nodiscard]] std::size_t answered(int status) const;
  void forget_requests();
  // How many connections are open now.
  [[nodiscard]] std::size_t connections() const;
  // Block until so many requests came (since the start or `forget_requests`), hang now, or TLS
  // handshakes failed (a client that does not trust the certificate, for one); false when `within`
  // passed first.
  [[nodiscard]] bool wait_for_requests(std::size_t count,
                                       std::chrono::milliseconds within = std::chrono::seconds{
                                           10}) const;
  [[nodiscard]] bool wait_for_failed_handshakes(
      std::size_t count, std::chrono::milliseconds within = std::chrono::seconds{10}) const;
  [[nodiscard]] bool wait_for_hanging(std::size_t count,
                                      std::chrono::milliseconds within = std::chrono::seconds{
                                          10}) const;
};

}  // namespace gesso::testing
