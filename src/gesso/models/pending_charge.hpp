// The mark that a charge, or a refund, leaves until its generation says how it went.
//
// Credits are taken from one document (the user's or the subscription's) and the generation is
// another; no transaction spans both. The update that lowers the credits therefore adds this mark,
// and the mark goes once the generation is inserted. A refund is marked before it is decided on the
// generation, and the update that gives the credits back takes the mark away. A sweep settles the
// marks that a crash left. See repositories/charging.hpp.
#pragma once

#include "gesso/base/clock.hpp"
#include "gesso/models/ids.hpp"
#include "gesso/schema/codec.hpp"
#include "gesso/schema/number.hpp"
#include "gesso/schema/text.hpp"

namespace gesso::models {

// What settles a mark: the generation's id for a charge, an id of its own for a refund.
using ChargeToken = schema::Text<1, 80>;

struct PendingCharge {
  ChargeToken token;
  GenerationId generation_id;
  schema::NonNegative credits;
  Time at;

  friend bool operator==(const PendingCharge&, const PendingCharge&) = default;

  static constexpr std::string_view kName = "PendingCharge";
};
GESSO_FIELDS(PendingCharge,
             (token, "The generation's id for a charge, an id of its own for a refund."),
             (generation_id, "The generation that is being paid for; it may not stand yet."),
             (credits, "What was taken from this document, or what is to come back to it."),
             (at, "When; the sweep leaves young marks to those who made them."))

}  // namespace gesso::models
