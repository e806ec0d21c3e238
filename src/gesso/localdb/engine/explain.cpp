// explain: the plan of a command, and what running it costs. Nothing is changed.
#include "gesso/localdb/engine/explain.hpp"
#include "gesso/localdb/engine/host_name.hpp"

#include <array>
#include <chrono>
#include <optional>

#include "gesso/localdb/engine/aggregation.hpp"
#include "gesso/localdb/engine/modify.hpp"
#include "gesso/localdb/engine/names.hpp"
#include "gesso/localdb/engine/query.hpp"
#include "gesso/localdb/engine/tables.hpp"
#include "gesso/localdb/language/command_error.hpp"

namespace gesso::localdb {
namespace {

constexpr Field kExplainFields[] = {{"explain", kObject, Presence::kRequired},
                                    {"verbosity", kString}};

// What is explained: a query, and the stage that stands above its plan.
struct Subject {
  std::string ns;
  PlanRequest request;
  std::string_view stage = {};     // "COUNT", "UPDATE", ...; "" for none
  const Update* update = nullptr;  // of an update: to count what it would change
  bool upsert = false;
};

bool executes(std::string_view verbosity) { return verbosity != "queryPlanner"; }

void append_planner(bson::Builder& out, const Subject& subject, const std::optional<Plan>& plan) {
  const auto scope = out.document("queryPlanner");
  out.append("namespace", subject.ns);
  out.append("indexFilterSet", false);
  out.append("parsedQuery",
             subject.request.filter ? subject.request.filter->filter() : bson::View());
  bson::Document input =
      plan ? describe_plan(*plan) : bson::make_document("stage", std::string_view("EOF"));
  out.append("winningPlan",
             subject.stage.empty()
                 ? std::move(input)
                 : bson::make_document("stage", subject.stage, "inputStage", std::move(input)));
  out.append("rejectedPlans", bson::make_array());
}

// Runs the plan to its end and tells what it took.
void append_execution(Context& context, bson::Builder& out, const Subject& subject,
                      const Transaction& snapshot, std::optional<Plan> plan) {
  const auto begin = std::chrono::steady_clock::now();
  std::int32_t matched = 0;
  std::int32_t would_modify = 0;
  bson::Document described =
      bson::make_document("nReturned", 0, "totalKeysExamined", 0, "totalDocsExamined", 0,
                          "executionStages", bson::make_document("stage", "EOF", "nReturned", 0));
  if (plan) {
    Execution execution(std::move(*plan));
    execution.attach(snapshot);
    const Time now = context.services.clock.now();
    while (const auto record = execution.next()) {
      ++matched;
      if (subject.update != nullptr &&
          subject.update->apply(record->document, subject.request.filter.get(), now).changed) {
        ++would_modify;
      }
    }
    described = execution.describe();
    execution.detach();
  }
  const auto took = std::chrono::duration_cast<std::chrono::milliseconds>(
      std::chrono::steady_clock::now() - begin);

  const auto scope = out.document("executionStats");
  out.append("executionSuccess", true);
  out.append("nReturned", subject.stage.empty() ? described["nReturned"] : bson::Value());
  if (!subject.stage.empty()) out.append("nReturned", 0);
  out.append("executionTimeMillis", static_cast<std::int32_t>(took.count()));
  out.append("totalKeysExamined", described["totalKeysExamined"]);
  out.append("totalDocsExamined", described["totalDocsExamined"]);
  if (subject.stage.empty()) {
    out.append("executionStages", described["executionStages"]);
    return;
  }
  const auto stage = out.document("executionStages");
  out.append("stage", subject.stage);
  if (subject.stage == "COUNT") out.append("nCounted", matched);
  if (subject.stage == "DELETE") out.append("nWouldDelete", matched);
  if (subject.update != nullptr) {
    out.append("nMatched", matched);
    out.append("nWouldModify", would_modify);
    out.append("nWouldUpsert", subject.upsert && matched == 0 ? 1 : 0);
  }
  out.append("inputStage", described["executionStages"]);
}

void append_explanation(Context& context, bson::Builder& out, const Subject& subject,
                        const Transaction& snapshot, std::string_view collection_name,
                        std::string_view verbosity) {
  const CollectionPtr collection = snapshot.find_collection(context.db, collection_name);
  std::optional<Plan> plan;
  if (collection) plan = make_plan(snapshot, collection, subject.request);
  append_planner(out, subject, plan);
  if (executes(verbosity)) {
    append_execution(context, out, subject, snapshot, std::move(plan));
  }
}

void append_server(Context& context) {
  context.reply.append("command", context.body);
  context.reply.append("serverInfo", bson::make_document("host", host_name(), "version", "7.0.0"));
}

void explain_query(Context& context, const Transaction& snapshot, const FindQuery& query,
                   std::string_view stage, std::string_view verbosity) {
  const std::string_view name = context.collection();
  const Subject subject{.ns = context.ns(name), .request = query.request(), .stage = stage};
  context.reply.append("explainVersion", "1");
  append_explanation(context, context.reply, subject, snapshot, name, verbosity);
  append_server(context);
}

// The one statement of an update or a delete.
bson::View single_statement(const Context& context, std::string_view field) {
  const std::vector<bson::View> statements = context.arguments.documents(field);
  if (statements.size() != 1) {
    throw CommandError(ErrorCode::kInvalidLength, "explained write batches must be of size 1");
  }
  return statements.front();
}

void explain_write(Context& context, const Transaction& snapshot, std::string_view verbosity) {
  const bool is_update = context.arguments.command() == "update";
  const bool is_delete = context.arguments.command() == "delete";
  const bool is_single = !is_update && !is_delete;  // findAndModify
  const std::string_view name = context.collection();
  const Variables variables = context.variables();
  const bson::View statement =
      is_single ? context.body : single_statement(context, is_update ? "updates" : "deletes");
  const bson::Value query = statement[is_single ? "query" : "q"];
  if (query) check_type("q", query, kObject);
  std::optional<Update> update;
  const bson::Value change = statement[is_update ? "u" : "update"];
  if (is_update || (is_single && change)) {
    check_type("u", change, kObject | kArray);
    update = Update::compile(change, statement["arrayFilters"], variables);
  }
  const bool multi =
      is_update ? statement["multi"].truthy() : is_delete && statement["limit"].integer() == 0;
  const bson::Value sort = statement["sort"];
  const Subject subject{
      .ns = context.ns(name),
      .request = {.filter = compile_filter(query ? query.as_document() : bson::View(), variables),
                  .sort = sort.is_document() ? sort.as_document() : bson::View(),
                  .hint = statement["hint"],
                  .limit = multi ? 0U : 1U},
      .stage = update ? "UPDATE" : "DELETE",
      .update = update ? &*update : nullptr,
      .upsert = statement["upsert"].truthy()};
  context.reply.append("explainVersion", "1");
  append_explanation(context, context.reply, subject, snapshot, name, verbosity);
  append_server(context);
}

struct Explainable {
  std::string_view name;
  std::span<const Field> fields;
};

constexpr std::array kExplainable = {
    Explainable{"find", kFindFields},
    Explainable{"count", kCountFields},
    Explainable{"distinct", kDistinctFields},
    Explainable{"aggregate", kAggregateFields},
    Explainable{"update", kUpdateFields},
    Explainable{"delete", kDeleteFields},
    Explainable{"findAndModify", kFindAndModifyFields},
    Explainable{"findandmodify", kFindAndModifyFields},
};

void explain(Context& context) {
  std::string_view verbosity = context.arguments.string("verbosity");
  if (verbosity.empty()) verbosity = "allPlansExecution";
  if (verbosity != "queryPlanner" && verbosity != "executionStats" &&
      verbosity != "allPlansExecution") {
    throw CommandError(ErrorCode::kFailedToParse,
                       "verbosity string must be one of {'queryPlanner', 'executionStats', "
                       "'allPlansExecution'}");
  }
  const bson::View body = context.arguments.document("explain");
  const std::string_view name = body.empty() ? std::string_view() : body.begin()->key;
  const auto found = std::ranges::find(kExplainable, name, &Explainable::name);
  if (found == kExplainable.end()) {
    throw CommandError(ErrorCode::kCommandNotFound,
                       "Explain failed due to unknown command: " + std::string(name));
  }
  const Arguments arguments(name, found->fields, body, {});
  Context inner{.services = context.services,
                .client = context.client,
                .operation = context.operation,
                .arguments = arguments,
                .body = body,
                .db = context.db,
                .reply = context.reply};
  if (name != "aggregate") {  // which asks itself
    require_rights(context.services, context.client, auth::kRead, context.db, "explain");
  }
  const ReadTransaction snapshot = context.services.store.read();
  if (name == "find") {
    explain_query(inner, snapshot, parse_find(inner), "", verbosity);
  } else if (name == "count") {
    explain_query(inner, snapshot, parse_count(inner), "COUNT", verbosity);
  } else if (name == "distinct") {
    explain_query(inner, snapshot, parse_distinct(inner), "", verbosity);
  } else if (name == "aggregate") {
    explain_aggregate(inner, snapshot, verbosity);
  } else {
    explain_write(inner, snapshot, verbosity);
  }
}

constexpr std::array kCommands = {
    Command{"explain", kExplainFields, explain, Access::kLoggedIn},
};

}  // namespace

void explain_aggregate(Context& context, const Transaction& snapshot, std::string_view verbosity) {
  const Aggregation aggregation = parse_aggregation(context, snapshot);
  const Pipeline& pipeline = *aggregation.pipeline;
  bson::Builder& reply = context.reply;
  reply.append("explainVersion", "1");
  const Subject subject{.ns = aggregation.ns, .request = aggregation.request()};
  const bool has_plan = !aggregation.own_documents && !pipeline.has_own_input();
  if (has_plan && pipeline.stage_count() == pipeline.leading_count()) {
    append_explanation(context, reply, subject, snapshot, aggregation.collection, verbosity);
    append_server(context);
    return;
  }
  {
    const auto stages = reply.array("stages");
    if (has_plan) {
      bson::Builder cursor;
      append_explanation(context, cursor, subject, snapshot, aggregation.collection, verbosity);
      reply.push(bson::make_document("$cursor", cursor.finish()));
    }
    std::size_t position = 0;
    for (const auto& [key, value] : aggregation.stages.view()) {
      if (!has_plan || position >= pipeline.leading_count()) reply.push(value.as_document());
      ++position;
    }
  }
  append_server(context);
}

std::span<const Command> explain_commands() { return kCommands; }

}  // namespace gesso::localdb
