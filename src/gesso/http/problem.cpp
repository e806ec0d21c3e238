#include "gesso/http/problem.hpp"

#include <algorithm>
#include <boost/json.hpp>
#include <string>

namespace gesso::http {
namespace {

namespace json = boost::json;

std::string_view first_step(Location location) {
  switch (location) {
    case Location::kBody:
      return "body";
    case Location::kQuery:
      return "query";
    case Location::kPath:
      return "path";
    case Location::kHeader:
      return "header";
    case Location::kInPath:
      return "";
  }
  return "body";
}

// In whole seconds, at least one: a client that comes back at once helps nobody.
std::string retry_after(const Error& error) {
  using namespace std::chrono_literals;
  const auto wait = std::chrono::ceil<std::chrono::seconds>(error.retry_after().value_or(1s));
  return std::to_string(std::max<std::int64_t>(1, wait.count()));
}

}  // namespace

Response problem(int status, std::string_view detail, std::string_view code) {
  json::object body;
  body["type"] =
      code.empty() ? std::string("about:blank") : "urn:gesso:problem:" + std::string(code);
  body["title"] = json::string_view(reason_phrase(status));
  body["status"] = status;
  body["detail"] = json::string_view(detail);
  return {
      .status = status, .content_type = "application/problem+json", .body = json::serialize(body)};
}

Response unauthorized(std::string_view detail) {
  Response response = problem(401, detail, "unauthorized");
  response.headers.emplace_back("WWW-Authenticate", "Bearer");
  return response;
}

Response unprocessable(const std::vector<Violation>& violations, Location location) {
  json::array detail;
  for (const Violation& violation : violations) {
    json::array loc;
    if (location != Location::kInPath) loc.emplace_back(json::string_view(first_step(location)));
    for (const PathStep& step : violation.path) {
      if (const auto* name = std::get_if<std::string>(&step)) {
        loc.emplace_back(json::string_view(*name));
      } else {
        loc.emplace_back(std::get<std::size_t>(step));
      }
    }
    json::object entry;
    entry["type"] = json::string_view(violation.type);
    entry["loc"] = std::move(loc);
    entry["msg"] = json::string_view(violation.message);
    detail.emplace_back(std::move(entry));
  }
  json::object body;
  body["detail"] = std::move(detail);
  return {.status = 422, .body = json::serialize(body)};
}

Response problem_of(const Error& error, Location location) {
  const std::string_view code = to_string(error.kind());
  const auto come_back = [&](int status, std::string_view detail) {
    Response response = problem(status, detail, code);
    response.headers.emplace_back("Retry-After", retry_after(error));
    return response;
  };
  switch (error.kind()) {
    case ErrorKind::kValidation: {
      if (!error.violations().empty()) return unprocessable(error.violations(), location);
      return unprocessable({{.path = {},
                             .type = "value_error",
                             .message = "Value error, the database cannot store this",
                             .expected = {},
                             .found = {}}},
                           location);
    }
    case ErrorKind::kDuplicate:
      return problem(409,
                     error.field().empty() ? "There is one like this already"
                                           : "This " + error.field() + " is taken",
                     code);
    case ErrorKind::kConflict:
      return problem(409, "The present state of the resource does not allow this", code);
    case ErrorKind::kThrottled:
      return come_back(429, "The database asks to come back later");
    case ErrorKind::kUnavailable:
      return come_back(503, "The database is not available");
    case ErrorKind::kOverloaded:
      return come_back(503, "The service has more requests than it can take");
    case ErrorKind::kTimeout:
      return problem(504, "The request was not done in its time; it may have taken effect", code);
    case ErrorKind::kAuth:
      return problem(503, "The database refused the service's credentials", "unavailable");
    case ErrorKind::kInternal:
      break;
  }
  return problem(500, "Something went wrong on our side; the log has it under the request's id",
                 "internal");
}

bool is_our_fault(const Error& error) noexcept {
  switch (error.kind()) {
    case ErrorKind::kThrottled:
    case ErrorKind::kUnavailable:
    case ErrorKind::kTimeout:
    case ErrorKind::kOverloaded:
    case ErrorKind::kAuth:
    case ErrorKind::kInternal:
      return true;
    case ErrorKind::kValidation:
      return error.violations().empty();  // the response does not say what is wrong
    case ErrorKind::kConflict:
      return error.server_code() != 0;
    case ErrorKind::kDuplicate:
      return false;
  }
  return true;
}

}  // namespace gesso::http
