// Credits that an administrator gives to a user. Value types.
//
// A grant is an entry of the user's usage log, and an addition to the user's balance: two documents
// that no transaction spans. An attempt therefore places a `PendingGrant` in the user's document
// first; the entry, of which there is one, names the attempt that counts; the update that takes the
// pending grant away adds its credits. See domain/credit_grants.hpp.
#pragma once

#include <string_view>

#include "gesso/base/clock.hpp"
#include "gesso/models/credit_operation.hpp"
#include "gesso/models/ids.hpp"
#include "gesso/models/pending_charge.hpp"
#include "gesso/schema/codec.hpp"
#include "gesso/schema/number.hpp"

namespace gesso::models {

using GrantedCredits = schema::Integer<1, 1'000'000>;

struct CreditGrant {
  GrantedCredits credits;
  CreditReason reason;
  UserId granted_by;

  friend bool operator==(const CreditGrant&, const CreditGrant&) = default;

  static constexpr std::string_view kName = "CreditGrant";
};
GESSO_FIELDS(CreditGrant, (credits, "How many were added to the balance."),
             (reason, "Why, in the administrator's words."), (granted_by, "Which administrator."))

struct PendingGrant {
  ChargeToken token;
  UsageLogId log_id;
  CreditGrant grant;
  Time at;

  friend bool operator==(const PendingGrant&, const PendingGrant&) = default;

  static constexpr std::string_view kName = "PendingGrant";
};
GESSO_FIELDS(PendingGrant, (token, "Of the attempt; the log's entry names the one that counts."),
             (log_id, "The entry of the usage log that is this grant; it may not be stored yet."),
             (grant, "What is to be granted."), (at, "When the attempt began."))

}  // namespace gesso::models
