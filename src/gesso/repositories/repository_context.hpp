// What every repository takes from outside, so that a test can choose it.
//
// Borrows: all of it must outlive the repositories. Thread-safe, as its parts are.
#pragma once

#include <atomic>
#include <cstdint>

#include "gesso/base/clock.hpp"
#include "gesso/base/id.hpp"
#include "gesso/base/random.hpp"
#include "gesso/models/password_hashing.hpp"
#include "gesso/repositories/credit_counters.hpp"

namespace gesso::repositories {

struct RepositoryContext {
  const Clock& clock;
  Random& random;
  IdGenerator& ids;
  unsigned bcrypt_cost = models::kBcryptCost;  // 4 in tests
  CreditCounters* credits = nullptr;           // is told what moves; none: nobody is

  // Adds credits that have moved to one of the counters.
  void count(std::atomic<std::uint64_t> CreditCounters::*counter, std::int64_t moved) const {
    if (credits != nullptr && moved > 0) credits->*counter += static_cast<std::uint64_t>(moved);
  }
};

}  // namespace gesso::repositories
