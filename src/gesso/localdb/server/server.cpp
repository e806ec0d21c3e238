#include <spdlog/spdlog.h>

#include <atomic>
#include <condition_variable>
#include <fstream>
#include <iterator>
#include <mutex>
#include <thread>

#include "gesso/base/error.hpp"
#include "gesso/base/text.hpp"
#include "gesso/base/tls_server.hpp"
#include "gesso/localdb/cosmos/dialect.hpp"
#include "gesso/localdb/cosmos/index_kinds.hpp"
#include "gesso/localdb/documentdb/dialect.hpp"
#include "gesso/localdb/engine/engine.hpp"
#include "gesso/localdb/localdb.hpp"
#include "gesso/localdb/server/acceptor.hpp"
#include "gesso/localdb/storage/check.hpp"
#include "gesso/localdb/storage/store.hpp"

namespace gesso::localdb {
namespace {

std::shared_ptr<ssl_ctx_st> tls_context(const ServerOptions& options) {
  if (options.tls_certificate_file.empty()) return nullptr;
  return make_tls_server_context(options.tls_certificate_file, options.tls_key_file);
}

std::shared_ptr<auth::Account> open_account(ServerOptions& options, Random& random) {
  if (options.account.empty()) return nullptr;
  options.require_auth = true;
  if (options.account_primary_key.empty() && options.account_secondary_key.empty()) {
    return std::make_shared<auth::Account>(options.account, options.data_dir, random);
  }
  if (options.account_primary_key.empty() || options.account_secondary_key.empty()) {
    throw Error(ErrorKind::kValidation,
                "the keys of the account " + options.account + ": expected both, found one");
  }
  return std::make_shared<auth::Account>(
      options.account,
      auth::Account::Keys{.primary = std::move(options.account_primary_key),
                          .secondary = std::move(options.account_secondary_key)},
      random);
}

std::shared_ptr<const auth::TokenIssuer> open_issuer(ServerOptions& options) {
  if (options.oidc_issuer.empty()) return nullptr;
  options.require_auth = true;
  std::ifstream file(options.oidc_jwks_file, std::ios::binary);
  const std::string text(std::istreambuf_iterator<char>(file), {});
  auto keys = jose::KeySet::read(text);
  if (!keys || keys->size() == 0) {
    throw Error(ErrorKind::kValidation,
                options.oidc_jwks_file.string() +
                    ": expected a JSON Web Key Set with keys for RS256 or ES256, found none");
  }
  return std::make_shared<auth::TokenIssuer>(
      auth::TokenRules{.issuer = options.oidc_issuer,
                       .audience = options.oidc_audience,
                       .clock_skew = options.oidc_clock_skew},
      *std::move(keys));
}

auth::AccountKey engines(AccountKey key) {
  return key == AccountKey::kPrimary ? auth::AccountKey::kPrimary : auth::AccountKey::kSecondary;
}

}  // namespace

// Destruction goes from the bottom to the top: first nobody connects any more and every connection
// has ended, then the commands' state goes, then the data folder is closed.
class Server::Impl {
  ServerOptions options_;
  SystemClock clock_;
  SystemRandom random_;
  Store store_;
  // Null where there is none; either means `require_auth`.
  std::shared_ptr<auth::Account> account_;
  std::shared_ptr<const auth::TokenIssuer> token_issuer_;
  // Null for localdb's own dialect, or another one's.
  std::unique_ptr<cosmos::CosmosDialect> cosmos_;
  std::unique_ptr<documentdb::DocumentDbDialect> documentdb_;
  Engine engine_;
  std::atomic<std::int32_t> next_client_ = 1;
  std::atomic<std::int32_t> next_reply_ = 1;
  wire::Acceptor acceptor_;
  std::mutex housekeeping_;  // guards nothing but the wait
  std::condition_variable_any housekeeping_ends_;
  std::jthread housekeeper_;

 public:
  explicit Impl(ServerOptions options)
      : options_(std::move(options)),
        store_({.data_dir = options_.data_dir,
                .read_index = cosmos::read_index,
                .sweep_period = options_.ttl_period}),
        account_(open_account(options_, random_)),
        token_issuer_(open_issuer(options_)),
        cosmos_(options_.cosmos
                    ? std::make_unique<cosmos::CosmosDialect>(*options_.cosmos, clock_, random_)
                    : nullptr),
        documentdb_(options_.documentdb
                        ? std::make_unique<documentdb::DocumentDbDialect>(options_.require_auth)
                        : nullptr),
        engine_({.require_auth = options_.require_auth,
                 .test_commands = options_.test_commands,
                 .max_connections = options_.max_connections,
                 .cursors = {.timeout = options_.cursor_timeout,
                             .most = options_.max_cursors,
                             .memory_bytes = options_.cursor_memory_bytes},
                 .dialect = dialect(),
                 .account = account_,
                 .token_issuer = token_issuer_},
                store_, clock_, random_),
        acceptor_(
            {.unix_socket = options_.unix_socket,
             .host = options_.listen_host,
             .port = options_.listen_port,
             .max_connections = options_.max_connections,
             .limits = {.patience = options_.patience, .stranger_idle = options_.stranger_idle},
             .tls = tls_context(options_),
             .hurry = [this] { engine_.interrupt_all(); }},
            [this](wire::Connection& connection) { serve(connection); }),
        housekeeper_([this](const std::stop_token& stop) { keep_house(stop); }) {}

  void start() {
    acceptor_.listen();
    if (cosmos_) cosmos_->listens_at(address());  // before the first hello is answered
    acceptor_.start();
  }

  void stop() { acceptor_.stop(); }

  [[nodiscard]] Connection connect() {
    return [connection = std::make_shared<Local>(*this)](std::span<const std::uint8_t> message) {
      try {
        return connection->answer(message);
      } catch (const std::exception& error) {
        spdlog::error("localdb: this process: {}; connection closed", error.what());
        throw;
      }
    };
  }

  [[nodiscard]] Listening listen(std::string_view database, std::string_view collection,
                                 OnCommitted on_committed) {
    return store_.listen(database, collection, std::move(on_committed));
  }

  [[nodiscard]] std::uint16_t port() const { return acceptor_.port(); }

  [[nodiscard]] std::string uri() const {
    if (!options_.unix_socket.empty()) return socket_uri(options_.unix_socket);
    return "mongodb://" + tcp_address() + "/" + (is_encrypted() ? "?tls=true" : "");
  }

  [[nodiscard]] Secret account_uri(AccountKey which) const {
    const Secret key = account_->key(engines(which));
    const std::string& name = account_->name();
    std::string text;
    text.reserve(1024);  // never moved while it holds a key
    text.append("mongodb://").append(name).append(":");
    append_percent_encoded(text, key.reveal());
    const bool is_told = options_.cosmos && !options_.cosmos->host.empty();
    text.append("@").append(is_told ? options_.cosmos->host : tcp_address());
    text.append("/?ssl=").append(is_encrypted() ? "true" : "false");
    if (options_.cosmos) text.append("&replicaSet=globaldb");
    text.append("&retrywrites=false&maxIdleTimeMS=120000&appName=@").append(name).append("@");
    return Secret(std::move(text));
  }

  void regenerate_key(AccountKey key) { account_->regenerate(engines(key)); }

 private:
  [[nodiscard]] const Dialect* dialect() const {
    return cosmos_ ? static_cast<const Dialect*>(cosmos_.get()) : documentdb_.get();
  }
  [[nodiscard]] bool is_encrypted() const { return !options_.tls_certificate_file.empty(); }
  [[nodiscard]] std::string tcp_address() const {
    // Of all addresses none is a client's; this machine's name for itself is, through a container's
    // published port too.
    const std::string& given = options_.listen_host;
    const std::string host = given == "0.0.0.0" || given == "::" ? "localhost" : given;
    const bool is_v6 = host.find(':') != std::string::npos;
    return (is_v6 ? "[" + host + "]" : host) + ":" + std::to_string(port());
  }

  // Where clients find it.
  [[nodiscard]] std::string address() const {
    return options_.listen_host.empty() ? options_.unix_socket : tcp_address();
  }

  // Closes cursors that nobody has used for too long, whether anybody uses others or not.
  void keep_house(const std::stop_token& stop) {
    const auto period = std::clamp<std::chrono::milliseconds>(
        options_.cursor_timeout / 4, std::chrono::milliseconds{10}, std::chrono::seconds{5});
    std::unique_lock lock(housekeeping_);
    while (!stop.stop_requested()) {
      housekeeping_ends_.wait_for(lock, stop, period, [] { return false; });
      engine_.services().cursors.reap();
    }
  }

  Client new_client(std::string peer, bool is_local) {
    return {.id = next_client_.fetch_add(1, std::memory_order_relaxed),
            .peer = std::move(peer),
            .is_local = is_local};
  }

  // One connection, from its first message to its last. Nothing that a client does gets past here.
  void serve(wire::Connection& connection) {
    Services& services = engine_.services();
    services.open_connections.fetch_add(1, std::memory_order_relaxed);
    try {
      connection.open();
      Client client = new_client(connection.peer(), connection.is_local());
      client.is_over_unix = connection.is_over_unix();
      client.is_gone = [&connection] { return connection.is_peer_gone(); };
      while (answer_one(connection, client)) {
      }
      connection.close();
    } catch (const std::exception& error) {
      spdlog::error("localdb: {}: {}; connection closed", connection.peer(), error.what());
    }
    services.open_connections.fetch_sub(1, std::memory_order_relaxed);
  }

  // False when the connection is at its end. Throws Error for a malformed message.
  bool answer_one(wire::Connection& connection, Client& client) {
    const bool is_stranger = options_.require_auth && !client.user;
    const auto bytes = connection.receive(is_stranger ? wire::Connection::Peer::kStranger
                                                      : wire::Connection::Peer::kKnown);
    if (!bytes) return false;
    const wire::Message message = wire::parse_message(*bytes);
    const Engine::Outcome outcome = engine_.run(client, message);
    if (outcome.close) return false;
    if (!message.wants_reply) return true;
    return connection.send(header_of(message, outcome.reply), outcome.reply);
  }

  wire::ReplyHeader header_of(const wire::Message& request, bson::View reply) {
    return wire::reply_header(request, next_reply_.fetch_add(1, std::memory_order_relaxed),
                              reply.size());
  }

  // A connection without a socket.
  class Local {
    Impl& server_;
    Client client_;
    std::vector<std::uint8_t> answer_;

   public:
    explicit Local(Impl& server)
        : server_(server), client_(server.new_client("this process", true)) {
      server_.engine_.services().open_connections.fetch_add(1, std::memory_order_relaxed);
    }
    Local(const Local&) = delete;
    Local& operator=(const Local&) = delete;
    ~Local() {
      server_.engine_.services().open_connections.fetch_sub(1, std::memory_order_relaxed);
    }

    std::span<const std::uint8_t> answer(std::span<const std::uint8_t> bytes) {
      const wire::Message message = wire::parse_message(bytes);
      const Engine::Outcome outcome = server_.engine_.run(client_, message);
      if (outcome.close) throw Error(ErrorKind::kUnavailable, "the server ended the connection");
      answer_.clear();
      if (message.wants_reply) {
        const wire::ReplyHeader header = server_.header_of(message, outcome.reply);
        answer_.insert(answer_.end(), header.bytes.begin(), header.bytes.begin() + header.size);
        answer_.insert(answer_.end(), outcome.reply.view().data(),
                       outcome.reply.view().data() + outcome.reply.size());
      }
      return answer_;
    }
  };
};

std::string socket_uri(const std::string& path) {
  return "mongodb://" + percent_encode(path) + "/";
}

Server::Server(ServerOptions options) : impl_(std::make_unique<Impl>(std::move(options))) {}

Server::~Server() { stop(); }

void Server::start() { impl_->start(); }

void Server::stop() { impl_->stop(); }

Server::Connection Server::connect() { return impl_->connect(); }

Listening Server::listen(std::string_view database, std::string_view collection,
                         OnCommitted on_committed) {
  return impl_->listen(database, collection, std::move(on_committed));
}

std::uint16_t Server::port() const { return impl_->port(); }

std::string Server::uri() const { return impl_->uri(); }

Secret Server::account_uri(AccountKey key) const { return impl_->account_uri(key); }

void Server::regenerate_key(AccountKey key) { impl_->regenerate_key(key); }

CheckReport check(const std::filesystem::path& data_dir) {
  FolderReport found = check_folder(data_dir, cosmos::read_index);
  return {.collections = found.collections,
          .documents = found.documents,
          .index_entries = found.index_entries,
          .faults = std::move(found.faults)};
}

}  // namespace gesso::localdb
