#include "gesso/http/detail/tls.hpp"

#include <spdlog/spdlog.h>
#include <sys/stat.h>

#include <array>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/write.hpp>
#include <mutex>
#include <optional>
#include <string_view>

#include "gesso/base/tls_server.hpp"

namespace gesso::http::detail {
namespace {

using Context = asio::ssl::context;

class TlsTransport final : public Transport {
  std::shared_ptr<Context> context_;  // of when the connection began
  asio::ssl::stream<tcp::socket> stream_;
  bool ended_ = false;

  static auto on_read(std::shared_ptr<TransportUser> user) {
    return [user = std::move(user)](error_code error, std::size_t count) {
      user->on_read(error, count);
    };
  }

 public:
  TlsTransport(tcp::socket socket, std::shared_ptr<Context> context)
      : context_(std::move(context)), stream_(std::move(socket), *context_) {}

  void open(std::shared_ptr<TransportUser> user) override {
    stream_.async_handshake(asio::ssl::stream_base::server,
                            [user = std::move(user)](error_code error) { user->on_open(error); });
  }

  // OpenSSL takes nothing after our own end: the bytes are thrown away as they come.
  void read(asio::mutable_buffer buffer, std::shared_ptr<TransportUser> user) override {
    if (ended_) {
      stream_.next_layer().async_read_some(buffer, on_read(std::move(user)));
    } else {
      stream_.async_read_some(buffer, on_read(std::move(user)));
    }
  }

  void write(const Output& output, std::shared_ptr<TransportUser> user) override {
    asio::async_write(stream_, output, [user = std::move(user)](error_code error, std::size_t) {
      user->on_written(error);
    });
  }

  // Without this word a client cannot tell the end from a cut (RFC 8446, 6.1).
  void end(std::shared_ptr<TransportUser> user) override {
    ended_ = true;
    stream_.async_shutdown([user = std::move(user)](error_code error) { user->on_ended(error); });
  }
  [[nodiscard]] bool ends_by_word() const noexcept override { return true; }

  [[nodiscard]] bool has_unread() noexcept override {
    error_code ignored;
    return stream_.next_layer().available(ignored) > 0;
  }
  void close() noexcept override {
    error_code ignored;
    stream_.next_layer().close(ignored);
  }
  void reset() noexcept override {
    error_code ignored;
    stream_.next_layer().set_option(tcp::socket::linger(true, 0), ignored);
    close();
  }
};

// What a file's change shows in. A link that points elsewhere now is another file.
struct FileState {
  ::dev_t device = 0;
  ::ino_t file = 0;
  ::off_t size = 0;
  ::time_t seconds = 0;
  long nanoseconds = 0;

  bool operator==(const FileState&) const = default;
};

FileState look_at(const std::string& path) {
  struct ::stat found {};
  if (::stat(path.c_str(), &found) != 0) return {};
  return {.device = found.st_dev,
          .file = found.st_ino,
          .size = found.st_size,
          .seconds = found.st_mtim.tv_sec,
          .nanoseconds = found.st_mtim.tv_nsec};
}

// RFC 7301, 3.2: a client that asks for other protocols only is refused.
int choose_protocol(SSL*, const unsigned char** out, unsigned char* out_size,
                    const unsigned char* in, unsigned in_size, void*) {
  static constexpr std::string_view kHttp = "http/1.1";
  for (unsigned at = 0; at < in_size && at + 1 + in[at] <= in_size; at += 1U + in[at]) {
    const std::string_view offered(reinterpret_cast<const char*>(in) + at + 1, in[at]);
    if (offered != kHttp) continue;
    *out = in + at + 1;
    *out_size = in[at];
    return SSL_TLSEXT_ERR_OK;
  }
  return SSL_TLSEXT_ERR_ALERT_FATAL;
}

// Throws Error as `make_tls_server_context` does.
std::shared_ptr<Context> make_context(const std::string& certificate, const std::string& key) {
  const std::shared_ptr<SSL_CTX> native = make_tls_server_context(certificate, key);
  SSL_CTX_set_alpn_select_cb(native.get(), choose_protocol, nullptr);
  SSL_CTX_up_ref(native.get());  // Asio's context gives one back
  return std::make_shared<Context>(native.get());
}

}  // namespace

class TlsServer::Impl {
  const std::string certificate_file_;
  const std::string key_file_;
  // What `reload_if_changed` saw: of the thread that calls it.
  using Files = std::array<FileState, 2>;
  Files used_;  // before the files are read
  std::optional<Files> refused_;
  mutable std::mutex mutex_;  // guards context_
  std::shared_ptr<Context> context_;

  [[nodiscard]] Files look() const { return {look_at(certificate_file_), look_at(key_file_)}; }

 public:
  Impl(std::string certificate_file, std::string key_file)
      : certificate_file_(std::move(certificate_file)),
        key_file_(std::move(key_file)),
        used_(look()),
        context_(make_context(certificate_file_, key_file_)) {}

  [[nodiscard]] std::shared_ptr<Context> context() const {
    const std::lock_guard lock(mutex_);
    return context_;
  }

  void reload_if_changed() {
    const Files now = look();  // before they are read: a change meanwhile is seen next time
    if (now == used_) return;
    try {
      auto fresh = make_context(certificate_file_, key_file_);
      const std::lock_guard lock(mutex_);
      context_.swap(fresh);
    } catch (const std::exception& error) {
      if (refused_ != now) {
        spdlog::error("http: the new TLS certificate cannot be used, the old one stays: {}",
                      error.what());
      }
      refused_ = now;
      return;
    }
    used_ = now;
    refused_.reset();
    spdlog::info("http: took the new TLS certificate of {}", certificate_file_);
  }
};

TlsServer::TlsServer(std::string certificate_file, std::string key_file)
    : impl_(std::make_unique<Impl>(std::move(certificate_file), std::move(key_file))) {}
TlsServer::~TlsServer() = default;

std::unique_ptr<Transport> TlsServer::transport(tcp::socket socket) const {
  return std::make_unique<TlsTransport>(std::move(socket), impl_->context());
}
void TlsServer::reload_if_changed() { impl_->reload_if_changed(); }

}  // namespace gesso::http::detail
