// Usage logs: one entry for each thing that a user did, kept for 90 days. Value types.
#pragma once

#include <array>
#include <chrono>
#include <optional>
#include <string_view>

#include "gesso/base/clock.hpp"
#include "gesso/models/credit_grant.hpp"
#include "gesso/models/ids.hpp"
#include "gesso/query/index.hpp"
#include "gesso/schema/codec.hpp"
#include "gesso/schema/number.hpp"
#include "gesso/schema/text.hpp"

namespace gesso::models {

enum class ActionType { kImageGeneration, kApiRequest, kFileUpload, kRefund, kCreditGrant };
constexpr auto wire_texts(ActionType) {
  return std::to_array<std::string_view>(
      {"image_generation", "api_request", "file_upload", "refund", "credit_grant"});
}

// What an action was done to: an id of ours, a path, a file's name.
using ResourceId = schema::Text<1, 255>;

struct UsageLog {
  UsageLogId id;
  UserId user_id;
  ActionType action_type;
  std::optional<ResourceId> resource_id = {};
  std::int64_t credits_used = 0;
  std::optional<schema::NonNegative> response_time_ms = {};
  schema::Object metadata = {};
  std::optional<double> request_units = {};
  std::optional<CreditGrant> grant = {};
  std::optional<ChargeToken> grant_token = {};
  Time created_at;
  Time expires_at;

  friend bool operator==(const UsageLog&, const UsageLog&) = default;

  // The time from `created_at` to `expires_at`.
  static constexpr std::chrono::days kLifetime{90};

  static constexpr std::string_view kName = "UsageLog";
  static constexpr std::string_view kCollection = "usage_logs";
  static constexpr std::string_view kAbout = "One action of one user; deleted after 90 days.";
  // On Azure Cosmos DB (RU) the collection is spread by this field (docs/SCALING.md).
  static constexpr auto kShardKey = &UsageLog::user_id;

  using Indexes = query::IndexList<
      query::Index<&UsageLog::user_id, query::desc<&UsageLog::created_at>>,
      query::Index<&UsageLog::action_type>,
      query::Lookup<&UsageLog::user_id, &UsageLog::action_type>,
      // How often a user did something since a moment.
      query::Lookup<&UsageLog::user_id, &UsageLog::action_type, &UsageLog::created_at>,
      // Pages of a user's log; see Generation.
      query::Index<&UsageLog::user_id, query::desc<&UsageLog::created_at>,
                   query::desc<&UsageLog::id>>,
      // What all users did in a range of time.
      query::Index<&UsageLog::created_at>, query::Ttl<&UsageLog::expires_at>>;
};
GESSO_FIELDS(UsageLog, (id, "Assigned by the service."), (user_id, "Who did it."),
             (action_type, "What was done."), (resource_id, "What it was done to."),
             (credits_used,
              "What it cost; negative where it was given back. The sum is what was spent.",
              schema::kHasDefault),
             (response_time_ms, "How long it took."),
             (metadata, "What the action wants remembered.", schema::kHasDefault),
             (request_units,
              "What the database charged for it, where it charges and this request was measured."),
             (grant, "Of a `credit_grant`: what was granted, by whom and why."),
             (grant_token, "The attempt at the grant that counts.", schema::kInternal),
             (created_at, "When it was done."),
             (expires_at,
              "When the entry is deleted: 90 days later. No read returns it from then on."))

// An action to log.
struct UsageLogCreate {
  UserId user_id;
  ActionType action_type;
  std::optional<ResourceId> resource_id = {};
  std::int64_t credits_used = 0;
  std::optional<schema::NonNegative> response_time_ms = {};
  schema::Object metadata = {};
  std::optional<double> request_units = {};

  friend bool operator==(const UsageLogCreate&, const UsageLogCreate&) = default;

  static constexpr std::string_view kName = "UsageLogCreate";
  static constexpr std::string_view kAbout = "An action to log.";
};
GESSO_FIELDS(UsageLogCreate, (user_id, schema::field_about<&UsageLog::user_id>),
             (action_type, schema::field_about<&UsageLog::action_type>),
             (resource_id, schema::field_about<&UsageLog::resource_id>),
             (credits_used, schema::field_about<&UsageLog::credits_used>, schema::kHasDefault),
             (response_time_ms, schema::field_about<&UsageLog::response_time_ms>),
             (metadata, schema::field_about<&UsageLog::metadata>, schema::kHasDefault),
             (request_units, schema::field_about<&UsageLog::request_units>))

}  // namespace gesso::models
