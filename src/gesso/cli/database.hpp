// The database that a command works on: the server of `mongodb_uri`; or the one whose connection
// string Key Vault holds; or the embedded one in the data folder.
//
// Owned by the command. `service` may be called once `connect` has returned.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>

#include "gesso/azure/rotation.hpp"
#include "gesso/base/clock.hpp"
#include "gesso/base/error.hpp"
#include "gesso/base/random.hpp"
#include "gesso/cli/command.hpp"
#include "gesso/cli/settings.hpp"
#include "gesso/cli/token_logins.hpp"
#include "gesso/cli/vault.hpp"
#include "gesso/localdb/localdb.hpp"
#include "gesso/mongo/indexes.hpp"
#include "gesso/mongo/service.hpp"

namespace gesso::cli {

// What to do where another process has the data folder open.
enum class InUse {
  kFail,  // Failure (kDataInUse)
  kJoin,  // connect to that process, if its socket is in the folder
  // The folder is not opened in any case: connects to the process that has it open, or Failure
  // (kDatabase) where there is none.
  kOnlyJoin,
};

// What becomes of a connection string that a vault holds.
enum class Secrets {
  kOnce,    // read once; a failure is the command's
  kFollow,  // waited for, and followed through every rotation
};

// How collections are made where they have shard keys and throughput.
[[nodiscard]] mongo::CollectionOptions collection_options(const Settings& settings);

// What the engine says about a data folder, with the exit status for it.
[[nodiscard]] Failure as_failure(const Error& error);

// Opens a data folder. Throws Failure: kDataInUse, kDataTooNew, kFailure with what the disk says.
[[nodiscard]] std::unique_ptr<localdb::Server> open_localdb(localdb::ServerOptions options);

// Of the Unix socket in the data folder.
inline constexpr std::string_view kLocalSocketName = "localdb.sock";

// A folder for the socket where the data folder's path is too long for one.
class SocketFolder {
  std::filesystem::path path_;
  bool temporary_ = false;

 public:
  explicit SocketFolder(const std::filesystem::path& data_dir);
  ~SocketFolder();
  SocketFolder(const SocketFolder&) = delete;
  SocketFolder& operator=(const SocketFolder&) = delete;

  [[nodiscard]] std::string socket() const { return path_ / kLocalSocketName; }
};

// Who is told how long commands take and units of work wait; may be empty.
struct DatabaseTimers {
  mongo::CommandTimer command = {};
  mongo::WaitTimer wait = {};
  mongo::ChargeObserver charge = {};
};

// Throws Error (kValidation) where both a connection string and a vault are set.
void check_source(const Settings& settings);

class Database {
  const Settings& settings_;
  const std::function<void(mongo::Session&)> prepare_;
  const Clock& clock_;
  Random& random_;
  const DatabaseTimers timers_;
  std::string description_;
  // Destroyed from the bottom: the service, then what it uses.
  std::optional<SocketFolder> socket_folder_;
  std::unique_ptr<localdb::Server> embedded_;
  std::optional<Vault> vault_;
  std::optional<azure::Rotation> rotation_;
  TokenLogins token_logins_;
  std::unique_ptr<mongo::Service> service_;

 public:
  // Starts what has to be started; does not connect. Throws Failure as `open_localdb`, and Error
  // (kValidation) for a connection string or a vault's URL that cannot be read, or both at once.
  // `prepare` is given a connection by each string before anybody else has one. Borrows the rest.
  Database(const Settings& settings, const Clock& clock, Random& random,
           InUse in_use = InUse::kJoin, Secrets secrets = Secrets::kOnce,
           std::function<void(mongo::Session&)> prepare = {}, DatabaseTimers timers = {});
  ~Database();
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  // As mongo::Service::connect, and prepares; with a vault the secret is read first, and with
  // Secrets::kFollow whatever is down or wrong is waited for until `stop`. Throws Error.
  void connect(const std::stop_token& stop = {});
  [[nodiscard]] mongo::Service& service() { return *service_; }

  [[nodiscard]] bool is_embedded() const { return embedded_ != nullptr; }
  // Tells of every change of a collection. REQUIRES: it is embedded.
  [[nodiscard]] localdb::Listening listen(std::string_view collection,
                                          localdb::OnCommitted on_committed);
  // nullptr where no vault is set.
  [[nodiscard]] Vault* vault() { return vault_ ? &*vault_ : nullptr; }
  // Which credentials give the tokens that connections log in by; "" where none has.
  [[nodiscard]] std::string token_credentials() { return token_logins_.name(); }
  // std::nullopt unless a vault's secret is followed. Thread-safe.
  [[nodiscard]] std::optional<azure::RotationStatus> rotation() const;
  // For people, without a password: "embedded in /srv/data", "mongodb://user@host/".
  [[nodiscard]] std::string description() const;

 private:
  [[nodiscard]] mongo::ServiceOptions service_options(Secret uri);
  void start_embedded(InUse in_use);
  std::uint64_t take_into_use(const azure::SecretValue& secret, const client::Call& call);
  // Makes the service, connects and prepares.
  void open(mongo::ServiceOptions options, const std::stop_token& stop);
  void connect_service(mongo::Service& service, const std::stop_token& stop) const;
};

}  // namespace gesso::cli
