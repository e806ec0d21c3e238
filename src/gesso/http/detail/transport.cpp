#include "gesso/http/detail/transport.hpp"

#include <boost/asio/post.hpp>
#include <boost/asio/write.hpp>

namespace gesso::http::detail {
namespace {

class PlainTransport final : public Transport {
  tcp::socket socket_;

 public:
  explicit PlainTransport(tcp::socket socket) : socket_(std::move(socket)) {}

  void open(std::shared_ptr<TransportUser> user) override {
    asio::post(socket_.get_executor(), [user = std::move(user)] { user->on_open({}); });
  }

  void read(asio::mutable_buffer buffer, std::shared_ptr<TransportUser> user) override {
    socket_.async_read_some(buffer, [user = std::move(user)](error_code error, std::size_t count) {
      user->on_read(error, count);
    });
  }

  void write(const Output& output, std::shared_ptr<TransportUser> user) override {
    asio::async_write(socket_, output, [user = std::move(user)](error_code error, std::size_t) {
      user->on_written(error);
    });
  }

  void end(std::shared_ptr<TransportUser> user) override {
    error_code error;
    socket_.shutdown(tcp::socket::shutdown_send, error);
    asio::post(socket_.get_executor(), [user = std::move(user), error] { user->on_ended(error); });
  }
  [[nodiscard]] bool ends_by_word() const noexcept override { return false; }

  [[nodiscard]] bool has_unread() noexcept override {
    error_code ignored;
    return socket_.available(ignored) > 0;
  }
  void close() noexcept override {
    error_code ignored;
    socket_.close(ignored);
  }
  void reset() noexcept override {
    error_code ignored;
    socket_.set_option(tcp::socket::linger(true, 0), ignored);
    socket_.close(ignored);
  }
};

}  // namespace

std::unique_ptr<Transport> plain_transport(tcp::socket socket) {
  return std::make_unique<PlainTransport>(std::move(socket));
}

}  // namespace gesso::http::detail
