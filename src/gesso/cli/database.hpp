// The database that a command works on: the server of `mongodb_uri`, or the embedded one in the
// data folder, reached by the same driver over a Unix socket.
//
// Owned by the command. Order of destruction: the service, then the embedded server, then the
// folder of its socket.
#pragma once

#include <chrono>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "gesso/base/clock.hpp"
#include "gesso/base/error.hpp"
#include "gesso/base/random.hpp"
#include "gesso/cli/command.hpp"
#include "gesso/cli/settings.hpp"
#include "gesso/localdb/localdb.hpp"
#include "gesso/mongo/service.hpp"

namespace gesso::cli {

// What to do where another process has the data folder open.
enum class InUse {
  kFail,  // Failure (kDataInUse)
  kJoin,  // connect to that process, if its socket is in the folder
};

// What the engine says about a data folder, with the exit status for it.
[[nodiscard]] Failure as_failure(const Error& error);

// Opens a data folder. Throws Failure: kDataInUse, kDataTooNew, kFailure with what the disk says.
[[nodiscard]] std::unique_ptr<localdb::Server> open_localdb(localdb::ServerOptions options);

// A folder for the socket where the data folder's path is too long for one.
class SocketFolder {
  std::filesystem::path path_;
  bool temporary_ = false;

 public:
  explicit SocketFolder(const std::filesystem::path& data_dir);
  ~SocketFolder();
  SocketFolder(const SocketFolder&) = delete;
  SocketFolder& operator=(const SocketFolder&) = delete;

  [[nodiscard]] std::string socket() const { return path_ / "localdb.sock"; }
};

class Database {
  std::optional<SocketFolder> socket_folder_;
  std::unique_ptr<localdb::Server> embedded_;
  std::unique_ptr<mongo::Service> service_;
  std::string description_;

 public:
  // Starts what has to be started; does not connect. Throws Failure as `open_localdb`, and Error
  // (kValidation) for a connection string that cannot be read.
  Database(const Settings& settings, const Clock& clock, Random& random, InUse in_use);

  [[nodiscard]] mongo::Service& service() { return *service_; }
  [[nodiscard]] bool is_embedded() const { return embedded_ != nullptr; }
  // For people, without a password: "embedded in /srv/data", "mongodb://user@host/".
  [[nodiscard]] const std::string& description() const { return description_; }
};

}  // namespace gesso::cli
