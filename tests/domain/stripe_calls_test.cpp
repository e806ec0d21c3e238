#include "gesso/domain/stripe_calls.hpp"

#include <gtest/gtest.h>

namespace gesso::domain {
namespace {

using Form = std::vector<std::pair<std::string, std::string>>;

TEST(StripeCallsTest, AFormIsEncoded) {
  const StripeCall call{.method = "POST", .path = "/", .form = {{"a[0][b]", "x y&z=ä"}, {"c", ""}}};
  EXPECT_EQ(call.body(), "a%5B0%5D%5Bb%5D=x%20y%26z%3D%C3%A4&c=");
}

TEST(StripeCallsTest, ACheckoutSellsOnePriceToTheUsersCustomer) {
  const StripeCall call = create_checkout_session({.user_id = "user_ada",
                                                   .customer_id = "cus_1",
                                                   .price_id = "price_pro",
                                                   .success_url = "https://a.example/ok",
                                                   .cancel_url = "https://a.example/no"},
                                                  "k1");
  EXPECT_EQ(call.method, "POST");
  EXPECT_EQ(call.path, "/v1/checkout/sessions");
  EXPECT_EQ(call.form, (Form{{"mode", "subscription"},
                             {"line_items[0][price]", "price_pro"},
                             {"line_items[0][quantity]", "1"},
                             {"customer", "cus_1"},
                             {"client_reference_id", "user_ada"},
                             {"subscription_data[metadata][user_id]", "user_ada"},
                             {"success_url", "https://a.example/ok"},
                             {"cancel_url", "https://a.example/no"}}));
  EXPECT_EQ(call.idempotency_key, "gesso-checkout-k1");
}

TEST(StripeCallsTest, TheCustomerOfAUserIsMadeOnceHoweverOftenItIsAskedFor) {
  const StripeCall call = create_customer("user_ada", "ada@example.com");
  EXPECT_EQ(call.path, "/v1/customers");
  EXPECT_EQ(call.form, (Form{{"email", "ada@example.com"}, {"metadata[user_id]", "user_ada"}}));
  EXPECT_EQ(create_customer("user_ada", "ada@example.com"), call);
  // One key for two contents would be an error for a day.
  EXPECT_NE(create_customer("user_ada", "lovelace@example.com").idempotency_key,
            call.idempotency_key);
  EXPECT_NE(create_customer("user_grace", "ada@example.com").idempotency_key, call.idempotency_key);
}

TEST(StripeCallsTest, APortalOpensWhereItIsNeeded) {
  const auto form = [](PortalFlow flow) {
    return create_portal_session("cus_1", models::ForeignId("sub_1"), flow, "https://a.example",
                                 "k")
        .form;
  };
  const Form plain{{"customer", "cus_1"}, {"return_url", "https://a.example"}};
  EXPECT_EQ(form(PortalFlow::kOverview), plain);
  Form cancel = plain;
  cancel.emplace_back("flow_data[type]", "subscription_cancel");
  cancel.emplace_back("flow_data[subscription_cancel][subscription]", "sub_1");
  EXPECT_EQ(form(PortalFlow::kCancel), cancel);
  Form change = plain;
  change.emplace_back("flow_data[type]", "subscription_update");
  change.emplace_back("flow_data[subscription_update][subscription]", "sub_1");
  EXPECT_EQ(form(PortalFlow::kChangePlan), change);
  Form card = plain;
  card.emplace_back("flow_data[type]", "payment_method_update");
  EXPECT_EQ(form(PortalFlow::kPaymentMethod), card);
}

TEST(StripeCallsTest, ASubscriptionIsChangedAndEnded) {
  const StripeCall change = change_price("sub_1", "si_1", "price_pro", "k");
  EXPECT_EQ(change.path, "/v1/subscriptions/sub_1");
  EXPECT_EQ(change.form, (Form{{"items[0][id]", "si_1"},
                               {"items[0][price]", "price_pro"},
                               {"proration_behavior", "create_prorations"}}));
  EXPECT_EQ(set_cancel_at_period_end("sub_1", true, "k").form,
            (Form{{"cancel_at_period_end", "true"}}));
  EXPECT_EQ(set_cancel_at_period_end("sub_1", false, "k").form,
            (Form{{"cancel_at_period_end", "false"}}));
  EXPECT_NE(set_cancel_at_period_end("sub_1", false, "k").idempotency_key,
            set_cancel_at_period_end("sub_1", true, "k").idempotency_key);
  EXPECT_EQ(cancel_now("sub_1", "k").method, "DELETE");
  EXPECT_EQ(fetch_subscription("sub_1").method, "GET");
  EXPECT_EQ(fetch_subscription("sub/../1").path, "/v1/subscriptions/sub%2F..%2F1");
}

TEST(StripeCallsTest, AReplyIsAnObjectOrAProblem) {
  const auto good = read_stripe_reply({.status = 200, .body = R"({"id": "cus_1"})"});
  EXPECT_EQ(std::get<bson::Document>(good)["id"].as_string(), "cus_1");

  const auto declined = std::get<StripeProblem>(read_stripe_reply(
      {.status = 402,
       .body = R"({"error": {"type": "card_error", "code": "card_declined", "message": "No."}})"}));
  EXPECT_EQ(declined.type, "card_error");
  EXPECT_EQ(declined.code, "card_declined");
  EXPECT_EQ(declined.message, "No.");
  EXPECT_FALSE(declined.is_passing());

  EXPECT_TRUE(
      std::get<StripeProblem>(read_stripe_reply({.status = 429, .body = "{}"})).is_passing());
  EXPECT_TRUE(
      std::get<StripeProblem>(read_stripe_reply({.status = 502, .body = "<html>"})).is_passing());
  EXPECT_TRUE(std::holds_alternative<StripeProblem>(read_stripe_reply({.status = 200})));
}

}  // namespace
}  // namespace gesso::domain
