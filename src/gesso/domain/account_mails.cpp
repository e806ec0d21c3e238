#include "gesso/domain/account_mails.hpp"

#include <string>

namespace gesso::domain {
namespace {

std::string duration_text(std::chrono::seconds duration) {
  const auto minutes = std::chrono::ceil<std::chrono::minutes>(duration).count();
  if (minutes % 60 == 0) {
    const auto hours = minutes / 60;
    return std::to_string(hours) + (hours == 1 ? " hour" : " hours");
  }
  return std::to_string(minutes) + (minutes == 1 ? " minute" : " minutes");
}

std::string where_to_go(const std::string& page, std::string_view token) {
  return page.empty() ? "    " + std::string(token) + "\n"
                      : "    " + page + "#token=" + std::string(token) + "\n";
}

}  // namespace

Message confirm_email_mail(const AccountSettings& settings, const schema::Email& to,
                           std::string_view token) {
  return {.to = to,
          .subject = settings.service_name + ": confirm your email address",
          .text = "Please confirm that this is your address at " + settings.service_name +
                  ". Open this, or enter it, within " +
                  duration_text(settings.confirm_email_lifetime) + ":\n\n" +
                  where_to_go(settings.confirm_email_page, token) +
                  "\nIf this was not you, do nothing.\n"};
}

Message already_registered_mail(const AccountSettings& settings, const schema::Email& to) {
  return {.to = to,
          .subject = settings.service_name + ": you have an account",
          .text = "Somebody, perhaps you, wanted to register this address at " +
                  settings.service_name +
                  ". It has an account already: log in, or ask for a new password.\n"
                  "\nIf this was not you, do nothing.\n"};
}

Message reset_password_mail(const AccountSettings& settings, const schema::Email& to,
                            std::string_view token) {
  return {.to = to,
          .subject = settings.service_name + ": set a new password",
          .text = "Somebody, perhaps you, asked for a new password at " + settings.service_name +
                  ". To set one, open this, or enter it, within " +
                  duration_text(settings.reset_password_lifetime) + ":\n\n" +
                  where_to_go(settings.reset_password_page, token) +
                  "\nIf this was not you, do nothing: your password stays.\n"};
}

Message change_notice(const AccountSettings& settings, const schema::Email& to, Change change) {
  const auto what = [&]() -> std::string {
    switch (change) {
      case Change::kPassword:
        return "Your password was changed";
      case Change::kEmail:
        return "Your email address was changed to another one";
      case Change::kSecondFactorOn:
        return "A second factor is asked for at every login from now on";
      case Change::kSecondFactorOff:
        return "The second factor is not asked for any more";
      case Change::kRecoveryCodeUsed:
        return "A recovery code was used to log in";
      case Change::kProviderLinked:
        return "You can log in with another provider's account from now on";
      case Change::kProviderUnlinked:
        return "Another provider's account does not log you in any more";
    }
    return "Your account was changed";
  }();
  return {.to = to,
          .subject = settings.service_name + ": " + what,
          .text = what + " at " + settings.service_name +
                  ".\n\nIf this was not you, ask for a new password at once.\n"};
}

}  // namespace gesso::domain
