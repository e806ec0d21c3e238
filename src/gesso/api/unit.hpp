// From an HTTP request to a unit of work on the database and back: what the resources' handlers
// have in common. Functions only, thread-safe; none blocks.
#pragma once

#include <exception>
#include <functional>
#include <string>

#include "gesso/api/services.hpp"
#include "gesso/base/deadline.hpp"
#include "gesso/bson/view.hpp"
#include "gesso/http/problem.hpp"
#include "gesso/http/request.hpp"
#include "gesso/http/response.hpp"
#include "gesso/models/ids.hpp"

namespace gesso::api {

using Unit = std::function<http::Response(mongo::Session&)>;

// What a unit carries along about its request.
struct Call {
  std::string request_id;
  Deadline deadline;
  http::Responder respond;
  // What a validation error thrown by the unit is about.
  http::Location location = http::Location::kBody;
};

// Runs `unit` on a database worker and answers with its response, or with the problem that what it
// threw amounts to.
void run_unit(const Services& services, Call call, Unit unit);

// The same for a unit that is a user's: answers with 401 where the user was locked out since the
// token was issued, or is gone.
void run_unit_for_user(const Services& services, Call call, const models::UserId& user_id,
                       Unit unit);

// Answers for an exception, and logs it where it is our fault.
void fail(const Call& call, const std::exception_ptr& failure);

// The body as JSON. Throws Error (kValidation) for a body that is no JSON object and for one that
// says it is something else than JSON.
[[nodiscard]] bson::Document json_body(const http::Request& request);

// Handlers whose exceptions are answered as `fail` does. The second kind is for requests with a
// good bearer token and knows whose it is; others are answered with 401. Whether there is (still)
// such a user is not looked up.
using CallHandler = std::function<void(const Call&, const http::Request&)>;
using UserHandler = std::function<void(const Call&, const http::Request&, const models::UserId&)>;
[[nodiscard]] http::Handler handle(const Services& services, http::Location location,
                                   CallHandler handler);
[[nodiscard]] http::Handler handle_for_user(const Services& services, http::Location location,
                                            UserHandler handler);

}  // namespace gesso::api
