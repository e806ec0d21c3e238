// saslStart, saslContinue, logout, connectionStatus.
#include "gesso/localdb/engine/authentication.hpp"

#include <spdlog/spdlog.h>

#include <array>

#include "gesso/base/base64.hpp"
#include "gesso/localdb/language/command_error.hpp"

namespace gesso::localdb {
namespace {

constexpr int kConversationId = 1;
constexpr int kMechanismUnavailable = 334;

constexpr Field kStartFields[] = {
    {"saslStart", kAny, Presence::kRequired},
    {"mechanism", kString, Presence::kRequired},
    {"payload", kBinary | kString, Presence::kRequired},
    {"autoAuthorize"},
    {"options", kObject},
    {"db", kString},  // inside speculativeAuthenticate, which has no $db
};
constexpr Field kContinueFields[] = {
    {"saslContinue", kAny, Presence::kRequired},
    {"conversationId", kNumber, Presence::kRequired},
    {"payload", kBinary | kString, Presence::kRequired},
};
constexpr Field kLogoutFields[] = {{"logout"}};
constexpr Field kStatusFields[] = {{"connectionStatus"}, {"showPrivileges", kFlag}};

// Binary, or base 64 in a string.
std::string payload_of(const Arguments& arguments) {
  const bson::Value payload = arguments["payload"];
  if (payload.is_string()) {
    return base64_decode(payload.as_string()).value_or(std::string());
  }
  const auto bytes = payload.as_binary().bytes;
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

void append_step(bson::Builder& reply, std::string_view payload, bool done) {
  reply.append("conversationId", kConversationId);
  reply.append("done", done);
  reply.append("payload",
               bson::Binary{.subtype = 0,
                            .bytes = {reinterpret_cast<const std::uint8_t*>(payload.data()),
                                      payload.size()}});
}

// Runs a step of the conversation; one that fails ends it.
template <class Step>
auto guarded(Client& client, Step step) {
  try {
    return step();
  } catch (const CommandError& error) {
    const std::string user =
        client.conversation ? client.conversation->user() + "@" + client.conversation_db : "?";
    client.conversation.reset();
    spdlog::warn("localdb: {}: log-in of {} failed: {}", client.peer, user, error.what());
    // The same words whatever was wrong.
    throw CommandError(ErrorCode::kAuthenticationFailed, "Authentication failed.");
  }
}

std::string begin(Context& context, const Arguments& arguments, std::string_view db) {
  if (arguments.string("mechanism") != "SCRAM-SHA-256") {
    throw CommandError(kMechanismUnavailable, "Received authentication for mechanism " +
                                                  std::string(arguments.string("mechanism")) +
                                                  " which is not enabled; SCRAM-SHA-256 is");
  }
  Services& services = context.services;
  Client& client = context.client;
  client.conversation.emplace(services.random);
  client.conversation_db = db;
  client.skip_empty_exchange = arguments.document("options")["skipEmptyExchange"].truthy();
  return guarded(client, [&] {
    return client.conversation->first(payload_of(arguments), [&](const std::string& name) {
      const auth::UserPtr user = services.users.find(db, name);
      return user ? user->credentials
                  : auth::decoy_credentials(client.conversation_db + "." + name,
                                            services.decoy_secret);
    });
  });
}

void sasl_start(Context& context) {
  append_step(context.reply, begin(context, context.arguments, context.db), false);
}

void sasl_continue(Context& context) {
  Client& client = context.client;
  if (!client.conversation || context.arguments["conversationId"].integer() != kConversationId) {
    throw CommandError(ErrorCode::kProtocolError, "No SASL session state found");
  }
  if (client.conversation->proven()) {  // the empty exchange at the end
    client.conversation.reset();
    append_step(context.reply, "", true);
    return;
  }
  const std::string payload = guarded(client, [&] {
    std::string server_final = client.conversation->final(payload_of(context.arguments));
    client.user = context.services.users.find(client.conversation_db, client.conversation->user());
    // A user who was dropped meanwhile.
    if (!client.user) throw CommandError(ErrorCode::kAuthenticationFailed, "no such user");
    return server_final;
  });
  spdlog::debug("localdb: {}: {} logged in", client.peer, client.user->id());
  append_step(context.reply, payload, client.skip_empty_exchange);
  if (client.skip_empty_exchange) client.conversation.reset();
}

void logout(Context& context) { context.client.user = nullptr; }

void connection_status(Context& context) {
  bson::Builder& reply = context.reply;
  const auto info = reply.document("authInfo");
  const auth::UserPtr& user = context.client.user;
  {
    const auto users = reply.array("authenticatedUsers");
    if (user) reply.push(bson::make_document("user", user->name, "db", user->db));
  }
  {
    const auto roles = reply.array("authenticatedUserRoles");
    if (user) {
      for (const auth::Role& role : user->roles) {
        reply.push(bson::make_document("role", role.name, "db", role.db));
      }
    }
  }
  if (context.arguments.flag("showPrivileges")) {
    reply.append("authenticatedUserPrivileges", bson::make_array());
  }
}

constexpr std::array kCommands = {
    Command{"saslStart", kStartFields, sasl_start, Access::kPublic},
    Command{"saslContinue", kContinueFields, sasl_continue, Access::kPublic},
    Command{"logout", kLogoutFields, logout, Access::kPublic},
    Command{"connectionStatus", kStatusFields, connection_status, Access::kPublic},
};

}  // namespace

void speculative_authenticate(Context& context, bson::View proposal) {
  try {
    const Arguments arguments("speculativeAuthenticate", kStartFields, proposal);
    const std::string_view db =
        arguments.has("db") ? arguments.string("db") : std::string_view("admin");
    const std::string payload = begin(context, arguments, db);
    const auto answer = context.reply.document("speculativeAuthenticate");
    append_step(context.reply, payload, false);
  } catch (const CommandError&) {
    context.client.conversation.reset();
  }
}

std::span<const Command> authentication_commands() { return kCommands; }

}  // namespace gesso::localdb
