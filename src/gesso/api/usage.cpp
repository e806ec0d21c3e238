// What was done: a user's own log and sums, and for operators those of everybody.
#include <spdlog/spdlog.h>

#include "gesso/api/operations.hpp"
#include "gesso/base/error.hpp"
#include "gesso/repositories/usage_log_repository.hpp"
#include "gesso/schema/codec.hpp"
#include "gesso/schema/violation.hpp"

namespace gesso::api {

using models::UsageLog;
using repositories::TimeRange;
using repositories::UsageLogRepository;
using repositories::UsageOrder;

struct ListUsage {
  std::optional<Time> from = {};
  std::optional<Time> to = {};
  schema::Integer<1, 100> limit = 20;
  std::string cursor = {};
};
GESSO_FIELDS(ListUsage, (from, "Only what was done from then on."),
             (to, "Only what was done before."), (limit, "At most so many.", schema::kHasDefault),
             (cursor, "`next_cursor` of the page before.", schema::kHasDefault))

struct SummarizeUsage {
  std::optional<Time> from = {};
  std::optional<Time> to = {};
};
GESSO_FIELDS(SummarizeUsage, (from, "From then on; 30 days before `to` where it is left out."),
             (to, "Before then; now where it is left out."))

struct TotalUsage {
  std::optional<Time> from = {};
  std::optional<Time> to = {};
};
GESSO_FIELDS(TotalUsage, (from, "From then on; a day before `to` where it is left out."),
             (to, "Before then, 31 days after `from` at most; now where it is left out."))

struct ListTopUsers {
  std::optional<Time> from = {};
  std::optional<Time> to = {};
  UsageOrder by = UsageOrder::kCount;
  schema::Integer<1, 100> limit = 10;
};
GESSO_FIELDS(ListTopUsers, (from, schema::field_about<&TotalUsage::from>),
             (to, schema::field_about<&TotalUsage::to>),
             (by, "Who did the most, or who spent the most credits.", schema::kHasDefault),
             (limit, "At most so many.", schema::kHasDefault))

struct UsageReport {
  Time from;
  Time to;
  std::vector<repositories::UsageSummary> items;

  static constexpr std::string_view kName = "UsageReport";
  static constexpr std::string_view kAbout = "What was done, by day (UTC) and action.";
};
GESSO_FIELDS(UsageReport, (from, "The report begins there."), (to, "It ends before."),
             (items, "Days without anything are left out."))

struct TopUsers {
  Time from;
  Time to;
  std::vector<repositories::UserUsage> items;

  static constexpr std::string_view kName = "TopUsers";
  static constexpr std::string_view kAbout = "Who did the most.";
};
GESSO_FIELDS(TopUsers, (from, "The report begins there."), (to, "It ends before."),
             (items, "That one first."))

namespace {

using std::chrono::days;

// An instance's clock may be ahead of this one's.
constexpr std::chrono::minutes kClockSkew{5};
// Operators' reports read every entry of their range.
constexpr days kLongestReport{31};

// The range that was asked for, or the last `default_length`. Throws Error: kValidation for one
// that ends before it begins, or is longer than `most`.
TimeRange range_of(const DatabaseCall& call, std::optional<Time> from, std::optional<Time> to,
                   days default_length, days most) {
  const Time end = to.value_or(call.services.repository_context.clock.now() + kClockSkew);
  const Time start = from.value_or(end - default_length);
  if (start >= end || end - start > most + kClockSkew) {
    Violation violation = schema::value_error(
        "must be before `to`, by " + std::to_string(most.count()) + " days at most",
        to_iso8601(start));
    violation.path = {"from"};
    throw validation_error({std::move(violation)});
  }
  return {.from = start, .to = end};
}

Result<Page<UsageLog>> list_usage(ReadCall& call, const ListUsage& asked) {
  const days kept = UsageLog::kLifetime;
  auto page = call.make<UsageLogRepository>().page_by_user(
      call.user_id(), range_of(call, asked.from, asked.to, kept, days{36'500}),
      {.limit = asked.limit, .cursor = asked.cursor, .skip_undecodable = [&](const Error& error) {
         spdlog::error("{}: left out of a list: {}", call.request_id, error.what());
       }});
  return Page<UsageLog>{.items = std::move(page.items), .next_cursor = std::move(page.next)};
}

Result<UsageReport> summarize_usage(DatabaseCall& call, const SummarizeUsage& asked) {
  const TimeRange range = range_of(call, asked.from, asked.to, days{30}, UsageLog::kLifetime);
  return UsageReport{.from = range.from,
                     .to = range.to,
                     .items = call.make<UsageLogRepository>().summary(call.user_id(), range)};
}

Result<UsageReport> total_usage(DatabaseCall& call, const TotalUsage& asked) {
  const TimeRange range = range_of(call, asked.from, asked.to, days{1}, kLongestReport);
  return UsageReport{
      .from = range.from, .to = range.to, .items = call.make<UsageLogRepository>().totals(range)};
}

Result<TopUsers> list_top_users(DatabaseCall& call, const ListTopUsers& asked) {
  const TimeRange range = range_of(call, asked.from, asked.to, days{1}, kLongestReport);
  const auto most = static_cast<std::size_t>(asked.limit.value());
  return TopUsers{.from = range.from,
                  .to = range.to,
                  .items = call.make<UsageLogRepository>().top_users(range, asked.by, most)};
}

constexpr Operation kOperations[] = {
    operation<list_usage>({.path = "/api/v1/usage",
                           .id = "listUsage",
                           .tag = "Usage",
                           .summary = "What the caller did in the last 90 days, newest first.",
                           .scope = Scope::kUsageRead}),
    operation<summarize_usage>({.path = "/api/v1/usage/summary",
                                .id = "summarizeUsage",
                                .tag = "Usage",
                                .summary = "What the caller did, by day and action.",
                                .scope = Scope::kUsageRead}),
    operation<total_usage>({.path = "/api/v1/admin/usage/totals",
                            .id = "totalUsage",
                            .tag = "Administration",
                            .summary = "What all users did, by day and action.",
                            .scope = Scope::kAdmin}),
    operation<list_top_users>({.path = "/api/v1/admin/usage/top-users",
                               .id = "listTopUsers",
                               .tag = "Administration",
                               .summary = "The users who did or spent the most.",
                               .scope = Scope::kAdmin}),
};

}  // namespace

Operations usage_operations() { return kOperations; }

}  // namespace gesso::api
