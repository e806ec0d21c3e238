#include "gesso/mongo/detail/lease.hpp"

#include <algorithm>
#include <limits>

namespace gesso::mongo {

Session::Impl::Impl(detail::Shared& shared) : shared_(shared) {
  limits_.connect_timeout = shared.connect_timeout;
  limits_.open_in_service = &shared.open_connections;
}

void Session::Impl::set_client(mongoc_client_t* client) {
  limits_.client = client;
  if (client != nullptr) detail::limit_streams(limits_);
}

Operation Session::Impl::operation(std::string_view name, std::string_view database,
                                   std::string_view collection, Mode mode) const {
  std::string ns(database);
  if (!collection.empty()) ns.append(".").append(collection);
  return {.name = name,
          .ns = std::move(ns),
          .is_write = mode == Mode::kWrite,
          .dialect = shared_.dialect.load(std::memory_order_relaxed)};
}

void Session::Impl::append_max_time(bson::Builder& command) const {
  if (!limits_.deadline.is_set()) return;
  // 0 would mean no limit.
  constexpr std::int64_t kMost = std::numeric_limits<std::int32_t>::max();
  const std::int64_t left = limits_.deadline.remaining().count();
  command.append("maxTimeMS", static_cast<std::int32_t>(std::clamp<std::int64_t>(left, 1, kMost)));
}

void Session::Impl::call(std::string_view database, bson::View command, Mode mode,
                         Operation operation, Reply& reply) {
  const std::string database_name(database);
  const detail::Borrowed bson(command);
  persist(std::move(operation), mode, reply, [&](bson_error_t& error, Reply& out) {
    switch (mode) {
      case Mode::kRead:
        return mongoc_client_read_command_with_opts(client(), database_name.c_str(), bson, nullptr,
                                                    nullptr, out.reset(), &error);
      case Mode::kWrite:
        return mongoc_client_write_command_with_opts(client(), database_name.c_str(), bson, nullptr,
                                                     out.reset(), &error);
      case Mode::kPlain:
        break;
    }
    return mongoc_client_command_with_opts(client(), database_name.c_str(), bson, nullptr, nullptr,
                                           out.reset(), &error);
  });
}

void Session::Impl::refuse_if_late(const Operation& operation) const {
  if (!limits_.deadline.expired()) return;
  Operation late = operation;
  late.deadline_passed = true;
  throw make_error(Origin::kNotSent, 0, "the deadline passed before it was sent", bson::View(),
                   late);
}

void Session::Impl::judge(const bson_error_t& error, bson::View reply, Operation& operation,
                          Mode mode, Deadline give_up, bool& retried) const {
  const Origin origin = detail::origin_of(error);
  if (origin == Origin::kNotSent && !give_up.expired()) return;
  operation.deadline_passed = limits_.deadline.expired();
  if (mode == Mode::kRead && !retried && !operation.deadline_passed &&
      is_retryable_read(origin, static_cast<int>(error.code))) {
    retried = true;
    return;
  }
  throw detail::to_error(error, reply, operation);
}

}  // namespace gesso::mongo
