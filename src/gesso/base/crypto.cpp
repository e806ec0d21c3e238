#include "gesso/base/crypto.hpp"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "gesso/base/error.hpp"

namespace gesso {

Digest sha256(std::string_view bytes) {
  Digest digest{};
  if (EVP_Digest(bytes.data(), bytes.size(), digest.data(), nullptr, EVP_sha256(), nullptr) != 1) {
    throw Error(ErrorKind::kInternal, "SHA-256 failed");
  }
  return digest;
}

Digest hmac_sha256(std::string_view key, std::string_view bytes) {
  Digest digest{};
  if (HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()),
           reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(), digest.data(),
           nullptr) == nullptr) {
    throw Error(ErrorKind::kInternal, "HMAC-SHA-256 failed");
  }
  return digest;
}

}  // namespace gesso
