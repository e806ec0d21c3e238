#include "gesso/domain/reauthentication.hpp"

#include <algorithm>
#include <utility>

#include "gesso/domain/client_network.hpp"
#include "gesso/domain/stored_totp.hpp"
#include "gesso/models/password_hashing.hpp"

namespace gesso::domain {
namespace {

bool logged_in_recently(const AccountServices& services, const Account& account,
                        const Requester& requester) {
  return requester.session_id &&
         std::ranges::any_of(account.login_sessions, [&](const models::LoginSession& session) {
           return session.id == *requester.session_id &&
                  services.now() <= session.created_at + services.settings.recent_login;
         });
}

bool take_code(const AccountServices& services, const RunUnit& run, const models::UserId& id,
               const std::string& code) {
  return run_unit(run, [&](mongo::Session& session) {
    const auto taken =
        AccountRepository(session, services.context).change_account(id, [&](Account& account) {
          return account.totp && account.totp->confirmed_at &&
                 take_stored_totp_code(services, account, code);
        });
    return taken.value_or(false);
  });
}

}  // namespace

ProofOutcome reauthenticate(const AccountServices& services, const RunUnit& run,
                            const Requester& requester, const Proof& proof) {
  struct Found {
    std::optional<std::chrono::seconds> wait = {};
    std::optional<Account> account = {};
  };
  const Found found = run_unit(run, [&](mongo::Session& session) -> Found {
    auto account = AccountRepository(session, services.context).find_account(requester.user_id);
    const Attempt attempt =
        account && !account->hashed_password ? Attempt::kCode : Attempt::kPassword;
    if (const auto wait =
            services.limits.refuse(session, attempt, requester.user_id,
                                   network_of(requester.client.address), Network::kFamiliar)) {
      return {.wait = wait};
    }
    return {.account = std::move(account)};
  });
  if (found.wait) return TooManyAttempts{*found.wait};
  if (!found.account || !found.account->is_active) return NotProven{};
  const Account& account = *found.account;
  const bool proven = account.hashed_password ? models::verify_password(proof.password.reveal(),
                                                                        *account.hashed_password)
                      : account.totp && account.totp->confirmed_at
                          ? take_code(services, run, account.id, proof.code)
                          : logged_in_recently(services, account, requester);
  if (!proven) {
    log_security_event("proof_refused", account.id, requester.client);
    return NotProven{};
  }
  return account;
}

}  // namespace gesso::domain
