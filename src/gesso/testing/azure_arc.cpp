#include <algorithm>
#include <fstream>
#include <utility>

#include "gesso/testing/azure_managed_identity.hpp"
#include "gesso/testing/detail/azure_json.hpp"

namespace gesso::testing {
namespace {

using detail::json_reply;

HttpsServer::Reply refuse(int status, std::string_view error, std::string_view description) {
  return json_reply(status, {{"error", error}, {"error_description", description}});
}

}  // namespace

ArcStandIn::ArcStandIn(std::string tenant, ManagedIdentity system_assigned, AzureTokens& tokens,
                       std::filesystem::path folder)
    : ManagedIdentityEndpoint("arc", std::move(tenant), std::move(system_assigned), tokens),
      folder_(std::move(folder)),
      server_([this](const HttpsServer::Request& request) { return answer(request); },
              {.error_body = [](int status) {
                return refuse(status, "server_error", "The agent is not ready").body;
              }}) {
  std::filesystem::create_directories(folder_);
}

HttpsServer::Reply ArcStandIn::challenge() {
  const std::lock_guard lock(mutex_);
  const auto unauthorized = [](std::string header) {
    auto reply = refuse(401, "unauthorized", "Authenticate with the content of the key file");
    if (!header.empty()) reply.headers.emplace_back("WWW-Authenticate", std::move(header));
    return reply;
  };
  if (challenge_.header) return unauthorized(*challenge_.header);

  const std::string name = detail::make_uuid() + challenge_.extension;
  const std::filesystem::path file = challenge_.folder.value_or(folder_) / name;
  if (!challenge_.without_file) {
    const std::string key =
        detail::random_hex((challenge_.bytes + 1) / 2).substr(0, challenge_.bytes);
    std::filesystem::create_directories(file.parent_path());
    const std::filesystem::path real = challenge_.as_link ? elsewhere_ / name : file;
    std::ofstream(real) << key;
    if (challenge_.as_link) std::filesystem::create_symlink(real, file);
    open_keys_.push_back(key);
  }
  return unauthorized("Basic realm=" + file.string());
}

HttpsServer::Reply ArcStandIn::answer(const HttpsServer::Request& request) {
  if (request.path != "/metadata/identity/oauth2/token") {
    return refuse(404, "not_found", "There is no such path");
  }
  if (request.method != "GET") return refuse(405, "not_allowed", "Only GET is supported");
  if (request.header("metadata").value_or("") != "true") {
    return refuse(400, "invalid_request", "Required metadata header not specified");
  }
  const auto version = request.parameter("api-version");
  if (version != "2020-06-01" && version != "2019-11-01") {
    return refuse(400, "invalid_request", "api-version is missing or not supported");
  }
  const auto resource = request.parameter("resource");
  if (!resource || resource->empty()) {
    return refuse(400, "invalid_request", "Required query variable 'resource' is missing");
  }
  const auto authorization = request.header("authorization");
  if (!authorization) return challenge();

  bool honours = false;
  {
    const std::lock_guard lock(mutex_);
    const auto key = std::find_if(open_keys_.begin(), open_keys_.end(), [&](const auto& one) {
      return *authorization == "Basic " + one;
    });
    if (key == open_keys_.end()) {
      return refuse(403, "forbidden", "The key is not one that this agent gave");
    }
    open_keys_.erase(key);
    honours = honours_user_assigned_;
  }
  if (!tokens_.knows_resource(*resource)) {
    return refuse(400, "invalid_resource",
                  "AADSTS500011: The resource principal named " + *resource +
                      " was not found in the tenant named " + tenant_ + ".");
  }
  Selector selector{
      .client_id = "client_id", .object_id = "object_id", .resource_id = "msi_res_id"};
  if (!honours) selector = {.client_id = "", .object_id = "", .resource_id = ""};
  ManagedIdentity identity;
  if (find(request, selector, identity) != Found::kOne) {
    return refuse(400, "invalid_request", "Identity not found");
  }
  const IssuedToken token = token_for(identity, *resource);
  const std::int64_t now = detail::epoch_seconds(tokens_.clock().now());
  const std::int64_t end = detail::epoch_seconds(token.expires_on);
  boost::json::object reply{{"access_token", token.value},
                            {"expires_in", std::to_string(end - now)},
                            {"expires_on", std::to_string(end)},
                            {"not_before", std::to_string(now)},
                            {"resource", *resource},
                            {"token_type", "Bearer"}};
  const std::pair<std::string_view, const std::string&> ids[] = {
      {selector.client_id, identity.client_id},
      {selector.object_id, identity.object_id},
      {selector.resource_id, identity.resource_id}};
  for (const auto& [parameter, id] : ids) {
    if (honours && request.parameter(parameter)) reply[parameter] = id;
  }
  return json_reply(200, reply);
}

std::map<std::string, std::string> ArcStandIn::environment() const {
  const std::string address = "http://127.0.0.1:" + std::to_string(server_.port());
  return {{"IDENTITY_ENDPOINT", address + "/metadata/identity/oauth2/token"},
          {"IMDS_ENDPOINT", address}};
}

void ArcStandIn::challenge_with(Challenge challenge) {
  const std::lock_guard lock(mutex_);
  challenge_ = std::move(challenge);
}

void ArcStandIn::honour_user_assigned(bool on) {
  const std::lock_guard lock(mutex_);
  honours_user_assigned_ = on;
}

}  // namespace gesso::testing
