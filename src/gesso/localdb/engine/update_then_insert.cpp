// gessoUpdateThenInsert, which MongoDB has not: updates one document and, if it matched, inserts
// another one, elsewhere, in one operation of the writer. So the two are durable together at the
// price of one, where two commands pay twice.
//
//   {gessoUpdateThenInsert: "users", query: {...}, update: {...},
//    into: "generations", document: {...}}
//   -> {n: 1, nInserted: 1}   or, where the insert was refused,   {n: 1, nInserted: 0, insertError}
//
// What is refused in the insert leaves the update as it is, as with two commands.
#include <array>

#include "gesso/localdb/engine/context.hpp"
#include "gesso/localdb/engine/documents.hpp"
#include "gesso/localdb/engine/modify.hpp"
#include "gesso/localdb/engine/names.hpp"
#include "gesso/localdb/engine/query.hpp"
#include "gesso/localdb/engine/tables.hpp"
#include "gesso/localdb/language/command_error.hpp"

namespace gesso::localdb {
namespace {

constexpr Field kFields[] = {
    {"gessoUpdateThenInsert", kAny, Presence::kRequired}, {"query", kObject, Presence::kRequired},
    {"update", kObject | kArray, Presence::kRequired},    {"into", kString, Presence::kRequired},
    {"document", kObject, Presence::kRequired},
};

void append_error(bson::Builder& reply, const CommandError& error) {
  const auto refused = reply.document("insertError");
  reply.append("code", error.code());
  reply.append("errmsg", error.what());
  reply.append_all(error.details());
}

void update_then_insert(Context& context) {
  const Arguments& arguments = context.arguments;
  const std::string_view name = context.collection();
  const std::string_view into = arguments["into"].as_string();
  check_writable(context.db, name);
  check_writable(context.db, into);
  const UpdateStatement statement{
      .filter = compile_filter(arguments.document("query"), context.variables()),
      .update =
          Update::compile(arguments["update"], {}, context.variables(), EmptyTimestamps::kReplace)};
  std::deque<bson::Document> owned;
  const bson::View document = prepare_insert(arguments.document("document"), context.services,
                                             owned, EmptyTimestamps::kReplace);
  UpdateOutcome outcome;
  bool inserted = false;
  std::optional<CommandError> refused;
  run_single(context, name, request_of(statement), [&](Modifier& modifier, Progress& progress) {
    const Pace pace = modifier.update(statement, progress, outcome);
    if (outcome.matched == 0) return pace;
    try {
      modifier.of(into).insert(document);
      inserted = true;
    } catch (const CommandError& error) {
      if (is_interruption(error.code())) throw;
      refused = error;
    } catch (const StorageError& error) {
      refused = context.services.dialect.refusal_of(error);
    }
    return pace;
  });
  append_count(context.reply, "n", outcome.matched);
  append_count(context.reply, "nInserted", inserted ? 1 : 0);
  if (refused) append_error(context.reply, *refused);
}

constexpr std::array kCommands = {
    Command{"gessoUpdateThenInsert", kFields, update_then_insert, Access::kOnDatabase,
            auth::kWrite},
};

}  // namespace

std::span<const Command> update_then_insert_commands() { return kCommands; }

}  // namespace gesso::localdb
