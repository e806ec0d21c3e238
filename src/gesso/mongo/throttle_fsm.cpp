#include "gesso/mongo/throttle_fsm.hpp"

#include <algorithm>
#include <cstdint>

namespace gesso::mongo {

using std::chrono::milliseconds;

ThrottleFsm::Action ThrottleFsm::refused(std::optional<milliseconds> retry_after, milliseconds left,
                                         double jitter) {
  milliseconds least = options_.wait_min;
  for (int i = 0; i < refusals_ && least < options_.wait_max; ++i) least *= 2;
  ++refusals_;
  least = std::min(least, options_.wait_max);
  const milliseconds asked = std::max(retry_after.value_or(options_.wait_min), least);
  if (asked >= left) return {.kind = Action::Kind::kGiveUp};
  const milliseconds longer{
      static_cast<std::int64_t>(static_cast<double>(asked.count()) * jitter / 4)};
  return {.kind = Action::Kind::kWait, .wait = std::min(asked + longer, left)};
}

}  // namespace gesso::mongo
