#include "gesso/repositories/webhook_event_repository.hpp"

#include "tests/repositories/fixture.hpp"

namespace gesso::repositories {
namespace {

using namespace std::chrono_literals;
using models::StripeEvent;
using models::WebhookEvent;
using models::WebhookProvider;
using models::WebhookState;

class WebhookEventRepositoryTest : public RepositoryTest {
 protected:
  template <class F>
  auto events(F&& unit) {
    return with<WebhookEventRepository>(std::forward<F>(unit));
  }
  [[nodiscard]] StripeEvent event(std::string_view id) const {
    return {.id = id,
            .type = "invoice.paid",
            .created = clock_.now(),
            .customer_id = models::ForeignId("cus_1")};
  }
};

TEST_F(WebhookEventRepositoryTest, AnEventIsStoredOnceAndToldWhatBecameOfIt) {
  events([&](WebhookEventRepository events) {
    const WebhookEvent first = events.receive(event("evt_1"));
    EXPECT_EQ(first.id, "hook_stripe_evt_1");
    EXPECT_EQ(first.state, WebhookState::kReceived);
    EXPECT_EQ(first.stripe, event("evt_1"));
    EXPECT_EQ(events.receive(event("evt_1")), first);
    events.mark_applied(first.id);
    EXPECT_EQ(events.receive(event("evt_1")).state, WebhookState::kApplied);
    clock_.advance(WebhookEvent::kLifetime);
    EXPECT_EQ(events.find_by_id(first.id), std::nullopt);
  });
}

TEST_F(WebhookEventRepositoryTest, AnIdThatIsNoneOfOursIsHashed) {
  const auto odd = webhook_event_id(WebhookProvider::kStripe, "evt/1 ä");
  EXPECT_TRUE(odd.str().starts_with("hook_"));
  EXPECT_NE(odd, webhook_event_id(WebhookProvider::kStripe, "evt/1 ö"));
  const std::string lengthy(255, 'x');
  EXPECT_LE(webhook_event_id(WebhookProvider::kStripe, lengthy).str().size(), 69U);
  EXPECT_NE(webhook_event_id(WebhookProvider::kStripe, "1"),
            webhook_event_id(WebhookProvider::kReplicate, "1"));
}

TEST_F(WebhookEventRepositoryTest, WhatWasNotAppliedIsDueAgainLaterAndLater) {
  events([&](WebhookEventRepository events) {
    const WebhookEvent parked = events.receive(event("evt_1"));
    events.receive(event("evt_2"));
    EXPECT_TRUE(events.find_due(clock_.now()).empty());
    events.park(parked, "nobody knows whose it is");
    clock_.advance(30s);
    auto due = events.find_due(clock_.now());
    ASSERT_EQ(due.size(), 1U);
    EXPECT_EQ(due[0].id, parked.id);
    EXPECT_EQ(due[0].reason, "nobody knows whose it is");
    EXPECT_EQ(due[0].attempts, 1);
    // Whoever stored the other has died, by now.
    clock_.advance(30s);
    EXPECT_EQ(events.find_due(clock_.now()).size(), 2U);
    events.park(due[0], "still nobody");
    due = events.find_due(clock_.now());
    ASSERT_EQ(due.size(), 1U);
    EXPECT_EQ(due[0].event_id, "evt_2");
    events.mark_ignored(due[0].id, "says nothing");
    EXPECT_TRUE(events.find_due(clock_.now()).empty());

    const auto waiting = events.find_parked("cus_1");
    ASSERT_EQ(waiting.size(), 1U);
    EXPECT_EQ(waiting[0].attempts, 2);
    EXPECT_TRUE(events.find_parked("cus_2").empty());
  });
}

TEST_F(WebhookEventRepositoryTest, WhatWasAppliedMeanwhileIsNotParked) {
  events([&](WebhookEventRepository events) {
    const WebhookEvent seen = events.receive(event("evt_1"));
    events.mark_applied(seen.id);
    events.park(seen, "too late");
    EXPECT_EQ(events.find_by_id(seen.id)->state, WebhookState::kApplied);
  });
}

TEST_F(WebhookEventRepositoryTest, WaitsGrowToSixHours) {
  EXPECT_EQ(webhook_retry_delay(1), 30s);
  EXPECT_EQ(webhook_retry_delay(2), 60s);
  EXPECT_EQ(webhook_retry_delay(5), 8min);
  EXPECT_EQ(webhook_retry_delay(1000), 6h);
}

}  // namespace
}  // namespace gesso::repositories
