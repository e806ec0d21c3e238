// What a server of TLS has from the start: its certificate, and the rules that all of ours keep.
#pragma once

#include <memory>
#include <string>

struct ssl_ctx_st;  // OpenSSL's

namespace gesso {

// TLS 1.2 or newer with forward secrecy, by PEM files: the certificate with its chain, and its key,
// without a passphrase. What it gives may be shared by threads. Throws Error (kUnavailable) that
// names the files where they cannot be used. Blocks on the file system alone.
[[nodiscard]] std::shared_ptr<ssl_ctx_st> make_tls_server_context(
    const std::string& certificate_file, const std::string& key_file);

}  // namespace gesso
