// A provider's key: signs ID tokens, and says what others need to check them.
//
// Of one test; const functions are thread-safe. Making one takes a tenth of a second.
#pragma once

#include <openssl/evp.h>
#include <openssl/rsa.h>

#include <boost/json.hpp>
#include <memory>
#include <string>
#include <string_view>

namespace gesso::domain::oauth {

class Signer {
  std::string id_;
  std::shared_ptr<EVP_PKEY> key_;

 public:
  explicit Signer(std::string id, unsigned bits = 2048);

  [[nodiscard]] const std::string& id() const { return id_; }
  // The public key as a member of a JWK set.
  [[nodiscard]] boost::json::object jwk() const;
  // {"keys": [...]} of this key alone.
  [[nodiscard]] std::string jwks() const;
  // A token with this header (to which `kid` and alg RS256 are added where it has none) and claims.
  [[nodiscard]] std::string token(const boost::json::object& claims,
                                  boost::json::object header = {}) const;
  // The signature of RS256.
  [[nodiscard]] std::string sign(std::string_view input) const;

  // Keys that all tests share.
  [[nodiscard]] static const Signer& first();
  [[nodiscard]] static const Signer& second();
};

}  // namespace gesso::domain::oauth
