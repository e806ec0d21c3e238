#include "gesso/domain/credit_entries.hpp"

#include <string_view>

#include "gesso/domain/derived_id.hpp"

namespace gesso::domain {

using models::ActionType;
using models::Generation;
using models::UsageLog;

namespace {

UsageLog entry(std::string_view what, const Generation& generation, ActionType action,
               std::int64_t credits, Time moment) {
  return {.id = derived_id<models::UsageLogId>({what, generation.id.str()}),
          .user_id = generation.user_id,
          .action_type = action,
          .resource_id = models::ResourceId(generation.id.str()),
          .credits_used = credits,
          .created_at = moment,
          .expires_at = moment + UsageLog::kLifetime};
}

}  // namespace

UsageLog charge_entry(const Generation& generation) {
  return entry("charge", generation, ActionType::kImageGeneration, generation.cost_credits,
               generation.created_at);
}

UsageLog refund_entry(const Generation& generation) {
  return entry("refund", generation, ActionType::kRefund, -generation.cost_credits.value(),
               generation.refunded_at.value());
}

}  // namespace gesso::domain
