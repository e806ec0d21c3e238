// find, getMore, killCursors, count, distinct.
#include <array>
#include <set>

#include "gesso/bson/compare.hpp"
#include "gesso/localdb/engine/context.hpp"
#include "gesso/localdb/engine/dialect.hpp"
#include "gesso/localdb/engine/distinct_values.hpp"
#include "gesso/localdb/engine/names.hpp"
#include "gesso/localdb/engine/query.hpp"
#include "gesso/localdb/engine/reply_cursor.hpp"
#include "gesso/localdb/engine/tables.hpp"
#include "gesso/localdb/language/command_error.hpp"
#include "gesso/localdb/language/metered_compare.hpp"

namespace gesso::localdb {
namespace {

constexpr int kDistinctTooBig = 17217;

constexpr Field kGetMoreFields[] = {
    {"getMore", kLong, Presence::kRequired},
    {"collection", kString, Presence::kRequired},
    {"batchSize", kNumber},
    {"term"},
    {"lastKnownCommittedOpTime"},
};
constexpr Field kKillFields[] = {{"killCursors", kAny, Presence::kRequired},
                                 {"cursors", kArray, Presence::kRequired}};

void find(Context& context) {
  if (context.ledger == nullptr && answer_point_read(context)) return;
  const std::string_view name = context.collection();
  FindQuery query = parse_find(context);
  const std::optional<std::int64_t> batch_size = context.arguments.integer("batchSize", 0);
  const ReadTransaction snapshot = context.services.store.read();
  const CollectionPtr collection = snapshot.find_collection(context.db, name);
  std::unique_ptr<BatchSource> source;
  if (collection) {
    source = std::make_unique<ExecutionSource>(
        execute(context, snapshot, collection, query.request(), QueryUse::kFind),
        std::move(query.projection));
  } else {
    source = std::make_unique<KeptDocuments>(std::vector<bson::Document>());
  }
  reply_cursor(context, std::move(source),
               {.ns = context.ns(name),
                .batch_size = batch_size,
                .single = query.single_batch,
                .never_expires = context.arguments.flag("noCursorTimeout")});
}

// Closes the cursor unless it was given back.
class CursorLoan {
  CursorRegistry& registry_;
  std::int64_t id_;
  std::unique_ptr<Cursor> cursor_;

 public:
  CursorLoan(CursorRegistry& registry, std::int64_t id, std::string_view ns, std::string_view user)
      : registry_(registry), id_(id), cursor_(registry.take(id, ns, user)) {}
  CursorLoan(const CursorLoan&) = delete;
  CursorLoan& operator=(const CursorLoan&) = delete;
  ~CursorLoan() {
    if (id_ == 0) return;
    cursor_.reset();
    registry_.close(id_);
  }

  Cursor* operator->() const { return cursor_.get(); }
  void give_back() { registry_.give_back(std::exchange(id_, 0), std::move(cursor_)); }
};

void get_more(Context& context) {
  const Arguments& arguments = context.arguments;
  const std::string_view name = arguments.string("collection");
  check_cursor_collection(context.db, name);
  const std::int64_t id = arguments["getMore"].as_int64();
  const std::optional<std::int64_t> batch_size = arguments.integer("batchSize", 0);
  // Declared first, so that the cursor lets go of the snapshot before it ends.
  const ReadTransaction snapshot = context.services.store.read();
  CursorLoan cursor(context.services.cursors, id, context.ns(name), context.user_id());
  context.operation.set_cursor(id);
  if (context.ledger != nullptr) {
    try {
      context.ledger->resume(cursor->watches);
    } catch (const Throttled&) {
      cursor.give_back();  // it is there for another try
      throw;
    }
  }
  if (cursor->time_left) {
    Deadline& deadline = context.operation.deadline;
    deadline = deadline.earlier_of(Deadline::after(*cursor->time_left));
  }

  cursor->source->attach(snapshot);
  // For getMore, 0 means what fits.
  BatchLimits limits{.documents = {},
                     .bytes = context.services.dialect.presentation().max_batch_bytes()};
  if (batch_size.value_or(0) > 0) limits.documents = static_cast<std::size_t>(*batch_size);
  bson::Builder& reply = context.reply;
  const auto scope = reply.document("cursor");
  bool more = false;
  {
    const auto batch = reply.array("nextBatch");
    more = append_batch(reply, *cursor->source, limits);
  }
  cursor->source->detach();
  if (cursor->time_left) cursor->time_left = context.operation.deadline.remaining();
  if (more) cursor.give_back();
  reply.append("id", more ? id : std::int64_t{0});
  reply.append("ns", context.ns(name));
}

void kill_cursors(Context& context) {
  const bson::Value name = context.arguments["killCursors"];
  if (!name.is_string()) {
    throw CommandError(ErrorCode::kInvalidNamespace, "killCursors takes a collection's name");
  }
  check_cursor_collection(context.db, name.as_string());
  const std::string ns = context.ns(name.as_string());
  bson::Builder killed;
  bson::Builder not_found;
  for (const auto& [key, value] : context.arguments.document("cursors")) {
    check_type("killCursors.cursors", value, kLong);
    const std::int64_t id = value.as_int64();
    const bool found = context.services.cursors.kill(id, ns, context.user_id());
    if (found) {
      context.services.operations.stop(StopReason::kCursorKilled, [id](const Operation& operation) {
        return operation.cursor() == id;
      });
    }
    (found ? killed : not_found).push(value.as_int64());
  }
  context.reply.append("cursorsKilled", bson::Array(killed.finish()));
  context.reply.append("cursorsNotFound", bson::Array(not_found.finish()));
  context.reply.append("cursorsAlive", bson::make_array());
  context.reply.append("cursorsUnknown", bson::make_array());
}

void count_command(Context& context) {
  const std::string_view name = context.collection();
  const FindQuery query = parse_count(context);
  const ReadTransaction snapshot = context.services.store.read();
  const CollectionPtr collection = snapshot.find_collection(context.db, name);
  const std::uint64_t n =
      collection ? count_matching(context, snapshot, collection, query.request()) : 0;
  append_count(context.reply, "n", n);
}

void distinct(Context& context) {
  const std::string_view name = context.collection();
  const FieldPath path(context.arguments.string("key"));
  const FindQuery query = parse_distinct(context);
  const ReadTransaction snapshot = context.services.store.read();
  const CollectionPtr collection = snapshot.find_collection(context.db, name);
  const auto values = context.reply.array("values");
  if (!collection) return;
  const std::size_t most = context.services.dialect.presentation().max_batch_bytes();

  const auto less = [](const bson::OwnedValue& left, const bson::OwnedValue& right) {
    return metered_compare(left.view(), right.view()) < 0;
  };
  std::set<bson::OwnedValue, decltype(less)> seen(less);
  Execution execution =
      execute(context, snapshot, collection, query.request(), QueryUse::kPipeline);
  while (const auto record = execution.next()) {
    for_each_distinct(record->document, path, [&](bson::Value value) {
      if (!seen.emplace(value).second) return;
      context.reply.push(value);
      if (context.reply.size() > most) {
        constexpr std::size_t kMegabyte = std::size_t{1} << 20;
        throw CommandError(
            kDistinctTooBig,
            "distinct too big, " + std::to_string((most + kMegabyte - 1) / kMegabyte) + "mb cap");
      }
    });
  }
}

constexpr std::array kCommands = {
    Command{"find", kFindFields, find},
    Command{"getMore", kGetMoreFields, get_more, Access::kLoggedIn},
    Command{"killCursors", kKillFields, kill_cursors, Access::kLoggedIn},
    Command{"count", kCountFields, count_command},
    Command{"distinct", kDistinctFields, distinct},
};

}  // namespace

std::span<const Command> read_commands() { return kCommands; }

}  // namespace gesso::localdb
