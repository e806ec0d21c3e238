// Plans and payments over HTTP, with Stripe's side played by a function and signed events.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "gesso/domain/stripe_signature.hpp"
#include "gesso/repositories/user_repository.hpp"
#include "tests/api/service_fixture.hpp"

namespace gesso::api::testing {
namespace {

using namespace std::chrono_literals;
using domain::StripeCall;
using domain::StripeReply;

BillingServices make_billing_services() {
  auto plans = domain::Plans().all();
  plans[1].monthly.stripe_price = "price_basic_monthly";
  plans[2].monthly.stripe_price = "price_pro_monthly";
  plans[2].yearly.stripe_price = "price_pro_yearly";
  BillingServices billing;
  billing.settings = {.plans = domain::Plans(plans),
                      .sells = true,
                      .checkout_success_url = "https://a.example/ok",
                      .checkout_cancel_url = "https://a.example/no",
                      .portal_return_url = "https://a.example/plan"};
  billing.webhook_secrets.emplace_back(std::string_view("whsec_new"));
  billing.webhook_secrets.emplace_back(std::string_view("whsec_old"));
  return billing;
}

class SubscriptionsTest : public ::testing::Test {
 protected:
  ServiceFixture fixture_;
  BillingServices billing_ = make_billing_services();
  std::vector<StripeCall> calls_;
  std::map<std::string, StripeReply> replies_;  // by path
  std::string token_;
  std::string user_id_;
  std::int64_t now_ = 0;

  void SetUp() override {
    billing_.stripe = [this](const StripeCall& call, Deadline) -> StripeReply {
      calls_.push_back(call);
      const auto reply = replies_.find(call.method + ' ' + call.path);
      if (reply == replies_.end()) return {.status = 500, .body = "{}"};
      return reply->second;
    };
    fixture_.service().services.billing = &billing_;
    token_ = fixture_.token_of("ada@example.com");
    user_id_ = fixture_.ask("GET", "/api/v1/users/me", {}, token_).value().at("id").as_string();
    now_ = std::chrono::floor<std::chrono::seconds>(fixture_.service().clock.now())
               .time_since_epoch()
               .count();
  }

  Reply ask(std::string_view method, std::string_view path, std::string_view body = {}) {
    return fixture_.ask(method, path, body, token_);
  }
  json::value mine() { return ask("GET", "/api/v1/subscriptions/me").value(); }

  Reply send(const std::string& body, std::string_view signature) {
    http::testing::RawClient client(fixture_.service().server.port());
    const std::string headers =
        "Content-Type: application/json\r\nStripe-Signature: " + std::string(signature) + "\r\n";
    auto raw = client.exchange(http::testing::request("POST", "/webhooks/stripe", headers, body));
    return {.status = raw.status, .body = raw.body, .raw = std::move(raw)};
  }
  Reply send_signed(const std::string& body) {
    return send(body, domain::sign_as_stripe(body, std::span(billing_.webhook_secrets).first(1),
                                             fixture_.service().clock.now()));
  }
  [[nodiscard]] std::string event(std::string_view id, std::string_view type,
                                  std::string_view object) const {
    return R"({"id":")" + std::string(id) + R"(","object":"event","created":)" +
           std::to_string(now_) + R"(,"type":")" + std::string(type) + R"(","data":{"object":)" +
           std::string(object) + "}}";
  }
  [[nodiscard]] std::string subscription(std::string_view price, bool cancelling = false) const {
    return R"({"id":"sub_1","object":"subscription","customer":"cus_1","status":"active","created":)" +
           std::to_string(now_) + R"(,"cancel_at_period_end":)" + (cancelling ? "true" : "false") +
           R"(,"metadata":{"user_id":")" + user_id_ +
           R"("},"items":{"data":[{"id":"si_1","price":{"id":")" + std::string(price) + R"("}}]}})";
  }
  [[nodiscard]] std::string invoice() const {
    return R"({"id":"in_1","object":"invoice","customer":"cus_1","status":"paid",
      "billing_reason":"subscription_create","parent":{"subscription_details":
      {"subscription":"sub_1","metadata":{"user_id":")" +
           user_id_ + R"("}}},"lines":{"data":[{"period":{"start":)" + std::to_string(now_) +
           R"(,"end":)" + std::to_string(now_ + 30 * 86'400) +
           R"(},"parent":{"subscription_item_details":{"subscription":"sub_1","proration":false}},
      "pricing":{"price_details":{"price":"price_pro_monthly"}}}]}})";
  }
  void buy() {
    ASSERT_EQ(send_signed(event("evt_1", "customer.subscription.created",
                                subscription("price_pro_monthly")))
                  .status,
              200);
    ASSERT_EQ(send_signed(event("evt_2", "invoice.paid", invoice())).status, 200);
  }
};

TEST_F(SubscriptionsTest, PlansAreShownToEverybody) {
  const Reply reply = fixture_.ask("GET", "/api/v1/plans");
  ASSERT_EQ(reply.status, 200);
  const auto plans = reply.value().at("items").as_array();
  ASSERT_EQ(plans.size(), 4U);
  EXPECT_EQ(plans[0].at("plan").as_string(), "free");
  EXPECT_EQ(plans[0].at("credits_at_sign_up").as_int64(), 10);
  EXPECT_EQ(plans[2].at("credits_per_month").as_int64(), 500);
  EXPECT_TRUE(plans[2].at("sold_yearly").as_bool());
  EXPECT_FALSE(plans[1].at("sold_yearly").as_bool());
  EXPECT_EQ(reply.body.find("price_pro"), std::string::npos);
}

TEST_F(SubscriptionsTest, ANewUserHasTheFreePlan) {
  EXPECT_EQ(mine().at("plan").as_string(), "free");
  EXPECT_EQ(mine().at("status").as_string(), "active");
  EXPECT_EQ(mine().at("renewed_by").as_string(), "nobody");
  EXPECT_EQ(fixture_.ask("GET", "/api/v1/subscriptions/me").status, 401);
}

TEST_F(SubscriptionsTest, EventsOfStripesMakeAPlan) {
  buy();
  EXPECT_EQ(mine().at("plan").as_string(), "pro");
  EXPECT_EQ(mine().at("credits_left").as_int64(), 500);
  EXPECT_EQ(mine().at("renewed_by").as_string(), "stripe");
  const auto me = ask("GET", "/api/v1/users/me").value();
  EXPECT_EQ(me.at("subscription_tier").as_string(), "pro");

  const auto again = send_signed(event("evt_2", "invoice.paid", invoice()));
  EXPECT_EQ(again.status, 200);
  EXPECT_EQ(again.value().at("outcome").as_string(), "repeated");
  EXPECT_EQ(send_signed(event("evt_3", "charge.updated", "{}")).value().at("outcome").as_string(),
            "ignored");
}

TEST_F(SubscriptionsTest, OnlyStripeTellsEvents) {
  const std::string body =
      event("evt_1", "customer.subscription.created", subscription("price_pro_monthly"));
  const Time now = fixture_.service().clock.now();
  const auto secrets = std::span(billing_.webhook_secrets);
  EXPECT_EQ(send(body, "").status, 400);
  EXPECT_EQ(send(body, "t=1,v1=00").value().at("code").as_string(), "invalid_signature");
  EXPECT_EQ(send(body, domain::sign_as_stripe(body, secrets, now - 10min)).status, 400);
  EXPECT_EQ(send(body + " ", domain::sign_as_stripe(body, secrets, now)).status, 400);
  EXPECT_EQ(mine().at("plan").as_string(), "free");
  // The secret that is being rolled is good still.
  EXPECT_EQ(send(body, domain::sign_as_stripe(body, secrets.last(1), now)).status, 200);

  const std::string thin = R"({"object":"v2.core.event","id":"evt_9"})";
  const Reply refused = send_signed(thin);
  EXPECT_EQ(refused.status, 400);
  EXPECT_EQ(refused.value().at("code").as_string(), "malformed_event");
}

TEST_F(SubscriptionsTest, ACheckoutIsAPageOfStripes) {
  replies_["POST /v1/customers"] = {.status = 200, .body = R"({"id":"cus_7","object":"customer"})"};
  replies_["POST /v1/checkout/sessions"] = {
      .status = 200,
      .body = R"({"id":"cs_1","url":"https://checkout.stripe.com/c/1","expires_at":1800000000})"};
  const Reply reply = ask("POST", "/api/v1/subscriptions/checkout",
                          R"({"plan":"pro","billing_interval":"yearly"})");
  ASSERT_EQ(reply.status, 200) << reply.body;
  EXPECT_EQ(reply.value().at("url").as_string(), "https://checkout.stripe.com/c/1");
  EXPECT_EQ(reply.value().at("expires_at").as_string(), "2027-01-15T08:00:00.000Z");
  ASSERT_EQ(calls_.size(), 2U);
  EXPECT_EQ(calls_[0], domain::create_customer(user_id_, "ada@example.com"));
  EXPECT_THAT(calls_[1].form,
              ::testing::Contains(std::pair<std::string, std::string>("customer", "cus_7")));
  EXPECT_THAT(calls_[1].form, ::testing::Contains(std::pair<std::string, std::string>(
                                  "line_items[0][price]", "price_pro_yearly")));
  // The customer is known from then on.
  EXPECT_EQ(ask("POST", "/api/v1/subscriptions/checkout", R"({"plan":"pro"})").status, 200);
  EXPECT_EQ(calls_.size(), 3U);
  EXPECT_NE(calls_[2].idempotency_key, calls_[1].idempotency_key);
}

TEST_F(SubscriptionsTest, OneKeyOfAClientsIsOneCallToStripe) {
  replies_["POST /v1/customers"] = {.status = 200, .body = R"({"id":"cus_7"})"};
  replies_["POST /v1/checkout/sessions"] = {.status = 200,
                                            .body = R"({"url":"https://c.example"})"};
  const auto key_of = [&](const std::string& token, const std::string& key) {
    http::testing::RawClient client(fixture_.service().server.port());
    (void)client.exchange(
        http::testing::request("POST", "/api/v1/subscriptions/checkout",
                               "Content-Type: application/json\r\nAuthorization: Bearer " + token +
                                   "\r\nIdempotency-Key: " + key + "\r\n",
                               R"({"plan":"pro"})"));
    return calls_.back().idempotency_key;
  };
  const std::string first = key_of(token_, "k1");
  EXPECT_EQ(key_of(token_, "k1"), first);
  EXPECT_NE(key_of(token_, "k2"), first);
  EXPECT_NE(key_of(fixture_.token_of("grace@example.com"), "k1"), first);
}

TEST_F(SubscriptionsTest, WhatCannotBeDoneIsSaidByACode) {
  const auto code = [&](std::string_view path, std::string_view body) {
    const Reply reply = ask("POST", "/api/v1/subscriptions/" + std::string(path), body);
    EXPECT_EQ(reply.status, 409) << reply.body;
    return std::string(reply.value().at("code").as_string());
  };
  EXPECT_EQ(code("checkout", R"({"plan":"enterprise"})"), "plan_not_sold");
  EXPECT_EQ(code("checkout", R"({"plan":"free"})"), "plan_not_sold");
  EXPECT_EQ(code("change", R"({"plan":"pro"})"), "not_subscribed");
  EXPECT_EQ(code("cancel", "{}"), "not_subscribed");
  EXPECT_EQ(code("reactivate", ""), "not_subscribed");
  EXPECT_EQ(code("portal", "{}"), "not_a_customer");
  buy();
  EXPECT_EQ(code("checkout", R"({"plan":"basic"})"), "already_subscribed");
  EXPECT_EQ(code("change", R"({"plan":"pro"})"), "nothing_to_change");
  EXPECT_EQ(code("reactivate", ""), "nothing_to_change");
  billing_.settings.sells = false;
  EXPECT_EQ(code("cancel", "{}"), "payments_not_configured");
  EXPECT_TRUE(calls_.empty());
  EXPECT_EQ(ask("POST", "/api/v1/subscriptions/checkout", R"({"plan":"gold"})").status, 422);
}

TEST_F(SubscriptionsTest, WhatStripeRepliesShowsAtOnce) {
  buy();
  replies_["POST /v1/subscriptions/sub_1"] = {.status = 200,
                                              .body = subscription("price_pro_monthly", true)};
  now_ += 1;
  const Reply cancelled = ask("POST", "/api/v1/subscriptions/cancel", R"({"when":"period_end"})");
  ASSERT_EQ(cancelled.status, 200) << cancelled.body;
  EXPECT_TRUE(cancelled.value().at("cancel_at_period_end").as_bool());
  EXPECT_EQ(calls_.back().form,
            (std::vector<std::pair<std::string, std::string>>{{"cancel_at_period_end", "true"}}));
}

TEST_F(SubscriptionsTest, ARefusalOfStripesIsNotOurFault) {
  buy();
  replies_["POST /v1/subscriptions/sub_1"] = {
      .status = 402,
      .body = R"({"error":{"type":"card_error","code":"card_declined","message":"Ada's card."}})"};
  const Reply declined =
      ask("POST", "/api/v1/subscriptions/change", R"({"plan":"pro","billing_interval":"yearly"})");
  EXPECT_EQ(declined.status, 402);
  EXPECT_EQ(declined.value().at("code").as_string(), "payment_declined");
  EXPECT_EQ(declined.body.find("Ada"), std::string::npos);
  replies_["POST /v1/subscriptions/sub_1"] = {.status = 503, .body = "<html>"};
  const Reply busy = ask("POST", "/api/v1/subscriptions/cancel", "{}");
  EXPECT_EQ(busy.status, 502);
  EXPECT_EQ(busy.value().at("code").as_string(), "payment_provider_failed");
  EXPECT_EQ(mine().at("plan").as_string(), "pro");
}

TEST_F(SubscriptionsTest, WithoutStripePlansAreTakenWhereTheOperatorAllowsIt) {
  billing_.settings.sells = false;
  billing_.settings.local_plans = true;
  const Reply taken = ask("POST", "/api/v1/subscriptions/change", R"({"plan":"basic"})");
  ASSERT_EQ(taken.status, 200) << taken.body;
  EXPECT_EQ(taken.value().at("credits_left").as_int64(), 100);
  EXPECT_EQ(taken.value().at("renewed_by").as_string(), "clock");
  EXPECT_TRUE(ask("POST", "/api/v1/subscriptions/cancel", "{}")
                  .value()
                  .at("cancel_at_period_end")
                  .as_bool());
  EXPECT_FALSE(
      ask("POST", "/api/v1/subscriptions/reactivate").value().at("cancel_at_period_end").as_bool());
  EXPECT_EQ(ask("POST", "/api/v1/subscriptions/cancel", R"({"when":"now"})")
                .value()
                .at("status")
                .as_string(),
            "cancelled");
}

}  // namespace
}  // namespace gesso::api::testing
