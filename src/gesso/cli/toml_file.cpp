#include "gesso/cli/toml_file.hpp"

#include <toml++/toml.h>
#include <algorithm>
#include <sstream>

#include "gesso/base/error.hpp"

namespace gesso::cli {
namespace {

std::string_view type_name(toml::node_type type) {
  switch (type) {
    case toml::node_type::string:
      return "string";
    case toml::node_type::integer:
      return "integer";
    case toml::node_type::floating_point:
      return "float";
    case toml::node_type::boolean:
      return "boolean";
    case toml::node_type::date:
    case toml::node_type::time:
    case toml::node_type::date_time:
      return "date";
    case toml::node_type::array:
      return "array";
    default:
      return "table";
  }
}

void collect(const toml::table& table, const std::string& prefix, std::vector<TomlValue>& into) {
  for (const auto& [key, node] : table) {
    const std::string name = prefix + std::string(key.str());
    if (const toml::table* inner = node.as_table(); inner != nullptr && !inner->empty()) {
      collect(*inner, name + ".", into);
      continue;
    }
    TomlValue value;
    value.key = name;
    value.line = node.source().begin.line;
    value.type = type_name(node.type());
    if (const auto* string = node.as_string()) {
      value.string = string->get();
      value.text = "\"" + string->get() + "\"";
    } else if (const auto* integer = node.as_integer()) {
      value.integer = integer->get();
      value.text = std::to_string(integer->get());
    } else if (const auto* boolean = node.as_boolean()) {
      value.boolean = boolean->get();
      value.text = boolean->get() ? "true" : "false";
    } else if (const auto* real = node.as_floating_point()) {
      std::ostringstream text;
      text << real->get();
      value.text = text.str();
    }
    into.push_back(std::move(value));
  }
}

}  // namespace

std::vector<TomlValue> parse_toml(std::string_view text, std::string_view name) {
  std::vector<TomlValue> values;
  try {
    collect(toml::parse(text, name), "", values);
  } catch (const toml::parse_error& error) {
    const auto& begin = error.source().begin;
    throw Error(ErrorKind::kValidation, std::string(name) + ":" + std::to_string(begin.line) + ":" +
                                            std::to_string(begin.column) + ": " +
                                            std::string(error.description()));
  }
  std::ranges::stable_sort(values, {}, &TomlValue::line);
  return values;
}

}  // namespace gesso::cli
