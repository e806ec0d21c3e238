#include "gesso/localdb/engine/aggregation.hpp"

#include "gesso/localdb/engine/dialect.hpp"
#include "gesso/localdb/engine/host_name.hpp"
#include "gesso/localdb/engine/names.hpp"
#include "gesso/localdb/engine/statistics.hpp"
#include "gesso/localdb/language/command_error.hpp"

namespace gesso::localdb {
namespace {

constexpr Field kCollStatsFields[] = {{"storageStats", kObject},
                                      {"count", kObject},
                                      {"latencyStats", kObject},
                                      {"queryExecStats", kObject}};
constexpr Field kStorageStatsFields[] = {{"scale", kNumber}, {"verbose", kFlag}};

constexpr Field kCurrentOpFields[] = {{"allUsers", kFlag},       {"idleConnections", kFlag},
                                      {"idleCursors", kFlag},    {"idleSessions", kFlag},
                                      {"localOps", kFlag},       {"backtrace", kFlag},
                                      {"targetAllNodes", kFlag}, {"truncateOps", kFlag}};

std::vector<bson::Document> coll_stats(const Context& context, const Transaction& snapshot,
                                       std::string_view name, bson::View spec) {
  const Arguments parts("$collStats", kCollStatsFields, spec);
  const CollectionPtr collection = snapshot.find_collection(context.db, name);
  bson::Builder out;
  out.append("ns", context.ns(name));
  out.append("host", host_name());
  out.append("localTime", context.services.clock.now());
  if (parts.has("storageStats")) {
    const Arguments options("$collStats.storageStats", kStorageStatsFields,
                            parts.document("storageStats"));
    const auto scope = out.document("storageStats");
    append_storage_statistics(out, snapshot, collection.get(),
                              options.integer("scale", 1).value_or(1));
  }
  if (parts.has("count")) {
    out.append("count", static_cast<std::int64_t>(
                            collection ? snapshot.counters(*collection).documents : 0));
  }
  std::vector<bson::Document> documents;
  documents.push_back(out.finish());
  return documents;
}

// The documents of a first stage that asks about the server; std::nullopt for any other stage.
std::optional<std::vector<bson::Document>> server_stage(const Context& context,
                                                        const Transaction& snapshot,
                                                        std::string_view collection,
                                                        const bson::Element& stage) {
  const auto options = [&] {
    check_type(stage.key, stage.value, kObject);
    return stage.value.as_document();
  };
  const auto require = [&](auth::Rights rights, std::string_view db) {
    require_rights(context.services, context.client, rights, db, "aggregate");
  };
  const auto without_collection = [&] {
    if (!collection.empty()) {
      throw CommandError(ErrorCode::kInvalidNamespace,
                         std::string(stage.key) + " must be run with aggregate: 1");
    }
  };
  if (stage.key == "$collStats") {
    if (collection.empty()) {
      throw CommandError(ErrorCode::kInvalidNamespace, "$collStats needs a collection");
    }
    require(auth::kRead | auth::kDdl | auth::kMonitor, context.db);
    return coll_stats(context, snapshot, collection, options());
  }
  if (stage.key == "$currentOp") {
    without_collection();
    const Arguments which("$currentOp", kCurrentOpFields, options());
    const bool all = which.flag("allUsers");
    if (all || !context.client.user) require(auth::kMonitor, "admin");
    return current_operations(context, {.own = !all});
  }
  // No session is kept, so there is none to list.
  if (stage.key == "$listLocalSessions" || stage.key == "$listSessions") {
    (void)options();
    return std::vector<bson::Document>();
  }
  return std::nullopt;
}

}  // namespace

std::optional<bson::View> PlanSource::next() {
  const std::optional<Record> record = execution_.next();
  if (!record) return std::nullopt;
  return record->document;
}

PlanRequest Aggregation::request() const {
  const LeadingStages& leading = pipeline->leading();
  // A limit of 0 is no limit for a plan; $limit is always positive.
  return {.filter = filter,
          .sort = leading.sort,
          .hint = hint,
          .skip = static_cast<std::uint64_t>(leading.skip.value_or(0)),
          .limit = static_cast<std::uint64_t>(leading.limit.value_or(0))};
}

Aggregation parse_aggregation(const Context& context, const Transaction& snapshot) {
  const Arguments& arguments = context.arguments;
  check_collation(arguments["collation"]);
  Aggregation result;
  const bson::Value target = arguments["aggregate"];
  if (target.is_number()) {
    if (target.integer() != 1) {
      throw CommandError(ErrorCode::kFailedToParse,
                         "aggregate takes the name of a collection or 1");
    }
    result.ns = context.ns("$cmd.aggregate");
  } else {
    result.collection = collection_name(context.db, target);
    result.ns = context.ns(result.collection);
  }

  const std::vector<bson::View> stages = arguments.documents("pipeline");
  std::size_t first = 0;
  if (!stages.empty() && !stages.front().empty()) {
    result.own_documents =
        server_stage(context, snapshot, result.collection, *stages.front().begin());
    if (result.own_documents) first = 1;
  }
  if (!result.own_documents) {
    require_rights(context.services, context.client, auth::kRead, context.db, "aggregate");
  }
  bson::Builder rest;
  for (std::size_t i = first; i < stages.size(); ++i) rest.push(stages[i]);
  result.stages = rest.finish();

  result.context.variables = context.variables();
  result.context.random = [&random = context.services.random] { return random.uniform(); };
  result.context.look_up = [&context, &snapshot, db = context.db,
                            variables = result.context.variables](std::string_view name,
                                                                  bson::View filter) -> SourcePtr {
    const CollectionPtr collection = snapshot.find_collection(db, name);
    if (!collection) return nullptr;
    return std::make_unique<PlanSource>(execute(context, snapshot, collection,
                                                {.filter = compile_filter(filter, variables)},
                                                QueryUse::kPipeline));
  };
  result.pipeline = Pipeline::compile(result.stages, result.context);
  for (const std::string& other : result.pipeline->collections()) {
    check_readable(context.db, other);
    require_rights(context.services, context.client, auth::kRead, context.db, "aggregate");
  }
  if (result.collection.empty() && !result.own_documents && !result.pipeline->has_own_input()) {
    throw CommandError(ErrorCode::kInvalidNamespace,
                       "{aggregate: 1} is not valid for a pipeline that reads a collection");
  }
  result.filter = compile_filter(result.pipeline->leading().filter, result.context.variables);
  result.hint = hint_of(arguments);
  return result;
}

}  // namespace gesso::localdb
