// The calls that we make of Stripe's API, as values: what is to be sent, made by pure functions.
// Who sends them is a `StripeTransport`, so that nothing here needs a network.
//
// Forms are as stripe-python's of API version 2026-06-24.dahlia.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "gesso/base/deadline.hpp"
#include "gesso/bson/view.hpp"
#include "gesso/models/subscription.hpp"

namespace gesso::domain {

// What `Stripe-Version` says. Replies have this shape; events have that of their endpoint.
inline constexpr std::string_view kStripeVersion = "2026-06-24.dahlia";

struct StripeCall {
  std::string method;  // "POST"
  std::string path;    // "/v1/customers"
  std::vector<std::pair<std::string, std::string>> form = {};
  // Two calls with one key are one to Stripe, for a day at least; empty for what may be repeated.
  std::string idempotency_key = {};

  // The form as `application/x-www-form-urlencoded`.
  [[nodiscard]] std::string body() const;

  friend bool operator==(const StripeCall&, const StripeCall&) = default;
};

struct StripeReply {
  int status = 0;
  std::string body = {};
};

// Sends a call with the secret key and `kStripeVersion`, and repeats it where Stripe says so, until
// the deadline. Blocks. Throws Error where there was no reply.
using StripeTransport = std::function<StripeReply(const StripeCall&, Deadline)>;

// What Stripe refused, in its own words.
struct StripeProblem {
  int status = 0;
  std::string type = {};     // "card_error"
  std::string code = {};     // "card_declined"
  std::string message = {};  // for the log

  // Whether the same call may go well later: Stripe or the limit of calls is at fault.
  [[nodiscard]] bool is_passing() const { return status == 409 || status == 429 || status >= 500; }
};

// The object of a reply, or why there is none.
[[nodiscard]] std::variant<bson::Document, StripeProblem> read_stripe_reply(
    const StripeReply& reply);

// The customer of a user. The key follows from what is sent, so that a repetition finds the one
// that was made.
[[nodiscard]] StripeCall create_customer(const models::UserId& user_id, std::string_view email);

struct CheckoutOrder {
  models::UserId user_id;
  models::ForeignId customer_id;
  models::ForeignId price_id;
  std::string success_url;  // may hold {CHECKOUT_SESSION_ID}
  std::string cancel_url;
};
[[nodiscard]] StripeCall create_checkout_session(const CheckoutOrder& order, std::string_view key);

enum class PortalFlow { kOverview, kCancel, kChangePlan, kPaymentMethod };
constexpr auto wire_texts(PortalFlow) {
  return std::to_array<std::string_view>({"overview", "cancel", "change_plan", "payment_method"});
}
// REQUIRES: a subscription where the flow is about one.
[[nodiscard]] StripeCall create_portal_session(
    const models::ForeignId& customer_id,
    const std::optional<models::ForeignId>& stripe_subscription_id, PortalFlow flow,
    std::string_view return_url, std::string_view key);

[[nodiscard]] StripeCall fetch_subscription(const models::ForeignId& id);
// Another price for the item. What was paid and not used is set off against the next invoice.
[[nodiscard]] StripeCall change_price(const models::ForeignId& id, const models::ForeignId& item_id,
                                      const models::ForeignId& price_id, std::string_view key);
[[nodiscard]] StripeCall set_cancel_at_period_end(const models::ForeignId& id, bool cancel,
                                                  std::string_view key);
[[nodiscard]] StripeCall cancel_now(const models::ForeignId& id, std::string_view key);

}  // namespace gesso::domain
