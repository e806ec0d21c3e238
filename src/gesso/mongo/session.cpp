#include "gesso/mongo/session.hpp"

#include <array>

#include "gesso/mongo/detail/lease.hpp"

namespace gesso::mongo {

using detail::Borrowed;
using detail::CollectionPtr;
using detail::CursorPtr;
using Mode = detail::Mode;
using Reply = detail::Reply;

// A libmongoc cursor; `open` starts the query (again).
class Cursor::Source {
  Session::Impl& lease_;
  Operation operation_;
  std::function<CursorPtr()> open_;
  CursorPtr cursor_;
  bool started_ = false;

 public:
  Source(Session::Impl& lease, Operation operation, std::function<CursorPtr()> open)
      : lease_(lease), operation_(std::move(operation)), open_(std::move(open)), cursor_(open_()) {}

  std::optional<bson::View> next() {
    const bson_t* document = nullptr;
    Reply reply;
    // Once a document was given, starting again would give it twice.
    const Mode mode = started_ ? Mode::kPlain : Mode::kRead;
    lease_.persist(operation_, mode, reply, [&](bson_error_t& error, Reply& out) {
      if (cursor_ == nullptr) cursor_ = open_();
      if (mongoc_cursor_next(cursor_.get(), &document)) return true;
      const bson_t* said = nullptr;
      if (!mongoc_cursor_error_document(cursor_.get(), &error, &said)) return true;
      if (said != nullptr) bson_copy_to(said, out.reset());
      // A cursor that lost its connection in the middle is lost: nothing of it can be repeated.
      if (started_ && detail::origin_of(error) == Origin::kNotSent) {
        error.domain = MONGOC_ERROR_STREAM;
        error.code = MONGOC_ERROR_STREAM_SOCKET;
      }
      cursor_.reset();
      return false;
    });
    if (document == nullptr) return std::nullopt;
    started_ = true;
    return bson::View(bson_get_data(document));
  }
};

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

std::int64_t number(bson::View reply, std::string_view key) {
  return reply[key].integer().value_or(0);
}

// Throws the first of a reply's `writeErrors`.
void throw_write_error(bson::View reply, const Operation& operation) {
  const bson::Value errors = reply["writeErrors"];
  if (!errors.is_array() || errors.as_document().empty()) return;
  const bson::View first = errors.as_document().begin()->value.as_document();
  const bson::Value message = first["errmsg"];
  throw make_error(Origin::kServer, static_cast<int>(number(first, "code")),
                   message.is_string() ? message.as_string() : "no reason given", first, operation);
}

CollectionPtr collection_of(const Session::Impl& lease, std::string_view name) {
  return CollectionPtr(mongoc_client_get_collection(lease.client(), lease.shared().database.c_str(),
                                                    std::string(name).c_str()));
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
Dialect Session::dialect() const { return impl_.shared().dialect.load(); }
const std::string& Session::database() const { return impl_.shared().database; }

bson::Document Session::run_command(bson::View command) { return run_command(database(), command); }

bson::Document Session::run_command(std::string_view database, bson::View command) {
  const bson::Element first = *command.begin();
  bson::Builder builder;
  builder.append_all(command);
  if (takes_max_time(first.key) && !command.contains("maxTimeMS")) impl_.append_max_time(builder);
  const std::string_view collection =
      first.value.is_string() ? first.value.as_string() : std::string_view{};
  Operation operation = impl_.operation(first.key, database, collection, Mode::kPlain);
  operation.is_write = true;  // it may be one
  Reply reply;
  impl_.call(database, builder.finish(), Mode::kPlain, operation, reply);
  throw_write_error(reply.view(), operation);
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
  impl_.call(database(), command.finish(), Mode::kRead,
             impl_.operation("find", database(), collection, Mode::kRead), reply);
  const bson::Value found = reply.view().at_path("cursor.firstBatch.0");
  if (!found.is_document()) return std::nullopt;
  return bson::Document(found.as_document());
}

Cursor Session::find(std::string_view collection, bson::View filter, const FindOptions& options) {
  auto open = [&lease = impl_, name = std::string(collection), filter = bson::Document(filter),
               options] {
    bson::Builder extra;
    append_find_options(extra, options);
    if (options.limit != 0) extra.append("limit", options.limit);
    if (options.batch_size != 0) extra.append("batchSize", options.batch_size);
    lease.append_max_time(extra);
    const CollectionPtr handle = collection_of(lease, name);
    return CursorPtr(mongoc_collection_find_with_opts(handle.get(), Borrowed(filter),
                                                      Borrowed(extra.finish()), nullptr));
  };
  return Cursor(std::make_unique<Cursor::Source>(
      impl_, impl_.operation("find", database(), collection, Mode::kRead), std::move(open)));
}

Cursor Session::aggregate(std::string_view collection, const bson::Array& pipeline) {
  auto open = [&lease = impl_, name = std::string(collection),
               stages = bson::make_document("pipeline", pipeline)] {
    bson::Builder extra;
    lease.append_max_time(extra);
    const CollectionPtr handle = collection_of(lease, name);
    return CursorPtr(mongoc_collection_aggregate(handle.get(), MONGOC_QUERY_NONE, Borrowed(stages),
                                                 Borrowed(extra.finish()), nullptr));
  };
  return Cursor(std::make_unique<Cursor::Source>(
      impl_, impl_.operation("aggregate", database(), collection, Mode::kRead), std::move(open)));
}

std::int64_t Session::count(std::string_view collection, bson::View filter, std::int64_t limit) {
  if (!count_command_is_exact(dialect())) {
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
  impl_.call(database(), command.finish(), Mode::kRead,
             impl_.operation("count", database(), collection, Mode::kRead), reply);
  return number(reply.view(), "n");
}

namespace {

Error too_large(std::size_t size, std::size_t most, const Operation& operation) {
  return make_error(Origin::kDriver, 0,
                    "the document is too large: expected at most " + std::to_string(most) +
                        " bytes, found " + std::to_string(size),
                    bson::View(), operation);
}

}  // namespace

void Session::insert_one(std::string_view collection, bson::View document) {
  const Operation operation = impl_.operation("insert", database(), collection, Mode::kWrite);
  const std::size_t most = impl_.shared().max_document_size;
  if (document.size() > most) throw too_large(document.size(), most, operation);
  bson::Builder command;
  command.reserve(document.size() + 256);
  command.append("insert", collection);
  {
    const auto documents = command.array("documents");
    command.push(document);
  }
  command.append("ordered", true);
  impl_.append_max_time(command);
  Reply reply;
  impl_.call(database(), command.finish(), Mode::kWrite, operation, reply);
  throw_write_error(reply.view(), operation);
}

InsertManyResult Session::insert_many(std::string_view collection,
                                      std::span<const bson::Document> documents) {
  const Operation operation = impl_.operation("insert", database(), collection, Mode::kWrite);
  const std::size_t most = impl_.shared().max_document_size;
  InsertManyResult result;
  std::vector<Borrowed> borrowed;
  std::vector<const _bson_t*> sent;  // not bson_t: its alignment would be lost on the way
  std::vector<std::size_t> places;   // of what is sent, in `documents`
  borrowed.reserve(documents.size());
  for (std::size_t i = 0; i < documents.size(); ++i) {
    if (documents[i].size() > most) {
      result.failures.push_back({i, too_large(documents[i].size(), most, operation)});
      continue;
    }
    sent.push_back(borrowed.emplace_back(documents[i]));
    places.push_back(i);
  }
  if (sent.empty()) return result;

  Reply reply;
  const CollectionPtr handle = collection_of(impl_, collection);
  impl_.persist(operation, Mode::kWrite, reply, [&](bson_error_t& error, Reply& out) {
    bson::Builder extra;
    extra.append("ordered", false).append("validate", false);
    impl_.append_max_time(extra);
    const bool done = mongoc_collection_insert_many(handle.get(), sent.data(), sent.size(),
                                                    Borrowed(extra.finish()), out.reset(), &error);
    // Refused items are a result; what the others came to is in the same reply.
    return done || (detail::origin_of(error) == Origin::kServer &&
                    !out.view()["writeErrors"].is_missing() &&
                    !out.view()["writeErrors"].as_document().empty());
  });
  result.inserted = number(reply.view(), "insertedCount");
  if (const bson::Value errors = reply.view()["writeErrors"]; errors.is_array()) {
    for (const bson::Element& element : errors.as_document()) {
      const bson::View one = element.value.as_document();
      const bson::Value message = one["errmsg"];
      result.failures.push_back(
          {places.at(static_cast<std::size_t>(number(one, "index"))),
           make_error(Origin::kServer, static_cast<int>(number(one, "code")),
                      message.is_string() ? message.as_string() : "no reason given", one,
                      operation)});
    }
  }
  return result;
}

namespace {

UpdateResult update(Session::Impl& lease, std::string_view collection, bson::View filter,
                    bson::View change, bool multi, bool upsert) {
  const std::string& database = lease.shared().database;
  const Operation operation = lease.operation("update", database, collection, Mode::kWrite);
  bson::Builder command;
  command.append("update", collection);
  {
    const auto updates = command.array("updates");
    const auto one = command.document(command.next_key());
    command.append("q", filter).append("u", change);
    if (multi) command.append("multi", true);
    if (upsert) command.append("upsert", true);
  }
  command.append("ordered", true);
  lease.append_max_time(command);
  Reply reply;
  lease.call(database, command.finish(), Mode::kWrite, operation, reply);
  throw_write_error(reply.view(), operation);
  const bson::Value upserted = reply.view()["upserted"];
  const bool inserted = upserted.is_array() && !upserted.as_document().empty();
  return {.matched = number(reply.view(), "n") - (inserted ? 1 : 0),
          .modified = number(reply.view(), "nModified"),
          .upserted = inserted};
}

std::int64_t remove(Session::Impl& lease, std::string_view collection, bson::View filter,
                    std::int32_t limit) {
  const std::string& database = lease.shared().database;
  const Operation operation = lease.operation("delete", database, collection, Mode::kWrite);
  bson::Builder command;
  command.append("delete", collection)
      .append("deletes", bson::make_array(bson::make_document("q", filter, "limit", limit)))
      .append("ordered", true);
  lease.append_max_time(command);
  Reply reply;
  lease.call(database, command.finish(), Mode::kWrite, operation, reply);
  throw_write_error(reply.view(), operation);
  return number(reply.view(), "n");
}

}  // namespace

UpdateResult Session::update_one(std::string_view collection, bson::View filter, bson::View change,
                                 Upsert upsert) {
  return update(impl_, collection, filter, change, false, upsert == Upsert::kYes);
}

UpdateResult Session::update_many(std::string_view collection, bson::View filter,
                                  bson::View change) {
  return update(impl_, collection, filter, change, true, false);
}

std::optional<bson::Document> Session::find_one_and_update(std::string_view collection,
                                                           bson::View filter, bson::View change,
                                                           const FindAndModifyOptions& options) {
  const Operation operation =
      impl_.operation("findAndModify", database(), collection, Mode::kWrite);
  bson::Builder command;
  command.append("findAndModify", collection).append("query", filter).append("update", change);
  command.append("new", options.return_document == ReturnDocument::kAfter);
  if (options.upsert == Upsert::kYes) command.append("upsert", true);
  if (!options.sort.empty()) command.append("sort", options.sort);
  if (!options.projection.empty()) command.append("fields", options.projection);
  impl_.append_max_time(command);
  Reply reply;
  impl_.call(database(), command.finish(), Mode::kWrite, operation, reply);
  const bson::Value value = reply.view()["value"];
  if (!value.is_document()) return std::nullopt;
  return bson::Document(value.as_document());
}

std::int64_t Session::delete_one(std::string_view collection, bson::View filter) {
  return remove(impl_, collection, filter, 1);
}

std::int64_t Session::delete_many(std::string_view collection, bson::View filter) {
  return remove(impl_, collection, filter, 0);
}

}  // namespace gesso::mongo
