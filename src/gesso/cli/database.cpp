#include "gesso/cli/database.hpp"

#include <spdlog/spdlog.h>
#include <stdlib.h>  // mkdtemp is POSIX
#include <sys/un.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "gesso/repositories/indexes.hpp"

namespace gesso::cli {
namespace {

// To read the secret, with all attempts, where a command waits for it.
constexpr std::chrono::seconds kSecretTimeout{60};

// To connect by a new string, read, and make the indexes of a server that is another.
constexpr std::chrono::seconds kApplyTimeout{30};

void log_notice(const azure::RotationNotice& notice) {
  if (notice.warning) return spdlog::warn("{}", notice.text);
  spdlog::info("{}", notice.text);
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

mongo::CollectionOptions collection_options(const Settings& settings) {
  mongo::CollectionOptions options;
  if (const auto throughput = mongo::parse_throughput(settings.cosmos_throughput)) {
    options.throughput = *throughput;
  }
  if (settings.cosmos_sharded) options.shard_keys = repositories::declared_shard_keys();
  return options;
}

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

void check_source(const Settings& settings) {
  if (settings.mongodb_uri.empty() || settings.key_vault_url.empty()) return;
  throw Error(ErrorKind::kValidation,
              "mongodb_uri and key_vault_url are both set: expected one of them, since each says "
              "where the database is");
}

Database::Database(const Settings& settings, const Clock& clock, Random& random, InUse in_use,
                   Secrets secrets, std::function<void(mongo::Session&)> prepare,
                   DatabaseTimers timers)
    : settings_(settings),
      prepare_(std::move(prepare)),
      clock_(clock),
      random_(random),
      timers_(std::move(timers)),
      token_logins_(settings, clock, random) {
  check_source(settings);
  if (settings.key_vault_url.empty()) {
    if (settings.mongodb_uri.empty()) {
      start_embedded(in_use);
      return;
    }
    service_ = std::make_unique<mongo::Service>(service_options(settings.mongodb_uri.clone()),
                                                clock, random);
    return;
  }
  // The rotation has a cool-down of its own, and tells what it waits for after the first failure.
  const int attempts = secrets == Secrets::kFollow ? 2 : VaultOptions{}.vault_attempts;
  vault_.emplace(settings, process_environment(), clock, random,
                 VaultOptions{.vault_attempts = attempts});
  if (secrets == Secrets::kOnce) return;
  rotation_.emplace(
      azure::RotationCallbacks{
          .read = [this](const client::Call& call) { return vault_->read(call); },
          .apply = [this](const azure::SecretValue& secret,
                          const client::Call& call) { return take_into_use(secret, call); },
          .log = log_notice},
      azure::RotationOptions{.timing = {.poll_interval = settings.key_vault_poll_interval},
                             .apply_timeout = kApplyTimeout},
      clock, random);
}

Database::~Database() {
  // Units of work may be waiting in it, and it may be making the service.
  if (rotation_) rotation_->stop();
}

void Database::start_embedded(InUse in_use) {
  const std::filesystem::path data_dir = settings_.data_dir;
  const std::string folder = std::filesystem::absolute(data_dir).lexically_normal();
  const std::filesystem::path others = std::filesystem::path(folder) / kLocalSocketName;
  mongo::ServiceOptions options = service_options(Secret());
  const auto join = [&] {
    options.uri = Secret(localdb::socket_uri(others));
    description_ = "the process that has " + folder + " open";
  };
  if (in_use == InUse::kOnlyJoin) {
    if (!std::filesystem::exists(others)) {
      throw Failure(ExitCode::kDatabase,
                    "nobody has " + folder + " open: start `gesso serve` on it first");
    }
    join();
    service_ = std::make_unique<mongo::Service>(std::move(options), clock_, random_);
    return;
  }
  try {
    // Each pooled connection is one here, and the driver's watch has its own.
    const auto connections = static_cast<std::size_t>(settings_.mongodb_pool_size) + 64;
    socket_folder_.emplace(data_dir);
    embedded_ = open_localdb({.data_dir = data_dir,
                              .unix_socket = socket_folder_->socket(),
                              .max_connections = std::max<std::size_t>(1024, connections)});
    embedded_->start();
    options.uri = Secret(embedded_->uri());
    options.open_local = [server = embedded_.get()] { return server->connect(); };
    description_ = "embedded in " + folder;
  } catch (const Failure& failure) {
    if (in_use == InUse::kFail || failure.code() != ExitCode::kDataInUse ||
        !std::filesystem::exists(others)) {
      throw;
    }
    join();
  }
  service_ = std::make_unique<mongo::Service>(std::move(options), clock_, random_);
}

localdb::Listening Database::listen(std::string_view collection,
                                    localdb::OnCommitted on_committed) {
  return embedded_->listen(settings_.database, collection, std::move(on_committed));
}

mongo::ServiceOptions Database::service_options(Secret uri) {
  return {
      .uri = std::move(uri),
      .database = settings_.database,
      .pool_size = static_cast<std::size_t>(settings_.mongodb_pool_size),
      .warm_minimum = static_cast<std::size_t>(settings_.mongodb_warm_minimum),
      .queue_limit = static_cast<std::size_t>(settings_.mongodb_queue_limit),
      .connect_attempts = static_cast<int>(settings_.mongodb_connect_attempts),
      .default_deadline = settings_.request_timeout,
      .tls_ca_file = settings_.mongodb_tls_ca_file,
      .login_token = [this](const mongo::TokenLogin& login, mongo::TokenWish wish,
                            Deadline deadline) { return token_logins_.get(login, wish, deadline); },
      .dialect = mongo::parse_dialect(settings_.dialect),
      .capabilities = mongo::parse_capabilities(parts_of(settings_.cosmos_capabilities)).value(),
      .charge_sampling = static_cast<double>(settings_.request_charge_percent) / 100,
      .observe_charge = timers_.charge,
      .time_command = timers_.command,
      .time_wait = timers_.wait,
      .log = log_driver_line};
}

void Database::connect(const std::stop_token& stop) {
  if (rotation_) {
    spdlog::info("the connection string is the secret {} of {}", vault_->secret(),
                 vault_->url().host);
    rotation_->start();
    return rotation_->wait_ready({.stop = stop});
  }
  if (vault_) {
    const azure::SecretValue secret =
        vault_->read({.deadline = Deadline::after(kSecretTimeout), .stop = stop});
    return open(service_options(secret.value.clone()), stop);
  }
  connect_service(*service_, stop);
}

void Database::connect_service(mongo::Service& service, const std::stop_token& stop) const {
  const std::stop_callback interrupt(stop, [&service] { service.stop(); });
  service.connect();
  if (prepare_) service.run(prepare_);
}

void Database::open(mongo::ServiceOptions options, const std::stop_token& stop) {
  auto service = std::make_unique<mongo::Service>(std::move(options), clock_, random_);
  connect_service(*service, stop);
  service_ = std::move(service);
}

std::uint64_t Database::take_into_use(const azure::SecretValue& secret, const client::Call& call) {
  if (service_) return service_->switch_to(secret.value.clone(), call.deadline, prepare_);
  mongo::ServiceOptions options = service_options(secret.value.clone());
  options.connect_attempts = 1;  // the rotation waits and tries again
  options.renew_credentials = [this](std::uint64_t pool_number, Deadline deadline) {
    return rotation_->renew(pool_number, deadline);
  };
  open(std::move(options), call.stop);
  return service_->pool_number();
}

std::optional<azure::RotationStatus> Database::rotation() const {
  if (!rotation_) return std::nullopt;
  return rotation_->status();
}

std::string Database::description() const {
  if (!description_.empty()) return description_;
  std::string text = service_ ? service_->redacted_uri() : std::string();
  if (vault_) text += " by the secret " + vault_->secret() + " of " + vault_->url().host;
  return text;
}

}  // namespace gesso::cli
