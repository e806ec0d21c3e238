#include "gesso/azure/vault_reply.hpp"

#include <algorithm>
#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>
#include <cstdint>

#include "gesso/azure/json_values.hpp"
#include "gesso/base/text.hpp"
#include "gesso/client/retry.hpp"
#include "gesso/client/url.hpp"
#include "gesso/client/wiped_json.hpp"

namespace gesso::azure {
namespace {

namespace json = boost::json;

[[noreturn]] void refuse(const std::string& why) {
  throw Error(ErrorKind::kInternal, "the key vault's reply makes no sense: " + why);
}

const json::object& object_of(const json::value* value, std::string_view what) {
  if (value == nullptr || !value->is_object()) {
    refuse("expected an object as " + std::string(what));
  }
  return value->get_object();
}

std::string_view string_of(const json::object& object, std::string_view name) {
  const json::value* value = object.if_contains(name);
  if (value == nullptr || !value->is_string()) refuse("expected a string as " + std::string(name));
  return {value->get_string().data(), value->get_string().size()};
}

// Seconds since 1970. A time past the year 9999 is no time.
std::optional<Time> time_of(const json::object& object, std::string_view name) {
  const json::value* value = member(object, name);
  if (value == nullptr) return std::nullopt;
  if (const auto seconds = read_seconds(*value)) return Time(std::chrono::seconds{*seconds});
  const bool is_later = (value->is_int64() && value->get_int64() > kMaxSeconds) ||
                        value->is_uint64() || (value->is_double() && value->get_double() > 0);
  if (!is_later) refuse("expected seconds since 1970 as " + std::string(name));
  return std::nullopt;
}

// From ".../secrets/NAME/VERSION": whatever stands there, or nothing. Key Vault makes 32
// hexadecimal digits, and promises nothing (Azure's SDKs take any text).
std::string version_of(std::string_view id) {
  const std::optional<client::Url> url = client::parse_url(id);
  if (!url) refuse("expected a URL as id");
  std::string_view path = std::string_view(url->path).substr(0, url->path.find('?'));
  for (int segments = 0; segments < 2; ++segments) {  // "secrets" and the name
    path.remove_prefix(std::min(path.find_first_not_of('/'), path.size()));
    const std::size_t end = path.find('/');
    if (path.empty() || (end == std::string_view::npos && segments == 0)) {
      refuse("expected the id of a secret");
    }
    path.remove_prefix(std::min(end, path.size()));
  }
  path.remove_prefix(std::min(path.find_first_not_of('/'), path.size()));
  return std::string(path.substr(0, path.find('/')));
}

SecretVersion about(const json::object& secret) {
  SecretVersion out{.version = version_of(string_of(secret, "id"))};
  static const json::object kNone;
  const json::value* given = member(secret, "attributes");
  const json::object& attributes = given != nullptr ? object_of(given, "attributes") : kNone;
  if (const json::value* enabled = member(attributes, "enabled")) {
    const auto flag = read_flag(*enabled);
    if (!flag) refuse("expected true or false as enabled");
    out.enabled = *flag;
  }
  out.created = time_of(attributes, "created").value_or(Time{});
  out.updated = time_of(attributes, "updated").value_or(out.created);
  out.not_before = time_of(attributes, "nbf");
  out.expires = time_of(attributes, "exp");
  // Whoever names none is known by when it was changed.
  if (out.version.empty()) out.version = "of " + to_iso8601(out.updated);
  return out;
}

// What is shown of a body: nothing but an identifier.
std::string code_of(const json::value* value) {
  if (value == nullptr || !value->is_string()) return {};
  const std::string_view text(value->get_string().data(), value->get_string().size());
  const bool good = text.size() <= 64 && std::all_of(text.begin(), text.end(), [](char c) {
                      return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
                    });
  return good ? std::string(text) : std::string();
}

std::string described(int status, const VaultError& error) {
  std::string out = "HTTP " + std::to_string(status);
  if (!error.code.empty()) out += ", " + error.code;
  if (!error.inner.empty()) out += ", " + error.inner;
  return " (" + out + ")";
}

}  // namespace

SecretValue read_secret(const Secret& body) {
  const client::WipedJson document(body.reveal());
  if (document.root() == nullptr) refuse("expected JSON");
  const json::object& secret = object_of(document.root(), "the reply");
  return {Secret(string_of(secret, "value")), about(secret)};
}

VersionPage read_version_page(const Secret& body) {
  const client::WipedJson document(body.reveal());
  if (document.root() == nullptr) refuse("expected JSON");
  const json::object& page = object_of(document.root(), "the reply");
  const json::value* list = member(page, "value");
  if (list != nullptr && !list->is_array()) refuse("expected a list of versions as value");
  VersionPage out;
  static const json::array kNone;
  for (const json::value& item : list != nullptr ? list->get_array() : kNone) {
    out.versions.push_back(about(object_of(&item, "a version")));
  }
  const json::value* next = page.if_contains("nextLink");
  if (next != nullptr && !next->is_null()) out.next = string_of(page, "nextLink");
  return out;
}

std::optional<DeletedSecret> read_deleted_secret(const Secret& body) {
  const client::WipedJson document(body.reveal());
  if (document.root() == nullptr || !document.root()->is_object()) return std::nullopt;
  const json::object& secret = document.root()->get_object();
  if (!secret.contains("recoveryId") && !secret.contains("deletedDate")) return std::nullopt;
  try {
    return DeletedSecret{.deleted = time_of(secret, "deletedDate"),
                         .purged = time_of(secret, "scheduledPurgeDate")};
  } catch (const Error&) {
    return std::nullopt;
  }
}

VaultError read_vault_error(const Secret& body) {
  const client::WipedJson document(body.reveal());
  if (document.root() == nullptr || !document.root()->is_object()) return {};
  const json::value* error = document.root()->get_object().if_contains("error");
  if (error == nullptr || !error->is_object()) return {};
  const json::object& fields = error->get_object();
  VaultError out{.code = code_of(fields.if_contains("code")), .inner = {}};
  for (const char* name : {"innererror", "innerError"}) {  // both are sent
    const json::value* inner = fields.if_contains(name);
    if (inner != nullptr && inner->is_object()) {
      out.inner = code_of(inner->get_object().if_contains("code"));
    }
  }
  return out;
}

bool may_be_a_fresh_role(const VaultError& error) {
  return error.inner.empty() || error.inner == "ForbiddenByRbac" ||
         error.inner == "ForbiddenByPolicy" || error.inner == "AccessDenied";
}

Error vault_failure(const client::HttpResponse& response, std::string_view vault_host,
                    std::string_view name, Time now) {
  const VaultError error = read_vault_error(response.body);
  const std::string vault = "the key vault " + std::string(vault_host);
  const std::string secret = "the secret '" + std::string(name) + "'";
  const std::string shown = described(response.status, error);
  const int status = response.status;
  const auto failed = [&](ErrorKind kind, const std::string& message) {
    return Error(kind, message + shown);
  };
  if (status >= 300 && status < 400) {
    return failed(ErrorKind::kInternal,
                  vault +
                      " answers with a redirect, which is not followed: a token would go to "
                      "another host. Check the URL, and what stands between");
  }
  if (status == 403) {
    if (error.inner == "SecretDisabled") {
      return failed(ErrorKind::kValidation,
                    secret + " is disabled: enable its latest version, or add a new one");
    }
    if (error.inner == "SecretNotYetValid") {
      return failed(ErrorKind::kValidation,
                    secret + " is not yet valid: change its activation date");
    }
    if (error.inner == "SecretExpired") {
      return failed(ErrorKind::kValidation, secret + " has expired: add a new version");
    }
    if (error.inner == "ForbiddenByFirewall") {
      return failed(ErrorKind::kAuth,
                    vault +
                        " does not let this address in: add the subnet or address to the "
                        "vault's firewall, or use a private endpoint");
    }
    if (error.inner == "ForbiddenByConnection") {
      return failed(ErrorKind::kAuth,
                    vault +
                        " is closed to public networks: use its private endpoint, or allow "
                        "public access");
    }
    return failed(ErrorKind::kAuth,
                  vault +
                      " does not let this identity read secrets: give it the role 'Key Vault "
                      "Secrets User' (or, with access policies, get and list on secrets); a "
                      "new role takes some minutes to be seen");
  }
  if (status == 429) {
    return Error(ErrorKind::kThrottled, vault + " is throttling" + shown,
                 {.retryable = true, .retry_after = retry_after(response, now)});
  }
  if (status == 408 || status >= 500) {
    return Error(ErrorKind::kUnavailable, vault + " fails" + shown, {.retryable = true});
  }
  return failed(ErrorKind::kInternal, vault + " answers what is not expected");
}

}  // namespace gesso::azure
