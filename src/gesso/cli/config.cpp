// `gesso config`: every setting, its value and where it comes from.
#include <spdlog/fmt/fmt.h>

#include "gesso/cli/command.hpp"

namespace gesso::cli {
namespace {

ExitCode config(const Invocation& invocation) {
  const auto table = setting_table();
  for (std::size_t i = 0; i < table.size(); ++i) {
    invocation.out << fmt::format("{:<26} {:<28} {}\n", table[i].key,
                                  show(invocation.settings.values, table[i]),
                                  invocation.settings.origins[i]);
    if (invocation.has("--about")) invocation.out << "    " << table[i].about << "\n";
  }
  return ExitCode::kOk;
}

}  // namespace

Command config_command() {
  static constexpr auto kOptions = std::to_array<Option>(
      {{.flag = "--about", .about = "Say what each setting is", .value = ""}});
  return {.name = "config",
          .about = "Print every setting, its value and where it comes from",
          .more = R"(Examples:
  gesso config
  GESSO_LISTEN=127.0.0.1:9000 gesso config --about

Secrets are not shown.)",
          .settings = {},
          .options = kOptions,
          .run = config};
}

}  // namespace gesso::cli
