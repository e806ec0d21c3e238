// The caller's plan: what it is, and how it is bought, changed and ended.
//
// What Stripe replies is applied at once; its events say the same again.
#include <spdlog/spdlog.h>

#include "gesso/api/operations.hpp"
#include "gesso/base/crypto.hpp"
#include "gesso/base/text.hpp"
#include "gesso/domain/billing.hpp"

namespace gesso::api {
namespace {

using domain::AskFirst;
using domain::Billing;
using domain::BillingDecision;
using domain::BillingRefusal;
using domain::ChangeHere;
using domain::MySubscription;
using domain::StripeCall;
using domain::StripeProblem;
using models::BillingInterval;
using models::SubscriptionPlan;

using PaymentsNotConfigured =
    Problem<409, "payments_not_configured", "This service takes no payments">;
using PlanNotSold = Problem<409, "plan_not_sold", "This plan is not sold at this interval">;
using AlreadySubscribed = Problem<409, "already_subscribed", "A plan is in force">;
using NotSubscribed = Problem<409, "not_subscribed", "No plan is in force">;
using NothingToChange = Problem<409, "nothing_to_change", "The plan is so already">;
using NotACustomer = Problem<409, "not_a_customer", "Nothing was bought yet">;
using PaymentDeclined = Problem<402, "payment_declined", "The payment was declined">;
using PaymentProviderFailed =
    Problem<502, "payment_provider_failed", "The payment provider refused">;

template <class T>
using BillingResult =
    Result<T, NotFound, PaymentsNotConfigured, PlanNotSold, AlreadySubscribed, NotSubscribed,
           NothingToChange, NotACustomer, PaymentDeclined, PaymentProviderFailed>;

}  // namespace

// `create_subscription` and the like at Stripe may be repeated under one key.
struct PlanChoice {
  SubscriptionPlan plan;
  BillingInterval billing_interval = BillingInterval::kMonthly;

  static constexpr std::string_view kName = "PlanChoice";
  static constexpr std::string_view kAbout = "A plan and how often it is paid.";
};
GESSO_FIELDS(PlanChoice, (plan, "Which plan."),
             (billing_interval, schema::field_about<&models::Subscription::billing_interval>,
              schema::kHasDefault))

inline constexpr std::string_view kIdempotencyAbout =
    "Of two requests with one key, Stripe is asked once.";

struct ChoosePlan {
  PlanChoice body;
  std::optional<models::ForeignId> idempotency_key = {};
};
GESSO_FIELDS(ChoosePlan, (body, "The plan."), (idempotency_key, kIdempotencyAbout, kFromHeader))

struct PortalChoice {
  domain::PortalFlow flow = domain::PortalFlow::kOverview;

  static constexpr std::string_view kName = "PortalChoice";
  static constexpr std::string_view kAbout = "Where Stripe's customer portal opens.";
};
GESSO_FIELDS(PortalChoice, (flow, "What the user came for.", schema::kHasDefault))

struct OpenPortal {
  PortalChoice body;
  std::optional<models::ForeignId> idempotency_key = {};
};
GESSO_FIELDS(OpenPortal, (body, "Where it opens."),
             (idempotency_key, kIdempotencyAbout, kFromHeader))

enum class EndWhen { kPeriodEnd, kNow };
constexpr auto wire_texts(EndWhen) {
  return std::to_array<std::string_view>({"period_end", "now"});
}

struct CancelChoice {
  EndWhen when = EndWhen::kPeriodEnd;

  static constexpr std::string_view kName = "CancelChoice";
  static constexpr std::string_view kAbout = "When a plan ends.";
};
GESSO_FIELDS(CancelChoice, (when, "With the paid period, or now.", schema::kHasDefault))

struct CancelSubscription {
  CancelChoice body;
  std::optional<models::ForeignId> idempotency_key = {};
};
GESSO_FIELDS(CancelSubscription, (body, "When it ends."),
             (idempotency_key, kIdempotencyAbout, kFromHeader))

struct ReactivateSubscription {
  std::optional<models::ForeignId> idempotency_key = {};
};
GESSO_FIELDS(ReactivateSubscription, (idempotency_key, kIdempotencyAbout, kFromHeader))

// A page of Stripe's.
struct StripeLink {
  std::string url;
  std::optional<Time> expires_at = {};

  static constexpr std::string_view kName = "StripeLink";
  static constexpr std::string_view kAbout = "A page of Stripe's to send the user to.";
};
GESSO_FIELDS(StripeLink, (url, "Its address, for this user alone."),
             (expires_at, "When it stops to work, if Stripe says so."))

struct PlanOffer {
  SubscriptionPlan plan;
  schema::NonNegative credits_at_sign_up;
  schema::NonNegative credits_per_month;
  std::string currency;
  schema::NonNegative monthly_cents;
  schema::NonNegative yearly_cents;
  bool sold_monthly;
  bool sold_yearly;

  static constexpr std::string_view kName = "PlanOffer";
  static constexpr std::string_view kAbout = "What a plan grants and costs.";
};
GESSO_FIELDS(PlanOffer, (plan, "Its name."), (credits_at_sign_up, "Granted once to a new user."),
             (credits_per_month, schema::field_about<&models::Subscription::credits_per_month>),
             (currency, "Of the prices: a three-letter code."),
             (monthly_cents, "The price of a month, in hundredths of the currency."),
             (yearly_cents, "The price of a year, in hundredths of the currency."),
             (sold_monthly, "Whether it can be bought by the month."),
             (sold_yearly, "Whether it can be bought by the year."))

namespace {

// Runs `unit` with a Billing over a connection that is held meanwhile.
template <class F>
auto with_billing(const PooledCall& call, F&& unit) {
  return call.run([&](mongo::Session& session) {
    Billing billing(session, call.services.repository_context, call.services.billing->settings);
    return unit(billing);
  });
}

// What Stripe knows the request by: the client's key, made the caller's own, or a new one.
std::string request_key(const Call& call, const std::optional<models::ForeignId>& from_client) {
  if (!from_client) return call.services.repository_context.ids.ulid();
  return hex(sha256(call.user_id().str() + ' ' + from_client->str())).substr(0, 32);
}

// What came of a decision: carried out here, or the object of Stripe's reply, or why neither.
using Carried = std::variant<ChangeHere, bson::Document, BillingRefusal, StripeProblem>;

std::variant<bson::Document, StripeProblem> ask_stripe(const Call& call, const StripeCall& what) {
  auto reply = domain::read_stripe_reply(call.services.billing->stripe(what, call.deadline));
  if (const auto* problem = std::get_if<StripeProblem>(&reply)) {
    spdlog::warn("{}: Stripe answers {} {} with {} {}: {}", call.request_id, what.method, what.path,
                 problem->status, problem->code, problem->message);
  }
  return reply;
}

// Decides and carries it out. What has to be known first is asked for, once.
template <class Decide>
Carried carry_out(OutgoingCall& call, Decide decide) {
  const auto apply_reply = [&](const bson::Document& object, Time asked_at) {
    return with_billing(call,
                        [&](Billing& billing) { return billing.apply_reply(object, asked_at); });
  };
  const auto link_customer = [&](bson::Value id) {
    if (!id.is_string() || models::ForeignId::check(id.as_string())) return false;
    return with_billing(call, [&](Billing& billing) {
      return billing.link_customer(call.user_id(), id.as_string()).has_value();
    });
  };
  for (bool has_asked = false;; has_asked = true) {
    const Time asked_at = call.services.repository_context.clock.now();
    BillingDecision decision = with_billing(call, decide);
    if (auto* here = std::get_if<ChangeHere>(&decision)) return std::move(*here);
    if (const auto* refusal = std::get_if<BillingRefusal>(&decision)) return *refusal;
    const auto* first = std::get_if<AskFirst>(&decision);
    auto reply = ask_stripe(call, first != nullptr ? first->call : std::get<StripeCall>(decision));
    if (const auto* problem = std::get_if<StripeProblem>(&reply)) return *problem;
    bson::Document& object = std::get<bson::Document>(reply);
    if (first == nullptr) {
      apply_reply(object, asked_at);  // where it is a subscription
      return std::move(object);
    }
    const bool is_told = first->what == AskFirst::For::kSubscription ? apply_reply(object, asked_at)
                                                                     : link_customer(object["id"]);
    if (has_asked || !is_told) {
      return StripeProblem{.status = 502, .message = "the reply does not say what was asked for"};
    }
  }
}

template <class T>
BillingResult<T> refuse(BillingRefusal refusal) {
  std::string detail(explain(refusal));
  switch (refusal) {
    case BillingRefusal::kUnknownUser:
      return NotFound{.detail = std::move(detail)};
    case BillingRefusal::kPaymentsNotConfigured:
      return PaymentsNotConfigured{.detail = std::move(detail)};
    case BillingRefusal::kNotSold:
      return PlanNotSold{.detail = std::move(detail)};
    case BillingRefusal::kAlreadySubscribed:
      return AlreadySubscribed{.detail = std::move(detail)};
    case BillingRefusal::kNotSubscribed:
      return NotSubscribed{.detail = std::move(detail)};
    case BillingRefusal::kNothingToChange:
      return NothingToChange{.detail = std::move(detail)};
    case BillingRefusal::kNotACustomer:
      return NotACustomer{.detail = std::move(detail)};
  }
  return NotFound{.detail = std::move(detail)};
}

template <class T>
BillingResult<T> refuse(const StripeProblem& problem) {
  if (problem.type == "card_error") {
    return PaymentDeclined{.detail = "The payment was declined; another card may do"};
  }
  return PaymentProviderFailed{.detail = problem.is_passing()
                                             ? "The payment provider is busy; try again later"
                                             : "The payment provider did not do it"};
}

BillingResult<MySubscription> subscription_after(OutgoingCall& call, const Carried& carried) {
  if (const auto* refusal = std::get_if<BillingRefusal>(&carried)) {
    return refuse<MySubscription>(*refusal);
  }
  if (const auto* problem = std::get_if<StripeProblem>(&carried)) {
    return refuse<MySubscription>(*problem);
  }
  return with_billing(call, [&](Billing& billing) { return billing.mine(call.user_id()); });
}

BillingResult<StripeLink> link_of(const Carried& carried) {
  if (const auto* refusal = std::get_if<BillingRefusal>(&carried)) {
    return refuse<StripeLink>(*refusal);
  }
  if (const auto* problem = std::get_if<StripeProblem>(&carried)) {
    return refuse<StripeLink>(*problem);
  }
  const auto* object = std::get_if<bson::Document>(&carried);
  const bson::Value url = object != nullptr ? (*object)["url"] : bson::Value();
  if (!url.is_string()) return refuse<StripeLink>(StripeProblem{.status = 502});
  StripeLink link{.url = std::string(url.as_string())};
  if (const auto expires = (*object)["expires_at"].integer()) {
    link.expires_at = Time{std::chrono::seconds{*expires}};
  }
  return link;
}

Result<MySubscription> get_my_subscription(ReadCall& call, const NoInput&) {
  return Billing(call.session, call.services.repository_context, call.services.billing->settings)
      .mine(call.user_id());
}

Result<Page<PlanOffer>> list_plans(InlineCall& call, const NoInput&) {
  Page<PlanOffer> page;
  const domain::Plans& plans = call.services.billing->settings.plans;
  for (const domain::Plan& plan : plans.all()) {
    page.items.push_back({.plan = plan.plan,
                          .credits_at_sign_up = plan.credits_at_sign_up,
                          .credits_per_month = plan.credits_per_month,
                          .currency = plans.currency(),
                          .monthly_cents = plan.monthly.cents,
                          .yearly_cents = plan.yearly.cents,
                          .sold_monthly = plan.monthly.stripe_price.has_value(),
                          .sold_yearly = plan.yearly.stripe_price.has_value()});
  }
  return page;
}

BillingResult<StripeLink> create_checkout(OutgoingCall& call, const ChoosePlan& asked) {
  const std::string key = request_key(call, asked.idempotency_key);
  return link_of(carry_out(call, [&](Billing& billing) {
    return billing.checkout(call.user_id(), asked.body.plan, asked.body.billing_interval, key);
  }));
}

BillingResult<StripeLink> create_portal(OutgoingCall& call, const OpenPortal& asked) {
  const std::string key = request_key(call, asked.idempotency_key);
  return link_of(carry_out(call, [&](Billing& billing) {
    return billing.portal(call.user_id(), asked.body.flow, key);
  }));
}

BillingResult<MySubscription> change_subscription(OutgoingCall& call, const ChoosePlan& asked) {
  const std::string key = request_key(call, asked.idempotency_key);
  return subscription_after(call, carry_out(call, [&](Billing& billing) {
                              return billing.change(call.user_id(), asked.body.plan,
                                                    asked.body.billing_interval, key);
                            }));
}

BillingResult<MySubscription> cancel_subscription(OutgoingCall& call,
                                                  const CancelSubscription& asked) {
  const std::string key = request_key(call, asked.idempotency_key);
  const auto when = asked.body.when == EndWhen::kNow ? repositories::CancelWhen::kNow
                                                     : repositories::CancelWhen::kAtPeriodEnd;
  return subscription_after(call, carry_out(call, [&](Billing& billing) {
                              return billing.cancel(call.user_id(), when, key);
                            }));
}

BillingResult<MySubscription> reactivate_subscription(OutgoingCall& call,
                                                      const ReactivateSubscription& asked) {
  const std::string key = request_key(call, asked.idempotency_key);
  return subscription_after(call, carry_out(call, [&](Billing& billing) {
                              return billing.reactivate(call.user_id(), key);
                            }));
}

constexpr Operation kOperations[] = {
    operation<list_plans>({.path = "/api/v1/plans",
                           .id = "listPlans",
                           .tag = "Subscriptions",
                           .summary = "What there is to buy.",
                           .access = Access::kPublic}),
    operation<get_my_subscription>({.path = "/api/v1/subscriptions/me",
                                    .id = "getMySubscription",
                                    .tag = "Subscriptions",
                                    .summary = "The caller's plan and its credits.",
                                    .scope = Scope::kBillingRead}),
    operation<create_checkout>({.method = http::Method::kPost,
                                .path = "/api/v1/subscriptions/checkout",
                                .id = "createCheckout",
                                .tag = "Subscriptions",
                                .summary = "A page of Stripe's on which to buy a plan.",
                                .scope = Scope::kBillingWrite,
                                .limit = LimitClass::kWrite}),
    operation<create_portal>(
        {.method = http::Method::kPost,
         .path = "/api/v1/subscriptions/portal",
         .id = "createPortal",
         .tag = "Subscriptions",
         .summary = "A page of Stripe's on which to manage cards, bills and the plan.",
         .scope = Scope::kBillingWrite,
         .limit = LimitClass::kWrite}),
    operation<change_subscription>(
        {.method = http::Method::kPost,
         .path = "/api/v1/subscriptions/change",
         .id = "changeSubscription",
         .tag = "Subscriptions",
         .summary = "Go over to another plan, or to another interval.",
         .description = "The plan `free` ends the current one with its paid period.",
         .scope = Scope::kBillingWrite,
         .limit = LimitClass::kWrite}),
    operation<cancel_subscription>({.method = http::Method::kPost,
                                    .path = "/api/v1/subscriptions/cancel",
                                    .id = "cancelSubscription",
                                    .tag = "Subscriptions",
                                    .summary = "End the plan with its paid period, or now.",
                                    .scope = Scope::kBillingWrite,
                                    .limit = LimitClass::kWrite}),
    operation<reactivate_subscription>({.method = http::Method::kPost,
                                        .path = "/api/v1/subscriptions/reactivate",
                                        .id = "reactivateSubscription",
                                        .tag = "Subscriptions",
                                        .summary = "Keep a plan that was to end.",
                                        .scope = Scope::kBillingWrite,
                                        .limit = LimitClass::kWrite}),
};

}  // namespace

Operations subscription_operations() { return kOperations; }

}  // namespace gesso::api
