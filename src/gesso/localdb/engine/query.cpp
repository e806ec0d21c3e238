#include "gesso/localdb/engine/query.hpp"

#include <cstdlib>

#include "gesso/localdb/engine/dialect.hpp"
#include "gesso/localdb/language/command_error.hpp"
#include "gesso/localdb/language/match/sort.hpp"

namespace gesso::localdb {
namespace {

std::uint64_t natural(const Arguments& arguments, std::string_view field) {
  return static_cast<std::uint64_t>(arguments.integer(field, 0).value_or(0));
}

}  // namespace

MatcherPtr compile_filter(bson::View filter, const Variables& variables) {
  return std::make_shared<const Matcher>(Matcher::compile(filter, variables));
}

void check_collation(bson::Value collation) {
  if (!collation) return;
  const bson::View options = collation.as_document();
  if (options.empty()) return;
  if (const bson::Value locale = options["locale"];
      locale.is_string() && locale.as_string() == "simple") {
    return;
  }
  throw CommandError(ErrorCode::kCommandNotSupported,
                     "the one collation that is supported is {locale: \"simple\"}");
}

void refuse_flags(const Arguments& arguments, std::initializer_list<std::string_view> fields) {
  for (const std::string_view field : fields) {
    const bson::Value value = arguments[field];
    const bool asked = value.is_document() ? !value.as_document().empty() : value.truthy();
    if (asked) {
      throw CommandError(ErrorCode::kCommandNotSupported,
                         std::string(arguments.command()) + ": the option '" + std::string(field) +
                             "' is not supported");
    }
  }
}

bson::Value hint_of(const Arguments& arguments) {
  const bson::Value hint = arguments["hint"];
  if (hint && !hint.is_string() && !hint.is_document()) {
    throw CommandError(ErrorCode::kFailedToParse, "Hint must be a string or an object");
  }
  // Some drivers send an empty one for none.
  return hint.is_document() && hint.as_document().empty() ? bson::Value() : hint;
}

bson::View sort_of(const Arguments& arguments) {
  const bson::View sort = arguments.document("sort");
  if (!sort.contains("$natural")) (void)SortSpec::parse(sort);
  return sort;
}

Execution execute(const Context& context, const Transaction& transaction, CollectionPtr collection,
                  PlanRequest request, QueryUse use) {
  ExecutionOptions options;
  if (context.ledger != nullptr) options.watch = context.ledger->begin(collection, request, use);
  Execution execution(make_plan(transaction, std::move(collection), request), std::move(options));
  execution.attach(transaction);
  return execution;
}

std::uint64_t count_matching(const Context& context, const Transaction& transaction,
                             const CollectionPtr& collection, PlanRequest request) {
  ExecutionOptions options;
  if (context.ledger != nullptr) {
    options.watch = context.ledger->begin(collection, request, QueryUse::kPipeline);
  }
  return count(transaction, collection, request, options);
}

FindQuery parse_find(const Context& context) {
  const Arguments& arguments = context.arguments;
  refuse_flags(arguments, {"tailable", "awaitData", "returnKey", "showRecordId", "min", "max",
                           "includeQueryStatsMetrics"});
  check_collation(arguments["collation"]);
  const Variables variables = context.variables();
  FindQuery query{.filter = compile_filter(arguments.document("filter"), variables),
                  .sort = sort_of(arguments),
                  .hint = hint_of(arguments)};
  query.skip = natural(arguments, "skip");
  query.limit = natural(arguments, "limit");
  query.single_batch = arguments.flag("singleBatch");
  if (const bson::View projection = arguments.document("projection"); !projection.empty()) {
    query.projection = Projection::compile(projection, ProjectionKind::kFind, variables);
    if (query.projection->is_identity()) query.projection.reset();
  }
  return query;
}

FindQuery parse_count(const Context& context) {
  const Arguments& arguments = context.arguments;
  check_collation(arguments["collation"]);
  FindQuery query{.filter = compile_filter(arguments.document("query"), context.variables()),
                  .hint = hint_of(arguments)};
  query.skip = natural(arguments, "skip");
  // A negative limit means its absolute value here.
  const std::int64_t limit = arguments.integer("limit", INT64_MIN + 1).value_or(0);
  query.limit = static_cast<std::uint64_t>(std::abs(limit));
  return query;
}

FindQuery parse_distinct(const Context& context) {
  const Arguments& arguments = context.arguments;
  check_collation(arguments["collation"]);
  return {.filter = compile_filter(arguments.document("query"), context.variables()),
          .hint = hint_of(arguments)};
}

}  // namespace gesso::localdb
