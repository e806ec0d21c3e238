// What a client is told when a request fails. The one place where an `Error` becomes a response.
//
// Input that does not fit gets FastAPI's 422 body, `{"detail": [{"type", "loc", "msg"}]}`; all
// else is RFC 9457's `application/problem+json` with type, title, status and detail, the last of
// which is also where a FastAPI client looks, and two of ours: `code`, which programs may rely on,
// and `request_id`. Nothing of the inside is told: no host, no query, no message of the database's.
// Pure functions.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "gesso/base/error.hpp"
#include "gesso/http/response.hpp"

namespace gesso::http {

struct Problem {
  int status = 500;
  // Stable, for programs: "insufficient_credits". "" stands for the status: "not_found" for 404.
  std::string code = {};
  std::string title = {};   // the same for every problem of this code; "" is the status's phrase
  std::string detail = {};  // what happened this time, for people
  // A URI; "" is "urn:gesso:problem:CODE", or "about:blank" where the code is the status's.
  std::string type = {};
  std::optional<std::chrono::seconds> retry_after = {};  // sent as at least one second
  // Further members: name and JSON text, {"violated-policies", R"(["daily"])"}.
  std::vector<std::pair<std::string, std::string>> members = {};
};

[[nodiscard]] Response to_response(const Problem& problem, std::string_view request_id = {});

// What `to_response` makes of a problem that has no more to say.
[[nodiscard]] Response problem(int status, std::string_view detail, std::string_view code = {},
                               std::string_view request_id = {});

// 401 with `WWW-Authenticate: Bearer`.
[[nodiscard]] Response unauthorized(std::string_view detail, std::string_view request_id = {});

// Where in the request the violations' paths begin: the first step of `loc`. `kInPath`: they name
// it themselves.
enum class Location { kBody, kQuery, kPath, kHeader, kInPath };

// 422 with one entry for each violation.
[[nodiscard]] Response unprocessable(const std::vector<Violation>& violations,
                                     Location location = Location::kBody);

// The response for a failure:
//   kValidation 422 · kDuplicate, kConflict 409 · kTimeout 504 · kInternal 500
//   kThrottled (for the whole time of the request), kUnavailable, kOverloaded, kAuth (the database
//   refused *our* credentials) 503 with `Retry-After`
// An error's own text is never sent: it may be the database's. A 429 is the caller's own limit and
// never comes from here.
[[nodiscard]] Response problem_of(const Error& error, Location location = Location::kBody,
                                  std::string_view request_id = {});

// Whether a failure is ours to look into, or its response leaves out what happened: then the log
// should have it, with the request's id. So it is for every 500, 503 and 504 of `problem_of`.
[[nodiscard]] bool is_our_fault(const Error& error) noexcept;

}  // namespace gesso::http
