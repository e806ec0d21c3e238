// findAndModify: find one, change or remove it, give it back, as one operation of the writer.
#include <array>

#include "gesso/localdb/engine/context.hpp"
#include "gesso/localdb/engine/modify.hpp"
#include "gesso/localdb/engine/names.hpp"
#include "gesso/localdb/engine/query.hpp"
#include "gesso/localdb/engine/tables.hpp"
#include "gesso/localdb/language/command_error.hpp"

namespace gesso::localdb {
namespace {

[[noreturn]] void contradiction(const char* what) {
  throw CommandError(ErrorCode::kFailedToParse, what);
}

void check_options(const Arguments& arguments) {
  const bool remove = arguments.flag("remove");
  if (remove) {
    if (arguments.has("update")) contradiction("Cannot specify both an update and remove=true");
    if (arguments.flag("upsert")) contradiction("Cannot specify both upsert=true and remove=true");
    if (arguments.flag("new")) {
      contradiction(
          "Cannot specify both new=true and remove=true; 'remove' always returns the deleted "
          "document");
    }
    if (arguments.has("arrayFilters")) {
      contradiction("Cannot specify arrayFilters and remove=true");
    }
  } else if (!arguments.has("update")) {
    contradiction("Either an update or remove=true must be specified");
  }
  check_collation(arguments["collation"]);
}

void append_value(Context& context, const std::optional<bson::Document>& document) {
  if (document) {
    context.reply.append("value", *document);
  } else {
    context.reply.append("value", bson::Null());
  }
}

void remove_one(Context& context, std::string_view name, const MatcherPtr& filter,
                const Projection* projection) {
  const DeleteStatement statement{
      .filter = filter, .hint = hint_of(context.arguments), .sort = sort_of(context.arguments)};
  std::uint64_t n = 0;
  std::optional<bson::Document> removed;
  run_single(context, name, request_of(statement), [&](Modifier& modifier, Progress& progress) {
    return modifier.remove(statement, progress, n,
                           {.which = Returning::Which::kBefore, .projection = projection},
                           &removed);
  });
  context.reply.append("lastErrorObject", bson::make_document("n", removed ? 1 : 0));
  append_value(context, removed);
}

void update_one(Context& context, std::string_view name, const MatcherPtr& filter,
                const Projection* projection) {
  const Arguments& arguments = context.arguments;
  const UpdateStatement statement{
      .filter = filter,
      .update = Update::compile(arguments["update"], arguments["arrayFilters"], context.variables(),
                                empty_timestamps_of(arguments)),
      .hint = hint_of(arguments),
      .sort = sort_of(arguments),
      .upsert = arguments.flag("upsert")};
  const Returning returning{
      .which = arguments.flag("new") ? Returning::Which::kAfter : Returning::Which::kBefore,
      .projection = projection};
  UpdateOutcome outcome;
  run_single(context, name, request_of(statement), [&](Modifier& modifier, Progress& progress) {
    return modifier.update(statement, progress, outcome, returning);
  });
  {
    const auto status = context.reply.document("lastErrorObject");
    const bool found = outcome.matched > 0;
    context.reply.append("n", found || outcome.upserted_id ? 1 : 0);
    context.reply.append("updatedExisting", found);
    if (outcome.upserted_id) context.reply.append("upserted", (*outcome.upserted_id)["_id"]);
  }
  append_value(context, outcome.returned);
}

void find_and_modify(Context& context) {
  const std::string_view name = context.collection();
  check_writable(context.db, name);
  const Arguments& arguments = context.arguments;
  check_options(arguments);
  require_rights(context.services, context.client, auth::kRead, context.db, "findAndModify");
  const Variables variables = context.variables();
  const MatcherPtr filter = compile_filter(arguments.document("query"), variables);
  std::optional<Projection> projection;
  if (const bson::View fields = arguments.document("fields"); !fields.empty()) {
    projection = Projection::compile(fields, ProjectionKind::kFind, variables);
  }
  if (arguments.flag("remove")) {
    remove_one(context, name, filter, projection ? &*projection : nullptr);
  } else {
    update_one(context, name, filter, projection ? &*projection : nullptr);
  }
}

constexpr std::array kCommands = {
    Command{"findAndModify", kFindAndModifyFields, find_and_modify, Access::kOnDatabase,
            auth::kWrite},
    Command{"findandmodify", kFindAndModifyFields, find_and_modify, Access::kOnDatabase,
            auth::kWrite},
};

}  // namespace

std::span<const Command> find_and_modify_commands() { return kCommands; }

}  // namespace gesso::localdb
