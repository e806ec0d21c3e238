#include "gesso/api/openapi_components.hpp"

#include <stdexcept>
#include <utility>

#include "gesso/schema/json_text.hpp"

namespace gesso::api::detail {
namespace {

namespace json = boost::json;

constexpr std::string_view kSchemas = "#/components/schemas/";
// Behind the name in a reference to what is read, until it is known whether it is also sent.
constexpr std::string_view kRead = " (read)";

// "not_enough_credits": "NotEnoughCredits"
std::string camel_case(std::string_view words) {
  std::string name;
  bool first = true;
  for (const char c : words) {
    if (c == '_') {
      first = true;
      continue;
    }
    name += first && c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    first = false;
  }
  return name;
}

json::value convert(bson::Value value);

json::value convert(bson::View document) {
  json::object object;
  for (const bson::Element& element : document) object[element.key] = convert(element.value);
  return object;
}

json::value convert(bson::Value value) {
  if (value.is_document()) return convert(value.as_document());
  if (value.is_array()) {
    json::array items;
    for (const bson::Element& item : value.as_document()) items.push_back(convert(item.value));
    return items;
  }
  std::string text;
  schema::write_json_value(text, value);
  return json::parse(text);
}

// A reference has room for what a field says of it: {"$ref": R, "description": D}.
void shorten(json::object& schema) {
  const json::value* all = schema.if_contains("allOf");
  if (all == nullptr || all->as_array().size() != 1) return;
  const json::value only = all->as_array().front();
  if (!only.is_object() || !only.as_object().contains("$ref")) return;
  schema["$ref"] = only.as_object().at("$ref");
  schema.erase("allOf");
}

// JSON Schema takes an object that names no properties for one that may have any; makers of clients
// take it for one that has none.
void tell_open(json::object& schema) {
  const json::value* type = schema.if_contains("type");
  if (type == nullptr || *type != "object" || schema.contains("properties")) return;
  if (!schema.contains("additionalProperties")) schema["additionalProperties"] = true;
}

template <class Visit>
void for_each_reference(json::value& value, const Visit& visit) {
  if (auto* array = value.if_array()) {
    for (json::value& item : *array) for_each_reference(item, visit);
  } else if (auto* object = value.if_object()) {
    for (auto& member : *object) {
      if (member.key() == "$ref" && member.value().is_string()) {
        visit(member.value());
      } else {
        for_each_reference(member.value(), visit);
      }
    }
  }
}

}  // namespace

json::value to_json_value(const bson::Document& document) { return convert(document.view()); }

json::value reference_to(std::string_view component) {
  return json::object{{"$ref", std::string(kSchemas) + std::string(component)}};
}

void Components::add(std::map<std::string, json::value, std::less<>>& schemas,
                     const std::string& name, json::value schema) {
  const auto [entry, is_new] = schemas.emplace(name, schema);
  if (!is_new && entry->second != schema) {
    throw std::logic_error("two structs are called " + name);
  }
}

json::value Components::take(json::value schema, schema::SchemaUse use) {
  if (auto* array = schema.if_array()) {
    for (json::value& item : *array) item = take(std::move(item), use);
    return schema;
  }
  auto* object = schema.if_object();
  if (object == nullptr) return schema;
  for (auto& member : *object) member.value() = take(std::move(member.value()), use);
  shorten(*object);
  tell_open(*object);
  const json::value* title = object->if_contains("title");
  if (title == nullptr || !title->is_string() || !object->contains("properties")) return schema;
  const std::string name(title->as_string());
  const bool read = use == schema::SchemaUse::kInput;
  add(read ? inputs_ : outputs_, name, std::move(schema));
  return reference_to(read ? name + std::string(kRead) : name);
}

json::value Components::problem(const ProblemSchema& problem) {
  const std::string name =
      problem.name.empty() ? camel_case(problem.code) + "Problem" : std::string(problem.name);
  std::set<int>& statuses = problem_statuses_[name];
  statuses.insert(problem.status);
  if (statuses.size() > 1) {
    throw std::logic_error("problems of two statuses have the code " + std::string(problem.code));
  }
  json::object properties;
  json::array required{"status", "code"};
  if (problem.members) {
    const json::value members = to_json_value(*problem.members);
    properties = take(members.at("properties"), schema::SchemaUse::kOutput).as_object();
    for (const json::value& one : members.at("required").as_array()) required.push_back(one);
  }
  properties["status"] = json::object{{"type", "integer"}, {"const", problem.status}};
  properties["code"] = json::object{{"type", "string"}, {"const", problem.code}};
  add(outputs_, name,
      json::object{{"title", name},
                   {"allOf", json::array{reference_to("Problem")}},
                   {"type", "object"},
                   {"required", std::move(required)},
                   {"properties", std::move(properties)}});
  return reference_to(name);
}

json::object Components::release(json::value& document) {
  json::object schemas;
  for (auto& [name, schema] : outputs_) schemas[name] = std::move(schema);
  for (auto& [name, schema] : inputs_) {
    schemas[outputs_.contains(name) ? name + "Input" : name] = std::move(schema);
  }
  const auto settle = [&](json::value& target) {
    std::string_view text = target.get_string();
    if (!text.ends_with(kRead)) return;
    text.remove_suffix(kRead.size());
    const bool also_sent = outputs_.contains(text.substr(kSchemas.size()));
    target = std::string(text) + (also_sent ? "Input" : "");
  };
  for_each_reference(document, settle);
  for (auto& member : schemas) for_each_reference(member.value(), settle);
  return schemas;
}

}  // namespace gesso::api::detail
