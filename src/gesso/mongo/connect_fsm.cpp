#include "gesso/mongo/connect_fsm.hpp"

#include <algorithm>

namespace gesso::mongo {

ConnectFsm::Action ConnectFsm::resume(Event event, double jitter) {
  using Kind = Action::Kind;
  switch (event) {
    case Event::kStart:
    case Event::kWaited:
      return {.kind = Kind::kTry};
    case Event::kConnected:
      return {.kind = Kind::kConnected};
    case Event::kRefused:
    case Event::kStopped:
      return {.kind = Kind::kGiveUp};
    case Event::kFailed:
      break;
  }
  if (++failures_ >= options_.attempts) return {.kind = Kind::kGiveUp};
  std::chrono::duration<double, std::milli> wait = options_.wait_min;
  for (int i = 1; i < failures_ && wait < options_.wait_max; ++i) wait *= 2;
  wait *= 1 + jitter / 2;
  return {.kind = Kind::kWait,
          .wait = std::min(options_.wait_max,
                           std::chrono::duration_cast<std::chrono::milliseconds>(wait))};
}

}  // namespace gesso::mongo
