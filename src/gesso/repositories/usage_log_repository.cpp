#include "gesso/repositories/usage_log_repository.hpp"

#include <algorithm>
#include <tuple>
#include <utility>

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
  std::int64_t measured = 0;  // of them
  double request_units = 0;   // of those
};
BOOST_DESCRIBE_STRUCT(Group, (), (id, count, credits_used, measured, request_units))

// A group of `top_users`.
struct UserGroup {
  models::UserId id;
  std::int64_t count = 0;
  std::int64_t credits_used = 0;
  std::int64_t measured = 0;
  double request_units = 0;
};
BOOST_DESCRIBE_STRUCT(UserGroup, (), (id, count, credits_used, measured, request_units))

// Entries by what `id` says, and their sums.
bson::Document grouped(const auto& id) {
  return make_document(
      "$group",
      make_document(
          "_id", id, "count", make_document("$sum", 1), "credits_used",
          make_document("$sum", "$credits_used"), "measured",
          make_document(
              "$sum",
              make_document("$cond", make_array(make_document("$gt", make_array("$request_units",
                                                                                bson::Null{})),
                                                1, 0))),
          "request_units", make_document("$sum", "$request_units")));
}

// Of all entries of a group, by those that were measured.
std::optional<double> estimated_units(const auto& group) {
  if (group.measured == 0) return std::nullopt;
  return group.request_units * static_cast<double>(group.count) /
         static_cast<double>(group.measured);
}

auto within(const models::UserId& user_id, TimeRange range) {
  return where<&UsageLog::user_id> == user_id && where<&UsageLog::created_at> >= range.from &&
         where<&UsageLog::created_at> < range.to;
}

auto within(TimeRange range) {
  return where<&UsageLog::created_at> >= range.from && where<&UsageLog::created_at> < range.to;
}

// Sums by day and action.
bson::Array by_day_and_action() {
  const auto day =
      make_document("$dateToString", make_document("format", "%Y-%m-%d", "date", "$created_at"));
  return make_array(grouped(make_document("day", day, "action_type", "$action_type")));
}

std::vector<UsageSummary> in_order(const std::vector<Group>& groups) {
  std::vector<UsageSummary> summary;
  summary.reserve(groups.size());
  for (const Group& group : groups) {
    summary.push_back({.day = group.id.day,
                       .action_type = group.id.action_type,
                       .count = group.count,
                       .credits_used = group.credits_used,
                       .request_units = estimated_units(group)});
  }
  std::ranges::sort(summary, {}, [](const UsageSummary& entry) {
    return std::tuple(std::string_view(entry.day), entry.action_type);
  });
  return summary;
}

}  // namespace

UsageLog make_usage_log(const RepositoryContext& context, models::UsageLogCreate request) {
  const Time moment = context.clock.now();
  return {.id = models::UsageLogId::next(context.ids),
          .user_id = std::move(request.user_id),
          .action_type = request.action_type,
          .resource_id = std::move(request.resource_id),
          .credits_used = request.credits_used,
          .response_time_ms = request.response_time_ms,
          .metadata = std::move(request.metadata),
          .request_units = request.request_units,
          .created_at = moment,
          .expires_at = moment + UsageLog::kLifetime};
}

UsageLog UsageLogRepository::log(const models::UsageLogCreate& request) {
  return create(make_usage_log(context(), request));
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

Page<UsageLog> UsageLogRepository::page_by_user(const models::UserId& user_id, TimeRange range,
                                                const PageOptions& options) {
  return page(within(user_id, range), sort_by(desc<&UsageLog::created_at>), options);
}

std::vector<UsageSummary> UsageLogRepository::summary(const models::UserId& user_id,
                                                      TimeRange range) {
  return in_order(aggregate<Group>(within(user_id, range), by_day_and_action()));
}

std::vector<UsageSummary> UsageLogRepository::totals(TimeRange range) {
  return in_order(aggregate<Group>(within(range), by_day_and_action()));
}

std::vector<UserUsage> UsageLogRepository::top_users(TimeRange range, UsageOrder order,
                                                     std::size_t limit) {
  const auto matching = within(range) && where<&UsageLog::expires_at> > now();
  require_served(matching);
  // Sorted here: a sort that no index serves is one more thing that servers differ in.
  mongo::Cursor users = session().aggregate(
      kCollection, make_array(make_document("$match", to_bson(matching)), grouped("$user_id")));
  const auto before = [order](const UserUsage& left, const UserUsage& right) {
    const auto rank = [order](const UserUsage& usage) {
      return order == UsageOrder::kCount ? usage.count : usage.credits_used;
    };
    return std::tuple(-rank(left), std::string_view(left.user_id)) <
           std::tuple(-rank(right), std::string_view(right.user_id));
  };
  std::vector<UserUsage> top;  // a heap, whose front is the last of them
  while (const auto document = users.next()) {
    const auto group = schema::from_stored<UserGroup>(*document, ns());
    top.push_back({.user_id = group.id,
                   .count = group.count,
                   .credits_used = group.credits_used,
                   .request_units = estimated_units(group)});
    std::ranges::push_heap(top, before);
    if (top.size() <= limit) continue;
    std::ranges::pop_heap(top, before);
    top.pop_back();
  }
  std::ranges::sort(top, before);
  return top;
}

}  // namespace gesso::repositories
