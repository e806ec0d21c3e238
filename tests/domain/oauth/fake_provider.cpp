#include "tests/domain/oauth/fake_provider.hpp"

#include <algorithm>

#include "gesso/base/base64.hpp"
#include "gesso/base/crypto.hpp"
#include "gesso/base/text.hpp"
#include "gesso/client/url.hpp"

namespace gesso::domain::oauth {
namespace {

namespace json = boost::json;

std::map<std::string, std::string> form_of(std::string_view text) {
  std::map<std::string, std::string> fields;
  while (!text.empty()) {
    const std::string_view pair = text.substr(0, text.find('&'));
    text.remove_prefix(std::min(pair.size() + 1, text.size()));
    const std::size_t equals = std::min(pair.find('='), pair.size());
    fields[form_decode(pair.substr(0, equals)).value_or("?")] =
        form_decode(pair.substr(std::min(equals + 1, pair.size()))).value_or("?");
  }
  return fields;
}

client::HttpResponse reply(int status, std::string body) {
  return {.status = status, .body = Secret(std::move(body))};
}

std::string path_of(const std::string& url) {
  const std::string path = client::parse_url(url)->path;
  return path.substr(0, path.find('?'));
}

std::string header_of(const client::HttpRequest& request, std::string_view name) {
  for (const auto& [key, value] : request.headers) {
    if (key == name) return std::string(value.reveal());
  }
  return "";
}

}  // namespace

std::map<std::string, std::string> query_of(const std::string& url) {
  return form_of(std::string_view(url).substr(url.find('?') + 1));
}

Callback FakeProvider::agree(const std::string& authorize_url) {
  const std::lock_guard lock(mutex_);
  const std::string code = "code-" + std::to_string(codes_.size() + 1);
  codes_[code] = {query_of(authorize_url)};
  return {.code = code, .state = codes_[code].asked["state"], .issuer = callback_issuer};
}

client::HttpResponse FakeProvider::token(const client::HttpRequest& request) {
  const auto error = [&](std::string_view name, std::string_view githubs) {
    const json::object body{{"error", json::string_view(github ? githubs : name)},
                            {"error_description", "in words"}};
    return reply(github ? 200 : 400, json::serialize(body));
  };
  const auto form = form_of(request.body.reveal());
  const auto field = [&](const char* name) {
    const auto found = form.find(name);
    return found == form.end() ? std::string() : found->second;
  };
  if (header_of(request, "Accept") != "application/json") return reply(200, "access_token=form");
  if (request.method != "POST" || field("grant_type") != "authorization_code") {
    return error("unsupported_grant_type", "unsupported_grant_type");
  }
  if (field("client_id") != "our-client" || field("client_secret") != client_secret) {
    return error("invalid_client", "incorrect_client_credentials");
  }
  const auto found = codes_.find(field("code"));
  if (found == codes_.end() || found->second.used) {
    return error("invalid_grant", "bad_verification_code");
  }
  Grant& grant = found->second;
  grant.used = true;
  const std::string challenge = base64url_encode(as_text(sha256(field("code_verifier"))));
  if (grant.asked["code_challenge"] != challenge ||
      grant.asked["code_challenge_method"] != "S256" ||
      grant.asked["redirect_uri"] != field("redirect_uri")) {
    return error("invalid_grant", "bad_verification_code");
  }
  const std::int64_t seconds =
      std::chrono::floor<std::chrono::seconds>(now.time_since_epoch()).count();
  json::object all{{"iss", issuer},         {"aud", "our-client"}, {"sub", "person-1"},
                   {"exp", seconds + 3600}, {"iat", seconds},      {"nonce", grant.asked["nonce"]}};
  for (const auto& [name, value] : claims) all[name] = value;
  json::object body{{"access_token", "gho_token"}, {"token_type", "bearer"}};
  if (!github) body["id_token"] = signer->token(all);
  return reply(200, json::serialize(body));
}

client::HttpResponse FakeProvider::send(const client::HttpRequest& request,
                                        const client::Call& call) {
  client::check(call, "asking a fake");
  const std::lock_guard lock(mutex_);
  const std::string path = path_of(request.url);
  asked_.push_back(path);
  const auto other = instead.find(path);
  if (other != instead.end()) return reply(other->second.first, other->second.second);
  if (path.ends_with("/.well-known/openid-configuration")) {
    json::object metadata{{"issuer", issuer},
                          {"authorization_endpoint", base + "/authorize"},
                          {"token_endpoint", base + "/token"},
                          {"jwks_uri", base + "/jwks"}};
    for (const auto& [name, value] : metadata_extra) metadata[name] = value;
    return reply(200, json::serialize(metadata));
  }
  if (path == "/jwks") return reply(200, json::serialize(json::object{{"keys", keys}}));
  if (path == "/token" || path == "/login/oauth/access_token") return token(request);
  if (path == "/user" || path == "/user/emails") {
    if (header_of(request, "Authorization") != "Bearer gho_token") return reply(401, "{}");
    return reply(200, path == "/user" ? user : emails);
  }
  return reply(404, "");
}

std::size_t FakeProvider::asked(const std::string& path) const {
  const std::lock_guard lock(mutex_);
  return static_cast<std::size_t>(std::ranges::count(asked_, path));
}

}  // namespace gesso::domain::oauth
