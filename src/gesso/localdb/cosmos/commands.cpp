#include "gesso/localdb/cosmos/commands.hpp"

#include <array>

#include "gesso/localdb/cosmos/dialect.hpp"
#include "gesso/localdb/cosmos/index_kinds.hpp"
#include "gesso/localdb/engine/reply_cursor.hpp"
#include "gesso/localdb/engine/tables.hpp"
#include "gesso/localdb/language/match/matcher.hpp"

namespace gesso::localdb::cosmos {
namespace {

constexpr Field kStatisticsFields[] = {{"getLastRequestStatistics"}};
constexpr Field kListIndexesFields[] = {{"listIndexes", kAny, Presence::kRequired},
                                        {"cursor", kObject}};
constexpr Field kReIndexFields[] = {{"reIndex", kAny, Presence::kRequired}};
constexpr Field kCurrentOpFields[] = {{"currentOp"}, {kAnyField}};
constexpr Field kCustomActionFields[] = {
    {"customAction", kString, Presence::kRequired},
    {"collection", kString},
    {"shardKey", kString},
    {"offerThroughput"},  // looked at by its reader, whose failures have a form of their own
    {"autoScaleSettings", kObject},
    {"indexes", kArray},
    {"showIndexes", kFlag},
    {"startAtOperationTime"},
};
constexpr Field kShardCollectionFields[] = {{"shardCollection", kString, Presence::kRequired},
                                            {"key", kObject, Presence::kRequired},
                                            {"unique", kFlag},
                                            {"numInitialChunks", kNumber}};
constexpr Field kGetMoreFields[] = {
    {"getMore", kLong, Presence::kRequired},
    {"collection", kString, Presence::kRequired},
    {"batchSize", kNumber},
    {"term"},
    {"lastKnownCommittedOpTime"},
};
constexpr Field kEnableShardingFields[] = {{"enableSharding", kString, Presence::kRequired}};
constexpr Field kExplainFields[] = {{"explain", kObject, Presence::kRequired},
                                    {"verbosity", kString}};

void get_last_request_statistics(Context& context) {
  const auto* const connection = static_cast<const Connection*>(context.client.note.get());
  const Statistics last = connection != nullptr ? connection->last : Statistics{};
  bson::Builder& reply = context.reply;
  reply.append("CommandName", last.command);
  reply.append("RequestCharge", last.charge);
  reply.append("RequestDurationInMilliSeconds", last.duration_ms);
  reply.append("EstimatedDelayFromRateLimitingInMilliseconds", last.delay_ms);
  reply.append("RetriedDueToRateLimiting", last.delay_ms > 0);
  reply.append("ActivityId", last.activity_id);
}

CollectionPtr require_collection(const Context& context, const Transaction& at,
                                 std::string_view name) {
  CollectionPtr collection = at.find_collection(context.db, name);
  if (collection) return collection;
  throw CommandError(ErrorCode::kNamespaceNotFound, "ns does not exist: " + context.ns(name));
}

void list_indexes(Context& context) {
  const std::string_view name = context.collection();
  const ReadTransaction snapshot = context.services.store.read();
  const CollectionPtr collection = require_collection(context, snapshot, name);
  std::vector<bson::Document> documents;
  for (const auto& index : collection->indexes) {
    documents.push_back(describe_index(spec_of(*index), context.ns(name)));
  }
  reply_list(context, context.ns(name), std::move(documents));
}

// Indexes here are always whole, so that there is nothing to rebuild.
void re_index(Context& context) {
  const ReadTransaction snapshot = context.services.store.read();
  (void)require_collection(context, snapshot, context.collection());
}

// "Only supports tracking the index operation."
void current_op(Context& context) {
  bson::Builder wanted;
  for (const bson::Element& element : context.body) {
    if (element.key.starts_with("command.")) wanted.append_element(element);
  }
  const bson::Document filter = wanted.finish();
  const Matcher matcher = Matcher::compile(filter);
  const auto list = context.reply.array("inprog");
  for (const bson::Document& operation : current_operations(context, {})) {
    const bson::Value command = operation["command"];
    const bool builds = command.is_document() && command.as_document().contains("createIndexes");
    if (!builds || !matcher.matches(operation)) continue;
    bson::Builder out;
    for (const bson::Element& element : operation.view()) {
      if (element.key != "progress") out.append_element(element);
    }
    // How far a build has come is not known here.
    out.append("msg", "Index Build (background) Index Build (background): 0 %");
    out.append("progress", bson::make_document("done", 0, "total", 100));
    context.reply.push(out.finish());
  }
}

}  // namespace

bson::Document describe_index(const IndexSpec& spec, const std::string& ns) {
  bson::Builder out;
  out.append("v", 1);
  {
    const auto key = out.document("key");
    for (const auto& [path, direction] : spec.key.view()) out.append(path, direction.number());
  }
  out.append("name", spec.name);
  out.append("ns", ns);
  if (spec.unique && !spec.is_id_index()) out.append("unique", true);
  if (spec.partial_filter) out.append("partialFilterExpression", *spec.partial_filter);
  if (spec.expire_after_seconds) {
    out.append("expireAfterSeconds", static_cast<std::int32_t>(*spec.expire_after_seconds));
  }
  return out.finish();
}

std::span<const Command> cosmos_commands() {
  constexpr auto kChange = auth::kWrite | auth::kDdl;
  static constexpr std::array kCommands = {
      Command{"getLastRequestStatistics", kStatisticsFields, get_last_request_statistics,
              Access::kLoggedIn},
      Command{"listIndexes", kListIndexesFields, list_indexes, Access::kOnDatabase,
              auth::kRead | auth::kDdl},
      Command{"reIndex", kReIndexFields, re_index, Access::kOnDatabase, kChange},
      Command{"currentOp", kCurrentOpFields, current_op, Access::kLoggedIn},
      Command{"customAction", kCustomActionFields, custom_action, Access::kOnDatabase, kChange},
      // It looks at the rights on the database of the namespace itself.
      Command{"shardCollection", kShardCollectionFields, shard_collection, Access::kLoggedIn},
      Command{"enableSharding", kEnableShardingFields, enable_sharding, Access::kLoggedIn},
      Command{"aggregate", kAggregateFields, aggregate, Access::kLoggedIn},
      Command{"getMore", kGetMoreFields, get_more, Access::kLoggedIn},
      Command{"explain", kExplainFields, explain, Access::kLoggedIn},
  };
  return kCommands;
}

}  // namespace gesso::localdb::cosmos
