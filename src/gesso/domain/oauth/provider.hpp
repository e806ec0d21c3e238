// The providers that people sign in with: where each is asked, and what is peculiar to it.
//
// Values without behaviour; made from the settings, never changed.
#pragma once

#include <array>
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
constexpr auto wire_texts(ProviderKind) {
  return std::to_array<std::string_view>({"google", "microsoft", "github"});
}

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

// `url` is where each is asked in place of its own address, and the issuer of what it says. All
// throw Error (kValidation) where that is no URL of https, or of http on this machine.

// With `hosted_domain`, accounts of that Workspace domain alone.
[[nodiscard]] Provider google(std::string client_id, Secret client_secret,
                              std::string hosted_domain = {},
                              std::string_view url = "https://accounts.google.com");

// `tenant` is a tenant's id (a UUID), or `common`, `organizations`, `consumers`; its domain name
// does not say whose tokens to take, and is refused likewise. `url` is a national cloud's.
[[nodiscard]] Provider microsoft(std::string client_id, Secret client_secret,
                                 std::string_view tenant = "common",
                                 std::string_view url = "https://login.microsoftonline.com");

// `url` is a GitHub Enterprise Server's, whose API is below URL/api/v3/.
[[nodiscard]] Provider github(std::string client_id, Secret client_secret,
                              std::string_view url = "https://github.com");

}  // namespace gesso::domain::oauth
