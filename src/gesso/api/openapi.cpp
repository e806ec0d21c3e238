#include "gesso/api/openapi.hpp"

#include <boost/json.hpp>
#include <map>
#include <stdexcept>

#include "gesso/base/text.hpp"
#include "gesso/schema/json_text.hpp"

namespace gesso::api {
namespace {

namespace json = boost::json;

json::value as_json(const bson::Document& document) {
  std::string text;
  schema::write_json_object(text, document.view());
  return json::parse(text);
}

json::value reference(std::string_view component) {
  return json::object{{"$ref", "#/components/schemas/" + std::string(component)}};
}

// The schemas that have a name, each once, and references where they stood.
class Components {
  json::object schemas_;

  // What a field says of a struct differs from place to place, the struct does not.
  static json::value without_description(json::value schema) {
    if (auto* object = schema.if_object()) object->erase("description");
    return schema;
  }

 public:
  void add(std::string_view name, json::value schema) {
    const auto [entry, is_new] = schemas_.emplace(name, schema);
    if (!is_new && without_description(entry->value()) != without_description(schema)) {
      throw std::logic_error("two structs are called " + std::string(name));
    }
  }

  // Takes named schemas out of `schema`, at every depth.
  json::value take(json::value schema) {
    if (auto* array = schema.if_array()) {
      for (json::value& item : *array) item = take(std::move(item));
      return schema;
    }
    auto* object = schema.if_object();
    if (object == nullptr) return schema;
    for (auto& member : *object) member.value() = take(std::move(member.value()));
    const json::value* title = object->if_contains("title");
    if (title == nullptr || !title->is_string() || !object->contains("properties")) return schema;
    const std::string name(title->get_string());
    add(name, std::move(schema));
    return reference(name);
  }

  [[nodiscard]] json::object release() { return std::move(schemas_); }
};

json::value content(std::string_view type, json::value schema) {
  return json::object{{type, json::object{{"schema", std::move(schema)}}}};
}

json::value validation_error_schema() {
  return json::parse(R"({
    "title": "HTTPValidationError", "type": "object", "required": ["detail"],
    "description": "Everything about the request that does not fit.",
    "properties": {"detail": {"type": "array", "items": {
      "type": "object", "required": ["type", "loc", "msg"],
      "properties": {
        "type": {"type": "string", "description": "What kind of fault, as Pydantic names it."},
        "loc": {"type": "array", "items": {"anyOf": [{"type": "string"}, {"type": "integer"}]},
                "description": "Where: `body`, `query`, `path` or `header`, and the way from there."},
        "msg": {"type": "string", "description": "The fault, for people."}}}}}})");
}

json::value problem_schema() {
  return json::parse(R"({
    "title": "Problem", "type": "object", "required": ["type", "title", "status", "detail"],
    "description": "Why a request failed (RFC 9457).",
    "properties": {
      "type": {"type": "string", "description": "A URI that names the kind of problem."},
      "title": {"type": "string", "description": "The kind of problem, for people."},
      "status": {"type": "integer", "description": "The response's status."},
      "detail": {"type": "string", "description": "About this one time, for people."},
      "code": {"type": "string", "description": "The kind of problem, for programs."},
      "request_id": {"type": "string", "description": "What the server's log has it under."}},
    "additionalProperties": true})");
}

// Responses by status; several problems of one status share a response.
class Responses {
  std::map<int, std::string> problems_;
  json::object responses_;

 public:
  void add(int status, std::string_view about, json::value body) {
    json::object response{{"description", about}};
    if (!body.is_null()) response["content"] = std::move(body);
    responses_[std::to_string(status)] = std::move(response);
  }
  void problem(int status, std::string_view title, std::string_view code) {
    std::string& text = problems_[status];
    const std::string line = std::string(title) + " (`" + std::string(code) + "`)";
    if (text.find(line) != std::string::npos) return;
    if (!text.empty()) text += "; ";
    text += line;
  }
  [[nodiscard]] json::object release() {
    for (const auto& [status, about] : problems_) {
      add(status, about, content("application/problem+json", reference("Problem")));
    }
    return std::move(responses_);
  }
};

json::object responses_of(const OperationInfo& info, const OperationSchema& schema,
                          Components& components) {
  Responses responses;
  if (schema.output.json) {
    responses.add(info.status, "Done.",
                  content("application/json", components.take(as_json(*schema.output.json))));
  } else if (schema.output.redirect) {
    responses.add(302, "Go on there.", nullptr);
  } else if (!schema.output.type.empty()) {
    responses.add(info.status, "Done.",
                  content(schema.output.type, json::object{{"type", "string"}}));
  } else {
    responses.add(204, "Done.", nullptr);
  }
  for (const ProblemSchema& problem : schema.problems) {
    responses.problem(problem.status, problem.title, problem.code);
  }
  if (info.access != Access::kPublic) {
    responses.problem(401, "No token, or none that is good", "unauthorized");
    responses.problem(403, "The token is not good for this", "forbidden");
  }
  if (!schema.input.parameters.empty() || schema.input.body) {
    responses.add(422, "The request does not fit; everything at once.",
                  content("application/json", reference("HTTPValidationError")));
  }
  if (info.limit != LimitClass::kNone) {
    responses.problem(429, "The caller asks too much; `Retry-After` says when", "rate_limited");
    responses.problem(503, "Overloaded, or the database is; `Retry-After` says when",
                      "unavailable");
  }
  return responses.release();
}

json::object operation_object(const Operation& operation, Components& components) {
  const OperationInfo& info = operation.info();
  OperationSchema schema = operation.describe();
  json::object object{{"operationId", info.id},
                      {"tags", json::array{json::value(info.tag)}},
                      {"summary", info.summary}};
  if (!info.description.empty()) object["description"] = info.description;
  json::array parameters;
  for (const ParameterSchema& parameter : schema.input.parameters) {
    json::object one{{"name", parameter.name},
                     {"in", parameter.in},
                     {"required", parameter.required},
                     {"schema", components.take(as_json(parameter.schema))}};
    if (!parameter.about.empty()) one["description"] = parameter.about;
    parameters.emplace_back(std::move(one));
  }
  if (!parameters.empty()) object["parameters"] = std::move(parameters);
  if (schema.input.body) {
    object["requestBody"] = json::object{
        {"required", schema.input.body_required},
        {"content", content("application/json", components.take(as_json(*schema.input.body)))}};
  } else if (schema.input.raw_body) {
    object["requestBody"] =
        json::object{{"required", true},
                     {"content", content("application/json", json::object{{"type", "object"}})}};
  }
  object["responses"] = responses_of(info, schema, components);
  if (info.access == Access::kPublic) {
    object["security"] = json::array{};
  } else {
    json::array scopes;
    if (info.scope) scopes.emplace_back(schema::to_string(*info.scope));
    object["security"] = json::array{json::object{{"bearer", std::move(scopes)}}};
  }
  return object;
}

}  // namespace

std::string openapi_document(const std::vector<Operation>& operations, std::string_view version) {
  Components components;
  components.add("Problem", problem_schema());
  components.add("HTTPValidationError", validation_error_schema());
  json::object paths;
  json::array tags;
  for (const Operation& operation : operations) {
    const OperationInfo& info = operation.info();
    json::object tag{{"name", info.tag}};
    if (std::ranges::find(tags, json::value(tag)) == tags.end()) tags.emplace_back(std::move(tag));
    json::value& path = paths[info.path];
    if (!path.is_object()) path = json::object{};
    path.get_object()[lower(http::to_string(info.method))] =
        operation_object(operation, components);
  }
  const json::object document{
      {"openapi", "3.1.0"},
      {"info", json::object{{"title", "Gesso"},
                            {"version", version},
                            {"description",
                             "The ground of an AI image-generation platform: "
                             "accounts, credits, generations, subscriptions."}}},
      {"tags", std::move(tags)},
      {"paths", std::move(paths)},
      {"components",
       json::object{
           {"schemas", components.release()},
           {"securitySchemes", json::object{{"bearer", json::object{{"type", "http"},
                                                                    {"scheme", "bearer"},
                                                                    {"bearerFormat", "JWT"}}}}}}},
  };
  return json::serialize(document);
}

}  // namespace gesso::api
