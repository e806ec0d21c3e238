#include "gesso/localdb/server/stream.hpp"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <string>
#include <utility>

#include "gesso/base/error.hpp"

namespace gesso::localdb::wire {
namespace {

bool is_not_yet(int reason) { return reason == EINTR || reason == EAGAIN; }

[[noreturn]] void gone() {
  throw Error(ErrorKind::kUnavailable, "the other side left the TLS handshake");
}

class PlainStream final : public Stream {
  int socket_;

 public:
  explicit PlainStream(int socket) : socket_(socket) {}

  bool open() override { return true; }
  ssize_t receive(std::span<std::uint8_t> into) override {
    return ::recv(socket_, into.data(), into.size(), 0);
  }
  ssize_t send(std::span<const iovec> parts) override {
    msghdr message{};
    message.msg_iov = const_cast<iovec*>(parts.data());  // sendmsg reads only
    message.msg_iovlen = parts.size();
    return ::sendmsg(socket_, &message, MSG_NOSIGNAL);
  }
  void close() noexcept override {}
};

// OpenSSL works on memory, and the socket is ours: every call makes at most one that waits, so that
// whoever sends a byte at a time, in the handshake or within a record, is seen to be slow.
class TlsStream final : public Stream {
  static constexpr std::size_t kRecord = 16 * 1024;  // the most that one holds
  static constexpr std::size_t kRead = 16 * 1024;

  int socket_;
  std::shared_ptr<SSL_CTX> context_;
  std::unique_ptr<SSL, decltype(&SSL_free)> session_;
  BIO* in_;                     // what came and was not read yet; the session's
  BIO* out_;                    // what is to be sent; the session's
  std::size_t on_its_way_ = 0;  // bytes of the caller's that stand in `out_`

  // Reads from the socket once.
  ssize_t fetch() {
    std::array<std::uint8_t, kRead> bytes;
    const ssize_t got = ::recv(socket_, bytes.data(), bytes.size(), 0);
    if (got > 0) BIO_write(in_, bytes.data(), static_cast<int>(got));
    return got;
  }

  // Sends what stands in `out_`. False where some is left, with the reason in errno.
  bool flush(int flags = 0) {
    for (;;) {
      char* bytes = nullptr;
      const long size = BIO_get_mem_data(out_, &bytes);
      if (size <= 0) return true;
      const ssize_t sent =
          ::send(socket_, bytes, static_cast<std::size_t>(size), MSG_NOSIGNAL | flags);
      if (sent < 0) return false;
      drop(sent);
    }
  }

  void drop(ssize_t count) {
    std::array<char, kRead> sink;
    while (count > 0) {
      const int read =
          BIO_read(out_, sink.data(), static_cast<int>(std::min<ssize_t>(count, std::ssize(sink))));
      if (read <= 0) return;
      count -= read;
    }
  }

  // The first bytes of `parts`, as many as a record holds.
  static std::size_t gather(std::span<const iovec> parts, std::span<std::uint8_t> into) {
    std::size_t size = 0;
    for (const iovec& part : parts) {
      const std::size_t taken = std::min(part.iov_len, into.size() - size);
      std::copy_n(static_cast<const std::uint8_t*>(part.iov_base), taken,
                  into.begin() + static_cast<std::ptrdiff_t>(size));
      size += taken;
    }
    return size;
  }

 public:
  TlsStream(int socket, std::shared_ptr<SSL_CTX> context)
      : socket_(socket),
        context_(std::move(context)),
        session_(SSL_new(context_.get()), &SSL_free),
        in_(BIO_new(BIO_s_mem())),
        out_(BIO_new(BIO_s_mem())) {
    if (!session_ || in_ == nullptr || out_ == nullptr) {
      if (in_ != nullptr) BIO_free(in_);
      if (out_ != nullptr) BIO_free(out_);
      throw Error(ErrorKind::kInternal, "OpenSSL has no memory for a connection");
    }
    BIO_set_mem_eof_return(in_, -1);  // empty is "not yet", not the end
    BIO_set_mem_eof_return(out_, -1);
    SSL_set_bio(session_.get(), in_, out_);
    SSL_set_accept_state(session_.get());
  }

  bool open() override {
    ERR_clear_error();
    const int done = SSL_do_handshake(session_.get());
    const int state = SSL_get_error(session_.get(), done);
    const bool sent = flush();  // an alert too
    if (!sent && !is_not_yet(errno)) gone();
    if (done == 1) return sent;
    if (state != SSL_ERROR_WANT_READ) {
      const char* const reason = ERR_reason_error_string(ERR_get_error());
      ERR_clear_error();
      throw Error(ErrorKind::kValidation, "the TLS handshake failed: " +
                                              std::string(reason != nullptr ? reason : "refused"));
    }
    const ssize_t got = fetch();
    if (got == 0 || (got < 0 && !is_not_yet(errno))) gone();
    return false;
  }

  ssize_t receive(std::span<std::uint8_t> into) override {
    for (bool fetched = false;; fetched = true) {
      ERR_clear_error();
      std::size_t got = 0;
      if (SSL_read_ex(session_.get(), into.data(), into.size(), &got) == 1) {
        return static_cast<ssize_t>(got);
      }
      const int state = SSL_get_error(session_.get(), 0);
      ERR_clear_error();
      (void)flush();  // what reading called for: a new key, an alert
      if (state == SSL_ERROR_ZERO_RETURN) return 0;
      errno = state == SSL_ERROR_WANT_READ ? EAGAIN : EPROTO;
      if (state != SSL_ERROR_WANT_READ || fetched) return -1;
      const ssize_t came = fetch();
      if (came <= 0) return came;
    }
  }

  ssize_t send(std::span<const iovec> parts) override {
    if (on_its_way_ == 0) {
      std::array<std::uint8_t, kRecord> record;
      const std::size_t size = gather(parts, record);
      ERR_clear_error();
      std::size_t taken = 0;
      if (SSL_write_ex(session_.get(), record.data(), size, &taken) != 1) {
        ERR_clear_error();
        errno = EPROTO;
        return -1;
      }
      on_its_way_ = taken;
    }
    if (!flush()) return -1;
    return static_cast<ssize_t>(std::exchange(on_its_way_, 0));
  }

  void close() noexcept override {
    if (SSL_is_init_finished(session_.get()) == 0) return;
    (void)SSL_shutdown(session_.get());
    ERR_clear_error();
    (void)flush(MSG_DONTWAIT);
  }
};

}  // namespace

std::unique_ptr<Stream> plain_stream(int socket) { return std::make_unique<PlainStream>(socket); }

std::unique_ptr<Stream> tls_stream(int socket, std::shared_ptr<ssl_ctx_st> context) {
  return std::make_unique<TlsStream>(socket, std::move(context));
}

}  // namespace gesso::localdb::wire
