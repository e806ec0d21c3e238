// How long a call may take, and what ends it before: passed down by every call of this room.
#pragma once

#include <stop_token>

#include "gesso/base/deadline.hpp"

namespace gesso::azure {

// A value. A call that it ends throws Error: kTimeout for the deadline, kUnavailable for the stop;
// a wait between two attempts ends at once for either.
struct Call {
  Deadline deadline = {};
  std::stop_token stop = {};
};

}  // namespace gesso::azure
