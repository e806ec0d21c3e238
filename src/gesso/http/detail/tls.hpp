// The server's side of TLS: a certificate that follows its files, and transports that use it.
#pragma once

#include <memory>
#include <string>

#include "gesso/http/detail/transport.hpp"

namespace gesso::http::detail {

// TLS 1.2 or newer, ALPN "http/1.1". Thread-safe.
class TlsServer {
 public:
  class Impl;

 private:
  std::unique_ptr<Impl> impl_;

 public:
  // PEM files: the certificate with its chain, and its key, without a passphrase. Throws Error
  // (kUnavailable) where they cannot be used.
  TlsServer(std::string certificate_file, std::string key_file);
  ~TlsServer();
  TlsServer(const TlsServer&) = delete;
  TlsServer& operator=(const TlsServer&) = delete;

  // Over the newest certificate that could be used.
  [[nodiscard]] std::unique_ptr<Transport> transport(tcp::socket socket) const;

  // Looks whether the files changed, and takes them. Where they cannot be used, says so in the log
  // once, keeps what it has and tries again with the next call: a certificate is often replaced
  // before its key. Blocks on the file system alone.
  void reload_if_changed();
};

}  // namespace gesso::http::detail
