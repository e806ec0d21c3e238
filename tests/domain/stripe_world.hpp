// Events of Stripe for tests, as the parser makes them of what Stripe sends.
#pragma once

#include <optional>
#include <string>

#include "gesso/domain/plans.hpp"
#include "gesso/models/stripe.hpp"

namespace gesso::domain {

inline Time at(const char* text) { return *parse_iso8601(text); }

// The plans of a new installation, with prices "price_basic_monthly" and so on.
inline Plans priced_plans() {
  std::array<Plan, 4> plans = Plans().all();
  for (Plan& plan : plans) {
    if (plan.plan == models::SubscriptionPlan::kFree) continue;
    const std::string name = "price_" + std::string(to_string(plan.plan));
    plan.monthly.stripe_price = models::ForeignId(name + "_monthly");
    plan.yearly.stripe_price = models::ForeignId(name + "_yearly");
  }
  return Plans(plans);
}

// One subscription at Stripe, and what is told of it. Ids of events count up.
class StripeSubscriptionOf {
  static inline int events_ = 0;
  std::string id_;
  std::string price_;
  Time created_;
  std::optional<std::string> user_id_;
  std::string customer_ = "cus_1";

 public:
  StripeSubscriptionOf(std::string id, std::string price, Time created,
                       std::optional<std::string> user_id = {})
      : id_(std::move(id)),
        price_(std::move(price)),
        created_(created),
        user_id_(std::move(user_id)) {}

  void set_price(std::string price) { price_ = std::move(price); }
  void set_customer(std::string customer) { customer_ = std::move(customer); }

  [[nodiscard]] models::StripeEvent event(std::string_view type, Time created) const {
    models::StripeEvent event{.id = "evt_" + std::to_string(1'000'000 + events_++),
                              .type = type,
                              .created = created,
                              .customer_id = models::ForeignId(customer_),
                              .subscription_id = models::ForeignId(id_)};
    if (user_id_) event.user_id = models::ForeignId(*user_id_);
    return event;
  }

  [[nodiscard]] models::StripeEvent state(models::StripeStatus status, Time created,
                                          std::string_view what = "updated") const {
    auto made = event("customer.subscription." + std::string(what), created);
    made.kind = models::StripeEventKind::kSubscription;
    made.subscription = models::StripeSubscriptionFacts{.status = status, .created = created_};
    made.subscription->items = {{.id = "si_" + id_, .price_id = price_}};
    return made;
  }
  [[nodiscard]] models::StripeEvent cancelling(Time created) const {
    auto made = state(models::StripeStatus::kActive, created);
    made.subscription->cancel_at_period_end = true;
    made.subscription->canceled_at = created;
    return made;
  }
  [[nodiscard]] models::StripeEvent deleted(Time created) const {
    auto made = state(models::StripeStatus::kCanceled, created, "deleted");
    made.subscription->canceled_at = created;
    made.subscription->ended_at = created;
    return made;
  }

  [[nodiscard]] models::StripeEvent paid(
      std::string_view invoice, Time from, Time until,
      models::InvoiceReason reason = models::InvoiceReason::kCycle,
      std::optional<Time> created = {}) const {
    auto made = event("invoice.paid", created.value_or(from));
    made.kind = models::StripeEventKind::kInvoicePaid;
    made.invoice = models::StripeInvoiceFacts{.id = invoice,
                                              .reason = reason,
                                              .period_start = from,
                                              .period_end = until,
                                              .price_id = models::ForeignId(price_)};
    return made;
  }
  [[nodiscard]] models::StripeEvent failed(std::string_view invoice, Time created,
                                           std::optional<Time> next_attempt) const {
    auto made = event("invoice.payment_failed", created);
    made.kind = models::StripeEventKind::kInvoiceFailed;
    made.invoice = models::StripeInvoiceFacts{
        .id = invoice, .reason = models::InvoiceReason::kCycle, .next_attempt_at = next_attempt};
    return made;
  }
  [[nodiscard]] models::StripeEvent checkout(std::string_view user_id, Time created) const {
    auto made = event("checkout.session.completed", created);
    made.kind = models::StripeEventKind::kCheckoutCompleted;
    made.user_id = models::ForeignId(user_id);
    return made;
  }
};

}  // namespace gesso::domain
