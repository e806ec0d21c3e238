#include "gesso/domain/oauth/provider.hpp"

#include "gesso/base/error.hpp"
#include "gesso/base/text.hpp"
#include "gesso/base/uuid.hpp"
#include "gesso/client/url.hpp"

namespace gesso::domain::oauth {
namespace {

constexpr std::string_view kWellKnown = "/.well-known/openid-configuration";
// The tenant of accounts that belong to no organisation (Microsoft identity platform, "ID tokens").
constexpr std::string_view kConsumers = "9188040d-6c67-4c5b-b112-36a304b66dad";

constexpr std::string_view kGoogle = "https://accounts.google.com";
constexpr std::string_view kGithub = "https://github.com";

std::string origin_of(std::string_view who, std::string_view text) {
  const auto url = client::parse_url(text);
  if (!url || text.ends_with('/') || (url->scheme != "https" && !url->is_local())) {
    throw Error(ErrorKind::kValidation,
                std::string(who) +
                    ": expected a URL of https, or of http on this machine, without "
                    "a slash at its end, found \"" +
                    std::string(text) + "\"");
  }
  return url->origin();
}

}  // namespace

std::string_view to_string(ProviderKind kind) noexcept {
  switch (kind) {
    case ProviderKind::kGoogle:
      return "google";
    case ProviderKind::kMicrosoft:
      return "microsoft";
    case ProviderKind::kGithub:
      return "github";
  }
  return "google";
}

std::optional<ProviderKind> provider_named(std::string_view name) noexcept {
  for (const auto kind : {ProviderKind::kGoogle, ProviderKind::kMicrosoft, ProviderKind::kGithub}) {
    if (name == to_string(kind)) return kind;
  }
  return std::nullopt;
}

Provider google(std::string client_id, Secret client_secret, std::string hosted_domain,
                std::string_view url) {
  Provider provider{.kind = ProviderKind::kGoogle,
                    .client_id = std::move(client_id),
                    .client_secret = std::move(client_secret),
                    .scope = "openid email profile",
                    .metadata_url = std::string(url) + std::string(kWellKnown),
                    .issuer = std::string(url),
                    .hosted_domain = std::move(hosted_domain),
                    .origins = {origin_of("Google", url)}};
  if (url == kGoogle) {
    provider.legacy_issuer = "accounts.google.com";
    provider.origins.emplace_back("https://oauth2.googleapis.com");
    provider.origins.emplace_back("https://www.googleapis.com");
  }
  return provider;
}

Provider microsoft(std::string client_id, Secret client_secret, std::string_view tenant,
                   std::string_view url) {
  std::string of_issuer;
  if (tenant == "common" || tenant == "organizations") {
    of_issuer = "{tenantid}";
  } else if (tenant == "consumers") {
    of_issuer = kConsumers;
  } else if (is_uuid(tenant)) {
    of_issuer = lower(tenant);
  } else {
    throw Error(ErrorKind::kValidation,
                "Microsoft's tenant: expected its id (a UUID), common, organizations or consumers, "
                "found \"" +
                    std::string(tenant) + "\"");
  }
  const std::string start = std::string(url) + "/";
  return {.kind = ProviderKind::kMicrosoft,
          .client_id = std::move(client_id),
          .client_secret = std::move(client_secret),
          .scope = "openid email profile",
          .metadata_url = start + std::string(tenant) + "/v2.0" + std::string(kWellKnown),
          .issuer = start + of_issuer + "/v2.0",
          .origins = {origin_of("Microsoft", url)}};
}

Provider github(std::string client_id, Secret client_secret, std::string_view url) {
  const std::string start(url);
  const std::string api = url == kGithub ? "https://api.github.com" : start + "/api/v3";
  Provider provider{.kind = ProviderKind::kGithub,
                    .client_id = std::move(client_id),
                    .client_secret = std::move(client_secret),
                    .scope = "read:user user:email",
                    .issuer = start,
                    .authorize_url = start + "/login/oauth/authorize",
                    .token_url = start + "/login/oauth/access_token",
                    .user_url = api + "/user",
                    .emails_url = api + "/user/emails",
                    .origins = {origin_of("GitHub", url)}};
  if (url == kGithub) provider.origins.push_back(api);
  return provider;
}

}  // namespace gesso::domain::oauth
