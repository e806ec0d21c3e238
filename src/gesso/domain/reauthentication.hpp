// Asks who is logged in once more before an account is changed (ASVS 5.0, 7.5.1): for the password
// where there is one, else for a code of the second factor, else for a login of a few minutes ago.
//
// Hashes; see account_services.hpp.
#pragma once

#include <optional>
#include <string>
#include <variant>

#include "gesso/base/secret.hpp"
#include "gesso/domain/account_services.hpp"

namespace gesso::domain {

// Who asks for the change.
struct Requester {
  models::UserId user_id;
  std::optional<models::SessionId> session_id = {};  // none where an API key was shown
  ClientInfo client = {};
};

struct Proof {
  Secret password = {};
  std::string code = {};
};

struct NotProven {};  // or the user is locked out, or not there

// The account as it was when its user was known to be present.
using ProofOutcome = std::variant<Account, NotProven, TooManyAttempts>;

[[nodiscard]] ProofOutcome reauthenticate(const AccountServices& services, const RunUnit& run,
                                          const Requester& requester, const Proof& proof);

}  // namespace gesso::domain
