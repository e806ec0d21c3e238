// Makes ObjectIds for documents that come without an `_id`: seconds, a random part of the process,
// a counter (https://www.mongodb.com/docs/manual/reference/bson-types/#objectid). Thread-safe.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>

#include "gesso/base/clock.hpp"
#include "gesso/base/random.hpp"
#include "gesso/bson/types.hpp"

namespace gesso::localdb {

class ObjectIdGenerator {
  const Clock& clock_;
  std::array<std::uint8_t, 5> process_{};
  std::atomic<std::uint32_t> counter_ = 0;

 public:
  ObjectIdGenerator(const Clock& clock, Random& random);

  [[nodiscard]] bson::ObjectId next();
};

}  // namespace gesso::localdb
