// What the operations about plans and payments need beside a database. Owned by whoever serves;
// thread-safe as const data.
#pragma once

#include <vector>

#include "gesso/base/secret.hpp"
#include "gesso/domain/billing_decisions.hpp"
#include "gesso/domain/stripe_calls.hpp"

namespace gesso::api {

struct BillingServices {
  domain::BillingSettings settings = {};
  // REQUIRES: one, where `settings.sells`.
  domain::StripeTransport stripe = {};
  std::vector<Secret> webhook_secrets = {};  // two while one is rolled; none: no event is taken
};

}  // namespace gesso::api
