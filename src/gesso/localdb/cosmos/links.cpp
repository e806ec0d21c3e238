#include "gesso/localdb/cosmos/links.hpp"

#include "gesso/localdb/cosmos/dialect.hpp"
#include "gesso/localdb/cosmos/language.hpp"
#include "gesso/localdb/cosmos/ledger.hpp"
#include "gesso/localdb/cosmos/tables.hpp"
#include "gesso/localdb/language/command_error.hpp"

namespace gesso::localdb::cosmos {
namespace {

constexpr int kNoTransactions = 50841;

const CosmosDialect& dialect_of(const Call& call) {
  return static_cast<const CosmosDialect&>(call.services.dialect);
}

void check_numbers(const Call& call) {
  const bson::View body = call.message.body;
  if (body["startTransaction"] || body["autocommit"]) {
    throw CommandError(kNoTransactions,
                       "Multi-document transactions cannot be run in a sharded collection");
  }
  if (!body["txnNumber"] || dialect_of(call).can("EnableMongoRetryableWrites")) return;
  throw CommandError(ErrorCode::kBadValue,
                     "Retryable writes are not supported. Please disable retryable writes by "
                     "specifying \"retrywrites=false\" in the connection string or an equivalent "
                     "driver specific config.");
}

Connection& connection_of(Client& client) {
  if (!client.note) client.note = std::make_shared<Connection>();
  return static_cast<Connection&>(*client.note);
}

}  // namespace

void RefuseUnsupported::around(Call& call, const Next& next) const {
  check_numbers(call);
  check_language(call.message);
  next();
}

void KeepAccount::around(Call& call, const Next& next) const {
  if (kind_of_command(call.name) == CommandKind::kGreeting) return next();
  CommandLedger ledger(dialect_of(call), call.services, *call.operation, call.name);
  const auto note = [&] {
    ledger.settle();
    connection_of(call.client).last = ledger.statistics();
  };
  try {
    for (bool done = false; !done;) {
      bson::Builder reply;
      Call attempt{.services = call.services,
                   .client = call.client,
                   .message = call.message,
                   .name = call.name,
                   .db = call.db,
                   .command = call.command,
                   .reply = reply,
                   .operation = call.operation,
                   .ledger = &ledger};
      try {
        next(attempt);
        call.reply.append_all(reply.finish());
        call.close = attempt.close;
        done = true;
      } catch (const Throttled& refusal) {
        ledger.begin_anew();
        ledger.pause(refusal);
      }
    }
  } catch (...) {
    note();
    throw;
  }
  note();
}

}  // namespace gesso::localdb::cosmos
