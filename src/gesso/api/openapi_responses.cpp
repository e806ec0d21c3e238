#include "gesso/api/openapi_responses.hpp"

#include <map>
#include <string>
#include <utility>

#include "gesso/schema/json.hpp"

namespace gesso::api::detail {
namespace {

namespace json = boost::json;

json::value content(std::string_view type, json::value schema) {
  return json::object{{type, json::object{{"schema", std::move(schema)}}}};
}

void add_headers(json::object& response, std::initializer_list<std::string_view> names) {
  if (names.size() == 0) return;
  json::value& headers = response["headers"];
  if (!headers.is_object()) headers = json::object{};
  for (const std::string_view name : names) {
    headers.get_object()[name] =
        json::object{{"$ref", "#/components/headers/" + std::string(name)}};
  }
}

// The problems of an operation, by status: several of one status are told apart by their code.
class Problems {
  struct OfStatus {
    std::string about;
    json::array schemas;
    json::object mapping;
  };
  std::map<int, OfStatus> statuses_;
  Components& components_;

 public:
  explicit Problems(Components& components) : components_(components) {}

  void add(const ProblemSchema& problem) {
    OfStatus& status = statuses_[problem.status];
    json::value schema = components_.problem(problem);
    if (status.mapping.contains(problem.code)) return;
    if (!status.about.empty()) status.about += "; ";
    status.about += std::string(problem.title) + " (`" + std::string(problem.code) + "`)";
    status.mapping[problem.code] = schema.at("$ref");
    status.schemas.push_back(std::move(schema));
  }

  void release(json::object& responses) {
    for (auto& [status, problems] : statuses_) {
      json::value schema;
      if (problems.schemas.size() == 1) {
        schema = std::move(problems.schemas.front());
      } else {
        schema = json::object{
            {"oneOf", std::move(problems.schemas)},
            {"discriminator",
             json::object{{"propertyName", "code"}, {"mapping", std::move(problems.mapping)}}}};
      }
      json::object response{{"description", problems.about},
                            {"content", content("application/problem+json", std::move(schema))}};
      if (status == 401) add_headers(response, {"WWW-Authenticate"});
      if (status == 429) add_headers(response, {"RateLimit", "RateLimit-Policy"});
      if (status == 429 || status == 503) add_headers(response, {"Retry-After"});
      responses[std::to_string(status)] = std::move(response);
    }
  }
};

json::value json_content(const OutputSchema& output, Components& components) {
  return content("application/json",
                 components.take(to_json_value(*output.json), schema::SchemaUse::kOutput));
}

json::object success_of(const OperationInfo& info, const OutputSchema& output,
                        Components& components) {
  json::object response{{"description", "Done."}};
  if (output.json) {
    response["content"] = json_content(output, components);
    if (info.status == 201) response["description"] = "Made.";
    if (!info.location.empty()) add_headers(response, {"Location"});
  } else if (output.redirect) {
    response["description"] = "Go on there.";
    add_headers(response, {"Location"});
  } else if (!output.type.empty()) {
    const std::string_view type = info.media_type.empty() ? output.type : info.media_type;
    json::value schema = json::object{{"type", "string"}};
    if (type == "application/json") {
      schema = json::object{{"type", "object"}, {"additionalProperties", true}};
    }
    response["content"] = content(type, std::move(schema));
  }
  if (info.limit != LimitClass::kNone) add_headers(response, {"RateLimit", "RateLimit-Policy"});
  return response;
}

// Of the problem that http::quota_exceeded makes.
bson::Document quota_members() {
  return schema::parse_json(R"({
    "properties": {
      "violated-policies": {
        "type": "array",
        "items": {"type": "string"},
        "description": "The names of the quotas of which nothing is left, as in `RateLimit-Policy`."
      }
    },
    "required": ["violated-policies"]
  })");
}

// What the chain answers in place of the function.
void add_problems_of_the_chain(const OperationInfo& info, Place place, Problems& problems) {
  if (info.access != Access::kPublic) {
    problems.add({.status = 401, .code = "unauthorized", .title = "Unauthorized"});
    problems.add({.status = 403, .code = "forbidden", .title = "Forbidden"});
  }
  if (info.limit != LimitClass::kNone) {
    problems.add({.status = 429,
                  .code = "rate_limited",
                  .title = "Too many requests",
                  .members = quota_members()});
  }
  // To know what is left of a limit may take a look into the database.
  if (place == Place::kInline && info.limit == LimitClass::kNone) return;
  problems.add({.status = 503, .code = "overloaded", .title = "The service has too much to do"});
  problems.add({.status = 503, .code = "throttled", .title = "The database has too much to do"});
  problems.add({.status = 503, .code = "unavailable", .title = "The database is away"});
  problems.add(
      {.status = 504, .code = "timeout", .title = "Not done in time; it may have taken effect"});
}

json::value header(std::string_view about, json::value schema, std::string_view example) {
  return json::object{
      {"description", about}, {"schema", std::move(schema)}, {"example", json::value(example)}};
}

}  // namespace

json::object responses_of(const OperationInfo& info, Place place, const OperationSchema& schema,
                          Components& components) {
  json::object responses;
  const int success = schema.output.redirect                              ? 302
                      : !schema.output.json && schema.output.type.empty() ? 204
                                                                          : info.status;
  responses[std::to_string(success)] = success_of(info, schema.output, components);
  for (const AlternativeSchema& alternative : schema.alternatives) {
    json::object response{{"description", alternative.about}};
    if (alternative.output.json) {
      response["content"] = json_content(alternative.output, components);
    }
    if (info.limit != LimitClass::kNone) add_headers(response, {"RateLimit", "RateLimit-Policy"});
    responses[std::to_string(alternative.status)] = std::move(response);
  }
  Problems problems(components);
  for (const ProblemSchema& problem : schema.problems) problems.add(problem);
  add_problems_of_the_chain(info, place, problems);
  if (schema.input.body) {
    problems.add({.status = 413, .code = "content_too_large", .title = "Content Too Large"});
  }
  problems.release(responses);
  if (!schema.input.parameters.empty() || schema.input.body) {
    responses["422"] =
        json::object{{"description", "The request does not fit; all faults at once"},
                     {"content", content("application/json", reference_to("HTTPValidationError"))}};
  }
  return responses;
}

json::object shared_headers() {
  const json::object text{{"type", "string"}};
  return {
      {"Location",
       header("Where it is.", json::object{{"type", "string"}, {"format", "uri-reference"}},
              "/api/v1/generations/gen_01KBT4ZC9QX5W3M8R7N6P2D1EF")},
      {"Retry-After", json::object{{"description", "Seconds after which to ask again."},
                                   {"schema", json::object{{"type", "integer"}, {"minimum", 1}}},
                                   {"example", 30}}},
      {"RateLimit", header("What is left of each quota, and the seconds until there is more.", text,
                           R"("burst";r=50;t=30)")},
      {"RateLimit-Policy", header("The caller's quotas: requests, and the window's seconds.", text,
                                  R"("burst";q=100;w=60, "daily";q=1000;w=86400)")},
      {"WWW-Authenticate", header("How to show who asks.", text, "Bearer")},
  };
}

void add_error_schemas(json::object& schemas) {
  schemas["Problem"] = json::parse(R"({
    "title": "Problem", "type": "object", "required": ["type", "title", "status", "detail", "code"],
    "description": "Why a request failed (RFC 9457).",
    "properties": {
      "type": {"type": "string", "format": "uri-reference",
               "description": "A URI that names the kind of problem."},
      "title": {"type": "string", "description": "The kind of problem, for people."},
      "status": {"type": "integer", "description": "The response's status."},
      "detail": {"type": "string", "description": "What happened this time, for people."},
      "code": {"type": "string", "description": "The kind of problem, for programs: it stays."},
      "request_id": {"type": "string", "description": "What the server's log has it under."}}})");
  schemas["ValidationError"] = json::parse(R"({
    "title": "ValidationError", "type": "object", "required": ["type", "loc", "msg"],
    "description": "One thing about a request that does not fit.",
    "properties": {
      "type": {"type": "string", "description": "The kind of fault, as Pydantic names it."},
      "loc": {"type": "array", "items": {"anyOf": [{"type": "string"}, {"type": "integer"}]},
              "description": "`body`, `query`, `path` or `header`, and the way from there."},
      "msg": {"type": "string", "description": "The fault, for people."}}})");
  schemas["HTTPValidationError"] = json::parse(R"({
    "title": "HTTPValidationError", "type": "object", "required": ["detail"],
    "description": "Everything about a request that does not fit.",
    "properties": {"detail": {"type": "array", "description": "One entry for each.",
                              "items": {"$ref": "#/components/schemas/ValidationError"}}}})");
}

}  // namespace gesso::api::detail
