#include "gesso/testing/azure_key_vault.hpp"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <stdexcept>
#include <utility>

#include "gesso/testing/detail/azure_json.hpp"
#include "gesso/testing/detail/http_stream.hpp"

namespace gesso::testing {
namespace {

namespace json = boost::json;
using detail::epoch_seconds;
using detail::json_reply;

constexpr std::string_view kVersions[] = {"2016-10-01", "7.0", "7.1", "7.2",        "7.3",
                                          "7.4",        "7.5", "7.6", "2025-07-01", "2026-04-01"};

HttpsServer::Reply failure(int status, std::string_view code, std::string_view message,
                           std::string_view inner = {}) {
  json::object error{{"code", code}, {"message", message}};
  if (!inner.empty()) error["innererror"] = json::object{{"code", inner}};
  return json_reply(status, {{"error", error}});
}

HttpsServer::Reply throttled() {
  return failure(429, "Throttled",
                 "Request was not processed because too many requests were received. Reason: "
                 "VaultRequestTypeLimitReached");
}

std::string error_body(int status) {
  if (status == 429) return throttled().body;
  return failure(status, status == 503 ? "ServiceUnavailable" : "InternalServerError",
                 "The service cannot process the request now.")
      .body;
}

HttpsServer::Reply not_found(const std::string& name) {
  return failure(404, "SecretNotFound",
                 "A secret with (name/id) " + name +
                     " was not found in this key vault. If you recently deleted this secret you "
                     "may be able to recover it using the correct recovery command.");
}

json::object attributes_of(const KeyVaultStandIn::Attributes& attributes, Time created,
                           Time updated) {
  json::object out{{"enabled", attributes.enabled}};
  if (attributes.not_before) out["nbf"] = epoch_seconds(*attributes.not_before);
  if (attributes.expires) out["exp"] = epoch_seconds(*attributes.expires);
  out["created"] = epoch_seconds(created);
  out["updated"] = epoch_seconds(updated);
  out["recoveryLevel"] = "Recoverable+Purgeable";
  out["recoverableDays"] = 90;
  return out;
}

std::size_t number(const std::string& text, std::size_t otherwise) {
  std::size_t value = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), value);
  return read.ptr == text.data() + text.size() && !text.empty() ? value : otherwise;
}

}  // namespace

KeyVaultStandIn::KeyVaultStandIn(std::string host, std::string tenant, std::string authority,
                                 std::string resource, const Certificate& certificate,
                                 AzureTokens& tokens)
    : host_(std::move(host)),
      tenant_(std::move(tenant)),
      authority_(std::move(authority)),
      resource_(std::move(resource)),
      tokens_(tokens),
      server_([this](const HttpsServer::Request& request) { return answer(request); },
              {.certificate = certificate, .error_body = error_body, .clock = &tokens.clock()}) {}

HttpsServer::Reply KeyVaultStandIn::unauthorized(const std::string& message) const {
  auto reply = failure(401, "Unauthorized", message);
  reply.headers.emplace_back("WWW-Authenticate",
                             challenge_.value_or("Bearer authorization=\"" + authority_ + "/" +
                                                 tenant_ + "\", resource=\"" + resource_ + "\""));
  return reply;
}

std::optional<HttpsServer::Reply> KeyVaultStandIn::refuse(
    const HttpsServer::Request& request) const {
  const std::string header = request.header("authorization").value_or("");
  if (!header.starts_with("Bearer ")) {
    return unauthorized("AKV10000: Request is missing a Bearer or PoP token.");
  }
  const auto token = tokens_.find(std::string_view(header).substr(7));
  if (!token) return unauthorized("AKV10001: Unable to parse JWT token.");
  if (token->resource != resource_) {
    return unauthorized("AKV10022: Invalid audience. Expected " + resource_ +
                        ", found: " + token->resource + ".");
  }
  if (token->tenant != tenant_) {
    return unauthorized("AKV10032: Invalid issuer. Expected one of https://sts.windows.net/" +
                        tenant_ + "/, found https://sts.windows.net/" + token->tenant + "/.");
  }
  if (tokens_.clock().now() >= token->expires_on) {
    return unauthorized("Error validating token: it has expired.");
  }
  if (token->revoked || refuses_tokens_) {
    return unauthorized("Error validating token: it was revoked.");
  }
  const std::string caller =
      "appid=" + token->client_id + ";iss=https://sts.windows.net/" + tenant_ + "/";
  const std::string vault = host_.substr(0, host_.find('.')) + ";location=westeurope";
  switch (refusal_) {
    case Refusal::kNone:
      return std::nullopt;
    case Refusal::kByRbac:
      return failure(403, "Forbidden",
                     "Caller is not authorized to perform action on resource.\r\nIf role "
                     "assignments, deny assignments or role definitions were changed recently, "
                     "please observe propagation time.\r\nCaller: " +
                         caller +
                         "\r\nAction: 'Microsoft.KeyVault/vaults/secrets/getSecret/action'\r\n"
                         "Assignment: (not found)\r\nDecisionReason: 'DeniedWithNoValidRBAC' "
                         "\r\nVault: " +
                         vault + "\r\n",
                     "ForbiddenByRbac");
    case Refusal::kByPolicy:
      return failure(403, "Forbidden",
                     "The user, group or application '" + caller +
                         "' does not have secrets get permission on key vault '" + vault + "'.",
                     "AccessDenied");
    case Refusal::kByFirewall:
      return failure(403, "Forbidden",
                     "Client address is not authorized and caller is not a trusted service.\r\n"
                     "Client address: 127.0.0.1\r\nCaller: " +
                         caller + "\r\nVault: " + vault,
                     "ForbiddenByFirewall");
    case Refusal::kByConnection:
      return failure(403, "Forbidden",
                     "Public network access is disabled and request is not from a trusted service "
                     "nor via an approved private link.\r\nCaller: " +
                         caller + "\r\nVault: " + vault,
                     "ForbiddenByConnection");
  }
  return std::nullopt;
}

HttpsServer::Reply KeyVaultStandIn::answer(const HttpsServer::Request& request) {
  const std::lock_guard lock(mutex_);
  const auto version = request.parameter("api-version");
  if (!version) return failure(400, "BadParameter", "api-version must be specified");
  if (std::find(std::begin(kVersions), std::end(kVersions), *version) == std::end(kVersions)) {
    return failure(400, "BadParameter",
                   "The specified version (" + *version +
                       ") is not recognized. Consider using the latest supported version "
                       "(2026-04-01).");
  }
  if (auto refusal = refuse(request)) return *refusal;

  // /deletedsecrets/NAME, /secrets/NAME[/], /secrets/NAME/VERSION, /secrets/NAME/versions
  std::string_view path = request.path;
  if (path.starts_with("/deletedsecrets/")) return read_deleted(std::string(path.substr(16)));
  if (!path.starts_with("/secrets/")) {
    return failure(404, "NotFound", "There is no such path.");
  }
  path.remove_prefix(9);
  const std::string name(path.substr(0, path.find('/')));
  const std::string rest(path.substr(std::min(name.size() + 1, path.size())));
  if (name.empty() || name.size() > 127 ||
      name.find_first_not_of("0123456789-abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ") !=
          std::string::npos) {
    return failure(400, "BadParameter", "The request URI contains an invalid name: " + name);
  }
  if (request.method != "GET") {
    return failure(405, "MethodNotAllowed", "This stand-in is read with GET.");
  }
  return rest == "versions" ? list(request, name) : read(name, rest);
}

HttpsServer::Reply KeyVaultStandIn::read(const std::string& name, const std::string& version) {
  const auto secret = secrets_.find(name);
  if (secret == secrets_.end() || secret->second.deleted) return not_found(name);
  const auto& versions = secret->second.versions;
  auto found = versions.end() - 1;
  if (!version.empty()) {
    found = std::find_if(versions.begin(), versions.end(),
                         [&](const Version& one) { return one.id == version; });
    if (found == versions.end()) return not_found(name + "/" + version);
  }
  if (!found->attributes.enabled) {
    return failure(403, "Forbidden", "Operation get is not allowed on a disabled secret.",
                   "SecretDisabled");
  }
  ++reads_[name];
  json::object reply{{"value", found->value}};
  if (found->attributes.content_type) reply["contentType"] = *found->attributes.content_type;
  reply["id"] = url() + "/secrets/" + name + "/" + found->id;
  reply["attributes"] = attributes_of(found->attributes, found->created, found->updated);
  reply["tags"] = json::object{};
  return json_reply(200, reply);
}

HttpsServer::Reply KeyVaultStandIn::read_deleted(const std::string& name) const {
  const auto secret = secrets_.find(name);
  if (secret == secrets_.end() || !secret->second.deleted) return not_found(name);
  const Version& last = secret->second.versions.back();
  const Time deleted = secret->second.deleted_at;
  return json_reply(200,
                    {{"recoveryId", url() + "/deletedsecrets/" + name},
                     {"deletedDate", epoch_seconds(deleted)},
                     {"scheduledPurgeDate", epoch_seconds(deleted + std::chrono::hours{24 * 90})},
                     {"id", url() + "/secrets/" + name + "/" + last.id},
                     {"attributes", attributes_of(last.attributes, last.created, last.updated)}});
}

// In the order of the ids, which is no order of time: the real one promises none.
HttpsServer::Reply KeyVaultStandIn::list(const HttpsServer::Request& request,
                                         const std::string& name) const {
  const std::size_t wanted = number(request.parameter("maxresults").value_or(""), 25);
  if (wanted == 0 || wanted > 25) {
    return failure(400, "BadParameter", "maxresults must be between 1 and 25.");
  }
  std::vector<Version> sorted;
  const auto secret = secrets_.find(name);
  if (secret != secrets_.end() && !secret->second.deleted) sorted = secret->second.versions;
  std::sort(sorted.begin(), sorted.end(),
            [](const Version& left, const Version& right) { return left.id < right.id; });

  const std::size_t page = std::min(wanted, page_);
  const std::size_t from =
      std::min(number(request.parameter("$skiptoken").value_or(""), 0), sorted.size());
  const std::size_t to = std::min(from + page, sorted.size());
  json::array values;
  for (std::size_t at = from; at < to; ++at) {
    const Version& one = sorted[at];
    json::object value{{"id", url() + "/secrets/" + name + "/" + one.id}};
    if (one.attributes.content_type) value["contentType"] = *one.attributes.content_type;
    value["attributes"] = attributes_of(one.attributes, one.created, one.updated);
    values.push_back(std::move(value));
  }
  json::value next;
  if (to < sorted.size()) {
    next = next_link_.value_or("https://" + host_ + ":443/secrets/" + name +
                               "/versions?api-version=" + *request.parameter("api-version") +
                               "&$skiptoken=" + std::to_string(to) +
                               "&maxresults=" + std::to_string(wanted));
  }
  return json_reply(200, {{"value", values}, {"nextLink", next}});
}

std::string KeyVaultStandIn::url() const { return "https://" + host_; }

std::string KeyVaultStandIn::set_secret(std::string_view name, std::string_view value,
                                        Attributes attributes) {
  const std::lock_guard lock(mutex_);
  const Time now = tokens_.clock().now();
  Secret& secret = secrets_[std::string(name)];
  secret.deleted = false;
  secret.versions.push_back({.id = detail::random_hex(16),
                             .value = std::string(value),
                             .attributes = std::move(attributes),
                             .created = now,
                             .updated = now});
  return secret.versions.back().id;
}

std::string KeyVaultStandIn::set_secret(std::string_view name, std::string_view value) {
  return set_secret(name, value, {});
}

KeyVaultStandIn::Version& KeyVaultStandIn::version(std::string_view name, std::string_view id) {
  const auto secret = secrets_.find(name);
  if (secret == secrets_.end()) throw std::out_of_range("no secret " + std::string(name));
  auto& versions = secret->second.versions;
  if (id.empty()) return versions.back();
  const auto found = std::find_if(versions.begin(), versions.end(),
                                  [&](const Version& one) { return one.id == id; });
  if (found == versions.end()) throw std::out_of_range("no version " + std::string(id));
  return *found;
}

void KeyVaultStandIn::disable(std::string_view name, std::string_view id) {
  const std::lock_guard lock(mutex_);
  version(name, id).attributes.enabled = false;
}

void KeyVaultStandIn::enable(std::string_view name, std::string_view id) {
  const std::lock_guard lock(mutex_);
  version(name, id).attributes.enabled = true;
}

void KeyVaultStandIn::set_validity(std::string_view name, std::optional<Time> not_before,
                                   std::optional<Time> expires) {
  const std::lock_guard lock(mutex_);
  Attributes& attributes = version(name, {}).attributes;
  attributes.not_before = not_before;
  attributes.expires = expires;
}

void KeyVaultStandIn::remove(std::string_view name) {
  const std::lock_guard lock(mutex_);
  static_cast<void>(version(name, {}));  // that there is one
  Secret& secret = secrets_.find(name)->second;
  secret.deleted = true;
  secret.deleted_at = tokens_.clock().now();
}

void KeyVaultStandIn::recover(std::string_view name) {
  const std::lock_guard lock(mutex_);
  static_cast<void>(version(name, {}));
  secrets_.find(name)->second.deleted = false;
}

void KeyVaultStandIn::refuse_identity(Refusal refusal) {
  const std::lock_guard lock(mutex_);
  refusal_ = refusal;
}

void KeyVaultStandIn::refuse_tokens(bool on) {
  const std::lock_guard lock(mutex_);
  refuses_tokens_ = on;
}

void KeyVaultStandIn::challenge_with(const std::string& authorization,
                                     const std::string& resource) {
  challenge_with("Bearer authorization=\"" + authorization + "\", resource=\"" + resource + "\"");
}

void KeyVaultStandIn::challenge_with(std::optional<std::string> header) {
  const std::lock_guard lock(mutex_);
  challenge_ = std::move(header);
}

void KeyVaultStandIn::throttle_next(std::size_t count, RetryAfter retry_after) {
  server_.fail_next(count, Fault::with_status(429, retry_after));
}

void KeyVaultStandIn::set_page(std::size_t versions) {
  const std::lock_guard lock(mutex_);
  page_ = versions;
}

void KeyVaultStandIn::set_next_link(std::optional<std::string> url) {
  const std::lock_guard lock(mutex_);
  next_link_ = std::move(url);
}

std::size_t KeyVaultStandIn::reads(std::string_view name) const {
  const std::lock_guard lock(mutex_);
  const auto found = reads_.find(name);
  return found == reads_.end() ? 0 : found->second;
}

}  // namespace gesso::testing
