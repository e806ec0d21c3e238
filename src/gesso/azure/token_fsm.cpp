#include "gesso/azure/token_fsm.hpp"

namespace gesso::azure {
namespace {

using Millis = std::chrono::milliseconds;

Millis scaled(Millis duration, double factor) {
  return std::chrono::duration_cast<Millis>(duration * factor);
}

}  // namespace

void TokenFsm::fetched(Moment now, Millis life, Millis refresh_after, double jitter) {
  // No life is longer than ten years: sums stay in range.
  life = std::clamp(life, Millis{0}, Millis{std::chrono::years{10}});
  refresh_after = std::clamp(refresh_after, Millis{0}, life);
  in_flight_ = false;
  held_ = true;
  failures_ = 0;
  if (replacing_) settled_ = now + options_.fresh_cooldown;
  replacing_ = false;
  not_before_ = now;
  const Millis served = life - std::min(options_.margin, life / 4);
  serve_until_ = now + served;
  refresh_at_ = now + std::max(refresh_after + scaled(life - refresh_after, 0.1 * jitter),
                               std::min(options_.refresh_min, served));
}

void TokenFsm::failed(Moment now, double jitter) {
  in_flight_ = false;
  replacing_ = false;
  Millis wait = options_.retry_min;
  for (int i = 0; i < failures_ && wait < options_.retry_max; ++i) wait *= 2;
  ++failures_;
  not_before_ = now + scaled(std::min(wait, options_.retry_max), 0.8 + 0.5 * jitter);
}

}  // namespace gesso::azure
