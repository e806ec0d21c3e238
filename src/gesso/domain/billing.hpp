// Billing: what users have bought, kept as Stripe's events and the clock say, with nothing but
// updates of single documents.
//
// An event passes three writes, and may be applied again after a crash between any two of them:
//   1. It is stored under its id (webhook_events), once.
//   2. What it says is merged into the user's subscription, and what follows from that is written
//      in one update, on condition that nobody else did so meanwhile (stripe_records.hpp). The
//      update leaves the mark `unsettled_since`.
//   3. The user's tier and customer are written, the mark is taken off, and the event is marked as
//      applied.
// An event whose user or whose price is not known yet is parked, and tried again: at once when a
// checkout tells whose customer it is, else by the sweep.
//
// Over one session, for one unit of work, as the repositories are. Every call blocks.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gesso/domain/billing_decisions.hpp"
#include "gesso/models/webhook_event.hpp"
#include "gesso/repositories/subscription_repository.hpp"
#include "gesso/repositories/user_repository.hpp"
#include "gesso/repositories/webhook_event_repository.hpp"

namespace gesso::domain {

enum class ApplyOutcome {
  kApplied,
  kRepeated,  // it was applied, or ignored, before
  kIgnored,   // it says nothing to us
  kParked     // it is tried again
};
[[nodiscard]] std::string_view to_string(ApplyOutcome outcome);

struct BillingSweepReport {
  std::int64_t retried = 0;  // events that could be applied now
  std::int64_t parked = 0;   // events that still could not
  std::int64_t renewed = 0;  // credit periods that the clock began
  std::int64_t ended = 0;    // subscriptions that expired or were to end with their period
  std::int64_t settled = 0;  // users whose document did not show their plan yet
  std::int64_t failed = 0;   // documents that make no sense
};

class Billing {
  repositories::SubscriptionRepository subscriptions_;
  repositories::UserRepository users_;
  repositories::WebhookEventRepository events_;
  const repositories::RepositoryContext* context_;
  const BillingSettings* settings_;

 public:
  // Borrows the settings, which must outlive it.
  Billing(mongo::Session& session, const repositories::RepositoryContext& context,
          const BillingSettings& settings)
      : subscriptions_(session, context),
        users_(session, context),
        events_(session, context),
        context_(&context),
        settings_(&settings) {}

  // Stores the event and applies it, unless that was done. Safe to repeat, from many processes at
  // once. After an Error the sweep goes on with it, if it was stored.
  ApplyOutcome apply(const models::StripeEvent& event);

  // What the clock brings, at most 1000 documents of each kind: applies events that were parked or
  // whose process died, begins credit periods, renews what renews by itself, ends what was
  // cancelled for its period's end or was not paid, and shows users the tier they have. Two states
  // of one second are settled by asking Stripe, where there is a transport. Safe from many
  // processes at once.
  BillingSweepReport sweep_due(Time now, const StripeTransport& transport = nullptr);

  [[nodiscard]] MySubscription mine(const models::UserId& user_id);

  // What is to be done for a user, and, of a plan without Stripe, done. The subscription in a
  // `ChangeHere` is as it is then. `key`: see billing_decisions.hpp.
  [[nodiscard]] BillingDecision checkout(const models::UserId& user_id,
                                         models::SubscriptionPlan plan,
                                         models::BillingInterval interval, std::string_view key);
  [[nodiscard]] BillingDecision portal(const models::UserId& user_id, PortalFlow flow,
                                       std::string_view key);
  [[nodiscard]] BillingDecision change(const models::UserId& user_id, models::SubscriptionPlan plan,
                                       models::BillingInterval interval, std::string_view key);
  [[nodiscard]] BillingDecision cancel(const models::UserId& user_id, repositories::CancelWhen when,
                                       std::string_view key);
  [[nodiscard]] BillingDecision reactivate(const models::UserId& user_id, std::string_view key);

  // A customer that was made at Stripe: kept unless the user has one by now. Returns the user's.
  std::optional<models::ForeignId> link_customer(const models::UserId& user_id,
                                                 const models::ForeignId& customer_id);
  // A subscription as Stripe replied with it to a call of `asked_at`. Returns whether it was one.
  // `of`: whose it is, where that is known beforehand.
  bool apply_reply(bson::View object, Time asked_at, const std::optional<models::UserId>& of = {});

 private:
  struct Verdict {
    ApplyOutcome outcome = ApplyOutcome::kApplied;
    std::string reason = {};
    std::optional<models::ForeignId> ask =
        {};  // a Stripe subscription of which two states are told
  };

  ApplyOutcome finish(const models::WebhookEvent& stored, const Verdict& verdict);
  ApplyOutcome retry(const models::WebhookEvent& stored, const StripeTransport& transport);
  Verdict process(const models::StripeEvent& event);
  Verdict merge_into(const models::UserId& user_id, const models::StripeEvent& event);
  std::optional<models::UserId> resolve_user(const models::StripeEvent& event);
  void retry_parked(const models::ForeignId& customer_id);
  // Shows in the user's document what the subscription grants.
  void settle(const models::UserId& user_id);
  // What `decide` says of the user and the subscription of now; carries out what is done here.
  template <class Decide>
  BillingDecision decide(const models::UserId& user_id, Decide decide);
  // The subscription by the clock, stored where that is something new.
  models::Subscription advance(const models::Subscription& seen, Time now);
  void sweep_events(Time now, const StripeTransport& transport, BillingSweepReport& report);
  void sweep_subscriptions(Time now, BillingSweepReport& report);
};

}  // namespace gesso::domain
