// What providers tell us.
#include <spdlog/spdlog.h>

#include "gesso/api/operations.hpp"
#include "gesso/domain/billing.hpp"
#include "gesso/domain/predictions.hpp"
#include "gesso/domain/replicate_event.hpp"
#include "gesso/domain/replicate_signature.hpp"
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

struct ReplicateWebhook {
  RawBody body;
  std::string webhook_id = {};
  std::string webhook_timestamp = {};
  std::string webhook_signature = {};
  std::string gen = {};
};
GESSO_FIELDS(ReplicateWebhook, (body, "A prediction, byte for byte as Replicate signed it."),
             (webhook_id, "The same when an event is sent again.",
              kFromHeader | schema::kHasDefault),
             (webhook_timestamp, "When it was sent, in seconds since 1970.",
              kFromHeader | schema::kHasDefault),
             (webhook_signature, "Who says so.", kFromHeader | schema::kHasDefault),
             (gen, "The generation that the prediction is for.", schema::kHasDefault))

struct WebhookReceipt {
  std::string id;
  std::string outcome;

  static constexpr std::string_view kName = "WebhookReceipt";
  static constexpr std::string_view kAbout = "An event that was taken.";
};
GESSO_FIELDS(WebhookReceipt, (id, "The provider's id of it, or of the prediction."),
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
  call.services.metrics.webhook("stripe", to_string(outcome));
  return WebhookReceipt{.id = event.id.str(), .outcome = std::string(to_string(outcome))};
}

Result<WebhookReceipt, InvalidSignature, MalformedEvent> receive_replicate_event(
    DatabaseCall& call, const ReplicateWebhook& asked) {
  const repositories::RepositoryContext& context = call.services.repository_context;
  const auto verdict = domain::verify_replicate_signature(
      {.id = asked.webhook_id,
       .timestamp = asked.webhook_timestamp,
       .signature = asked.webhook_signature},
      asked.body.bytes, call.services.replicate_webhook_secrets, context.clock.now());
  if (verdict != domain::SignatureVerdict::kGood) {
    spdlog::warn("{}: an event of Replicate's was refused: its signature is {}", call.request_id,
                 to_string(verdict));
    return InvalidSignature{.detail = "Check the webhook's secret and this machine's clock"};
  }
  const auto parsed = domain::parse_prediction(asked.body.bytes);
  if (const auto* malformed = std::get_if<domain::MalformedEvent>(&parsed)) {
    spdlog::error("{}: an event of Replicate's was refused: {}", call.request_id, malformed->why);
    return MalformedEvent{.detail = "Not understood: " + malformed->why};
  }
  const auto& prediction = std::get<domain::Prediction>(parsed);
  const auto applied =
      domain::Predictions(call.session, context, call.services.work, call.services.generation_hooks)
          .apply(models::GenerationId::parse(asked.gen), prediction);
  if (applied.outcome == domain::PredictionOutcome::kIgnored) {
    spdlog::warn("{}: an event of Replicate's prediction {} was ignored: {}", call.request_id,
                 prediction.id.str(), applied.reason);
  }
  call.services.metrics.webhook("replicate", to_string(applied.outcome));
  return WebhookReceipt{.id = prediction.id.str(),
                        .outcome = std::string(to_string(applied.outcome))};
}

constexpr Operation kOperations[] = {
    operation<receive_stripe_event>({.method = http::Method::kPost,
                                     .path = "/webhooks/stripe",
                                     .id = "receiveStripeEvent",
                                     .tag = "Webhooks",
                                     .summary = "What Stripe tells of customers and payments.",
                                     .access = Access::kPublic,
                                     .limit = LimitClass::kNone}),
    operation<receive_replicate_event>(
        {.method = http::Method::kPost,
         .path = "/webhooks/replicate",
         .id = "receiveReplicateEvent",
         .tag = "Webhooks",
         .summary = "What Replicate tells of a prediction: that it has begun, and its end.",
         .access = Access::kPublic,
         .limit = LimitClass::kNone}),
};

}  // namespace

Operations webhook_operations() { return kOperations; }

}  // namespace gesso::api
