// `gesso localdb`: the embedded database alone, for any MongoDB client; and the check of its data.
#include <spdlog/spdlog.h>

#include <array>
#include <filesystem>

#include "gesso/base/error.hpp"
#include "gesso/cli/command.hpp"
#include "gesso/cli/database.hpp"
#include "gesso/cli/localdb_access.hpp"
#include "gesso/cli/localdb_cosmos.hpp"
#include "gesso/cli/signals.hpp"
#include "gesso/localdb/localdb.hpp"

namespace gesso::cli {
namespace {

ExitCode check_folder(const Invocation& invocation) {
  const std::string& data_dir = invocation.settings.values.data_dir;
  if (!std::filesystem::is_directory(data_dir)) {
    throw Failure(ExitCode::kUsage, "there is no folder " + data_dir);
  }
  localdb::CheckReport report;
  try {
    report = localdb::check(data_dir);
  } catch (const Error& error) {
    throw as_failure(error);
  }
  for (const std::string& fault : report.faults) invocation.out << "FAULT " << fault << "\n";
  invocation.out << report.collections << " collections, " << report.documents << " documents, "
                 << report.index_entries << " index entries, " << report.faults.size()
                 << " faults\n";
  return report.faults.empty() ? ExitCode::kOk : ExitCode::kFailure;
}

ExitCode run_localdb(const Invocation& invocation) {
  if (invocation.has("--check")) return check_folder(invocation);
  if (invocation.has("--regenerate-key")) return regenerate_key(invocation);

  const std::string_view listen = invocation.option("--listen");
  const auto address = parse_address(listen);
  if (!address && listen != "none") {
    throw Failure(ExitCode::kUsage,
                  "--listen: expected HOST:PORT or none, found \"" + std::string(listen) + "\"");
  }
  if (!address && invocation.option("--unix-socket").empty()) {
    throw Failure(ExitCode::kUsage, "--listen none needs a --unix-socket");
  }
  Signals signals;
  localdb::ServerOptions options{.data_dir = invocation.settings.values.data_dir,
                                 .unix_socket = std::string(invocation.option("--unix-socket")),
                                 .require_auth = invocation.has("--auth"),
                                 .cosmos = cosmos_options(invocation),
                                 .documentdb = invocation.option("--dialect") == "documentdb"};
  if (address) {
    options.listen_host = address->host.empty() ? "0.0.0.0" : address->host;
    options.listen_port = address->port;
  }
  apply_access(invocation, options);
  const std::string socket = options.unix_socket;
  const bool tls = !options.tls_certificate_file.empty();
  const auto server = open_localdb(std::move(options));
  try {
    server->start();
  } catch (const Error& error) {
    throw Failure(ExitCode::kAddressInUse, error.what());
  }
  invocation.out << "Gesso localdb listens\n";
  if (address) {
    const std::string host =
        address->host.find(':') == std::string::npos ? address->host : "[" + address->host + "]";
    invocation.out << "  tcp    mongodb://" << host << ":" << server->port() << "/"
                   << (tls ? "?tls=true" : "") << "\n";
  }
  if (!socket.empty()) invocation.out << "  socket " << server->uri() << "\n";
  print_access(invocation.out, invocation, *server);
  invocation.out
      << "  data   "
      << std::filesystem::absolute(invocation.settings.values.data_dir).lexically_normal().string()
      << "\n"
      << "  end    Ctrl-C\n"
      << std::flush;
  signals.wait();
  server->stop();
  return ExitCode::kOk;
}

}  // namespace

Command localdb_command() {
  static constexpr auto kSettings =
      std::to_array<std::string_view>({"data_dir", "log_level", "log_format"});
  static constexpr auto kOwnOptions = std::to_array<Option>(
      {{.flag = "--listen",
        .about = "TCP address; port 0 takes a free one, none listens on no TCP address",
        .value = "HOST:PORT",
        .default_value = "127.0.0.1:27017"},
       {.flag = "--unix-socket", .about = "A Unix socket to listen on as well", .value = "PATH"},
       {.flag = "--auth",
        .about = "Require SCRAM-SHA-256; the first user may be made from this machine",
        .value = ""},
       {.flag = "--check",
        .about = "Do not serve: compare every index with its documents, then end",
        .value = ""}});
  static const auto kOptions = [] {
    std::vector<Option> all(kOwnOptions.begin(), kOwnOptions.end());
    all.insert(all.end(), kAccessOptions.begin(), kAccessOptions.end());
    all.insert(all.end(), kCosmosOptions.begin(), kCosmosOptions.end());
    return all;
  }();
  return {.name = "localdb",
          .about = "Run the embedded database alone, for any MongoDB client",
          .more = R"(Examples:
  gesso localdb --data-dir /srv/data
  gesso localdb --listen 127.0.0.1:0 --auth
  gesso localdb --tls self-signed --account paint --listen localhost:10255
  gesso localdb --regenerate-key secondary
  gesso localdb --check --data-dir /srv/data
  gesso localdb --dialect cosmos-ru --ru 400 --listen 127.0.0.1:10255

Without --auth and --account whoever reaches the address reads and writes everything.)",
          .settings = kSettings,
          .options = kOptions,
          .run = run_localdb};
}

}  // namespace gesso::cli
