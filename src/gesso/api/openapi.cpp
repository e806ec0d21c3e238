#include "gesso/api/openapi.hpp"

#include <algorithm>
#include <array>
#include <boost/json.hpp>
#include <set>
#include <stdexcept>
#include <utility>

#include "gesso/api/openapi_components.hpp"
#include "gesso/api/openapi_responses.hpp"
#include "gesso/base/text.hpp"

namespace gesso::api {
namespace {

namespace json = boost::json;
using detail::Components;
using schema::SchemaUse;

constexpr std::string_view kTitle = "Gesso";
constexpr std::string_view kAbout =
    R"(The ground of an AI image-generation platform: accounts, credits, generations, subscriptions.

- **Bodies** are JSON in UTF-8. Times are ISO 8601 in UTC, ids are strings, and what has no value is `null`.
- **Who asks** shows an access token or an API key as `Authorization: Bearer ...`. A key or token is good for its scopes; each operation names the one that it needs.
- **Errors** are [RFC 9457](https://www.rfc-editor.org/rfc/rfc9457) problems, whose `code` stays the same, except that a request that does not fit gets a 422 that lists everything that is wrong with it, as FastAPI's does.
- **Lists** come in pages: `next_cursor` of one page is the `cursor` of the next.
- **Limits** are told by `RateLimit` and `RateLimit-Policy`; a 429 and a 503 say with `Retry-After` when to ask again.
- Every response has an `X-Request-ID`, which is the request's own if it sent one.)";

// What each tag is about, in the document's order.
struct Tag {
  std::string_view name;
  std::string_view about;
};
constexpr auto kTags = std::to_array<Tag>({
    {"Accounts", "Registering, confirming an address, logging in and out."},
    {"Sign-in", "Logging in with Google, Microsoft or GitHub, and whose accounts may."},
    {"Sessions", "Where the caller is logged in."},
    {"API keys", "Keys for programs, each for some scopes and a time."},
    {"Users", "The caller's own profile, password, second factor and data."},
    {"Generations", "Images that a user asked for, from the request to the result."},
    {"Images", "The pictures themselves, by links that expire."},
    {"Subscriptions", "Plans, and how they are paid."},
    {"Usage", "What was done, when, and what it cost."},
    {"Worker", "For the programs that make the images."},
    {"Webhooks", "For the services that tell this one what happened."},
    {"Administration", "Other users, for those who run the platform."},
    {"Operations", "For those who run the service."},
});

// Those in use, in the order above; one that nothing is said about comes last.
json::array tags_in_use(const std::set<std::string_view>& used) {
  json::array tags;
  for (const Tag& tag : kTags) {
    if (used.contains(tag.name)) {
      tags.push_back(json::object{{"name", tag.name}, {"description", tag.about}});
    }
  }
  for (const std::string_view name : used) {
    if (std::ranges::find(kTags, name, &Tag::name) == kTags.end()) {
      tags.push_back(json::object{{"name", name}});
    }
  }
  return tags;
}

json::value security_schemes() {
  return json::object{
      {"bearer", json::object{{"type", "http"},
                              {"scheme", "bearer"},
                              {"bearerFormat", "JWT"},
                              {"description", "The `access_token` that `login` gives."}}},
      {"apiKey", json::object{{"type", "http"},
                              {"scheme", "bearer"},
                              {"bearerFormat", "API key"},
                              {"description", "A key for programs: `gk_...`."}}}};
}

json::array security_of(const OperationInfo& info) {
  if (info.access == Access::kPublic) return {};
  json::array scopes;
  if (info.scope) scopes.emplace_back(schema::to_string(*info.scope));
  return {json::object{{"bearer", scopes}}, json::object{{"apiKey", scopes}}};
}

std::string description_of(const OperationInfo& info) {
  std::string text(info.description);
  if (info.scope) {
    if (!text.empty()) text += "\n\n";
    text += "Needs the scope `" + std::string(schema::to_string(*info.scope)) + "`.";
  }
  return text;
}

json::array parameters_of(const InputSchema& input, Components& components) {
  json::array parameters;
  for (const ParameterSchema& parameter : input.parameters) {
    json::object one{
        {"name", parameter.name},
        {"in", parameter.in},
        {"required", parameter.required},
        {"schema", components.take(detail::to_json_value(parameter.schema), SchemaUse::kInput)}};
    if (!parameter.about.empty()) one["description"] = parameter.about;
    parameters.push_back(std::move(one));
  }
  return parameters;
}

json::value request_body_of(const InputSchema& input, Components& components) {
  json::object content;
  if (input.body) {
    content["schema"] = components.take(detail::to_json_value(*input.body), SchemaUse::kInput);
    if (!input.body_example.empty()) content["example"] = json::parse(input.body_example);
  } else if (input.raw_body) {
    content["schema"] = json::object{{"type", "object"}, {"additionalProperties", true}};
  } else {
    return nullptr;
  }
  return json::object{
      {"required", input.body_required || input.raw_body},
      {"content", json::object{{"application/json", std::move(content)}}},
  };
}

json::object operation_object(const Operation& operation, Components& components) {
  const OperationInfo& info = operation.info();
  const OperationSchema schema = operation.describe();
  json::object object{{"operationId", info.id},
                      {"tags", json::array{json::value(info.tag)}},
                      {"summary", info.summary}};
  if (auto text = description_of(info); !text.empty()) object["description"] = std::move(text);
  if (auto all = parameters_of(schema.input, components); !all.empty()) {
    object["parameters"] = std::move(all);
  }
  if (auto body = request_body_of(schema.input, components); !body.is_null()) {
    object["requestBody"] = std::move(body);
  }
  object["responses"] = detail::responses_of(info, operation.place(), schema, components);
  object["security"] = security_of(info);
  return object;
}

}  // namespace

std::string openapi_document(std::span<const Operation> operations, std::string_view version) {
  Components components;
  json::object paths;
  std::set<std::string_view> tags;
  std::set<std::string_view> ids;
  for (const Operation& operation : operations) {
    const OperationInfo& info = operation.info();
    if (!ids.insert(info.id).second) {
      throw std::logic_error("two operations are called " + std::string(info.id));
    }
    if (info.hidden) continue;
    tags.insert(info.tag);
    json::value& path = paths[info.path];
    if (!path.is_object()) path = json::object{};
    path.get_object()[lower(http::to_string(info.method))] =
        operation_object(operation, components);
  }
  json::value document = json::object{
      {"openapi", "3.1.0"},
      {"info", json::object{{"title", kTitle}, {"version", version}, {"description", kAbout}}},
      {"servers", json::array{json::object{{"url", "/"}}}},
      {"tags", tags_in_use(tags)},
      {"paths", std::move(paths)},
  };
  json::object schemas = components.release(document);
  detail::add_error_schemas(schemas);
  document.get_object()["components"] = json::object{{"schemas", std::move(schemas)},
                                                     {"headers", detail::shared_headers()},
                                                     {"securitySchemes", security_schemes()}};
  return json::serialize(document);
}

}  // namespace gesso::api
