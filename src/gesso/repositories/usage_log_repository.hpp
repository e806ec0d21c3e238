// Usage logs: what users did, for 90 days.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "gesso/models/usage_log.hpp"
#include "gesso/repositories/repository.hpp"

namespace gesso::repositories {

// The moments from `from` on and before `to`.
struct TimeRange {
  Time from;
  Time to;
};

// What a user did of one kind on one day (UTC).
struct UsageSummary {
  std::string day;  // "2026-01-31"
  models::ActionType action_type = models::ActionType::kApiRequest;
  std::int64_t count = 0;
  std::int64_t credits_used = 0;

  friend bool operator==(const UsageSummary&, const UsageSummary&) = default;
};
BOOST_DESCRIBE_STRUCT(UsageSummary, (), (day, action_type, count, credits_used))

class UsageLogRepository : public Repository<models::UsageLog> {
 public:
  using Repository::Repository;

  models::UsageLog log(const models::UsageLogCreate& request);
  // Newest first.
  [[nodiscard]] std::vector<models::UsageLog> find_by_user(
      const models::UserId& user_id, TimeRange range, const ListOptions& options = {.limit = 100});
  [[nodiscard]] std::int64_t count_actions(const models::UserId& user_id, models::ActionType action,
                                           Time since);
  // What the user did, summed by day and within a day by action, in that order; days and actions
  // without any are left out. Costs one aggregation.
  [[nodiscard]] std::vector<UsageSummary> summary(const models::UserId& user_id, TimeRange range);
};

}  // namespace gesso::repositories
