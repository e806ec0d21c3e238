// A `RawClient` over TLS that trusts one authority. Owned by the test; blocks; throws
// std::runtime_error where the handshake fails.
#pragma once

#include <openssl/err.h>
#include <openssl/ssl.h>

#include <filesystem>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>

#include "tests/http/raw_client.hpp"

namespace gesso::http::testing {

struct TlsClientOptions {
  int max_version = 0;    // TLS1_2_VERSION; 0 is the newest
  std::string alpn = {};  // in wire format, "\x08http/1.1"
};

class TlsClient final : public RawClient {
  std::unique_ptr<SSL_CTX, void (*)(SSL_CTX*)> context_{SSL_CTX_new(TLS_client_method()),
                                                        SSL_CTX_free};
  std::unique_ptr<SSL, void (*)(SSL*)> tls_{nullptr, SSL_free};

  ssize_t receive(char* buffer, std::size_t size) override {
    const int count = SSL_read(tls_.get(), buffer, static_cast<int>(size));
    if (count > 0) return count;
    ended_by_word_ = SSL_get_error(tls_.get(), count) == SSL_ERROR_ZERO_RETURN;
    return 0;
  }
  bool ended_by_word_ = false;

 public:
  TlsClient(std::uint16_t port, const std::filesystem::path& authority,
            const TlsClientOptions& options = {})
      : RawClient(port) {
    SSL_CTX_load_verify_locations(context_.get(), authority.c_str(), nullptr);
    SSL_CTX_set_verify(context_.get(), SSL_VERIFY_PEER, nullptr);
    SSL_CTX_set_min_proto_version(context_.get(), TLS1_VERSION);
    SSL_CTX_set_security_level(context_.get(), 0);
    if (options.max_version != 0) {
      SSL_CTX_set_max_proto_version(context_.get(), options.max_version);
    }
    if (!options.alpn.empty()) {
      SSL_CTX_set_alpn_protos(context_.get(),
                              reinterpret_cast<const unsigned char*>(options.alpn.data()),
                              static_cast<unsigned>(options.alpn.size()));
    }
    tls_.reset(SSL_new(context_.get()));
    SSL_set_fd(tls_.get(), fd());
    SSL_set1_host(tls_.get(), "localhost");
    ERR_clear_error();
    if (SSL_connect(tls_.get()) != 1) {
      char text[256] = "the connection ended";
      if (const auto error = ERR_get_error()) ERR_error_string_n(error, text, sizeof text);
      throw std::runtime_error(text);
    }
  }

  bool send(std::string_view bytes) const override {
    return SSL_write(tls_.get(), bytes.data(), static_cast<int>(bytes.size())) > 0;
  }

  [[nodiscard]] std::string version() const { return SSL_get_version(tls_.get()); }
  [[nodiscard]] std::string protocol() const {
    const unsigned char* name = nullptr;
    unsigned size = 0;
    SSL_get0_alpn_selected(tls_.get(), &name, &size);
    return {reinterpret_cast<const char*>(name), size};
  }
  // The serial number of the server's certificate.
  [[nodiscard]] std::string serial() const {
    const std::unique_ptr<X509, void (*)(X509*)> certificate(SSL_get1_peer_certificate(tls_.get()),
                                                             X509_free);
    const ASN1_INTEGER* number = X509_get0_serialNumber(certificate.get());
    return {reinterpret_cast<const char*>(ASN1_STRING_get0_data(number)),
            static_cast<std::size_t>(ASN1_STRING_length(number))};
  }
  // Whether the end that was seen was said, and not a cut.
  [[nodiscard]] bool ended_by_word() const { return ended_by_word_; }
};

}  // namespace gesso::http::testing
