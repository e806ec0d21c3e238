#include "gesso/api/readiness.hpp"

#include <string>

#include "gesso/schema/json_text.hpp"

namespace gesso::api {
namespace {

// `,"secret":{...}`, or nothing.
std::string secret_member(const std::optional<SecretState>& secret) {
  if (!secret) return {};
  std::string out = R"(,"secret":{"state":)";
  schema::write_json_string(out, secret->state);
  out += R"(,"version":)";
  if (secret->version.empty()) {
    out += "null";
  } else {
    schema::write_json_string(out, secret->version);
  }
  out += R"(,"problem":)";
  if (secret->problem.empty()) {
    out += "null";
  } else {
    schema::write_json_string(out, secret->problem);
  }
  return out + "}";
}

}  // namespace

http::Response ready(const std::optional<SecretState>& secret) {
  return {.body = R"({"status":"ready")" + secret_member(secret) + "}"};
}

http::Response not_ready(std::string_view why, const std::optional<SecretState>& secret) {
  std::string detail(why);
  if (secret && !secret->problem.empty()) detail += ": " + secret->problem;
  http::Response response = http::problem(503, detail, "unavailable");
  response.body.insert(response.body.rfind('}'), secret_member(secret));
  response.headers.emplace_back("Retry-After", "1");
  return response;
}

}  // namespace gesso::api
