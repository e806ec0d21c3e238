// How a connection's bytes travel: plain or over TLS. A connection knows no other difference.
//
// Of one I/O thread. Each call that starts something keeps its user alive until it has told it,
// also when the transport was closed meanwhile. One read and one write may be under way at a time.
// Includes Asio, but not its SSL part: that is tls.cpp's alone.
#pragma once

#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <cstddef>
#include <memory>

namespace gesso::http::detail {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

// What a transport tells its connection, never within the call that asked for it.
class TransportUser {
 public:
  virtual ~TransportUser() = default;
  virtual void on_open(error_code error) = 0;
  virtual void on_read(error_code error, std::size_t count) = 0;
  virtual void on_written(error_code error) = 0;
  virtual void on_ended(error_code error) = 0;
};

using Output = std::array<asio::const_buffer, 3>;

class Transport {
 public:
  Transport() = default;
  Transport(const Transport&) = delete;
  Transport& operator=(const Transport&) = delete;
  virtual ~Transport() = default;

  virtual void open(std::shared_ptr<TransportUser> user) = 0;
  // Some bytes, at least one.
  virtual void read(asio::mutable_buffer buffer, std::shared_ptr<TransportUser> user) = 0;
  // All of them. The bytes must stay until `on_written`.
  virtual void write(const Output& output, std::shared_ptr<TransportUser> user) = 0;
  // Tells the client that nothing follows. What is read after it is only good for throwing away.
  virtual void end(std::shared_ptr<TransportUser> user) = 0;
  // The client needs `end` before `close` to know that nothing was cut off.
  [[nodiscard]] virtual bool ends_by_word() const noexcept = 0;

  // Whether bytes of the client's have arrived that no read has told.
  [[nodiscard]] virtual bool has_unread() noexcept = 0;

  virtual void close() noexcept = 0;
  // Closes so that the client sees an error, and not the end of what was sent.
  virtual void reset() noexcept = 0;
};

[[nodiscard]] std::unique_ptr<Transport> plain_transport(tcp::socket socket);

}  // namespace gesso::http::detail
