// What signing in with another provider's account and linking one have in common. Functions;
// thread-safe.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "gesso/api/account_calls.hpp"
#include "gesso/domain/identities.hpp"
#include "gesso/domain/oauth/sign_in.hpp"
#include "gesso/domain/reauthentication.hpp"
#include "gesso/models/user.hpp"

namespace gesso::api {

// Keeps the attempt while the browser is at the provider.
inline constexpr std::string_view kSignInCookie = "__Host-gesso-sign-in";

// nullptr where sign-in with that provider is not set up.
[[nodiscard]] inline domain::oauth::SignIn* sign_in_with(const Call& call,
                                                         domain::oauth::ProviderKind provider) {
  auto* sign_in = call.services.sign_in;
  return sign_in != nullptr && sign_in->offers(provider) ? sign_in : nullptr;
}

[[nodiscard]] inline NotFound not_offered(domain::oauth::ProviderKind provider) {
  return {.detail = "Sign-in with " + std::string(to_string(provider)) + " is not set up here"};
}

[[nodiscard]] inline std::string redirect_uri(const Call& call,
                                              domain::oauth::ProviderKind provider) {
  std::string uri = call.services.sign_in_redirect_uri;
  constexpr std::string_view kName = "{provider}";
  const std::size_t at = uri.find(kName);
  if (at != std::string::npos) uri.replace(at, kName.size(), to_string(provider));
  return uri;
}

[[nodiscard]] inline Cookie sign_in_cookie(std::string value) {
  return {.name = kSignInCookie,
          .value = std::move(value),
          .lifetime = domain::oauth::kAttemptLifetime};
}

[[nodiscard]] inline models::AuthProvider auth_provider(domain::oauth::ProviderKind provider) {
  switch (provider) {
    case domain::oauth::ProviderKind::kGoogle:
      return models::AuthProvider::kGoogle;
    case domain::oauth::ProviderKind::kMicrosoft:
      return models::AuthProvider::kMicrosoft;
    case domain::oauth::ProviderKind::kGithub:
      return models::AuthProvider::kGithub;
  }
  return models::AuthProvider::kGoogle;
}

// Who began to link an account, as the attempt carries it: the login, which has to be alive when
// the browser comes back.
[[nodiscard]] inline std::string link_for(const domain::Requester& requester) {
  return requester.user_id.str() + " " + requester.session_id->str();
}
// std::nullopt where the attempt was begun to sign in.
[[nodiscard]] inline std::optional<domain::Requester> requester_of(std::string_view begun_for,
                                                                   const Call& call) {
  const std::size_t blank = begun_for.find(' ');
  if (blank == std::string_view::npos) return std::nullopt;
  const auto user_id = models::UserId::parse(begun_for.substr(0, blank));
  const auto session_id = models::SessionId::parse(begun_for.substr(blank + 1));
  if (!user_id || !session_id) return std::nullopt;
  return domain::Requester{
      .user_id = *user_id, .session_id = session_id, .client = client_of(call)};
}

// A provider that logs the caller in.
struct LoginProvider {
  models::AuthProvider provider = models::AuthProvider::kGoogle;
  std::optional<Time> linked_at = {};
  bool may_unlink = false;

  static constexpr std::string_view kName = "LoginProvider";
  static constexpr std::string_view kAbout = "A provider whose account logs the caller in.";
};
GESSO_FIELDS(LoginProvider, (provider, schema::field_about<&models::LinkedIdentity::provider>),
             (linked_at, "Since when; null for the first one."),
             (may_unlink, "False where it is the last way to log in."))

[[nodiscard]] inline LoginProvider view_of(const domain::LoginProvider& one) {
  return {.provider = one.provider, .linked_at = one.linked_at, .may_unlink = one.may_unlink};
}

}  // namespace gesso::api
