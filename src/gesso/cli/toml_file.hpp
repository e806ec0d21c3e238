// The values of a TOML file, flat, so that only toml_file.cpp needs the library. Pure functions.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace gesso::cli {

struct TomlValue {
  std::string key;  // "data_dir"; "server.listen" in a table
  std::size_t line = 0;
  std::string type;  // "string", "integer", ... for messages
  std::string text;  // the value for messages; empty for an array
  std::optional<std::string> string;
  std::optional<std::int64_t> integer;
  std::optional<bool> boolean;
};

// Every value in its order in the file. Throws Error (kValidation), "NAME:LINE:COLUMN: ..." for
// text that is not TOML.
[[nodiscard]] std::vector<TomlValue> parse_toml(std::string_view text, std::string_view name);

}  // namespace gesso::cli
