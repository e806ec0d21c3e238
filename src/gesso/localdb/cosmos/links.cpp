#include "gesso/localdb/cosmos/links.hpp"

#include "gesso/localdb/cosmos/codes.hpp"
#include "gesso/localdb/cosmos/dialect.hpp"
#include "gesso/localdb/cosmos/language.hpp"
#include "gesso/localdb/cosmos/ledger.hpp"
#include "gesso/localdb/cosmos/tables.hpp"
#include "gesso/localdb/cosmos/write_rules.hpp"
#include "gesso/localdb/language/command_error.hpp"

namespace gesso::localdb::cosmos {
namespace {

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

// The names of replies, which are left of those of the older server versions.
void append_type(std::string_view command, bson::Builder& reply) {
  if (command == "createIndexes") reply.append("_t", "CreateIndexesResponse");
  if (command == "dropIndexes" || command == "deleteIndexes") {
    reply.append("_t", "DropIndexesResponse");
  }
  if (command == "shardCollection") reply.append("_t", "ShardCollectionResponse");
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
      Call attempt = call.with(reply);
      attempt.ledger = &ledger;
      try {
        next(attempt);
        append_type(call.name, reply);
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

void RememberWrites::around(Call& call, const Next& next) const {
  const bson::View body = call.message.body;
  const std::optional<std::int64_t> number = body["txnNumber"].integer();
  if (!number) return next();
  const std::optional<SessionId> session = session_of(body);
  if (!session) {
    throw CommandError(ErrorCode::kInvalidOptions,
                       "Transaction number requires a session ID to also be specified");
  }
  check_shard_key(call);
  NumberedWrites& writes = dialect_of(call).numbered_writes();
  if (const auto before = writes.enter(*session, *number, *call.operation)) {
    call.reply.append_all(*before);
    return;
  }
  bson::Builder reply;
  Call once = call.with(reply);
  try {
    next(once);
  } catch (...) {
    writes.leave(*session, std::nullopt);
    throw;
  }
  const bson::Document done = reply.finish();
  writes.leave(*session, done);
  call.reply.append_all(done);
  call.close = once.close;
}

}  // namespace gesso::localdb::cosmos
