#include "tests/domain/oauth/signer.hpp"

#include <openssl/bn.h>
#include <openssl/core_names.h>

#include <stdexcept>
#include <vector>

#include "gesso/base/base64.hpp"

namespace gesso::domain::oauth {
namespace {

std::string number(EVP_PKEY* key, const char* name) {
  BIGNUM* value = nullptr;
  if (EVP_PKEY_get_bn_param(key, name, &value) != 1) throw std::runtime_error("no number");
  std::vector<unsigned char> bytes(static_cast<std::size_t>(BN_num_bytes(value)));
  BN_bn2bin(value, bytes.data());
  BN_free(value);
  return base64url_encode({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
}

}  // namespace

Signer::Signer(std::string id, unsigned bits)
    : id_(std::move(id)), key_(EVP_RSA_gen(bits), &EVP_PKEY_free) {}

boost::json::object Signer::jwk() const {
  return {{"kty", "RSA"},
          {"use", "sig"},
          {"alg", "RS256"},
          {"kid", id_},
          {"n", number(key_.get(), OSSL_PKEY_PARAM_RSA_N)},
          {"e", number(key_.get(), OSSL_PKEY_PARAM_RSA_E)}};
}

std::string Signer::jwks() const {
  return boost::json::serialize(boost::json::object{{"keys", boost::json::array{jwk()}}});
}

std::string Signer::token(const boost::json::object& claims, boost::json::object header) const {
  if (!header.contains("alg")) header["alg"] = "RS256";
  if (!header.contains("kid")) header["kid"] = id_;
  const std::string input = base64url_encode(boost::json::serialize(header)) + "." +
                            base64url_encode(boost::json::serialize(claims));
  return input + "." + base64url_encode(sign(input));
}

std::string Signer::sign(std::string_view input) const {
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
  return signature;
}

const Signer& Signer::first() {
  static const Signer signer("first");
  return signer;
}

const Signer& Signer::second() {
  static const Signer signer("second");
  return signer;
}

}  // namespace gesso::domain::oauth
