// The error bodies of Entra ID: "reference-error-codes" of its documentation has the numbers.
#pragma once

#include <string>
#include <string_view>

#include "gesso/testing/detail/azure_json.hpp"

namespace gesso::testing::detail {

[[nodiscard]] inline HttpsServer::Reply entra_error(int status, std::string_view error, int code,
                                                    const std::string& message) {
  const std::string trace = make_uuid();
  const std::string correlation = make_uuid();
  // "2026-01-31 12:00:00Z"
  std::string time =
      to_iso8601(std::chrono::floor<Time::duration>(std::chrono::system_clock::now()));
  time = time.substr(0, 10) + " " + time.substr(11, 8) + "Z";
  return json_reply(
      status,
      {{"error", error},
       {"error_description", "AADSTS" + std::to_string(code) + ": " + message + " Trace ID: " +
                                 trace + " Correlation ID: " + correlation + " Timestamp: " + time},
       {"error_codes", boost::json::array{boost::json::value(code)}},
       {"timestamp", time},
       {"trace_id", trace},
       {"correlation_id", correlation},
       {"error_uri", "https://login.microsoftonline.com/error?code=" + std::to_string(code)}});
}

}  // namespace gesso::testing::detail
