// Where this process's settings come from: its environment and its TOML file. Blocks on the disk.
#pragma once

#include <string>

#include "gesso/cli/settings.hpp"

namespace gesso::cli {

// `config_file` is what --config says; "" takes GESSO_CONFIG, then ./gesso.toml if it is there.
// Throws Failure (kUsage) where a file that was named cannot be read.
[[nodiscard]] SettingSources process_sources(const std::string& config_file);

}  // namespace gesso::cli
