#include "gesso/http/server.hpp"

#include <spdlog/spdlog.h>
#include <sys/socket.h>

#include <algorithm>
#include <boost/asio/ip/v6_only.hpp>
#include <boost/asio/post.hpp>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "gesso/base/error.hpp"
#include "gesso/http/detail/loop.hpp"

namespace gesso::http {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;
using detail::Loop;
using detail::Peer;
using detail::Place;
using detail::Shared;

namespace {

// Connections that wait to be accepted.
constexpr int kBacklog = 1024;

IpAddress address_of(const tcp::endpoint& endpoint) {
  const auto address = endpoint.address();
  return address.is_v4()
             ? IpAddress(asio::ip::make_address_v6(asio::ip::v4_mapped, address.to_v4()).to_bytes())
             : IpAddress(address.to_v6().to_bytes());
}

}  // namespace

std::string_view to_string(Refusal::Reason reason) noexcept {
  switch (reason) {
    case Refusal::Reason::kRequest:
      return "request";
    case Refusal::Reason::kMemory:
      return "memory";
    case Refusal::Reason::kConnections:
      return "connections";
  }
  return "request";
}

// Order of destruction: the listeners before the loops, whose first context they use.
class Server::Impl {
  std::shared_ptr<Shared> shared_;
  std::vector<std::shared_ptr<Loop>> loops_;
  std::vector<std::thread> threads_;
  // One address; lives on the first loop.
  struct Listener {
    tcp::acceptor acceptor;
    asio::steady_timer again;  // after an error
  };
  std::vector<std::unique_ptr<Listener>> listeners_;
  std::size_t next_loop_ = 0;
  std::uint16_t port_ = 0;
  // One `stop` at a time, which waits for the threads: no handler may call it.
  std::mutex stop_mutex_;
  std::mutex ended_mutex_;  // guards ended_
  std::condition_variable one_ended_;
  std::size_t ended_ = 0;  // loops that have run out

  void accept(Listener& listener) {
    Loop& loop = *loops_[next_loop_++ % loops_.size()];
    tcp::acceptor& acceptor = listener.acceptor;
    acceptor.async_accept(
        loop.context, [this, &listener, &loop](error_code error, tcp::socket socket) {
          if (!error) {
            admit(loop, std::move(socket));
            accept_waiting(listener);
          }
          if (error == asio::error::operation_aborted || !listener.acceptor.is_open()) return;
          if (error) {
            // Out of file descriptors, most likely: it passes, and trying at once would spin.
            spdlog::warn("http: cannot accept a connection: {}", error.message());
            listener.again.expires_after(std::chrono::milliseconds{100});
            listener.again.async_wait([this, &listener](error_code cancelled) {
              if (!cancelled) accept(listener);
            });
            return;
          }
          accept(listener);
        });
  }

  // Takes what waits to be accepted. One at a time, each would wait behind a round of the requests
  // of all others.
  void accept_waiting(Listener& listener) {
    error_code error;
    for (int i = 0; i < kBacklog; ++i) {
      Loop& loop = *loops_[next_loop_++ % loops_.size()];
      tcp::socket socket(loop.context);
      listener.acceptor.accept(socket, error);
      if (error) return;
      admit(loop, std::move(socket));
    }
  }

  // And no more: closing would reset it.
  void accept_last(Listener& listener) {
    error_code ignored;
    listener.again.cancel();
    accept_waiting(listener);
    listener.acceptor.close(ignored);
  }

  void admit(Loop& loop, tcp::socket socket) {
    error_code error;
    const tcp::endpoint endpoint = socket.remote_endpoint(error);
    if (error) return;  // gone already
    Peer peer{.address = address_of(endpoint), .is_https = shared_->tls.has_value()};
    peer.text = peer.address.to_string();
    peer.is_trusted = shared_->proxies.trusts(peer.address);
    std::optional<Place> place = shared_->places.take(peer.address, peer.is_trusted);
    if (!place && shared_->places.is_full()) {
      place = shared_->spare_places.take(peer.address, true);
      peer.is_spare = place.has_value();
    }
    if (!place) {
      loops_.front()->warn_of_overload("connections are refused: there are as many as may be");
      if (shared_->options.on_refused) {
        shared_->options.on_refused(
            {.reason = Refusal::Reason::kConnections, .status = 503, .client_address = peer.text});
      }
      static constexpr std::string_view kFull =
          "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nContent-Length: 0\r\n"
          "Connection: close\r\n\r\n";
      // A fresh socket's buffer takes it whole; if not, closing says enough. So it must over TLS.
      if (!shared_->tls) {
        (void)::send(socket.native_handle(), kFull.data(), kFull.size(),
                     MSG_DONTWAIT | MSG_NOSIGNAL);
      }
      return;
    }
    asio::post(loop.context, [&loop, socket = std::move(socket), peer = std::move(peer),
                              place = *std::move(place)]() mutable {
      loop.adopt(std::move(socket), std::move(peer), std::move(place));
    });
  }

  // A host may have several addresses: localhost is 127.0.0.1 and ::1. A port that is free is
  // taken for the first, and is the same for all.
  void listen(const ServerOptions& options) {
    asio::io_context& context = loops_.front()->context;
    std::vector<tcp::endpoint> endpoints;
    if (options.host.empty()) {
      endpoints.emplace_back(tcp::v6(), options.port);
    } else {
      tcp::resolver resolver(context);
      for (const auto& found :
           resolver.resolve(options.host, std::to_string(options.port),
                            tcp::resolver::passive | tcp::resolver::numeric_service)) {
        endpoints.push_back(found.endpoint());
      }
    }
    for (tcp::endpoint& endpoint : endpoints) {
      if (port_ != 0) endpoint.port(port_);
      error_code error;
      tcp::acceptor acceptor(context);
      acceptor.open(endpoint.protocol(), error);
      if (!error) acceptor.set_option(tcp::acceptor::reuse_address(true), error);
      if (!error && endpoint.protocol() == tcp::v6()) {
        acceptor.set_option(asio::ip::v6_only(!options.host.empty()), error);
      }
      if (!error) acceptor.bind(endpoint, error);
      if (!error) acceptor.listen(kBacklog, error);
      if (!error) acceptor.non_blocking(true, error);
      // A name may have an address of a protocol that this machine is without.
      const bool is_none_of_ours = error == asio::error::address_family_not_supported ||
                                   error == boost::system::errc::address_not_available;
      if (is_none_of_ours && endpoints.size() > 1) continue;
      if (error) throw boost::system::system_error(error);
      port_ = acceptor.local_endpoint().port();
      listeners_.push_back(
          std::make_unique<Listener>(Listener{std::move(acceptor), asio::steady_timer(context)}));
    }
    if (listeners_.empty()) {
      throw boost::system::system_error(
          make_error_code(boost::system::errc::address_not_available));
    }
  }

 public:
  Impl(ServerOptions options, Handler handler)
      : shared_(std::make_shared<Shared>(std::move(options), std::move(handler))) {}

  ~Impl() { stop(std::chrono::milliseconds{0}); }

  void start() {
    const ServerOptions& options = shared_->options;
    if (!options.tls_certificate_file.empty() || !options.tls_key_file.empty()) {
      shared_->tls.emplace(options.tls_certificate_file, options.tls_key_file);
    }
    for (int i = 0; i < std::max(1, options.threads); ++i) {
      loops_.push_back(std::make_shared<Loop>(shared_));
    }
    loops_.front()->reloads_tls = shared_->tls.has_value();
    const std::string address = (options.host.empty() ? std::string("*") : options.host) + ":" +
                                std::to_string(options.port);
    port_ = 0;
    try {
      listen(options);
    } catch (const boost::system::system_error& error) {
      listeners_.clear();
      loops_.clear();
      throw Error(ErrorKind::kUnavailable,
                  "cannot listen on " + address + ": " + error.code().message());
    }
    for (const auto& listener : listeners_) accept(*listener);
    for (const auto& loop : loops_) {
      threads_.emplace_back([this, loop] {
        loop->context.run();
        const std::lock_guard lock(ended_mutex_);
        ++ended_;
        one_ended_.notify_all();
      });
    }
  }

  void retire() { shared_->retired = true; }

  void stop(std::chrono::milliseconds grace) {
    const std::lock_guard lock(stop_mutex_);
    if (threads_.empty()) return;
    asio::post(loops_.front()->context, [this] {
      for (const auto& listener : listeners_) accept_last(*listener);
      // Behind the connections that were accepted and are still on their way to their loops.
      asio::post(loops_.front()->context, [this] {
        for (const auto& loop : loops_) {
          asio::post(loop->context, [&target = *loop] { target.drain(); });
        }
      });
    });
    {
      std::unique_lock ended_lock(ended_mutex_);
      one_ended_.wait_for(ended_lock, grace, [this] { return ended_ == threads_.size(); });
    }
    for (const auto& loop : loops_) loop->context.stop();
    for (std::thread& thread : threads_) thread.join();
    threads_.clear();
    listeners_.clear();
    loops_.clear();
  }

  [[nodiscard]] std::uint16_t port() const noexcept { return port_; }
  [[nodiscard]] std::size_t connections() const noexcept {
    return shared_->places.taken() + shared_->spare_places.taken();
  }
  [[nodiscard]] std::size_t outstanding_bytes() const noexcept {
    return shared_->outstanding_bytes;
  }
};

Server::Server(ServerOptions options, Handler handler)
    : impl_(std::make_unique<Impl>(std::move(options), std::move(handler))) {}
Server::~Server() = default;

void Server::start() { impl_->start(); }
void Server::retire() { impl_->retire(); }
void Server::stop(std::chrono::milliseconds grace) { impl_->stop(grace); }
std::uint16_t Server::port() const noexcept { return impl_->port(); }
std::size_t Server::connections() const noexcept { return impl_->connections(); }
std::size_t Server::outstanding_bytes() const noexcept { return impl_->outstanding_bytes(); }

}  // namespace gesso::http
