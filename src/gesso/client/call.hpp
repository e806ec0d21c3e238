// How long a call may take, and what ends it before: passed down by every call of this room.
#pragma once

#include <chrono>
#include <stop_token>
#include <string_view>

#include "gesso/base/deadline.hpp"

namespace gesso::client {

// A value. A call that it ends throws Error: kTimeout for the deadline, kUnavailable for the stop;
// a wait between two attempts ends at once for either.
struct Call {
  Deadline deadline = {};
  std::stop_token stop = {};

  [[nodiscard]] bool ended() const { return stop.stop_requested() || deadline.expired(); }
};

// Throws where the call has ended; `doing` completes "stopped while ...".
void check(const Call& call, std::string_view doing);

// Blocks for so long, unless the call ends before: then throws at once.
void wait(std::chrono::milliseconds duration, const Call& call, std::string_view doing);

}  // namespace gesso::client
