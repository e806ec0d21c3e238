// What a client is told of its quotas: two response fields, and the response where they are used
// up, as in the Internet-Draft draft-ietf-httpapi-ratelimit-headers-11. Pure functions.
//
//   RateLimit-Policy: "burst";q=100;w=60, "daily";q=1000;w=86400
//   RateLimit: "burst";r=50;t=30, "daily";r=700;t=40000
#pragma once

#include <chrono>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "gesso/http/response.hpp"

namespace gesso::http {

inline constexpr std::string_view kRateLimitPolicy = "RateLimit-Policy";
inline constexpr std::string_view kRateLimit = "RateLimit";

struct RateLimitItem {
  std::string_view name;       // of printable ASCII characters
  std::int64_t quota = 0;      // requests in a window; below 10^15, as all of them
  std::int64_t window = 0;     // seconds
  std::int64_t remaining = 0;  // requests
  std::int64_t reset = 0;      // seconds until there are more
};

// The value of each field; "" for no items, and then the field is left out.
[[nodiscard]] std::string rate_limit_policy(std::span<const RateLimitItem> items);
[[nodiscard]] std::string rate_limit(std::span<const RateLimitItem> items);

// 429: the problem that the draft defines, with the policies of which nothing remains, and
// `Retry-After`. Its `code` is "rate_limited".
[[nodiscard]] Response quota_exceeded(std::span<const RateLimitItem> items,
                                      std::chrono::seconds retry_after,
                                      std::string_view request_id = {});

}  // namespace gesso::http
