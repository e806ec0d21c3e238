#include "gesso/http/rate_limit_fields.hpp"

#include <boost/json.hpp>
#include <initializer_list>

#include "gesso/http/problem.hpp"

namespace gesso::http {

namespace {

struct Parameter {
  std::string_view key;
  std::int64_t value;
};

// An item of a structured field (RFC 9651): a string with parameters that are integers.
void append_item(std::string& list, std::string_view name,
                 std::initializer_list<Parameter> parameters) {
  if (!list.empty()) list += ", ";
  list += '"';
  for (const char c : name) {
    if (c == '"' || c == '\\') list += '\\';
    list += c;
  }
  list += '"';
  for (const Parameter& parameter : parameters) {
    ((list += ';') += parameter.key) += '=';
    list += std::to_string(parameter.value);
  }
}

}  // namespace

std::string rate_limit_policy(std::span<const RateLimitItem> items) {
  std::string list;
  for (const RateLimitItem& item : items) {
    append_item(list, item.name, {{"q", item.quota}, {"w", item.window}});
  }
  return list;
}

std::string rate_limit(std::span<const RateLimitItem> items) {
  std::string list;
  for (const RateLimitItem& item : items) {
    append_item(list, item.name, {{"r", item.remaining}, {"t", item.reset}});
  }
  return list;
}

Response quota_exceeded(std::span<const RateLimitItem> items, std::chrono::seconds retry_after,
                        std::string_view request_id) {
  boost::json::array violated;
  for (const RateLimitItem& item : items) {
    if (item.remaining == 0) violated.emplace_back(boost::json::string_view(item.name));
  }
  return to_response(
      {.status = 429,
       .code = "rate_limited",
       .title = "Request cannot be satisfied as assigned quota has been exceeded",
       .detail = "Too many requests; ask again in " + std::to_string(retry_after.count()) + " s",
       .type = "https://iana.org/assignments/http-problem-types#quota-exceeded",
       .retry_after = retry_after,
       .members = {{"violated-policies", boost::json::serialize(violated)}}},
      request_id);
}

}  // namespace gesso::http
