// Billing from the settings.
#pragma once

#include "gesso/api/billing_services.hpp"
#include "gesso/cli/settings.hpp"

namespace gesso::cli {

// Plans, prices and secrets as the settings have them; `stripe` sends the calls, and is needed
// where there is a key. Throws Error (kValidation) that names the settings that do not fit
// together.
[[nodiscard]] api::BillingServices make_billing_services(const Settings& settings,
                                                         domain::StripeTransport stripe);

}  // namespace gesso::cli
