#include "gesso/api/unit.hpp"

#include <spdlog/spdlog.h>

#include "gesso/base/error.hpp"
#include "gesso/base/text.hpp"
#include "gesso/repositories/user_repository.hpp"
#include "gesso/schema/json.hpp"

namespace gesso::api {
namespace {

bool is_json(std::string_view content_type) {
  std::string_view type = content_type.substr(0, content_type.find(';'));
  while (type.ends_with(' ')) type.remove_suffix(1);
  if (equal_ignoring_case(type, "application/json")) return true;
  constexpr std::string_view kTree = "application/";
  constexpr std::string_view kSuffix = "+json";
  return type.size() > kTree.size() + kSuffix.size() &&
         equal_ignoring_case(type.substr(0, kTree.size()), kTree) &&
         equal_ignoring_case(type.substr(type.size() - kSuffix.size()), kSuffix);
}

}  // namespace

void fail(const Call& call, const std::exception_ptr& failure) {
  try {
    std::rethrow_exception(failure);
  } catch (const Error& error) {
    if (http::is_our_fault(error)) {
      spdlog::error("{}: {}: {}", call.request_id, to_string(error.kind()), error.what());
    }
    call.respond(http::problem_of(error, call.location));
  } catch (const std::exception& error) {
    spdlog::error("{}: {}", call.request_id, error.what());
    call.respond(http::problem_of(Error(ErrorKind::kInternal, error.what())));
  }
}

void run_unit(const Services& services, Call call, Unit unit) {
  const Deadline deadline = call.deadline;
  auto refused = [call](const std::exception_ptr& failure) { fail(call, failure); };
  services.database.submit(
      deadline,
      [call = std::move(call), unit = std::move(unit)](mongo::Session& session) {
        try {
          call.respond(unit(session));
        } catch (...) {
          fail(call, std::current_exception());
        }
      },
      std::move(refused));
}

void run_unit_for_user(const Services& services, Call call, const models::UserId& user_id,
                       Unit unit) {
  run_unit(services, std::move(call),
           [&services, user_id, unit = std::move(unit)](mongo::Session& session) {
             if (!repositories::UserRepository(session, services.repository_context)
                      .is_active(user_id)) {
               return http::unauthorized("The token's user is not active");
             }
             return unit(session);
           });
}

bson::Document json_body(const http::Request& request) {
  const auto type = request.headers.find("content-type");
  if (type && !is_json(*type)) {
    throw validation_error({{.path = {},
                             .type = "model_attributes_type",
                             .message = "Input should be a valid dictionary or object to extract "
                                        "fields from: send application/json",
                             .expected = "application/json",
                             .found = std::string(*type)}});
  }
  return schema::parse_json(request.body);
}

http::Handler handle(const Services& services, http::Location location, CallHandler handler) {
  return [&services, location, handler = std::move(handler)](http::Request request,
                                                             http::Responder respond) {
    const Call call{.request_id = request.id,
                    .deadline = Deadline::after(services.request_timeout),
                    .respond = std::move(respond),
                    .location = location};
    try {
      handler(call, request);
    } catch (...) {
      fail(call, std::current_exception());
    }
  };
}

http::Handler handle_for_user(const Services& services, http::Location location,
                              UserHandler handler) {
  return handle(
      services, location,
      [&services, handler = std::move(handler)](const Call& call, const http::Request& request) {
        const auto field = request.headers.find("authorization");
        const auto token = field ? domain::bearer_token(*field) : std::nullopt;
        if (!token) {
          call.respond(http::unauthorized(
              "Not authenticated: send Authorization: Bearer with an access token from "
              "/api/v1/auth/login"));
          return;
        }
        domain::TokenFault fault{};
        const auto subject = services.tokens.verify(*token, fault);
        const auto user_id = subject ? models::UserId::parse(*subject) : std::nullopt;
        if (!user_id) {
          call.respond(http::unauthorized(domain::describe(fault)));
          return;
        }
        handler(call, request, *user_id);
      });
}

}  // namespace gesso::api
