#include "gesso/domain/second_factor.hpp"

#include <utility>

#include "gesso/domain/account_mails.hpp"
#include "gesso/domain/client_network.hpp"
#include "gesso/domain/stored_totp.hpp"
#include "gesso/domain/totp.hpp"

namespace gesso::domain {
namespace {

std::vector<models::TokenHash> hashes_of(const std::vector<std::string>& codes) {
  std::vector<models::TokenHash> hashes;
  for (const std::string& code : codes) hashes.push_back(hash_recovery_code(code));
  return hashes;
}

bool is_on(const Account& account) { return account.totp && account.totp->confirmed_at; }

}  // namespace

std::variant<TotpEnrolment, SecondFactorNotOffered, SecondFactorIsOn, NotProven, TooManyAttempts>
begin_totp(const AccountServices& services, const RunUnit& run, const Requester& requester,
           const Proof& proof) {
  using Outcome = std::variant<TotpEnrolment, SecondFactorNotOffered, SecondFactorIsOn, NotProven,
                               TooManyAttempts>;
  if (services.keys == nullptr) return SecondFactorNotOffered{};
  return change_proven<Outcome>(services, run, requester, proof, [&](Account& account) -> Outcome {
    if (is_on(account)) return SecondFactorIsOn{};
    const std::string secret = random_totp_secret(services.context.random);
    account.totp = models::Totp{
        .secret = seal_totp_secret(*services.keys, account.id, secret, services.context.random)};
    return TotpEnrolment{.secret = secret,
                         .uri = totp_uri(secret, account.email, services.settings.service_name)};
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
            if (!take_stored_totp_code(services, account, code)) return WrongCode{};
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
