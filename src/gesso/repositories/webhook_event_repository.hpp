// Events of providers, stored by their ids, so that each is applied and none is forgotten.
#pragma once

#include <chrono>
#include <cstdint>
#include <string_view>
#include <vector>

#include "gesso/models/webhook_event.hpp"
#include "gesso/repositories/repository.hpp"

namespace gesso::repositories {

class WebhookEventRepository : public Repository<models::WebhookEvent> {
 public:
  using Repository::Repository;

  // Stores the event as received unless it is there, and returns what is stored: of one that comes
  // again what became of it. If nobody says within a minute, the sweep tries it.
  models::WebhookEvent receive(const models::StripeEvent& event);

  // What became of it. Safe to repeat. `park` tries it again later: after half a minute, then twice
  // as long each time, at last every six hours.
  void mark_applied(const Id& id);
  void mark_ignored(const Id& id, std::string_view reason);
  void park(const models::WebhookEvent& seen, std::string_view reason);

  // Those that were neither applied nor ignored and are due, the longest due first of each state.
  [[nodiscard]] std::vector<models::WebhookEvent> find_due(Time moment, std::int64_t limit = 100);
  // Those of a customer at Stripe that are parked.
  [[nodiscard]] std::vector<models::WebhookEvent> find_parked(const models::ForeignId& customer_id,
                                                              std::int64_t limit = 100);
};

// The id under which an event is stored.
[[nodiscard]] models::WebhookEventId webhook_event_id(models::WebhookProvider provider,
                                                      std::string_view event_id);

// How long an event that was tried `attempts` times in vain waits for the next one.
[[nodiscard]] std::chrono::milliseconds webhook_retry_delay(std::int64_t attempts);

}  // namespace gesso::repositories
