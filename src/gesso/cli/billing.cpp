#include "gesso/cli/billing.hpp"

#include <array>
#include <string_view>
#include <utility>
#include <vector>

#include "gesso/base/error.hpp"

namespace gesso::cli {
namespace {

using models::SubscriptionPlan;

domain::Plan plan_of(SubscriptionPlan plan, const std::string& text) {
  return domain::read_plan(plan, text).value();  // the settings' own check has passed
}

}  // namespace

api::BillingServices make_billing_services(const Settings& settings,
                                           domain::StripeTransport stripe) {
  api::BillingServices billing;
  billing.settings = {
      .plans = domain::Plans({domain::Plans().get(SubscriptionPlan::kFree),
                              plan_of(SubscriptionPlan::kBasic, settings.plan_basic),
                              plan_of(SubscriptionPlan::kPro, settings.plan_pro),
                              plan_of(SubscriptionPlan::kEnterprise, settings.plan_enterprise)},
                             settings.plan_currency),
      .payment_grace = settings.payment_grace,
      .sells = !settings.stripe_secret_key.empty(),
      .local_plans = settings.local_plans,
      .checkout_success_url = settings.checkout_success_url,
      .checkout_cancel_url = settings.checkout_cancel_url,
      .portal_return_url = settings.portal_return_url};
  billing.stripe = std::move(stripe);
  billing.webhook_secrets = list_of<Secret>(settings.stripe_webhook_secrets.reveal());
  if (!billing.settings.sells) return billing;

  std::vector<Violation> violations;
  const auto require = [&](std::string_view name, bool is_there) {
    if (is_there) return;
    violations.push_back({.path = {std::string(name)},
                          .type = "missing",
                          .message = "Required where stripe_secret_key is set",
                          .expected = "a value, since stripe_secret_key is set",
                          .found = "nothing"});
  };
  require("stripe_webhook_secrets", !billing.webhook_secrets.empty());
  require("checkout_success_url", !settings.checkout_success_url.empty());
  require("checkout_cancel_url", !settings.checkout_cancel_url.empty());
  require("portal_return_url", !settings.portal_return_url.empty());
  if (!violations.empty()) throw validation_error(std::move(violations));
  return billing;
}

}  // namespace gesso::cli
