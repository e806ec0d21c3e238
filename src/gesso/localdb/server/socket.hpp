// Sockets as localdb uses them: an owned descriptor, listening, and one connection that gives whole
// messages. Blocking I/O; a connection belongs to the thread that serves it, `stop_reading` and
// `cut` may come from any thread while it lives.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "gesso/bson/view.hpp"
#include "gesso/localdb/server/stream.hpp"
#include "gesso/localdb/wire/message.hpp"

namespace gesso::localdb::wire {

// Owns a file descriptor.
class Descriptor {
  int fd_ = -1;

 public:
  Descriptor() = default;
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept : fd_(other.release()) {}
  Descriptor& operator=(Descriptor&& other) noexcept;
  ~Descriptor();

  [[nodiscard]] int get() const noexcept { return fd_; }
  [[nodiscard]] int release() noexcept;
};

// Listens on a Unix socket that only its owner may use. A file that a dead server left is replaced.
// Throws Error: kUnavailable when somebody listens there, kValidation for a path that cannot be a
// socket's.
[[nodiscard]] Descriptor listen_unix(const std::string& path);

// Listens on every address of `host` (localhost is 127.0.0.1 and ::1); a port of 0 takes one that
// is free, the same for all. Throws Error (kUnavailable) when one is taken or none is ours.
[[nodiscard]] std::vector<Descriptor> listen_tcp(const std::string& host, std::uint16_t port);
// The port that a TCP socket is bound to.
[[nodiscard]] std::uint16_t bound_port(const Descriptor& socket);

// How long and how much a connection may take of the server for nothing.
struct ConnectionLimits {
  // A TLS handshake may take this long in all. A message that has begun, and a reply, may so too,
  // and a second for each of so many bytes that have gone over: who stands still is cut after
  // `patience`.
  std::chrono::milliseconds patience{30'000};
  std::size_t bytes_a_second = 64 * 1024;
  // Of somebody who has not logged in, where that is needed: the largest message, and the longest
  // time without one. Drivers watch a server on connections that never log in, each 10 s or so.
  std::size_t stranger_message_bytes = 64 * 1024;
  std::chrono::milliseconds stranger_idle{300'000};
};

class Connection {
  using SteadyClock = std::chrono::steady_clock;

  Descriptor socket_;
  ConnectionLimits limits_;
  std::string peer_;
  bool local_ = false;
  bool over_unix_ = false;
  std::unique_ptr<Stream> stream_;
  std::vector<std::uint8_t> buffer_;
  std::size_t filled_ = 0;    // bytes of buffer_ that have arrived
  std::size_t consumed_ = 0;  // of those, the message that was given out
  std::atomic<bool> stopped_ = false;

 public:
  // With a context (`make_tls_server_context`) a TCP connection is served by TLS.
  Connection(Descriptor socket, ConnectionLimits limits,
             const std::shared_ptr<ssl_ctx_st>& tls = nullptr);

  // Waits for the handshake, where there is one. Throws Error: kValidation where the two cannot
  // agree, kTimeout past the limits, kUnavailable where the peer has gone. REQUIRES: called once,
  // before all else.
  void open();
  // Says that nothing follows, where that goes without waiting. Of the thread that serves it.
  void close() noexcept { stream_->close(); }

  enum class Peer { kStranger, kKnown };
  // Waits for the next whole message and gives its bytes, valid until the next call; std::nullopt
  // when the peer has gone or reading was stopped. Throws Error: kValidation for a length that no
  // message of that peer's has, kTimeout past the limits.
  [[nodiscard]] std::optional<std::span<const std::uint8_t>> receive(Peer peer);

  // Waits until all is handed to the system. False when the peer has gone or does not read.
  bool send(const ReplyHeader& header, bson::View document);

  // Lets the reply that is being made go out, and takes no further message.
  void stop_reading() noexcept;
  // Ends it in both directions at once.
  void cut() noexcept;
  // Whether the peer has closed the connection, as far as is known. Does not block.
  [[nodiscard]] bool is_peer_gone() const noexcept;

  // "127.0.0.1:50122" or "unix:PID", for logs.
  [[nodiscard]] const std::string& peer() const noexcept { return peer_; }
  // Over the Unix socket or the loopback interface.
  [[nodiscard]] bool is_local() const noexcept { return local_; }
  // Over the Unix socket, which only the server's owner can use.
  [[nodiscard]] bool is_over_unix() const noexcept { return over_unix_; }

 private:
  // Reads until `size` bytes are there; false at the end of the stream.
  bool fill(std::size_t size, Peer peer);
  [[nodiscard]] bool is_too_slow(SteadyClock::time_point begun, std::size_t bytes_moved) const;
};

}  // namespace gesso::localdb::wire
