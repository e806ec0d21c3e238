// What a subcommand is: its texts, its options and its function. Each has a file of its own;
// app.cpp makes a command line of them.
#pragma once

#include <array>
#include <map>
#include <ostream>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>

#include "gesso/cli/settings.hpp"

namespace gesso::cli {

// What the program's exit status means; `gesso --help` says the same.
enum class ExitCode {
  kOk = 0,
  kFailure = 1,       // a fault that is none of the others; `localdb --check` found faults
  kUsage = 2,         // the command line, a setting or a connection string is wrong
  kDatabase = 3,      // no database server, or it refused the credentials; `doctor` found a FAIL
  kDataInUse = 4,     // another process has the data folder open
  kDataTooNew = 5,    // the data folder cannot be read: a newer version wrote it
  kAddressInUse = 6,  // cannot listen where it should
};

// Ends the command with a message for stderr.
class Failure : public std::runtime_error {
  ExitCode code_;

 public:
  Failure(ExitCode code, const std::string& message) : std::runtime_error(message), code_(code) {}
  [[nodiscard]] ExitCode code() const noexcept { return code_; }
};

// An option that is a command's own and no setting.
struct Option {
  std::string_view flag;  // "--plan"
  std::string_view about;
  std::string_view value;  // what its value is called; "" for a switch
  std::string_view default_value = {};
};

struct Invocation {
  LoadedSettings settings;
  std::map<std::string, std::string, std::less<>> options;  // by flag; a switch that is on has "1"
  std::ostream& out;

  [[nodiscard]] bool has(std::string_view flag) const { return !option(flag).empty(); }
  // "" where it was not given and has no default.
  [[nodiscard]] std::string_view option(std::string_view flag) const {
    const auto found = options.find(flag);
    return found == options.end() ? std::string_view{} : std::string_view(found->second);
  }
};

struct Command {
  std::string_view name;
  std::string_view about;
  std::string_view more;                       // behind the options in --help: examples
  std::span<const std::string_view> settings;  // keys that it takes as flags
  std::span<const Option> options;
  ExitCode (*run)(const Invocation&);
};

// The settings that say where the database is, for commands that work on it and serve nothing.
inline constexpr auto kDatabaseSettings = std::to_array<std::string_view>(
    {"data_dir", "mongodb_uri", "database", "mongodb_tls_ca_file", "dialect", "cosmos_capabilities",
     "cosmos_throughput", "cosmos_sharded", "key_vault_url", "mongodb_secret", "key_vault_suffixes",
     "key_vault_tenant", "azure_credential", "azure_managed_identity", "azure_connect_to",
     "azure_ca_file", "log_level", "log_format"});

[[nodiscard]] Command serve_command();
[[nodiscard]] Command work_command();
[[nodiscard]] Command init_db_command();
[[nodiscard]] Command doctor_command();
[[nodiscard]] Command stats_command();
[[nodiscard]] Command schema_command();
[[nodiscard]] Command openapi_command();
[[nodiscard]] Command localdb_command();
[[nodiscard]] Command config_command();
[[nodiscard]] Command set_role_command();
[[nodiscard]] Command reencrypt_command();

}  // namespace gesso::cli
