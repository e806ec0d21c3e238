#include "gesso/base/crypto.hpp"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/params.h>

#include <string>

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

void HmacSha256::Free::operator()(evp_mac_ctx_st* context) const noexcept {
  EVP_MAC_CTX_free(context);
}

HmacSha256::HmacSha256(std::string_view key) {
  EVP_MAC* hmac = EVP_MAC_fetch(nullptr, "HMAC", nullptr);
  keyed_.reset(EVP_MAC_CTX_new(hmac));
  EVP_MAC_free(hmac);  // the context has a reference of its own
  std::string digest = "SHA256";
  const OSSL_PARAM parameters[] = {
      OSSL_PARAM_construct_utf8_string("digest", digest.data(), digest.size()),
      OSSL_PARAM_construct_end()};
  if (keyed_ == nullptr ||
      EVP_MAC_init(keyed_.get(), reinterpret_cast<const unsigned char*>(key.data()), key.size(),
                   parameters) != 1) {
    throw Error(ErrorKind::kInternal, "HMAC-SHA-256 failed");
  }
}

Digest HmacSha256::of(std::string_view bytes) const {
  const std::unique_ptr<evp_mac_ctx_st, Free> context(EVP_MAC_CTX_dup(keyed_.get()));
  Digest digest{};
  std::size_t size = 0;
  if (context == nullptr ||
      EVP_MAC_update(context.get(), reinterpret_cast<const unsigned char*>(bytes.data()),
                     bytes.size()) != 1 ||
      EVP_MAC_final(context.get(), digest.data(), &size, digest.size()) != 1) {
    throw Error(ErrorKind::kInternal, "HMAC-SHA-256 failed");
  }
  return digest;
}

}  // namespace gesso
