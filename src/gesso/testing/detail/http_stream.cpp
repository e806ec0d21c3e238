#include "gesso/testing/detail/http_stream.hpp"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/socket.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <charconv>
#include <stdexcept>

#include "gesso/base/text.hpp"

namespace gesso::testing::detail {
namespace {

constexpr std::size_t kLineMax = 64 * 1024;
constexpr std::size_t kBodyMax = 4 * 1024 * 1024;

std::string_view trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

// An escape that is broken leaves the text as it is.
std::string decode(std::string_view text, bool plus_is_blank) {
  return (plus_is_blank ? form_decode(text) : gesso::percent_decode(text))
      .value_or(std::string(text));
}

}  // namespace

std::shared_ptr<SSL_CTX> make_tls_context(const Certificate& certificate) {
  std::shared_ptr<SSL_CTX> context(SSL_CTX_new(TLS_server_method()), &SSL_CTX_free);
  if (!context || SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION) != 1 ||
      SSL_CTX_use_certificate(context.get(), certificate.certificate.get()) != 1 ||
      SSL_CTX_use_PrivateKey(context.get(), certificate.key.get()) != 1) {
    throw std::runtime_error("OpenSSL does not take the certificate");
  }
  return context;
}

std::vector<std::pair<std::string, std::string>> parse_form(std::string_view text) {
  std::vector<std::pair<std::string, std::string>> out;
  while (!text.empty()) {
    const std::string_view pair = text.substr(0, text.find('&'));
    text.remove_prefix(std::min(pair.size() + 1, text.size()));
    if (pair.empty()) continue;
    const std::string_view name = pair.substr(0, pair.find('='));
    const std::string_view value = pair.substr(std::min(name.size() + 1, pair.size()));
    out.emplace_back(decode(name, true), decode(value, true));
  }
  return out;
}

std::string percent_decode(std::string_view text) { return decode(text, false); }

HttpStream::HttpStream(Socket socket, std::shared_ptr<SSL_CTX> context)
    : socket_(std::move(socket)),
      context_(std::move(context)),
      tls_(context_ ? SSL_new(context_.get()) : nullptr, &SSL_free) {
  if (tls_) SSL_set_fd(tls_.get(), socket_.fd());
}

bool HttpStream::handshake() {
  if (!tls_) return true;
  ERR_clear_error();
  return SSL_accept(tls_.get()) == 1;
}

bool HttpStream::fill() {
  char bytes[4096];
  if (tls_) {
    ERR_clear_error();
    const int got = SSL_read(tls_.get(), bytes, sizeof bytes);
    if (got <= 0) return false;
    buffer_.append(bytes, static_cast<std::size_t>(got));
    return true;
  }
  ssize_t got = 0;
  do {
    got = ::recv(socket_.fd(), bytes, sizeof bytes, 0);
  } while (got < 0 && errno == EINTR);
  if (got <= 0) return false;
  buffer_.append(bytes, static_cast<std::size_t>(got));
  return true;
}

std::optional<std::string> HttpStream::read_line() {
  std::size_t end = 0;
  while ((end = buffer_.find("\r\n")) == std::string::npos) {
    if (buffer_.size() > kLineMax || !fill()) return std::nullopt;
  }
  std::string line = buffer_.substr(0, end);
  buffer_.erase(0, end + 2);
  return line;
}

std::optional<HttpsServer::Request> HttpStream::read() {
  HttpsServer::Request request;
  const auto first = read_line();
  if (!first) return std::nullopt;
  const auto one = first->find(' ');
  const auto two = first->rfind(' ');
  if (one == std::string::npos || one == two || !first->ends_with(" HTTP/1.1")) {
    return std::nullopt;
  }
  request.method = first->substr(0, one);
  request.target = first->substr(one + 1, two - one - 1);
  const auto question = request.target.find('?');
  request.path = percent_decode(std::string_view(request.target).substr(0, question));
  if (question != std::string::npos) {
    request.query = parse_form(std::string_view(request.target).substr(question + 1));
  }
  for (;;) {
    const auto line = read_line();
    if (!line) return std::nullopt;
    if (line->empty()) break;
    const auto colon = line->find(':');
    if (colon == std::string::npos) return std::nullopt;
    request.headers.emplace_back(lower(line->substr(0, colon)),
                                 trimmed(std::string_view(*line).substr(colon + 1)));
  }
  if (request.header("transfer-encoding")) {
    write("HTTP/1.1 411 Length Required\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    return std::nullopt;
  }
  std::size_t length = 0;
  if (const auto said = request.header("content-length")) {
    const auto read = std::from_chars(said->data(), said->data() + said->size(), length);
    if (read.ptr != said->data() + said->size() || length > kBodyMax) return std::nullopt;
  }
  if (request.header("expect") && buffer_.size() < length) {
    if (!write("HTTP/1.1 100 Continue\r\n\r\n")) return std::nullopt;
  }
  while (buffer_.size() < length) {
    if (!fill()) return std::nullopt;
  }
  request.body = buffer_.substr(0, length);
  buffer_.erase(0, length);
  if (tls_) {
    const char* name = SSL_get_servername(tls_.get(), TLSEXT_NAMETYPE_host_name);
    if (name != nullptr) request.server_name = name;
  }
  return request;
}

bool HttpStream::write(std::string_view bytes) {
  if (!tls_) return socket_.write_all(bytes.data(), bytes.size());
  while (!bytes.empty()) {
    ERR_clear_error();
    const std::size_t piece = std::min<std::size_t>(bytes.size(), 1 << 20);
    const int put = SSL_write(tls_.get(), bytes.data(), static_cast<int>(piece));
    if (put <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(put));
  }
  return true;
}

void HttpStream::end() {
  if (tls_ && SSL_is_init_finished(tls_.get())) {
    ERR_clear_error();
    SSL_shutdown(tls_.get());
  }
  socket_.shutdown();
}

void HttpStream::reset() {
  socket_.reset_on_close();
  tls_.reset();
  socket_ = Socket();
}

}  // namespace gesso::testing::detail
