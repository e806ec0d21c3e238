// Rate limit logs: how often somebody called something within a window of time. Value types.
#pragma once

#include <chrono>
#include <optional>
#include <string_view>
#include <vector>

#include "gesso/base/clock.hpp"
#include "gesso/models/ids.hpp"
#include "gesso/query/index.hpp"
#include "gesso/schema/codec.hpp"
#include "gesso/schema/number.hpp"
#include "gesso/schema/text.hpp"

namespace gesso::models {

using Endpoint = schema::Text<1, 255>;
// Whose calls are counted: a user's id, or where there is none a key or an address.
using LimitSubject = schema::Text<1, 128>;
// Names one write to a counter, so that it counts once however often it is sent.
using LimitOperation = schema::Text<1, 64>;

struct RateLimitLog {
  RateLimitLogId id;
  LimitSubject user_id;
  Endpoint endpoint;
  schema::NonNegative request_count = 0;
  Time window_start;
  Time window_end;
  bool is_blocked = false;
  std::optional<Time> blocked_until = {};
  std::vector<LimitOperation> recent_operations = {};
  Time expires_at;

  friend bool operator==(const RateLimitLog&, const RateLimitLog&) = default;

  // The time from the end of what it is about, the window or the block, to `expires_at`.
  static constexpr std::chrono::hours kLifetime{1};
  // How many of the last operations an entry remembers: a write that is repeated after so many
  // others counts twice, to the disadvantage of the caller.
  static constexpr int kRecentOperations = 16;

  static constexpr std::string_view kName = "RateLimitLog";
  static constexpr std::string_view kCollection = "rate_limit_logs";
  static constexpr std::string_view kAbout =
      "Calls of one user or address to one endpoint in one window; deleted an hour later.";
  // On Azure Cosmos DB (RU) the collection is spread by this field (docs/SCALING.md).
  static constexpr auto kShardKey = &RateLimitLog::id;

  // The window that a call falls into, and all windows of a subject and an endpoint.
  using Indexes = query::IndexList<
      query::Lookup<&RateLimitLog::user_id, &RateLimitLog::endpoint>,
      query::Lookup<&RateLimitLog::user_id, &RateLimitLog::endpoint, &RateLimitLog::window_end>,
      query::Ttl<&RateLimitLog::expires_at>>;
};
GESSO_FIELDS(RateLimitLog, (id, "Assigned by the service."),
             (user_id, "Who calls: a user's id, or an address."),
             (endpoint, "What is called, as in \"/api/v1/generations\", or a class of operations."),
             (request_count,
              "Calls in the window so far, with those that an instance has taken in advance.",
              schema::kHasDefault),
             (window_start, "When the window began."),
             (window_end, "When it ends and the count starts anew."),
             (is_blocked, "Refused whatever the count, until `blocked_until`.",
              schema::kHasDefault),
             (blocked_until, "When the block ends."),
             (recent_operations, "The last writes, so that none that is repeated counts twice.",
              schema::kHasDefault | schema::kInternal),
             (expires_at, "When the entry is deleted. No read returns it from then on."))

}  // namespace gesso::models
