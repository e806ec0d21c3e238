// Asks who is logged in once more before an account is changed (ASVS 5.0, 7.5.1): for the password
// where there is one, else for a code of the second factor, else for a login of a few minutes ago.
//
// Hashes; see account_services.hpp.
#pragma once

#include <concepts>
#include <optional>
#include <string>
#include <utility>
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

// Changes the account of a user who proved to be present, as it is then. `decide` is given it, may
// be called several times, and returns what the caller does: an Outcome, which can be NotProven and
// TooManyAttempts.
template <class Outcome, std::invocable<Account&> F>
Outcome change_proven(const AccountServices& services, const RunUnit& run,
                      const Requester& requester, const Proof& proof, F&& decide) {
  const ProofOutcome proven = reauthenticate(services, run, requester, proof);
  if (const auto* refusal = std::get_if<TooManyAttempts>(&proven)) return *refusal;
  if (std::holds_alternative<NotProven>(proven)) return NotProven{};
  auto outcome = run_unit(run, [&](mongo::Session& session) {
    return AccountRepository(session, services.context)
        .change_account(requester.user_id, [&](Account& account) -> Outcome {
          if (!account.is_active) return NotProven{};
          return decide(account);
        });
  });
  if (!outcome) return NotProven{};
  return *std::move(outcome);
}

}  // namespace gesso::domain
