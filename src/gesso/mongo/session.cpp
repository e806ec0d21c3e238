#include "gesso/mongo/session.hpp"

#include <algorithm>
#include <array>
#include <iterator>

#include "gesso/mongo/detail/lease.hpp"

namespace gesso::mongo {

using detail::Borrowed;
using detail::CursorPtr;
using Mode = detail::Mode;
using Reply = detail::Reply;

class Cursor::Source {
 public:
  Source() = default;
  Source(const Source&) = delete;
  Source& operator=(const Source&) = delete;
  virtual ~Source() = default;

  [[nodiscard]] virtual std::optional<bson::View> next() = 0;
};

namespace {

// A libmongoc cursor; `open` starts the query (again).
class DriverCursor final : public Cursor::Source {
  Session::Impl& lease_;
  Operation operation_;
  std::function<CursorPtr()> open_;
  CursorPtr cursor_;
  bool started_ = false;

 public:
  DriverCursor(Session::Impl& lease, Operation operation, std::function<CursorPtr()> open)
      : lease_(lease), operation_(std::move(operation)), open_(std::move(open)), cursor_(open_()) {}

  std::optional<bson::View> next() override {
    const bson_t* document = nullptr;
    Reply reply;
    // Once a document was given, starting again would give it twice.
    using Repeat = Session::Impl::Repeat;
    const Repeat repeat = started_ ? Repeat::kNever : Repeat::kRead;
    lease_.persist(operation_, repeat, reply, [&](bson_error_t& error, Reply& out) {
      if (cursor_ == nullptr) cursor_ = open_();
      if (mongoc_cursor_next(cursor_.get(), &document)) return true;
      const bson_t* said = nullptr;
      if (!mongoc_cursor_error_document(cursor_.get(), &error, &said)) return true;
      if (said != nullptr) bson_copy_to(said, out.reset());
      cursor_.reset();
      return false;
    });
    if (document == nullptr) return std::nullopt;
    started_ = true;
    return bson::View(bson_get_data(document));
  }
};

std::int64_t number(bson::View reply, std::string_view key) {
  return reply[key].integer().value_or(0);
}

// A cursor whose batches are commands of ours, where a cursor is none of a driver's session: a
// server of this process, and Azure Cosmos DB (RU), which may refuse each batch for want of
// capacity and tells what each cost.
class CommandCursor final : public Cursor::Source {
  Session::Impl& lease_;
  Operation operation_;
  std::string collection_;
  std::int32_t batch_size_;  // 0 is the server's choice
  std::int64_t id_ = 0;      // 0 where the server has no more
  bson::Document batch_;     // an array
  bson::View::Iterator at_ = batch_.view().begin();

  void fetch(bson::Builder& command, std::string_view batch) {
    Reply reply;
    // A batch whose answer was lost is not fetched again: the server would give the next one.
    const Mode mode = batch == "nextBatch" ? Mode::kWrite : Mode::kRead;
    Operation operation = operation_;
    if (mode == Mode::kWrite) operation.name = "getMore";
    lease_.call(lease_.shared().database, command, mode, operation, reply);
    const bson::View cursor = reply.view()["cursor"].as_document();
    id_ = number(cursor, "id");
    batch_ = bson::Document(cursor[batch].as_document());
    at_ = batch_.view().begin();
  }

 public:
  // `query` is a find or an aggregate, complete but for its time.
  CommandCursor(Session::Impl& lease, Operation operation, std::string_view collection,
                std::int32_t batch_size, bson::Builder& query)
      : lease_(lease),
        operation_(std::move(operation)),
        collection_(collection),
        batch_size_(batch_size) {
    lease_.append_max_time(query);
    fetch(query, "firstBatch");
  }
  ~CommandCursor() override {
    if (id_ == 0) return;
    try {
      bson::Builder command;
      command.append("killCursors", collection_).append("cursors", bson::make_array(id_));
      Reply reply;
      operation_.name = "killCursors";  // what it costs is no find's
      lease_.call(lease_.shared().database, command, Mode::kWrite, operation_, reply);
    } catch (const Error&) {  // NOLINT(bugprone-empty-catch): the server forgets it in time
    }
  }

  std::optional<bson::View> next() override {
    while (at_ == batch_.view().end()) {
      if (id_ == 0) return std::nullopt;
      bson::Builder command;
      command.append("getMore", id_).append("collection", collection_);
      if (batch_size_ != 0) command.append("batchSize", batch_size_);
      fetch(command, "nextBatch");
    }
    const bson::View document = (*at_).value.as_document();
    ++at_;
    return document;
  }
};

}  // namespace

Cursor::Cursor(std::unique_ptr<Source> source) : source_(std::move(source)) {}
Cursor::Cursor(Cursor&&) noexcept = default;
Cursor& Cursor::operator=(Cursor&&) noexcept = default;
Cursor::~Cursor() = default;

std::optional<bson::View> Cursor::next() { return source_->next(); }

namespace {

void append_find_options(bson::Builder& command, const FindOptions& options) {
  if (!options.sort.empty()) command.append("sort", options.sort);
  if (!options.projection.empty()) command.append("projection", options.projection);
  if (!options.hint.empty()) command.append("hint", options.hint);
  if (options.skip != 0) command.append("skip", options.skip);
}

bool takes_max_time(std::string_view command) {
  // getMore takes it for tailing cursors only; the others are no operations on data.
  constexpr std::array<std::string_view, 9> kWithout{
      "getMore", "killCursors",  "endSessions",
      "hello",   "isMaster",     "ismaster",
      "logout",  "customAction", "getLastRequestStatistics"};
  return std::find(kWithout.begin(), kWithout.end(), command) == kWithout.end();
}

}  // namespace

Deadline Session::deadline() const { return impl_.deadline(); }
const DialectTraits& Session::traits() const { return impl_.traits(); }
std::optional<RequestCharge> Session::request_charge() const { return impl_.request_charge(); }
const std::string& Session::database() const { return impl_.shared().database; }

bson::Document Session::run_command(bson::View command) { return run_command(database(), command); }

bson::Document Session::run_command(std::string_view database, bson::View command) {
  const bson::Element first = *command.begin();
  bson::Builder builder;
  builder.append_all(command);
  if (takes_max_time(first.key) && !command.contains("maxTimeMS")) impl_.append_max_time(builder);
  const std::string_view collection =
      first.value.is_string() ? first.value.as_string() : std::string_view{};
  Reply reply;
  impl_.call(database, builder, Mode::kWrite,
             impl_.operation(first.key, database, collection, Mode::kWrite), reply);
  return bson::Document(reply.view());
}

std::optional<bson::Document> Session::find_one(std::string_view collection, bson::View filter,
                                                const FindOptions& options) {
  bson::Builder command;
  command.append("find", collection).append("filter", filter);
  append_find_options(command, options);
  command.append("limit", std::int64_t{1}).append("singleBatch", true);
  impl_.append_max_time(command);
  Reply reply;
  impl_.call(database(), command, Mode::kRead,
             impl_.operation("find", database(), collection, Mode::kRead), reply);
  const bson::Value found = reply.view().at_path("cursor.firstBatch.0");
  if (!found.is_document()) return std::nullopt;
  return bson::Document(found.as_document());
}

Cursor Session::find(std::string_view collection, bson::View filter, const FindOptions& options) {
  if (!impl_.has_driver_cursors()) {
    bson::Builder query;
    query.append("find", collection).append("filter", filter);
    append_find_options(query, options);
    if (options.limit != 0) query.append("limit", options.limit);
    if (options.batch_size != 0) query.append("batchSize", options.batch_size);
    return Cursor(std::make_unique<CommandCursor>(
        impl_, impl_.operation("find", database(), collection, Mode::kRead), collection,
        options.batch_size, query));
  }
  auto open = [&lease = impl_, name = std::string(collection), filter = bson::Document(filter),
               options] {
    bson::Builder extra;
    append_find_options(extra, options);
    if (options.limit != 0) extra.append("limit", options.limit);
    if (options.batch_size != 0) extra.append("batchSize", options.batch_size);
    lease.append_max_time(extra);
    return CursorPtr(mongoc_collection_find_with_opts(lease.collection(name), Borrowed(filter),
                                                      Borrowed(extra.finish()), nullptr));
  };
  return Cursor(std::make_unique<DriverCursor>(
      impl_, impl_.operation("find", database(), collection, Mode::kRead), std::move(open)));
}

Cursor Session::aggregate(std::string_view collection, const bson::Array& pipeline) {
  if (!impl_.has_driver_cursors()) {
    bson::Builder query;
    query.append("aggregate", collection).append("pipeline", pipeline);
    query.append("cursor", bson::Document());
    return Cursor(std::make_unique<CommandCursor>(
        impl_, impl_.operation("aggregate", database(), collection, Mode::kRead), collection, 0,
        query));
  }
  auto open = [&lease = impl_, name = std::string(collection),
               stages = bson::make_document("pipeline", pipeline)] {
    bson::Builder extra;
    lease.append_max_time(extra);
    return CursorPtr(mongoc_collection_aggregate(lease.collection(name), MONGOC_QUERY_NONE,
                                                 Borrowed(stages), Borrowed(extra.finish()),
                                                 nullptr));
  };
  return Cursor(std::make_unique<DriverCursor>(
      impl_, impl_.operation("aggregate", database(), collection, Mode::kRead), std::move(open)));
}

std::int64_t Session::count(std::string_view collection, bson::View filter, std::int64_t limit) {
  if (!traits().counts_exactly) {
    bson::Builder pipeline;
    pipeline.push(bson::make_document("$match", filter));
    if (limit != 0) pipeline.push(bson::make_document("$limit", limit));
    pipeline.push(bson::make_document(
        "$group", bson::make_document("_id", bson::Null{}, "n", bson::make_document("$sum", 1))));
    Cursor cursor = aggregate(collection, bson::Array(pipeline.finish()));
    const std::optional<bson::View> counted = cursor.next();
    return counted ? number(*counted, "n") : 0;
  }
  bson::Builder command;
  command.append("count", collection).append("query", filter);
  if (limit != 0) command.append("limit", limit);
  impl_.append_max_time(command);
  Reply reply;
  impl_.call(database(), command, Mode::kRead,
             impl_.operation("count", database(), collection, Mode::kRead), reply);
  return number(reply.view(), "n");
}

namespace {

// Of the documents of one insert; Azure Cosmos DB takes no more.
constexpr std::size_t kMostInBatch = 1000;

Error too_large(std::size_t size, std::size_t most, const Operation& operation) {
  return make_error(Origin::kDriver, 0,
                    "the document is too large: expected at most " + std::to_string(most) +
                        " bytes, found " + std::to_string(size),
                    bson::View(), operation);
}

}  // namespace

void Session::insert_one(std::string_view collection, bson::View document) {
  const Operation operation = impl_.operation("insert", database(), collection, Mode::kWrite);
  const std::size_t most = impl_.endpoint().max_document_size;
  if (document.size() > most) throw too_large(document.size(), most, operation);
  bson::Builder command;
  command.reserve(document.size() + 256);
  command.append("insert", collection);
  {
    const auto documents = command.array("documents");
    command.push(document);
  }
  impl_.append_max_time(command);
  Reply reply;
  impl_.call(database(), command, Mode::kSingleWrite, operation, reply);
}

InsertManyResult Session::insert_many(std::string_view collection,
                                      std::span<const bson::Document> documents, BatchOrder order) {
  const Operation operation = impl_.operation("insert", database(), collection, Mode::kWrite);
  const std::size_t most = impl_.endpoint().max_document_size;
  InsertManyResult result;
  std::vector<std::size_t> fit;
  for (std::size_t item = 0; item < documents.size(); ++item) {
    const std::size_t size = documents[item].size();
    if (size <= most) {
      fit.push_back(item);
      continue;
    }
    result.failures.push_back({item, too_large(size, most, operation)});
    if (order == BatchOrder::kOrdered) break;
  }
  BatchFsm batch(fit, order);
  ThrottleFsm throttle;
  const auto size_of = [&](std::size_t item) { return documents[item].size(); };
  while (!batch.done()) {
    bson::Builder command;
    command.append("insert", collection).append("ordered", order == BatchOrder::kOrdered);
    // A command may be as large as a document, and a little more.
    const auto& items = batch.next({.most_items = kMostInBatch, .most_bytes = most}, size_of);
    {
      const auto list = command.array("documents");
      for (const std::size_t item : items) command.push(documents[item]);
    }
    impl_.append_max_time(command);
    Reply reply;
    impl_.call_batch(database(), command, Mode::kSingleWrite, operation, reply);
    result.inserted += number(reply.view(), "n");
    const BatchFsm::Outcome outcome = batch.answered(reply.view());
    for (const auto& [item, said] : outcome.failed) {
      result.failures.push_back({item, to_error(said, operation)});
    }
    if (outcome.throttled.empty()) continue;
    const bson::View said = outcome.throttled.back().said;
    if (impl_.wait_for_capacity(message_of(said), throttle)) continue;
    for (const std::size_t item : batch.abandon()) {
      result.failures.push_back({item, to_error(said, operation)});
    }
  }
  std::ranges::sort(result.failures, {}, &WriteFailure::index);
  return result;
}

namespace {

enum class Reach { kOne, kMany };

Mode mode_of(Reach reach) { return reach == Reach::kOne ? Mode::kSingleWrite : Mode::kWrite; }

UpdateResult update(Session::Impl& lease, std::string_view collection, bson::View filter,
                    bson::View change, Reach reach, Upsert upsert) {
  const std::string& database = lease.shared().database;
  bson::Builder command;
  command.append("update", collection);
  {
    const auto updates = command.array("updates");
    const auto one = command.document(command.next_key());
    command.append("q", filter).append("u", change);
    if (reach == Reach::kMany) command.append("multi", true);
    if (upsert == Upsert::kYes) command.append("upsert", true);
  }
  lease.append_max_time(command);
  Reply reply;
  lease.call(database, command, mode_of(reach),
             lease.operation("update", database, collection, Mode::kWrite), reply);
  const bson::Value upserted = reply.view()["upserted"];
  const bool inserted = upserted.is_array() && !upserted.as_document().empty();
  return {.matched = number(reply.view(), "n") - (inserted ? 1 : 0),
          .modified = number(reply.view(), "nModified"),
          .upserted = inserted};
}

bson::Builder delete_command(Session::Impl& lease, std::string_view collection, bson::View filter,
                             Reach reach) {
  const std::int32_t limit = reach == Reach::kOne ? 1 : 0;
  bson::Builder command;
  command.append("delete", collection)
      .append("deletes", bson::make_array(bson::make_document("q", filter, "limit", limit)));
  lease.append_max_time(command);
  return command;
}

}  // namespace

UpdateResult Session::update_one(std::string_view collection, bson::View filter, bson::View change,
                                 Upsert upsert) {
  return update(impl_, collection, filter, change, Reach::kOne, upsert);
}

bool Session::update_then_insert(const UpdateThenInsert& both) {
  // The command is the embedded engine's own, and no account's that it plays.
  const bool joins = impl_.is_local() && impl_.shared().joins_writes &&
                     impl_.traits().dialect == Dialect::kLocalDb;
  if (!joins) {
    if (update_one(both.collection, both.filter, both.update).matched == 0) return false;
    insert_one(both.into, both.document);
    return true;
  }
  bson::Builder command;
  command.append("gessoUpdateThenInsert", both.collection)
      .append("query", both.filter)
      .append("update", both.update)
      .append("into", both.into)
      .append("document", both.document);
  impl_.append_max_time(command);
  Reply reply;
  impl_.call(database(), command, Mode::kSingleWrite,
             impl_.operation("update", database(), both.collection, Mode::kWrite), reply);
  if (const bson::Value refused = reply.view()["insertError"]; refused.is_document()) {
    throw to_error(refused.as_document(),
                   impl_.operation("insert", database(), both.into, Mode::kWrite));
  }
  return number(reply.view(), "n") != 0;
}

UpdateResult Session::update_many(std::string_view collection, bson::View filter,
                                  bson::View change) {
  return update(impl_, collection, filter, change, Reach::kMany, Upsert::kNo);
}

std::optional<bson::Document> Session::find_one_and_update(std::string_view collection,
                                                           bson::View filter, bson::View change,
                                                           const FindAndModifyOptions& options) {
  bson::Builder command;
  command.append("findAndModify", collection).append("query", filter).append("update", change);
  command.append("new", options.return_document == ReturnDocument::kAfter);
  if (options.upsert == Upsert::kYes) command.append("upsert", true);
  if (!options.sort.empty()) command.append("sort", options.sort);
  if (!options.projection.empty()) command.append("fields", options.projection);
  impl_.append_max_time(command);
  Reply reply;
  impl_.call(database(), command, Mode::kSingleWrite,
             impl_.operation("findAndModify", database(), collection, Mode::kWrite), reply);
  const bson::Value value = reply.view()["value"];
  if (!value.is_document()) return std::nullopt;
  return bson::Document(value.as_document());
}

std::int64_t Session::delete_one(std::string_view collection, bson::View filter) {
  bson::Builder command = delete_command(impl_, collection, filter, Reach::kOne);
  Reply reply;
  impl_.call(database(), command, Mode::kSingleWrite,
             impl_.operation("delete", database(), collection, Mode::kWrite), reply);
  return number(reply.view(), "n");
}

namespace {
constexpr int kExceededTimeLimit = 50;
}  // namespace

std::int64_t Session::delete_many(std::string_view collection, bson::View filter) {
  const Operation operation = impl_.operation("delete", database(), collection, Mode::kWrite);
  ThrottleFsm throttle;
  std::int64_t deleted = 0;
  for (;;) {
    bson::Builder command = delete_command(impl_, collection, filter, Reach::kMany);
    Reply reply;
    try {
      impl_.call_batch(database(), command, Mode::kWrite, operation, reply);
    } catch (const Error& error) {
      // The server's own limit of time: half of it may be done, and the rest is still to do.
      if (error.server_code() != kExceededTimeLimit || !impl_.wait_for_capacity({}, throttle)) {
        throw;
      }
      continue;
    }
    deleted += number(reply.view(), "n");
    const bson::Value errors = reply.view()["writeErrors"];
    if (!errors.is_array() || errors.as_document().empty()) return deleted;
    const bson::View said = errors.as_document().begin()->value.as_document();
    const bool goes_on = is_throttled(said) || said["code"].integer() == kExceededTimeLimit;
    if (goes_on && impl_.wait_for_capacity(message_of(said), throttle)) continue;
    throw to_error(said, operation);
  }
}

}  // namespace gesso::mongo
