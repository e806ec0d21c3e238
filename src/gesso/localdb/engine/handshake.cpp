// hello and its older names, ping, buildInfo: what a driver asks before anything else.
#include <array>

#include "gesso/localdb/engine/authentication.hpp"
#include "gesso/localdb/engine/context.hpp"
#include "gesso/localdb/engine/dialect.hpp"

namespace gesso::localdb {
namespace {

// A lower end above 0 would shut old drivers out. No setName and no msg: drivers would number their
// writes and count on us to know them again. No topologyVersion: drivers would poll without pause
// unless we held the answer back.
constexpr int kMinWireVersion = 0;

constexpr Field kHelloFields[] = {
    {"hello"},
    {"isMaster"},
    {"ismaster"},
    {"helloOk"},
    {"client", kObject},
    {"compression", kArray},
    {"saslSupportedMechs", kString},
    {"speculativeAuthenticate", kObject},
    {"topologyVersion", kObject},
    {"maxAwaitTimeMS", kNumber},
    {"loadBalanced", kFlag},
    {"hostInfo"},
    {"internalClient"},
    {"backpressure"},
};
constexpr Field kPingFields[] = {{"ping"}};
constexpr Field kBuildInfoFields[] = {{"buildInfo"}, {"buildinfo"}};

void append_marker(bson::Builder& reply) {
  reply.append("localdb", bson::make_document("version", GESSO_VERSION));
}

void hello(Context& context) {
  Client& client = context.client;
  const Arguments& arguments = context.arguments;
  if (const bson::Value name = arguments.document("client").at_path("application.name");
      name.is_string()) {
    client.app_name = name.as_string();
  }

  bson::Builder& reply = context.reply;
  if (arguments.flag("helloOk")) reply.append("helloOk", true);
  reply.append(arguments.command() == "hello" ? "isWritablePrimary" : "ismaster", true);
  reply.append("maxBsonObjectSize", static_cast<std::int32_t>(kMaxDocumentSize));
  const Presentation server = context.services.dialect.presentation();
  reply.append("maxMessageSizeBytes", static_cast<std::int32_t>(server.max_message_bytes));
  reply.append("maxWriteBatchSize", static_cast<std::int32_t>(server.max_write_batch));
  reply.append("localTime", context.services.clock.now());
  reply.append("logicalSessionTimeoutMinutes", kSessionTimeoutMinutes);
  reply.append("connectionId", client.id);
  reply.append("minWireVersion", kMinWireVersion);
  reply.append("maxWireVersion", server.max_wire_version);
  reply.append("readOnly", false);
  if (server.says_localdb) append_marker(reply);
  context.services.dialect.append_hello(reply);
  if (arguments.has("saslSupportedMechs")) {
    // The same for a user who does not exist, so that nobody learns who does.
    reply.append("saslSupportedMechs", bson::make_array("SCRAM-SHA-256"));
  }
  if (arguments.has("speculativeAuthenticate")) {
    speculative_authenticate(context, arguments.document("speculativeAuthenticate"));
  }
}

void ping(Context& /*context*/) {}

void build_info(Context& context) {
  bson::Builder& reply = context.reply;
  const Presentation server = context.services.dialect.presentation();
  std::string version;
  for (const int part : server.version)
    version += (version.empty() ? "" : ".") + std::to_string(part);
  reply.append("version", version);
  reply.append("gitVersion", "localdb " GESSO_VERSION);
  reply.append("modules", bson::make_array());
  reply.append("allocator", "system");
  reply.append("javascriptEngine", "none");
  reply.append("sysInfo", "deprecated");
  {
    const auto parts = reply.array("versionArray");
    for (const int part : server.version) reply.push(part);
    reply.push(0);
  }
  reply.append("bits", 64);
  reply.append("debug", false);
  reply.append("maxBsonObjectSize", static_cast<std::int32_t>(kMaxDocumentSize));
  reply.append("storageEngines", bson::make_array("lmdb"));
  if (server.says_localdb) append_marker(reply);
}

constexpr std::array kCommands = {
    Command{"hello", kHelloFields, hello, Access::kPublic},
    Command{"isMaster", kHelloFields, hello, Access::kPublic},
    Command{"ismaster", kHelloFields, hello, Access::kPublic},
    Command{"ping", kPingFields, ping, Access::kPublic},
    Command{"buildInfo", kBuildInfoFields, build_info, Access::kPublic},
    Command{"buildinfo", kBuildInfoFields, build_info, Access::kPublic},
};

}  // namespace

std::span<const Command> handshake_commands() { return kCommands; }

}  // namespace gesso::localdb
