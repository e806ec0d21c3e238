#include "gesso/cli/app.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <iostream>
#include <memory>

#include "gesso/base/error.hpp"
#include "gesso/cli/command.hpp"
#include "gesso/cli/logging.hpp"
#include "gesso/cli/sources.hpp"
#include "gesso/cli/version.hpp"

namespace gesso::cli {
namespace {

constexpr std::string_view kFooter = R"(First steps:
  gesso serve                               serve on http://127.0.0.1:8080, data in ./data
  gesso serve --help                        what can be set
  gesso doctor                              what works, and what to do about what does not
  gesso config                              every setting, its value and where it comes from

Settings: flags win over GESSO_* environment variables, which win over a TOML file (--config, or
./gesso.toml), which wins over the defaults. data_dir = "x", GESSO_DATA_DIR=x and --data-dir x are
the same setting.

Exit status:
  0  done
  1  a failure that is none of the others; `localdb --check` found faults
  2  the command line, a setting or a connection string is wrong
  3  the database, the key vault or the identity cannot be reached, or refuses; `doctor` found a
     FAIL
  4  another process has the data folder open
  5  the data folder was written by a newer version
  6  the address to listen on is taken or not ours)";

// What one command's arguments are parsed into.
struct Parsed {
  Command command;
  CLI::App* app = nullptr;
  std::map<std::string, std::string, std::less<>> settings;
  std::map<std::string, std::string, std::less<>> options;
};

void add_command(CLI::App& app, Parsed& parsed) {
  const Command& command = parsed.command;
  parsed.app = app.add_subcommand(std::string(command.name), std::string(command.about));
  parsed.app->footer(std::string(command.more));
  for (const std::string_view key : command.settings) {
    const Setting& setting = *find_setting(key);
    const std::string about = std::string(setting.about) + " [" + setting.environment_name() + "]";
    if (setting.is_switch()) {
      parsed.app->add_flag_callback(
          setting.flag(), [&parsed, key] { parsed.settings[std::string(key)] = "true"; }, about);
    } else {
      auto* option = parsed.app->add_option_function<std::string>(
          setting.flag(),
          [&parsed, key](const std::string& text) { parsed.settings[std::string(key)] = text; },
          about);
      option->type_name("");
      const std::string shown = show(Settings{}, setting);
      if (shown != "(not set)") option->default_str(shown);
    }
  }
  for (const Option& own : command.options) {
    const std::string flag(own.flag);
    if (own.value.empty()) {
      parsed.app->add_flag_callback(
          flag, [&parsed, flag] { parsed.options[flag] = "1"; }, std::string(own.about));
      continue;
    }
    auto* option = parsed.app->add_option_function<std::string>(
        flag, [&parsed, flag](const std::string& text) { parsed.options[flag] = text; },
        std::string(own.about));
    option->type_name(std::string(own.value));
    if (!own.default_value.empty()) {
      option->default_str(std::string(own.default_value));
      parsed.options[flag] = own.default_value;
    }
  }
}

// "--data-dri: there is no such option; perhaps --data-dir"
std::string describe_extras(const CLI::App& app) {
  const CLI::App* used = app.get_subcommands().empty() ? &app : app.get_subcommands().front();
  std::vector<std::string> names;
  for (const CLI::App* sub : app.get_subcommands([](const CLI::App*) { return true; })) {
    if (used == &app) names.push_back(sub->get_name());
  }
  for (const CLI::Option* option : used->get_options()) names.push_back(option->get_name());
  const std::vector<std::string_view> known(names.begin(), names.end());
  std::string message;
  for (const std::string& extra : app.remaining(true)) {
    if (!extra.starts_with('-') && !message.empty()) continue;  // an unknown option's value
    if (!message.empty()) message += '\n';
    message += extra + ": there is no such " + (extra.starts_with('-') ? "option" : "command");
    const auto near = nearest(extra.substr(0, extra.find('=')), known);
    if (near) message += "; perhaps " + std::string(*near);
  }
  return message + "\nRun with --help for more information.";
}

int complain(ExitCode code, std::string_view message) {
  std::cerr << "gesso: " << message << '\n';
  return static_cast<int>(code);
}

ExitCode exit_code_of(const Error& error) {
  switch (error.kind()) {
    case ErrorKind::kValidation:
      return ExitCode::kUsage;
    case ErrorKind::kUnavailable:
    case ErrorKind::kTimeout:
    case ErrorKind::kAuth:
      return ExitCode::kDatabase;
    default:
      return ExitCode::kFailure;
  }
}

}  // namespace

int run(int argc, const char* const* argv) {
  CLI::App app{
      "Gesso: the data layer and service of an AI image-generation platform, on any "
      "server that speaks the MongoDB protocol, or with its own database inside.",
      "gesso"};
  app.set_version_flag("--version", std::string(version()));
  app.set_help_flag("-h,--help", "This text");
  app.footer(std::string(kFooter));
  app.require_subcommand(1);
  app.allow_extras();
  app.fallthrough();
  std::string config_file;
  app.add_option("--config", config_file, "TOML file with settings [GESSO_CONFIG]")
      ->type_name("FILE");

  std::vector<std::unique_ptr<Parsed>> all;
  for (const Command& command :
       {serve_command(), work_command(), init_db_command(), doctor_command(), stats_command(),
        schema_command(), openapi_command(), localdb_command(), config_command(),
        set_role_command(), reencrypt_command()}) {
    all.push_back(std::make_unique<Parsed>());
    all.back()->command = command;
    add_command(app, *all.back());
  }

  try {
    app.parse(argc, argv);
    if (!app.remaining(true).empty()) return complain(ExitCode::kUsage, describe_extras(app));
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return app.exit(error);  // --help, --version
    if (!app.remaining(true).empty()) return complain(ExitCode::kUsage, describe_extras(app));
    return complain(ExitCode::kUsage,
                    std::string(error.what()) + "\nRun with --help for more information.");
  }

  const auto chosen = std::ranges::find_if(all, [](const auto& one) { return one->app->parsed(); });
  const Parsed& parsed = **chosen;
  try {
    SettingSources sources = process_sources(config_file);
    sources.flags.assign(parsed.settings.begin(), parsed.settings.end());
    const Invocation invocation{
        .settings = load_settings(sources), .options = parsed.options, .out = std::cout};
    set_up_logging(invocation.settings.values);
    return static_cast<int>(parsed.command.run(invocation));
  } catch (const Failure& failure) {
    return complain(failure.code(), failure.what());
  } catch (const Error& error) {
    return complain(exit_code_of(error), error.what());
  } catch (const std::exception& error) {
    return complain(ExitCode::kFailure, error.what());
  }
}

}  // namespace gesso::cli
