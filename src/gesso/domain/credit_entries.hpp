// What the usage log says of credits: an entry for each charge, and a counter-entry for each
// refund. Their sum is what was spent.
//
// The id of an entry follows from what it is about, so that it may be written again after a crash
// and is there once: a charge's before its hold is captured (holds.hpp), a refund's before the mark
// that it is due is taken off the generation (charging.hpp). Each has the moment of what it tells,
// however late it is written. Pure functions.
#pragma once

#include "gesso/models/generation.hpp"
#include "gesso/models/usage_log.hpp"

namespace gesso::domain {

[[nodiscard]] models::UsageLog charge_entry(const models::Generation& generation);
// REQUIRES: the generation was refunded.
[[nodiscard]] models::UsageLog refund_entry(const models::Generation& generation);

}  // namespace gesso::domain
