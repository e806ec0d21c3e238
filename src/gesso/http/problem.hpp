// What a client is told when a request fails. The one place where an `Error` becomes a response.
//
// Input that does not fit gets FastAPI's 422 body, `{"detail": [{"type", "loc", "msg"}]}`; all
// else is RFC 9457's `application/problem+json` with type, title, status and detail, the last of
// which is also where a FastAPI client looks. Nothing of the inside is told: no host, no query, no
// message of the database's.
#pragma once

#include <chrono>
#include <optional>
#include <string_view>
#include <vector>

#include "gesso/base/error.hpp"
#include "gesso/http/response.hpp"

namespace gesso::http {

// `code` makes the type, "urn:gesso:problem:CODE"; without one the type is "about:blank".
[[nodiscard]] Response problem(int status, std::string_view detail, std::string_view code = {});

// 401 with `WWW-Authenticate: Bearer`.
[[nodiscard]] Response unauthorized(std::string_view detail);

// Where in the request the violations' paths begin: the first step of `loc`. `kInPath`: the paths
// say so themselves.
enum class Location { kBody, kQuery, kPath, kHeader, kInPath };

// 422 with one entry for each violation.
[[nodiscard]] Response unprocessable(const std::vector<Violation>& violations,
                                     Location location = Location::kBody);

// The response for a failure:
//   kValidation 422 · kDuplicate, kConflict 409 · kTimeout 504 · kInternal 500
//   kThrottled (for the whole time of the request) 429
//   kUnavailable, kOverloaded, kAuth (the database refused *our* credentials) 503
// with `Retry-After` where a retry can help. An error's own text is never sent: it may be the
// database's.
[[nodiscard]] Response problem_of(const Error& error, Location location = Location::kBody);

// Whether a failure is ours to look into, or its response leaves out what happened: then the log
// should have it, with the request's id.
[[nodiscard]] bool is_our_fault(const Error& error) noexcept;

}  // namespace gesso::http
