// What a command works with: the services of the engine, the client that asked, its arguments and
// the reply it writes.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gesso/base/clock.hpp"
#include "gesso/base/random.hpp"
#include "gesso/bson/builder.hpp"
#include "gesso/bson/view.hpp"
#include "gesso/localdb/engine/arguments.hpp"
#include "gesso/localdb/engine/auth/account.hpp"
#include "gesso/localdb/engine/auth/scram.hpp"
#include "gesso/localdb/engine/auth/token_issuer.hpp"
#include "gesso/localdb/engine/auth/user.hpp"
#include "gesso/localdb/engine/cursor.hpp"
#include "gesso/localdb/engine/fail_point.hpp"
#include "gesso/localdb/engine/index_builds.hpp"
#include "gesso/localdb/engine/object_id.hpp"
#include "gesso/localdb/engine/operation.hpp"
#include "gesso/localdb/engine/point_read.hpp"
#include "gesso/localdb/language/match/matcher.hpp"
#include "gesso/localdb/storage/store.hpp"

namespace gesso::localdb {

inline constexpr std::size_t kMaxDocumentSize = 16 * 1024 * 1024;
inline constexpr std::size_t kMaxWriteBatch = 100'000;
inline constexpr int kSessionTimeoutMinutes = 30;

// dialect.hpp
class Dialect;
class Ledger;
struct ClientNote;

struct EngineOptions {
  bool require_auth = false;
  bool test_commands = false;
  std::size_t max_connections = 1024;
  CursorLimits cursors = {};
  const Dialect* dialect = nullptr;  // borrowed; null: localdb's own
  // The one account, by either of whose keys everybody logs in, with or without other users.
  std::shared_ptr<auth::Account> account = {};
  // Whose tokens log in by MONGODB-OIDC; none: nobody's.
  std::shared_ptr<const auth::TokenIssuer> token_issuer = {};
};

// One connection as commands see it. Belongs to the connection's thread.
struct Client {
  std::int32_t id = 0;
  std::string peer;
  bool is_local = false;  // over the Unix socket or the loopback interface
  bool is_over_unix = false;
  std::string app_name = {};
  auth::UserPtr user = {};              // as it was at log-in; null when nobody is logged in
  std::optional<Time> user_until = {};  // when the token of the log-in ends
  std::optional<auth::ScramServer> conversation = {};
  std::string conversation_db = {};
  // Whom the conversation may prove to be there, in the order of its credentials.
  std::vector<auth::UserPtr> candidates = {};
  bool skip_empty_exchange = false;
  RecentProjections projections = {};
  // Whether the other side has closed its connection; empty where it cannot. Must not block.
  std::function<bool()> is_gone = {};
  std::shared_ptr<ClientNote> note = {};  // the dialect's
};

// What all commands share. Thread-safe member by member.
struct Services {
  const EngineOptions options;
  const Dialect& dialect;
  Store& store;
  const Clock& clock;
  Random& random;
  CursorRegistry cursors;
  ObjectIdGenerator object_ids;
  auth::UserDirectory users;
  std::mutex user_mutex;  // held by commands that change users, over the store and the directory
  Digest decoy_secret{};
  FailPoint fail_point;
  IndexBuilds index_builds;
  const Time started;
  std::atomic<std::int64_t> open_connections = 0;
  std::atomic<std::int64_t> commands_run = 0;

  std::atomic<bool> stopping = false;
  Operations operations;
  std::mutex stop_mutex;  // guards nothing but the wait for `stopping`
  std::condition_variable stop_signal;

  Services(EngineOptions engine_options, Store& data, const Clock& time, Random& randomness);
};

// One command that is being run. Lives for that time; one thread.
struct Context {
  Services& services;
  Client& client;
  Operation& operation;
  const Arguments& arguments;
  bson::View body;
  std::string_view db;
  bson::Builder& reply;
  Ledger* ledger = nullptr;  // null where nobody keeps account

  // The collection that the command's first field names, checked.
  [[nodiscard]] std::string_view collection() const;
  [[nodiscard]] std::string ns(std::string_view collection_name) const {
    return std::string(db) + "." + std::string(collection_name);
  }
  // `$$NOW` and the command's `let`, where its table has one.
  [[nodiscard]] Variables variables() const;
  // The id of the user who is logged in, "" for nobody.
  [[nodiscard]] std::string user_id() const;
};

// Who may run a command.
enum class Access {
  kOwner,       // the server's owner, over the Unix socket; no dialect's affair
  kPublic,      // anybody, before logging in too
  kLoggedIn,    // any user
  kOnDatabase,  // a user with one of the rights on the command's database
  kOnServer,    // a user with one of the rights on the server, that is on `admin`
};

struct Command {
  std::string_view name;
  std::span<const Field> fields;
  void (*run)(Context&);
  Access access = Access::kOnDatabase;
  auth::Rights rights = auth::kRead;
};

// The commands of one file each.
[[nodiscard]] std::span<const Command> handshake_commands();
[[nodiscard]] std::span<const Command> authentication_commands();
[[nodiscard]] std::span<const Command> account_commands();
[[nodiscard]] std::span<const Command> user_commands();
[[nodiscard]] std::span<const Command> session_commands();
[[nodiscard]] std::span<const Command> diagnostic_commands();
[[nodiscard]] std::span<const Command> statistics_commands();
[[nodiscard]] std::span<const Command> catalog_commands();
[[nodiscard]] std::span<const Command> index_commands();
[[nodiscard]] std::span<const Command> read_commands();
[[nodiscard]] std::span<const Command> aggregate_commands();
[[nodiscard]] std::span<const Command> explain_commands();
[[nodiscard]] std::span<const Command> write_commands();
[[nodiscard]] std::span<const Command> update_then_insert_commands();
[[nodiscard]] std::span<const Command> find_and_modify_commands();

// All of the above.
[[nodiscard]] std::vector<std::span<const Command>> command_tables();

// What currentOp and $currentOp list: the commands that run.
struct WhichOperations {
  bool own = false;  // of the client's user only
};
[[nodiscard]] std::vector<bson::Document> current_operations(const Context& context,
                                                             WhichOperations which);

// The user as he is now; nullptr where he is gone, or was replaced by another of the same name.
[[nodiscard]] auth::UserPtr current_user(const Services& services, const auth::UserPtr& user);

// Throws CommandError (13) unless the client's user may; always passes without `require_auth`.
void require_rights(const Services& services, const Client& client, auth::Rights rights,
                    std::string_view db, std::string_view command);

}  // namespace gesso::localdb
