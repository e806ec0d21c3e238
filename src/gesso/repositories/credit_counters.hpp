// How many credits this process has moved since it began, for metrics.
//
// Thread-safe; never blocks. What another process finishes (a sweep after a crash) is counted
// there, so that the sums over all processes are whole.
#pragma once

#include <atomic>
#include <cstdint>

namespace gesso::repositories {

struct CreditCounters {
  std::atomic<std::uint64_t> granted = 0;   // to new users, by credit periods, and by hand
  std::atomic<std::uint64_t> held = 0;      // by charges
  std::atomic<std::uint64_t> captured = 0;  // of those, whose generation was stored
  std::atomic<std::uint64_t> released = 0;  // of those, given back: the charge came to nothing
  std::atomic<std::uint64_t> refunded = 0;  // of generations that failed or were cancelled
};

}  // namespace gesso::repositories
