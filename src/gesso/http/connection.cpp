#include "gesso/http/connection.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <array>
#include <boost/asio/post.hpp>
#include <boost/asio/write.hpp>
#include <ctime>

#include "gesso/base/error.hpp"
#include "gesso/base/random.hpp"
#include "gesso/base/text.hpp"
#include "gesso/http/problem.hpp"

namespace gesso::http::detail {
namespace {

// The way back for one request. It may outlive the server, so it holds no part of it.
class Exchange final : public ResponseSink {
  std::weak_ptr<Loop> loop_;
  std::weak_ptr<ClientConnection> connection_;

 public:
  Exchange(std::weak_ptr<Loop> loop, std::weak_ptr<ClientConnection> connection)
      : loop_(std::move(loop)), connection_(std::move(connection)) {}
  ~Exchange() override {
    if (!is_answered()) send(problem(500, "The request was not answered", "internal"));
  }

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

}  // namespace

void ClientConnection::read() {
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

void ClientConnection::parse() {
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

void ClientConnection::handle() {
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

void ClientConnection::respond(Response response) {
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
void ClientConnection::refuse(int status, std::string_view detail) {
  error_code ignored;
  socket_.cancel(ignored);
  close_after_ = true;
  refused_ = true;
  head_only_ = false;
  request_id_ = loop_.id_prefix + std::to_string(loop_.next_id++);
  write(problem(status, detail));
}

void ClientConnection::write(Response response) {
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

void ClientConnection::written() {
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
void ClientConnection::linger() {
  state_ = State::kLingering;
  deadline_ = SteadyClock::now() + std::chrono::seconds{1};
  error_code error;
  socket_.shutdown(tcp::socket::shutdown_send, error);
  error ? close() : discard();
}

void ClientConnection::discard() {
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
  id_prefix += hex(bytes);
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
  const std::vector<std::shared_ptr<ClientConnection>> all(connections.begin(), connections.end());
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
  auto connection = std::make_shared<ClientConnection>(*this, std::move(socket));
  connections.insert(connection);
  connection->start();
}

void Loop::drain() {
  draining = true;
  const std::vector<std::shared_ptr<ClientConnection>> all(connections.begin(), connections.end());
  for (const auto& connection : all) connection->drain();
  if (connections.empty()) context.stop();
}

void Loop::remove(const std::shared_ptr<ClientConnection>& connection) {
  if (connections.erase(connection) == 0) return;
  --shared->connections;
  if (draining && connections.empty()) context.stop();
}

}  // namespace gesso::http::detail
