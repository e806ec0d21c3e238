// One identity at a provider is one user's, also where no index can say so: Cosmos DB (RU) knows
// none that is unique among the elements of lists, and no server one that covers both places in
// which identities stand.
//
// Whoever wants an identity first claims it: an element of `linked_identities` under a key of its
// own, by which nobody is logged in. Then it looks who else has it or claims it. A link that is
// there wins. Of two claims that of the lesser id wins: the other one is withdrawn, by whichever of
// the two sees both. Last, the claim becomes the link, if it is still there. Claim, withdrawal and
// link are changes of one document on condition of its revision, so of a link and a withdrawal one
// happens; and of two who claim, who looks second sees the other. Hence there are never two links,
// nobody loses one that was told, and of those who claim at one moment one gets it.
//
// What a crash leaves is a claim, which is no link; a minute later it is in nobody's way.
//
// Over one session, for one unit of work; borrows. Every call blocks.
#pragma once

#include <functional>

#include "gesso/domain/identities.hpp"

namespace gesso::domain {

// The user's id at that provider; std::nullopt where none of it is linked.
[[nodiscard]] std::optional<models::ForeignId> subject_at(const Account& account,
                                                          models::AuthProvider provider);
// Whether it is a claim, and no link.
[[nodiscard]] bool is_claim(const models::LinkedIdentity& one);

class IdentityClaims {
  AccountRepository& accounts_;
  const ProviderIdentity& identity_;
  models::LinkedIdentity claim_;

 public:
  IdentityClaims(AccountRepository& accounts, const ProviderIdentity& identity,
                 const repositories::RepositoryContext& context);

  enum class Outcome { kLinked, kTaken, kRefused };

  // Links the identity to the user if `may` says so of the account as it is then, which has none of
  // that provider. kTaken: another user has it, or is about to. kRefused: as `may` said, or there
  // is no such user.
  [[nodiscard]] Outcome link(const models::UserId& user_id,
                             const std::function<bool(const Account&)>& may) const;

  // For a user who is made with a claim: what the document begins with,
  [[nodiscard]] const models::LinkedIdentity& claim() const { return claim_; }
  // whether the user may claim it; rivals who may not are made to give way,
  [[nodiscard]] bool outranks_all(const models::UserId& user_id) const;
  // and whether the claim became the link. If not, it is gone.
  [[nodiscard]] bool settle(const models::UserId& user_id) const;

 private:
  [[nodiscard]] bool is_stale(const models::LinkedIdentity& claim) const;
  [[nodiscard]] bool has_link(const models::UserId& user_id) const;
  [[nodiscard]] bool is_linked_by_another(const models::UserId& user_id) const;
  void withdraw(const models::UserId& user_id, const models::LinkedIdentity& claim) const;
};

}  // namespace gesso::domain
