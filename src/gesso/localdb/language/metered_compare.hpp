// `bson::compare` on the account of the command that runs: for loops and sorts over what a client
// sent.
#pragma once

#include <algorithm>

#include "gesso/base/meter.hpp"
#include "gesso/bson/compare.hpp"
#include "gesso/bson/view.hpp"

namespace gesso::localdb {

// Throws what the thread's meter throws.
[[nodiscard]] inline int metered_compare(bson::Value left, bson::Value right) {
  charge(Meter::kStep + std::min(left.raw().size(), right.raw().size()));
  return bson::compare(left, right);
}

}  // namespace gesso::localdb
