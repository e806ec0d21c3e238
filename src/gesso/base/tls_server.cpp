#include "gesso/base/tls_server.hpp"

#include <openssl/err.h>
#include <openssl/ssl.h>

#include "gesso/base/error.hpp"

namespace gesso {

std::shared_ptr<SSL_CTX> make_tls_server_context(const std::string& certificate_file,
                                                 const std::string& key_file) {
  ERR_clear_error();
  std::shared_ptr<SSL_CTX> context(SSL_CTX_new(TLS_server_method()), &SSL_CTX_free);
  const auto check = [&](bool good) {
    if (good) return;
    const char* const reason = ERR_reason_error_string(ERR_get_error());
    ERR_clear_error();
    throw Error(ErrorKind::kUnavailable, "cannot serve TLS with the certificate " +
                                             certificate_file + " and the key " + key_file + ": " +
                                             (reason != nullptr ? reason : "OpenSSL refused"));
  };
  check(context != nullptr);
  SSL_CTX* const native = context.get();
  SSL_CTX_set_min_proto_version(native, TLS1_2_VERSION);
  SSL_CTX_set_options(
      native, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE);
  SSL_CTX_set_mode(native, SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_session_cache_mode(native, SSL_SESS_CACHE_OFF);  // clients keep their tickets
  // Of TLS 1.2 what keeps what was said before secret when the key is lost.
  SSL_CTX_set_cipher_list(native, "ECDHE+AESGCM:ECDHE+CHACHA20");
  // OpenSSL would ask at the terminal.
  SSL_CTX_set_default_passwd_cb(native, [](char*, int, int, void*) { return 0; });
  check(SSL_CTX_use_certificate_chain_file(native, certificate_file.c_str()) == 1);
  check(SSL_CTX_use_PrivateKey_file(native, key_file.c_str(), SSL_FILETYPE_PEM) == 1);
  check(SSL_CTX_check_private_key(native) == 1);
  return context;
}

}  // namespace gesso
