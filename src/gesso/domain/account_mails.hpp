// The texts of the mails about accounts. Pure functions.
#pragma once

#include <string_view>

#include "gesso/domain/account_services.hpp"
#include "gesso/domain/mailer.hpp"

namespace gesso::domain {

[[nodiscard]] Message confirm_email_mail(const AccountSettings& settings, const schema::Email& to,
                                         std::string_view token);
// To the owner of an address that somebody wanted to register again.
[[nodiscard]] Message already_registered_mail(const AccountSettings& settings,
                                              const schema::Email& to);
[[nodiscard]] Message reset_password_mail(const AccountSettings& settings, const schema::Email& to,
                                          std::string_view token);

enum class Change {
  kPassword,
  kEmail,
  kSecondFactorOn,
  kSecondFactorOff,
  kRecoveryCodeUsed,
  kProviderLinked,
  kProviderUnlinked
};
// Tells a user of a change, which somebody else may have made (ASVS 5.0, 6.3.7).
[[nodiscard]] Message change_notice(const AccountSettings& settings, const schema::Email& to,
                                    Change change);

}  // namespace gesso::domain
