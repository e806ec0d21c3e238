// What every repository takes from outside, so that a test can choose it.
//
// Borrows: all of it must outlive the repositories. Thread-safe, as its parts are.
#pragma once

#include "gesso/base/clock.hpp"
#include "gesso/base/id.hpp"
#include "gesso/base/random.hpp"
#include "gesso/models/password_hashing.hpp"

namespace gesso::repositories {

struct RepositoryContext {
  const Clock& clock;
  Random& random;
  IdGenerator& ids;
  unsigned bcrypt_cost = models::kBcryptCost;  // 4 in tests
};

}  // namespace gesso::repositories
