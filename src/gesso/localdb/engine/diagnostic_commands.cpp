// What shells and monitors ask about the server itself.
#include <sys/utsname.h>
#include <unistd.h>

#include <array>
#include <fstream>
#include <thread>

#include "gesso/localdb/engine/context.hpp"
#include "gesso/localdb/engine/host_name.hpp"
#include "gesso/localdb/language/command_error.hpp"

namespace gesso::localdb {
namespace {

constexpr int kNoReplication = 76;

// Names of parameters and of sections are fields.
constexpr Field kGetParameterFields[] = {{"getParameter", kAny, Presence::kRequired},
                                         {"featureCompatibilityVersion"},
                                         {"authenticationMechanisms"},
                                         {"enableTestCommands"},
                                         {kAnyField}};
constexpr Field kCmdLineFields[] = {{"getCmdLineOpts"}};
constexpr Field kHostInfoFields[] = {{"hostInfo"}};
constexpr Field kGetLogFields[] = {{"getLog", kString, Presence::kRequired}};
constexpr Field kWhatsMyUriFields[] = {{"whatsmyuri"}};
constexpr Field kCurrentOpFields[] = {
    {"currentOp"}, {"$all", kFlag}, {"$ownOps", kFlag}, {kAnyField}};
constexpr Field kKillOpFields[] = {{"killOp"}, {"op", kNumber, Presence::kRequired}};
constexpr Field kListCommandsFields[] = {{"listCommands"}};
constexpr Field kReplStatusFields[] = {{"replSetGetStatus"}};
constexpr Field kFailPointFields[] = {
    {"configureFailPoint", kString, Presence::kRequired},
    {"mode", kString | kObject, Presence::kRequired},
    {"data", kObject},
};
constexpr Field kServerStatusFields[] = {{"serverStatus"}, {kAnyField}};

// The whole memory of this machine and the part that this process holds.
std::int64_t memory_mb() {
  return static_cast<std::int64_t>(::sysconf(_SC_PHYS_PAGES)) * ::sysconf(_SC_PAGESIZE) /
         (1024 * 1024);
}

std::int64_t resident_mb() {
  std::ifstream file("/proc/self/statm");
  std::int64_t pages = 0;
  std::int64_t resident = 0;
  file >> pages >> resident;
  return resident * ::sysconf(_SC_PAGESIZE) / (1024 * 1024);
}

}  // namespace

std::vector<bson::Document> current_operations(const Context& context, WhichOperations which) {
  std::vector<bson::Document> documents;
  const std::string host = host_name();
  const std::string user = context.user_id();
  context.services.operations.for_each([&](const Operation& operation) {
    if (which.own && operation.user() != user) return;
    bson::Builder out;
    out.append("host", host);
    out.append_all(operation.describe());
    documents.push_back(out.finish());
  });
  return documents;
}

namespace {

void get_parameter(Context& context) {
  bool found = false;
  const auto wanted = [&](std::string_view name) {
    const bson::Value all = context.arguments["getParameter"];
    const bool is_all = (all.is_string() && all.as_string() == "*") ||
                        (all.is_document() && all.as_document()["allParameters"].truthy());
    return is_all || context.arguments.has(name);
  };
  if (wanted("featureCompatibilityVersion")) {
    context.reply.append("featureCompatibilityVersion", bson::make_document("version", "7.0"));
    found = true;
  }
  if (wanted("authenticationMechanisms")) {
    context.reply.append("authenticationMechanisms", bson::make_array("SCRAM-SHA-256"));
    found = true;
  }
  if (wanted("enableTestCommands")) {
    context.reply.append("enableTestCommands", context.services.options.test_commands);
    found = true;
  }
  if (!found) {
    throw CommandError(ErrorCode::kInvalidOptions, "no option found to get");
  }
}

void get_cmd_line_opts(Context& context) {
  context.reply.append("argv", bson::make_array("gesso"));
  bson::Builder parsed;
  if (context.services.options.require_auth) {
    const auto security = parsed.document("security");
    parsed.append("authorization", "enabled");
  }
  context.reply.append("parsed", parsed.finish());
}

void host_info(Context& context) {
  utsname system{};
  (void)::uname(&system);
  bson::Builder& reply = context.reply;
  {
    const auto part = reply.document("system");
    reply.append("currentTime", context.services.clock.now());
    reply.append("hostname", host_name());
    reply.append("cpuAddrSize", 64);
    reply.append("memSizeMB", memory_mb());
    reply.append("memLimitMB", memory_mb());
    reply.append("numCores", static_cast<std::int32_t>(std::thread::hardware_concurrency()));
    reply.append("cpuArch", system.machine);
    reply.append("numaEnabled", false);
  }
  reply.append("os", bson::make_document("type", system.sysname, "name", system.sysname, "version",
                                         system.release));
  reply.append("extra", bson::make_document("kernelVersion", system.release, "pageSize",
                                            static_cast<std::int64_t>(::sysconf(_SC_PAGESIZE))));
}

void server_status(Context& context) {
  Services& services = context.services;
  const auto uptime = services.clock.now() - services.started;
  const std::int64_t connections = services.open_connections.load();
  const Store::Stats store = services.store.stats(services.store.read());
  bson::Builder& reply = context.reply;
  reply.append("host", host_name());
  reply.append("version", "7.0.0");
  reply.append("process", "localdb");
  reply.append("pid", static_cast<std::int64_t>(::getpid()));
  reply.append("uptime", std::chrono::duration<double>(uptime).count());
  reply.append("uptimeMillis", static_cast<std::int64_t>(uptime.count()));
  reply.append("localTime", services.clock.now());
  {
    const auto part = reply.document("connections");
    reply.append("current", static_cast<std::int32_t>(connections));
    reply.append("available",
                 static_cast<std::int32_t>(
                     static_cast<std::int64_t>(services.options.max_connections) - connections));
    reply.append("active", static_cast<std::int32_t>(connections));
  }
  reply.append("network", bson::make_document("numRequests", services.commands_run.load()));
  reply.append("mem", bson::make_document("bits", 64, "resident", resident_mb()));
  reply.append(
      "metrics",
      bson::make_document(
          "cursor", bson::make_document(
                        "open", bson::make_document("total", static_cast<std::int64_t>(
                                                                 services.cursors.open_count())))));
  reply.append("storageEngine", bson::make_document("name", "lmdb", "persistent", true));
  reply.append("lmdb", bson::make_document("fileBytes", static_cast<std::int64_t>(store.file_bytes),
                                           "freeBytes", static_cast<std::int64_t>(store.free_bytes),
                                           "mapBytes", static_cast<std::int64_t>(store.map_bytes),
                                           "commits", static_cast<std::int64_t>(store.commits),
                                           "writes", static_cast<std::int64_t>(store.writes)));
}

void get_log(Context& context) {
  const std::string_view which = context.arguments.string("getLog");
  if (which == "*") {
    context.reply.append("names", bson::make_array("global", "startupWarnings"));
  } else if (which == "global" || which == "startupWarnings") {
    // The log goes to whoever started the server; none of it is kept here.
    context.reply.append("totalLinesWritten", 0);
    context.reply.append("log", bson::make_array());
  } else {
    throw CommandError(ErrorCode::kOperationFailed, "No log named '" + std::string(which) + "'");
  }
}

void whats_my_uri(Context& context) { context.reply.append("you", context.client.peer); }

void current_op(Context& context) {
  const std::vector<bson::Document> operations =
      current_operations(context, {.own = context.arguments.flag("$ownOps")});
  // What else the command holds is a filter over what is listed.
  bson::Builder conditions;
  for (const auto& [key, value] : context.body) {
    if (!key.starts_with('$') && key != "currentOp" && key != "lsid" && key != "comment" &&
        key != "maxTimeMS") {
      conditions.append(key, value);
    }
  }
  const bson::Document filter = conditions.finish();
  const Matcher matcher = Matcher::compile(filter);
  const auto list = context.reply.array("inprog");
  for (const bson::Document& operation : operations) {
    if (matcher.matches(operation)) context.reply.push(operation);
  }
}

void kill_op(Context& context) {
  const std::optional<std::int64_t> id = context.arguments.integer("op", INT32_MIN);
  (void)context.services.operations.stop(
      StopReason::kKilled, [id](const Operation& operation) { return operation.id() == id; });
  // As MongoDB: whether it was there is for currentOp to tell.
  context.reply.append("info", "attempting to kill op");
}

void repl_set_get_status(Context& /*context*/) {
  throw CommandError(kNoReplication, "not running with --replSet");
}

void configure_fail_point(Context& context) {
  if (!context.services.options.test_commands) {
    throw CommandError(ErrorCode::kCommandNotFound, "no such command: 'configureFailPoint'");
  }
  context.reply.append(
      "count", static_cast<std::int32_t>(context.services.fail_point.configure(context.body)));
}

void list_commands(Context& context);

constexpr auto kMonitor = auth::kMonitor | auth::kCluster;

constexpr std::array kCommands = {
    Command{"getParameter", kGetParameterFields, get_parameter, Access::kLoggedIn},
    Command{"getCmdLineOpts", kCmdLineFields, get_cmd_line_opts, Access::kOnServer, kMonitor},
    Command{"hostInfo", kHostInfoFields, host_info, Access::kOnServer, kMonitor},
    Command{"serverStatus", kServerStatusFields, server_status, Access::kOnServer, kMonitor},
    Command{"getLog", kGetLogFields, get_log, Access::kOnServer, kMonitor},
    Command{"whatsmyuri", kWhatsMyUriFields, whats_my_uri, Access::kPublic},
    Command{"currentOp", kCurrentOpFields, current_op, Access::kOnServer, kMonitor},
    Command{"killOp", kKillOpFields, kill_op, Access::kOnServer, auth::kCluster},
    Command{"replSetGetStatus", kReplStatusFields, repl_set_get_status, Access::kLoggedIn},
    Command{"listCommands", kListCommandsFields, list_commands, Access::kLoggedIn},
    Command{"configureFailPoint", kFailPointFields, configure_fail_point, Access::kOnServer,
            auth::kCluster},
};

void list_commands(Context& context) {
  const auto list = context.reply.document("commands");
  for (const auto commands : command_tables()) {
    for (const Command& command : commands) {
      context.reply.append(command.name,
                           bson::make_document("requiresAuth", command.access != Access::kPublic));
    }
  }
}

}  // namespace

std::span<const Command> diagnostic_commands() { return kCommands; }

}  // namespace gesso::localdb
