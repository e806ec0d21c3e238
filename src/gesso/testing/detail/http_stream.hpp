// One connection of an HTTP server: requests in, bytes out, plain or over TLS.
//
// Of one thread, but for `shut`, which wakes it from another. Blocks.
#pragma once

#include <openssl/types.h>

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "gesso/testing/https_server.hpp"
#include "gesso/testing/socket.hpp"

namespace gesso::testing::detail {

// Of a server; TLS 1.2 or newer.
[[nodiscard]] std::shared_ptr<SSL_CTX> make_tls_context(const Certificate& certificate);

// "a=1&b=x%20y" in order, decoded; '+' is a blank.
[[nodiscard]] std::vector<std::pair<std::string, std::string>> parse_form(std::string_view text);
[[nodiscard]] std::string percent_decode(std::string_view text);

class HttpStream {
  Socket socket_;
  std::shared_ptr<SSL_CTX> context_;
  std::unique_ptr<SSL, void (*)(SSL*)> tls_;
  std::string buffer_;  // read and not yet used

  bool fill();
  std::optional<std::string> read_line();

 public:
  // `context` is nullptr for plain HTTP.
  HttpStream(Socket socket, std::shared_ptr<SSL_CTX> context);

  // The TLS handshake; true at once without TLS.
  [[nodiscard]] bool handshake();
  // The next request; none when the connection ends or what comes is no request.
  [[nodiscard]] std::optional<HttpsServer::Request> read();
  bool write(std::string_view bytes);
  // Says goodbye; the peer sees an orderly end.
  void end();
  void reset();
  void shut() const { socket_.shutdown(); }
};

}  // namespace gesso::testing::detail
