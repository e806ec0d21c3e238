#include "gesso/mongo/detail/lease.hpp"

#include <algorithm>
#include <limits>
#include <utility>

namespace gesso::mongo {
namespace {

// The throttled statement of a write of which nothing was done for want of capacity, and nothing
// failed for another reason.
std::optional<bson::View> throttled_write(bson::View reply) {
  const bson::Value errors = reply["writeErrors"];
  if (!errors.is_array() || reply["n"].integer().value_or(0) != 0) return std::nullopt;
  std::optional<bson::View> first;
  for (const bson::Element& element : errors.as_document()) {
    const bson::View one = element.value.as_document();
    if (!is_throttled(one)) return std::nullopt;
    if (!first) first = one;
  }
  return first;
}

// Empty for a command of none.
std::string_view collection_of(const Operation& operation) {
  const std::size_t dot = operation.ns.find('.');
  return dot == std::string::npos ? std::string_view()
                                  : std::string_view(operation.ns).substr(dot + 1);
}

// How many documents a command changed, where it says so; else the one thing that it did, if it was
// not refused. The `n` of a count is its answer.
std::size_t documents_of(const Operation& operation, bson::View reply, bool refused) {
  const std::int64_t otherwise = refused ? 0 : 1;
  const bool changes =
      operation.name == "insert" || operation.name == "update" || operation.name == "delete";
  if (!changes) return static_cast<std::size_t>(otherwise);
  return static_cast<std::size_t>(std::max(otherwise, reply["n"].integer().value_or(otherwise)));
}

// Makes an error of a throttled write, as the server makes one of a throttled read.
bool fail_if_throttled(bson::View reply, bson_error_t& error) {
  const auto throttled = throttled_write(reply);
  if (!throttled) return true;
  const bson::Value said = (*throttled)["errmsg"];
  bson_set_error(&error, MONGOC_ERROR_SERVER, kThrottledCode, "%s",
                 said.is_string() ? std::string(said.as_string()).c_str() : "");
  return false;
}

}  // namespace

Session::Impl::Impl(detail::Shared& shared) : Impl(shared, shared.current()) { pinned_ = false; }

Session::Impl::Impl(detail::Shared& shared, std::shared_ptr<detail::Endpoint> endpoint)
    : shared_(shared), pinned_(true) {
  adopt(std::move(endpoint));
}

void Session::Impl::adopt(std::shared_ptr<detail::Endpoint> endpoint) {
  client_ = std::make_unique<detail::Client>(std::move(endpoint), shared_);
  client_->limits().deadline = deadline_;
}

void Session::Impl::begin(Deadline deadline, Priority priority) {
  deadline_ = deadline;
  priority_ = priority;
  charge_ = {};
  left_.clear();
  if (!pinned_ && endpoint().pool_number != shared_.pool_number()) close();
  client_->limits().deadline = deadline;
  measured_ = traits().tells_request_charge && shared_.charge_sampling > 0 &&
              shared_.random->uniform() < shared_.charge_sampling;
}

void Session::Impl::close() {
  client_.reset();
  adopt(shared_.current());
}

Operation Session::Impl::operation(std::string_view name, std::string_view database,
                                   std::string_view collection, Mode mode) const {
  std::string ns(database);
  if (!collection.empty()) ns.append(".").append(collection);
  return {.name = name,
          .ns = std::move(ns),
          .is_write = mode != Mode::kRead,
          .dialect = traits().dialect};
}

void Session::Impl::append_max_time(bson::Builder& command) const {
  if (!deadline_.is_set()) return;
  // 0 would mean no limit.
  constexpr std::int64_t kMost = std::numeric_limits<std::int32_t>::max();
  const std::int64_t left = deadline_.remaining().count();
  command.append("maxTimeMS", static_cast<std::int32_t>(std::clamp<std::int64_t>(left, 1, kMost)));
}

void Session::Impl::call_batch(std::string_view database, bson::Builder& builder, Mode mode,
                               const Operation& operation, Reply& reply) {
  send(database, builder, mode, operation, WriteErrors::kReport, reply);
}

void Session::Impl::send(std::string_view database, bson::Builder& builder, Mode mode,
                         const Operation& operation, WriteErrors errors, Reply& reply) {
  const bool throws_throttled = mode != Mode::kRead && errors == WriteErrors::kThrow;
  if (client_->local() == nullptr) {
    return send_by_driver(database, builder, mode, operation, throws_throttled, reply);
  }
  const bson::Document command = builder.finish();
  persist(operation, mode == Mode::kRead ? Repeat::kRead : Repeat::kNo, reply,
          [&](bson_error_t& error, Reply& out) {
            return client_->local()->run(database, command, out, error) &&
                   (!throws_throttled || fail_if_throttled(out.view(), error));
          });
}

void Session::Impl::send_by_driver(std::string_view database, bson::Builder& builder, Mode mode,
                                   const Operation& operation, bool throws_throttled,
                                   Reply& reply) {
  Repeat repeat = mode == Mode::kRead ? Repeat::kRead : Repeat::kNo;
  bson_t options = BSON_INITIALIZER;
  // A number is one of a session's, and a session one of a client's.
  detail::Client* numbered_by = nullptr;
  if (mode == Mode::kSingleWrite && endpoint().retry_writes &&
      client_->append_write_session(options)) {
    builder.append("txnNumber", ++last_write_);
    numbered_by = client_.get();
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
    if (numbered_by != nullptr && numbered_by != client_.get()) {
      bson_reinit(&options);
      (void)client_->append_write_session(options);
      numbered_by = client_.get();
    }
    if (!mongoc_client_write_command_with_opts(client(), database_name.c_str(), bson, &options,
                                               out.reset(), &error)) {
      return false;
    }
    return !throws_throttled || fail_if_throttled(out.view(), error);
  });
}

void Session::Impl::call(std::string_view database, bson::Builder& command, Mode mode,
                         const Operation& operation, Reply& reply) {
  send(database, command, mode, operation, WriteErrors::kThrow, reply);
  const bson::Value errors = reply.view()["writeErrors"];
  if (!errors.is_array() || errors.as_document().empty()) return;
  Operation failed = operation;
  // Some documents of a statement about many may have been changed before the rest was refused.
  failed.fate_unknown = reply.view()["n"].integer().value_or(0) != 0;
  throw to_error(errors.as_document().begin()->value.as_document(), failed);
}

bool Session::Impl::wait_for_capacity(std::string_view message, Deadline end,
                                      ThrottleFsm& throttle) const {
  const ThrottleFsm::Action action =
      throttle.refused(retry_after(message), end.remaining(), shared_.random->uniform());
  return action.kind == ThrottleFsm::Action::Kind::kWait && !shared_.stop.wait_for(action.wait);
}

double Session::Impl::await_capacity(const Operation& operation) const {
  if (!shared_.limiter.is_shaping()) return 0;
  const Deadline patience = Deadline::after(kBackgroundPatience);
  for (;;) {
    const bool yields = priority_ == Priority::kBackground && !patience.expired();
    const auto admission = shared_.limiter.admit(
        collection_of(operation), yields ? Priority::kBackground : Priority::kForeground);
    if (admission.wait.count() == 0) return admission.reserved;
    const auto wait = std::chrono::ceil<std::chrono::milliseconds>(admission.wait);
    // Whoever has no time to wait may be lucky, and else is told by the server.
    if (deadline_.remaining() <= wait || shared_.stop.wait_for(wait)) return 0;
  }
}

void Session::Impl::account(const Operation& operation, Reply* answer, double reserved) {
  if (!traits().tells_request_charge) return;
  CommandCharge charge{.operation = operation.name, .collection = collection_of(operation)};
  if (answer == nullptr || answer->view().empty()) {
    return shared_.limiter.release(charge.collection, reserved);
  }
  const std::optional<detail::Refusal> refused = detail::refusal_of(answer->view());
  const std::size_t documents = documents_of(operation, answer->view(), refused.has_value());
  std::optional<CommandCharge> said;
  if (measured_) {
    answer->own();  // the question takes the place of a reply that is borrowed
    said = ask_charge();
  }
  if (said) {
    charge.request_units = said->request_units;
    charge.delayed = said->delayed;
    charge.weight = 1 / shared_.charge_sampling;
    charge_.request_units += charge.request_units;
    charge_.delayed += charge.delayed;
    ++charge_.commands;
    if (shared_.observe_charge) shared_.observe_charge(charge);
  }
  shared_.limiter.charged(charge, said.has_value(), documents, refused, priority_, reserved);
}

std::optional<CommandCharge> Session::Impl::ask_charge() {
  const bson::Document command = bson::make_document("getLastRequestStatistics", 1);
  Reply reply;
  bson_error_t ignored{};  // what was asked about is done; its charge is then not known
  const bool told = client_->local() != nullptr
                        ? client_->local()->run(shared_.database, command, reply, ignored)
                        : mongoc_client_read_command_with_opts(client(), shared_.database.c_str(),
                                                               detail::Borrowed(command), nullptr,
                                                               nullptr, reply.reset(), &ignored);
  return told ? read_charge(reply.view()) : std::nullopt;
}

std::optional<RequestCharge> Session::Impl::request_charge() const {
  if (!measured_) return std::nullopt;
  return charge_;
}

Deadline Session::Impl::give_up() const {
  return Deadline::after(shared_.server_selection_timeout).earlier_of(deadline_);
}

void Session::Impl::refuse_if_late(const Operation& operation, const Attempts& attempts) const {
  if (!deadline_.expired()) return;
  Operation late = operation;
  late.deadline_passed = true;
  late.fate_unknown = attempts.fate_unknown;
  throw make_error(Origin::kNotSent, 0, "the deadline passed before it was sent", bson::View(),
                   late);
}

bool Session::Impl::log_in(bson_error_t& error) {
  const std::optional<TokenLogin>& wanted = endpoint().uri.token_login;
  if (!wanted || is_local()) return true;
  const Time now = shared_.clock->now();
  if (!client_->login().is_due(client_->limits(), now)) return true;
  return client_->login().run(client_->limits(), *wanted, shared_.login_token, now, error);
}

bool Session::Impl::renew(Attempts& attempts) {
  // A write that may have been done must not be done again under another session's number.
  if (pinned_ || !shared_.renew_credentials || attempts.fate_unknown) return false;
  // However often the credentials change while the unit has time: each pool was accepted once.
  if (deadline_.expired()) return false;
  const std::uint64_t refused = client_->endpoint().pool_number;
  if (shared_.pool_number() == refused && !shared_.renew_credentials(refused, deadline_))
    return false;
  if (shared_.pool_number() == refused) return false;
  left_.push_back(std::move(client_));
  adopt(shared_.current());
  attempts.give_up = give_up();
  return true;
}

void Session::Impl::judge(const bson_error_t& error, bson::View reply, const Operation& operation,
                          Attempts& attempts) {
  const Origin origin = detail::origin_of(error);
  Repeat& repeat = attempts.repeat;
  // What a session did when its connection broke is not known to be over: a new one for the next.
  const bool lost = origin == Origin::kNetwork && repeat != Repeat::kNumberedWrite;
  if (lost) client_->drop_write_session();
  const int code = static_cast<int>(error.code);
  if (repeat == Repeat::kNever && refuses_credentials(origin, code, error.message)) {
    client_->login().refused(code);  // for the next command
  }
  if (repeat != Repeat::kNever) {
    if (origin == Origin::kNotSent && !attempts.give_up.expired()) return;
    if (refuses_credentials(origin, code, error.message)) {
      if (endpoint().uri.token_login && attempts.logins++ == 0) {
        client_->login().refused(code);
        return;
      }
      if (renew(attempts)) return;
    }
    if (origin == Origin::kServer && is_throttled(code, error.message) &&
        wait_for_capacity(error.message, deadline_.is_set() ? deadline_ : attempts.give_up,
                          attempts.throttle)) {
      return;
    }
  }
  Operation failed = operation;
  failed.deadline_passed = deadline_.expired();
  failed.fate_unknown = attempts.fate_unknown;
  const bool worth_it = repeat == Repeat::kRead            ? is_retryable_read(origin, code)
                        : repeat == Repeat::kNumberedWrite ? is_retryable_write(origin, code, reply)
                                                           : false;
  const Error failure = detail::to_error(error, reply, failed);
  if (!worth_it || failed.deadline_passed) throw failure;
  repeat = Repeat::kNo;
  attempts.fate_unknown = operation.is_write && !failure.retryable();
}

}  // namespace gesso::mongo
