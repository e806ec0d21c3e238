// The providers that people sign in with: where each is asked, and what is peculiar to it.
//
// Values without behaviour; made from the settings, never changed.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gesso/base/secret.hpp"

namespace gesso::domain::oauth {

enum class ProviderKind { kGoogle, kMicrosoft, kGithub };

// "google", "microsoft", "github": as they stand in paths, settings and documents.
[[nodiscard]] std::string_view to_string(ProviderKind kind) noexcept;
[[nodiscard]] std::optional<ProviderKind> provider_named(std::string_view name) noexcept;

struct Provider {
  ProviderKind kind = ProviderKind::kGoogle;
  std::string client_id;
  Secret client_secret;
  std::string scope;

  // OpenID Connect (Google, Microsoft): where the rest is said, and who must have said it. For
  // several tenants of Microsoft the issuer holds "{tenantid}", as their metadata does.
  std::string metadata_url = {};
  std::string issuer = {};
  // Another spelling of the issuer that tokens may bear: Google's without "https://".
  std::string legacy_issuer = {};
  // Google: only accounts of this Workspace domain (claim `hd`); empty: of any.
  std::string hosted_domain = {};

  // OAuth 2 alone (GitHub), which has no metadata.
  std::string authorize_url = {};
  std::string token_url = {};
  std::string user_url = {};
  std::string emails_url = {};

  // The servers that may be asked for it: for client::AllowedOrigins.
  std::vector<std::string> origins = {};

  [[nodiscard]] bool is_openid() const { return kind != ProviderKind::kGithub; }
};

[[nodiscard]] Provider google(std::string client_id, Secret client_secret,
                              std::string hosted_domain = {});
// `tenant` is a tenant's id (a UUID), or `common`, `organizations`, `consumers`.
//
// Throws Error (kValidation) for another: a tenant's domain name does not say whose tokens to take.
[[nodiscard]] Provider microsoft(std::string client_id, Secret client_secret,
                                 std::string_view tenant = "common");
[[nodiscard]] Provider github(std::string client_id, Secret client_secret);

// The same provider at another address, for a national cloud, GitHub Enterprise Server or a test:
// `base` is where its paths begin. For OpenID Connect the metadata is at
// BASE/.well-known/openid-configuration and the issuer is `issuer`; GitHub's pages are below
// BASE/login/oauth/ and its API below BASE/api/v3/ (GitHub Enterprise Server's way), its issuer is
// `issuer`, too.
//
// Throws Error (kValidation) where `base` is no URL of https, or of http on this machine.
[[nodiscard]] Provider at(Provider provider, std::string_view base, std::string_view issuer);

}  // namespace gesso::domain::oauth
