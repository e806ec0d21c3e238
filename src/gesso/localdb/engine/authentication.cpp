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
constexpr std::string_view kScram = "SCRAM-SHA-256";
constexpr std::string_view kOidc = "MONGODB-OIDC";
constexpr std::string_view kExternal = "$external";  // the database of users whom others vouch for

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

// What the server says in a conversation.
struct Step {
  std::string payload = {};
  bool done = false;
};

void append_step(bson::Builder& reply, const Step& step) {
  const std::string& payload = step.payload;
  reply.append("conversationId", kConversationId);
  reply.append("done", step.done);
  reply.append("payload",
               bson::Binary{.subtype = 0,
                            .bytes = {reinterpret_cast<const std::uint8_t*>(payload.data()),
                                      payload.size()}});
}

// A payload that is a document. Throws CommandError (kBadValue) for another.
bson::Document document_of(const std::string& payload) {
  const auto* const bytes = reinterpret_cast<const std::uint8_t*>(payload.data());
  const auto document = bson::View::validate({bytes, payload.size()});
  if (!document) throw CommandError(ErrorCode::kBadValue, "the payload is not BSON");
  return bson::Document(*document);
}

// Runs a step of the conversation; one that fails ends it.
template <class Work>
auto guarded(Client& client, Work work) {
  try {
    return work();
  } catch (const CommandError& error) {
    const std::string user =
        client.conversation ? client.conversation->user() + "@" + client.conversation_db : "?";
    client.conversation.reset();
    spdlog::warn("localdb: {}: log-in of {} failed: {}", client.peer, user, error.what());
    // The same words whatever was wrong.
    throw CommandError(ErrorCode::kAuthenticationFailed, "Authentication failed.");
  }
}

// Those whom a password of this name may belong to. An account's keys are good on any database,
// since a client takes the one that its connection string names.
std::vector<auth::UserPtr> candidates_of(const Services& services, std::string_view db,
                                         const std::string& name) {
  if (const auto& account = services.options.account; account && account->name() == name) {
    const auth::Account::Users users = account->users();
    return {users.begin(), users.end()};
  }
  if (auth::UserPtr user = services.users.find(db, name)) return {std::move(user)};
  return {};
}

// The one step of MONGODB-OIDC, with the texts of Azure DocumentDB's gateway: a refusal says why,
// since whoever can make a token knows what is in it.
Step log_in_by_token(Context& context, const Arguments& arguments) {
  Client& client = context.client;
  const auth::TokenIssuer& issuer = *context.services.options.token_issuer;
  client.conversation.reset();
  client.user = nullptr;
  client.user_until.reset();
  const std::string payload = payload_of(arguments);
  try {
    const bson::Document document = document_of(payload);
    const bson::Value token = document["jwt"];
    if (!token.is_string()) {
      throw CommandError(ErrorCode::kUnauthorized, "JWT token missing from OIDC payload");
    }
    auth::TokenBearer bearer = issuer.check(token.as_string(), context.services.clock.now());
    auth::User user;
    user.name = std::move(bearer.object_id);
    user.db = std::string(kExternal);
    // Roles are the cluster's to give, and on Azure they are for all of it.
    user.roles = {{.name = "root", .db = "admin"}};
    client.user = std::make_shared<const auth::User>(std::move(user));
    client.user_until = bearer.until;
  } catch (const CommandError& error) {
    spdlog::warn("localdb: {}: log-in by a token failed: {}", client.peer, error.what());
    throw;
  }
  spdlog::debug("localdb: {}: {} logged in", client.peer, client.user->id());
  return {.done = true};
}

Step begin(Context& context, const Arguments& arguments, std::string_view db) {
  const std::string_view mechanism = arguments.string("mechanism");
  if (context.services.options.token_issuer) {
    if (mechanism == kOidc) return log_in_by_token(context, arguments);
    if (mechanism != kScram) {
      throw CommandError(
          ErrorCode::kUnauthorized,
          "Only SCRAM-SHA-256 and MONGODB-OIDC are supported, got: " + std::string(mechanism));
    }
  }
  if (mechanism != kScram) {
    throw CommandError(kMechanismUnavailable, "Received authentication for mechanism " +
                                                  std::string(mechanism) +
                                                  " which is not enabled; SCRAM-SHA-256 is");
  }
  Services& services = context.services;
  Client& client = context.client;
  client.conversation.emplace(services.random);
  client.conversation_db = db;
  client.skip_empty_exchange = arguments.document("options")["skipEmptyExchange"].truthy();
  return {.payload = guarded(client, [&] {
            return client.conversation->first(payload_of(arguments), [&](const std::string& name) {
              client.candidates = candidates_of(services, db, name);
              std::vector<auth::Credentials> credentials;
              for (const auth::UserPtr& user : client.candidates)
                credentials.push_back(user->credentials);
              if (credentials.empty()) {
                credentials.push_back(auth::decoy_credentials(client.conversation_db + "." + name,
                                                              services.decoy_secret));
              }
              return credentials;
            });
          })};
}

void sasl_start(Context& context) {
  append_step(context.reply, begin(context, context.arguments, context.db));
}

void sasl_continue(Context& context) {
  Client& client = context.client;
  if (!client.conversation || context.arguments["conversationId"].integer() != kConversationId) {
    throw CommandError(ErrorCode::kProtocolError, "No SASL session state found");
  }
  if (client.conversation->proven()) {  // the empty exchange at the end
    client.conversation.reset();
    append_step(context.reply, {.done = true});
    return;
  }
  std::string payload = guarded(client, [&] {
    std::string server_final = client.conversation->final(payload_of(context.arguments));
    client.user =
        current_user(context.services, client.candidates.at(client.conversation->proven_by()));
    // Dropped meanwhile, or a key that was made anew.
    client.user_until.reset();
    if (!client.user) throw CommandError(ErrorCode::kAuthenticationFailed, "no such user");
    return server_final;
  });
  spdlog::debug("localdb: {}: {} logged in", client.peer, client.user->id());
  append_step(context.reply, {.payload = std::move(payload), .done = client.skip_empty_exchange});
  if (client.skip_empty_exchange) client.conversation.reset();
}

void logout(Context& context) {
  context.client.user = nullptr;
  context.client.user_until.reset();
}

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

auth::UserPtr logged_in(const Services& services, const Client& client) {
  if (client.user_until || !client.user) return client.user;
  return current_user(services, client.user);
}

void speculative_authenticate(Context& context, bson::View proposal) {
  try {
    const Arguments arguments("speculativeAuthenticate", kStartFields, proposal);
    const std::string_view db =
        arguments.has("db") ? arguments.string("db") : std::string_view("admin");
    const Step step = begin(context, arguments, db);
    const auto answer = context.reply.document("speculativeAuthenticate");
    append_step(context.reply, step);
  } catch (const CommandError&) {
    context.client.conversation.reset();
  }
}

std::span<const Command> authentication_commands() { return kCommands; }

}  // namespace gesso::localdb
