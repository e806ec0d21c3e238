// What providers tell us.
#include <spdlog/spdlog.h>

#include "gesso/api/operations.hpp"
#include "gesso/domain/billing.hpp"
#include "gesso/domain/stripe_event.hpp"
#include "gesso/domain/stripe_signature.hpp"

namespace gesso::api {
namespace {

using InvalidSignature = Problem<400, "invalid_signature", "The signature is not good">;
using MalformedEvent = Problem<400, "malformed_event", "The event cannot be read">;

}  // namespace

struct StripeWebhook {
  RawBody body;
  std::string stripe_signature = {};
};
GESSO_FIELDS(StripeWebhook, (body, "An event, byte for byte as Stripe signed it."),
             (stripe_signature, "Who says so and when.", kFromHeader | schema::kHasDefault))

struct WebhookReceipt {
  std::string id;
  std::string outcome;

  static constexpr std::string_view kName = "WebhookReceipt";
  static constexpr std::string_view kAbout = "An event that was taken.";
};
GESSO_FIELDS(WebhookReceipt, (id, "The provider's id of it."),
             (outcome, "`applied`, `repeated`, `ignored`, or `parked` for later."))

namespace {

Result<WebhookReceipt, InvalidSignature, MalformedEvent> receive_stripe_event(
    DatabaseCall& call, const StripeWebhook& asked) {
  const BillingServices& billing = *call.services.billing;
  const auto verdict = domain::verify_stripe_signature(
      asked.stripe_signature, asked.body.bytes, billing.webhook_secrets,
      call.services.repository_context.clock.now());
  if (verdict != domain::SignatureVerdict::kGood) {
    spdlog::warn("{}: an event of Stripe's was refused: its signature is {}", call.request_id,
                 to_string(verdict));
    return InvalidSignature{.detail = "Check the endpoint's secret and this machine's clock"};
  }
  const auto parsed = domain::parse_stripe_event(asked.body.bytes);
  if (const auto* malformed = std::get_if<domain::MalformedEvent>(&parsed)) {
    spdlog::error("{}: an event of Stripe's was refused: {}", call.request_id, malformed->why);
    return MalformedEvent{.detail = "Not understood: " + malformed->why};
  }
  const auto& event = std::get<models::StripeEvent>(parsed);
  const auto outcome =
      domain::Billing(call.session, call.services.repository_context, billing.settings)
          .apply(event);
  if (outcome == domain::ApplyOutcome::kParked) {
    spdlog::warn("{}: event {} of Stripe's, {}, is kept for later", call.request_id, event.id.str(),
                 event.type.str());
  }
  return WebhookReceipt{.id = event.id.str(), .outcome = std::string(to_string(outcome))};
}

constexpr Operation kOperations[] = {
    operation<receive_stripe_event>({.method = http::Method::kPost,
                                     .path = "/webhooks/stripe",
                                     .id = "receiveStripeEvent",
                                     .tag = "Webhooks",
                                     .summary = "What Stripe tells of customers and payments.",
                                     .access = Access::kPublic,
                                     .limit = LimitClass::kNone}),
};

}  // namespace

Operations webhook_operations() { return kOperations; }

}  // namespace gesso::api
