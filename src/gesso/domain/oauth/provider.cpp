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

Provider google(std::string client_id, Secret client_secret, std::string hosted_domain) {
  return {.kind = ProviderKind::kGoogle,
          .client_id = std::move(client_id),
          .client_secret = std::move(client_secret),
          .scope = "openid email profile",
          .metadata_url = "https://accounts.google.com" + std::string(kWellKnown),
          .issuer = "https://accounts.google.com",
          .legacy_issuer = "accounts.google.com",
          .hosted_domain = std::move(hosted_domain),
          .origins = {"https://accounts.google.com", "https://oauth2.googleapis.com",
                      "https://www.googleapis.com"}};
}

Provider microsoft(std::string client_id, Secret client_secret, std::string_view tenant) {
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
  const std::string authority = "https://login.microsoftonline.com/";
  return {.kind = ProviderKind::kMicrosoft,
          .client_id = std::move(client_id),
          .client_secret = std::move(client_secret),
          .scope = "openid email profile",
          .metadata_url = authority + std::string(tenant) + "/v2.0" + std::string(kWellKnown),
          .issuer = authority + of_issuer + "/v2.0",
          .origins = {"https://login.microsoftonline.com"}};
}

Provider github(std::string client_id, Secret client_secret) {
  return {.kind = ProviderKind::kGithub,
          .client_id = std::move(client_id),
          .client_secret = std::move(client_secret),
          .scope = "read:user user:email",
          .issuer = "https://github.com",
          .authorize_url = "https://github.com/login/oauth/authorize",
          .token_url = "https://github.com/login/oauth/access_token",
          .user_url = "https://api.github.com/user",
          .emails_url = "https://api.github.com/user/emails",
          .origins = {"https://github.com", "https://api.github.com"}};
}

Provider at(Provider provider, std::string_view base, std::string_view issuer) {
  while (base.ends_with('/')) base.remove_suffix(1);
  const auto url = client::parse_url(base);
  if (!url || (url->scheme != "https" && !url->is_local())) {
    throw Error(ErrorKind::kValidation, std::string(to_string(provider.kind)) +
                                            ": expected a URL of https, or of http on this "
                                            "machine, found \"" +
                                            std::string(base) + "\"");
  }
  const std::string start(base);
  provider.issuer = issuer;
  provider.legacy_issuer.clear();
  provider.origins = {url->origin()};
  if (provider.is_openid()) {
    provider.metadata_url = start + std::string(kWellKnown);
    return provider;
  }
  provider.authorize_url = start + "/login/oauth/authorize";
  provider.token_url = start + "/login/oauth/access_token";
  provider.user_url = start + "/api/v3/user";
  provider.emails_url = start + "/api/v3/user/emails";
  return provider;
}

}  // namespace gesso::domain::oauth
