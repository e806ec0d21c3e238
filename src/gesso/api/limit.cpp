#include "gesso/api/limit.hpp"

#include <array>
#include <span>

#include "gesso/domain/client_network.hpp"
#include "gesso/http/rate_limit_fields.hpp"

namespace gesso::api {

using domain::Allowed;
using domain::LimitCaller;
using domain::LimitState;
using domain::Refused;

namespace {

class Items {
  std::array<http::RateLimitItem, domain::kMaxQuotas> items_{};
  std::size_t size_ = 0;

 public:
  explicit Items(const LimitState& state) {
    for (const domain::QuotaState& quota : state.quotas()) {
      items_.at(size_++) = {.name = quota.quota.name,
                            .quota = quota.quota.limit,
                            .window = quota.quota.window.count(),
                            .remaining = quota.remaining,
                            .reset = quota.reset.count()};
    }
  }
  [[nodiscard]] std::span<const http::RateLimitItem> view() const { return {items_.data(), size_}; }
};

std::optional<http::Response> settle(LimitProgress& progress, const Allowed& allowed) {
  progress.settled = true;
  progress.state = allowed.state;
  return std::nullopt;
}
std::optional<http::Response> settle(LimitProgress& progress, const Refused& refused) {
  progress.settled = true;
  progress.state = refused.state;
  return http::quota_exceeded(Items(refused.state).view(), refused.retry_after,
                              progress.request_id);
}
std::optional<http::Response> settle(LimitProgress&, const domain::NeedsLease&) {
  return std::nullopt;
}

// The caller as the limiter wants it; `subject` keeps the text.
LimitCaller limit_caller(const Client& client, const Caller* caller, std::string& subject) {
  if (caller == nullptr) {
    subject = domain::address_subject(client.address);
    return {.subject = subject, .tier = domain::LimitTier::kAnonymous};
  }
  return {.subject = caller->user_id.str(), .tier = domain::limit_tier(caller->tier)};
}

}  // namespace

std::optional<http::Response> Limit::before(LimitProgress& progress, LimitClass limit_class,
                                            const Client& client,
                                            std::optional<std::string_view> known_user,
                                            bool is_public) const {
  if (services_.limiter == nullptr || limit_class == LimitClass::kNone) {
    progress.settled = true;
    return std::nullopt;
  }
  if (is_public) return try_take(progress, limit_class, client, nullptr);
  if (!known_user) return std::nullopt;
  const auto refused = services_.limiter->recent_refusal(*known_user, limit_class);
  return refused ? settle(progress, *refused) : std::nullopt;
}

std::optional<http::Response> Limit::try_take(LimitProgress& progress, LimitClass limit_class,
                                              const Client& client, const Caller* caller) const {
  if (progress.settled) return std::nullopt;
  std::string subject;
  return std::visit(
      [&](const auto& outcome) { return settle(progress, outcome); },
      services_.limiter->try_take(limit_caller(client, caller, subject), limit_class));
}

std::optional<http::Response> Limit::take(LimitProgress& progress, LimitClass limit_class,
                                          const Client& client, const Caller* caller,
                                          mongo::Session& session) const {
  if (progress.settled) return std::nullopt;
  std::string subject;
  return std::visit(
      [&](const auto& outcome) { return settle(progress, outcome); },
      services_.limiter->lease(session, limit_caller(client, caller, subject), limit_class));
}

void Limit::tell(const LimitProgress& progress, http::Response& response) {
  if (progress.state.quotas().empty()) return;
  const Items items(progress.state);
  response.headers.emplace_back(http::kRateLimitPolicy, http::rate_limit_policy(items.view()));
  response.headers.emplace_back(http::kRateLimit, http::rate_limit(items.view()));
}

}  // namespace gesso::api
