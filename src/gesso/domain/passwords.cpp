#include "gesso/domain/passwords.hpp"

#include <string>
#include <utility>

#include "gesso/domain/account_mails.hpp"
#include "gesso/domain/client_network.hpp"
#include "gesso/domain/password_policy.hpp"
#include "gesso/models/password_hashing.hpp"

namespace gesso::domain {
namespace {

bool is_good(const Account& account, std::string_view token, Time now) {
  return account.is_active && account.reset_token && matches(account.reset_token->hash, token) &&
         now < account.reset_token->expires_at;
}

// What was begun with the old password ends with it: a reset, a change of the address that nobody
// has confirmed yet. Whoever knew it would otherwise come back by either.
void end_what_was_begun(Account& account) {
  account.reset_token.reset();
  if (account.email_token && account.email_token->email != account.email) {
    account.email_token.reset();
  }
}

// Until an address is confirmed, whoever registered it may be anybody. Once its owner shows up,
// every other way into the account goes, and the second factor that would keep the owner out.
void end_what_an_impostor_left(Account& account) {
  account.api_keys.clear();
  account.totp.reset();
  account.recovery_codes.clear();
  account.auth_provider = models::AuthProvider::kEmail;
  account.auth_provider_id.reset();
  account.linked_identities.clear();
}

}  // namespace

std::variant<Accepted, NotProven, TooManyAttempts> change_password(
    const AccountServices& services, const RunUnit& run, const Requester& requester,
    const Proof& proof, const schema::Password& new_password) {
  const ProofOutcome outcome = reauthenticate(services, run, requester, proof);
  if (const auto* refusal = std::get_if<TooManyAttempts>(&outcome)) return *refusal;
  if (std::holds_alternative<NotProven>(outcome)) return NotProven{};
  const Account& proven = std::get<Account>(outcome);
  require_good_password(new_password, proven.email, "new_password");
  const schema::PasswordHash hash =
      models::hash_password(new_password, services.context.random, services.context.bcrypt_cost);
  const bool changed = run_unit(run, [&](mongo::Session& session) {
    return AccountRepository(session, services.context)
        .change_account(
            requester.user_id,
            [&](Account& account) {
              // Of two changes at once the second one proved an old password.
              if (!account.is_active || account.hashed_password != proven.hashed_password) {
                return false;
              }
              account.hashed_password = hash;
              end_what_was_begun(account);
              end_sessions_but(account.login_sessions,
                               requester.session_id ? &*requester.session_id : nullptr);
              return true;
            })
        .value_or(false);
  });
  if (!changed) return NotProven{};
  log_security_event("password_changed", requester.user_id, requester.client);
  services.mail.submit(change_notice(services.settings, proven.email, Change::kPassword));
  return Accepted{};
}

std::variant<Accepted, TooManyAttempts> request_password_reset(const AccountServices& services,
                                                               mongo::Session& session,
                                                               const schema::Email& email,
                                                               const ClientInfo& client) {
  if (const auto wait =
          services.limits.refuse(session, Attempt::kMail, email, network_of(client.address))) {
    return TooManyAttempts{*wait};
  }
  services.mail.submit([&services, email, client] {
    return run_unit(services.run, [&](mongo::Session& later) -> std::optional<Message> {
      AccountRepository accounts(later, services.context);
      const auto found = accounts.find_account(email);
      if (!found || !found->is_active) return std::nullopt;
      const std::string token =
          make_mailed_token(MailPurpose::kResetPassword, found->id, services.context.random);
      const auto noted = accounts.change_account(found->id, [&](Account& account) {
        if (!account.is_active || account.email != email) return false;
        account.reset_token = models::MailedToken{
            .hash = hash_token(token),
            .email = email,
            .expires_at = services.now() + services.settings.reset_password_lifetime};
        return true;
      });
      if (!noted.value_or(false)) return std::nullopt;
      log_security_event("password_reset_requested", found->id, client);
      return reset_password_mail(services.settings, email, token);
    });
  });
  return Accepted{};
}

std::variant<Accepted, TokenRefused, TooManyAttempts> reset_password(
    const AccountServices& services, const RunUnit& run, std::string_view token,
    const schema::Password& new_password, const ClientInfo& client) {
  const auto user_id = parse_mailed_token(MailPurpose::kResetPassword, token);
  struct Found {
    std::optional<std::chrono::seconds> wait = {};
    std::optional<Account> account = {};
  };
  const Found found = run_unit(run, [&](mongo::Session& session) -> Found {
    if (const auto wait =
            services.limits.refuse(session, Attempt::kToken, {}, network_of(client.address))) {
      return {.wait = wait};
    }
    if (!user_id) return {};
    return {.account = AccountRepository(session, services.context).find_account(*user_id)};
  });
  if (found.wait) return TooManyAttempts{*found.wait};
  if (!found.account || !is_good(*found.account, token, services.now())) return TokenRefused{};
  require_good_password(new_password, found.account->email, "new_password");
  const schema::PasswordHash hash =
      models::hash_password(new_password, services.context.random, services.context.bcrypt_cost);
  const bool changed = run_unit(run, [&](mongo::Session& session) {
    return AccountRepository(session, services.context)
        .change_account(*user_id,
                        [&](Account& account) {
                          if (!is_good(account, token, services.now())) return false;
                          if (!account.is_verified) end_what_an_impostor_left(account);
                          account.hashed_password = hash;
                          account.is_verified = true;  // who has the token reads that mailbox
                          end_what_was_begun(account);
                          account.login_sessions.clear();
                          return true;
                        })
        .value_or(false);
  });
  if (!changed) return TokenRefused{};
  log_security_event("password_reset", *user_id, client);
  services.mail.submit(change_notice(services.settings, found.account->email, Change::kPassword));
  return Accepted{};
}

}  // namespace gesso::domain
