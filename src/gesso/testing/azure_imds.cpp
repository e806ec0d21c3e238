#include <utility>

#include "gesso/testing/azure_managed_identity.hpp"
#include "gesso/testing/detail/azure_json.hpp"

namespace gesso::testing {
namespace {

using detail::json_reply;

// "how-to-use-vm-token" of the Entra documentation has the shape of errors.
HttpsServer::Reply refuse(int status, std::string_view error, std::string_view description) {
  return json_reply(status, {{"error", error}, {"error_description", description}});
}

std::string error_body(int status) {
  switch (status) {
    case 404:
      return R"({"error":"not_found","error_description":"The service is being updated."})";
    case 410:
      return R"({"error":"gone","error_description":"The service is being moved."})";
    case 429:
      return R"({"error":"too_many_requests","error_description":"Too many requests"})";
    default:
      return R"({"error":"server_error","error_description":"Failed to retrieve token."})";
  }
}

}  // namespace

ManagedIdentityEndpoint::ManagedIdentityEndpoint(std::string issuer, std::string tenant,
                                                 ManagedIdentity system_assigned,
                                                 AzureTokens& tokens)
    : issuer_(std::move(issuer)),
      tenant_(std::move(tenant)),
      tokens_(tokens),
      system_assigned_(std::move(system_assigned)) {}

ManagedIdentityEndpoint::Found ManagedIdentityEndpoint::find(const HttpsServer::Request& request,
                                                             const Selector& selector,
                                                             ManagedIdentity& found) const {
  const std::lock_guard lock(mutex_);
  using Member = std::string ManagedIdentity::*;
  const std::pair<std::string_view, Member> names[] = {
      {selector.client_id, &ManagedIdentity::client_id},
      {selector.object_id, &ManagedIdentity::object_id},
      {selector.resource_id, &ManagedIdentity::resource_id}};
  for (const auto& [name, member] : names) {
    const auto wanted = request.parameter(name);
    if (!wanted) continue;
    for (const ManagedIdentity& one : user_assigned_) {
      if (!equal_ignoring_case(one.*member, *wanted)) continue;
      found = one;
      return Found::kOne;
    }
    return Found::kNone;
  }
  if (system_assigned_) {
    found = *system_assigned_;
    return Found::kOne;
  }
  if (user_assigned_.size() == 1) found = user_assigned_.front();
  return user_assigned_.empty()       ? Found::kNone
         : user_assigned_.size() == 1 ? Found::kOne
                                      : Found::kSeveral;
}

IssuedToken ManagedIdentityEndpoint::token_for(const ManagedIdentity& identity,
                                               const std::string& resource) {
  const std::lock_guard lock(mutex_);
  const std::string key = identity.client_id + " " + resource;
  if (const auto known = cached_.find(key); caching_ && known != cached_.end()) {
    if (known->second.expires_on > tokens_.clock().now() + std::chrono::minutes{5}) {
      return known->second;
    }
  }
  return cached_[key] = tokens_.issue(issuer_, tenant_, identity.client_id, resource);
}

void ManagedIdentityEndpoint::remove_system_assigned() {
  const std::lock_guard lock(mutex_);
  system_assigned_.reset();
}

void ManagedIdentityEndpoint::add_user_assigned(ManagedIdentity identity) {
  const std::lock_guard lock(mutex_);
  user_assigned_.push_back(std::move(identity));
}

void ManagedIdentityEndpoint::cache_tokens(bool on) {
  const std::lock_guard lock(mutex_);
  caching_ = on;
  cached_.clear();
}

ImdsStandIn::ImdsStandIn(std::string tenant, ManagedIdentity system_assigned, AzureTokens& tokens)
    : ManagedIdentityEndpoint("imds", std::move(tenant), std::move(system_assigned), tokens),
      server_([this](const HttpsServer::Request& request) { return answer(request); },
              {.error_body = error_body}) {}

HttpsServer::Reply ImdsStandIn::answer(const HttpsServer::Request& request) {
  if (request.header("x-forwarded-for")) {
    return refuse(400, "invalid_request",
                  "X-Forwarded-For is not allowed: no proxy may stand here");
  }
  if (request.header("metadata").value_or("") != "true") {
    return refuse(400, "bad_request_102", "Required metadata header not specified");
  }
  if (request.path != "/metadata/identity/oauth2/token") {
    return refuse(404, "not_found", "There is no such path");
  }
  if (request.method != "GET") return refuse(405, "not_allowed", "Only GET is supported");
  if (!request.parameter("api-version")) {
    return json_reply(400, {{"error", "Bad request. api-version was not specified in the request."},
                            {"newest-versions", {"2021-02-01", "2018-10-01", "2018-02-01"}}});
  }
  if (*request.parameter("api-version") < "2018-02-01") {
    return json_reply(400, {{"error", "Bad request. api-version is invalid or not supported."},
                            {"newest-versions", {"2021-02-01", "2018-10-01", "2018-02-01"}}});
  }
  const auto resource = request.parameter("resource");
  if (!resource || resource->empty()) {
    return refuse(400, "invalid_request", "Required query variable 'resource' is missing");
  }
  if (!tokens_.knows_resource(*resource)) {
    return refuse(400, "invalid_resource",
                  "AADSTS500011: The resource principal named " + *resource +
                      " was not found in the tenant named " + tenant_ + ".");
  }
  ManagedIdentity identity;
  switch (find(request,
               {.client_id = "client_id", .object_id = "object_id", .resource_id = "msi_res_id"},
               identity)) {
    case Found::kNone:
      return refuse(400, "invalid_request", "Identity not found");
    case Found::kSeveral:
      return refuse(400, "invalid_request",
                    "Multiple user assigned identities exist, please specify the clientId / "
                    "resourceId of the identity in the token request");
    case Found::kOne:
      break;
  }
  const IssuedToken token = token_for(identity, *resource);
  const std::int64_t now = detail::epoch_seconds(tokens_.clock().now());
  const std::int64_t end = detail::epoch_seconds(token.expires_on);
  return json_reply(200, {{"access_token", token.value},
                          {"client_id", identity.client_id},
                          {"refresh_token", ""},
                          {"expires_in", std::to_string(end - now)},
                          {"expires_on", std::to_string(end)},
                          {"ext_expires_in", std::to_string(end - now)},
                          {"not_before", std::to_string(now)},
                          {"resource", *resource},
                          {"token_type", "Bearer"}});
}

std::map<std::string, std::string> ImdsStandIn::environment() const {
  return {
      {"AZURE_POD_IDENTITY_AUTHORITY_HOST", "http://127.0.0.1:" + std::to_string(server_.port())}};
}

}  // namespace gesso::testing
