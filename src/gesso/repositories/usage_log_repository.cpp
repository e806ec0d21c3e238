#include "gesso/repositories/usage_log_repository.hpp"

#include <algorithm>
#include <tuple>

namespace gesso::repositories {

using namespace query;
using bson::make_array;
using bson::make_document;
using models::ActionType;
using models::UsageLog;

namespace {

// A group of `summary`.
struct DayAndAction {
  std::string day;
  ActionType action_type = ActionType::kApiRequest;
};
BOOST_DESCRIBE_STRUCT(DayAndAction, (), (day, action_type))

struct Group {
  DayAndAction id;
  std::int64_t count = 0;
  std::int64_t credits_used = 0;
};
BOOST_DESCRIBE_STRUCT(Group, (), (id, count, credits_used))

auto within(const models::UserId& user_id, TimeRange range) {
  return where<&UsageLog::user_id> == user_id && where<&UsageLog::created_at> >= range.from &&
         where<&UsageLog::created_at> < range.to;
}

}  // namespace

UsageLog UsageLogRepository::log(const models::UsageLogCreate& request) {
  const Time moment = now();
  return create({.id = next_id(),
                 .user_id = request.user_id,
                 .action_type = request.action_type,
                 .resource_id = request.resource_id,
                 .credits_used = request.credits_used,
                 .response_time_ms = request.response_time_ms,
                 .metadata = request.metadata,
                 .created_at = moment,
                 .expires_at = moment + UsageLog::kLifetime});
}

std::vector<UsageLog> UsageLogRepository::find_by_user(const models::UserId& user_id,
                                                       TimeRange range,
                                                       const ListOptions& options) {
  return find_many(within(user_id, range), sort_by(desc<&UsageLog::created_at>), options);
}

std::int64_t UsageLogRepository::count_actions(const models::UserId& user_id, ActionType action,
                                               Time since) {
  return count(where<&UsageLog::user_id> == user_id && where<&UsageLog::action_type> == action &&
               where<&UsageLog::created_at> >= since);
}

std::vector<UsageSummary> UsageLogRepository::summary(const models::UserId& user_id,
                                                      TimeRange range) {
  const auto day =
      make_document("$dateToString", make_document("format", "%Y-%m-%d", "date", "$created_at"));
  const auto groups = aggregate<Group>(
      within(user_id, range),
      make_array(make_document(
          "$group", make_document("_id", make_document("day", day, "action_type", "$action_type"),
                                  "count", make_document("$sum", 1), "credits_used",
                                  make_document("$sum", "$credits_used")))));
  std::vector<UsageSummary> summary;
  summary.reserve(groups.size());
  for (const Group& group : groups) {
    summary.push_back({.day = group.id.day,
                       .action_type = group.id.action_type,
                       .count = group.count,
                       .credits_used = group.credits_used});
  }
  std::ranges::sort(summary, {}, [](const UsageSummary& entry) {
    return std::tuple(std::string_view(entry.day), entry.action_type);
  });
  return summary;
}

}  // namespace gesso::repositories
