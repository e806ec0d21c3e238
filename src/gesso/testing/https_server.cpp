#include "gesso/testing/https_server.hpp"

#include <openssl/ssl.h>
#include <pthread.h>
#include <signal.h>  // pthread_sigmask is POSIX

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <list>
#include <mutex>
#include <thread>

#include "gesso/testing/detail/http_stream.hpp"

namespace gesso::testing {
namespace {

using detail::HttpStream;

std::string_view reason(int status) {
  switch (status) {
    case 200:
      return "OK";
    case 302:
      return "Found";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 410:
      return "Gone";
    case 429:
      return "Too Many Requests";
    case 503:
      return "Service Unavailable";
    default:
      return "Status";
  }
}

std::string to_bytes(const HttpsServer::Reply& reply, Time now) {
  std::string out = "HTTP/1.1 " + std::to_string(reply.status) + " ";
  out += reason(reply.status);
  out += "\r\nDate: " + http_date(now);
  out += "\r\nContent-Type: " + reply.content_type;
  out += "\r\nContent-Length: " + std::to_string(reply.body.size());
  for (const auto& [name, value] : reply.headers) out += "\r\n" + name + ": " + value;
  return out + "\r\n\r\n" + reply.body;
}

// A peer that went away must not end the process: OpenSSL writes without MSG_NOSIGNAL.
void block_broken_pipes() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGPIPE);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
}

}  // namespace

class HttpsServer::Impl {
  const Handler handler_;
  const std::function<std::string(int)> error_body_;
  const SystemClock system_clock_;
  const Clock& clock_;
  Socket listener_;  // changed only while the acceptor is parked
  const std::uint16_t port_;
  mutable std::mutex mutex_;                 // guards what follows
  mutable std::condition_variable changed_;  // any of it
  std::shared_ptr<SSL_CTX> context_;
  bool stopping_ = false;
  bool down_ = false;
  bool parked_ = false;  // the acceptor waits for `up`
  std::deque<std::pair<std::size_t, Fault>> next_faults_;
  std::optional<Fault> fault_;
  std::uint64_t releases_ = 0;
  std::size_t hanging_ = 0;
  std::size_t failed_handshakes_ = 0;
  std::deque<Request> requests_;
  std::size_t forgotten_ = 0;  // requests that came before the first of them
  std::uint64_t connections_made_ = 0;
  struct Connection {
    HttpStream stream;
    std::uint64_t number;
    bool ended = false;  // by us
    bool open = true;
    std::jthread thread = {};
  };
  std::list<Connection> connections_;
  std::jthread acceptor_;  // last: it uses all of the above

  std::optional<Fault> take_fault() {
    while (!next_faults_.empty() && next_faults_.front().first == 0) next_faults_.pop_front();
    if (next_faults_.empty()) return fault_;
    --next_faults_.front().first;
    return next_faults_.front().second;
  }

  std::string bytes_of(const Reply& reply) const { return to_bytes(reply, clock_.now()); }

  Reply handle(const Request& request) const {
    try {
      return handler_(request);
    } catch (const std::exception& error) {
      return {.status = 500, .body = error.what(), .headers = {}, .content_type = "text/plain"};
    }
  }

  // Whether the wait was over in time: false when the connection was ended meanwhile.
  bool wait_out(const Connection& connection, const Fault& fault) {
    std::unique_lock lock(mutex_);
    if (fault.kind == Fault::Kind::kHang) {
      const std::uint64_t before = releases_;
      ++hanging_;
      changed_.notify_all();
      changed_.wait(lock, [&] { return connection.ended || releases_ != before; });
      --hanging_;
    } else {
      changed_.wait_for(lock, fault.duration, [&] { return connection.ended; });
    }
    return !connection.ended;
  }

  void note_answer(std::size_t sequence, int status) {
    const std::lock_guard lock(mutex_);
    if (sequence >= forgotten_) requests_[sequence - forgotten_].answered = status;
    changed_.notify_all();
  }

  // False: the connection ends.
  bool answer(Connection& connection, const Request& request, std::size_t sequence,
              const std::optional<Fault>& fault) {
    using Kind = Fault::Kind;
    HttpStream& stream = connection.stream;
    const bool keep = request.header("connection").value_or("") != "close";
    const auto send = [&](const Reply& reply) {
      note_answer(sequence, reply.status);
      return stream.write(bytes_of(reply)) && keep;
    };
    if (!fault) return send(handle(request));
    switch (fault->kind) {
      case Kind::kNone:
        return send(handle(request));
      case Kind::kStatus:
        return send({.status = fault->status,
                     .body = fault->body   ? *fault->body
                             : error_body_ ? error_body_(fault->status)
                                           : std::string("{}"),
                     .headers = fault->headers});
      case Kind::kOversized:
        return send({.body = std::string(fault->bytes, 'x')});
      case Kind::kDelay:
      case Kind::kHang:
        return wait_out(connection, *fault) && send(handle(request));
      case Kind::kReset:
        return false;  // `serve` resets
      case Kind::kGarbage:
        stream.write("\x15\x03 SSH-2.0-neither this nor that\n\n\xFF\xFE\r\n");
        return false;
      case Kind::kCut:
        stream.write(bytes_of(handle(request)).substr(0, fault->bytes));
        return false;
      case Kind::kWrongLength: {
        const std::string bytes = bytes_of(handle(request));
        stream.write(
            std::string_view(bytes).substr(0, bytes.size() - std::min(bytes.size(), fault->bytes)));
        return false;
      }
      case Kind::kDrip: {
        const Reply reply = handle(request);
        note_answer(sequence, reply.status);
        for (const char byte : bytes_of(reply)) {
          if (!stream.write({&byte, 1}) || !wait_out(connection, *fault)) return false;
        }
        return keep;
      }
    }
    return false;
  }

  void serve(Connection& connection) {
    block_broken_pipes();
    HttpStream& stream = connection.stream;
    bool resetting = false;
    if (stream.handshake()) {
      for (auto request = stream.read(); request; request = stream.read()) {
        request->connection = connection.number;
        std::optional<Fault> fault;
        std::size_t sequence = 0;
        {
          const std::lock_guard lock(mutex_);
          sequence = forgotten_ + requests_.size();
          requests_.push_back(*request);
          fault = take_fault();
          changed_.notify_all();
        }
        resetting = fault && fault->kind == Fault::Kind::kReset;
        if (!answer(connection, *request, sequence, fault)) break;
      }
    } else {
      const std::lock_guard lock(mutex_);
      if (!connection.ended) ++failed_handshakes_;
      changed_.notify_all();
    }
    if (!resetting) stream.end();
    const std::lock_guard lock(mutex_);
    if (resetting && !connection.ended) stream.reset();
    connection.open = false;
    changed_.notify_all();
  }

  void accept() {
    for (;;) {
      Socket socket = listener_.accept();
      std::unique_lock lock(mutex_);
      if (down_) {
        parked_ = true;
        changed_.notify_all();
        changed_.wait(lock, [this] { return !down_ || stopping_; });
        parked_ = false;
        if (!stopping_) continue;
      }
      if (stopping_) return;
      if (!socket) continue;
      std::erase_if(connections_, [](const Connection& one) { return !one.open; });
      Connection& connection = connections_.emplace_back(Connection{
          .stream = HttpStream(std::move(socket), context_), .number = ++connections_made_});
      connection.thread = std::jthread([this, &connection] { serve(connection); });
    }
  }

  // With mutex_ held.
  void end_connections() {
    for (Connection& one : connections_) {
      if (one.open) one.stream.shut();
      one.ended = true;
    }
    changed_.notify_all();
  }

 public:
  Impl(Handler handler, Options options)
      : handler_(std::move(handler)),
        error_body_(std::move(options.error_body)),
        clock_(options.clock != nullptr ? *options.clock : system_clock_),
        listener_(Socket::listen(0)),
        port_(listener_.port()),
        context_(options.certificate ? detail::make_tls_context(*options.certificate) : nullptr),
        acceptor_([this] { accept(); }) {}

  ~Impl() {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
      end_connections();
    }
    if (listener_) listener_.shutdown();
    acceptor_.join();
    for (Connection& one : connections_) one.thread.join();
  }

  std::uint16_t port() const { return port_; }

  void fail_next(std::size_t count, Fault fault) {
    const std::lock_guard lock(mutex_);
    next_faults_.emplace_back(count, std::move(fault));
  }
  void fail(Fault fault) {
    const std::lock_guard lock(mutex_);
    fault_ = std::move(fault);
  }
  void heal() {
    {
      const std::lock_guard lock(mutex_);
      next_faults_.clear();
      fault_.reset();
    }
    release();
    up();
  }

  void down() {
    std::unique_lock lock(mutex_);
    if (down_) return;
    down_ = true;
    end_connections();
    listener_.shutdown();
    changed_.wait(lock, [this] { return parked_; });
    listener_ = Socket();
  }
  void up() {
    const std::lock_guard lock(mutex_);
    if (!down_) return;
    listener_ = Socket::listen(port_);
    down_ = false;
    changed_.notify_all();
  }
  void release() {
    const std::lock_guard lock(mutex_);
    ++releases_;
    changed_.notify_all();
  }
  void use_certificate(const Certificate& certificate) {
    auto context = detail::make_tls_context(certificate);
    const std::lock_guard lock(mutex_);
    context_ = std::move(context);
  }

  std::vector<Request> requests() const {
    const std::lock_guard lock(mutex_);
    return {requests_.begin(), requests_.end()};
  }
  std::size_t request_count() const {
    const std::lock_guard lock(mutex_);
    return requests_.size();
  }
  std::size_t answered(int status) const {
    const std::lock_guard lock(mutex_);
    return static_cast<std::size_t>(
        std::count_if(requests_.begin(), requests_.end(),
                      [&](const Request& one) { return one.answered == status; }));
  }
  void forget_requests() {
    const std::lock_guard lock(mutex_);
    forgotten_ += requests_.size();
    requests_.clear();
  }
  std::size_t connections() const {
    const std::lock_guard lock(mutex_);
    return static_cast<std::size_t>(
        std::count_if(connections_.begin(), connections_.end(),
                      [](const Connection& one) { return one.open && !one.ended; }));
  }
  bool wait_for_requests(std::size_t count, std::chrono::milliseconds within) const {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, within, [&] { return requests_.size() >= count; });
  }
  bool wait_for_failed_handshakes(std::size_t count, std::chrono::milliseconds within) const {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, within, [&] { return failed_handshakes_ >= count; });
  }
  bool wait_for_hanging(std::size_t count, std::chrono::milliseconds within) const {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, within, [&] { return hanging_ >= count; });
  }
};

HttpsServer::HttpsServer(Handler handler) : HttpsServer(std::move(handler), Options{}) {}
HttpsServer::HttpsServer(Handler handler, Options options)
    : impl_(std::make_unique<Impl>(std::move(handler), std::move(options))) {}
HttpsServer::~HttpsServer() = default;

std::uint16_t HttpsServer::port() const { return impl_->port(); }
void HttpsServer::fail_next(std::size_t count, Fault fault) {
  impl_->fail_next(count, std::move(fault));
}
void HttpsServer::fail(Fault fault) { impl_->fail(std::move(fault)); }
void HttpsServer::heal() { impl_->heal(); }
void HttpsServer::down() { impl_->down(); }
void HttpsServer::up() { impl_->up(); }
void HttpsServer::release() { impl_->release(); }
void HttpsServer::use_certificate(const Certificate& certificate) {
  impl_->use_certificate(certificate);
}
std::vector<HttpsServer::Request> HttpsServer::requests() const { return impl_->requests(); }
std::size_t HttpsServer::request_count() const { return impl_->request_count(); }
std::size_t HttpsServer::answered(int status) const { return impl_->answered(status); }
void HttpsServer::forget_requests() { impl_->forget_requests(); }
std::size_t HttpsServer::connections() const { return impl_->connections(); }
bool HttpsServer::wait_for_requests(std::size_t count, std::chrono::milliseconds within) const {
  return impl_->wait_for_requests(count, within);
}
bool HttpsServer::wait_for_failed_handshakes(std::size_t count,
                                             std::chrono::milliseconds within) const {
  return impl_->wait_for_failed_handshakes(count, within);
}
bool HttpsServer::wait_for_hanging(std::size_t count, std::chrono::milliseconds within) const {
  return impl_->wait_for_hanging(count, within);
}

}  // namespace gesso::testing
