#include "gesso/mongo/detail/lease.hpp"

#include <algorithm>
#include <limits>

namespace gesso::mongo {

Session::Impl::Impl(detail::Shared& shared) : shared_(shared) {
  limits_.connect_timeout = shared.connect_timeout;
  limits_.open_in_service = &shared.open_connections;
}

void Session::Impl::set_client(mongoc_client_t* client) {
  collections_.clear();
  writes_.reset();
  limits_.client = client;
  if (client != nullptr) detail::limit_streams(limits_);
}

mongoc_collection_t* Session::Impl::collection(std::string_view name) {
  const auto found = collections_.find(name);
  if (found != collections_.end()) return found->second.get();
  const std::string key(name);
  detail::CollectionPtr handle(
      mongoc_client_get_collection(client(), shared_.database.c_str(), key.c_str()));
  return collections_.emplace(key, std::move(handle)).first->second.get();
}

Operation Session::Impl::operation(std::string_view name, std::string_view database,
                                   std::string_view collection, Mode mode) const {
  std::string ns(database);
  if (!collection.empty()) ns.append(".").append(collection);
  return {.name = name,
          .ns = std::move(ns),
          .is_write = mode != Mode::kRead,
          .dialect = shared_.dialect.load(std::memory_order_relaxed)};
}

void Session::Impl::append_max_time(bson::Builder& command) const {
  if (!limits_.deadline.is_set()) return;
  // 0 would mean no limit.
  constexpr std::int64_t kMost = std::numeric_limits<std::int32_t>::max();
  const std::int64_t left = limits_.deadline.remaining().count();
  command.append("maxTimeMS", static_cast<std::int32_t>(std::clamp<std::int64_t>(left, 1, kMost)));
}

bool Session::Impl::open_writes() {
  if (writes_ != nullptr) return true;
  const detail::SessionOptionsPtr options(mongoc_session_opts_new());
  mongoc_session_opts_set_causal_consistency(options.get(), false);
  bson_error_t ignored{};  // the write itself will fail in the same way, and say so
  writes_.reset(mongoc_client_start_session(client(), options.get(), &ignored));
  last_write_ = 0;
  return writes_ != nullptr;
}

void Session::Impl::call_batch(std::string_view database, bson::Builder& builder, Mode mode,
                               const Operation& operation, Reply& reply) {
  Repeat repeat = mode == Mode::kRead ? Repeat::kRead : Repeat::kNo;
  bson_t options = BSON_INITIALIZER;
  if (mode == Mode::kSingleWrite && shared_.retry_writes && open_writes() &&
      mongoc_client_session_append(writes_.get(), &options, nullptr)) {
    builder.append("txnNumber", ++last_write_);
    repeat = Repeat::kNumberedWrite;
  }
  const std::string database_name(database);
  const bson::Document command = builder.finish();
  const detail::Borrowed bson(command);
  persist(operation, repeat, reply, [&](bson_error_t& error, Reply& out) {
    if (mode == Mode::kRead) {
      return mongoc_client_read_command_with_opts(client(), database_name.c_str(), bson, nullptr,
                                                  nullptr, out.reset(), &error);
    }
    return mongoc_client_write_command_with_opts(client(), database_name.c_str(), bson, &options,
                                                 out.reset(), &error);
  });
}

void Session::Impl::call(std::string_view database, bson::Builder& command, Mode mode,
                         const Operation& operation, Reply& reply) {
  call_batch(database, command, mode, operation, reply);
  const bson::Value errors = reply.view()["writeErrors"];
  if (!errors.is_array() || errors.as_document().empty()) return;
  throw to_error(errors.as_document().begin()->value.as_document(), operation);
}

void Session::Impl::refuse_if_late(const Operation& operation, const Attempts& attempts) const {
  if (!limits_.deadline.expired()) return;
  Operation late = operation;
  late.deadline_passed = true;
  late.fate_unknown = attempts.fate_unknown;
  throw make_error(Origin::kNotSent, 0, "the deadline passed before it was sent", bson::View(),
                   late);
}

void Session::Impl::judge(const bson_error_t& error, bson::View reply, const Operation& operation,
                          Deadline give_up, Attempts& attempts) {
  const Origin origin = detail::origin_of(error);
  Repeat& repeat = attempts.repeat;
  // What a session did when its connection broke is not known to be over: a new one for the next.
  const bool lost = origin == Origin::kNetwork && repeat != Repeat::kNumberedWrite;
  if (lost) writes_.reset();
  if (origin == Origin::kNotSent && !give_up.expired()) return;
  Operation failed = operation;
  failed.deadline_passed = limits_.deadline.expired();
  failed.fate_unknown = attempts.fate_unknown;
  const int code = static_cast<int>(error.code);
  const bool worth_it = repeat == Repeat::kRead            ? is_retryable_read(origin, code)
                        : repeat == Repeat::kNumberedWrite ? is_retryable_write(origin, code, reply)
                                                           : false;
  const Error failure = detail::to_error(error, reply, failed);
  if (!worth_it || failed.deadline_passed) throw failure;
  repeat = Repeat::kNo;
  attempts.fate_unknown = operation.is_write && !failure.retryable();
}

}  // namespace gesso::mongo
