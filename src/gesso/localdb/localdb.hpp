// The embedded document database: it speaks the MongoDB wire protocol on a Unix socket or TCP.
//
//   localdb::Server server({.data_dir = "data", .unix_socket = "data/localdb.sock"});
//   server.start();
//   ... connect with any MongoDB client ...
//
// Owned by whoever starts it. Thread-safe. Destroying it stops accepting, lets running commands
// finish, commits and closes the data folder.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "gesso/base/secret.hpp"
#include "gesso/localdb/commits.hpp"
#include "gesso/localdb/cosmos_options.hpp"

namespace gesso::localdb {

struct ServerOptions {
  std::filesystem::path data_dir = {};
  // Where it listens: a path, a TCP address or both, at least one of them; an empty one is not
  // listened on. Port 0 takes a free one, which `port()` says.
  std::string unix_socket = {};
  std::string listen_host = {};
  std::uint16_t listen_port = 27017;
  // PEM files of the certificate with its chain and of its key: TCP connections go by TLS (1.2 or
  // newer) then. `make_local_certificate` makes such files.
  std::string tls_certificate_file = {};
  std::string tls_key_file = {};
  bool require_auth = false;
  // An account as Azure Cosmos DB for MongoDB has them: whoever has one of its two keys is in
  // (SCRAM-SHA-256, the name and either key), and nobody else, as `require_auth` has it. Its name
  // has 3 to 44 lower-case letters, digits and hyphens; none: no account. Keys that are not given
  // here are made at the first start and kept in the data folder, for its owner alone.
  std::string account = {};
  Secret account_primary_key = {};
  Secret account_secondary_key = {};
  // Whose access tokens log in by MONGODB-OIDC, as on Azure DocumentDB with a managed identity: the
  // claim `iss`, and a file with the issuer's JSON Web Key Set (RS256, ES256). Their audience must
  // be `oidc_audience`; the claim `oid` is the user's name, who may do everything. When a token
  // ends (and `oidc_clock_skew` has passed) its connection is asked to log in anew (391). An issuer
  // means `require_auth`.
  std::string oidc_issuer = {};
  std::filesystem::path oidc_jwks_file = {};
  std::string oidc_audience = "https://ossrdbms-aad.database.windows.net";
  std::chrono::seconds oidc_clock_skew{60};
  std::size_t max_connections = 1024;
  std::chrono::milliseconds ttl_period{60'000};       // between two looks for what has expired
  std::chrono::milliseconds cursor_timeout{600'000};  // until an idle cursor is closed
  // The budget of all open cursors together; past it those that were idle longest are closed.
  std::size_t max_cursors = 10'000;
  std::size_t cursor_memory_bytes = std::size_t{512} << 20;
  // How long a TLS handshake may take, and a message or a reply beside a second for each 64 KiB
  // that have gone over; slower ones are cut.
  std::chrono::milliseconds patience{30'000};
  // How long a connection that has not logged in may say nothing, where `require_auth` is set.
  std::chrono::milliseconds stranger_idle{300'000};
  bool test_commands = false;  // allows configureFailPoint and the like
  // Set: it behaves as an account of Azure Cosmos DB for MongoDB (RU) does.
  std::optional<CosmosOptions> cosmos = {};
  // Presents itself as Azure DocumentDB (vCore), and has its limits. Not beside `cosmos`.
  bool documentdb = false;
};

enum class AccountKey { kPrimary, kSecondary };

class Server {
 public:
  class Impl;

 private:
  std::unique_ptr<Impl> impl_;

 public:
  // Opens the data folder, making it if needed. Throws Error: kConflict when another process has
  // it open, kValidation when a newer version wrote it, for an account or an issuer that cannot be,
  // and where `cosmos` says what no account has, kInternal for what the disk says, kUnavailable for
  // a certificate that cannot be served.
  explicit Server(ServerOptions options);
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  // Begins to listen and returns; the server's own threads do the rest. Throws Error (kUnavailable)
  // when an address is taken.
  void start();
  // Stops accepting, ends connections and waits for running commands. Blocks.
  // Idempotent; the destructor calls it.
  void stop();

  // A connection of this process, without a socket: a function that runs one whole message of the
  // wire protocol on the caller's thread and gives the bytes of the answer, valid until the next
  // call (none where the message asks for none). For one thread at a time; all copies are one
  // connection. It must end before the server does. It throws Error for a malformed message, and
  // where the connection is at its end.
  using Connection =
      std::function<std::span<const std::uint8_t>(std::span<const std::uint8_t> message)>;
  [[nodiscard]] Connection connect();

  // Tells from now on of what is committed in a collection, by whichever client.
  [[nodiscard]] Listening listen(std::string_view database, std::string_view collection,
                                 OnCommitted on_committed);

  // The TCP port that it listens on. REQUIRES: `start` has returned.
  [[nodiscard]] std::uint16_t port() const;
  // A connection string for clients: `socket_uri` of the Unix socket where there is one, else of
  // the TCP address ("mongodb://127.0.0.1:27017/").
  [[nodiscard]] std::string uri() const;
  // The account's connection string on the TCP address, as Azure's portal shows it, but with the
  // key percent-encoded, which some drivers insist on. REQUIRES: there is an account, `start` has
  // returned.
  [[nodiscard]] Secret account_uri(AccountKey key) const;
  // Makes a new key: who logged in by the old one is refused from now on. The command
  // `gessoRegenerateKey` over the Unix socket does the same. Throws Error: kConflict where the keys
  // were given in the options, kInternal for what the disk says. REQUIRES: there is an account.
  void regenerate_key(AccountKey key);
};

// The connection string of a server on a Unix socket: "mongodb://%2Fpath%2Fto.sock/".
[[nodiscard]] std::string socket_uri(const std::string& path);

// A certificate for a server on this machine: files in its data folder.
struct LocalCertificate {
  std::string ca_file;  // what a client is told to trust
  std::string certificate_file;
  std::string key_file;  // readable for its owner alone
};

// Makes a certificate for localhost, 127.0.0.1, ::1, this machine's name and `hosts`, vouched for
// by an authority of its own, whose key is thrown away. One that stands, is for all of them and is
// good for a month more stays, so that clients need not be told anew. Throws Error (kInternal) for
// what the disk says.
[[nodiscard]] LocalCertificate make_local_certificate(const std::filesystem::path& data_dir,
                                                      std::vector<std::string> hosts = {});

// What `gesso localdb --check` reports: every index against its documents and back.
struct CheckReport {
  std::uint64_t collections = 0;
  std::uint64_t documents = 0;
  std::uint64_t index_entries = 0;
  std::vector<std::string> faults;  // empty when all agrees
};

// Reads a data folder that no server has open, and changes nothing. Blocks for as long as it takes
// to read all of it. Throws as `Server` does.
[[nodiscard]] CheckReport check(const std::filesystem::path& data_dir);

}  // namespace gesso::localdb
