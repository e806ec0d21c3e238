#include "gesso/localdb/engine/object_id.hpp"

#include <algorithm>

namespace gesso::localdb {

ObjectIdGenerator::ObjectIdGenerator(const Clock& clock, Random& random) : clock_(clock) {
  random.fill(process_);
  std::array<std::uint8_t, 3> start{};
  random.fill(start);
  counter_ = static_cast<std::uint32_t>(start[0] << 16 | start[1] << 8 | start[2]);
}

bson::ObjectId ObjectIdGenerator::next() {
  const auto seconds = static_cast<std::uint32_t>(
      std::chrono::floor<std::chrono::seconds>(clock_.now()).time_since_epoch().count());
  const std::uint32_t count = counter_.fetch_add(1, std::memory_order_relaxed);
  bson::ObjectId id;
  for (std::size_t i = 0; i < 4; ++i) {
    id.bytes[i] = static_cast<std::uint8_t>(seconds >> (24 - 8 * i));
  }
  std::ranges::copy(process_, id.bytes.begin() + 4);
  for (std::size_t i = 0; i < 3; ++i) {
    id.bytes[9 + i] = static_cast<std::uint8_t>(count >> (16 - 8 * i));
  }
  return id;
}

}  // namespace gesso::localdb
