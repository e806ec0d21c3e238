// JSON Web Tokens with RSA signatures (RFC 7515, RFC 7518): read, verified, made. Pure functions.
#pragma once

#include <openssl/types.h>

#include <boost/json.hpp>
#include <optional>
#include <string>
#include <string_view>

namespace gesso::testing::detail {

struct Jwt {
  boost::json::object header;
  boost::json::object claims;
  std::string signed_text;
  std::string signature;

  // "" where there is no such claim or it is no string.
  [[nodiscard]] std::string text(std::string_view claim) const;
  // A time may have a fraction (RFC 7519, section 2).
  [[nodiscard]] std::optional<double> number(std::string_view claim) const;
  // Of `aud`, which may be an array.
  [[nodiscard]] bool is_for(std::string_view audience) const;
};

[[nodiscard]] std::optional<Jwt> parse_jwt(std::string_view text);
// RS256 or PS256, as its header says; false for any other algorithm.
[[nodiscard]] bool verify(const Jwt& token, EVP_PKEY* key);
// With RS256; `alg` and `typ` are added to the header.
[[nodiscard]] std::string sign(boost::json::object header, const boost::json::object& claims,
                               EVP_PKEY* key);
// base64url of a certificate's digest: `x5t` with SHA-1, `x5t#S256` with SHA-256.
[[nodiscard]] std::string thumbprint(const X509* certificate, const EVP_MD* digest);

}  // namespace gesso::testing::detail
