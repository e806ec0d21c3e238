// A blocking TCP socket of 127.0.0.1 that closes itself; just enough for the helpers here.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>

namespace gesso::testing {

class Socket {
  int fd_ = -1;

 public:
  Socket() = default;
  explicit Socket(int fd) : fd_(fd) {}
  Socket(Socket&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Socket& operator=(Socket&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Socket();

  // Throws std::system_error. A port of 0 takes a free one.
  [[nodiscard]] static Socket listen(std::uint16_t port);
  // No socket where nobody listens.
  [[nodiscard]] static Socket connect(std::uint16_t port);

  explicit operator bool() const { return fd_ >= 0; }
  [[nodiscard]] int fd() const { return fd_; }
  [[nodiscard]] std::uint16_t port() const;
  // Blocks; no socket once this one was shut down.
  [[nodiscard]] Socket accept() const;
  // Blocks until all is read or written; false when the connection ended first.
  bool read_all(void* to, std::size_t bytes) const;
  bool write_all(const void* from, std::size_t bytes) const;
  // Wakes whoever blocks in this socket; the peer sees an end.
  void shutdown() const;
  // Closing it sends a reset instead of an orderly end.
  void reset_on_close() const;
  void set_nonblocking() const;
};

}  // namespace gesso::testing
