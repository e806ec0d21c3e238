// Usage logs: what users did, for 90 days.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
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
  // Of the database, for all of them, by those that were measured; absent where none was.
  std::optional<double> request_units = {};

  friend bool operator==(const UsageSummary&, const UsageSummary&) = default;
};
BOOST_DESCRIBE_STRUCT(UsageSummary, (), (day, action_type, count, credits_used, request_units))

// How much a user did, of all kinds.
struct UserUsage {
  models::UserId user_id;
  std::int64_t count = 0;
  std::int64_t credits_used = 0;
  std::optional<double> request_units = {};  // as in UsageSummary

  friend bool operator==(const UserUsage&, const UserUsage&) = default;
};
BOOST_DESCRIBE_STRUCT(UserUsage, (), (user_id, count, credits_used, request_units))

enum class UsageOrder { kCount, kCredits };
constexpr auto wire_texts(UsageOrder) {
  return std::to_array<std::string_view>({"count", "credits"});
}

// The entry for an action of this moment, with an id of its own.
[[nodiscard]] models::UsageLog make_usage_log(const RepositoryContext& context,
                                              models::UsageLogCreate request);

class UsageLogRepository : public Repository<models::UsageLog> {
 public:
  using Repository::Repository;

  models::UsageLog log(const models::UsageLogCreate& request);
  // Newest first.
  [[nodiscard]] std::vector<models::UsageLog> find_by_user(
      const models::UserId& user_id, TimeRange range, const ListOptions& options = {.limit = 100});
  // Newest first, page by page.
  [[nodiscard]] Page<models::UsageLog> page_by_user(const models::UserId& user_id, TimeRange range,
                                                    const PageOptions& options = {});
  [[nodiscard]] std::int64_t count_actions(const models::UserId& user_id, models::ActionType action,
                                           Time since);
  // What the user did, summed by day and within a day by action, in that order; days and actions
  // without any are left out. Costs one aggregation.
  [[nodiscard]] std::vector<UsageSummary> summary(const models::UserId& user_id, TimeRange range);

  // The next two read every entry of the range, of all users: on Cosmos DB (RU) about a request
  // unit for some dozens, from every partition. For operators, over days rather than months.

  // What all users did, as `summary`.
  [[nodiscard]] std::vector<UsageSummary> totals(TimeRange range);
  // The users who did or spent the most, that much first; among equals, by their ids. Memory grows
  // with `limit` alone.
  [[nodiscard]] std::vector<UserUsage> top_users(TimeRange range, UsageOrder order,
                                                 std::size_t limit);
};

}  // namespace gesso::repositories
