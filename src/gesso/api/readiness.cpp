#include "gesso/api/readiness.hpp"

namespace gesso::api {
namespace {

std::optional<std::string> unless_empty(const std::string& text) {
  return text.empty() ? std::nullopt : std::optional(text);
}

}  // namespace

std::optional<SecretSummary> summary_of(const std::optional<SecretState>& secret) {
  if (!secret) return std::nullopt;
  return SecretSummary{.state = secret->state,
                       .version = unless_empty(secret->version),
                       .problem = unless_empty(secret->problem)};
}

NotReady not_ready(std::string_view why, const std::optional<SecretState>& secret) {
  NotReady problem;
  problem.detail = why;
  if (secret && !secret->problem.empty()) problem.detail += ": " + secret->problem;
  problem.retry_after = std::chrono::seconds{1};
  problem.secret = summary_of(secret);
  return problem;
}

}  // namespace gesso::api
