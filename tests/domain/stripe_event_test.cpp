#include "gesso/domain/stripe_event.hpp"

#include <gtest/gtest.h>

#include <random>
#include <string>

#include "gesso/schema/json.hpp"

namespace gesso::domain {
namespace {

using models::InvoiceReason;
using models::StripeEvent;
using models::StripeEventKind;
using models::StripeStatus;

Time at(std::int64_t seconds) { return Time{std::chrono::seconds{seconds}}; }

std::string event_of(std::string_view type, std::string_view object) {
  return R"({"id":"evt_1","object":"event","api_version":"2026-06-24.dahlia","created":1700000000,)"
         R"("livemode":false,"type":")" +
         std::string(type) + R"(","data":{"object":)" + std::string(object) + "}}";
}

StripeEvent parsed(std::string_view type, std::string_view object) {
  const auto result = parse_stripe_event(event_of(type, object));
  if (const auto* malformed = std::get_if<MalformedEvent>(&result)) {
    ADD_FAILURE() << malformed->why;
    return {.id = "none", .type = "none", .created = {}};
  }
  return std::get<StripeEvent>(result);
}

std::string why(std::string_view body) {
  const auto result = parse_stripe_event(body);
  const auto* malformed = std::get_if<MalformedEvent>(&result);
  return malformed != nullptr ? malformed->why : "";
}

constexpr std::string_view kSubscription = R"({
  "id": "sub_1", "object": "subscription", "customer": "cus_1", "status": "active",
  "created": 1690000000, "start_date": 1690000000, "cancel_at_period_end": true,
  "cancel_at": 1702000000, "canceled_at": 1699999999, "ended_at": null,
  "metadata": {"user_id": "user_ada"},
  "items": {"object": "list", "data": [
    {"id": "si_1", "current_period_start": 1699000000, "current_period_end": 1702000000,
     "price": {"id": "price_pro", "recurring": {"interval": "month", "interval_count": 1}}},
    {"id": "si_2", "price": {"id": "price_other"}}]}})";

TEST(StripeEventTest, AStateOfASubscriptionIsRead) {
  const StripeEvent event = parsed("customer.subscription.updated", kSubscription);
  EXPECT_EQ(event.id, "evt_1");
  EXPECT_EQ(event.kind, StripeEventKind::kSubscription);
  EXPECT_EQ(event.created, at(1'700'000'000));
  EXPECT_EQ(event.subscription_id, "sub_1");
  EXPECT_EQ(event.customer_id, "cus_1");
  EXPECT_EQ(event.user_id, "user_ada");
  ASSERT_TRUE(event.subscription);
  EXPECT_EQ(event.subscription->status, StripeStatus::kActive);
  EXPECT_EQ(event.subscription->created, at(1'690'000'000));
  EXPECT_TRUE(event.subscription->cancel_at_period_end);
  EXPECT_EQ(event.subscription->cancel_at, at(1'702'000'000));
  EXPECT_EQ(event.subscription->canceled_at, at(1'699'999'999));
  EXPECT_EQ(event.subscription->ended_at, std::nullopt);
  ASSERT_EQ(event.subscription->items.size(), 2U);
  EXPECT_EQ(event.subscription->items[0].id, "si_1");
  EXPECT_EQ(event.subscription->items[0].price_id, "price_pro");
}

TEST(StripeEventTest, ADeletedSubscriptionIsCancelledWhateverItsObjectSays) {
  EXPECT_EQ(parsed("customer.subscription.deleted", kSubscription).subscription->status,
            StripeStatus::kCanceled);
  for (const char* type : {"created", "paused", "resumed"}) {
    EXPECT_EQ(parsed("customer.subscription." + std::string(type), kSubscription).kind,
              StripeEventKind::kSubscription);
  }
}

TEST(StripeEventTest, AnExpandedCustomerIsRead) {
  const StripeEvent event = parsed("customer.subscription.updated", R"({
    "id": "sub_1", "customer": {"id": "cus_9", "object": "customer"}, "status": "trialing",
    "created": 1690000000})");
  EXPECT_EQ(event.customer_id, "cus_9");
  EXPECT_EQ(event.user_id, std::nullopt);
}

// The same invoice in the two shapes: before basil, and from it on.
constexpr std::string_view kOldInvoice = R"({
  "id": "in_1", "object": "invoice", "customer": "cus_1", "subscription": "sub_1",
  "status": "paid", "paid": true, "charge": "ch_1", "billing_reason": "subscription_cycle",
  "period_start": 1, "period_end": 2, "next_payment_attempt": null,
  "subscription_details": {"metadata": {"user_id": "user_ada"}},
  "lines": {"object": "list", "data": [
    {"id": "il_0", "type": "invoiceitem", "proration": true, "subscription": "sub_1",
     "period": {"start": 1699500000, "end": 1799000000}, "price": {"id": "price_basic"}},
    {"id": "il_1", "type": "subscription", "proration": false, "subscription": "sub_1",
     "subscription_item": "si_1", "period": {"start": 1699000000, "end": 1702000000},
     "price": {"id": "price_pro"}, "plan": {"id": "price_pro"}}]}})";
constexpr std::string_view kNewInvoice = R"({
  "id": "in_1", "object": "invoice", "customer": "cus_1",
  "status": "paid", "billing_reason": "subscription_cycle",
  "period_start": 1, "period_end": 2, "next_payment_attempt": null,
  "parent": {"type": "subscription_details", "quote_details": null, "subscription_details":
    {"subscription": "sub_1", "metadata": {"user_id": "user_ada"}}},
  "lines": {"object": "list", "data": [
    {"id": "il_0", "period": {"start": 1699500000, "end": 1799000000},
     "parent": {"type": "subscription_item_details", "invoice_item_details": null,
       "subscription_item_details": {"subscription": "sub_1", "proration": true}},
     "pricing": {"type": "price_details", "price_details": {"price": "price_basic"}}},
    {"id": "il_1", "period": {"start": 1699000000, "end": 1702000000},
     "parent": {"type": "subscription_item_details", "invoice_item_details": null,
       "subscription_item_details": {"subscription": "sub_1", "subscription_item": "si_1",
                                     "proration": false}},
     "pricing": {"type": "price_details",
                 "price_details": {"price": "price_pro", "product": "prod_1"}}}]}})";

TEST(StripeEventTest, APaidInvoiceIsReadInBothShapes) {
  const StripeEvent event = parsed("invoice.paid", kNewInvoice);
  EXPECT_EQ(event.kind, StripeEventKind::kInvoicePaid);
  EXPECT_EQ(event.subscription_id, "sub_1");
  EXPECT_EQ(event.customer_id, "cus_1");
  EXPECT_EQ(event.user_id, "user_ada");
  ASSERT_TRUE(event.invoice);
  EXPECT_EQ(event.invoice->id, "in_1");
  EXPECT_EQ(event.invoice->reason, InvoiceReason::kCycle);
  EXPECT_EQ(event.invoice->period_start, at(1'699'000'000));
  EXPECT_EQ(event.invoice->period_end, at(1'702'000'000));
  EXPECT_EQ(event.invoice->price_id, "price_pro");
  EXPECT_EQ(event.invoice->next_attempt_at, std::nullopt);

  EXPECT_EQ(parsed("invoice.paid", kOldInvoice), event);
  EXPECT_EQ(parsed("invoice.payment_succeeded", kOldInvoice).invoice, event.invoice);
}

TEST(StripeEventTest, AFailedPaymentSaysWhenStripeTriesAgain) {
  const StripeEvent event = parsed("invoice.payment_failed", R"({
    "id": "in_1", "customer": "cus_1", "status": "open", "billing_reason": "subscription_cycle",
    "next_payment_attempt": 1700300000,
    "parent": {"subscription_details": {"subscription": "sub_1"}}})");
  EXPECT_EQ(event.kind, StripeEventKind::kInvoiceFailed);
  EXPECT_EQ(event.invoice->next_attempt_at, at(1'700'300'000));
  EXPECT_EQ(event.invoice->period_start, std::nullopt);
}

TEST(StripeEventTest, ACheckoutSaysWhoseCustomerItIs) {
  const StripeEvent event = parsed("checkout.session.completed", R"({
    "id": "cs_1", "object": "checkout.session", "mode": "subscription", "status": "complete",
    "payment_status": "paid", "client_reference_id": "user_ada", "customer": "cus_1",
    "subscription": "sub_1", "metadata": {}})");
  EXPECT_EQ(event.kind, StripeEventKind::kCheckoutCompleted);
  EXPECT_EQ(event.user_id, "user_ada");
  EXPECT_EQ(event.customer_id, "cus_1");
  EXPECT_EQ(event.subscription_id, "sub_1");
}

TEST(StripeEventTest, WhatMeansNothingHereIsAnEventAllTheSame) {
  for (const auto& [type, object] : std::initializer_list<std::pair<const char*, const char*>>{
           {"charge.refunded", R"({"id": "ch_1", "customer": "cus_1"})"},
           {"customer.subscription.trial_will_end", R"({"id": "sub_1"})"},
           {"a.type.of.next.year", "7"},
           // For a payment, not for a subscription.
           {"checkout.session.completed", R"({"mode": "payment", "customer": null})"},
           {"invoice.paid", R"({"id": "in_1", "status": "paid", "parent": null})"},
           // Says paid, and is not.
           {"invoice.paid", R"({"id": "in_1", "status": "open", "subscription": "sub_1"})"},
           // A state that nobody knew when this was written.
           {"customer.subscription.updated",
            R"({"id": "sub_1", "status": "hibernating", "created": 1690000000})"}}) {
    const StripeEvent event = parsed(type, object);
    EXPECT_EQ(event.kind, StripeEventKind::kOther) << type;
    EXPECT_FALSE(event.subscription || event.invoice) << type;
  }
}

TEST(StripeEventTest, WhatIsNoEventIsMalformedAndSaysWhy) {
  EXPECT_EQ(why(""), "it is no JSON object");
  EXPECT_EQ(why("[]"), "it is no JSON object");
  EXPECT_EQ(why(R"({"object":"v2.core.event","id":"evt_1","type":"v1.billing.meter"})"),
            "it is a thin event, which has another format");
  EXPECT_EQ(why(R"({"object":"charge"})"), "it is no event");
  EXPECT_EQ(why(R"({"object":"event","id":"evt_1","type":"invoice.paid"})"),
            "it has no id, no type or no date");
  EXPECT_EQ(why(R"({"object":"event","id":"evt_1","type":"x","created":-1})"),
            "it has no id, no type or no date");
  EXPECT_EQ(why(R"({"object":"event","id":"evt_1","type":"x","created":1e300})"),
            "it has no id, no type or no date");
  EXPECT_EQ(why(R"({"object":"event","id":"evt_1","type":"invoice.paid","created":1})"),
            "it has no object");
  EXPECT_EQ(why(event_of("customer.subscription.updated", R"({"id": "sub_1"})")),
            "the subscription has no status, or no date");
  EXPECT_EQ(why(event_of("customer.subscription.updated", R"({"status": "active"})")),
            "the subscription has no id");
  EXPECT_EQ(why(event_of("invoice.paid", R"({"status": "paid", "subscription": "sub_1"})")),
            "the invoice has no id");
  EXPECT_EQ(why(event_of("checkout.session.completed", R"({"mode": "subscription"})")),
            "the checkout has no customer");
}

// Every member of a whole event, one after the other, is replaced by what nobody expects there; and
// the text is cut and changed at random. Whatever comes out, it is an answer.
TEST(StripeEventTest, NoTextIsTooStrange) {
  const std::string text = event_of("invoice.paid", kNewInvoice);
  for (std::size_t i = 0; i + 1 < text.size(); ++i) {
    if (text[i] != ':') continue;
    for (const char* instead : {"null", "[]", "{}", "-1", "1.5e308", "\"\"", "true", "[[{}]]"}) {
      const std::size_t begin = i + 1;
      std::size_t end = begin;
      int depth = 0;
      for (; end < text.size(); ++end) {
        const char c = text[end];
        if (c == '{' || c == '[') ++depth;
        if (depth == 0 && (c == ',' || c == '}' || c == ']')) break;
        if (c == '}' || c == ']') --depth;
      }
      std::string changed = text;
      changed.replace(begin, end - begin, instead);
      (void)parse_stripe_event(changed);
    }
  }
  std::mt19937 random(1);
  for (int i = 0; i < 3000; ++i) {
    std::string changed = text.substr(0, random() % (text.size() + 1));
    for (auto j = random() % 4; j > 0 && !changed.empty(); --j) {
      changed[random() % changed.size()] = static_cast<char>(random());
    }
    (void)parse_stripe_event(changed);
  }
}

TEST(StripeEventTest, AReplyIsReadAsWhatAnEventWouldHaveSaid) {
  const Time asked_at = at(1'700'000'100) + std::chrono::milliseconds{700};
  const bson::Document object = schema::parse_json(kSubscription);
  const auto event = read_subscription_reply(object, "reply_1", asked_at);
  ASSERT_TRUE(event);
  EXPECT_EQ(event->created, at(1'700'000'100));
  EXPECT_EQ(event->subscription,
            parsed("customer.subscription.updated", kSubscription).subscription);
  EXPECT_FALSE(read_subscription_reply(schema::parse_json(R"({"object": "customer"})"), "reply_1",
                                       asked_at));
}

}  // namespace
}  // namespace gesso::domain
