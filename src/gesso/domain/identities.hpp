// The accounts at other providers that log a user in: listed, linked by who is logged in, unlinked.
//
// A user has at most one of each provider. The first one is a pair of fields of User's, the others
// are a list behind it; here they are all alike. Who has neither a password nor one of them could
// never log in again, so the last way in is not taken away.
#pragma once

#include <optional>
#include <variant>
#include <vector>

#include "gesso/domain/account_services.hpp"
#include "gesso/domain/reauthentication.hpp"

namespace gesso::domain {

// What another provider says of somebody who logged in there. Whether that word is good was checked
// before, and `email` is set only where the provider vouches for it.
struct ProviderIdentity {
  models::AuthProvider provider;
  models::ForeignId subject;
  std::optional<schema::Email> email = {};
  std::optional<models::FullName> full_name = {};
};

// One way to log in, as its user sees it.
struct LoginProvider {
  models::AuthProvider provider = models::AuthProvider::kGoogle;
  std::optional<Time> linked_at = {};  // unknown of the first one
  bool may_unlink = false;             // false: it is the last way in
};

struct IdentityTaken {};     // it logs another user in
struct ProviderIsLinked {};  // another account at that provider is linked already
struct NotLinkedHere {};     // there is none of that provider
struct LastWayIn {};         // set a password first, or link another provider

// Adds an identity to an account in memory. REQUIRES: the account has none of that provider.
void add_identity(Account& account, const ProviderIdentity& identity, Time now);

// The first one, then in the order in which they were linked. std::nullopt: no such user.
[[nodiscard]] std::optional<std::vector<LoginProvider>> list_login_providers(
    const AccountServices& services, mongo::Session& session, const models::UserId& user_id);

// Links what the provider said of whoever came back from it. The requester proved to be present
// when that began (see reauthentication.hpp); now the session has to be alive still. `Accepted`
// also where it was linked before. The user is told by mail.
[[nodiscard]] std::variant<Accepted, IdentityTaken, ProviderIsLinked, NoSuchUser> link_identity(
    const AccountServices& services, mongo::Session& session, const Requester& requester,
    const ProviderIdentity& identity);

// Takes it away and ends the other sessions: who came in by it is out. The user is told by mail.
// Hashes.
[[nodiscard]] std::variant<Accepted, NotLinkedHere, LastWayIn, NotProven, TooManyAttempts>
unlink_identity(const AccountServices& services, const RunUnit& run, const Requester& requester,
                const Proof& proof, models::AuthProvider provider);

}  // namespace gesso::domain
