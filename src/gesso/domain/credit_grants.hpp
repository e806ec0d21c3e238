// Credits that an administrator grants, exactly: whatever crashes, a grant is in the user's usage
// log and in the user's balance, or in neither; and a request that is repeated grants once.
//
// 1. An attempt places a pending grant with a token of its own in the user's document.
// 2. It inserts the entry of the usage log, which names the token. Its id follows from the
//    administrator and the idempotency key, and the index on `_id` decides which attempt counts.
// 3. One update takes the pending grant away and, if the entry names it, adds its credits. It
//    matches while the pending grant is there, so whoever comes second changes nothing.
// Whoever finds a pending grant after a crash has all that the two steps that are left take. From
// the first step on the grant is made for certain; its credits are there with the third.
//
// Over one session, for one unit of work, as the repositories are. Every call blocks.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <variant>

#include "gesso/domain/account_services.hpp"
#include "gesso/domain/idempotency.hpp"
#include "gesso/models/credit_grant.hpp"
#include "gesso/models/usage_log.hpp"
#include "gesso/repositories/usage_log_repository.hpp"
#include "gesso/repositories/user_repository.hpp"

namespace gesso::domain {

struct GrantRequest {
  models::UserId user_id;  // who gets them
  models::CreditGrant grant;
};

// The entry of the usage log that is the grant, also where an earlier request made it.
using GrantOutcome = std::variant<models::UsageLog, NoSuchUser, KeyReused>;

struct GrantSweepReport {
  std::int64_t finished = 0;  // pending grants that a crash left
  std::int64_t failed = 0;    // documents that make no sense: left as they are
};

class CreditGrants {
  repositories::UserRepository users_;
  repositories::UsageLogRepository logs_;
  const repositories::RepositoryContext* context_;

 public:
  CreditGrants(mongo::Session& session, const repositories::RepositoryContext& context)
      : users_(session, context), logs_(session, context), context_(&context) {}

  // Grants, unless a request with the key did. NoSuchUser also for a deleted account. After an
  // Error the grant may have been made, or be made by the sweep: repeat it with the same key.
  // Throws Error: kConflict (retryable) where the key's grant is just being forgotten.
  [[nodiscard]] GrantOutcome grant(const GrantRequest& request,
                                   const std::optional<IdempotencyKey>& key = {});

  // Finishes what is older than `older_than`, at most 1000 users. Safe at any age and from many
  // processes at once.
  GrantSweepReport sweep(std::chrono::milliseconds older_than = std::chrono::minutes(5));

 private:
  // The entry that decides about a pending grant: inserts it, or finds the one that is there.
  [[nodiscard]] models::UsageLog decide(const models::UserId& user_id,
                                        const models::PendingGrant& pending);
  void resolve(const models::UserId& user_id, const models::ChargeToken& token,
               const models::UsageLog& entry);
};

}  // namespace gesso::domain
