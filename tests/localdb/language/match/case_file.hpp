// Data-driven tests: a file of cases in Extended JSON, `{"cases": [{"name": "...", ...}, ...]}`,
// each run as a test of its own.
//
// Names that Extended JSON takes for itself ($regex, $type, ...) are written with an underscore
// ($_regex); the loader takes it away.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <fstream>
#include <optional>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "gesso/bson/builder.hpp"
#include "gesso/bson/json.hpp"
#include "gesso/localdb/language/command_error.hpp"

namespace gesso::localdb {

struct Case {
  std::string name;
  bson::Document fields;

  [[nodiscard]] bson::Value operator[](std::string_view key) const { return fields[key]; }
  [[nodiscard]] bson::View document(std::string_view key) const {
    const bson::Value value = fields[key];
    return value.is_missing() ? bson::View() : value.as_document();
  }
  // The code that is expected, 0 for none.
  [[nodiscard]] int error() const {
    return static_cast<int>(fields["error"].is_missing() ? 0 : *fields["error"].integer());
  }
};

inline void PrintTo(const Case& test_case, std::ostream* out) {
  *out << bson::to_json(test_case.fields.view());
}

inline bson::Document without_underscores(bson::View document) {
  bson::Builder builder;
  for (const bson::Element& element : document) {
    std::string key(element.key);
    if (key.starts_with("$_")) key.erase(1, 1);
    if (element.value.is_document()) {
      builder.append(key, without_underscores(element.value.as_document()));
    } else if (element.value.is_array()) {
      builder.append(key, bson::Array(without_underscores(element.value.as_document())));
    } else {
      builder.append(key, element.value);
    }
  }
  return builder.finish();
}

// `path` is below tests/localdb/language.
inline std::vector<Case> load_cases(const std::string& path) {
  std::ifstream file(std::string(GESSO_SOURCE_DIR) + "/tests/localdb/language/" + path);
  if (!file) throw std::runtime_error("no case file " + path);
  std::ostringstream text;
  text << file.rdbuf();
  const bson::Document document = bson::from_json(text.str());
  std::vector<Case> cases;
  for (const bson::Element& element : document["cases"].as_document()) {
    Case test_case;
    test_case.fields = without_underscores(element.value.as_document());
    test_case.name = test_case["name"].as_string();
    cases.push_back(std::move(test_case));
  }
  return cases;
}

// The sentence with what GoogleTest allows in a name.
inline std::string case_name(const testing::TestParamInfo<Case>& info) {
  std::string name;
  for (const char c : info.param.name) {
    const bool legal = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    name += legal ? c : '_';
  }
  return name;
}

// 2026-01-31T12:00:00Z
inline Time case_now() {
  return std::chrono::sys_days{std::chrono::year{2026} / 1 / 31} + std::chrono::hours{12};
}

inline std::string canonical(bson::View document) {
  return bson::to_json(document, bson::JsonFormat::kCanonical);
}
inline std::string canonical(bson::Value value) {
  return bson::to_json(value, bson::JsonFormat::kCanonical);
}

// The code of the CommandError that `action` throws, 0 if it throws none; `what` gets its message.
template <class Action>
int error_code_of(Action action, std::string* what = nullptr) {
  try {
    action();
    return 0;
  } catch (const CommandError& error) {
    if (what != nullptr) *what = error.what();
    return error.code();
  }
}

}  // namespace gesso::localdb
