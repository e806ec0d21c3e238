#include <utility>

#include "gesso/base/secret.hpp"
#include "gesso/testing/azure_managed_identity.hpp"
#include "gesso/testing/detail/azure_json.hpp"

namespace gesso::testing {
namespace {

HttpsServer::Reply refuse(int status, std::string_view message) {
  return detail::json_reply(
      status,
      {{"statusCode", status}, {"message", message}, {"correlationId", detail::make_uuid()}});
}

}  // namespace

AppServiceStandIn::AppServiceStandIn(std::string tenant, ManagedIdentity system_assigned,
                                     AzureTokens& tokens)
    : ManagedIdentityEndpoint("app_service", std::move(tenant), std::move(system_assigned), tokens),
      header_(detail::random_hex(16)),
      server_([this](const HttpsServer::Request& request) { return answer(request); },
              {.error_body = [](int status) { return refuse(status, "Failed").body; }}) {}

HttpsServer::Reply AppServiceStandIn::answer(const HttpsServer::Request& request) {
  if (request.path != "/msi/token") return refuse(404, "There is no such path");
  if (request.method != "GET") return refuse(405, "Only GET is supported");
  const auto header = request.header("x-identity-header");
  if (!header) return refuse(401, "The header X-IDENTITY-HEADER is missing");
  if (!constant_time_equal(*header, identity_header())) {
    return refuse(401, "The value of X-IDENTITY-HEADER is not that of this instance");
  }
  const auto version = request.parameter("api-version");
  if (!version) return refuse(400, "The parameter api-version is missing");
  if (*version != "2019-08-01") {
    return refuse(400, "The api-version '" + *version + "' is not supported");
  }
  const auto resource = request.parameter("resource");
  if (!resource || resource->empty()) return refuse(400, "The parameter resource is missing");
  if (!tokens_.knows_resource(*resource)) {
    return refuse(400, "AADSTS500011: The resource principal named " + *resource +
                           " was not found in the tenant named " + tenant_ + ".");
  }
  // The documentation says principal_id, Microsoft's libraries object_id.
  const Selector selector{
      .client_id = "client_id",
      .object_id = request.parameter("principal_id") ? "principal_id" : "object_id",
      .resource_id = "mi_res_id"};
  const bool selects = request.parameter(selector.client_id) ||
                       request.parameter(selector.object_id) ||
                       request.parameter(selector.resource_id);
  ManagedIdentity identity;
  const Found found = find(request, selector, identity);
  bool system = false;
  {
    const std::lock_guard lock(mutex_);
    system = system_assigned_.has_value();
  }
  // Unlike a virtual machine's, this endpoint never picks a user-assigned identity by itself.
  if (found != Found::kOne || (!selects && !system)) {
    return refuse(400, "No Managed Identity found for specified ClientId/ResourceId/PrincipalId.");
  }
  const IssuedToken token = token_for(identity, *resource);
  return detail::json_reply(
      200, {{"access_token", token.value},
            {"expires_on", std::to_string(detail::epoch_seconds(token.expires_on))},
            {"resource", *resource},
            {"token_type", "Bearer"},
            {"client_id", identity.client_id}});
}

std::map<std::string, std::string> AppServiceStandIn::environment() const {
  return {
      {"IDENTITY_ENDPOINT", "http://127.0.0.1:" + std::to_string(server_.port()) + "/msi/token"},
      {"IDENTITY_HEADER", identity_header()}};
}

std::string AppServiceStandIn::identity_header() const {
  const std::lock_guard lock(mutex_);
  return header_;
}

void AppServiceStandIn::rotate_identity_header() {
  const std::lock_guard lock(mutex_);
  header_ = detail::random_hex(16);
}

}  // namespace gesso::testing
