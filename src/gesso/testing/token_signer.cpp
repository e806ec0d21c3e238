#include "gesso/testing/token_signer.hpp"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ecdsa.h>

#include <stdexcept>

#include "gesso/base/base64.hpp"

namespace gesso::testing {
namespace {

constexpr int kCoordinate = 32;  // bytes of a number on P-256

std::string bytes_of(const BIGNUM* value, int size) {
  std::string bytes(static_cast<std::size_t>(size), '\0');
  BN_bn2binpad(value, reinterpret_cast<unsigned char*>(bytes.data()), size);
  return bytes;
}

// In as few bytes as it takes, or in `size` of them.
std::string number(EVP_PKEY* key, const char* name, int size = 0) {
  BIGNUM* value = nullptr;
  if (EVP_PKEY_get_bn_param(key, name, &value) != 1) throw std::runtime_error("no number");
  const std::string bytes = bytes_of(value, size == 0 ? BN_num_bytes(value) : size);
  BN_free(value);
  return base64url_encode(bytes);
}

// The two numbers that OpenSSL wraps in DER.
std::string unwrapped(const std::string& der) {
  const auto* at = reinterpret_cast<const unsigned char*>(der.data());
  const std::unique_ptr<ECDSA_SIG, decltype(&ECDSA_SIG_free)> parts(
      d2i_ECDSA_SIG(nullptr, &at, static_cast<long>(der.size())), &ECDSA_SIG_free);
  return bytes_of(ECDSA_SIG_get0_r(parts.get()), kCoordinate) +
         bytes_of(ECDSA_SIG_get0_s(parts.get()), kCoordinate);
}

}  // namespace

TokenSigner::TokenSigner(std::string id, EVP_PKEY* key)
    : id_(std::move(id)), key_(key, &EVP_PKEY_free) {}

TokenSigner::TokenSigner(std::string id, unsigned bits)
    : TokenSigner(std::move(id), EVP_RSA_gen(bits)) {}

TokenSigner TokenSigner::es256(std::string id) {
  return TokenSigner(std::move(id), EVP_EC_gen("P-256"));
}

std::string_view TokenSigner::algorithm() const {
  return EVP_PKEY_get_base_id(key_.get()) == EVP_PKEY_EC ? "ES256" : "RS256";
}

boost::json::object TokenSigner::jwk() const {
  if (algorithm() == "ES256") {
    return {{"kty", "EC"},
            {"use", "sig"},
            {"alg", "ES256"},
            {"kid", id_},
            {"crv", "P-256"},
            {"x", number(key_.get(), OSSL_PKEY_PARAM_EC_PUB_X, kCoordinate)},
            {"y", number(key_.get(), OSSL_PKEY_PARAM_EC_PUB_Y, kCoordinate)}};
  }
  return {{"kty", "RSA"},
          {"use", "sig"},
          {"alg", "RS256"},
          {"kid", id_},
          {"n", number(key_.get(), OSSL_PKEY_PARAM_RSA_N)},
          {"e", number(key_.get(), OSSL_PKEY_PARAM_RSA_E)}};
}

std::string TokenSigner::jwks() const {
  return boost::json::serialize(boost::json::object{{"keys", boost::json::array{jwk()}}});
}

std::string TokenSigner::token(const boost::json::object& claims,
                               boost::json::object header) const {
  if (!header.contains("alg")) header["alg"] = algorithm();
  if (!header.contains("kid")) header["kid"] = id_;
  const std::string input = base64url_encode(boost::json::serialize(header)) + "." +
                            base64url_encode(boost::json::serialize(claims));
  return input + "." + base64url_encode(sign(input));
}

std::string TokenSigner::sign(std::string_view input) const {
  const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> digest(EVP_MD_CTX_new(),
                                                                       &EVP_MD_CTX_free);
  const auto* bytes = reinterpret_cast<const unsigned char*>(input.data());
  std::size_t size = 0;
  std::string signature;
  if (EVP_DigestSignInit(digest.get(), nullptr, EVP_sha256(), nullptr, key_.get()) != 1 ||
      EVP_DigestSign(digest.get(), nullptr, &size, bytes, input.size()) != 1) {
    throw std::runtime_error("not signed");
  }
  signature.resize(size);
  if (EVP_DigestSign(digest.get(), reinterpret_cast<unsigned char*>(signature.data()), &size, bytes,
                     input.size()) != 1) {
    throw std::runtime_error("not signed");
  }
  signature.resize(size);
  return algorithm() == "ES256" ? unwrapped(signature) : signature;
}

const TokenSigner& TokenSigner::first() {
  static const TokenSigner signer("first");
  return signer;
}

const TokenSigner& TokenSigner::second() {
  static const TokenSigner signer("second");
  return signer;
}

}  // namespace gesso::testing
