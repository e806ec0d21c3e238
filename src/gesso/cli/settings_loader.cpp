#include <algorithm>
#include <array>
#include <utility>

#include "gesso/base/error.hpp"
#include "gesso/cli/settings.hpp"
#include "gesso/cli/settings_text.hpp"
#include "gesso/cli/toml_file.hpp"

namespace gesso::cli {
namespace {

std::string quoted(std::string_view text) { return "\"" + std::string(text) + "\""; }

std::string integer_range(const Setting& setting) {
  if (setting.max == std::numeric_limits<std::int64_t>::max()) {
    return "integer of at least " + std::to_string(setting.min);
  }
  return "integer from " + std::to_string(setting.min) + " to " + std::to_string(setting.max);
}

// Variables that are read elsewhere: where the settings' file is, and the keys of `gesso localdb
// --account`.
bool is_no_setting(std::string_view name) {
  constexpr auto kNames = std::to_array<std::string_view>(
      {"GESSO_CONFIG", "GESSO_LOCALDB_PRIMARY_KEY", "GESSO_LOCALDB_SECONDARY_KEY"});
  return std::ranges::find(kNames, name) != kNames.end();
}

// Collects what is wrong, and sets what is right.
class Loader {
  LoadedSettings loaded_;
  std::vector<Violation> violations_;
  std::string message_;

  void violate(const std::string& origin, std::string_view key, std::string_view type,
               std::string expected, std::string found) {
    if (!message_.empty()) message_ += '\n';
    const std::string message = "expected " + expected + ", found " + found;
    message_ += origin + ": " + std::string(key) + ": " + message;
    violations_.push_back({.path = {std::string(key)},
                           .type = std::string(type),
                           .message = message,
                           .expected = std::move(expected),
                           .found = std::move(found)});
  }

  bool set_text(const std::string& origin, const Setting& setting, std::string_view text) {
    if (setting.check == nullptr) return true;
    auto expected = setting.check(text);
    if (!expected) return true;
    violate(origin, setting.key, "value_error", std::move(*expected),
            setting.is_secret() ? std::to_string(text.size()) + " bytes" : quoted(text));
    return false;
  }

  bool check_duration(const std::string& origin, const Setting& setting, std::string_view text) {
    const auto value = parse_duration(text);
    if (!value || value->count() < setting.min) {
      std::string expected = "duration such as 500ms, 30s, 5m or 2h";
      if (value) expected += ", at least " + std::to_string(setting.min) + "ms";
      violate(origin, setting.key, "type_error", std::move(expected), quoted(text));
      return false;
    }
    loaded_.values.*std::get<std::chrono::milliseconds Settings::*>(setting.member) = *value;
    return true;
  }

  bool check_integer(const std::string& origin, const Setting& setting, std::int64_t value) {
    if (value >= setting.min && value <= setting.max) return true;
    violate(origin, setting.key, "value_error", integer_range(setting), std::to_string(value));
    return false;
  }

  // A value as the file has it: with a type.
  bool set(const std::string& origin, const Setting& setting, const TomlValue& value) {
    const auto wrong_type = [&](std::string expected) {
      violate(origin, setting.key, "type_error", std::move(expected),
              value.type + (setting.is_secret() || value.text.empty() ? "" : " " + value.text));
      return false;
    };
    return std::visit(
        [&]<class T>(T Settings::*member) {
          if constexpr (std::is_same_v<T, bool>) {
            if (!value.boolean) return wrong_type("boolean");
            loaded_.values.*member = *value.boolean;
            return true;
          } else if constexpr (std::is_same_v<T, std::int64_t>) {
            if (!value.integer) return wrong_type(integer_range(setting));
            loaded_.values.*member = *value.integer;
            return check_integer(origin, setting, *value.integer);
          } else if constexpr (std::is_same_v<T, std::chrono::milliseconds>) {
            if (!value.string) return wrong_type("string with a duration, such as \"30s\"");
            return check_duration(origin, setting, *value.string);
          } else {
            if (!value.string) return wrong_type("string");
            loaded_.values.*member = T(std::string_view(*value.string));
            return set_text(origin, setting, *value.string);
          }
        },
        setting.member);
  }

  // A value as flags and the environment have it: as text.
  bool set(const std::string& origin, const Setting& setting, std::string_view text) {
    return std::visit(
        [&]<class T>(T Settings::*member) {
          if constexpr (std::is_same_v<T, bool>) {
            const bool yes = text == "true" || text == "1";
            if (!yes && text != "false" && text != "0") {
              violate(origin, setting.key, "type_error", "true or false", quoted(text));
              return false;
            }
            loaded_.values.*member = yes;
            return true;
          } else if constexpr (std::is_same_v<T, std::int64_t>) {
            const auto value = parse_integer(text);
            if (!value) {
              violate(origin, setting.key, "type_error", integer_range(setting), quoted(text));
              return false;
            }
            loaded_.values.*member = *value;
            return check_integer(origin, setting, *value);
          } else if constexpr (std::is_same_v<T, std::chrono::milliseconds>) {
            return check_duration(origin, setting, text);
          } else {
            loaded_.values.*member = T(text);
            return set_text(origin, setting, text);
          }
        },
        setting.member);
  }

  template <class Value>
  void take(const std::string& origin, const Setting& setting, const Value& value) {
    if (set(origin, setting, value)) {
      loaded_.origins[static_cast<std::size_t>(&setting - setting_table().data())] = origin;
    }
  }

  void unknown(const std::string& origin, std::string_view name,
               std::span<const std::string_view> known, std::string_view what) {
    const auto near = nearest(name, known);
    violate(origin, name, "unknown_setting",
            near ? "a known " + std::string(what) + ", perhaps " + std::string(*near)
                 : "a known " + std::string(what) + " (`gesso config` lists them)",
            "one that does not exist");
  }

 public:
  Loader() { loaded_.origins.assign(setting_table().size(), "default"); }

  void take_file(const SettingSources& sources) {
    std::vector<std::string_view> keys;
    for (const Setting& setting : setting_table()) keys.push_back(setting.key);
    for (const TomlValue& value : parse_toml(sources.file_text, sources.file_name)) {
      const std::string origin = sources.file_name + ":" + std::to_string(value.line);
      if (const Setting* setting = find_setting(value.key)) {
        take(origin, *setting, value);
      } else {
        unknown(origin, value.key, keys, "setting");
      }
    }
  }

  void take_environment(const SettingSources& sources) {
    std::vector<std::string> names;
    for (const Setting& setting : setting_table()) names.push_back(setting.environment_name());
    for (const auto& [name, text] : sources.environment) {
      if (!name.starts_with(kEnvironmentPrefix) || name.starts_with("GESSO_TEST_") ||
          is_no_setting(name)) {
        continue;
      }
      const auto found = std::ranges::find(names, name);
      if (found != names.end()) {
        take(name, setting_table()[static_cast<std::size_t>(found - names.begin())],
             std::string_view(text));
      } else {
        const std::vector<std::string_view> known(names.begin(), names.end());
        unknown("environment", name, known, "variable");
      }
    }
  }

  void take_flags(const SettingSources& sources) {
    for (const auto& [key, text] : sources.flags) {
      if (const Setting* setting = find_setting(key)) {
        take(setting->flag(), *setting, std::string_view(text));
      }
    }
  }

  LoadedSettings finish() {
    if (!violations_.empty()) {
      throw Error(ErrorKind::kValidation, message_, {.violations = std::move(violations_)});
    }
    return std::move(loaded_);
  }
};

}  // namespace

LoadedSettings load_settings(const SettingSources& sources) {
  Loader loader;
  loader.take_file(sources);
  loader.take_environment(sources);
  loader.take_flags(sources);
  return loader.finish();
}

}  // namespace gesso::cli
