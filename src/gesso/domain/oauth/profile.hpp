// Who somebody is, in a provider's word, and what that is worth here.
//
// Values and a pure function.
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <variant>

#include "gesso/domain/oauth/id_token.hpp"
#include "gesso/domain/oauth/provider.hpp"

namespace gesso::domain::oauth {

// An account is kept under its issuer and subject, never under its e-mail address, which may be
// given to somebody else (OWASP ASVS 5.0, 6.8.1).
struct Profile {
  ProviderKind provider = ProviderKind::kGoogle;
  std::string issuer;
  std::string subject;
  std::string email = {};  // empty where the provider gave none
  // Whether the provider vouches that the address is this person's now:
  //  - Google, of a verified address of its own (@gmail.com) or of a Workspace domain (`hd`); any
  //    other was verified once, and may have changed hands since;
  //  - Microsoft, where the domain's owner is known to be the tenant (`xms_edov`); everybody may
  //    write any address into their own account;
  //  - GitHub, of the primary address where it is verified.
  bool email_verified = false;
  std::string name = {};
  std::string begun_for = {};  // the attempt's
};

// What the person is known by among all of the provider's: the subject, and with Microsoft, whose
// tenants are issuers of their own, the tenant before it.
[[nodiscard]] std::string account_key(const Profile& profile);

[[nodiscard]] Profile profile_of(ProviderKind provider, const IdClaims& claims);

enum class RefusalReason {
  kCancelled,  // the person said no at the provider's page
  kNotBegun,   // no attempt of this browser: none was begun, it ended, or it was another
  kCode,       // the provider does not take the code (any more)
  kProvider,   // what the provider says is not to be believed, or not complete
};
constexpr auto wire_texts(RefusalReason) {
  return std::to_array<std::string_view>({"cancelled", "not_begun", "code", "provider"});
}
// For the client: "The sign-in was cancelled".
[[nodiscard]] std::string_view describe(RefusalReason reason) noexcept;

struct Refusal {
  RefusalReason reason;
  std::string detail = {};  // for the log; without a secret
};

using Outcome = std::variant<Profile, Refusal>;

}  // namespace gesso::domain::oauth
