// A user's generations. All of them are the token's user's: another's is as good as none.
#include <spdlog/spdlog.h>

#include <algorithm>
#include <charconv>

#include "gesso/api/routes.hpp"
#include "gesso/api/unit.hpp"
#include "gesso/base/error.hpp"
#include "gesso/bson/builder.hpp"
#include "gesso/domain/charging.hpp"
#include "gesso/repositories/generation_repository.hpp"
#include "gesso/schema/codec.hpp"
#include "gesso/schema/json_text.hpp"

namespace gesso::api {

namespace {

using models::Generation;
using models::GenerationCreate;
using models::GenerationStatus;
using models::UserId;
using repositories::GenerationRepository;

constexpr std::int64_t kDefaultLimit = 20;
constexpr std::int64_t kMaxLimit = 100;

// The request, for the token's user whatever else it says. Throws Error (kValidation).
GenerationCreate read_request(const http::Request& request, const UserId& user_id) {
  const bson::Document body = json_body(request);
  bson::Builder builder;
  builder.append("user_id", user_id.str());
  for (const bson::Element& element : body.view()) {
    if (element.key != "user_id") builder.append_element(element);
  }
  std::vector<Violation> violations;
  auto decoded =
      schema::decode<GenerationCreate>(builder.finish(), schema::Format::kJson, violations);
  const bson::Value claimed = body["user_id"];
  if (claimed && !(claimed.is_string() && claimed.as_string() == user_id.str())) {
    violations.push_back({.path = {"user_id"},
                          .type = "value_error",
                          .message = "Value error, must be the token's user, or left out",
                          .expected = "id of the token's user",
                          .found = "another value"});
  }
  if (!violations.empty()) throw validation_error(std::move(violations));
  decoded->cost_credits = decoded->num_images.value();  // an image, a credit
  return std::move(*decoded);
}

http::Response create(const Services& services, mongo::Session& session,
                      const GenerationCreate& request) {
  const auto outcome =
      domain::Charging(session, services.repository_context).charge_and_create(request);
  if (const auto* refused = std::get_if<domain::NotEnoughCredits>(&outcome)) {
    return http::problem(402,
                         "Not enough credits: " + std::to_string(refused->required) + " needed, " +
                             std::to_string(refused->available) + " left",
                         "not_enough_credits");
  }
  if (std::holds_alternative<domain::UserNotActive>(outcome)) {
    return http::unauthorized("The token's user is not active");
  }
  const auto& generation = std::get<Generation>(outcome);
  return {.status = 201,
          .headers = {{"Location", "/api/v1/generations/" + generation.id.str()}},
          .body = schema::to_json(generation)};
}

struct ListRequest {
  std::optional<GenerationStatus> status = {};
  std::int64_t limit = kDefaultLimit;
  std::string cursor = {};
};

// Parameters that are not ours are passed over. Throws Error (kValidation) with every violation.
ListRequest read_list_request(const http::Request& request) {
  ListRequest list;
  std::vector<Violation> violations;
  const auto add = [&](std::string_view name, Violation violation) {
    violation.path = {std::string(name)};
    violations.push_back(std::move(violation));
  };
  for (const auto& [name, value] : http::parse_query(request.query)) {
    if (name == "cursor") {
      list.cursor = value;
    } else if (name == "limit") {
      const char* end = value.data() + value.size();
      const auto [read, error] = std::from_chars(value.data(), end, list.limit);
      if (error != std::errc{} || read != end) {
        add(name, {.path = {},
                   .type = "int_parsing",
                   .message = "Input should be a valid integer, unable to parse string as an "
                              "integer",
                   .expected = "integer",
                   .found = value});
      } else if (list.limit < 1) {
        add(name, schema::below("1", value));
      } else if (list.limit > kMaxLimit) {
        add(name, schema::above(std::to_string(kMaxLimit), value));
      }
    } else if (name == "status") {
      constexpr auto kTexts = wire_texts(GenerationStatus{});
      const auto* const found = std::ranges::find(kTexts, value);
      if (found == kTexts.end()) {
        add(name, schema::not_in_enum(kTexts, value));
      } else {
        list.status = static_cast<GenerationStatus>(found - kTexts.begin());
      }
    }
  }
  if (!violations.empty()) throw validation_error(std::move(violations));
  return list;
}

http::Response list(const Services& services, mongo::Session& session, const UserId& user_id,
                    const ListRequest& request, const std::string& request_id) {
  const auto page =
      GenerationRepository(session, services.repository_context)
          .page_by_user(user_id, request.status,
                        {.limit = request.limit,
                         .cursor = request.cursor,
                         .skip_undecodable = [&](const Error& error) {
                           spdlog::error("{}: left out of a list: {}", request_id, error.what());
                         }});
  std::string body = R"({"items":[)";
  for (const Generation& generation : page.items) {
    if (body.back() != '[') body += ',';
    body += schema::to_json(generation);
  }
  body += R"(],"next_cursor":)";
  if (page.next) {
    schema::write_json_string(body, *page.next);
  } else {
    body += "null";
  }
  body += '}';
  return {.body = std::move(body)};
}

http::Response show(const Services& services, mongo::Session& session, const UserId& user_id,
                    const std::string& id) {
  std::optional<Generation> generation;
  if (const auto parsed = models::GenerationId::parse(id)) {
    generation = GenerationRepository(session, services.repository_context).find_by_id(*parsed);
  }
  if (!generation || generation->user_id != user_id) {
    return http::problem(404, "There is no such generation", "not_found");
  }
  return {.body = schema::to_json(*generation)};
}

}  // namespace

void add_generation_routes(http::Router& router, const Services& services) {
  using http::Location;
  const std::string path = "/api/v1/generations";
  const auto add = [&](http::Method method, const std::string& at, Location location,
                       UserHandler handler) {
    router.add(method, at, handle_for_user(services, location, std::move(handler)));
  };

  add(http::Method::kPost, path, Location::kBody,
      [&services](const Call& call, const http::Request& request, const UserId& user_id) {
        run_unit(services, call,
                 [&services, asked = read_request(request, user_id)](mongo::Session& session) {
                   return create(services, session, asked);
                 });
      });
  add(http::Method::kGet, path, Location::kQuery,
      [&services](const Call& call, const http::Request& request, const UserId& user_id) {
        run_unit_for_user(services, call, user_id,
                          [&services, user_id, asked = read_list_request(request),
                           request_id = request.id](mongo::Session& session) {
                            return list(services, session, user_id, asked, request_id);
                          });
      });
  add(http::Method::kGet, path + "/stats", Location::kBody,
      [&services](const Call& call, const http::Request&, const UserId& user_id) {
        run_unit_for_user(services, call, user_id, [&services, user_id](mongo::Session& session) {
          GenerationRepository generations(session, services.repository_context);
          return http::Response{.body = schema::to_json(generations.get_user_stats(user_id))};
        });
      });
  add(http::Method::kGet, path + "/{id}", Location::kPath,
      [&services](const Call& call, const http::Request& request, const UserId& user_id) {
        run_unit_for_user(
            services, call, user_id,
            [&services, user_id, id = std::string(request.param("id"))](mongo::Session& session) {
              return show(services, session, user_id, id);
            });
      });
}

}  // namespace gesso::api
