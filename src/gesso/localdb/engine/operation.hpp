// The commands that are being run, as others see them: currentOp lists them, killOp and its kin end
// them.
//
// An Operation belongs to the thread that runs its command, and is in the list from its
// construction to its destruction. The list is thread-safe; nothing here blocks for long. An
// operation that is told to stop does so when its meter next looks, within some milliseconds of any
// work.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "gesso/base/deadline.hpp"
#include "gesso/base/meter.hpp"
#include "gesso/bson/view.hpp"
#include "gesso/localdb/engine/auth/user.hpp"

namespace gesso::localdb {

struct Client;

using SessionId = std::array<std::uint8_t, 16>;

// `lsid.id` of a command, where there is one.
[[nodiscard]] std::optional<SessionId> session_of(bson::View body);

enum class StopReason : int { kNone, kKilled, kCursorKilled, kClientGone };

class Operations;

class Operation {
  using SteadyClock = std::chrono::steady_clock;

  Operations& list_;
  std::int32_t id_;
  const Client& client_;
  // As they were at the beginning: a log-in changes the client's while others look.
  auth::UserPtr user_;
  std::string app_name_;
  std::string_view command_;
  std::string_view db_;
  bson::View body_;
  SteadyClock::time_point started_ = SteadyClock::now();
  SteadyClock::time_point next_look_at_client_;
  std::atomic<StopReason> stop_ = StopReason::kNone;
  std::atomic<std::int64_t> cursor_ = 0;
  Meter meter_;
  Operation* next_ = nullptr;  // in the list, which guards both
  Operation* previous_ = nullptr;
  friend class Operations;

 public:
  // Time out of which the command must end. Set by its own thread.
  Deadline deadline = {};

  // Borrows all of these; they live as long as it does.
  Operation(Operations& list, const Client& client, std::string_view command, std::string_view db,
            bson::View body);
  Operation(const Operation&) = delete;
  Operation& operator=(const Operation&) = delete;
  ~Operation();

  [[nodiscard]] std::int32_t id() const noexcept { return id_; }
  [[nodiscard]] Meter& meter() noexcept { return meter_; }
  // The cursor that it takes documents from; 0 for none.
  void set_cursor(std::int64_t id) noexcept { cursor_.store(id, std::memory_order_relaxed); }
  void stop(StopReason reason) noexcept { stop_.store(reason, std::memory_order_relaxed); }

  // Throws CommandError when the command must end: 50 past its deadline, 237 for a killed cursor,
  // 279 where the client has gone, 11600 at shutdown, 11601 when it was killed.
  void check();
  // What currentOp shows. Of another thread's operation: within `Operations::for_each` only.
  [[nodiscard]] bson::Document describe() const;
  [[nodiscard]] std::int64_t cursor() const noexcept {
    return cursor_.load(std::memory_order_relaxed);
  }
  [[nodiscard]] std::optional<SessionId> session() const { return session_of(body_); }
  // Who runs it; "" where nobody is logged in.
  [[nodiscard]] std::string user() const { return user_ ? user_->id() : std::string(); }
};

class Operations {
  const std::atomic<bool>& stopping_;
  std::atomic<std::int32_t> next_id_ = 1;
  mutable std::mutex mutex_;  // guards the list
  Operation* first_ = nullptr;
  friend class Operation;

 public:
  // All operations end soon after `stopping` is true.
  explicit Operations(const std::atomic<bool>& stopping) : stopping_(stopping) {}

  // None of them ends meanwhile: let `visit` be short.
  template <class Visit>
  void for_each(Visit visit) const {
    const std::lock_guard lock(mutex_);
    for (Operation* operation = first_; operation != nullptr; operation = operation->next_) {
      visit(*operation);
    }
  }
  // Tells those to stop of which `wanted(operation)` is true; how many they were.
  template <class Wanted>
  std::size_t stop(StopReason reason, Wanted wanted) const {
    std::size_t count = 0;
    for_each([&](Operation& operation) {
      if (!wanted(operation)) return;
      operation.stop(reason);
      ++count;
    });
    return count;
  }
};

}  // namespace gesso::localdb
