#include "gesso/testing/detail/jwt.hpp"

#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include <algorithm>
#include <memory>
#include <stdexcept>

#include "gesso/base/base64.hpp"

namespace gesso::testing::detail {
namespace {

namespace json = boost::json;
using Context = std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)>;

const unsigned char* bytes(const std::string& text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

std::optional<json::object> parse_part(std::string_view part) {
  const auto text = base64url_decode(part);
  if (!text) return std::nullopt;
  boost::system::error_code error;
  json::value value = json::parse(*text, error);
  if (error || !value.is_object()) return std::nullopt;
  return value.as_object();
}

}  // namespace

std::string Jwt::text(std::string_view claim) const {
  const json::value* value = claims.if_contains(claim);
  return value != nullptr && value->is_string() ? std::string(value->as_string()) : std::string();
}

std::optional<double> Jwt::number(std::string_view claim) const {
  const json::value* value = claims.if_contains(claim);
  if (value == nullptr || !value->is_number()) return std::nullopt;
  return value->to_number<double>();
}

bool Jwt::is_for(std::string_view audience) const {
  const json::value* value = claims.if_contains("aud");
  if (value == nullptr || !value->is_array()) return text("aud") == audience;
  const json::array& all = value->as_array();
  return std::any_of(all.begin(), all.end(), [&](const json::value& one) {
    return one.is_string() && one.as_string() == audience;
  });
}

std::optional<Jwt> parse_jwt(std::string_view text) {
  const auto one = text.find('.');
  const auto two = text.rfind('.');
  if (one == std::string_view::npos || one == two) return std::nullopt;
  const auto header = parse_part(text.substr(0, one));
  const auto claims = parse_part(text.substr(one + 1, two - one - 1));
  const auto signature = base64url_decode(text.substr(two + 1));
  if (!header || !claims || !signature) return std::nullopt;
  return Jwt{.header = *header,
             .claims = *claims,
             .signed_text = std::string(text.substr(0, two)),
             .signature = *signature};
}

bool verify(const Jwt& token, EVP_PKEY* key) {
  const json::value* named = token.header.if_contains("alg");
  if (named == nullptr || !named->is_string()) return false;
  const json::string& algorithm = named->as_string();
  if (algorithm != "RS256" && algorithm != "PS256") return false;
  const Context context(EVP_MD_CTX_new(), &EVP_MD_CTX_free);
  EVP_PKEY_CTX* padding = nullptr;  // of `context`
  if (EVP_DigestVerifyInit(context.get(), &padding, EVP_sha256(), nullptr, key) != 1) return false;
  if (algorithm == "PS256" &&
      (EVP_PKEY_CTX_set_rsa_padding(padding, RSA_PKCS1_PSS_PADDING) != 1 ||
       EVP_PKEY_CTX_set_rsa_pss_saltlen(padding, RSA_PSS_SALTLEN_DIGEST) != 1)) {
    return false;
  }
  return EVP_DigestVerify(context.get(), bytes(token.signature), token.signature.size(),
                          bytes(token.signed_text), token.signed_text.size()) == 1;
}

std::string sign(json::object header, const json::object& claims, EVP_PKEY* key) {
  header["alg"] = "RS256";
  header["typ"] = "JWT";
  std::string text =
      base64url_encode(json::serialize(header)) + "." + base64url_encode(json::serialize(claims));
  const Context context(EVP_MD_CTX_new(), &EVP_MD_CTX_free);
  std::string signature(static_cast<std::size_t>(EVP_PKEY_get_size(key)), '\0');
  std::size_t size = signature.size();
  if (EVP_DigestSignInit(context.get(), nullptr, EVP_sha256(), nullptr, key) != 1 ||
      EVP_DigestSign(context.get(), reinterpret_cast<unsigned char*>(signature.data()), &size,
                     bytes(text), text.size()) != 1) {
    throw std::runtime_error("OpenSSL does not sign");
  }
  signature.resize(size);
  return text + "." + base64url_encode(signature);
}

std::string thumbprint(const X509* certificate, const EVP_MD* digest) {
  unsigned char value[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  if (X509_digest(certificate, digest, value, &size) != 1) {
    throw std::runtime_error("OpenSSL makes no digest of the certificate");
  }
  return base64url_encode({reinterpret_cast<const char*>(value), size});
}

}  // namespace gesso::testing::detail
