// Rate limits that all instances share, at the cost of few writes: an instance takes calls from the
// window's counter in the database in advance, a lease of them, and hands them out by itself.
//
//   switch on limiter.try_take(caller, limit_class):      on any thread; never blocks
//     Allowed, Refused   that is the answer
//     NeedsLease         ask limiter.lease(session, caller, limit_class) on a database worker
//
// What holds:
// - All instances together allow no more than the limit in a window, for no call is allowed that
//   the counter has not counted. Where instances hold leases that they do not use, fewer.
// - A lease grows with its use: as many calls as this instance has allowed in the window so far, up
//   to a tenth of the limit, and at most a quarter of what is left. With a limit below 20 it is one
//   call, and all that the limit allows are allowed.
// - Of a class's quotas all have room or none is used: who is refused by one pays nothing to the
//   others.
// - That a quota is used up is remembered to the end of its window, and so a flood of calls that
//   are refused costs no work in the database, but for one query a minute and subject, which
//   notices what others gave back, a reset, and a block.
// - Nothing of a tier is remembered: another tier's quotas hold from the next call on.
//
// Windows follow the wall clock. An instance whose clock is wrong counts in another window's
// document, exactly as well.
//
// Where the database fails, an instance goes on by itself, with the same limits but a counter of
// its own: limits exist so that the service stays usable, and refusing everybody would be the
// outage that they prevent; yet nobody gets more than the limit times the number of instances, so
// that guessing passwords stays as hopeless as it was. What was allowed meanwhile is counted when
// the database is back. Every such call is counted in the statistics, the change is logged once.
//
// Memory is bounded: the subject that was seen least recently makes room, and its leases go back.
//
// Thread-safe; a lock is held for a look-up, never over a call. Borrows the context.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "gesso/domain/limit_policy.hpp"
#include "gesso/mongo/session.hpp"
#include "gesso/repositories/rate_limit_repository.hpp"
#include "gesso/repositories/repository_context.hpp"

namespace gesso::domain {

struct LimitCaller {
  std::string_view subject;  // an id, or what `address_subject` makes of an address
  LimitTier tier = LimitTier::kAnonymous;
};

// How a quota stands, for response headers.
struct QuotaState {
  Quota quota;
  std::int64_t remaining = 0;     // as far as this instance knows
  std::chrono::seconds reset{0};  // to the end of the window, rounded up
};

class LimitState {
  std::array<QuotaState, kMaxQuotas> quotas_{};
  std::size_t size_ = 0;

 public:
  void add(const QuotaState& state) { quotas_.at(size_++) = state; }
  // In the order of the policy; none where nothing limits.
  [[nodiscard]] std::span<const QuotaState> quotas() const { return {quotas_.data(), size_}; }
};

struct Allowed {
  LimitState state;
};

// The quotas that refuse are those of which nothing remains.
struct Refused {
  LimitState state;
  std::chrono::seconds retry_after{0};
  bool blocked = false;  // by somebody's decision, whatever was used
};

struct NeedsLease {};

struct LimiterOptions {
  std::size_t max_subjects = 65'536;  // pairs of a subject and a class, at about 300 bytes each
  std::int64_t max_lease = 10'000;
  // How long what is known of a subject is trusted.
  std::chrono::milliseconds look_again{60'000};
  std::chrono::milliseconds refusal_holds{1'000};
  // How long the database is left alone after it failed.
  std::chrono::milliseconds alone_for{2'000};
};

struct LimiterStatistics {
  struct OfClass {
    std::uint64_t allowed = 0;
    std::uint64_t refused = 0;
  };
  std::array<OfClass, schema::kWireTexts<LimitClass>.size()> by_class = {};  // in their order
  std::uint64_t allowed = 0;
  std::uint64_t refused = 0;
  std::uint64_t leases = 0;         // units of work in the database
  std::uint64_t failed_leases = 0;  // of them, those that failed
  std::uint64_t allowed_alone = 0;  // of `allowed`, those while the database failed
  std::int64_t lost = 0;            // calls taken in advance that could not be given back
  std::size_t subjects = 0;         // pairs of a subject and a class in memory now
  std::int64_t held = 0;            // calls taken in advance and not used yet
};

namespace detail {
class Leftovers;
class LimitLedger;
class LimitShard;
class Outage;
}  // namespace detail

class Limiter {
  LimitTable table_;
  const repositories::RepositoryContext& context_;
  LimiterOptions options_;
  std::vector<std::unique_ptr<detail::LimitShard>> shards_;
  std::unique_ptr<detail::Leftovers> leftovers_;
  std::unique_ptr<detail::Outage> outage_;
  std::atomic<std::uint64_t> leases_ = 0;
  std::atomic<std::uint64_t> failed_leases_ = 0;
  std::atomic<std::int64_t> lost_ = 0;

  [[nodiscard]] detail::LimitShard& shard_of(std::string_view subject,
                                             LimitClass limit_class) const;
  // REQUIRES: the shard's lock.
  [[nodiscard]] detail::LimitLedger& ledger_of(detail::LimitShard& shard, std::string_view subject,
                                               LimitClass limit_class, Time now);
  [[nodiscard]] std::variant<Allowed, Refused> lease(mongo::Session& session,
                                                     const LimitCaller& caller,
                                                     LimitClass limit_class,
                                                     std::span<const Quota> quotas);
  void give_one_back(mongo::Session& session, repositories::RateLimitRepository& limits);

 public:
  Limiter(const LimitTable& table, const repositories::RepositoryContext& context,
          const LimiterOptions& options = {});
  ~Limiter();
  Limiter(const Limiter&) = delete;
  Limiter& operator=(const Limiter&) = delete;

  // Takes a call from what this instance has, if it can tell. Does not block.
  [[nodiscard]] std::variant<Allowed, Refused, NeedsLease> try_take(const LimitCaller& caller,
                                                                    LimitClass limit_class);

  // The refusal that the subject got within the last second (`refusal_holds`), if it would get it
  // again: for who knows the subject already, and its tier only once the database was asked. So a
  // flood of refused calls stays away from there. Does not block.
  [[nodiscard]] std::optional<Refused> recent_refusal(std::string_view subject,
                                                      LimitClass limit_class);

  // Takes a call, and to that end a lease where this instance has none. Blocks for a few commands.
  // A database that fails is no Error. Throws Error: kValidation for a subject of no or more than
  // 128 characters.
  [[nodiscard]] std::variant<Allowed, Refused> lease(mongo::Session& session,
                                                     const LimitCaller& caller,
                                                     LimitClass limit_class);

  // The same for a subject with quotas of its own, whatever the table says. It is no subject of any
  // other call.
  [[nodiscard]] std::variant<Allowed, Refused> lease(mongo::Session& session,
                                                     std::string_view subject,
                                                     const QuotaList& quotas);

  // Gives back what was taken in advance and not used, by the deadline of the session, and returns
  // how many calls those were. For a clean stop; calls that come later take new leases. Throws what
  // the session throws; what was not given back by then is lost to its windows.
  std::int64_t release_all(mongo::Session& session);

  // Looks at every subject; for metrics.
  [[nodiscard]] LimiterStatistics statistics() const;
};

}  // namespace gesso::domain
