#include "gesso/cli/sources.hpp"

#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "gesso/cli/command.hpp"

namespace gesso::cli {

SettingSources process_sources(const std::string& config_file) {
  SettingSources sources;
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    const std::string_view text(*entry);
    const std::size_t equals = text.find('=');
    if (equals == std::string_view::npos) continue;
    sources.environment.emplace_back(text.substr(0, equals), text.substr(equals + 1));
  }

  sources.file_name = config_file;
  if (sources.file_name.empty()) {
    for (const auto& [name, text] : sources.environment) {
      if (name == "GESSO_CONFIG") sources.file_name = text;
    }
  }
  if (sources.file_name.empty()) {
    if (!std::filesystem::exists("gesso.toml")) return sources;
    sources.file_name = "gesso.toml";
  }
  std::ifstream file(sources.file_name, std::ios::binary);
  if (file) sources.file_text.assign(std::istreambuf_iterator<char>(file), {});
  if (!file || file.bad()) {
    throw Failure(ExitCode::kUsage,
                  "cannot read the settings in " + sources.file_name + ": " + std::strerror(errno));
  }
  return sources;
}

}  // namespace gesso::cli
