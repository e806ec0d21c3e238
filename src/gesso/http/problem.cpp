#include "gesso/http/problem.hpp"

#include <algorithm>

#include "gesso/base/text.hpp"
#include "gesso/schema/json_text.hpp"

namespace gesso::http {
namespace {

using schema::write_json_integer;
using schema::write_json_string;

std::string_view first_step(Location location) {
  switch (location) {
    case Location::kBody:
    case Location::kInPath:  // of a violation without a path, which is the body's
      return "body";
    case Location::kQuery:
      return "query";
    case Location::kPath:
      return "path";
    case Location::kHeader:
      return "header";
  }
  return "body";
}

void write_location(std::string& out, const Path& path, Location location) {
  out += '[';
  if (location != Location::kInPath || path.empty()) {
    write_json_string(out, first_step(location));
    if (!path.empty()) out += ',';
  }
  for (const PathStep& step : path) {
    if (&step != &path.front()) out += ',';
    if (const auto* name = std::get_if<std::string>(&step)) {
      write_json_string(out, *name);
    } else {
      write_json_integer(out, static_cast<std::int64_t>(std::get<std::size_t>(step)));
    }
  }
  out += ']';
}

// "content_too_large" for 413.
std::string code_of(int status) {
  std::string code = lower(reason_phrase(status));
  std::ranges::replace(code, ' ', '_');
  return code;
}

std::chrono::seconds wait_of(const Error& error) {
  using namespace std::chrono_literals;
  return std::chrono::ceil<std::chrono::seconds>(error.retry_after().value_or(1s));
}

Problem describe(const Error& error) {
  const std::string code(to_string(error.kind()));
  switch (error.kind()) {
    case ErrorKind::kDuplicate:
      return {.status = 409,
              .code = code,
              .detail = error.field().empty() ? "There is one like this already"
                                              : "This " + error.field() + " is taken"};
    case ErrorKind::kConflict:
      return {.status = 409,
              .code = code,
              .detail = "The present state of the resource does not allow this"};
    case ErrorKind::kThrottled:
      return {.status = 503,
              .code = code,
              .detail = "The database asks to come back later",
              .retry_after = wait_of(error)};
    case ErrorKind::kUnavailable:
      return {.status = 503,
              .code = code,
              .detail = "The database is not available",
              .retry_after = wait_of(error)};
    case ErrorKind::kOverloaded:
      return {.status = 503,
              .code = code,
              .detail = "The service has more requests than it can take",
              .retry_after = wait_of(error)};
    case ErrorKind::kAuth:
      return {.status = 503,
              .code = "unavailable",
              .detail = "The database refused the service's credentials",
              .retry_after = wait_of(error)};
    case ErrorKind::kTimeout:
      return {.status = 504,
              .code = code,
              .detail = "The request was not done in its time; it may have taken effect"};
    case ErrorKind::kValidation:
    case ErrorKind::kInternal:
      break;
  }
  return {.status = 500,
          .code = "internal",
          .detail = "Something went wrong on our side; the log has it under the request's id"};
}

}  // namespace

Response to_response(const Problem& problem, std::string_view request_id) {
  const std::string code = problem.code.empty() ? code_of(problem.status) : problem.code;
  std::string_view title = problem.title;
  if (title.empty()) title = reason_phrase(problem.status);
  std::string type = problem.type;
  if (type.empty()) type = problem.code.empty() ? "about:blank" : "urn:gesso:problem:" + code;

  std::string body = R"({"type":)";
  write_json_string(body, type);
  body += R"(,"title":)";
  write_json_string(body, title);
  body += R"(,"status":)";
  write_json_integer(body, problem.status);
  body += R"(,"detail":)";
  write_json_string(body, problem.detail);
  body += R"(,"code":)";
  write_json_string(body, code);
  if (!request_id.empty()) {
    body += R"(,"request_id":)";
    write_json_string(body, request_id);
  }
  for (const auto& [name, value] : problem.members) {
    body += ',';
    write_json_string(body, name);
    body.append(":").append(value);
  }
  body += '}';
  Response response{.status = problem.status,
                    .content_type = "application/problem+json",
                    .body = std::move(body),
                    .code = code};
  if (problem.retry_after) {
    // A client that comes back at once helps nobody.
    const auto wait = std::max(*problem.retry_after, std::chrono::seconds{1});
    response.headers.emplace_back("Retry-After", std::to_string(wait.count()));
  }
  return response;
}

Response problem(int status, std::string_view detail, std::string_view code,
                 std::string_view request_id) {
  return to_response({.status = status, .code = std::string(code), .detail = std::string(detail)},
                     request_id);
}

Response unauthorized(std::string_view detail, std::string_view request_id) {
  Response response = problem(401, detail, "unauthorized", request_id);
  response.headers.emplace_back("WWW-Authenticate", "Bearer");
  return response;
}

Response unprocessable(const std::vector<Violation>& violations, Location location) {
  std::string body = R"({"detail":[)";
  for (const Violation& violation : violations) {
    body += &violation == &violations.front() ? R"({"type":)" : R"(,{"type":)";
    write_json_string(body, violation.type);
    body += R"(,"loc":)";
    write_location(body, violation.path, location);
    body += R"(,"msg":)";
    write_json_string(body, violation.message);
    body += '}';
  }
  body += "]}";
  return {.status = 422, .body = std::move(body), .code = "unprocessable"};
}

Response problem_of(const Error& error, Location location, std::string_view request_id) {
  if (error.kind() != ErrorKind::kValidation) return to_response(describe(error), request_id);
  if (!error.violations().empty()) return unprocessable(error.violations(), location);
  return unprocessable({{.path = {},
                         .type = "value_error",
                         .message = "Value error, the database cannot store this",
                         .expected = {},
                         .found = {}}},
                       location);
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
