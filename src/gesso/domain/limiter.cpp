#include "gesso/domain/limiter.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <mutex>
#include <optional>
#include <utility>

#include "gesso/domain/detail/limit_ledger.hpp"
#include "gesso/domain/detail/limit_shard.hpp"

namespace gesso::domain {

using namespace std::chrono_literals;
using detail::Counting;
using detail::LimitAsk;
using detail::LimitLedger;
using detail::LimitLeftover;
using detail::LimitPlan;
using detail::LimitShard;
using detail::LimitTakings;
using detail::Moment;
using repositories::LimitStanding;
using repositories::LimitWindow;
using repositories::RateLimitRepository;

namespace detail {

// Whether the database is left alone because it failed. Thread-safe.
class Outage {
  using Ticks = std::chrono::steady_clock::rep;
  std::atomic<bool> on_ = false;
  std::atomic<Ticks> until_ = 0;
  std::atomic<bool> probe_due_ = false;

  static Ticks ticks(std::chrono::steady_clock::time_point moment) {
    return moment.time_since_epoch().count();
  }

 public:
  // Whether a call does without the database. Once in a while one does not, to see.
  [[nodiscard]] bool holds(const Moment& moment, std::chrono::milliseconds alone_for) {
    if (!on_.load(std::memory_order_acquire)) return false;
    if (!claim_probe(moment, alone_for)) return true;
    probe_due_ = true;  // for the lease that follows
    return false;
  }
  // The same for one that is on a database worker already.
  [[nodiscard]] bool holds_for_lease(const Moment& moment, std::chrono::milliseconds alone_for) {
    if (!on_.load(std::memory_order_acquire)) return false;
    return !probe_due_.exchange(false) && !claim_probe(moment, alone_for);
  }
  void begin(const Moment& moment, std::chrono::milliseconds alone_for, const Error& why) {
    until_ = ticks(moment.steady + alone_for);
    if (!on_.exchange(true)) {
      spdlog::warn("rate limits: every instance counts for itself until the database answers: {}",
                   why.what());
    }
  }
  void end() {
    if (!on_.load(std::memory_order_acquire)) return;
    if (on_.exchange(false)) spdlog::info("rate limits: the database counts again");
  }

 private:
  // One of all that come once the time is over.
  [[nodiscard]] bool claim_probe(const Moment& moment, std::chrono::milliseconds alone_for) {
    Ticks until = until_.load();
    return ticks(moment.steady) >= until &&
           until_.compare_exchange_strong(until, ticks(moment.steady + alone_for));
  }
};

// Leases of subjects that had to make room, until somebody gives them back. Thread-safe.
class Leftovers {
  static constexpr std::size_t kMost = 4096;
  std::mutex mutex_;  // guards list_
  std::vector<LimitLeftover> list_;
  std::atomic<bool> any_ = false;

 public:
  // Returns how many calls are lost since there is no place for them.
  std::int64_t add(std::vector<LimitLeftover> more) {
    std::int64_t lost = 0;
    const std::lock_guard lock(mutex_);
    for (LimitLeftover& one : more) {
      if (list_.size() < kMost) {
        list_.push_back(std::move(one));
      } else {
        lost += one.amount;
      }
    }
    any_ = !list_.empty();
    return lost;
  }
  [[nodiscard]] std::optional<LimitLeftover> next() {
    if (!any_.load(std::memory_order_relaxed)) return std::nullopt;
    const std::lock_guard lock(mutex_);
    if (list_.empty()) return std::nullopt;
    LimitLeftover one = std::move(list_.back());
    list_.pop_back();
    any_ = !list_.empty();
    return one;
  }
};

}  // namespace detail

namespace {

// Enough that two threads seldom meet.
constexpr std::size_t kShards = 64;
// A window may end, and others may be faster, while a lease is fetched; not again and again.
constexpr int kAttempts = 4;

// The subject's field in the database, beside the endpoints that `hit` counts.
std::string endpoint_of(LimitClass limit_class) {
  return "class:" + std::string(schema::to_string(limit_class));
}

// Sends a write that names its operation, and once more where the answer was lost.
template <class F>
auto safely(const mongo::Session& session, F&& write) {
  try {
    return write();
  } catch (const Error& error) {
    const bool lost =
        error.kind() == ErrorKind::kUnavailable || error.kind() == ErrorKind::kTimeout;
    if (!lost || session.deadline().expired()) throw;
  }
  return write();
}

void give_back(RateLimitRepository& limits, const mongo::Session& session,
               const LimitLeftover& leftover) {
  const models::LimitOperation operation = limits.next_operation();
  safely(session, [&] {
    limits.give_back(leftover.subject, endpoint_of(leftover.limit_class), leftover.window,
                     leftover.amount, operation);
  });
}

// Takes what a plan asks for, and writes down as it goes what came of it.
void carry_out(RateLimitRepository& limits, const mongo::Session& session,
               const models::LimitSubject& subject, LimitClass limit_class, LimitPlan& plan,
               LimitTakings& takings) {
  const std::string endpoint = endpoint_of(limit_class);
  if (plan.look) {
    std::vector<LimitWindow> windows;
    for (const LimitAsk& ask : plan.view()) windows.push_back(ask.window);
    const LimitStanding standing = limits.look(subject, endpoint, windows);
    takings.looked = true;
    takings.blocked_until = standing.blocked_until;
    for (std::size_t i = 0; i < plan.size; ++i) {
      plan.asks[i].count = takings.windows[i].count = standing.counts[i];
    }
    if (standing.blocked_until) return;
  }
  // Nothing is taken from one window where another has no room.
  const auto is_full = [](const LimitAsk& ask) {
    return ask.needed && ask.count && *ask.count + ask.alone >= ask.limit;
  };
  if (std::ranges::any_of(plan.view(), is_full)) return;
  for (std::size_t i = 0; i < plan.size; ++i) {
    const LimitAsk& ask = plan.asks[i];
    if (!ask.needed) continue;
    LimitTakings::One& one = takings.windows[i];
    std::int64_t amount = ask.amount(ask.count.value_or(0));
    for (int attempt = 0; attempt < kAttempts && amount > 0 && one.taken == 0; ++attempt) {
      const models::LimitOperation operation = limits.next_operation();
      const repositories::TakenCalls taken = safely(session, [&] {
        return limits.take(subject, endpoint, ask.window, ask.limit, amount, operation);
      });
      one.count = taken.count;
      if (taken.taken) one.taken = amount;
      amount = ask.amount(taken.count);
    }
    if (one.taken == 0) return;
  }
}

Moment moment_of(const Clock& clock) { return {.now = clock.now(), .steady = clock.steady_now()}; }

// The ledger's answer, once it is counted and a refusal is remembered.
std::optional<LimitLedger::Answer> answer_of(LimitShard& shard, LimitLedger& ledger,
                                             std::span<const Quota> quotas,
                                             const LimitCaller& caller, LimitClass limit_class,
                                             const Moment& moment, bool alone) {
  auto answer = ledger.answer(quotas, moment.now, alone ? Counting::kAlone : Counting::kShared);
  if (!answer) return answer;
  LimitShard::Counters& counters = shard.counters(limit_class);
  if (std::holds_alternative<Refused>(*answer)) {
    ++counters.refused;
    ledger.remember_refusal(caller.tier, moment);
  } else {
    ++counters.allowed;
    if (alone) ++counters.allowed_alone;
  }
  return answer;
}

}  // namespace

Limiter::Limiter(const LimitTable& table, const repositories::RepositoryContext& context,
                 const LimiterOptions& options)
    : table_(table),
      context_(context),
      options_(options),
      leftovers_(std::make_unique<detail::Leftovers>()),
      outage_(std::make_unique<detail::Outage>()) {
  for (std::size_t i = 0; i < kShards; ++i) shards_.push_back(std::make_unique<LimitShard>());
}

Limiter::~Limiter() = default;

LimitShard& Limiter::shard_of(std::string_view subject, LimitClass limit_class) const {
  return *shards_[LimitShard::hash(subject, limit_class) % kShards];
}

LimitLedger& Limiter::ledger_of(LimitShard& shard, std::string_view subject, LimitClass limit_class,
                                Time now) {
  std::vector<LimitLeftover> evicted;
  const std::size_t most = std::max<std::size_t>(1, options_.max_subjects / kShards);
  LimitLedger& ledger = shard.obtain(subject, limit_class, now, most, evicted);
  if (!evicted.empty()) lost_ += leftovers_->add(std::move(evicted));
  return ledger;
}

std::variant<Allowed, Refused, NeedsLease> Limiter::try_take(const LimitCaller& caller,
                                                             LimitClass limit_class) {
  const std::span<const Quota> quotas = table_.at(caller.tier, limit_class).view();
  if (quotas.empty()) return Allowed{};
  const Moment moment = moment_of(context_.clock);
  const bool alone = outage_->holds(moment, options_.alone_for);
  LimitShard& shard = shard_of(caller.subject, limit_class);
  const std::lock_guard lock(shard.mutex());
  LimitLedger* ledger = alone ? &ledger_of(shard, caller.subject, limit_class, moment.now)
                              : shard.find(caller.subject, limit_class);
  if (ledger == nullptr) return NeedsLease{};
  ledger->roll(quotas, moment.now);
  if (!alone && ledger->claim_look(moment, options_.look_again)) return NeedsLease{};
  const auto answer = answer_of(shard, *ledger, quotas, caller, limit_class, moment, alone);
  if (!answer) return NeedsLease{};
  return std::visit([](const auto& one) { return std::variant<Allowed, Refused, NeedsLease>(one); },
                    *answer);
}

std::optional<Refused> Limiter::recent_refusal(std::string_view subject, LimitClass limit_class) {
  const Moment moment = moment_of(context_.clock);
  LimitShard& shard = shard_of(subject, limit_class);
  const std::lock_guard lock(shard.mutex());
  LimitLedger* ledger = shard.find(subject, limit_class);
  if (ledger == nullptr) return std::nullopt;
  const auto tier = ledger->refused_as(moment, options_.refusal_holds);
  if (!tier) return std::nullopt;
  const std::span<const Quota> quotas = table_.at(*tier, limit_class).view();
  ledger->roll(quotas, moment.now);
  auto refused = ledger->refusal(quotas, moment.now);
  if (refused) ++shard.counters(limit_class).refused;
  return refused;
}

std::variant<Allowed, Refused> Limiter::lease(mongo::Session& session, const LimitCaller& caller,
                                              LimitClass limit_class) {
  return lease(session, caller, limit_class, table_.at(caller.tier, limit_class).view());
}

std::variant<Allowed, Refused> Limiter::lease(mongo::Session& session, std::string_view subject,
                                              const QuotaList& quotas) {
  return lease(session, {.subject = subject}, LimitClass::kLogin, quotas.view());
}

std::variant<Allowed, Refused> Limiter::lease(mongo::Session& session, const LimitCaller& caller,
                                              LimitClass limit_class,
                                              std::span<const Quota> quotas) {
  if (quotas.empty()) return Allowed{};
  const models::LimitSubject subject(caller.subject);
  RateLimitRepository limits(session, context_);
  LimitShard& shard = shard_of(caller.subject, limit_class);
  bool alone = outage_->holds_for_lease(moment_of(context_.clock), options_.alone_for);
  std::optional<LimitPlan> plan;
  LimitTakings takings;
  for (int attempt = 0;; ++attempt) {
    {
      const Moment moment = moment_of(context_.clock);
      const std::lock_guard lock(shard.mutex());
      LimitLedger& ledger = ledger_of(shard, caller.subject, limit_class, moment.now);
      // What was taken is handed out under the same lock, so that nobody else has it first.
      if (plan) ledger.settle(*plan, takings);
      ledger.roll(quotas, moment.now);
      if (!plan && !alone) (void)ledger.claim_look(moment, options_.look_again);
      if (plan || alone || !ledger.look_due()) {
        const auto answer = answer_of(shard, ledger, quotas, caller, limit_class, moment, alone);
        if (answer) return *answer;
      }
      // A window ended each time, or others took what was given back: rather too few than too many.
      if (attempt == kAttempts) {
        ++shard.counters(limit_class).refused;
        return Refused{.state = ledger.state(quotas, moment.now), .retry_after = 1s};
      }
      plan = ledger.plan(quotas, moment, options_.max_lease);
    }
    ++leases_;
    takings = {};
    try {
      carry_out(limits, session, subject, limit_class, *plan, takings);
      outage_->end();
    } catch (const Error& error) {
      ++failed_leases_;
      outage_->begin(moment_of(context_.clock), options_.alone_for, error);
      alone = true;
    }
    if (!alone) give_one_back(session, limits);
  }
}

void Limiter::give_one_back(mongo::Session& session, RateLimitRepository& limits) {
  const auto leftover = leftovers_->next();
  if (!leftover) return;
  try {
    give_back(limits, session, *leftover);
  } catch (const Error&) {
    lost_ += leftover->amount;
  }
}

std::int64_t Limiter::release_all(mongo::Session& session) {
  std::vector<LimitLeftover> leftovers;
  while (auto leftover = leftovers_->next()) leftovers.push_back(std::move(*leftover));
  for (const auto& shard : shards_) {
    const std::lock_guard lock(shard->mutex());
    shard->drain(context_.clock.now(), leftovers);
  }
  // The longest windows first: what is lost to them is missed longest.
  std::ranges::sort(leftovers, std::ranges::greater{},
                    [](const LimitLeftover& leftover) { return leftover.window.end(); });
  RateLimitRepository limits(session, context_);
  std::int64_t released = 0;
  std::int64_t all = 0;
  for (const LimitLeftover& leftover : leftovers) all += leftover.amount;
  lost_ += all;
  for (const LimitLeftover& leftover : leftovers) {
    if (session.deadline().expired()) break;
    give_back(limits, session, leftover);
    released += leftover.amount;
    lost_ -= leftover.amount;
  }
  return released;
}

LimiterStatistics Limiter::statistics() const {
  LimiterStatistics sum{.leases = leases_, .failed_leases = failed_leases_, .lost = lost_};
  const Time now = context_.clock.now();
  for (const auto& shard : shards_) {
    const std::lock_guard lock(shard->mutex());
    for (std::size_t i = 0; i < sum.by_class.size(); ++i) {
      const LimitShard::Counters& counters = shard->counters_by_class[i];
      sum.by_class[i].allowed += counters.allowed;
      sum.by_class[i].refused += counters.refused;
      sum.allowed += counters.allowed;
      sum.refused += counters.refused;
      sum.allowed_alone += counters.allowed_alone;
    }
    sum.subjects += shard->size();
    sum.held += shard->held(now);
  }
  return sum;
}

}  // namespace gesso::domain
