// What the replies of the stand-ins share.
#pragma once

#include <algorithm>
#include <boost/json.hpp>
#include <chrono>
#include <string>
#include <string_view>
#include <utility>

#include "gesso/base/text.hpp"
#include "gesso/testing/https_server.hpp"

namespace gesso::testing::detail {

[[nodiscard]] inline HttpsServer::Reply json_reply(int status, const boost::json::object& body,
                                                   HttpHeaders headers = {}) {
  return {.status = status, .body = boost::json::serialize(body), .headers = std::move(headers)};
}

[[nodiscard]] inline std::int64_t epoch_seconds(Time time) {
  return std::chrono::floor<std::chrono::seconds>(time).time_since_epoch().count();
}

// Random, in the form of a UUID.
[[nodiscard]] std::string make_uuid();
// `bytes` random ones as lower-case hexadecimal digits.
[[nodiscard]] std::string random_hex(std::size_t bytes);

}  // namespace gesso::testing::detail
