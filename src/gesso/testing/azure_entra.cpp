#include "gesso/testing/azure_entra.hpp"

#include <algorithm>
#include <fstream>
#include <stdexcept>
#include <utility>

#include "gesso/testing/detail/azure_json.hpp"
#include "gesso/testing/detail/entra_error.hpp"
#include "gesso/testing/detail/jwt.hpp"

namespace gesso::testing {
namespace {

namespace json = boost::json;
using detail::entra_error;
using detail::json_reply;

// Written beside and renamed, so that a reader sees the old or the new.
void replace_file(const std::filesystem::path& file, const std::string& content) {
  const std::filesystem::path next = file.string() + ".next";
  std::ofstream(next) << content;
  std::filesystem::rename(next, file);
}

HttpsServer::Reply missing(const std::string& parameter) {
  return entra_error(400, "invalid_request", 900144,
                     "The request body must contain the following parameter: '" + parameter + "'.");
}

std::string error_body(int status) {
  return entra_error(status, status == 429 ? "temporarily_unavailable" : "server_error", 90033,
                     "A transient error has occurred. Please try again.")
      .body;
}

}  // namespace

EntraStandIn::EntraStandIn(std::string host, std::string tenant, std::string client_id,
                           const Certificate& certificate, AzureTokens& tokens)
    : host_(std::move(host)),
      tenant_(std::move(tenant)),
      client_id_(std::move(client_id)),
      tokens_(tokens),
      client_secret_(detail::random_hex(20)),
      server_([this](const HttpsServer::Request& request) { return answer(request); },
              {.certificate = certificate, .error_body = error_body, .clock = &tokens.clock()}) {
  add_application(client_id_);
  add_secret(client_id_, client_secret_);
  add_federated(client_id_, {});
}

HttpsServer::Reply EntraStandIn::answer(const HttpsServer::Request& request) {
  const std::string tenant = request.path.substr(1, request.path.find('/', 1) - 1);
  const std::string rest = request.path.substr(std::min(tenant.size() + 1, request.path.size()));
  if (request.method == "GET") return metadata(request);
  if (request.method != "POST" || rest != "/oauth2/v2.0/token") {
    return json_reply(404, {{"error", "not_found"}});
  }
  return token(request, tenant);
}

// What Microsoft's own libraries ask before they ask for a token.
HttpsServer::Reply EntraStandIn::metadata(const HttpsServer::Request& request) const {
  const std::string authority = "https://" + host_ + "/" + tenant_;
  if (request.path == "/common/discovery/instance") {
    return json_reply(
        200,
        {{"tenant_discovery_endpoint", authority + "/v2.0/.well-known/openid-configuration"},
         {"api-version", "1.1"},
         {"metadata", json::array{json::object{{"preferred_network", host_},
                                               {"preferred_cache", host_},
                                               {"aliases", json::array{json::value(host_)}}}}}});
  }
  if (request.path.ends_with("/v2.0/.well-known/openid-configuration")) {
    if (request.path != "/" + tenant_ + "/v2.0/.well-known/openid-configuration") {
      return entra_error(400, "invalid_tenant", 90002, "Tenant not found.");
    }
    return json_reply(200, {{"token_endpoint", authority + "/oauth2/v2.0/token"},
                            {"authorization_endpoint", authority + "/oauth2/v2.0/authorize"},
                            {"issuer", authority + "/v2.0"},
                            {"jwks_uri", authority + "/discovery/v2.0/keys"}});
  }
  return json_reply(404, {{"error", "not_found"}});
}

HttpsServer::Reply EntraStandIn::token(const HttpsServer::Request& request,
                                       const std::string& tenant) {
  if (tenant != tenant_) {
    return entra_error(400, "invalid_request", 90002,
                       "Tenant '" + tenant +
                           "' not found. Check to make sure you have the correct tenant ID and are "
                           "signing into the correct cloud.");
  }
  const auto grant = request.form("grant_type");
  if (!grant) return missing("grant_type");
  if (*grant != "client_credentials") {
    return entra_error(400, "unsupported_grant_type", 70003,
                       "The app requested an unsupported grant type '" + *grant + "'.");
  }
  const auto client_id = request.form("client_id");
  if (!client_id) return missing("client_id");
  {
    const std::lock_guard lock(mutex_);
    if (!applications_.contains(*client_id)) {
      return entra_error(400, "unauthorized_client", 700016,
                         "Application with identifier '" + *client_id +
                             "' was not found in the directory '" + tenant_ + "'.");
    }
    std::optional<HttpsServer::Reply> refusal;
    if (const auto secret = request.form("client_secret")) {
      refusal = refuse_secret(*client_id, *secret);
    } else if (const auto assertion = request.form("client_assertion")) {
      if (request.form("client_assertion_type") !=
          "urn:ietf:params:oauth:client-assertion-type:jwt-bearer") {
        return missing("client_assertion_type");
      }
      refusal = refuse_assertion(*client_id, *assertion);
    } else {
      refusal = entra_error(401, "invalid_client", 7000218,
                            "The request body must contain the following parameter: "
                            "'client_assertion' or 'client_secret'.");
    }
    if (refusal) return *refusal;
  }
  const auto scope = request.form("scope");
  if (!scope) return missing("scope");
  if (!scope->ends_with("/.default") || scope->find(' ') != std::string::npos) {
    return entra_error(400, "invalid_scope", 1002012,
                       "The provided value for scope " + *scope +
                           " is not valid. Client credential flows must have a scope value with "
                           "/.default suffixed to the resource identifier (application ID URI).");
  }
  const std::string resource = scope->substr(0, scope->size() - std::string("/.default").size());
  if (!tokens_.knows_resource(resource)) {
    return entra_error(400, "invalid_resource", 500011,
                       "The resource principal named " + resource +
                           " was not found in the tenant named " + tenant_ + ".");
  }
  const IssuedToken token = tokens_.issue("entra", tenant_, *client_id, resource);
  const std::int64_t life =
      detail::epoch_seconds(token.expires_on) - detail::epoch_seconds(tokens_.clock().now());
  json::object reply{{"token_type", "Bearer"},
                     {"expires_in", life},
                     {"ext_expires_in", life},
                     {"access_token", token.value}};
  if (const auto refresh = tokens_.refresh_in()) reply["refresh_in"] = refresh->count();
  return json_reply(200, reply);
}

std::optional<HttpsServer::Reply> EntraStandIn::refuse_secret(const std::string& client_id,
                                                              const std::string& secret) const {
  const auto& secrets = applications_.at(client_id).secrets;
  const auto found = secrets.find(secret);
  if (found == secrets.end()) {
    return entra_error(401, "invalid_client", 7000215,
                       "Invalid client secret provided. Ensure the secret being sent in the "
                       "request is the client secret value, not the client secret ID, for a secret "
                       "added to app '" +
                           client_id + "'.");
  }
  if (found->second <= tokens_.clock().now()) {
    return entra_error(401, "invalid_client", 7000222,
                       "The provided client secret keys for app '" + client_id + "' are expired.");
  }
  return std::nullopt;
}

std::string EntraStandIn::client_secret() const {
  const std::lock_guard lock(mutex_);
  return client_secret_;
}

std::filesystem::path EntraStandIn::client_certificate_file() {
  const std::lock_guard lock(mutex_);
  const std::filesystem::path file = folder_ / "client.pem";
  if (!client_certificate_) {
    client_certificate_ = self_signed({"gesso"}, KeyKind::kRsa2048);
    applications_.at(client_id_).certificates.push_back(*client_certificate_);
    replace_file(file, client_certificate_->key_pem() + client_certificate_->certificate_pem());
  }
  return file;
}

void EntraStandIn::add_application(const std::string& client_id) {
  const std::lock_guard lock(mutex_);
  applications_.try_emplace(client_id);
}

void EntraStandIn::add_secret(const std::string& client_id, const std::string& secret,
                              std::optional<Time> expires) {
  const std::lock_guard lock(mutex_);
  applications_.at(client_id).secrets[secret] = expires.value_or(Time::max());
}

void EntraStandIn::remove_secret(const std::string& client_id, const std::string& secret) {
  const std::lock_guard lock(mutex_);
  applications_.at(client_id).secrets.erase(secret);
}

void EntraStandIn::register_certificate(const std::string& client_id,
                                        const Certificate& certificate) {
  const std::lock_guard lock(mutex_);
  applications_.at(client_id).certificates.push_back(certificate);
}

void EntraStandIn::remove_certificates(const std::string& client_id) {
  const std::lock_guard lock(mutex_);
  applications_.at(client_id).certificates.clear();
}

void EntraStandIn::add_federated(const std::string& client_id, FederatedCredential credential) {
  const std::lock_guard lock(mutex_);
  applications_.at(client_id).federated.push_back(std::move(credential));
}

// With mutex_ held.
const Certificate& EntraStandIn::cluster() {
  if (!cluster_) cluster_ = self_signed({"cluster"}, KeyKind::kRsa2048);
  return *cluster_;
}

std::string EntraStandIn::federated_token(FederatedCredential credential,
                                          std::chrono::seconds life) {
  const std::lock_guard lock(mutex_);
  const std::int64_t now = detail::epoch_seconds(tokens_.clock().now());
  return detail::sign({{"kid", "cluster"}},
                      {{"iss", credential.issuer},
                       {"sub", credential.subject},
                       {"aud", json::array{json::value(credential.audience)}},
                       {"iat", now},
                       {"nbf", now},
                       {"exp", now + life.count()},
                       {"jti", detail::make_uuid()}},
                      cluster().key.get());
}

std::filesystem::path EntraStandIn::federated_token_file() {
  const std::filesystem::path file = folder_ / "federated-token";
  if (!std::filesystem::exists(file)) write_federated_token(federated_token());
  return file;
}

void EntraStandIn::write_federated_token(const std::string& token) {
  const std::lock_guard lock(mutex_);
  replace_file(folder_ / "federated-token", token);
}

std::map<std::string, std::string> EntraStandIn::environment(Credential credential) {
  std::map<std::string, std::string> variables{{"AZURE_TENANT_ID", tenant_},
                                               {"AZURE_CLIENT_ID", client_id_},
                                               {"AZURE_AUTHORITY_HOST", "https://" + host_ + "/"}};
  switch (credential) {
    case Credential::kClientSecret:
      variables["AZURE_CLIENT_SECRET"] = client_secret();
      break;
    case Credential::kClientCertificate:
      variables["AZURE_CLIENT_CERTIFICATE_PATH"] = client_certificate_file().string();
      break;
    case Credential::kWorkloadIdentity:
      variables["AZURE_FEDERATED_TOKEN_FILE"] = federated_token_file().string();
      break;
  }
  return variables;
}

}  // namespace gesso::testing
