#include "gesso/http/server.hpp"

#include <spdlog/spdlog.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/v6_only.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <condition_variable>
#include <ctime>
#include <mutex>
#include <optional>
#include <thread>
#include <unordered_set>
#include <vector>

#include "gesso/base/error.hpp"
#include "gesso/base/random.hpp"
#include "gesso/http/problem.hpp"
#include "gesso/http/request_parser.hpp"

namespace gesso::http {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;
using SteadyClock = std::chrono::steady_clock;

class Connection;

constexpr std::size_t kIdleBuffer = 4096;
constexpr std::size_t kBodyBuffer = 64 * 1024;

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
  std::unordered_set<std::shared_ptr<Connection>> connections;

  explicit Loop(std::shared_ptr<Shared> s);
  ~Loop();
  void keep_time();
  void adopt(tcp::socket socket);
  void drain();
  void remove(const std::shared_ptr<Connection>& connection);
};

// One client. Lives on its loop's thread. States: reading a request, handling it, writing the
// response, and, where it must close with the client still sending, lingering.
class Connection : public std::enable_shared_from_this<Connection> {
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
  Connection(Loop& loop, tcp::socket socket)
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

// The way back for one request. It may outlive the server, so it holds no part of it.
class Exchange final : public ResponseSink {
  std::weak_ptr<Loop> loop_;
  std::weak_ptr<Connection> connection_;

 public:
  Exchange(std::weak_ptr<Loop> loop, std::weak_ptr<Connection> connection)
      : loop_(std::move(loop)), connection_(std::move(connection)) {}
  ~Exchange() override { send(problem(500, "The request was not answered", "internal")); }

 private:
  void deliver(Response response) noexcept override {
    try {
      const std::shared_ptr<Loop> loop = loop_.lock();
      if (!loop) return;
      auto task = [connection = connection_, response = std::move(response)]() mutable {
        if (const auto alive = connection.lock()) alive->respond(std::move(response));
      };
      if (loop->context.get_executor().running_in_this_thread()) {
        task();
      } else {
        asio::post(loop->context, std::move(task));
      }
    } catch (const std::exception& error) {
      spdlog::error("http: a response was lost: {}", error.what());
    }
  }
};

bool is_fit_request_id(std::string_view text) {
  return !text.empty() && text.size() <= 128 && std::ranges::all_of(text, [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' ||
           c == '_' || c == '.' || c == ':' || c == '/' || c == '+' || c == '=';
  });
}

void Connection::read() {
  if (begin_ == end_) {
    begin_ = end_ = 0;
    const std::size_t fit = parser_->header_done() ? kBodyBuffer : kIdleBuffer;
    if (input_.size() < fit || !parser_->started()) input_.resize(fit);
  }
  if (end_ == input_.size()) {
    if (begin_ > 0) {
      std::copy(input_.begin() + static_cast<std::ptrdiff_t>(begin_),
                input_.begin() + static_cast<std::ptrdiff_t>(end_), input_.begin());
      end_ -= begin_;
      begin_ = 0;
    } else {
      input_.resize(input_.size() * 2);  // a header; the parser's limit bounds it
    }
  }
  socket_.async_read_some(asio::buffer(input_.data() + end_, input_.size() - end_),
                          [self = shared_from_this()](error_code error, std::size_t count) {
                            if (self->state_ != State::kReading) return;
                            if (error) {
                              self->close();
                              return;
                            }
                            self->end_ += count;
                            self->parse();
                          });
}

void Connection::parse() {
  if (!parser_->started()) {
    const auto now = SteadyClock::now();
    received_ = now;
    deadline_ = now + options_.header_timeout;
  }
  const bool had_header = parser_->header_done();
  const auto result = parser_->parse({input_.data() + begin_, end_ - begin_});
  begin_ += result.consumed;
  if (!had_header && parser_->header_done()) deadline_ = received_ + options_.request_timeout;
  if (result.error) {
    refuse(result.error->status, result.error->detail);
    return;
  }
  if (parser_->done()) {
    handle();
    return;
  }
  if (parser_->expects_continue() && !continue_sent_) {
    continue_sent_ = true;
    static constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";
    asio::async_write(socket_, asio::buffer(kContinue),
                      [self = shared_from_this()](error_code error, std::size_t) {
                        if (self->state_ != State::kReading) return;
                        error ? self->close() : self->read();
                      });
    return;
  }
  read();
}

void Connection::handle() {
  state_ = State::kHandling;
  received_ = SteadyClock::now();
  http_1_0_ = parser_->http_1_0();
  close_after_ = !parser_->keep_alive();
  Request request = parser_->release();
  head_only_ = request.method == Method::kHead;
  const auto id = request.headers.find("x-request-id");
  if (id && is_fit_request_id(*id)) {
    request_id_ = *id;
  } else {
    request_id_ = loop_.id_prefix + std::to_string(loop_.next_id++);
  }
  request.id = request_id_;
  if (options_.access_log) {
    access_method_ = to_string(request.method);
    access_path_ = request.path;
  }

  const Responder respond(std::make_shared<Exchange>(loop_.weak_from_this(), weak_from_this()));
  try {
    loop_.shared->handler(std::move(request), respond);
  } catch (const Error& error) {
    if (is_our_fault(error)) spdlog::error("{}: {}", request_id_, error.what());
    respond(problem_of(error));
  } catch (const std::exception& error) {
    spdlog::error("{}: {}", request_id_, error.what());
    respond(problem_of(Error(ErrorKind::kInternal, error.what())));
  }
}

void Connection::respond(Response response) {
  if (state_ != State::kHandling) return;
  if (options_.access_log) {
    options_.access_log({.method = access_method_,
                         .path = access_path_,
                         .status = response.status,
                         .request_id = request_id_,
                         .duration = std::chrono::duration_cast<std::chrono::microseconds>(
                             SteadyClock::now() - received_)});
  }
  write(std::move(response));
}

// Answers bytes that are no request, after which nothing sensible can follow.
void Connection::refuse(int status, std::string_view detail) {
  error_code ignored;
  socket_.cancel(ignored);
  close_after_ = true;
  refused_ = true;
  head_only_ = false;
  request_id_ = loop_.id_prefix + std::to_string(loop_.next_id++);
  write(problem(status, detail));
}

void Connection::write(Response response) {
  state_ = State::kWriting;
  deadline_ = SteadyClock::now() + options_.write_timeout;
  if (loop_.draining) close_after_ = true;
  body_ = std::move(response.body);

  head_.clear();
  head_.append("HTTP/1.1 ").append(std::to_string(response.status)).append(" ");
  head_.append(reason_phrase(response.status)).append("\r\nDate: ").append(loop_.date);
  if (!response.content_type.empty()) {
    head_.append("\r\nContent-Type: ").append(response.content_type);
  }
  for (const auto& [name, value] : response.headers) {
    head_.append("\r\n").append(name).append(": ").append(value);
  }
  const bool may_have_body = response.status != 204 && response.status != 304;
  if (may_have_body) head_.append("\r\nContent-Length: ").append(std::to_string(body_.size()));
  head_.append("\r\nX-Request-ID: ").append(request_id_);
  if (close_after_) {
    head_.append("\r\nConnection: close");
  } else if (http_1_0_) {
    head_.append("\r\nConnection: keep-alive");
  }
  head_.append("\r\n\r\n");
  if (head_only_ || !may_have_body) body_.clear();

  const std::array<asio::const_buffer, 2> buffers{asio::buffer(head_), asio::buffer(body_)};
  asio::async_write(socket_, buffers, [self = shared_from_this()](error_code error, std::size_t) {
    if (self->state_ != State::kWriting) return;
    error ? self->close() : self->written();
  });
}

void Connection::written() {
  body_ = {};
  if (refused_ || (loop_.draining && begin_ != end_)) {
    linger();
    return;
  }
  if (close_after_ || loop_.draining) {
    close();
    return;
  }
  begin_request();
  deadline_ = SteadyClock::now() + options_.idle_timeout;
  begin_ == end_ ? read() : parse();
}

// Closing with unread input would reset the connection, and the client might lose the response:
// so end our half, and read what still comes for a moment.
void Connection::linger() {
  state_ = State::kLingering;
  deadline_ = SteadyClock::now() + std::chrono::seconds{1};
  error_code error;
  socket_.shutdown(tcp::socket::shutdown_send, error);
  error ? close() : discard();
}

void Connection::discard() {
  socket_.async_read_some(asio::buffer(input_),
                          [self = shared_from_this()](error_code error, std::size_t) {
                            if (self->state_ != State::kLingering) return;
                            error ? self->close() : self->discard();
                          });
}

Loop::Loop(std::shared_ptr<Shared> s) : shared(std::move(s)) {
  const ServerOptions& options = shared->options;
  tick = std::clamp(std::min({options.header_timeout, options.request_timeout,
                              options.write_timeout, options.idle_timeout}) /
                        4,
                    std::chrono::milliseconds{5}, std::chrono::milliseconds{500});
  std::array<std::uint8_t, 6> bytes{};
  SystemRandom().fill(bytes);
  id_prefix = "req_";
  for (const std::uint8_t byte : bytes) {
    id_prefix += "0123456789abcdef"[byte >> 4];
    id_prefix += "0123456789abcdef"[byte & 15];
  }
  id_prefix += '_';
  keep_time();
}

Loop::~Loop() { shared->connections -= connections.size(); }

// Every tick: the Date field, and connections that are past their time.
void Loop::keep_time() {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  ::gmtime_r(&now, &parts);
  std::array<char, 64> buffer{};
  date.assign(buffer.data(),
              std::strftime(buffer.data(), buffer.size(), "%a, %d %b %Y %H:%M:%S GMT", &parts));

  const auto steady_now = SteadyClock::now();
  // A check may remove its connection from the set.
  const std::vector<std::shared_ptr<Connection>> all(connections.begin(), connections.end());
  for (const auto& connection : all) connection->check(steady_now);

  timer.expires_after(tick);
  timer.async_wait([this](error_code error) {
    if (!error) keep_time();
  });
}

void Loop::adopt(tcp::socket socket) {
  if (draining) {
    --shared->connections;
    return;
  }
  error_code ignored;
  socket.set_option(tcp::no_delay(true), ignored);
  auto connection = std::make_shared<Connection>(*this, std::move(socket));
  connections.insert(connection);
  connection->start();
}

void Loop::drain() {
  draining = true;
  const std::vector<std::shared_ptr<Connection>> all(connections.begin(), connections.end());
  for (const auto& connection : all) connection->drain();
  if (connections.empty()) context.stop();
}

void Loop::remove(const std::shared_ptr<Connection>& connection) {
  if (connections.erase(connection) == 0) return;
  --shared->connections;
  if (draining && connections.empty()) context.stop();
}

}  // namespace

// Order of destruction: the acceptor before the loops, whose first context it uses.
class Server::Impl {
  std::shared_ptr<Shared> shared_ = std::make_shared<Shared>();
  std::vector<std::shared_ptr<Loop>> loops_;
  std::vector<std::thread> threads_;
  std::optional<tcp::acceptor> acceptor_;           // lives on the first loop
  std::optional<asio::steady_timer> accept_again_;  // after an error
  std::size_t next_loop_ = 0;
  std::uint16_t port_ = 0;
  std::mutex stop_mutex_;   // one `stop` at a time
  std::mutex ended_mutex_;  // guards ended_
  std::condition_variable one_ended_;
  std::size_t ended_ = 0;  // loops that have run out

  void accept() {
    Loop& loop = *loops_[next_loop_++ % loops_.size()];
    acceptor_->async_accept(loop.context, [this, &loop](error_code error, tcp::socket socket) {
      if (error == asio::error::operation_aborted || !acceptor_->is_open()) return;
      if (error) {
        // Out of file descriptors, most likely: it passes, and trying at once would spin.
        spdlog::warn("http: cannot accept a connection: {}", error.message());
        accept_again_->expires_after(std::chrono::milliseconds{100});
        accept_again_->async_wait([this](error_code cancelled) {
          if (!cancelled) accept();
        });
        return;
      }
      if (++shared_->connections > shared_->options.max_connections) {
        --shared_->connections;
        static constexpr std::string_view kFull =
            "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nContent-Length: 0\r\n"
            "Connection: close\r\n\r\n";
        // A fresh socket's buffer takes it whole; if not, closing says enough.
        (void)::send(socket.native_handle(), kFull.data(), kFull.size(),
                     MSG_DONTWAIT | MSG_NOSIGNAL);
      } else {
        asio::post(loop.context, [&loop, socket = std::move(socket)]() mutable {
          loop.adopt(std::move(socket));
        });
      }
      accept();
    });
  }

 public:
  Impl(ServerOptions options, Handler handler) {
    shared_->options = std::move(options);
    shared_->handler = std::move(handler);
  }

  ~Impl() { stop(std::chrono::milliseconds{0}); }

  void start() {
    const ServerOptions& options = shared_->options;
    for (int i = 0; i < std::max(1, options.threads); ++i) {
      loops_.push_back(std::make_shared<Loop>(shared_));
    }
    asio::io_context& context = loops_.front()->context;
    const std::string address = (options.host.empty() ? std::string("*") : options.host) + ":" +
                                std::to_string(options.port);
    try {
      tcp::endpoint endpoint(tcp::v6(), options.port);
      if (!options.host.empty()) {
        tcp::resolver resolver(context);
        endpoint = *resolver
                        .resolve(options.host, std::to_string(options.port),
                                 tcp::resolver::passive | tcp::resolver::numeric_service)
                        .begin();
      }
      acceptor_.emplace(context, endpoint.protocol());
      acceptor_->set_option(tcp::acceptor::reuse_address(true));
      if (options.host.empty()) acceptor_->set_option(asio::ip::v6_only(false));
      acceptor_->bind(endpoint);
      acceptor_->listen(1024);
      port_ = acceptor_->local_endpoint().port();
    } catch (const boost::system::system_error& error) {
      acceptor_.reset();
      loops_.clear();
      throw Error(ErrorKind::kUnavailable,
                  "cannot listen on " + address + ": " + error.code().message());
    }
    accept_again_.emplace(context);
    accept();
    for (const auto& loop : loops_) {
      threads_.emplace_back([this, loop] {
        loop->context.run();
        const std::lock_guard lock(ended_mutex_);
        ++ended_;
        one_ended_.notify_all();
      });
    }
  }

  void stop(std::chrono::milliseconds grace) {
    const std::lock_guard lock(stop_mutex_);
    if (threads_.empty()) return;
    asio::post(loops_.front()->context, [this] {
      accept_again_->cancel();
      error_code ignored;
      acceptor_->close(ignored);
      // Behind the connections that were accepted and are still on their way to their loops.
      for (const auto& loop : loops_) {
        asio::post(loop->context, [&target = *loop] { target.drain(); });
      }
    });
    {
      std::unique_lock ended_lock(ended_mutex_);
      one_ended_.wait_for(ended_lock, grace, [this] { return ended_ == threads_.size(); });
    }
    for (const auto& loop : loops_) loop->context.stop();
    for (std::thread& thread : threads_) thread.join();
    threads_.clear();
    accept_again_.reset();
    acceptor_.reset();
    loops_.clear();
  }

  [[nodiscard]] std::uint16_t port() const noexcept { return port_; }
  [[nodiscard]] std::size_t connections() const noexcept { return shared_->connections; }
};

Server::Server(ServerOptions options, Handler handler)
    : impl_(std::make_unique<Impl>(std::move(options), std::move(handler))) {}
Server::~Server() = default;

void Server::start() { impl_->start(); }
void Server::stop(std::chrono::milliseconds grace) { impl_->stop(grace); }
std::uint16_t Server::port() const noexcept { return impl_->port(); }
std::size_t Server::connections() const noexcept { return impl_->connections(); }

}  // namespace gesso::http
