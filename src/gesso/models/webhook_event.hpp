// Events that providers sent, by their ids: what was received, and what became of it. Value types.
//
// Holds the facts that we use and no more; what a provider tells of a person beyond them is not
// kept.
#pragma once

#include <array>
#include <chrono>
#include <optional>
#include <string_view>

#include "gesso/base/clock.hpp"
#include "gesso/models/ids.hpp"
#include "gesso/models/stripe.hpp"
#include "gesso/query/index.hpp"
#include "gesso/schema/codec.hpp"
#include "gesso/schema/number.hpp"
#include "gesso/schema/text.hpp"

namespace gesso::models {

using WebhookEventId = schema::Id<"hook_">;

enum class WebhookProvider { kStripe, kReplicate };
constexpr auto wire_texts(WebhookProvider) {
  return std::to_array<std::string_view>({"stripe", "replicate"});
}

enum class WebhookState {
  kReceived,  // stored; whoever stored it is applying it, or died
  kApplied,
  kIgnored,  // says nothing to us
  kParked    // cannot be applied yet; tried again at `retry_at`
};
constexpr auto wire_texts(WebhookState) {
  return std::to_array<std::string_view>({"received", "applied", "ignored", "parked"});
}

struct WebhookEvent {
  WebhookEventId id;
  WebhookProvider provider = WebhookProvider::kStripe;
  ForeignId event_id;
  ForeignId type;
  std::optional<ForeignId> customer_id = {};
  WebhookState state = WebhookState::kReceived;
  std::optional<schema::Text<1, 500>> reason = {};
  schema::NonNegative attempts = 0;
  Time retry_at;
  std::optional<StripeEvent> stripe = {};
  Time received_at;
  Time updated_at;
  Time expires_at;

  friend bool operator==(const WebhookEvent&, const WebhookEvent&) = default;

  // Longer than any provider goes on to repeat an event: Stripe resends for 30 days at most.
  static constexpr std::chrono::days kLifetime{31};

  static constexpr std::string_view kName = "WebhookEvent";
  static constexpr std::string_view kCollection = "webhook_events";
  static constexpr std::string_view kAbout =
      "Events of providers, once each; deleted 31 days later.";
  // On Azure Cosmos DB (RU) the collection is spread by this field (docs/SCALING.md).
  static constexpr auto kShardKey = &WebhookEvent::id;

  using Indexes = query::IndexList<
      // What the sweep has to try again.
      query::Index<&WebhookEvent::state, &WebhookEvent::retry_at>,
      // What waited for a customer to be known.
      query::Lookup<&WebhookEvent::customer_id, &WebhookEvent::state>,
      query::Ttl<&WebhookEvent::expires_at>>;
};
GESSO_FIELDS(WebhookEvent, (id, "Follows from the provider and its event's id."),
             (provider, "Who sent it.", schema::kHasDefault),
             (event_id, "The provider's id of it."),
             (type, "What happened, in the provider's word."),
             (customer_id, "The customer at Stripe whom it is about."),
             (state, "What became of it."), (reason, "Why it is parked or ignored."),
             (attempts, "How often it was tried in vain.", schema::kHasDefault),
             (retry_at, "When it is tried again, if it was neither applied nor ignored."),
             (stripe, "What Stripe said.", schema::kInternal), (received_at, "When it first came."),
             (updated_at, "Last change of any field."),
             (expires_at, "When the entry is deleted. No read returns it from then on."))

}  // namespace gesso::models
