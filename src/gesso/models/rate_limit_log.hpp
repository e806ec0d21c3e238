// Rate limit logs: how often a user called an endpoint within a window of time. Value types.
#pragma once

#include <chrono>
#include <optional>
#include <string_view>

#include "gesso/base/clock.hpp"
#include "gesso/models/ids.hpp"
#include "gesso/query/index.hpp"
#include "gesso/schema/codec.hpp"
#include "gesso/schema/number.hpp"
#include "gesso/schema/text.hpp"

namespace gesso::models {

using Endpoint = schema::Text<1, 255>;

struct RateLimitLog {
  RateLimitLogId id;
  UserId user_id;
  Endpoint endpoint;
  schema::NonNegative request_count = 0;
  Time window_start;
  Time window_end;
  bool is_blocked = false;
  std::optional<Time> blocked_until = {};
  Time expires_at;

  friend bool operator==(const RateLimitLog&, const RateLimitLog&) = default;

  // The time from the end of what it is about, the window or the block, to `expires_at`.
  static constexpr std::chrono::hours kLifetime{1};

  static constexpr std::string_view kName = "RateLimitLog";
  static constexpr std::string_view kCollection = "rate_limit_logs";
  static constexpr std::string_view kAbout =
      "Calls of one user to one endpoint in one window; deleted an hour later.";

  // The window that a call falls into, and all windows of a user and an endpoint.
  using Indexes = query::IndexList<
      query::Index<&RateLimitLog::user_id, &RateLimitLog::endpoint>,
      query::Index<&RateLimitLog::user_id, &RateLimitLog::endpoint, &RateLimitLog::window_end>,
      query::Ttl<&RateLimitLog::expires_at>>;
};
GESSO_FIELDS(RateLimitLog, (id, "Assigned by the service."), (user_id, "Who calls."),
             (endpoint, "What is called, as in \"/api/v1/generations\"."),
             (request_count, "Calls in the window so far.", schema::kHasDefault),
             (window_start, "When the window began."),
             (window_end, "When it ends and the count starts anew."),
             (is_blocked, "Refused whatever the count, until `blocked_until`.",
              schema::kHasDefault),
             (blocked_until, "When the block ends."),
             (expires_at, "When the entry is deleted. No read returns it from then on."))

}  // namespace gesso::models
