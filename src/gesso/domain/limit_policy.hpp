// How much whom is allowed: quotas by tier and by class of operations. Value types and pure
// functions.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "gesso/models/user.hpp"
#include "gesso/schema/enum.hpp"

namespace gesso::domain {

// What operations have in common for their limits. `kNone` is not limited.
enum class LimitClass { kNone, kRead, kWrite, kGenerate, kLogin, kWorker };
constexpr auto wire_texts(LimitClass) {
  return std::to_array<std::string_view>({"none", "read", "write", "generate", "login", "worker"});
}

// Who is limited: a caller of a tier, or one who is known by an address alone.
enum class LimitTier { kAnonymous, kFree, kBasic, kPro, kEnterprise };
constexpr auto wire_texts(LimitTier) {
  return std::to_array<std::string_view>({"anonymous", "free", "basic", "pro", "enterprise"});
}

[[nodiscard]] LimitTier limit_tier(models::SubscriptionTier tier);

// So many requests in each window of time.
struct Quota {
  std::string_view name;  // of static storage: "burst", "daily"
  std::int64_t limit = 0;
  std::chrono::seconds window{0};

  friend bool operator==(const Quota&, const Quota&) = default;
};

inline constexpr std::string_view kBurst = "burst";
inline constexpr std::string_view kDaily = "daily";
inline constexpr std::size_t kMaxQuotas = 2;

// The quotas that hold together for a tier and a class: each must have room. None: no limit.
class QuotaList {
  std::array<Quota, kMaxQuotas> quotas_{};
  std::size_t size_ = 0;

 public:
  constexpr QuotaList() = default;
  constexpr void add(const Quota& quota) { quotas_.at(size_++) = quota; }
  [[nodiscard]] constexpr std::span<const Quota> view() const { return {quotas_.data(), size_}; }
  [[nodiscard]] constexpr bool empty() const { return size_ == 0; }
  [[nodiscard]] constexpr std::size_t size() const { return size_; }

  friend bool operator==(const QuotaList&, const QuotaList&) = default;
};

class LimitTable {
  std::array<std::array<QuotaList, schema::kWireTexts<LimitClass>.size()>,
             schema::kWireTexts<LimitTier>.size()>
      quotas_{};

 public:
  // Without any limit.
  LimitTable() = default;

  [[nodiscard]] const QuotaList& at(LimitTier tier, LimitClass limit_class) const {
    return quotas_[static_cast<std::size_t>(tier)][static_cast<std::size_t>(limit_class)];
  }
  // REQUIRES: a class other than `kNone`.
  void set(LimitTier tier, LimitClass limit_class, const QuotaList& quotas);

  friend bool operator==(const LimitTable&, const LimitTable&) = default;
};

// What holds where the settings say nothing.
[[nodiscard]] LimitTable default_limits();

// Reads changes to the default limits: entries, each on a line or behind a ";".
//
//   free.generate = 5/1m, 50/1d; anonymous.* = 30/1m; enterprise.* = unlimited
//
// An entry is the whole of what holds for a tier and a class, "*" stands for all of them, and a
// later entry replaces an earlier one. A quota is a number of requests and a window, in s, m, h or
// d, where 1d is the daily quota and anything below it the burst quota; there is one of each at
// most. Throws Error: kValidation, which says for each entry that is wrong what is.
[[nodiscard]] LimitTable parse_limits(std::string_view text);

}  // namespace gesso::domain
