// A client for the tests of the servers here: OpenSSL on a socket, one request at a time.
#pragma once

#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "gesso/testing/socket.hpp"

namespace gesso::testing {

class HttpPeer {
 public:
  struct Reply {
    int status = 0;
    std::multimap<std::string, std::string> headers;  // names as they came
    std::string body;

    [[nodiscard]] std::string header(const std::string& name) const {
      const auto found = headers.find(name);
      return found == headers.end() ? "" : found->second;
    }
  };

 private:
  using Tls = std::unique_ptr<SSL, void (*)(SSL*)>;
  Socket socket_;
  std::unique_ptr<SSL_CTX, void (*)(SSL_CTX*)> context_{nullptr, &SSL_CTX_free};
  Tls tls_{nullptr, &SSL_free};
  std::string host_ = "127.0.0.1";
  long verified_ = X509_V_OK;
  bool open_ = false;

 public:
  explicit HttpPeer(std::uint16_t port) : socket_(Socket::connect(port)), open_(bool(socket_)) {}
  // Over TLS, to a server that must prove to be `host`.
  HttpPeer(std::uint16_t port, const std::string& host, const std::filesystem::path& ca_file)
      : HttpPeer(port) {
    host_ = host;
    if (!open_) return;
    context_.reset(SSL_CTX_new(TLS_client_method()));
    SSL_CTX_load_verify_file(context_.get(), ca_file.c_str());
    SSL_CTX_set_verify(context_.get(), SSL_VERIFY_PEER, nullptr);
    tls_.reset(SSL_new(context_.get()));
    SSL_set_tlsext_host_name(tls_.get(), host.c_str());
    SSL_set1_host(tls_.get(), host.c_str());
    SSL_set_fd(tls_.get(), socket_.fd());
    open_ = SSL_connect(tls_.get()) == 1;
    verified_ = SSL_get_verify_result(tls_.get());
  }

  [[nodiscard]] bool open() const { return open_; }
  // X509_V_OK, or why the certificate was refused.
  [[nodiscard]] long verified() const { return verified_; }

  bool send(std::string_view bytes) {
    if (!tls_) return socket_.write_all(bytes.data(), bytes.size());
    return SSL_write(tls_.get(), bytes.data(), static_cast<int>(bytes.size())) > 0;
  }
  // Up to the end of the connection, or until `enough` says so.
  template <class Enough>
  std::string read_until(Enough enough) {
    std::string all;
    char byte = 0;
    while (!enough(all)) {
      const bool got = tls_ ? SSL_read(tls_.get(), &byte, 1) == 1 : socket_.read_all(&byte, 1);
      if (!got) break;
      all += byte;
    }
    return all;
  }
  std::string read_to_end() {
    return read_until([](const std::string&) { return false; });
  }
  // None where the connection ended before the reply was whole.
  std::optional<Reply> read_reply() {
    const std::string head =
        read_until([](const std::string& all) { return all.ends_with("\r\n\r\n"); });
    if (!head.starts_with("HTTP/1.1 ") || !head.ends_with("\r\n\r\n")) return std::nullopt;
    Reply reply{.status = std::stoi(head.substr(9, 3)), .headers = {}, .body = {}};
    for (std::size_t at = head.find("\r\n") + 2; at + 2 < head.size();) {
      const std::size_t end = head.find("\r\n", at);
      const std::string line = head.substr(at, end - at);
      const std::size_t colon = line.find(": ");
      reply.headers.emplace(line.substr(0, colon), line.substr(colon + 2));
      at = end + 2;
    }
    const std::size_t length = std::stoul(reply.header("Content-Length"));
    reply.body = read_until([&](const std::string& all) { return all.size() == length; });
    if (reply.body.size() != length) return std::nullopt;
    return reply;
  }

  using Headers = std::map<std::string, std::string>;
  std::optional<Reply> ask(const std::string& method, const std::string& target,
                           const Headers& headers = {}, const std::string& body = {}) {
    std::string request = method + " " + target + " HTTP/1.1\r\nHost: " + host_ + "\r\n";
    for (const auto& [name, value] : headers) request += name + ": " + value + "\r\n";
    if (!body.empty()) request += "Content-Length: " + std::to_string(body.size()) + "\r\n";
    if (!send(request + "\r\n" + body)) return std::nullopt;
    return read_reply();
  }
  std::optional<Reply> get(const std::string& target, const Headers& headers = {}) {
    return ask("GET", target, headers);
  }
};

}  // namespace gesso::testing
