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
#include "gesso/http/connection.hpp"

namespace gesso::http {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;
using detail::Loop;
using detail::Shared;

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
