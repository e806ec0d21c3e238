#include "gesso/domain/identities.hpp"

#include <algorithm>
#include <functional>

#include "gesso/domain/account_mails.hpp"
#include "gesso/domain/identity_claims.hpp"

namespace gesso::domain {

using models::AuthProvider;
using models::LinkedIdentity;

namespace {

// Where the user's id at that provider stands in the list; claims do not count.
auto find_linked(const Account& account, AuthProvider provider) {
  return std::ranges::find_if(account.linked_identities, [&](const LinkedIdentity& one) {
    return one.provider == provider && !is_claim(one);
  });
}

std::ptrdiff_t count_of(const Account& account) {
  return std::ranges::count_if(account.linked_identities, std::not_fn(is_claim)) +
         (account.auth_provider == AuthProvider::kEmail ? 0 : 1);
}

// Where the first one goes, the next one takes its place.
void remove_identity(Account& account, AuthProvider provider) {
  if (account.auth_provider != provider) {
    account.linked_identities.erase(find_linked(account, provider));
    return;
  }
  account.auth_provider = AuthProvider::kEmail;
  account.auth_provider_id.reset();
  const auto found = std::ranges::find_if_not(account.linked_identities, is_claim);
  if (found == account.linked_identities.end()) return;
  const LinkedIdentity next = *found;
  account.linked_identities.erase(found);
  account.auth_provider = next.provider;
  account.auth_provider_id = next.auth_provider_id;
}

bool is_logged_in(const Account& account, const Requester& requester, Time now) {
  return account.is_active && requester.session_id &&
         std::ranges::any_of(account.login_sessions, [&](const models::LoginSession& one) {
           return one.id == *requester.session_id && now < one.expires_at;
         });
}

}  // namespace

std::optional<models::ForeignId> subject_at(const Account& account, AuthProvider provider) {
  if (account.auth_provider == provider) return account.auth_provider_id;
  const auto found = find_linked(account, provider);
  if (found == account.linked_identities.end()) return std::nullopt;
  return found->auth_provider_id;
}

void add_identity(Account& account, const ProviderIdentity& identity, Time now) {
  if (account.auth_provider == AuthProvider::kEmail) {
    account.auth_provider = identity.provider;
    account.auth_provider_id = identity.subject;
    return;
  }
  account.linked_identities.push_back(
      {.key = models::identity_key(identity.provider, identity.subject),
       .provider = identity.provider,
       .auth_provider_id = identity.subject,
       .linked_at = now});
}

std::optional<std::vector<LoginProvider>> list_login_providers(const AccountServices& services,
                                                               mongo::Session& session,
                                                               const models::UserId& user_id) {
  const auto account = AccountRepository(session, services.context).find_account(user_id);
  if (!account) return std::nullopt;
  const bool may_unlink = account->hashed_password || count_of(*account) > 1;
  std::vector<LoginProvider> providers;
  if (account->auth_provider != AuthProvider::kEmail) {
    providers.push_back({.provider = account->auth_provider, .may_unlink = may_unlink});
  }
  for (const LinkedIdentity& one : account->linked_identities) {
    if (is_claim(one)) continue;
    providers.push_back(
        {.provider = one.provider, .linked_at = one.linked_at, .may_unlink = may_unlink});
  }
  return providers;
}

std::variant<Accepted, IdentityTaken, ProviderIsLinked, NoSuchUser> link_identity(
    const AccountServices& services, mongo::Session& session, const Requester& requester,
    const ProviderIdentity& identity) {
  using Outcome = std::variant<Accepted, IdentityTaken, ProviderIsLinked, NoSuchUser>;
  AccountRepository accounts(session, services.context);
  const auto owner = accounts.find_account(identity.provider, identity.subject);
  if (owner && owner->id != requester.user_id) return IdentityTaken{};
  std::optional<schema::Email> email;
  Outcome refusal = NoSuchUser{};
  const auto may = [&](const Account& account) {
    refusal = NoSuchUser{};
    email = account.email;
    if (!is_logged_in(account, requester, services.now())) return false;
    const auto subject = subject_at(account, identity.provider);
    if (subject) {
      refusal = *subject == identity.subject ? Outcome(Accepted{}) : Outcome(ProviderIsLinked{});
    }
    return !subject;
  };
  switch (IdentityClaims(accounts, identity, services.context).link(requester.user_id, may)) {
    case IdentityClaims::Outcome::kRefused:
      return refusal;
    case IdentityClaims::Outcome::kTaken:
      return IdentityTaken{};
    case IdentityClaims::Outcome::kLinked:
      break;
  }
  log_security_event("provider_linked", requester.user_id, requester.client);
  services.mail.submit(change_notice(services.settings, *email, Change::kProviderLinked));
  return Accepted{};
}

std::variant<Accepted, NotLinkedHere, LastWayIn, NotProven, TooManyAttempts> unlink_identity(
    const AccountServices& services, const RunUnit& run, const Requester& requester,
    const Proof& proof, AuthProvider provider) {
  using Outcome = std::variant<Accepted, NotLinkedHere, LastWayIn, NotProven, TooManyAttempts>;
  std::optional<schema::Email> email;
  const auto outcome =
      change_proven<Outcome>(services, run, requester, proof, [&](Account& account) -> Outcome {
        email.reset();
        if (!subject_at(account, provider)) return NotLinkedHere{};
        if (!account.hashed_password && count_of(account) == 1) return LastWayIn{};
        remove_identity(account, provider);
        end_sessions_but(account.login_sessions,
                         requester.session_id ? &*requester.session_id : nullptr);
        email = account.email;
        return Accepted{};
      });
  if (email && std::holds_alternative<Accepted>(outcome)) {
    log_security_event("provider_unlinked", requester.user_id, requester.client);
    services.mail.submit(change_notice(services.settings, *email, Change::kProviderUnlinked));
  }
  return outcome;
}

}  // namespace gesso::domain
