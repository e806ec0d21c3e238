#include "gesso/cli/database.hpp"

#include <spdlog/spdlog.h>
#include <stdlib.h>  // mkdtemp is POSIX
#include <sys/un.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <cstring>

namespace gesso::cli {
namespace {

constexpr std::string_view kSocketName = "localdb.sock";

// The socket of a path as a connection string.
std::string socket_uri(const std::string& path) {
  std::string uri = "mongodb://";
  for (const char c : path) {
    const auto byte = static_cast<unsigned char>(c);
    if (std::isalnum(byte) != 0 || c == '-' || c == '.' || c == '_') {
      uri += c;
    } else {
      uri += '%';
      uri += "0123456789ABCDEF"[byte >> 4];
      uri += "0123456789ABCDEF"[byte & 15];
    }
  }
  return uri + "/";
}

void log_driver_line(const mongo::LogLine& line) {
  switch (line.level) {
    case mongo::LogLevel::kError:
      return spdlog::error("{}: {}", line.domain, line.message);
    case mongo::LogLevel::kWarning:
      return spdlog::warn("{}: {}", line.domain, line.message);
    case mongo::LogLevel::kInfo:
      return spdlog::info("{}: {}", line.domain, line.message);
    case mongo::LogLevel::kDebug:
      return spdlog::debug("{}: {}", line.domain, line.message);
  }
}

}  // namespace

Failure as_failure(const Error& error) {
  return {error.kind() == ErrorKind::kConflict     ? ExitCode::kDataInUse
          : error.kind() == ErrorKind::kValidation ? ExitCode::kDataTooNew
                                                   : ExitCode::kFailure,
          error.what()};
}

std::unique_ptr<localdb::Server> open_localdb(localdb::ServerOptions options) {
  try {
    return std::make_unique<localdb::Server>(std::move(options));
  } catch (const Error& error) {
    throw as_failure(error);
  }
}

SocketFolder::SocketFolder(const std::filesystem::path& data_dir)
    : path_(std::filesystem::absolute(data_dir).lexically_normal()) {
  if (socket().size() < sizeof(sockaddr_un::sun_path)) return;
  std::string name = "/tmp/gesso-XXXXXX";
  if (::mkdtemp(name.data()) == nullptr) {
    throw Failure(ExitCode::kFailure, "cannot make " + name + ": " + std::strerror(errno));
  }
  path_ = name;
  temporary_ = true;
}

SocketFolder::~SocketFolder() {
  if (!temporary_) return;
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

Database::Database(const Settings& settings, const Clock& clock, Random& random, InUse in_use) {
  mongo::ServiceOptions options{
      .uri = settings.mongodb_uri.clone(),
      .database = settings.database,
      .pool_size = static_cast<std::size_t>(settings.mongodb_pool_size),
      .warm_minimum = static_cast<std::size_t>(settings.mongodb_warm_minimum),
      .queue_limit = static_cast<std::size_t>(settings.mongodb_queue_limit),
      .connect_attempts = static_cast<int>(settings.mongodb_connect_attempts),
      .default_deadline = settings.request_timeout,
      .tls_ca_file = settings.mongodb_tls_ca_file,
      .log = log_driver_line};
  if (settings.mongodb_uri.empty()) {
    const std::filesystem::path data_dir = settings.data_dir;
    const std::string folder = std::filesystem::absolute(data_dir).lexically_normal();
    try {
      // Each pooled connection is one here, and the driver's watch has its own.
      const auto connections = static_cast<std::size_t>(settings.mongodb_pool_size) + 64;
      socket_folder_.emplace(data_dir);
      embedded_ = open_localdb({.data_dir = data_dir,
                                .unix_socket = socket_folder_->socket(),
                                .max_connections = std::max<std::size_t>(1024, connections)});
      embedded_->start();
      options.uri = Secret(embedded_->uri());
      options.open_local = [server = embedded_.get()] { return server->connect(); };
      description_ = "embedded in " + folder;
    } catch (const Failure& failure) {
      const std::filesystem::path socket = std::filesystem::path(folder) / kSocketName;
      if (in_use == InUse::kFail || failure.code() != ExitCode::kDataInUse ||
          !std::filesystem::exists(socket)) {
        throw;
      }
      options.uri = Secret(socket_uri(socket));
      description_ = "the process that has " + folder + " open";
    }
  }
  service_ = std::make_unique<mongo::Service>(std::move(options), clock, random);
  if (description_.empty()) description_ = service_->redacted_uri();
}

}  // namespace gesso::cli
