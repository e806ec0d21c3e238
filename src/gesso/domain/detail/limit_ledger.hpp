// What an instance knows of one subject and one class of operations: how far each quota's window is
// used, and what of it the instance has taken in advance. No I/O and no clock of its own.
//
// Not thread-safe; its shard's lock guards it.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <variant>

#include "gesso/domain/limiter.hpp"
#include "gesso/repositories/rate_limit_repository.hpp"

namespace gesso::domain::detail {

struct Moment {
  Time now;
  std::chrono::steady_clock::time_point steady;
};

enum class Counting {
  kShared,  // a call needs one that the database has counted
  kAlone,   // the database fails: this instance's count alone decides
};

// What is to be taken from one window, as far as is known before the database is asked.
struct LimitAsk {
  repositories::LimitWindow window;
  std::int64_t limit = 0;
  bool needed = false;     // otherwise there is one already, and it is kept for this call
  std::int64_t share = 1;  // how many calls are wanted
  std::int64_t alone = 0;  // and these, which were allowed without the database
  std::optional<std::int64_t> count = {};  // of the window, where it is known

  // How many calls to take, given the window's count; 0 where it has no room.
  [[nodiscard]] std::int64_t amount(std::int64_t count_now) const;
};

struct LimitPlan {
  bool look = false;  // at the counts and the block, before anything is taken
  std::array<LimitAsk, kMaxQuotas> asks = {};
  std::size_t size = 0;

  [[nodiscard]] std::span<LimitAsk> view() { return {asks.data(), size}; }
  [[nodiscard]] std::span<const LimitAsk> view() const { return {asks.data(), size}; }
};

// What came of a plan, as far as it went.
struct LimitTakings {
  struct One {
    std::int64_t taken = 0;
    std::optional<std::int64_t> count = {};
  };
  bool looked = false;
  std::optional<Time> blocked_until = {};
  std::array<One, kMaxQuotas> windows = {};
};

class LimitLedger {
  struct Account {
    repositories::LimitWindow window = {};
    bool known = false;       // whether `count` is what the database said of this window
    std::int64_t count = 0;   // of all instances, with what they hold
    std::int64_t held = 0;    // of it, what this instance may still allow
    std::int64_t alone = 0;   // calls that were allowed and are not in `count`
    std::int64_t served = 0;  // calls that this instance allowed

    [[nodiscard]] std::int64_t used() const { return count - held + alone; }
  };
  std::array<Account, kMaxQuotas> accounts_ = {};
  std::optional<Time> blocked_until_ = {};
  std::chrono::steady_clock::time_point looked_at_ = {};
  bool look_due_ = true;
  int leasing_ = 0;  // plans that are under way
  std::optional<std::chrono::steady_clock::time_point> refused_at_ = {};
  LimitTier refused_as_ = LimitTier::kAnonymous;

 public:
  using Answer = std::variant<Allowed, Refused>;

  // Goes on to the windows that the moment falls into. Whatever else is asked follows it.
  void roll(std::span<const Quota> quotas, Time now);

  // Whether the time has come to ask the database again; only the first to ask is told so.
  [[nodiscard]] bool claim_look(const Moment& moment, std::chrono::milliseconds look_again);
  [[nodiscard]] bool look_due() const { return look_due_; }

  // Allows a call and takes it from every quota, or refuses it. std::nullopt where that takes a
  // lease, and nothing has changed.
  [[nodiscard]] std::optional<Answer> answer(std::span<const Quota> quotas, Time now,
                                             Counting counting);

  // The refusal, where a call would not be allowed now.
  [[nodiscard]] std::optional<Refused> refusal(std::span<const Quota> quotas, Time now) const;
  void remember_refusal(LimitTier tier, const Moment& moment) {
    refused_as_ = tier;
    refused_at_ = moment.steady;
  }
  // The tier whose quotas refused a call within the last `holds`.
  [[nodiscard]] std::optional<LimitTier> refused_as(const Moment& moment,
                                                    std::chrono::milliseconds holds) const {
    if (!refused_at_ || moment.steady - *refused_at_ >= holds) return std::nullopt;
    return refused_as_;
  }
  // How the quotas stand.
  [[nodiscard]] LimitState state(std::span<const Quota> quotas, Time now) const;

  // What a lease takes. What is held of the other quotas is set aside for the call that asks, until
  // `settle`.
  [[nodiscard]] LimitPlan plan(std::span<const Quota> quotas, const Moment& moment,
                               std::int64_t max_lease);
  void settle(const LimitPlan& plan, const LimitTakings& takings);

  // How many calls of a window are held; none from here on.
  struct Held {
    repositories::LimitWindow window;
    std::int64_t amount = 0;
  };
  [[nodiscard]] std::array<Held, kMaxQuotas> drain(Time now);
  [[nodiscard]] std::int64_t held(Time now) const;
  // Whether nothing of it matters any more.
  [[nodiscard]] bool is_over(Time now) const;
};

}  // namespace gesso::domain::detail
