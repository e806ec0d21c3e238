// The hold that a charge, or a refund, places until its generation says how it went.
//
// Credits are taken from one document (the user's or the subscription's) and the generation is
// another; no transaction spans both. The update that lowers the credits therefore adds this hold,
// as a card's authorisation does, and the hold is captured once the generation is inserted, or
// released where it never is. A refund places a hold before it is written on the generation, and
// the update that gives the credits back takes the hold away. A sweep resolves the holds that a
// crash left. See domain/charging.hpp.
#pragma once

#include <optional>

#include "gesso/base/clock.hpp"
#include "gesso/models/ids.hpp"
#include "gesso/schema/codec.hpp"
#include "gesso/schema/number.hpp"
#include "gesso/schema/text.hpp"

namespace gesso::models {

// What a hold is resolved by: for a charge the generation's id, or, where several attempts may
// charge for one generation, "charge_..."; for a refund "refund_...".
using ChargeToken = schema::Text<1, 80>;

struct PendingCharge {
  ChargeToken token;
  GenerationId generation_id;
  schema::NonNegative credits;
  Time at;
  std::optional<Time> period_start = {};
  std::optional<schema::NonNegative> allotment = {};

  friend bool operator==(const PendingCharge&, const PendingCharge&) = default;

  static constexpr std::string_view kName = "PendingCharge";
};
GESSO_FIELDS(
    PendingCharge, (token, "Of the charge or the refund; the generation names those that count."),
    (generation_id, "The generation that is being paid for; it may not be stored yet."),
    (credits, "What was taken from this document, or what a refund is to give back to it."),
    (at, "When it was placed; the sweep leaves young holds to those who placed them."),
    (period_start, "The subscription's period that the credits are of; they lapse with it."),
    (allotment, "The subscription's allotment that they are of; they go back to no other."))

// What `pending_charges` is, of a user and of a subscription.
inline constexpr std::string_view kPendingChargesAbout =
    "Holds of charges whose generation may not be stored yet; keeps charging exact across crashes.";

}  // namespace gesso::models
