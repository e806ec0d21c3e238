#include "gesso/localdb/engine/engine.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <new>

#include "gesso/base/error.hpp"
#include "gesso/localdb/engine/authentication.hpp"
#include "gesso/localdb/engine/chain.hpp"
#include "gesso/localdb/engine/names.hpp"
#include "gesso/localdb/language/aggregate/expression.hpp"
#include "gesso/localdb/language/command_error.hpp"

namespace gesso::localdb {
namespace {

constexpr int kUnsupportedOpQuery = 352;
constexpr int kMissingDb = 40571;
constexpr int kExceededMemory = 146;
constexpr int kLetReadsField = 4890500;

bson::Document error_reply(int code, std::string_view message, bson::View details = {}) {
  bson::Builder reply;
  reply.append("ok", 0.0);
  reply.append("errmsg", message);
  reply.append("code", code);
  reply.append("codeName", code_name(code));
  reply.append_all(details);
  return reply.finish();
}

const Dialect& plain_dialect() {
  static const Dialect kPlain;
  return kPlain;
}

// Whoever logs in by what others vouch for does so on a database that is none.
bool is_login_elsewhere(std::string_view command, std::string_view db) {
  return db == "$external" && (command == "saslStart" || command == "saslContinue" ||
                               command == "logout" || command == "connectionStatus");
}

// The name of the command.
std::string_view first_field(bson::View body) {
  return body.empty() ? std::string_view() : body.begin()->key;
}

std::string_view database_of(const wire::Message& message) {
  if (message.op_code == wire::OpCode::kQuery) return message.db;
  const bson::Value db = message.body["$db"];
  if (!db) throw CommandError(kMissingDb, "OP_MSG requests require a $db argument");
  check_type("$db", db, kString);
  return db.as_string();
}

}  // namespace

Services::Services(EngineOptions engine_options, Store& data, const Clock& time, Random& randomness)
    : options(std::move(engine_options)),
      dialect(options.dialect != nullptr ? *options.dialect : plain_dialect()),
      store(data),
      clock(time),
      random(randomness),
      cursors(options.cursors, randomness),
      object_ids(time, randomness),
      started(time.now()),
      operations(stopping) {
  random.fill(decoy_secret);
}

std::string_view Context::collection() const { return collection_name(db, body.begin()->value); }

Variables Context::variables() const {
  Variables variables{.now = services.clock.now()};
  const bson::Value let = body["let"];
  if (!let.is_document()) return variables;
  // Expressions, of which none sees a document or another variable.
  ExpressionScope scope(variables);
  Arena arena;
  bson::Builder values;
  for (const auto& [name, expression] : let.as_document()) {
    check_variable_name(name);
    const ExpressionPtr compiled = compile_expression(expression, scope);
    Evaluation evaluation({}, arena, scope);
    const bson::Value value = compiled->evaluate(evaluation);
    if (!value) {
      throw CommandError(kLetReadsField,
                         "the expression of let." + std::string(name) +
                             " has no value; it must be a constant and cannot read a field");
    }
    values.append(name, value);
  }
  variables.let = values.finish();
  return variables;
}

std::string Context::user_id() const { return client.user ? client.user->id() : std::string(); }

std::vector<std::span<const Command>> command_tables() {
  return {handshake_commands(),      authentication_commands(),
          account_commands(),        user_commands(),
          session_commands(),        diagnostic_commands(),
          statistics_commands(),     catalog_commands(),
          index_commands(),          read_commands(),
          aggregate_commands(),      explain_commands(),
          write_commands(),          update_then_insert_commands(),
          find_and_modify_commands()};
}

auth::UserPtr current_user(const Services& services, const auth::UserPtr& user) {
  if (services.options.account && services.options.account->is_current(user)) return user;
  auth::UserPtr found = services.users.find_id(user->id());
  return found && found->uuid == user->uuid ? found : nullptr;
}

void require_rights(const Services& services, const Client& client, auth::Rights rights,
                    std::string_view db, std::string_view command) {
  if (!services.options.require_auth) return;
  if (client.user_until && services.clock.now() >= *client.user_until) {
    throw CommandError(ErrorCode::kReauthenticationRequired,
                       "the access token has expired: log in by a new one");
  }
  // As the user is now: a dropped one has lost everything at once.
  const auth::UserPtr current = logged_in(services, client);
  if (!current && services.options.account) {
    // Azure's words for a key that is no longer one (Azure/azure-docs#23201).
    throw CommandError(ErrorCode::kUnauthorized, "Not Authenticated");
  }
  if (!client.user) {
    throw CommandError(ErrorCode::kUnauthorized,
                       "command " + std::string(command) + " requires authentication");
  }
  if (!current || (rights != 0 && !current->may(rights, db))) {
    throw CommandError(ErrorCode::kUnauthorized, "not authorized on " + std::string(db) +
                                                     " to execute command " + std::string(command));
  }
}

Engine::Engine(EngineOptions options, Store& store, const Clock& clock, Random& random)
    : services_(std::move(options), store, clock, random), chain_(services_.dialect.chain()) {
  std::vector<std::span<const Command>> tables = command_tables();
  tables.push_back(services_.dialect.commands());
  for (const std::span<const Command> commands : tables) {
    for (const Command& command : commands) commands_.insert_or_assign(command.name, &command);
  }
  const ReadTransaction snapshot = store.read();
  if (const auto users = snapshot.find_collection(kUsersDatabase, kUsersCollection)) {
    RecordCursor cursor(snapshot, *users);
    for (bool more = cursor.first(); more; more = cursor.next()) {
      // One that cannot be read cannot log in; the others can.
      try {
        services_.users.put(auth::User::decode(cursor.document()));
      } catch (const std::exception& error) {
        spdlog::error("localdb: a user's document cannot be read: {}", error.what());
      }
    }
  }
}

void Engine::interrupt_all() {
  {
    const std::lock_guard lock(services_.stop_mutex);
    services_.stopping.store(true);
  }
  services_.stop_signal.notify_all();
}

Engine::Outcome Engine::run(Client& client, const wire::Message& message) {
  const auto refused = [](int code, std::string_view what) {
    return Outcome{.reply = error_reply(code, what)};
  };
  try {
    bson::Builder reply;
    bool close = false;
    dispatch(client, message, reply, close);
    return {.reply = reply.finish(), .close = close};
  } catch (const CommandError& error) {
    if (auto reply = services_.dialect.error_reply(error)) return {.reply = std::move(*reply)};
    return {.reply = error_reply(error.code(), error.what(), error.details())};
  } catch (const StorageError& error) {
    const CommandError refusal = services_.dialect.refusal_of(error);
    return {.reply = error_reply(refusal.code(), refusal.what(), refusal.details())};
  } catch (const std::bad_alloc&) {
    spdlog::error("localdb: {}: out of memory in {}", client.peer, first_field(message.body));
    return refused(kExceededMemory, "out of memory");
  } catch (const std::exception& error) {
    // Ours or the disk's fault. Error of kind kValidation can only come from building BSON.
    spdlog::error("localdb: {}: {} failed: {}", client.peer, first_field(message.body),
                  error.what());
    return refused(static_cast<int>(ErrorCode::kInternalError), error.what());
  }
}

void Engine::dispatch(Client& client, const wire::Message& message, bson::Builder& reply,
                      bool& close) {
  services_.commands_run.fetch_add(1, std::memory_order_relaxed);
  if (message.nested_too_deep) {
    throw CommandError(ErrorCode::kOverflow, "a document is nested deeper than " +
                                                 std::to_string(bson::View::kMaxDepth) + " levels");
  }
  const std::string_view name = first_field(message.body);
  if (message.op_code == wire::OpCode::kQuery && name != "hello" && name != "isMaster" &&
      name != "ismaster") {
    throw CommandError(kUnsupportedOpQuery, "Unsupported OP_QUERY command: " + std::string(name) +
                                                ". The client driver may require an upgrade.");
  }
  const std::string_view db = database_of(message);
  if (!is_login_elsewhere(name, db)) check_database_name(db);
  const auto found = commands_.find(name);
  const bool is_owners = found != commands_.end() && found->second->access == Access::kOwner;
  if (!is_owners) services_.dialect.check_command(name, client);
  if (found == commands_.end()) {
    throw CommandError(ErrorCode::kCommandNotFound, "no such command: '" + std::string(name) + "'");
  }
  Call call{.services = services_,
            .client = client,
            .message = message,
            .name = name,
            .db = db,
            .command = *found->second,
            .reply = reply};
  Next(is_owners ? plain_chain() : chain_, call)();
  close = call.close;
  reply.append("ok", 1.0);
}

}  // namespace gesso::localdb
