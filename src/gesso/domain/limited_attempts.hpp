// Attempts counted by the limiter that all instances share: narrowly for an account from one
// network, widely for an account from all strange networks together.
//
// Thread-safe; blocks on the database. Borrows the context.
#pragma once

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

class LimitedAttempts final : public AttemptLimits {
  Limiter network_;
  Limiter narrow_;
  Limiter wide_;

 public:
  // `network` is for what concerns no account yet, registrations above all: an office shares it.
  explicit LimitedAttempts(const repositories::RepositoryContext& context,
                           const QuotaList& network = default_network_quotas(),
                           const QuotaList& narrow = default_narrow_quotas(),
                           const QuotaList& wide = default_wide_quotas());

  // Throws what the session throws.
  std::optional<std::chrono::seconds> refuse(mongo::Session& session, Attempt attempt,
                                             std::string_view account, std::string_view network,
                                             Network familiarity) override;

  // Hands back what was taken in advance; see Limiter::release_all.
  void release_all(mongo::Session& session);
};

}  // namespace gesso::domain
