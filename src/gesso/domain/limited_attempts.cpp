#include "gesso/domain/limited_attempts.hpp"

#include <string>

#include "gesso/base/base64.hpp"
#include "gesso/base/crypto.hpp"
#include "gesso/base/text.hpp"

namespace gesso::domain {
namespace {

LimitTable table_of(const QuotaList& quotas) {
  LimitTable table;
  table.set(LimitTier::kAnonymous, LimitClass::kLogin, quotas);
  return table;
}

QuotaList quotas(std::int64_t a_minute, std::int64_t a_day) {
  QuotaList list;
  list.add({.name = kBurst, .limit = a_minute, .window = std::chrono::minutes{1}});
  list.add({.name = kDaily, .limit = a_day, .window = std::chrono::days{1}});
  return list;
}

// Short, whatever the account is called, and without the address of somebody who may be no user.
std::string subject_of(Attempt attempt, std::string_view account, std::string_view network) {
  const std::string text = std::string(account) + '\n' + std::string(network);
  return "try:" + std::string(schema::to_string(attempt)) + ":" +
         base64url_encode(as_text(sha256(text)));
}

std::optional<std::chrono::seconds> take(Limiter& limiter, mongo::Session& session,
                                         const std::string& subject) {
  const LimitCaller caller{.subject = subject};
  const auto taken = limiter.try_take(caller, LimitClass::kLogin);
  if (std::holds_alternative<Allowed>(taken)) return std::nullopt;
  if (const auto* refused = std::get_if<Refused>(&taken)) return refused->retry_after;
  const auto leased = limiter.lease(session, caller, LimitClass::kLogin);
  if (const auto* refused = std::get_if<Refused>(&leased)) return refused->retry_after;
  return std::nullopt;
}

}  // namespace

QuotaList default_network_quotas() { return quotas(300, 20'000); }
QuotaList default_narrow_quotas() { return quotas(30, 500); }
QuotaList default_wide_quotas() { return quotas(100, 1'000); }
QuotaList default_code_quotas() { return quotas(10, 100); }

LimitedAttempts::LimitedAttempts(const repositories::RepositoryContext& context,
                                 const AttemptQuotas& quotas)
    : network_(table_of(quotas.network), context),
      narrow_(table_of(quotas.narrow), context),
      wide_(table_of(quotas.wide), context),
      codes_(table_of(quotas.codes), context) {}

std::optional<std::chrono::seconds> LimitedAttempts::refuse(mongo::Session& session,
                                                            Attempt attempt,
                                                            std::string_view account,
                                                            std::string_view network,
                                                            Network familiarity) {
  if (account.empty()) return take(network_, session, subject_of(attempt, {}, network));
  const bool familiar = familiarity == Network::kFamiliar;
  if (attempt == Attempt::kCode) {
    return take(codes_, session, subject_of(attempt, account, familiar ? network : ""));
  }
  if (const auto wait = take(narrow_, session, subject_of(attempt, account, network))) return wait;
  if (familiar) return std::nullopt;
  return take(wide_, session, subject_of(attempt, account, {}));
}

std::array<std::pair<std::string_view, LimiterStatistics>, 3> LimitedAttempts::statistics() const {
  return {{{"network", network_.statistics()},
           {"narrow", narrow_.statistics()},
           {"wide", wide_.statistics()}}};
}

void LimitedAttempts::release_all(mongo::Session& session) {
  for (Limiter* limiter : {&network_, &narrow_, &wide_, &codes_}) limiter->release_all(session);
}

}  // namespace gesso::domain
