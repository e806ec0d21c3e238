#include "gesso/domain/stripe_calls.hpp"

#include "gesso/base/crypto.hpp"
#include "gesso/base/error.hpp"
#include "gesso/base/text.hpp"
#include "gesso/schema/json.hpp"

namespace gesso::domain {

using models::ForeignId;

namespace {

constexpr std::size_t kMessageBytes = 300;

std::string subscription_path(const ForeignId& id) {
  return "/v1/subscriptions/" + percent_encode(id);
}

std::string key_of(std::string_view operation, std::string_view key) {
  return "gesso-" + std::string(operation) + '-' + std::string(key);
}

std::string text_of(bson::Value value) {
  return value.is_string() ? std::string(utf8_prefix(value.as_string(), kMessageBytes))
                           : std::string();
}

}  // namespace

std::string StripeCall::body() const {
  std::string text;
  for (const auto& [name, value] : form) {
    if (!text.empty()) text += '&';
    append_percent_encoded(text, name);
    text += '=';
    append_percent_encoded(text, value);
  }
  return text;
}

std::variant<bson::Document, StripeProblem> read_stripe_reply(const StripeReply& reply) {
  bson::Document object;
  try {
    object = schema::parse_json(reply.body);
  } catch (const Error&) {
    return StripeProblem{.status = reply.status, .message = "the reply is no JSON object"};
  }
  if (reply.status >= 200 && reply.status < 300) return object;
  const bson::Value error = object["error"];
  const bson::View details = error.is_document() ? error.as_document() : bson::View();
  return StripeProblem{.status = reply.status,
                       .type = text_of(details["type"]),
                       .code = text_of(details["code"]),
                       .message = text_of(details["message"])};
}

StripeCall create_customer(const models::UserId& user_id, std::string_view email) {
  StripeCall call{.method = "POST",
                  .path = "/v1/customers",
                  .form = {{"email", std::string(email)}, {"metadata[user_id]", user_id.str()}}};
  // One key with two contents is an error at Stripe: the user's address may have changed.
  call.idempotency_key = key_of("customer", hex(sha256(call.body())).substr(0, 32));
  return call;
}

StripeCall create_checkout_session(const CheckoutOrder& order, std::string_view key) {
  return {.method = "POST",
          .path = "/v1/checkout/sessions",
          .form = {{"mode", "subscription"},
                   {"line_items[0][price]", order.price_id.str()},
                   {"line_items[0][quantity]", "1"},
                   {"customer", order.customer_id.str()},
                   {"client_reference_id", order.user_id.str()},
                   {"subscription_data[metadata][user_id]", order.user_id.str()},
                   {"success_url", order.success_url},
                   {"cancel_url", order.cancel_url}},
          .idempotency_key = key_of("checkout", key)};
}

StripeCall create_portal_session(const ForeignId& customer_id,
                                 const std::optional<ForeignId>& stripe_subscription_id,
                                 PortalFlow flow, std::string_view return_url,
                                 std::string_view key) {
  StripeCall call{
      .method = "POST",
      .path = "/v1/billing_portal/sessions",
      .form = {{"customer", customer_id.str()}, {"return_url", std::string(return_url)}},
      .idempotency_key = key_of("portal", key)};
  const auto add_flow = [&](const std::string& type) {
    call.form.emplace_back("flow_data[type]", type);
    if (type == "payment_method_update" || !stripe_subscription_id) return;
    call.form.emplace_back("flow_data[" + type + "][subscription]", stripe_subscription_id->str());
  };
  switch (flow) {
    case PortalFlow::kOverview:
      break;
    case PortalFlow::kCancel:
      add_flow("subscription_cancel");
      break;
    case PortalFlow::kChangePlan:
      add_flow("subscription_update");
      break;
    case PortalFlow::kPaymentMethod:
      add_flow("payment_method_update");
      break;
  }
  return call;
}

StripeCall fetch_subscription(const ForeignId& id) {
  return {.method = "GET", .path = subscription_path(id)};
}

StripeCall change_price(const ForeignId& id, const ForeignId& item_id, const ForeignId& price_id,
                        std::string_view key) {
  return {.method = "POST",
          .path = subscription_path(id),
          .form = {{"items[0][id]", item_id.str()},
                   {"items[0][price]", price_id.str()},
                   {"proration_behavior", "create_prorations"}},
          .idempotency_key = key_of("change", key)};
}

StripeCall set_cancel_at_period_end(const ForeignId& id, bool cancel, std::string_view key) {
  return {.method = "POST",
          .path = subscription_path(id),
          .form = {{"cancel_at_period_end", cancel ? "true" : "false"}},
          .idempotency_key = key_of(cancel ? "cancel" : "reactivate", key)};
}

StripeCall cancel_now(const ForeignId& id, std::string_view key) {
  return {.method = "DELETE", .path = subscription_path(id), .idempotency_key = key_of("end", key)};
}

}  // namespace gesso::domain
