// What Entra ID checks of an assertion: a certificate's signature, or a federated token.
#include <openssl/evp.h>

#include <algorithm>

#include "gesso/testing/azure_entra.hpp"
#include "gesso/testing/detail/entra_error.hpp"
#include "gesso/testing/detail/jwt.hpp"

namespace gesso::testing {
namespace {

using detail::entra_error;
using detail::Jwt;
using Refusal = std::optional<HttpsServer::Reply>;

constexpr double kSkew = 300;  // seconds that clocks may differ

Refusal refuse_times(const Jwt& token, const Clock& clock) {
  const auto now = static_cast<double>(detail::epoch_seconds(clock.now()));
  const auto expires = token.number("exp");
  const auto from = token.number("nbf");
  if (expires && now < *expires + kSkew && (!from || now >= *from - kSkew)) return std::nullopt;
  return entra_error(401, "invalid_client", 700024,
                     "Client assertion is not within its valid time range. Current time: " +
                         to_iso8601(clock.now()) + ".");
}

Refusal refuse_signature(const Jwt& token, const std::vector<Certificate>& registered) {
  const auto named = [&](const Certificate& one) {
    const auto is = [&](std::string_view field, const EVP_MD* digest) {
      const boost::json::value* value = token.header.if_contains(field);
      if (value == nullptr || !value->is_string()) return false;
      std::string_view said = value->as_string();
      while (said.ends_with('=')) said.remove_suffix(1);  // Microsoft's library for Python pads
      return said == detail::thumbprint(one.certificate.get(), digest);
    };
    return is("x5t", EVP_sha1()) || is("x5t#S256", EVP_sha256());
  };
  const auto found = std::find_if(registered.begin(), registered.end(), named);
  if (found == registered.end()) {
    return entra_error(401, "invalid_client", 700027,
                       "The certificate with identifier used to sign the client assertion is not "
                       "registered on application. [Reason - The key was not found.]");
  }
  if (!detail::verify(token, found->key.get())) {
    return entra_error(401, "invalid_client", 700027,
                       "Client assertion failed signature validation.");
  }
  return std::nullopt;
}

Refusal refuse_federated(const Jwt& token, const std::vector<FederatedCredential>& credentials) {
  const std::string end =
      " Check your federated identity credential Subject, Audience and Issuer against the "
      "presented assertion.";
  auto left = credentials;
  const auto narrowed = [&](auto matches) {
    std::erase_if(left, [&](const FederatedCredential& one) { return !matches(one); });
    return !left.empty();
  };
  const std::string start = "No matching federated identity record found for presented assertion ";
  if (!narrowed([&](const auto& one) { return one.issuer == token.text("iss"); })) {
    return entra_error(401, "invalid_client", 700211,
                       start + "issuer '" + token.text("iss") + "'." + end);
  }
  if (!narrowed([&](const auto& one) { return one.subject == token.text("sub"); })) {
    return entra_error(401, "invalid_client", 700213,
                       start + "subject '" + token.text("sub") + "'." + end);
  }
  if (!narrowed([&](const auto& one) { return token.is_for(one.audience); })) {
    return entra_error(401, "invalid_client", 700212, start + "audience." + end);
  }
  return std::nullopt;
}

}  // namespace

Refusal EntraStandIn::refuse_assertion(const std::string& client_id,
                                       const std::string& assertion) const {
  const auto token = detail::parse_jwt(assertion);
  if (!token) {
    return entra_error(400, "invalid_request", 50027, "JWT token is invalid or malformed.");
  }
  const Application& application = applications_.at(client_id);
  const std::string issuer = token->text("iss");
  if (issuer.starts_with("https://")) {  // a cluster's; an application names itself
    if (!cluster_ || !detail::verify(*token, cluster_->key.get())) {
      return entra_error(400, "invalid_request", 50027,
                         "JWT token is invalid or malformed: its signature is not that of its "
                         "issuer's key.");
    }
    if (auto refusal = refuse_times(*token, tokens_.clock())) return refusal;
    return refuse_federated(*token, application.federated);
  }

  if (auto refusal = refuse_signature(*token, application.certificates)) return refusal;
  if (issuer != client_id || token->text("sub") != client_id) {
    return entra_error(401, "invalid_client", 700021,
                       "Client assertion application identifier doesn't match 'client_id' "
                       "parameter.");
  }
  const std::string authority = "https://" + host_ + "/" + tenant_;
  if (!token->is_for(authority + "/oauth2/v2.0/token") && !token->is_for(authority + "/v2.0")) {
    return entra_error(401, "invalid_client", 700023,
                       "Client assertion audience claim does not match Realm issuer.");
  }
  return refuse_times(*token, tokens_.clock());
}

}  // namespace gesso::testing
