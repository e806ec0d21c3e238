#include "gesso/domain/oauth/profile.hpp"

#include "gesso/base/text.hpp"

namespace gesso::domain::oauth {
namespace {

bool vouches(ProviderKind provider, const IdClaims& claims) {
  if (claims.email.empty()) return false;
  if (provider == ProviderKind::kMicrosoft) return claims.email_domain_owner_verified;
  return claims.email_verified &&
         (!claims.hosted_domain.empty() || lower(claims.email).ends_with("@gmail.com"));
}

}  // namespace

Profile profile_of(ProviderKind provider, const IdClaims& claims) {
  return {.provider = provider,
          .issuer = claims.issuer,
          .subject = claims.subject,
          .email = claims.email,
          .email_verified = vouches(provider, claims),
          .name = claims.name};
}

std::string account_key(const Profile& profile) {
  if (profile.provider != ProviderKind::kMicrosoft) return profile.subject;
  // "https://login.microsoftonline.com/TENANT/v2.0"
  constexpr std::string_view kEnd = "/v2.0";
  std::string_view tenant = profile.issuer;
  if (tenant.ends_with(kEnd)) tenant.remove_suffix(kEnd.size());
  return std::string(tenant.substr(tenant.rfind('/') + 1)) + ":" + profile.subject;
}

std::string_view describe(RefusalReason reason) noexcept {
  switch (reason) {
    case RefusalReason::kCancelled:
      return "The sign-in was cancelled";
    case RefusalReason::kNotBegun:
      return "This browser began no sign-in, or it took too long";
    case RefusalReason::kCode:
      return "The provider does not accept this sign-in any more";
    case RefusalReason::kProvider:
      return "The provider's answer cannot be accepted";
  }
  return "The sign-in was refused";
}

}  // namespace gesso::domain::oauth
