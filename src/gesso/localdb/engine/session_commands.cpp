// Sessions: a standalone server keeps nothing for them but what runs and waits under their names,
// the commands and the cursors.
#include <algorithm>
#include <array>

#include "gesso/base/uuid.hpp"
#include "gesso/localdb/engine/context.hpp"
#include "gesso/localdb/language/command_error.hpp"

namespace gesso::localdb {
namespace {

constexpr Field kStartFields[] = {{"startSession"}};
constexpr Field kEndFields[] = {{"endSessions", kArray, Presence::kRequired}};
constexpr Field kRefreshFields[] = {{"refreshSessions", kArray, Presence::kRequired}};
constexpr Field kKillFields[] = {{"killSessions", kArray, Presence::kRequired}};
constexpr Field kKillAllFields[] = {{"killAllSessions", kArray, Presence::kRequired}};

void start_session(Context& context) {
  const Uuid uuid = random_uuid(context.services.random);
  context.reply.append("id", bson::make_document("id", bson::Binary{.subtype = 4, .bytes = uuid}));
  context.reply.append("timeoutMinutes", kSessionTimeoutMinutes);
}

void acknowledge(Context& context) {
  (void)context.arguments.documents(context.arguments.command());  // documents, or an error
}

// The sessions that the command lists. Throws CommandError (14).
std::vector<SessionId> listed_sessions(const Context& context) {
  std::vector<SessionId> sessions;
  for (const bson::View session : context.arguments.documents(context.arguments.command())) {
    const auto id = session_of(bson::make_document("lsid", session));
    if (!id) {
      throw CommandError(ErrorCode::kTypeMismatch, std::string(context.arguments.command()) +
                                                       ": a session has an 'id' that is a UUID");
    }
    sessions.push_back(*id);
  }
  return sessions;
}

// What waits: cursors. The sessions are the client's user's.
void end_sessions(Context& context) {
  for (const SessionId& session : listed_sessions(context)) {
    context.services.cursors.kill_session(session, context.user_id());
  }
}

// What waits and what runs.
void kill_sessions(Context& context) {
  for (const SessionId& session : listed_sessions(context)) {
    const std::string user = context.user_id();
    context.services.cursors.kill_session(session, user);
    context.services.operations.stop(StopReason::kKilled, [&](const Operation& operation) {
      return operation.id() != context.operation.id() && operation.session() == session &&
             operation.user() == user;
    });
  }
}

// Of the users that are listed, or of all.
void kill_all_sessions(Context& context) {
  std::vector<std::string> users;
  for (const bson::View user : context.arguments.documents("killAllSessions")) {
    users.push_back(std::string(user["db"].is_string() ? user["db"].as_string() : "") + "." +
                    std::string(user["user"].is_string() ? user["user"].as_string() : ""));
  }
  const auto wanted = [&](const std::string& user) {
    return users.empty() || std::ranges::find(users, user) != users.end();
  };
  context.services.cursors.kill_sessions_of(wanted);
  context.services.operations.stop(StopReason::kKilled, [&](const Operation& operation) {
    return operation.id() != context.operation.id() && operation.session() &&
           wanted(operation.user());
  });
}

constexpr std::array kCommands = {
    Command{"startSession", kStartFields, start_session, Access::kLoggedIn},
    Command{"endSessions", kEndFields, end_sessions, Access::kPublic},
    Command{"refreshSessions", kRefreshFields, acknowledge, Access::kLoggedIn},
    Command{"killSessions", kKillFields, kill_sessions, Access::kLoggedIn},
    Command{"killAllSessions", kKillAllFields, kill_all_sessions, Access::kOnServer,
            auth::kCluster},
};

}  // namespace

std::span<const Command> session_commands() { return kCommands; }

}  // namespace gesso::localdb
