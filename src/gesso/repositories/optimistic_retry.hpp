// Paces whoever reads a document, decides, and writes on condition that nobody wrote meanwhile:
//
//   for (OptimisticRetry retry = users.optimistic_retry(); retry.next();) {
//     const auto seen = ...;
//     if (users.change_one(... as seen ..., changes)) return;
//   }
//   throw ...;  // the unit's time is over
//
// Whoever lost twice waits a moment of random length, longer each time, so that of many rivals each
// comes through. It ends with the unit's deadline, and not before the first attempt.
//
// A value of one thread. Borrows the randomness.
#pragma once

#include "gesso/base/deadline.hpp"
#include "gesso/base/random.hpp"

namespace gesso::repositories {

class OptimisticRetry {
  Random* random_;
  Deadline deadline_;
  int attempts_ = 0;

 public:
  OptimisticRetry(Random& random, Deadline deadline) : random_(&random), deadline_(deadline) {}

  // Whether to try (again). Blocks while it waits, 32 ms at most.
  [[nodiscard]] bool next();
};

}  // namespace gesso::repositories
