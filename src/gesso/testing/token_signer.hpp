// An issuer's key: signs JSON Web Tokens, and says what others need to check them.
//
// Of one test; const functions are thread-safe. Making one takes a tenth of a second.
#pragma once

#include <openssl/evp.h>
#include <openssl/rsa.h>

#include <boost/json.hpp>
#include <memory>
#include <string>
#include <string_view>

namespace gesso::testing {

class TokenSigner {
  std::string id_;
  std::shared_ptr<EVP_PKEY> key_;

  TokenSigner(std::string id, EVP_PKEY* key);

 public:
  // Of RS256.
  explicit TokenSigner(std::string id, unsigned bits = 2048);
  // Of ES256.
  [[nodiscard]] static TokenSigner es256(std::string id);

  [[nodiscard]] const std::string& id() const { return id_; }
  [[nodiscard]] std::string_view algorithm() const;
  // The public key as a member of a JWK set.
  [[nodiscard]] boost::json::object jwk() const;
  // {"keys": [...]} of this key alone.
  [[nodiscard]] std::string jwks() const;
  // A token with this header (to which `kid` and `alg` are added where it has none) and claims.
  [[nodiscard]] std::string token(const boost::json::object& claims,
                                  boost::json::object header = {}) const;
  // The signature by the key's algorithm.
  [[nodiscard]] std::string sign(std::string_view input) const;

  // Keys that all tests share.
  [[nodiscard]] static const TokenSigner& first();
  [[nodiscard]] static const TokenSigner& second();
};

}  // namespace gesso::testing
