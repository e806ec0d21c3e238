#include "gesso/localdb/engine/operation.hpp"

#include <algorithm>

#include "gesso/bson/builder.hpp"
#include "gesso/localdb/engine/context.hpp"
#include "gesso/localdb/language/command_error.hpp"

namespace gesso::localdb {
namespace {

constexpr auto kBetweenLooksAtClient = std::chrono::milliseconds{20};
// A command that is larger than this is shown by its name only, as MongoDB truncates it.
constexpr std::size_t kShownBytes = 16 * 1024;

// Credentials go through these.
bool is_secret(std::string_view command) {
  return command.starts_with("sasl") || command == "createUser" || command == "updateUser" ||
         command == "hello" || command == "isMaster" || command == "ismaster";
}

std::string_view kind_of(std::string_view command) {
  if (command == "find" || command == "count" || command == "distinct") return "query";
  if (command == "getMore") return "getmore";
  if (command == "insert" || command == "update") return command;
  if (command == "delete") return "remove";
  return "command";
}

}  // namespace

std::optional<SessionId> session_of(bson::View body) {
  const bson::Value session = body["lsid"];
  if (!session.is_document()) return std::nullopt;
  const bson::Value id = session.as_document()["id"];
  if (!id.is(bson::Type::kBinary)) return std::nullopt;
  const auto bytes = id.as_binary().bytes;
  SessionId found{};
  if (bytes.size() != found.size()) return std::nullopt;
  std::ranges::copy(bytes, found.begin());
  return found;
}

Operation::Operation(Operations& list, const Client& client, std::string_view command,
                     std::string_view db, bson::View body)
    : list_(list),
      id_(list.next_id_.fetch_add(1, std::memory_order_relaxed)),
      client_(client),
      user_(client.user),
      app_name_(client.app_name),
      command_(command),
      db_(db),
      body_(body),
      next_look_at_client_(started_ + kBetweenLooksAtClient),
      meter_([this] { check(); }) {
  const std::lock_guard lock(list_.mutex_);
  next_ = list_.first_;
  if (next_ != nullptr) next_->previous_ = this;
  list_.first_ = this;
}

Operation::~Operation() {
  const std::lock_guard lock(list_.mutex_);
  if (next_ != nullptr) next_->previous_ = previous_;
  (previous_ != nullptr ? previous_->next_ : list_.first_) = next_;
}

void Operation::check() {
  if (list_.stopping_.load(std::memory_order_relaxed)) {
    throw CommandError(ErrorCode::kInterruptedAtShutdown, "interrupted at shutdown");
  }
  switch (stop_.load(std::memory_order_relaxed)) {
    case StopReason::kNone:
      break;
    case StopReason::kKilled:
      throw CommandError(ErrorCode::kInterrupted, "operation was interrupted");
    case StopReason::kCursorKilled:
      throw CommandError(ErrorCode::kCursorKilled, "the cursor was killed");
    case StopReason::kClientGone:
      throw CommandError(ErrorCode::kClientDisconnect, "the client has gone");
  }
  if (deadline.expired()) {
    throw CommandError(ErrorCode::kMaxTimeMsExpired, "operation exceeded time limit");
  }
  if (!client_.is_gone) return;
  const auto now = SteadyClock::now();
  if (now < next_look_at_client_) return;
  next_look_at_client_ = now + kBetweenLooksAtClient;
  if (client_.is_gone()) stop(StopReason::kClientGone);
}

bson::Document Operation::describe() const {
  const auto running =
      std::chrono::duration_cast<std::chrono::microseconds>(SteadyClock::now() - started_);
  bson::Builder out;
  out.append("type", "op");
  out.append("desc", "conn" + std::to_string(client_.id));
  out.append("connectionId", client_.id);
  out.append("client", client_.peer);
  if (!app_name_.empty()) out.append("appName", app_name_);
  if (user_) {
    out.append("effectiveUsers",
               bson::make_array(bson::make_document("user", user_->name, "db", user_->db)));
  }
  out.append("active", true);
  out.append("opid", id_);
  if (const bson::Value session = body_["lsid"]) out.append("lsid", session);
  out.append("secs_running", std::int64_t{running.count() / 1'000'000});
  out.append("microsecs_running", std::int64_t{running.count()});
  out.append("op", kind_of(command_));
  const bson::Value target = body_.empty() ? bson::Value() : body_.begin()->value;
  const bson::Value collection = command_ == "getMore" ? body_["collection"] : target;
  out.append("ns", std::string(db_) + "." +
                       (collection.is_string() ? std::string(collection.as_string()) : "$cmd"));
  if (is_secret(command_) || body_.size() > kShownBytes) {
    out.append("command", bson::make_document(command_, "...", "$db", db_));
  } else {
    out.append("command", body_);
  }
  if (cursor() != 0) out.append("cursor", bson::make_document("cursorId", cursor()));
  out.append("killPending", stop_.load(std::memory_order_relaxed) != StopReason::kNone);
  // In bytes of work: what a command has to do is not known before it has done it.
  out.append("progress", bson::make_document("work", static_cast<std::int64_t>(meter_.work())));
  return out.finish();
}

}  // namespace gesso::localdb
