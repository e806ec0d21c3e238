#include "gesso/domain/detail/limit_ledger.hpp"

#include <algorithm>
#include <utility>

namespace gesso::domain::detail {

using namespace std::chrono_literals;
using repositories::LimitWindow;

namespace {

// A tenth of the limit is taken at once, at most, and a quarter of what is left.
constexpr std::int64_t kLimitShare = 10;
constexpr std::int64_t kRestShare = 4;

constexpr std::chrono::seconds kLongestWait = std::chrono::days(365);

std::chrono::seconds seconds_to(Time end, Time now) {
  const auto left = std::chrono::ceil<std::chrono::seconds>(end - now);
  return std::clamp(left, std::chrono::seconds{1}, kLongestWait);
}

}  // namespace

std::int64_t LimitAsk::amount(std::int64_t count_now) const {
  const std::int64_t rest = limit - count_now;
  if (rest <= alone) return std::max<std::int64_t>(0, rest);  // what was allowed alone comes first
  return std::min(share, std::max<std::int64_t>(1, (rest - alone) / kRestShare)) + alone;
}

void LimitLedger::roll(std::span<const Quota> quotas, Time now) {
  for (std::size_t i = 0; i < quotas.size(); ++i) {
    const LimitWindow window = LimitWindow::at(now, quotas[i].window);
    if (accounts_[i].window != window) accounts_[i] = {.window = window};
  }
}

bool LimitLedger::claim_look(const Moment& moment, std::chrono::milliseconds look_again) {
  if (moment.steady - looked_at_ < look_again) return false;
  looked_at_ = moment.steady;
  look_due_ = true;
  return true;
}

std::optional<Refused> LimitLedger::refusal(std::span<const Quota> quotas, Time now) const {
  const bool blocked = blocked_until_ && *blocked_until_ > now;
  std::chrono::seconds wait = blocked ? seconds_to(*blocked_until_, now) : 0s;
  for (std::size_t i = 0; i < quotas.size(); ++i) {
    const Account& account = accounts_[i];
    if (account.used() < quotas[i].limit) continue;
    wait = std::max(wait, seconds_to(account.window.end(), now));
  }
  if (wait == 0s) return std::nullopt;
  return Refused{.state = state(quotas, now), .retry_after = wait, .blocked = blocked};
}

std::optional<LimitLedger::Answer> LimitLedger::answer(std::span<const Quota> quotas, Time now,
                                                       Counting counting) {
  if (auto refused = refusal(quotas, now)) return *std::move(refused);
  const bool lacking =
      std::any_of(accounts_.begin(), accounts_.begin() + static_cast<std::ptrdiff_t>(quotas.size()),
                  [](const Account& account) { return account.held == 0; });
  if (lacking && counting == Counting::kShared) return std::nullopt;
  for (std::size_t i = 0; i < quotas.size(); ++i) {
    Account& account = accounts_[i];
    ++account.served;
    if (account.held > 0) {
      --account.held;
    } else {
      ++account.alone;
    }
  }
  return Allowed{state(quotas, now)};
}

LimitState LimitLedger::state(std::span<const Quota> quotas, Time now) const {
  LimitState state;
  for (std::size_t i = 0; i < quotas.size(); ++i) {
    const std::int64_t left = quotas[i].limit - accounts_[i].used();
    state.add({.quota = quotas[i],
               .remaining = std::clamp<std::int64_t>(left, 0, quotas[i].limit),
               .reset = seconds_to(accounts_[i].window.end(), now)});
  }
  return state;
}

LimitPlan LimitLedger::plan(std::span<const Quota> quotas, const Moment& moment,
                            std::int64_t max_lease) {
  LimitPlan plan{.look = std::exchange(look_due_, false), .asks = {}, .size = quotas.size()};
  if (plan.look) looked_at_ = moment.steady;
  for (std::size_t i = 0; i < quotas.size(); ++i) {
    Account& account = accounts_[i];
    LimitAsk& ask = plan.asks[i];
    ask = {.window = account.window, .limit = quotas[i].limit, .needed = account.held == 0};
    if (!ask.needed) {
      --account.held;
      continue;
    }
    if (leasing_ == 0) {  // other plans take what they need themselves
      const std::int64_t most = std::min(ask.limit / kLimitShare, max_lease);
      ask.share = std::clamp<std::int64_t>(account.served, 1, std::max<std::int64_t>(1, most));
      ask.alone = account.alone;
    }
    if (account.known) ask.count = account.count;
  }
  ++leasing_;
  return plan;
}

void LimitLedger::settle(const LimitPlan& plan, const LimitTakings& takings) {
  leasing_ = std::max(0, leasing_ - 1);
  if (takings.looked) blocked_until_ = takings.blocked_until;
  for (std::size_t i = 0; i < plan.size; ++i) {
    Account& account = accounts_[i];
    const LimitAsk& ask = plan.asks[i];
    if (account.window != ask.window) continue;  // the window is over, and so is all of it
    const LimitTakings::One& one = takings.windows[i];
    if (one.count) {
      account.count = *one.count;
      account.known = true;
    }
    account.held += one.taken + (ask.needed ? 0 : 1);
    const std::int64_t paid = std::min(account.alone, account.held);
    account.alone -= paid;
    account.held -= paid;
  }
}

std::array<LimitLedger::Held, kMaxQuotas> LimitLedger::drain(Time now) {
  std::array<Held, kMaxQuotas> drained;
  for (std::size_t i = 0; i < accounts_.size(); ++i) {
    Account& account = accounts_[i];
    const std::int64_t amount = std::exchange(account.held, 0);
    account.count -= amount;
    drained[i] = {.window = account.window, .amount = account.window.end() > now ? amount : 0};
  }
  return drained;
}

std::int64_t LimitLedger::held(Time now) const {
  std::int64_t sum = 0;
  for (const Account& account : accounts_) {
    if (account.window.end() > now) sum += account.held;
  }
  return sum;
}

bool LimitLedger::is_over(Time now) const {
  return leasing_ == 0 && (!blocked_until_ || *blocked_until_ <= now) &&
         std::ranges::all_of(accounts_,
                             [&](const Account& account) { return account.window.end() <= now; });
}

}  // namespace gesso::domain::detail
