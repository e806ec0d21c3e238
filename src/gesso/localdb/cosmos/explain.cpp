// explain: runs the query and tells what it read, what its indexes answered and what it cost.
//
// The shape is that of accounts of 2023; of commands other than find it is not known, and theirs
// is the same.
#include <array>

#include "gesso/bson/json.hpp"
#include "gesso/localdb/cosmos/commands.hpp"
#include "gesso/localdb/cosmos/ledger.hpp"
#include "gesso/localdb/cosmos/query_shape.hpp"
#include "gesso/localdb/engine/aggregation.hpp"
#include "gesso/localdb/engine/query.hpp"
#include "gesso/localdb/engine/tables.hpp"

namespace gesso::localdb::cosmos {
namespace {

struct Explainable {
  std::string_view name;
  std::span<const Field> fields;
};
constexpr std::array kExplainable = {
    Explainable{"find", kFindFields},
    Explainable{"count", kCountFields},
    Explainable{"distinct", kDistinctFields},
    Explainable{"aggregate", kAggregateFields},
};

struct Measured {
  std::uint64_t retrieved = 0, retrieved_bytes = 0;
  std::uint64_t given = 0, given_bytes = 0;
  std::vector<QueryWatch::Counted> by_partition = {};  // of those that the query visits
};

PlanRequest request_of(const Context& context, const Transaction& snapshot,
                       std::optional<Aggregation>& aggregation) {
  const std::string_view name = context.arguments.command();
  if (name == "find") return parse_find(context).request();
  if (name == "count") return parse_count(context).request();
  if (name == "distinct") return parse_distinct(context).request();
  aggregation = parse_aggregation(context, snapshot);
  return aggregation->request();
}

Measured measure(const Context& context, const Transaction& snapshot,
                 const CollectionPtr& collection, const PlanRequest& request,
                 CommandLedger& ledger) {
  Measured measured;
  const QueryUse use =
      context.arguments.command() == "find" ? QueryUse::kFind : QueryUse::kPipeline;
  Execution execution = execute(context, snapshot, collection, request, use);
  while (const auto record = execution.next()) {
    ++measured.given;
    measured.given_bytes += record->document.size();
  }
  measured.retrieved = execution.stats().docs_examined;
  measured.retrieved_bytes = measured.given_bytes;
  const QueryWatch& watch = ledger.first_query();
  for (const std::size_t partition : watch.shape().partitions) {
    measured.by_partition.push_back(watch.counted(partition));
  }
  execution.detach();
  execution.settle();
  return measured;
}

void append_paths(bson::Builder& out, std::string_view key, const std::vector<std::string>& paths) {
  const auto scope = out.document(key);
  {
    const auto list = out.array("individualIndexes");
    for (const std::string& path : paths) out.push(path);
  }
  out.append("compoundIndexes", bson::make_array());
}

void append_metrics(bson::Builder& out, const Measured& measured, double took_ms) {
  const auto scope = out.document("queryMetrics");
  out.append("retrievedDocumentCount", static_cast<std::int64_t>(measured.retrieved));
  out.append("retrievedDocumentSizeBytes", static_cast<std::int64_t>(measured.retrieved_bytes));
  out.append("outputDocumentCount", static_cast<std::int64_t>(measured.given));
  out.append("outputDocumentSizeBytes", static_cast<std::int64_t>(measured.given_bytes));
  out.append("indexHitRatio",
             measured.retrieved == 0
                 ? 1.0
                 : static_cast<double>(measured.given) / static_cast<double>(measured.retrieved));
  out.append("totalQueryExecutionTimeMS", took_ms);
}

struct Explanation {
  std::string_view collection;
  QueryShape shape = {};
  bson::View filter = {};
  Measured measured = {};
  double took_ms = 0;
  std::string activity_id = {};
};

void append_stage(const Context& context, bson::Builder& out, const Explanation& explanation) {
  const Measured& measured = explanation.measured;
  const auto out_count = static_cast<std::int64_t>(measured.given);
  out.append("stage", explanation.shape.is_point ? "$pointLookup" : "$query");
  out.append("timeInclusiveMS", explanation.took_ms);
  out.append("timeExclusiveMS", explanation.took_ms);
  out.append("in", out_count);
  out.append("out", out_count);
  out.append("dependency",
             bson::make_document("getNextPageCount", 1, "count", 1, "time", explanation.took_ms,
                                 "bytes", static_cast<std::int64_t>(measured.given_bytes)));
  const auto details = out.document("details");
  out.append("database", context.db);
  out.append("collection", explanation.collection);
  if (explanation.shape.is_point) {
    out.append("items", bson::make_array(explanation.filter));
  } else {
    out.append("query", bson::to_json(explanation.filter));
  }
  {
    const auto usage = out.document("indexUsage");
    append_paths(out, "pathsIndexed", explanation.shape.indexed);
    append_paths(out, "pathsNotIndexed", explanation.shape.not_indexed);
  }
  {
    const auto shards = out.array("shardInformation");
    for (const QueryWatch::Counted& counted : measured.by_partition) {
      out.push(bson::make_document(
          "activityId", explanation.activity_id, "shardKeyRangeId", "[,FF) move next", "durationMS",
          explanation.took_ms, "preemptions", 0, "outputDocumentCount",
          static_cast<std::int64_t>(counted.given), "retrievedDocumentCount",
          static_cast<std::int64_t>(counted.examined)));
    }
  }
  append_metrics(out, measured, explanation.took_ms);
}

}  // namespace

void explain(Context& context) {
  const bson::View body = context.arguments.document("explain");
  const std::string_view name = body.empty() ? std::string_view() : body.begin()->key;
  const auto* const found = std::ranges::find(kExplainable, name, &Explainable::name);
  if (found == kExplainable.end()) {
    throw CommandError(ErrorCode::kCommandNotSupported,
                       "Explain of the command " + std::string(name) + " is not supported.");
  }
  const Arguments arguments(name, found->fields, body, {});
  const Context inner{.services = context.services,
                      .client = context.client,
                      .operation = context.operation,
                      .arguments = arguments,
                      .body = body,
                      .db = context.db,
                      .reply = context.reply,
                      .ledger = context.ledger};
  require_rights(context.services, context.client, auth::kRead, context.db, "explain");
  const ReadTransaction snapshot = context.services.store.read();
  std::optional<Aggregation> aggregation;
  const PlanRequest request = request_of(inner, snapshot, aggregation);
  const CosmosDialect& dialect = dialect_of(context);
  auto& ledger = static_cast<CommandLedger&>(*context.ledger);
  Explanation explanation{.collection = inner.collection()};
  if (request.filter) explanation.filter = request.filter->filter();
  const CollectionPtr collection = snapshot.find_collection(context.db, explanation.collection);
  if (collection) {
    explanation.shape =
        shape_of(*collection, container_of(snapshot.catalog(), *collection, dialect.options()),
                 request.filter.get());
    explanation.measured = measure(inner, snapshot, collection, request, ledger);
  }
  const Statistics statistics = ledger.statistics();
  explanation.took_ms = static_cast<double>(statistics.duration_ms);
  explanation.activity_id = statistics.activity_id;

  bson::Builder& reply = context.reply;
  reply.append("command", body);
  {
    const auto stages = reply.array("stages");
    reply.open_document(reply.next_key());
    append_stage(context, reply, explanation);
    reply.close();
  }
  reply.append("estimatedDelayFromRateLimitingInMilliseconds", statistics.delay_ms);
  reply.append("retriedDueToRateLimiting", statistics.delay_ms > 0);
  reply.append("totalRequestCharge", statistics.charge);
  reply.append("continuation", bson::make_document("hasMore", false));
  reply.append("ActivityId", statistics.activity_id);
}

}  // namespace gesso::localdb::cosmos
