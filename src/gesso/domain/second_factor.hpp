// The second factor of an account: on, off, and the codes for the day when the telephone is lost.
#pragma once

#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "gesso/domain/account_services.hpp"
#include "gesso/domain/reauthentication.hpp"

namespace gesso::domain {

struct TotpEnrolment {
  std::string secret;  // in base32; shown this once
  std::string uri;     // what a QR code holds
};
struct SecondFactorNotOffered {};  // there is no key to encrypt its secret with
struct SecondFactorIsOn {};        // take it away first
struct NoSecondFactor {};          // none was begun, or none is on
struct WrongCode {};
struct RecoveryCodes {
  std::vector<std::string> codes;  // shown this once
};

// Makes a secret; until a code of it was entered nobody is asked for one. Hashes.
[[nodiscard]] std::variant<TotpEnrolment, SecondFactorNotOffered, SecondFactorIsOn, NotProven,
                           TooManyAttempts>
begin_totp(const AccountServices& services, const RunUnit& run, const Requester& requester,
           const Proof& proof);

// Turns it on with the first code, and returns the recovery codes. Other sessions end.
[[nodiscard]] std::variant<RecoveryCodes, WrongCode, NoSecondFactor, SecondFactorIsOn,
                           TooManyAttempts>
confirm_totp(const AccountServices& services, mongo::Session& session, const Requester& requester,
             std::string_view code);

// Turns it off, also one that was only begun. Hashes.
[[nodiscard]] std::variant<Accepted, NoSecondFactor, NotProven, TooManyAttempts> disable_totp(
    const AccountServices& services, const RunUnit& run, const Requester& requester,
    const Proof& proof);

// New recovery codes in the place of all that are left. Hashes.
[[nodiscard]] std::variant<RecoveryCodes, NoSecondFactor, NotProven, TooManyAttempts>
renew_recovery_codes(const AccountServices& services, const RunUnit& run,
                     const Requester& requester, const Proof& proof);

}  // namespace gesso::domain
