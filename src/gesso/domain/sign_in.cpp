#include "gesso/domain/sign_in.hpp"

#include <algorithm>
#include <utility>

#include "gesso/base/base64.hpp"
#include "gesso/base/crypto.hpp"
#include "gesso/base/text.hpp"
#include "gesso/domain/account_mails.hpp"
#include "gesso/domain/client_network.hpp"
#include "gesso/domain/identity_claims.hpp"
#include "gesso/domain/refresh_tokens.hpp"
#include "gesso/domain/stored_totp.hpp"
#include "gesso/domain/totp.hpp"
#include "gesso/models/password_hashing.hpp"

namespace gesso::domain {
namespace {

SignedIn signed_in(const AccountServices& services, const models::UserId& user_id,
                   SessionToken session) {
  session.refresh_token = seal_refresh_token(services.tokens, session.refresh_token);
  return {.user_id = user_id,
          .access_token =
              services.tokens.issue(TokenUse::kAccess, {.subject = user_id.str(),
                                                        .session_id = session.session_id.str(),
                                                        .token_id = services.context.ids.ulid()}),
          .access_lifetime = services.tokens.lifetime(TokenUse::kAccess),
          .session = std::move(session)};
}

Network familiarity(const std::optional<Account>& account, std::string_view address) {
  if (!account || address.empty()) return Network::kStrange;
  const bool familiar =
      std::ranges::any_of(account->login_sessions, [&](const models::LoginSession& one) {
        return one.address && network_of(one.address->str()) == network_of(address);
      });
  return familiar ? Network::kFamiliar : Network::kStrange;
}

// What a challenge is bound to: a password that was changed since ends it.
std::string password_mark(const Account& account) {
  const std::string_view hash =
      account.hashed_password ? account.hashed_password->reveal() : std::string_view("none");
  return base64url_encode(as_text(sha256("password_mark/" + std::string(hash)))).substr(0, 22);
}

SecondFactorNeeded challenge(const AccountServices& services, const Account& account) {
  return {.challenge = services.tokens.issue(TokenUse::kSecondFactor,
                                             {.subject = account.id.str(),
                                              .session_id = password_mark(account),
                                              .token_id = services.context.ids.ulid()}),
          .lifetime = services.tokens.lifetime(TokenUse::kSecondFactor)};
}

bool has_second_factor(const Account& account) {
  return account.totp && account.totp->confirmed_at;
}

// Whether it is the session's token, or the one before it.
bool is_of(const models::LoginSession& session, const RefreshToken& token) {
  return session.id == token.session_id &&
         (matches(session.token_hash, token.text) ||
          (session.previous_hash && matches(*session.previous_hash, token.text)));
}

bool has_token(const Account& account, const RefreshToken& token) {
  return std::ranges::any_of(account.login_sessions,
                             [&](const models::LoginSession& one) { return is_of(one, token); });
}

// Begins a session if `may` still says so of the account as it is then.
template <class May>
std::optional<SessionToken> begin(const AccountServices& services, mongo::Session& session,
                                  const models::UserId& id, const ClientInfo& client, May&& may) {
  auto begun = AccountRepository(session, services.context)
                   .change_account(id, [&](Account& account) -> std::optional<SessionToken> {
                     if (!account.is_active || !may(account)) return std::nullopt;
                     return begin_session(account.login_sessions, id, client,
                                          services.settings.sessions, services.context);
                   });
  return begun ? *std::move(begun) : std::nullopt;
}

// Links the identity to the user whose confirmed address the provider vouches for.
bool link_to_address(const AccountServices& services, AccountRepository& accounts,
                     const Account& same_address, const ProviderIdentity& identity,
                     const ClientInfo& client) {
  const auto may = [&](const Account& one) {
    return one.email == *identity.email && one.is_verified && one.is_active &&
           one.auth_provider == models::AuthProvider::kEmail;
  };
  if (IdentityClaims(accounts, identity, services.context).link(same_address.id, may) !=
      IdentityClaims::Outcome::kLinked) {
    return false;
  }
  log_security_event("provider_linked", same_address.id, client);
  services.mail.submit(change_notice(services.settings, *identity.email, Change::kProviderLinked));
  return true;
}

// Makes a user of whom the provider vouches for. What a crash leaves is a user whose address is
// confirmed, to whom the next login links the identity.
// Deletes a user who was made a moment ago, unless somebody came in as that user meanwhile, by the
// address at another provider.
void take_back(AccountRepository& accounts, const models::UserId& user_id) {
  using namespace query;
  const auto account = accounts.find_account(user_id);
  if (!account || !account->linked_identities.empty() || !account->login_sessions.empty() ||
      account->hashed_password) {
    return;
  }
  const auto the_user = where<&models::User::id> == user_id;
  if (account->account_revision) {
    accounts.delete_one(the_user &&
                        where<&models::User::account_revision> == *account->account_revision);
  } else {
    accounts.delete_one(the_user && where<&models::User::account_revision>.missing());
  }
}

bool register_by_provider(const AccountServices& services, AccountRepository& accounts,
                          const ProviderIdentity& identity, const ClientInfo& client) {
  const Time now = services.now();
  const IdentityClaims claims(accounts, identity, services.context);
  const models::User user{.id = models::UserId::next(services.context.ids),
                          .email = *identity.email,
                          .full_name = identity.full_name,
                          .linked_identities = {claims.claim()},
                          .is_verified = true,
                          .may_have_subscription = false,
                          .created_at = now,
                          .updated_at = now};
  if (!claims.outranks_all(user.id)) return false;
  try {
    accounts.insert(user);
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::kDuplicate) throw;
    return false;  // somebody registered the address, or claimed the identity, a moment ago
  }
  if (!claims.settle(user.id)) {
    take_back(accounts, user.id);
    return false;
  }
  services.context.count(&repositories::CreditCounters::granted, user.credits_remaining.value());
  log_security_event("registered", user.id, client);
  return true;
}

}  // namespace

SignInOutcome log_in(const AccountServices& services, const RunUnit& run,
                     const schema::Email& email, const Secret& password, const ClientInfo& client) {
  struct Found {
    std::optional<std::chrono::seconds> wait = {};
    std::optional<Account> account = {};
  };
  const Found found = run_unit(run, [&](mongo::Session& session) -> Found {
    auto account = AccountRepository(session, services.context).find_account(email);
    const auto wait =
        services.limits.refuse(session, Attempt::kPassword, email, network_of(client.address),
                               familiarity(account, client.address));
    if (wait) return {.wait = wait};
    return {.account = std::move(account)};
  });
  if (found.wait) return TooManyAttempts{*found.wait};
  const std::optional<Account>& account = found.account;
  const bool known = account && account->hashed_password;
  const bool right = models::verify_password(
      password.reveal(),
      known ? *account->hashed_password : models::hash_of_nobody(services.context.bcrypt_cost));
  if (!known || !right || !account->is_active) {
    log_security_event("login_refused", account ? account->id.str() : std::string(), client);
    return WrongCredentials{};
  }
  if (services.settings.require_verified_email && !account->is_verified) {
    return EmailNotConfirmed{};
  }
  if (has_second_factor(*account)) return challenge(services, *account);
  auto session = run_unit(run, [&](mongo::Session& later) {
    return begin(services, later, account->id, client, [&](const Account& now) {
      return now.hashed_password == account->hashed_password && !has_second_factor(now);
    });
  });
  if (!session) return WrongCredentials{};
  log_security_event("login", account->id, client);
  return signed_in(services, account->id, *std::move(session));
}

std::variant<SignedIn, WrongCredentials, TooManyAttempts> log_in_with_code(
    const AccountServices& services, mongo::Session& session, std::string_view challenge,
    std::string_view code, const ClientInfo& client) {
  TokenFault fault{};
  const auto claims = services.tokens.verify(TokenUse::kSecondFactor, challenge, fault);
  const auto user_id = claims ? models::UserId::parse(claims->subject) : std::nullopt;
  if (!user_id) return WrongCredentials{};
  const auto known = AccountRepository(session, services.context).find_account(*user_id);
  if (const auto wait =
          services.limits.refuse(session, Attempt::kCode, *user_id, network_of(client.address),
                                 familiarity(known, client.address))) {
    return TooManyAttempts{*wait};
  }
  std::optional<schema::Email> recovered;
  auto begun = begin(services, session, *user_id, client, [&](Account& account) {
    recovered.reset();
    if (!has_second_factor(account) || password_mark(account) != claims->session_id) return false;
    // First the recovery codes: they let somebody in whose secret cannot be decrypted.
    if (take_recovery_code(account.recovery_codes, code)) {
      recovered = account.email;
      return true;
    }
    return take_stored_totp_code(services, account, code);
  });
  if (!begun) {
    log_security_event("code_refused", *user_id, client);
    return WrongCredentials{};
  }
  log_security_event(recovered ? "login_by_recovery_code" : "login_by_code", *user_id, client);
  if (recovered) {
    services.mail.submit(change_notice(services.settings, *recovered, Change::kRecoveryCodeUsed));
  }
  return signed_in(services, *user_id, *std::move(begun));
}

std::variant<SignedIn, RefreshFault, TooManyAttempts> refresh(const AccountServices& services,
                                                              mongo::Session& session,
                                                              std::string_view refresh_token,
                                                              const ClientInfo& client) {
  const auto shown = open_refresh_token(services.tokens, refresh_token);
  if (!shown) return RefreshFault::kUnknown;
  const RefreshToken& token = shown->token;
  // By network alone: 256 bits are not guessed, and whoever knows a user's id could otherwise keep
  // that user from refreshing.
  if (const auto wait =
          services.limits.refuse(session, Attempt::kToken, {}, network_of(client.address))) {
    return TooManyAttempts{*wait};
  }
  std::vector<std::string> successors;
  for (const std::string& secret : services.tokens.derive("refresh", token.text)) {
    successors.push_back(make_refresh_token(token.user_id, token.session_id, secret));
  }
  using Outcome = std::variant<SessionToken, RefreshFault>;
  const auto outcome =
      AccountRepository(session, services.context)
          .change_account(token.user_id, [&](Account& account) -> Outcome {
            if (!account.is_active) return RefreshFault::kUnknown;
            // Made up: what follows would take it for one that was used before.
            if (!shown->was_given_out && !has_token(account, token)) return RefreshFault::kUnknown;
            return refresh_session(account.login_sessions, token, successors, client,
                                   services.settings.sessions, services.now());
          });
  if (!outcome) return RefreshFault::kUnknown;
  if (const auto* fault = std::get_if<RefreshFault>(&*outcome)) {
    if (*fault == RefreshFault::kReused) {
      log_security_event("refresh_token_reused", token.user_id, client);
    }
    return *fault;
  }
  return signed_in(services, token.user_id, std::get<SessionToken>(*outcome));
}

void log_out(const AccountServices& services, mongo::Session& session,
             std::string_view refresh_token) {
  const auto shown = open_refresh_token(services.tokens, refresh_token);
  if (!shown) return;
  const RefreshToken& token = shown->token;
  AccountRepository(session, services.context).change_account(token.user_id, [&](Account& account) {
    return std::erase_if(account.login_sessions,
                         [&](const models::LoginSession& one) { return is_of(one, token); });
  });
}

std::variant<SignedIn, SecondFactorNeeded, WrongCredentials, NotLinked, NoEmail> log_in_by_provider(
    const AccountServices& services, mongo::Session& session, const ProviderIdentity& identity,
    const ClientInfo& client) {
  AccountRepository accounts(session, services.context);
  std::optional<Account> account = accounts.find_account(identity.provider, identity.subject);
  if (!account) {
    if (!identity.email) return NoEmail{};
    const auto same_address = accounts.find_account(*identity.email);
    const bool is_theirs =
        same_address ? link_to_address(services, accounts, *same_address, identity, client)
                     : register_by_provider(services, accounts, identity, client);
    if (!is_theirs) return NotLinked{};
    account = accounts.find_account(identity.provider, identity.subject);
  }
  if (!account || !account->is_active) return WrongCredentials{};
  if (has_second_factor(*account)) return challenge(services, *account);
  auto begun = begin(services, session, account->id, client,
                     [](const Account& now) { return !has_second_factor(now); });
  if (!begun) return WrongCredentials{};
  log_security_event("login", account->id, client);
  return signed_in(services, account->id, *std::move(begun));
}

std::optional<std::vector<models::LoginSession>> list_sessions(const AccountServices& services,
                                                               mongo::Session& session,
                                                               const models::UserId& user_id) {
  auto account = AccountRepository(session, services.context).find_account(user_id);
  if (!account) return std::nullopt;
  return live_sessions(std::move(account->login_sessions), services.settings.sessions,
                       services.now());
}

bool end_session(const AccountServices& services, mongo::Session& session,
                 const models::UserId& user_id, const models::SessionId& session_id) {
  return AccountRepository(session, services.context)
      .change_account(
          user_id,
          [&](Account& account) { return end_session(account.login_sessions, session_id); })
      .value_or(false);
}

std::size_t end_other_sessions(const AccountServices& services, mongo::Session& session,
                               const models::UserId& user_id,
                               const std::optional<models::SessionId>& keep) {
  return AccountRepository(session, services.context)
      .change_account(user_id,
                      [&](Account& account) {
                        return end_sessions_but(account.login_sessions, keep ? &*keep : nullptr);
                      })
      .value_or(0);
}

}  // namespace gesso::domain
