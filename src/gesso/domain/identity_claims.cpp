#include "gesso/domain/identity_claims.hpp"

#include <algorithm>
#include <string>
#include <vector>

#include "gesso/base/error.hpp"

namespace gesso::domain {

using models::IdentityKey;
using models::LinkedIdentity;
using models::User;
using models::UserId;

namespace {

using namespace query;

constexpr std::string_view kClaim = "claim/";
// Far longer than it takes to make a link of it.
constexpr std::chrono::minutes kClaimLifetime{1};

IdentityKey link_key(const ProviderIdentity& identity) {
  return models::identity_key(identity.provider, identity.subject);
}

IdentityKey claim_key(const ProviderIdentity& identity) {
  return std::string(kClaim) + link_key(identity).str();
}

std::vector<Account> holders(AccountRepository& accounts, const IdentityKey& key) {
  return accounts.find_many(where<&User::linked_identities, &LinkedIdentity::key> == key, unsorted,
                            {}, project<Account>());
}

bool is_any_but(const std::vector<Account>& accounts, const UserId& user_id) {
  return std::ranges::any_of(accounts, [&](const Account& one) { return one.id != user_id; });
}

}  // namespace

bool is_claim(const LinkedIdentity& one) { return one.key.str().starts_with(kClaim); }

// The user's id at the provider stands in the key; in its own place is what tells this claim from
// all others, also those of the same user in the same millisecond.
IdentityClaims::IdentityClaims(AccountRepository& accounts, const ProviderIdentity& identity,
                               const repositories::RepositoryContext& context)
    : accounts_(accounts),
      identity_(identity),
      claim_{.key = claim_key(identity),
             .provider = identity.provider,
             .auth_provider_id = context.ids.ulid(),
             .linked_at = context.clock.now()} {}

bool IdentityClaims::is_stale(const LinkedIdentity& claim) const {
  return claim.linked_at + kClaimLifetime <= claim_.linked_at;
}

void IdentityClaims::withdraw(const UserId& user_id, const LinkedIdentity& claim) const {
  accounts_.change_account(
      user_id, [&](Account& account) { return std::erase(account.linked_identities, claim); });
}

// First the list: an identity moves from there to the first place, never back.
bool IdentityClaims::is_linked_by_another(const UserId& user_id) const {
  return is_any_but(holders(accounts_, link_key(identity_)), user_id) ||
         is_any_but(accounts_.find_many(where<&User::auth_provider> == identity_.provider &&
                                            where<&User::auth_provider_id> == identity_.subject,
                                        unsorted, {}, project<Account>()),
                    user_id);
}

// First the claims: a claim becomes a link, never a link a claim. So of a rival whose claim became
// one before it could be withdrawn the link is seen.
bool IdentityClaims::outranks_all(const UserId& user_id) const {
  for (const Account& rival : holders(accounts_, claim_.key)) {
    if (rival.id == user_id) continue;
    for (const LinkedIdentity& one : rival.linked_identities) {
      if (one.key != claim_.key) continue;
      if (!is_stale(one) && rival.id < user_id) return false;
      withdraw(rival.id, one);
    }
  }
  return !is_linked_by_another(user_id);
}

bool IdentityClaims::has_link(const UserId& user_id) const {
  const auto account = accounts_.find_account(user_id);
  return account && subject_at(*account, identity_.provider) == identity_.subject;
}

bool IdentityClaims::settle(const UserId& user_id) const {
  if (!outranks_all(user_id)) {
    withdraw(user_id, claim_);
    // By the same user, before the rival came whose claim is in the way.
    return has_link(user_id);
  }
  const auto make_link = [&](Account& account) {
    const bool is_claimed = std::erase(account.linked_identities, claim_) > 0;
    // By the same user a moment ago.
    if (const auto subject = subject_at(account, identity_.provider)) {
      return *subject == identity_.subject;
    }
    if (is_claimed) add_identity(account, identity_, claim_.linked_at);
    return is_claimed;
  };
  try {
    return accounts_.change_account(user_id, make_link).value_or(false);
  } catch (const Error& error) {
    // Another user has it, where an index tells.
    if (error.kind() != ErrorKind::kDuplicate) throw;
  }
  withdraw(user_id, claim_);
  return has_link(user_id);
}

IdentityClaims::Outcome IdentityClaims::link(const UserId& user_id,
                                             const std::function<bool(const Account&)>& may) const {
  for (auto retry = accounts_.optimistic_retry(); retry.next();) {
    bool is_claimed = false;
    try {
      const auto claimed = accounts_.change_account(user_id, [&](Account& account) {
        if (!may(account)) return false;
        std::erase_if(account.linked_identities,
                      [&](const LinkedIdentity& one) { return is_claim(one) && is_stale(one); });
        account.linked_identities.push_back(claim_);
        return true;
      });
      if (!claimed.value_or(false)) return Outcome::kRefused;
      is_claimed = true;
    } catch (const Error& error) {
      // Another user claims it, where an index tells.
      if (error.kind() != ErrorKind::kDuplicate) throw;
    }
    if (is_claimed) return settle(user_id) ? Outcome::kLinked : Outcome::kTaken;
    if (!outranks_all(user_id)) break;
  }
  return has_link(user_id) ? Outcome::kLinked : Outcome::kTaken;
}

}  // namespace gesso::domain
