#include "gesso/domain/credit_grants.hpp"

#include <utility>
#include <vector>

#include "gesso/base/error.hpp"

namespace gesso::domain {

using namespace query;
using models::ChargeToken;
using models::PendingGrant;
using models::UsageLog;
using models::User;
using models::UserId;

namespace {

constexpr std::size_t kSweepLimit = 1000;

UsageLog entry_of(const UserId& user_id, const PendingGrant& pending) {
  return {.id = pending.log_id,
          .user_id = user_id,
          .action_type = models::ActionType::kCreditGrant,
          .grant = pending.grant,
          .grant_token = pending.token,
          .created_at = pending.at,
          .expires_at = pending.at + UsageLog::kLifetime};
}

GrantOutcome answer(UsageLog entry, const GrantRequest& request) {
  if (entry.user_id != request.user_id || entry.grant != request.grant) return KeyReused{};
  return entry;
}

}  // namespace

GrantOutcome CreditGrants::grant(const GrantRequest& request,
                                 const std::optional<IdempotencyKey>& key) {
  const models::UsageLogId id = key ? keyed_grant_id(request.grant.granted_by, *key)
                                    : models::UsageLogId::next(context_->ids);
  if (key) {
    if (auto entry = logs_.find_by_id(id)) {
      // The request that made it may have died before it added the credits.
      if (entry->grant_token) resolve(entry->user_id, *entry->grant_token, *entry);
      return answer(*std::move(entry), request);
    }
  }
  const PendingGrant pending{.token = context_->ids.next("grant_"),
                             .log_id = id,
                             .grant = request.grant,
                             .at = context_->clock.now()};
  const bool placed =
      users_.change_one(where<&User::id> == request.user_id && where<&User::deleted_at>.missing(),
                        update(push<&User::pending_grants>(pending)));
  if (!placed) return NoSuchUser{};
  UsageLog entry = decide(request.user_id, pending);
  resolve(request.user_id, pending.token, entry);
  if (entry.grant_token && entry.grant_token != pending.token) {
    resolve(entry.user_id, *entry.grant_token, entry);  // of the attempt that was faster
  }
  return answer(std::move(entry), request);
}

UsageLog CreditGrants::decide(const UserId& user_id, const PendingGrant& pending) {
  UsageLog entry = entry_of(user_id, pending);
  try {
    logs_.insert(entry);
    return entry;
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::kDuplicate) throw;
  }
  if (auto known = logs_.find_by_id(pending.log_id)) return *std::move(known);
  // It is due to be deleted: as good as not there, and yet its id is taken.
  throw Error(ErrorKind::kConflict, "the grant of this key is being forgotten: use another key",
              {.retryable = true, .ns = logs_.ns(), .operation = "insert"});
}

void CreditGrants::resolve(const UserId& user_id, const ChargeToken& token, const UsageLog& entry) {
  auto changes = update(pull<&User::pending_grants>(where<&PendingGrant::token> == token));
  if (entry.grant && entry.grant_token == token) {
    changes.add(inc<&User::credits_remaining>(entry.grant->credits.value()));
  }
  users_.change_one(
      where<&User::id> == user_id && where<&User::pending_grants, &PendingGrant::token> == token,
      std::move(changes));
}

GrantSweepReport CreditGrants::sweep(std::chrono::milliseconds older_than) {
  const Time before = context_->clock.now() - older_than;
  GrantSweepReport report;
  // Found first and changed afterwards: a change moves a document within the index that is read.
  std::vector<User> left;
  auto found = users_.stream(where<&User::pending_grants, &PendingGrant::at> <= before, unsorted,
                             {.skip_undecodable = [&](const Error&) { ++report.failed; }});
  while (left.size() < kSweepLimit) {
    auto user = found.next();
    if (!user) break;
    left.push_back(*std::move(user));
  }
  for (const User& user : left) {
    for (const PendingGrant& pending : user.pending_grants) {
      if (pending.at > before) continue;
      try {
        resolve(user.id, pending.token, decide(user.id, pending));
        ++report.finished;
      } catch (const Error& error) {
        // One that makes no sense must not keep the sweep from all others.
        if (error.kind() != ErrorKind::kInternal && error.kind() != ErrorKind::kConflict) throw;
        ++report.failed;
      }
    }
  }
  return report;
}

}  // namespace gesso::domain
