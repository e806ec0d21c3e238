// The server's inside: an I/O thread's event loop and the connections on it. For server.cpp alone.
//
// A `Loop` and its connections are touched by their thread only; `Shared` is const while the server
// runs, but for its counter. Includes Asio.
#pragma once

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "gesso/http/request_parser.hpp"
#include "gesso/http/response.hpp"
#include "gesso/http/server.hpp"

namespace gesso::http::detail {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;
using SteadyClock = std::chrono::steady_clock;

class ClientConnection;

// What every thread and connection reads and nothing changes once the server runs, but the count.
struct Shared {
  ServerOptions options;
  Handler handler;
  std::atomic<std::size_t> connections = 0;
};

// One I/O thread: its event loop and the connections that live on it. Only that thread touches
// them. Ends when it drains and the last connection is gone, or when it is told to.
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
  // Destroyed before the context, whose services the sockets use.
  std::unordered_set<std::shared_ptr<ClientConnection>> connections;

  explicit Loop(std::shared_ptr<Shared> s);
  ~Loop();
  void keep_time();
  void adopt(tcp::socket socket);
  void drain();
  void remove(const std::shared_ptr<ClientConnection>& connection);
};

// One client. Lives on its loop's thread. States: reading a request, handling it, writing the
// response, and, where it must close with the client still sending, lingering.
class ClientConnection : public std::enable_shared_from_this<ClientConnection> {
  static constexpr std::size_t kIdleBuffer = 4096;
  static constexpr std::size_t kBodyBuffer = 64 * 1024;
  enum class State { kReading, kHandling, kWriting, kLingering, kClosed };

  Loop& loop_;
  tcp::socket socket_;
  const ServerOptions& options_;
  State state_ = State::kReading;
  SteadyClock::time_point deadline_;
  std::vector<char> input_;  // bytes [begin_, end_) are not parsed yet
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  std::optional<RequestParser> parser_;  // one a request
  bool continue_sent_ = false;
  bool close_after_ = false;  // after the response in work
  bool refused_ = false;      // what came was no request we take: nothing can follow
  bool http_1_0_ = false;
  bool head_only_ = false;  // the method was HEAD
  std::string request_id_;
  SteadyClock::time_point received_;
  std::string access_method_, access_path_;  // kept for the access log only
  std::string head_;                         // of the response being written
  std::string body_;

 public:
  ClientConnection(Loop& loop, tcp::socket socket)
      : loop_(loop),
        socket_(std::move(socket)),
        options_(loop.shared->options),
        input_(kIdleBuffer) {}

  void start() {
    begin_request();
    deadline_ = SteadyClock::now() + options_.header_timeout;
    read();
  }

  void check(SteadyClock::time_point now) {
    if (state_ == State::kHandling || now < deadline_) return;
    if (state_ == State::kReading && parser_->started()) {
      refuse(408, "The request did not arrive in its time");
    } else {
      close();
    }
  }

  // The server stops: an idle connection has nothing to wait for.
  void drain() {
    if (state_ == State::kReading && !parser_->started() && begin_ == end_) close();
  }

  void close() {
    if (state_ == State::kClosed) return;
    state_ = State::kClosed;
    error_code ignored;
    socket_.close(ignored);
    loop_.remove(shared_from_this());
  }

  void respond(Response response);

 private:
  void begin_request() {
    state_ = State::kReading;
    parser_.emplace(options_.max_header_bytes, options_.max_body_bytes);
    continue_sent_ = false;
  }

  void read();
  void parse();
  void handle();
  void refuse(int status, std::string_view detail);
  void write(Response response);
  void written();
  void linger();
  void discard();
};

}  // namespace gesso::http::detail
