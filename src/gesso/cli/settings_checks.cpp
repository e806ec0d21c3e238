#include "gesso/cli/settings_checks.hpp"

#include <algorithm>
#include <array>
#include <set>
#include <vector>

#include "gesso/azure/blob_store.hpp"
#include "gesso/base/error.hpp"
#include "gesso/base/keyring.hpp"
#include "gesso/cli/settings.hpp"
#include "gesso/domain/limit_policy.hpp"
#include "gesso/domain/model_table.hpp"
#include "gesso/domain/plans.hpp"
#include "gesso/domain/replicate_signature.hpp"
#include "gesso/http/security_headers.hpp"
#include "gesso/mongo/dialect.hpp"
#include "gesso/mongo/indexes.hpp"

namespace gesso::cli {
namespace {

constexpr std::array<std::string_view, 6> kLogLevels{"trace", "debug", "info",
                                                     "warn",  "error", "off"};

}  // namespace

std::optional<std::string> check_address(std::string_view text) {
  if (parse_address(text)) return std::nullopt;
  return "HOST:PORT, such as 127.0.0.1:8080";
}
std::optional<std::string> check_listen(std::string_view text) {
  return text.empty() ? std::nullopt : check_address(text);
}

std::optional<std::string> check_dialect(std::string_view text) {
  if (text.empty() || mongo::parse_dialect(text)) return std::nullopt;
  return "one of mongodb, localdb, cosmos-ru, documentdb";
}

std::optional<std::string> check_capabilities(std::string_view text) {
  if (mongo::parse_capabilities(parts_of(text))) return std::nullopt;
  return "names of capabilities, such as EnableMongoRetryableWrites";
}

std::optional<std::string> check_throughput(std::string_view text) {
  if (text.empty() || mongo::parse_throughput(text)) return std::nullopt;
  return "NUMBER or autoscale:NUMBER, hundreds from 400 on, or thousands with autoscale";
}

std::optional<std::string> check_not_empty(std::string_view text) {
  if (!text.empty()) return std::nullopt;
  return "text that is not empty";
}

std::optional<std::string> check_strict_transport(std::string_view text) {
  if (text.empty() || http::is_strict_transport(text)) return std::nullopt;
  return "max-age=SECONDS, with includeSubDomains and preload behind it where wanted";
}

std::optional<std::string> check_log_level(std::string_view text) {
  if (std::ranges::find(kLogLevels, text) != kLogLevels.end()) return std::nullopt;
  return "one of trace, debug, info, warn, error, off";
}

std::optional<std::string> check_log_format(std::string_view text) {
  if (text == "text" || text == "json") return std::nullopt;
  return "text or json";
}

// https://learn.microsoft.com/azure/key-vault/general/about-keys-secrets-certificates
std::optional<std::string> check_secret_name(std::string_view text) {
  const auto allowed = [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-';
  };
  if (!text.empty() && text.size() <= 127 && std::ranges::all_of(text, allowed)) {
    return std::nullopt;
  }
  return "1 to 127 letters, digits and hyphens";
}

std::optional<std::string> check_managed_identity(std::string_view text) {
  const std::string_view kind = text.substr(0, text.find('='));
  const bool known = kind == "client_id" || kind == "object_id" || kind == "resource_id";
  if (text.empty() || (known && text.size() > kind.size() + 1)) return std::nullopt;
  return "client_id=ID, object_id=ID or resource_id=ID";
}

std::optional<std::string> check_limits(std::string_view text) {
  try {
    (void)domain::parse_limits(text);
    return std::nullopt;
  } catch (const Error& error) {
    std::string expected;
    for (const Violation& violation : error.violations()) {
      if (!expected.empty()) expected += "; ";
      expected += violation.expected + " in " + violation.found;
    }
    return expected;
  }
}

// HS256 needs a key of at least its hash's size (RFC 7518, 3.2).
std::optional<std::string> check_jwt_secret(std::string_view text) {
  if (text.empty() || text.size() >= 32) return std::nullopt;
  return "at least 32 bytes";
}

// https://replicate.com/docs/topics/webhooks/verify-webhook
std::optional<std::string> check_replicate_secrets(std::string_view text) {
  if (std::ranges::all_of(parts_of(text), domain::is_replicate_secret)) return std::nullopt;
  return "whsec_ and base64, comma-separated";
}

std::optional<std::string> check_encryption_keys(std::string_view text) {
  const std::vector<std::string> keys = list_of(text);
  const auto fits = [](const std::string& key) { return key.size() >= Keyring::kMinKeyBytes; };
  if (std::ranges::all_of(keys, fits) &&
      std::set<std::string>(keys.begin(), keys.end()).size() == keys.size()) {
    return std::nullopt;
  }
  return "keys of at least 32 bytes with commas between them, none of them twice";
}

std::optional<std::string> check_smtp_tls(std::string_view text) {
  if (text == "starttls" || text == "implicit" || text == "none") return std::nullopt;
  return "one of starttls, implicit, none";
}

std::optional<std::string> check_redirect_uri(std::string_view text) {
  if (text.empty() || (text.find("://") != text.npos && text.find("{provider}") != text.npos)) {
    return std::nullopt;
  }
  return "a URL with {provider} in it, such as "
         "https://api.example.com/api/v1/auth/oauth/{provider}/callback";
}

std::optional<std::string> check_plan(std::string_view text) {
  if (domain::read_plan(models::SubscriptionPlan::kPro, text)) return std::nullopt;
  return "credits=NUMBER, monthly=CENTS:PRICE_ID, yearly=CENTS:PRICE_ID";
}

std::optional<std::string> check_model(std::string_view text) {
  if (domain::read_model(text)) return std::nullopt;
  return "preview, replicate MODEL or openai MODEL, and behind commas credits=NUMBER, SIZE=SIZE "
         "and FIELD=VALUE";
}

// Empty, or an address that a browser or we go to.
std::optional<std::string> check_url(std::string_view text) {
  if (text.empty() || text.starts_with("https://") || text.starts_with("http://")) {
    return std::nullopt;
  }
  return "https:// or http:// and more";
}

std::optional<std::string> check_not_empty_url(std::string_view text) {
  return text.empty() ? std::optional<std::string>("https:// and more") : check_url(text);
}

std::optional<std::string> check_container_url(std::string_view text) {
  if (text.empty() || azure::read_container_url(text)) return std::nullopt;
  return "https://ACCOUNT.blob.core.windows.net/CONTAINER";
}

std::optional<std::string> check_forwarded_fields(std::string_view text) {
  if (text == "x-forwarded" || text == "forwarded") return std::nullopt;
  return "x-forwarded or forwarded";
}

}  // namespace gesso::cli
