#include "gesso/domain/second_factor.hpp"

#include <utility>

#include "gesso/domain/account_mails.hpp"
#include "gesso/domain/hash_pool.hpp"
#include "gesso/domain/totp.hpp"

namespace gesso::domain {
namespace {

std::vector<models::TokenHash> hashes_of(const std::vector<std::string>& codes) {
  std::vector<models::TokenHash> hashes;
  for (const std::string& code : codes) hashes.push_back(hash_recovery_code(code));
  return hashes;
}

bool is_on(const Account& account) { return account.totp && account.totp->confirmed_at; }

// Changes the account of a user who proved to be present. `decide` returns what the caller does.
template <class Outcome, class F>
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

}  // namespace

std::variant<TotpEnrolment, SecondFactorIsOn, NotProven, TooManyAttempts> begin_totp(
    const AccountServices& services, const RunUnit& run, const Requester& requester,
    const Proof& proof) {
  using Outcome = std::variant<TotpEnrolment, SecondFactorIsOn, NotProven, TooManyAttempts>;
  return change_proven<Outcome>(services, run, requester, proof, [&](Account& account) -> Outcome {
    if (is_on(account)) return SecondFactorIsOn{};
    account.totp = models::Totp{.secret = random_totp_secret(services.context.random)};
    return TotpEnrolment{
        .secret = account.totp->secret,
        .uri = totp_uri(account.totp->secret, account.email, services.settings.service_name)};
  });
}

std::variant<RecoveryCodes, WrongCode, NoSecondFactor, SecondFactorIsOn, TooManyAttempts>
confirm_totp(const AccountServices& services, mongo::Session& session, const Requester& requester,
             std::string_view code) {
  using Outcome =
      std::variant<RecoveryCodes, WrongCode, NoSecondFactor, SecondFactorIsOn, TooManyAttempts>;
  if (const auto wait = services.limits.refuse(session, Attempt::kCode, requester.user_id,
                                               network_of(requester.client.address))) {
    return TooManyAttempts{*wait};
  }
  const RecoveryCodes fresh{random_recovery_codes(services.context.random)};
  std::optional<schema::Email> email;
  const auto outcome =
      AccountRepository(session, services.context)
          .change_account(requester.user_id, [&](Account& account) -> Outcome {
            if (!account.totp || !account.is_active) return NoSecondFactor{};
            if (is_on(account)) return SecondFactorIsOn{};
            if (!take_totp_code(*account.totp, code, services.now())) return WrongCode{};
            account.totp->confirmed_at = services.now();
            account.recovery_codes = hashes_of(fresh.codes);
            end_sessions_but(account.login_sessions,
                             requester.session_id ? &*requester.session_id : nullptr);
            email = account.email;
            return fresh;
          });
  if (!outcome) return NoSecondFactor{};
  if (std::holds_alternative<RecoveryCodes>(*outcome)) {
    log_security_event("second_factor_on", requester.user_id, requester.client);
    services.mail.submit(change_notice(services.settings, *email, Change::kSecondFactorOn));
  }
  return *outcome;
}

std::variant<Accepted, NoSecondFactor, NotProven, TooManyAttempts> disable_totp(
    const AccountServices& services, const RunUnit& run, const Requester& requester,
    const Proof& proof) {
  using Outcome = std::variant<Accepted, NoSecondFactor, NotProven, TooManyAttempts>;
  std::optional<schema::Email> email;
  Outcome outcome =
      change_proven<Outcome>(services, run, requester, proof, [&](Account& account) -> Outcome {
        if (!account.totp) return NoSecondFactor{};
        email = account.email;
        account.totp.reset();
        account.recovery_codes.clear();
        return Accepted{};
      });
  if (std::holds_alternative<Accepted>(outcome)) {
    log_security_event("second_factor_off", requester.user_id, requester.client);
    services.mail.submit(change_notice(services.settings, *email, Change::kSecondFactorOff));
  }
  return outcome;
}

std::variant<RecoveryCodes, NoSecondFactor, NotProven, TooManyAttempts> renew_recovery_codes(
    const AccountServices& services, const RunUnit& run, const Requester& requester,
    const Proof& proof) {
  using Outcome = std::variant<RecoveryCodes, NoSecondFactor, NotProven, TooManyAttempts>;
  const RecoveryCodes fresh{random_recovery_codes(services.context.random)};
  return change_proven<Outcome>(services, run, requester, proof, [&](Account& account) -> Outcome {
    if (!is_on(account)) return NoSecondFactor{};
    account.recovery_codes = hashes_of(fresh.codes);
    return fresh;
  });
}

}  // namespace gesso::domain
