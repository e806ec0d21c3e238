#include "gesso/localdb/engine/chain.hpp"

#include <algorithm>
#include <array>

#include "gesso/localdb/language/command_error.hpp"

namespace gesso::localdb {
namespace {

constexpr int kUnknownWriteConcern = 79;

// We are one server without an oplog: transactions and numbered writes need more.
void check_transaction(bson::View body) {
  const bool numbered = body.contains("txnNumber");
  if (!numbered && !body["startTransaction"] && !body["autocommit"]) return;
  if (!body["lsid"]) {
    throw CommandError(ErrorCode::kInvalidOptions,
                       "Transaction number requires a session ID to also be specified");
  }
  throw CommandError(ErrorCode::kIllegalOperation,
                     "Transaction numbers are only allowed on a replica set member or mongos");
}

void check_write_concern(bson::View body) {
  const bson::Value value = body["writeConcern"];
  if (!value.is_document()) return;
  for (const auto& [key, part] : value.as_document()) {
    if (key == "w") {
      if (part.is_string()) {
        if (part.as_string() != "majority") {
          throw CommandError(kUnknownWriteConcern, "No write concern mode named '" +
                                                       std::string(part.as_string()) +
                                                       "' found on a server without replicas");
        }
      } else {
        check_type("writeConcern.w", part, kNumber | kString);
        const double nodes = part.number();
        if (!(nodes >= 0 && nodes <= 50)) {
          throw CommandError(ErrorCode::kFailedToParse,
                             "w has to be a non-negative number and not greater than 50");
        }
        if (nodes > 1) {
          throw CommandError(ErrorCode::kBadValue,
                             "cannot use 'w' > 1 when a host is not replicated");
        }
      }
    } else if (key == "j" || key == "fsync") {
      check_type("writeConcern." + std::string(key), part, kFlag);
    } else if (key == "wtimeout" || key == "wtimeoutMS") {
      check_type("writeConcern." + std::string(key), part, kNumber);
    } else if (key != "provenance" && key != "getLastError") {
      throw CommandError(ErrorCode::kUnknownField,
                         "BSON field 'writeConcern." + std::string(key) + "' is an unknown field.");
    }
  }
}

void check_read_concern(bson::View body) {
  const bson::Value value = body["readConcern"];
  if (!value.is_document()) return;
  const bson::Value level = value.as_document()["level"];
  if (!level) return;
  check_type("readConcern.level", level, kString);
  constexpr std::array kLevels = {"local", "available", "majority", "linearizable"};
  if (std::ranges::find(kLevels, level.as_string()) == kLevels.end()) {
    throw CommandError(ErrorCode::kInvalidOptions, "readConcern.level '" +
                                                       std::string(level.as_string()) +
                                                       "' is not served by a standalone server");
  }
}

Deadline deadline_of(bson::View body) {
  const bson::Value value = body["maxTimeMS"];
  if (!value || value.is_null()) return {};
  const std::optional<std::int64_t> milliseconds = value.integer();
  if (!milliseconds || *milliseconds < 0 || *milliseconds > INT32_MAX) {
    throw CommandError(ErrorCode::kBadValue,
                       "maxTimeMS must be an integer from 0 to " + std::to_string(INT32_MAX));
  }
  return *milliseconds == 0 ? Deadline()
                            : Deadline::after(std::chrono::milliseconds{*milliseconds});
}

// Until the time is over. Throws what the operation's check throws.
void block(Call& call, std::chrono::milliseconds duration) {
  constexpr auto kBetweenChecks = std::chrono::milliseconds{20};
  const Deadline until = Deadline::after(duration);
  Services& services = call.services;
  while (!until.expired()) {
    {
      std::unique_lock lock(services.stop_mutex);
      services.stop_signal.wait_for(lock, std::min(kBetweenChecks, until.remaining()),
                                    [&] { return services.stopping.load(); });
    }
    call.operation->check();
  }
}

}  // namespace

void Authorise::around(Call& call, const Next& next) const {
  if (call.command.access == Access::kOwner) {
    // Whoever can open the socket can read all that the server keeps.
    if (!call.client.is_over_unix) {
      throw CommandError(ErrorCode::kUnauthorized, "command " + std::string(call.name) +
                                                       " is for the server's owner, over its Unix "
                                                       "socket");
    }
  } else if (call.command.access != Access::kPublic) {
    require_rights(call.services, call.client,
                   call.command.access == Access::kLoggedIn ? auth::Rights{0} : call.command.rights,
                   call.command.access == Access::kOnServer ? std::string_view("admin") : call.db,
                   call.name);
  }
  next();
}

void RunAsOperation::around(Call& call, const Next& next) const {
  Operation operation(call.services.operations, call.client, call.name, call.db, call.message.body);
  const Meter::Scope scope(&operation.meter());
  call.operation = &operation;
  next();
}

void ObeyFailPoint::around(Call& call, const Next& next) const {
  const auto action = call.services.fail_point.enter(call.name, call.client.app_name);
  if (!action) return next();
  if (action->block.count() > 0) block(call, action->block);
  if (action->close_connection) {
    call.close = true;
    return;
  }
  if (action->error_code) {
    bson::Builder details;
    if (!action->error_labels.empty()) {
      const auto labels = details.array("errorLabels");
      for (const std::string& label : action->error_labels) details.push(label);
    }
    throw CommandError(*action->error_code, "Failing command via 'failCommand' failpoint",
                       details.finish());
  }
  next();
  if (!action->write_concern_error.empty()) {
    call.reply.append("writeConcernError", action->write_concern_error);
  }
}

void CheckConcerns::around(Call& call, const Next& next) const {
  check_transaction(call.message.body);
  check_write_concern(call.message.body);
  check_read_concern(call.message.body);
  next();
}

void Run::around(Call& call, const Next& /*next*/) const {
  const Arguments arguments(call.name, call.command.fields, call.message.body,
                            call.message.sequences);
  // A command that is begun anew has the time that is left of its first beginning.
  Deadline& deadline = call.operation->deadline;
  deadline = deadline.earlier_of(deadline_of(call.message.body));
  Context context{.services = call.services,
                  .client = call.client,
                  .operation = *call.operation,
                  .arguments = arguments,
                  .body = call.message.body,
                  .db = call.db,
                  .reply = call.reply,
                  .ledger = call.ledger};
  call.command.run(context);
}

const Link& authorise() {
  static const Authorise kLink;
  return kLink;
}
const Link& run_as_operation() {
  static const RunAsOperation kLink;
  return kLink;
}
const Link& obey_fail_point() {
  static const ObeyFailPoint kLink;
  return kLink;
}
const Link& check_concerns() {
  static const CheckConcerns kLink;
  return kLink;
}
const Link& run() {
  static const Run kLink;
  return kLink;
}

std::span<const Link* const> plain_chain() {
  static const std::array<const Link*, 5> kLinks = {&authorise(), &run_as_operation(),
                                                    &obey_fail_point(), &check_concerns(), &run()};
  return kLinks;
}

}  // namespace gesso::localdb
