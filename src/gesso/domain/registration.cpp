#include "gesso/domain/registration.hpp"

#include <memory>
#include <string>
#include <utility>

#include "gesso/domain/account_mails.hpp"
#include "gesso/domain/client_network.hpp"
#include "gesso/domain/password_policy.hpp"
#include "gesso/models/password_hashing.hpp"

namespace gesso::domain {
namespace {

void require_reachable(const AccountServices& services, const schema::Email& email) {
  if (services.settings.allow_special_use_domains || !email.has_special_use_domain()) return;
  throw validation_error(
      {{.path = {"email"},
        .type = "value_error",
        .message = "value is not a valid email address: the part after the @-sign is a special-use "
                   "or reserved name that cannot be used with email",
        .expected = schema::Email::expected(),
        .found = "\"" + email.str() + "\""}});
}

struct NewToken {
  std::string text;
  models::MailedToken stored;
};

NewToken make_confirmation(const AccountServices& services, const models::UserId& id,
                           const schema::Email& email) {
  std::string text = make_mailed_token(MailPurpose::kConfirmEmail, id, services.context.random);
  models::MailedToken stored{
      .hash = hash_token(text),
      .email = email,
      .expires_at = services.now() + services.settings.confirm_email_lifetime};
  return {.text = std::move(text), .stored = std::move(stored)};
}

// Inserts the user; false where the address is taken.
bool insert(const AccountServices& services, mongo::Session& session, const models::User& user) {
  try {
    AccountRepository(session, services.context).create(user);
    return true;
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::kDuplicate || error.field() == "id") throw;
    return false;
  }
}

}  // namespace

RegistrationOutcome register_account(const AccountServices& services, const RunUnit& run,
                                     Registration registration, const ClientInfo& client) {
  require_reachable(services, registration.email);
  require_good_password(registration.password, registration.email, "password");
  const auto wait = run_unit(run, [&](mongo::Session& session) {
    return services.limits.refuse(session, Attempt::kRegister, {}, network_of(client.address));
  });
  if (wait) return TooManyAttempts{*wait};

  const Time now = services.now();
  models::User user{.id = models::UserId::next(services.context.ids),
                    .email = registration.email,
                    .full_name = registration.full_name,
                    .may_have_subscription = false,
                    .created_at = now,
                    .updated_at = now};
  user.hashed_password = models::hash_password(registration.password, services.context.random,
                                               services.context.bcrypt_cost);
  const NewToken token = make_confirmation(services, user.id, user.email);
  user.email_token = token.stored;
  Message mail = confirm_email_mail(services.settings, user.email, token.text);

  if (!services.settings.hide_taken_email) {
    const bool inserted =
        run_unit(run, [&](mongo::Session& session) { return insert(services, session, user); });
    if (!inserted) return EmailTaken{};
    log_security_event("registered", user.id, client);
    services.mail.submit(std::move(mail));
    return user;
  }
  // Behind the answer, so that its time does not tell either.
  services.mail.submit([&services, user, mail = std::move(mail), client] {
    const bool inserted = run_unit(
        services.run, [&](mongo::Session& session) { return insert(services, session, user); });
    if (inserted) log_security_event("registered", user.id, client);
    return std::optional(inserted ? mail : already_registered_mail(services.settings, user.email));
  });
  return Accepted{};
}

std::variant<Accepted, TooManyAttempts> resend_confirmation(const AccountServices& services,
                                                            mongo::Session& session,
                                                            const schema::Email& email,
                                                            const ClientInfo& client) {
  if (const auto wait =
          services.limits.refuse(session, Attempt::kMail, email, network_of(client.address))) {
    return TooManyAttempts{*wait};
  }
  services.mail.submit([&services, email] {
    return run_unit(services.run, [&](mongo::Session& later) -> std::optional<Message> {
      AccountRepository accounts(later, services.context);
      const auto found = accounts.find_account(email);
      if (!found || !found->is_active || found->is_verified) return std::nullopt;
      const NewToken token = make_confirmation(services, found->id, email);
      const auto noted = accounts.change_account(found->id, [&](Account& account) {
        if (account.email != email) return false;
        account.email_token = token.stored;
        return true;
      });
      if (!noted.value_or(false)) return std::nullopt;
      return confirm_email_mail(services.settings, email, token.text);
    });
  });
  return Accepted{};
}

std::variant<Account, TokenRefused, EmailTaken, TooManyAttempts> confirm_email(
    const AccountServices& services, mongo::Session& session, std::string_view token,
    const ClientInfo& client) {
  if (const auto wait =
          services.limits.refuse(session, Attempt::kToken, {}, network_of(client.address))) {
    return TooManyAttempts{*wait};
  }
  const auto user_id = parse_mailed_token(MailPurpose::kConfirmEmail, token);
  if (!user_id) return TokenRefused{};
  std::optional<schema::Email> old_address;
  std::optional<std::optional<Account>> confirmed;
  try {
    confirmed = AccountRepository(session, services.context)
                    .change_account(*user_id, [&](Account& account) -> std::optional<Account> {
                      old_address.reset();
                      if (!account.is_active || !account.email_token ||
                          !matches(account.email_token->hash, token) ||
                          services.now() >= account.email_token->expires_at) {
                        return std::nullopt;
                      }
                      const schema::Email& confirmed_address = account.email_token->email;
                      if (account.email != confirmed_address) {
                        old_address = account.email;
                        account.email = confirmed_address;
                        account.reset_token.reset();  // it went to the old address
                      }
                      account.is_verified = true;
                      return account;
                    });
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::kDuplicate) throw;
    return EmailTaken{};
  }
  if (!confirmed || !*confirmed) return TokenRefused{};
  if (old_address) {
    log_security_event("email_changed", *user_id, client);
    services.mail.submit(change_notice(services.settings, *old_address, Change::kEmail));
  }
  return **std::move(confirmed);
}

std::variant<Accepted, NotProven, TooManyAttempts> request_email_change(
    const AccountServices& services, const RunUnit& run, const Requester& requester,
    const schema::Email& email, const Proof& proof) {
  require_reachable(services, email);
  const ProofOutcome outcome = reauthenticate(services, run, requester, proof);
  if (const auto* refusal = std::get_if<TooManyAttempts>(&outcome)) return *refusal;
  if (std::holds_alternative<NotProven>(outcome)) return NotProven{};
  const NewToken token = make_confirmation(services, requester.user_id, email);
  const bool noted = run_unit(run, [&](mongo::Session& session) {
    const auto changed = AccountRepository(session, services.context)
                             .change_account(requester.user_id, [&](Account& account) {
                               if (!account.is_active) return false;
                               account.email_token = token.stored;
                               return true;
                             });
    return changed.value_or(false);
  });
  if (!noted) return NotProven{};
  services.mail.submit(confirm_email_mail(services.settings, email, token.text));
  return Accepted{};
}

}  // namespace gesso::domain
