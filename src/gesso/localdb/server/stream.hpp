// The bytes of one connection, plain or by TLS, over a blocking socket with timeouts.
//
// Owned by a connection, used by its thread alone; borrows the socket. Another thread may shut the
// socket down, which ends calls here.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <span>

struct iovec;
struct ssl_ctx_st;

namespace gesso::localdb::wire {

class Stream {
 public:
  Stream() = default;
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;
  virtual ~Stream() = default;

  // Goes on with what has to be said before the first message. False where the other side has to
  // be waited for: call again. Throws Error (kValidation) where the two cannot agree, kUnavailable
  // where the other side has gone.
  [[nodiscard]] virtual bool open() = 0;

  // As ::recv: 0 at the end; -1 with EAGAIN in errno where nothing whole came within the socket's
  // timeout, and with another reason where the connection is broken.
  [[nodiscard]] virtual ssize_t receive(std::span<std::uint8_t> into) = 0;

  // As ::sendmsg. After -1 with EAGAIN in errno it has to be called with the same bytes again.
  [[nodiscard]] virtual ssize_t send(std::span<const iovec> parts) = 0;

  // Says that nothing follows, as far as that goes without waiting.
  virtual void close() noexcept = 0;
};

[[nodiscard]] std::unique_ptr<Stream> plain_stream(int socket);
// Shares the context, which `make_tls_server_context` made.
[[nodiscard]] std::unique_ptr<Stream> tls_stream(int socket, std::shared_ptr<ssl_ctx_st> context);

}  // namespace gesso::localdb::wire
