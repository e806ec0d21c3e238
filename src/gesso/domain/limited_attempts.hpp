// Attempts counted by the limiter that all instances share: narrowly for an account from one
// network, widely for an account from all strange networks together; codes by quotas of their own.
//
// Thread-safe; blocks on the database. Borrows the context.
#pragma once

#include <array>
#include <string_view>
#include <utility>

#include "gesso/domain/attempt_limits.hpp"
#include "gesso/domain/limit_policy.hpp"
#include "gesso/domain/limiter.hpp"

namespace gesso::domain {

// What holds where nothing else is said. Attempts that succeed count too, so a program that logs in
// every few minutes has to fit in; whoever guesses from one network gets 500 guesses a day, and all
// strange networks together 1,000.
[[nodiscard]] QuotaList default_network_quotas();
[[nodiscard]] QuotaList default_narrow_quotas();
[[nodiscard]] QuotaList default_wide_quotas();
// Of codes, which have six digits, three of which are good at a time: whoever knows the password
// finds one of a hundred in 33 days (NIST SP 800-63B, 3.2.2, allows a hundred failures in a row).
[[nodiscard]] QuotaList default_code_quotas();

struct AttemptQuotas {
  // For what concerns no account yet, registrations above all: an office shares it.
  QuotaList network = default_network_quotas();
  QuotaList narrow = default_narrow_quotas();
  QuotaList wide = default_wide_quotas();
  QuotaList codes = default_code_quotas();  // from all strange networks, from each familiar one

  [[nodiscard]] static AttemptQuotas unlimited() {
    return {.network = {}, .narrow = {}, .wide = {}, .codes = {}};
  }
};

class LimitedAttempts final : public AttemptLimits {
  Limiter network_;
  Limiter narrow_;
  Limiter wide_;
  Limiter codes_;

 public:
  explicit LimitedAttempts(const repositories::RepositoryContext& context,
                           const AttemptQuotas& quotas = {});

  // Throws what the session throws.
  std::optional<std::chrono::seconds> refuse(mongo::Session& session, Attempt attempt,
                                             std::string_view account, std::string_view network,
                                             Network familiarity) override;

  // Of each of the three, in that order: "network", "narrow", "wide".
  [[nodiscard]] std::array<std::pair<std::string_view, LimiterStatistics>, 3> statistics() const;

  // Hands back what was taken in advance; see Limiter::release_all.
  void release_all(mongo::Session& session);
};

}  // namespace gesso::domain
