// insert, update, delete. The statements of a batch are compiled here, on the connection's thread,
// and run one after another in operations of the store's writer, one for a batch that takes no more
// than some milliseconds. A statement that fails has changed nothing or, of a multi-update, what it
// had changed stays.
#include <array>
#include <variant>

#include "gesso/localdb/engine/context.hpp"
#include "gesso/localdb/engine/documents.hpp"
#include "gesso/localdb/engine/modify.hpp"
#include "gesso/localdb/engine/names.hpp"
#include "gesso/localdb/engine/query.hpp"
#include "gesso/localdb/engine/tables.hpp"
#include "gesso/localdb/language/command_error.hpp"

namespace gesso::localdb {
namespace {

constexpr Field kInsertFields[] = {
    {"insert", kAny, Presence::kRequired},
    {"documents", kArray, Presence::kRequired},
    {"ordered", kFlag},
    {"bypassDocumentValidation", kFlag},
    {"bypassEmptyTsReplacement", kFlag},
};
constexpr Field kUpdateStatementFields[] = {
    {"q", kObject, Presence::kRequired},
    {"u", kObject | kArray, Presence::kRequired},
    {"c", kObject},
    {"multi", kFlag},
    {"upsert", kFlag},
    {"upsertSupplied", kFlag},
    {"arrayFilters", kArray},
    {"collation", kObject},
    {"hint", kHint},
};
constexpr Field kDeleteStatementFields[] = {
    {"q", kObject, Presence::kRequired},
    {"limit", kNumber, Presence::kRequired},
    {"collation", kObject},
    {"hint", kHint},
};

struct WriteError {
  std::size_t index;
  CommandError error;
};

// What a batch has done. Made anew by every run of its operation.
struct BatchResult {
  std::uint64_t n = 0;
  std::uint64_t n_modified = 0;
  std::vector<std::pair<std::size_t, bson::Document>> upserted;  // position, {_id: ...}
  std::vector<WriteError> errors;
};

// A statement that is ready to run, or what is wrong with it.
template <class Statement>
using Compiled = std::variant<Statement, CommandError>;

template <class F>
auto compile(F make) -> Compiled<decltype(make())> {
  try {
    return make();
  } catch (const CommandError& error) {
    return error;
  }
}

// Inserts are short; other statements begin on a snapshot where they are about many documents.
bool wants_snapshot(bson::View /*document*/, const Progress& /*progress*/) { return false; }
template <class Statement>
bool wants_snapshot(const Statement& statement, const Progress& progress) {
  return progress.wants_snapshot || (statement.multi && !progress.candidates);
}
PlanRequest request_of(bson::View /*document*/) { return {}; }

// Runs the statements in turn, in as many operations of the writer as they take, by
// `run(modifier, position, statement, progress)`; an ordered batch ends at the first error. Throws
// the CommandError that ends the whole command; what was done by then stays.
template <class Statement, class Run>
void run_statements(Context& context, std::string_view name,
                    const std::vector<Compiled<Statement>>& statements, bool ordered,
                    BatchResult& result, Run run) {
  std::size_t next = 0;
  Progress progress;
  std::optional<Throttled> throttled;
  const auto advance = [&] {
    ++next;
    progress = {};
  };
  const auto refuse = [&](const CommandError& error) {
    result.errors.push_back({next, error});
    advance();
    if (ordered) next = statements.size();
  };
  const auto fail = [&](const CommandError& error) {
    if (is_interruption(error.code())) throw CommandError(error);
    refuse(error);
  };
  const auto attempt = [&](auto step) {
    try {
      step();
    } catch (const Throttled& refusal) {
      if (context.ledger->waits()) {
        throttled = refusal;
      } else {
        refuse(refusal);
      }
    } catch (const CommandError& error) {
      fail(error);
    } catch (const StorageError& error) {
      fail(context.services.dialect.refusal_of(error));
    }
  };
  const auto operation = [&](WriteTransaction& write) {
    Modifier modifier(context, write, name);
    bool gives_way = false;
    do {
      if (const auto* wrong = std::get_if<CommandError>(&statements[next])) {
        fail(*wrong);
        continue;
      }
      attempt([&] {
        const Statement& statement = std::get<Statement>(statements[next]);
        gives_way = wants_snapshot(statement, progress) ||
                    run(modifier, next, statement, progress) == Pace::kGivesWay;
        if (!gives_way) advance();
      });
    } while (!gives_way && !throttled && next < statements.size() && !modifier.share().is_over());
  };
  while (next < statements.size()) {
    if (const auto* statement = std::get_if<Statement>(&statements[next]);
        statement != nullptr && wants_snapshot(*statement, progress)) {
      attempt([&] {
        progress.candidates = find_candidates(context, name, request_of(*statement));
        progress.wants_snapshot = false;
      });
      if (!progress.candidates && !throttled) continue;
    }
    if (!throttled) context.services.store.write(operation, OnError::kKeep);
    // With the writer let go.
    if (throttled) {
      const Throttled refusal = *std::exchange(throttled, std::nullopt);
      try {
        context.ledger->pause(refusal);
      } catch (const Throttled& last) {
        refuse(last);
      }
    }
  }
}

// What all errors of a batch say together, so that a reply always fits into a message: behind the
// first bound they have no text any more, and only behind the second no details.
constexpr std::size_t kErrorTextBytes = std::size_t{1} << 20;
constexpr std::size_t kErrorDetailBytes = std::size_t{10} << 20;

void append_errors(bson::Builder& reply, const BatchResult& result) {
  if (result.errors.empty()) return;
  const auto list = reply.array("writeErrors");
  std::size_t text = 0;
  std::size_t details = 0;
  for (const auto& [index, error] : result.errors) {
    bson::Builder entry;
    entry.append("index", static_cast<std::int32_t>(index));
    entry.append("code", error.code());
    text += std::string_view(error.what()).size();
    entry.append("errmsg", text <= kErrorTextBytes ? error.what() : "");
    if (details + error.details().size() <= kErrorDetailBytes) {
      details += error.details().size();
      entry.append_all(error.details());
    }
    reply.push(entry.finish());
  }
}

std::vector<bson::View> batch_of(const Context& context, std::string_view field) {
  std::vector<bson::View> batch = context.arguments.documents(field);
  const std::size_t most = context.services.dialect.presentation().max_write_batch;
  if (batch.empty() || batch.size() > most) {
    throw CommandError(ErrorCode::kInvalidLength,
                       "Write batch sizes must be between 1 and " + std::to_string(most) +
                           ". Got " + std::to_string(batch.size()) + " operations.");
  }
  return batch;
}

void insert(Context& context) {
  const std::string_view name = context.collection();
  check_writable(context.db, name);
  const bool ordered = context.arguments.flag("ordered", true);
  const EmptyTimestamps empty = empty_timestamps_of(context.arguments);
  std::deque<bson::Document> owned;
  std::vector<Compiled<bson::View>> documents;
  for (const bson::View document : batch_of(context, "documents")) {
    documents.push_back(
        compile([&] { return prepare_insert(document, context.services, owned, empty); }));
  }
  BatchResult result;
  run_statements(context, name, documents, ordered, result,
                 [&](Modifier& modifier, std::size_t, bson::View document, Progress&) {
                   modifier.insert(document);
                   ++result.n;
                   return Pace::kDone;
                 });
  append_count(context.reply, "n", result.n);
  append_errors(context.reply, result);
}

UpdateStatement compile_update(const Arguments& arguments, const Variables& variables,
                               EmptyTimestamps empty) {
  check_collation(arguments["collation"]);
  Variables with_constants = variables;
  if (arguments.has("c")) {
    if (!arguments["u"].is_array()) {
      throw CommandError(ErrorCode::kFailedToParse,
                         "Constant values may only be specified for pipeline updates");
    }
    bson::Builder names;
    names.append_all(variables.let);
    names.append_all(arguments.document("c"));
    with_constants.let = names.finish();
  }
  UpdateStatement statement{
      .filter = compile_filter(arguments.document("q"), variables),
      .update = Update::compile(arguments["u"], arguments["arrayFilters"], with_constants, empty),
      .hint = hint_of(arguments),
      .multi = arguments.flag("multi"),
      .upsert = arguments.flag("upsert")};
  if (statement.multi && statement.update.is_replacement()) {
    throw CommandError(ErrorCode::kFailedToParse,
                       "multi update is not supported for replacement-style update");
  }
  return statement;
}

void update(Context& context) {
  const std::string_view name = context.collection();
  check_writable(context.db, name);
  const bool ordered = context.arguments.flag("ordered", true);
  const EmptyTimestamps empty = empty_timestamps_of(context.arguments);
  const Variables variables = context.variables();
  std::vector<Compiled<UpdateStatement>> statements;
  for (const bson::View entry : batch_of(context, "updates")) {
    const Arguments arguments("update.updates", kUpdateStatementFields, entry);
    statements.push_back(compile([&] { return compile_update(arguments, variables, empty); }));
  }
  BatchResult result;
  run_statements(
      context, name, statements, ordered, result,
      [&](Modifier& modifier, std::size_t i, const UpdateStatement& statement, Progress& progress) {
        UpdateOutcome outcome;
        const auto add = [&] {
          result.n += outcome.matched + (outcome.upserted_id ? 1 : 0);
          result.n_modified += outcome.modified;
        };
        Pace pace = Pace::kDone;
        try {
          pace = modifier.update(statement, progress, outcome);
        } catch (...) {
          add();
          throw;
        }
        add();
        if (outcome.upserted_id) result.upserted.emplace_back(i, std::move(*outcome.upserted_id));
        return pace;
      });
  bson::Builder& reply = context.reply;
  append_count(reply, "n", result.n);
  append_count(reply, "nModified", result.n_modified);
  if (!result.upserted.empty()) {
    const auto list = reply.array("upserted");
    for (const auto& [index, id] : result.upserted) {
      reply.push(bson::make_document("index", static_cast<std::int32_t>(index), "_id", id["_id"]));
    }
  }
  append_errors(reply, result);
}

DeleteStatement compile_delete(const Arguments& arguments, const Variables& variables) {
  check_collation(arguments["collation"]);
  return {.filter = compile_filter(arguments.document("q"), variables),
          .hint = hint_of(arguments),
          .multi = arguments["limit"].integer() == 0};
}

void check_limit(bson::Value limit) {
  if (limit.integer() == 0 || limit.integer() == 1) return;
  throw CommandError(ErrorCode::kFailedToParse,
                     "The limit field in delete objects must be 0 or 1. Got " + value_text(limit));
}

void delete_command(Context& context) {
  const std::string_view name = context.collection();
  check_writable(context.db, name);
  const bool ordered = context.arguments.flag("ordered", true);
  const Variables variables = context.variables();
  std::vector<Compiled<DeleteStatement>> statements;
  for (const bson::View entry : batch_of(context, "deletes")) {
    const Arguments arguments("delete.deletes", kDeleteStatementFields, entry);
    check_limit(arguments["limit"]);  // of which a wrong one refuses the whole batch
    statements.push_back(compile([&] { return compile_delete(arguments, variables); }));
  }
  BatchResult result;
  run_statements(
      context, name, statements, ordered, result,
      [&](Modifier& modifier, std::size_t, const DeleteStatement& statement, Progress& progress) {
        return modifier.remove(statement, progress, result.n);
      });
  append_count(context.reply, "n", result.n);
  append_errors(context.reply, result);
}

constexpr std::array kCommands = {
    Command{"insert", kInsertFields, insert, Access::kOnDatabase, auth::kWrite},
    Command{"update", kUpdateFields, update, Access::kOnDatabase, auth::kWrite},
    Command{"delete", kDeleteFields, delete_command, Access::kOnDatabase, auth::kWrite},
};

}  // namespace

std::span<const Command> write_commands() { return kCommands; }

}  // namespace gesso::localdb
