// The `components` of the OpenAPI document: each schema that has a name, once, and references to it
// wherever it stood.
//
// A struct that is both read and sent has two schemas, since what is read may leave out what has a
// default: "Settings" is then the one that is sent and "SettingsInput" the one that is read.
//
// Owned by whoever makes a document; not thread-safe.
#pragma once

#include <boost/json.hpp>
#include <map>
#include <set>
#include <string>
#include <string_view>

#include "gesso/api/operation.hpp"
#include "gesso/schema/field_codec.hpp"

namespace gesso::api::detail {

[[nodiscard]] boost::json::value to_json_value(const bson::Document& document);
[[nodiscard]] boost::json::value reference_to(std::string_view component);

class Components {
  std::map<std::string, boost::json::value, std::less<>> inputs_;
  std::map<std::string, boost::json::value, std::less<>> outputs_;
  std::map<std::string, std::set<int>, std::less<>> problem_statuses_;

  void add(std::map<std::string, boost::json::value, std::less<>>& schemas, const std::string& name,
           boost::json::value schema);

 public:
  // Takes the schemas that have a name out of `schema`, at every depth, and returns it with
  // references instead. Throws std::logic_error where two that differ have one name.
  [[nodiscard]] boost::json::value take(boost::json::value schema, schema::SchemaUse use);

  // The schema of a problem: what all have, and its status, code and members. Named after its code.
  [[nodiscard]] boost::json::value problem(const ProblemSchema& problem);

  // Ends the work: `document`, whose references came from here, and the schemas themselves.
  [[nodiscard]] boost::json::object release(boost::json::value& document);
};

}  // namespace gesso::api::detail
