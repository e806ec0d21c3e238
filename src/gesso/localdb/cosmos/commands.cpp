#include "gesso/localdb/cosmos/commands.hpp"

#include <array>

#include "gesso/localdb/cosmos/dialect.hpp"
#include "gesso/localdb/cosmos/index_kinds.hpp"
#include "gesso/localdb/engine/reply_cursor.hpp"

namespace gesso::localdb::cosmos {
namespace {

constexpr Field kStatisticsFields[] = {{"getLastRequestStatistics"}};
constexpr Field kListIndexesFields[] = {{"listIndexes", kAny, Presence::kRequired},
                                        {"cursor", kObject}};

// Numbers come back as doubles, and the namespace is there.
bson::Document describe(const IndexSpec& spec, const std::string& ns) {
  bson::Builder out;
  out.append("v", 1);
  {
    const auto key = out.document("key");
    for (const auto& [path, direction] : spec.key.view()) {
      out.append(path, direction.number());
    }
  }
  out.append("name", spec.name);
  out.append("ns", ns);
  if (spec.unique && !spec.is_id_index()) out.append("unique", true);
  if (spec.partial_filter) out.append("partialFilterExpression", *spec.partial_filter);
  if (spec.expire_after_seconds) out.append("expireAfterSeconds", *spec.expire_after_seconds);
  return out.finish();
}

}  // namespace

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

void list_indexes(Context& context) {
  const std::string_view name = context.collection();
  const ReadTransaction snapshot = context.services.store.read();
  const CollectionPtr collection = snapshot.find_collection(context.db, name);
  if (!collection) {
    throw CommandError(ErrorCode::kNamespaceNotFound, "ns does not exist: " + context.ns(name));
  }
  std::vector<bson::Document> documents;
  for (const auto& index : collection->indexes) {
    documents.push_back(describe(spec_of(*index), context.ns(name)));
  }
  reply_list(context, context.ns(name), std::move(documents));
}

std::span<const Command> cosmos_commands() {
  static constexpr std::array kCommands = {
      Command{"getLastRequestStatistics", kStatisticsFields, get_last_request_statistics,
              Access::kLoggedIn},
      Command{"listIndexes", kListIndexesFields, list_indexes, Access::kOnDatabase,
              auth::kRead | auth::kDdl},
  };
  return kCommands;
}

}  // namespace gesso::localdb::cosmos
