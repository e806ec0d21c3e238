// The mark that a charge leaves until its generation stands.
//
// Credits are taken from one document (the user's or the subscription's) and the generation is
// another; no transaction spans both. The update that lowers the credits therefore adds this mark,
// and the mark goes once the generation is inserted. A sweep finds marks that a crash left and
// either clears or refunds them.
#pragma once

#include "gesso/base/clock.hpp"
#include "gesso/models/ids.hpp"
#include "gesso/schema/codec.hpp"
#include "gesso/schema/number.hpp"

namespace gesso::models {

struct PendingCharge {
  GenerationId generation_id;
  schema::NonNegative credits;
  Time at;

  friend bool operator==(const PendingCharge&, const PendingCharge&) = default;

  static constexpr std::string_view kName = "PendingCharge";
  static constexpr schema::Field kFields[] = {
      {"generation_id", "The generation that is being paid for; it may not stand yet."},
      {"credits", "What was taken from this document."},
      {"at", "When; the sweep leaves young marks to those who made them."},
  };
};
BOOST_DESCRIBE_STRUCT(PendingCharge, (), (generation_id, credits, at))

}  // namespace gesso::models
