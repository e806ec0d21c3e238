#include "gesso/mongo/request_charge.hpp"

namespace gesso::mongo {

std::optional<CommandCharge> read_charge(bson::View reply) {
  const bson::Value units = reply["RequestCharge"];
  if (!units.is_number() || !(units.number() >= 0)) return std::nullopt;
  CommandCharge charge{.request_units = units.number()};
  // In answers since 2023; absent from those of before.
  const bson::Value delay = reply["EstimatedDelayFromRateLimitingInMilliseconds"];
  if (const auto milliseconds = delay.integer()) {
    charge.delayed = std::chrono::milliseconds{*milliseconds};
  }
  return charge;
}

}  // namespace gesso::mongo
