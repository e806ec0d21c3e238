// Timestamp(0, 0), which a client sends for "now": in the top level of a whole document that it
// inserts or puts in another's place, but not in `_id`.
#pragma once

#include <chrono>
#include <cstdint>

#include "gesso/base/clock.hpp"
#include "gesso/bson/view.hpp"

namespace gesso::localdb {

enum class EmptyTimestamps {
  kReplace,  // by now
  kKeep,     // as `bypassEmptyTsReplacement` asks
};

[[nodiscard]] inline bool is_empty_timestamp(bson::Value value) {
  return value.is(bson::Type::kTimestamp) && value.as_timestamp() == bson::Timestamp{};
}

[[nodiscard]] inline bson::Timestamp timestamp_at(Time time) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(time.time_since_epoch());
  return {.seconds = static_cast<std::uint32_t>(seconds.count()), .increment = 1};
}

}  // namespace gesso::localdb
