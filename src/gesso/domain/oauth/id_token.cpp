#include "gesso/domain/oauth/id_token.hpp"

#include <algorithm>
#include <boost/json.hpp>
#include <cmath>

#include "gesso/base/base64.hpp"
#include "gesso/base/secret.hpp"
#include "gesso/base/text.hpp"
#include "gesso/base/uuid.hpp"

namespace gesso::domain::oauth {
namespace {

namespace json = boost::json;

constexpr std::string_view kTenant = "{tenantid}";
constexpr std::size_t kMaxSubject = 255;  // OpenID Connect Core 1.0, section 2
constexpr std::size_t kMaxText = 320;     // of an e-mail address or a name: more is not kept

std::optional<json::object> read_object(std::string_view base64url) {
  const auto text = base64url_decode(base64url);
  if (!text) return std::nullopt;
  boost::system::error_code error;
  json::value value = json::parse(*text, error);
  if (error || !value.is_object()) return std::nullopt;
  return std::move(value.get_object());
}

// The claim, where it is a string; "" where it is not.
std::string_view text_of(const json::object& claims, std::string_view name) {
  const json::value* value = claims.if_contains(name);
  if (value == nullptr || !value->is_string()) return {};
  return value->get_string();
}

std::string short_text_of(const json::object& claims, std::string_view name) {
  return std::string(utf8_prefix(text_of(claims, name), kMaxText));
}

// A claim that is true, 1, "true" or "1": providers are not of one mind.
bool is_true(const json::object& claims, std::string_view name) {
  const json::value* value = claims.if_contains(name);
  if (value == nullptr) return false;
  if (value->is_bool()) return value->get_bool();
  if (value->is_string()) return value->get_string() == "true" || value->get_string() == "1";
  return value->is_int64() && value->get_int64() == 1;
}

// A NumericDate (RFC 7519, section 2): seconds, perhaps with a fraction.
std::optional<double> seconds_of(const json::object& claims, std::string_view name) {
  const json::value* value = claims.if_contains(name);
  if (value == nullptr || !value->is_number()) return std::nullopt;
  const double seconds = value->to_number<double>();
  if (!std::isfinite(seconds)) return std::nullopt;
  return seconds;
}

std::string with_tenant(std::string_view issuer, std::string_view tenant) {
  std::string text(issuer);
  const std::size_t at = text.find(kTenant);
  if (at != std::string::npos) text.replace(at, kTenant.size(), tenant);
  return text;
}

// The account's issuer, or nothing where the token is another's.
std::optional<std::string> issuer_of(const json::object& claims, const VerificationKey& key,
                                     const Expected& expected) {
  const std::string_view issuer = text_of(claims, "iss");
  if (issuer.empty()) return std::nullopt;
  const std::string_view tenant = text_of(claims, "tid");
  const bool any_tenant = expected.issuer.find(kTenant) != std::string::npos;
  if (any_tenant && !is_uuid(tenant)) return std::nullopt;
  const std::string ours = with_tenant(expected.issuer, tenant);
  if (issuer != ours && (expected.legacy_issuer.empty() || issuer != expected.legacy_issuer)) {
    return std::nullopt;
  }
  if (!key.issuer().empty() && with_tenant(key.issuer(), tenant) != ours) return std::nullopt;
  return ours;
}

// Ours alone, or ours among several and made out to us (`azp`).
bool is_for(const json::object& claims, std::string_view client_id) {
  const json::value* audience = claims.if_contains("aud");
  if (audience == nullptr) return false;
  bool several = false;
  if (audience->is_array()) {
    const json::array& all = audience->get_array();
    several = all.size() > 1;
    if (std::ranges::none_of(all, [&](const json::value& one) {
          return one.is_string() && std::string_view(one.get_string()) == client_id;
        })) {
      return false;
    }
  } else if (text_of(claims, "aud") != client_id) {
    return false;
  }
  if (!claims.contains("azp")) return !several;
  return text_of(claims, "azp") == client_id;
}

NotAcceptable not_acceptable(std::string_view reason) {
  return {"the ID token " + std::string(reason)};
}

}  // namespace

std::variant<jose::TokenParts, NotAcceptable> split_id_token(std::string_view token) {
  if (token.size() > kMaxIdTokenBytes) return not_acceptable("is longer than 32 KiB");
  auto split = jose::split_token(token);
  if (const auto* wrong = std::get_if<jose::Malformed>(&split)) {
    return *wrong == jose::Malformed::kExtension ? not_acceptable("asks for an extension")
                                                 : not_acceptable("is no JSON Web Token");
  }
  auto& parts = std::get<jose::TokenParts>(split);
  if (parts.algorithm != "RS256") return not_acceptable("is not signed with RS256");
  return std::move(parts);
}

std::variant<IdClaims, NotAcceptable> check_id_token(const jose::TokenParts& token,
                                                     const VerificationKey& key,
                                                     const Expected& expected, Time now) {
  if (!key.verifies(token.signing_input, token.signature)) {
    return not_acceptable("has a signature that is not good");
  }
  const auto claims = read_object(token.claims);
  if (!claims) return not_acceptable("holds no claims");
  auto issuer = issuer_of(*claims, key, expected);
  if (!issuer) return not_acceptable("is of another issuer");
  if (!is_for(*claims, expected.client_id)) return not_acceptable("is for another audience");

  const double clock = std::chrono::duration<double>(
                           std::chrono::floor<std::chrono::seconds>(now.time_since_epoch()))
                           .count();
  const double skew = std::chrono::duration<double>(kClockSkew).count();
  const auto expires = seconds_of(*claims, "exp");
  const auto issued = seconds_of(*claims, "iat");
  const auto not_before = seconds_of(*claims, "nbf");
  if (!expires || !issued || (claims->contains("nbf") && !not_before)) {
    return not_acceptable("does not say when it is valid");
  }
  if (clock >= *expires + skew) return not_acceptable("has expired");
  if (*issued > clock + skew || (not_before && *not_before > clock + skew)) {
    return not_acceptable("is not valid yet: is this machine's clock right?");
  }
  const std::string_view nonce = text_of(*claims, "nonce");
  if (nonce.empty() || !constant_time_equal(nonce, expected.nonce)) {
    return not_acceptable("has another nonce");
  }
  const std::string_view subject = text_of(*claims, "sub");
  if (subject.empty() || subject.size() > kMaxSubject) return not_acceptable("names nobody");
  if (!expected.hosted_domain.empty() &&
      !equal_ignoring_case(text_of(*claims, "hd"), expected.hosted_domain)) {
    return not_acceptable("is of another domain than the one that may sign in");
  }
  return IdClaims{.issuer = std::move(*issuer),
                  .subject = std::string(subject),
                  .email = short_text_of(*claims, "email"),
                  .email_verified = is_true(*claims, "email_verified"),
                  .email_domain_owner_verified = is_true(*claims, "xms_edov"),
                  .hosted_domain = short_text_of(*claims, "hd"),
                  .name = short_text_of(*claims, "name")};
}

bool matches_issuer(std::string_view expected, std::string_view issuer) {
  const std::size_t at = expected.find(kTenant);
  if (at == std::string_view::npos) return issuer == expected;
  const std::string_view before = expected.substr(0, at);
  const std::string_view after = expected.substr(at + kTenant.size());
  if (issuer.size() < before.size() + after.size() || !issuer.starts_with(before) ||
      !issuer.ends_with(after)) {
    return false;
  }
  const std::string_view tenant =
      issuer.substr(before.size(), issuer.size() - before.size() - after.size());
  return tenant == kTenant || is_uuid(tenant);
}

}  // namespace gesso::domain::oauth
