#include "gesso/domain/billing.hpp"

#include <algorithm>
#include <cstdlib>
#include <random>

#include "gesso/bson/json.hpp"
#include "gesso/domain/charging.hpp"
#include "tests/domain/stripe_world.hpp"
#include "tests/repositories/fixture.hpp"

namespace gesso::domain {
namespace {

using namespace query;
using namespace repositories;
using namespace std::chrono_literals;
using models::BillingInterval;
using models::InvoiceReason;
using models::StripeEvent;
using models::StripeRecord;
using models::StripeStatus;
using models::Subscription;
using models::SubscriptionPlan;
using models::SubscriptionStatus;
using models::SubscriptionTier;
using models::User;
using models::WebhookEvent;
using models::WebhookState;

class BillingTest : public RepositoryTest {
 protected:
  BillingSettings settings_{.plans = priced_plans(),
                            .sells = true,
                            .checkout_success_url = "https://a.example/ok",
                            .checkout_cancel_url = "https://a.example/no",
                            .portal_return_url = "https://a.example/plan"};
  const Time start_ = at("2100-01-31T12:00:00Z");  // the fake clock's
  const Time february_ = at("2100-02-28T12:00:00Z");
  const Time march_ = at("2100-03-31T12:00:00Z");

  template <class F>
  auto billing(F&& unit) {
    return run(
        [&](mongo::Session& session) { return unit(Billing(session, context_, settings_)); });
  }
  ApplyOutcome apply(const StripeEvent& event) {
    return billing([&](Billing billing) { return billing.apply(event); });
  }
  BillingSweepReport sweep(const StripeTransport& transport = nullptr) {
    return billing([&](Billing billing) { return billing.sweep_due(clock_.now(), transport); });
  }
  MySubscription mine(const models::UserId& id) {
    return billing([&](Billing billing) { return billing.mine(id); });
  }

  User user(const models::UserId& id) {
    return *with<UserRepository>([&](UserRepository users) { return users.find_by_id(id); });
  }
  std::optional<Subscription> found(const models::UserId& id) {
    return with<SubscriptionRepository>(
        [&](SubscriptionRepository subscriptions) { return subscriptions.find_by_user(id); });
  }
  Subscription subscription(const models::UserId& id) { return found(id).value(); }
  WebhookEvent stored(const StripeEvent& event) {
    return *with<WebhookEventRepository>([&](WebhookEventRepository events) {
      return events.find_by_id(webhook_event_id(models::WebhookProvider::kStripe, event.id));
    });
  }
  void use(const models::UserId& id, std::int64_t credits) {
    with<SubscriptionRepository>([&](SubscriptionRepository subscriptions) {
      ASSERT_TRUE(
          subscriptions.use_credits(subscriptions.find_by_user(id)->id, credits, ids_.next("op_")));
    });
  }
  // Buys `sold` for the user it names.
  void buy(const StripeSubscriptionOf& sold) {
    apply(sold.state(StripeStatus::kActive, start_, "created"));
    apply(sold.paid("in_1", start_, february_, InvoiceReason::kCreate));
  }
  StripeSubscriptionOf pro_of(const User& user) {
    return {"sub_a", "price_pro_monthly", start_, user.id.str()};
  }
};

TEST_F(BillingTest, APurchaseGivesPlanCreditsAndTier) {
  const User ada = add_user("ada@example.com");
  buy(pro_of(ada));
  const Subscription bought = subscription(ada.id);
  EXPECT_EQ(bought.plan, SubscriptionPlan::kPro);
  EXPECT_EQ(bought.credits_per_month, 500);
  EXPECT_EQ(bought.current_period_end, february_);
  EXPECT_EQ(bought.unsettled_since, std::nullopt);
  EXPECT_TRUE(is_usable(bought, clock_.now()));
  EXPECT_EQ(user(ada.id).subscription_tier, SubscriptionTier::kPro);
  EXPECT_EQ(user(ada.id).stripe_customer_id, "cus_1");
  EXPECT_EQ(mine(ada.id).credits_left, 500);
  EXPECT_EQ(mine(ada.id).renewed_by, WhoRenews::kStripe);
}

TEST_F(BillingTest, AnEventIsAppliedOnce) {
  const User ada = add_user("ada@example.com");
  const auto sold = pro_of(ada);
  const auto paid = sold.paid("in_1", start_, february_, InvoiceReason::kCreate);
  EXPECT_EQ(apply(paid), ApplyOutcome::kApplied);
  use(ada.id, 5);
  const Subscription before = subscription(ada.id);
  EXPECT_EQ(apply(paid), ApplyOutcome::kRepeated);
  // Nor does it where its entry is gone: the facts are known.
  run([](mongo::Session& session) { session.delete_many("webhook_events", {}); });
  EXPECT_EQ(apply(paid), ApplyOutcome::kApplied);
  EXPECT_EQ(subscription(ada.id), before);
  EXPECT_EQ(stored(paid).state, WebhookState::kApplied);
}

TEST_F(BillingTest, AnEventOfNoMeaningIsStoredAndIgnored) {
  StripeEvent event{.id = "evt_other", .type = "charge.refunded", .created = start_};
  EXPECT_EQ(apply(event), ApplyOutcome::kIgnored);
  EXPECT_EQ(stored(event).state, WebhookState::kIgnored);
  EXPECT_EQ(apply(event), ApplyOutcome::kRepeated);
}

TEST_F(BillingTest, AnInvoiceBeforeItsCustomerIsKnownWaitsForTheCheckout) {
  const User ada = add_user("ada@example.com");
  const StripeSubscriptionOf sold("sub_a", "price_pro_monthly", start_);  // names nobody
  const auto paid = sold.paid("in_1", start_, february_, InvoiceReason::kCreate);
  EXPECT_EQ(apply(paid), ApplyOutcome::kParked);
  EXPECT_EQ(stored(paid).state, WebhookState::kParked);
  EXPECT_EQ(found(ada.id), std::nullopt);
  EXPECT_EQ(apply(sold.checkout(ada.id.str(), start_)), ApplyOutcome::kApplied);
  EXPECT_EQ(user(ada.id).stripe_customer_id, "cus_1");
  EXPECT_EQ(user(ada.id).subscription_tier, SubscriptionTier::kPro);
  EXPECT_TRUE(is_usable(subscription(ada.id), clock_.now()));
  EXPECT_EQ(stored(paid).state, WebhookState::kApplied);
}

TEST_F(BillingTest, TheSweepTriesAgainWhatCouldNotBeApplied) {
  const StripeSubscriptionOf sold("sub_a", "price_pro_monthly", start_);
  const auto paid = sold.paid("in_1", start_, february_, InvoiceReason::kCreate);
  EXPECT_EQ(apply(paid), ApplyOutcome::kParked);
  EXPECT_EQ(sweep().parked, 0);  // too young
  clock_.advance(31s);
  EXPECT_EQ(sweep().parked, 1);
  EXPECT_EQ(sweep().parked, 0);
  const User ada = add_user("ada@example.com");
  with<UserRepository>([&](UserRepository users) { users.set_stripe_customer(ada.id, "cus_1"); });
  clock_.advance(2min);
  EXPECT_EQ(sweep().retried, 1);
  EXPECT_EQ(user(ada.id).subscription_tier, SubscriptionTier::kPro);
}

TEST_F(BillingTest, ThePriceOfNoPlanWaitsForTheOperator) {
  const User ada = add_user("ada@example.com");
  const StripeSubscriptionOf sold("sub_a", "price_new", start_, ada.id.str());
  const auto paid = sold.paid("in_1", start_, february_, InvoiceReason::kCreate);
  EXPECT_EQ(apply(paid), ApplyOutcome::kParked);
  EXPECT_EQ(stored(paid).reason, "no plan has the price price_new");
  auto plans = settings_.plans.all();
  plans[3].monthly.stripe_price = "price_new";
  settings_.plans = Plans(plans);
  clock_.advance(1min);
  EXPECT_EQ(sweep().retried, 1);
  EXPECT_EQ(subscription(ada.id).plan, SubscriptionPlan::kEnterprise);
}

TEST_F(BillingTest, AUserOfMetadataThatDoesNotExistIsNobody) {
  const StripeSubscriptionOf sold("sub_a", "price_pro_monthly", start_, "user_nobody");
  EXPECT_EQ(apply(sold.state(StripeStatus::kActive, start_)), ApplyOutcome::kParked);
  const StripeSubscriptionOf odd("sub_b", "price_pro_monthly", start_, "{\"$gt\": \"\"}");
  EXPECT_EQ(apply(odd.state(StripeStatus::kActive, start_)), ApplyOutcome::kParked);
}

TEST_F(BillingTest, ALateActiveRevivesNothingAndTheTierIsFree) {
  const User ada = add_user("ada@example.com");
  const auto sold = pro_of(ada);
  buy(sold);
  const auto late = sold.state(StripeStatus::kActive, start_ + 1h);
  apply(sold.deleted(start_ + 2h));
  EXPECT_EQ(user(ada.id).subscription_tier, SubscriptionTier::kFree);
  EXPECT_EQ(apply(late), ApplyOutcome::kApplied);
  EXPECT_EQ(subscription(ada.id).status, SubscriptionStatus::kCancelled);
  EXPECT_EQ(user(ada.id).subscription_tier, SubscriptionTier::kFree);
  EXPECT_EQ(mine(ada.id).credits_left, 0);
}

TEST_F(BillingTest, ACheckoutThatWasLeftTakesNobodysTier) {
  const User ada = add_user("ada@example.com");
  with<UserRepository>([&](UserRepository users) {
    ASSERT_TRUE(users.set_tier(ada.id, SubscriptionTier::kEnterprise));
  });
  const auto sold = pro_of(ada);
  EXPECT_EQ(apply(sold.state(StripeStatus::kIncomplete, start_, "created")),
            ApplyOutcome::kApplied);
  EXPECT_EQ(user(ada.id).subscription_tier, SubscriptionTier::kEnterprise);
  apply(sold.state(StripeStatus::kIncompleteExpired, start_ + 23h));
  EXPECT_EQ(user(ada.id).subscription_tier, SubscriptionTier::kEnterprise);
}

TEST_F(BillingTest, TheSweepExpiresWhatWasNotPaid) {
  const User ada = add_user("ada@example.com");
  buy(pro_of(ada));
  clock_.set_now(february_);
  EXPECT_EQ(sweep().ended, 0);
  EXPECT_FALSE(is_usable(subscription(ada.id), clock_.now()));
  EXPECT_EQ(user(ada.id).subscription_tier, SubscriptionTier::kPro);
  EXPECT_EQ(mine(ada.id).credits_left, 0);
  clock_.set_now(february_ + kPaymentGrace);
  EXPECT_EQ(mine(ada.id).status, SubscriptionStatus::kExpired);
  EXPECT_EQ(sweep().ended, 1);
  EXPECT_EQ(subscription(ada.id).status, SubscriptionStatus::kExpired);
  EXPECT_EQ(user(ada.id).subscription_tier, SubscriptionTier::kFree);
  EXPECT_EQ(sweep().ended, 0);
}

TEST_F(BillingTest, TheSweepRenewsWhatNobodyBills) {
  const User ada = add_user("ada@example.com");
  const Subscription given = add_subscription(ada.id, 100);
  use(ada.id, 60);
  clock_.set_now(given.current_period_end + 1h);
  EXPECT_FALSE(is_usable(subscription(ada.id), clock_.now()));
  EXPECT_EQ(sweep().renewed, 1);
  const Subscription renewed = subscription(ada.id);
  EXPECT_EQ(renewed.current_period_start, given.current_period_end);
  EXPECT_EQ(renewed.credits_used_this_period, 0);
  EXPECT_TRUE(is_usable(renewed, clock_.now()));
  EXPECT_EQ(user(ada.id).subscription_tier, SubscriptionTier::kPro);
  EXPECT_EQ(sweep().renewed, 0);
}

TEST_F(BillingTest, TheSweepEndsWhatWasCancelledForItsEnd) {
  const User ada = add_user("ada@example.com");
  const auto sold = pro_of(ada);
  buy(sold);
  apply(sold.cancelling(start_ + 1h));
  EXPECT_TRUE(subscription(ada.id).cancel_at_period_end);
  clock_.set_now(february_ - 1ms);
  EXPECT_EQ(sweep().ended, 0);
  clock_.set_now(february_);
  EXPECT_EQ(sweep().ended, 1);
  EXPECT_EQ(subscription(ada.id).status, SubscriptionStatus::kCancelled);
  EXPECT_EQ(user(ada.id).subscription_tier, SubscriptionTier::kFree);
}

TEST_F(BillingTest, TheSweepEndsWhatNobodyBillsAndWasCancelledForItsEnd) {
  const User ada = add_user("ada@example.com");
  const Subscription given = add_subscription(ada.id, 100);
  with<SubscriptionRepository>([&](SubscriptionRepository subscriptions) {
    subscriptions.cancel(given.id, CancelWhen::kAtPeriodEnd);
  });
  clock_.set_now(given.current_period_end - 1ms);
  EXPECT_EQ(sweep().ended, 0);
  clock_.set_now(given.current_period_end);
  EXPECT_EQ(sweep().ended, 1);
  EXPECT_EQ(subscription(ada.id).status, SubscriptionStatus::kCancelled);
  EXPECT_EQ(user(ada.id).subscription_tier, SubscriptionTier::kFree);
}

TEST_F(BillingTest, AYearsCreditsComeMonthByMonthWithoutAnEvent) {
  const User ada = add_user("ada@example.com");
  const StripeSubscriptionOf yearly("sub_y", "price_pro_yearly", start_, ada.id.str());
  const Time end = models::add_months(start_, 12);
  apply(yearly.state(StripeStatus::kActive, start_, "created"));
  apply(yearly.paid("in_1", start_, end, InvoiceReason::kCreate));
  use(ada.id, 500);
  clock_.set_now(february_);
  EXPECT_EQ(sweep().renewed, 1);
  EXPECT_EQ(subscription(ada.id).current_period_end, march_);
  use(ada.id, 500);
  EXPECT_EQ(sweep().renewed, 0);
  // Whoever looks before the sweep comes finds them too.
  clock_.set_now(march_);
  EXPECT_EQ(mine(ada.id).credits_left, 500);
  EXPECT_EQ(subscription(ada.id).credits_used_this_period, 500);
  const auto current = with<SubscriptionRepository>(
      [&](SubscriptionRepository subscriptions) { return subscriptions.find_current(ada.id); });
  EXPECT_EQ(current->credits_used_this_period, 0);
  EXPECT_EQ(current->current_period_start, march_);
  EXPECT_EQ(subscription(ada.id), current);
}

TEST_F(BillingTest, TwoStatesOfOneSecondAreSettledByAskingStripe) {
  const User ada = add_user("ada@example.com");
  const auto sold = pro_of(ada);
  buy(sold);
  EXPECT_EQ(apply(sold.state(StripeStatus::kActive, start_ + 1h)), ApplyOutcome::kApplied);
  const auto tied = sold.cancelling(start_ + 1h);
  clock_.advance(2h);
  EXPECT_EQ(apply(tied), ApplyOutcome::kParked);
  clock_.advance(1min);
  std::vector<StripeCall> calls;
  const StripeTransport stripe = [&](const StripeCall& call, Deadline) -> StripeReply {
    calls.push_back(call);
    return {
        .status = 200,
        .body = R"({"object": "subscription", "id": "sub_a", "customer": "cus_1",
              "status": "active", "created": )" +
                std::to_string(
                    std::chrono::floor<std::chrono::seconds>(start_).time_since_epoch().count()) +
                R"(, "cancel_at_period_end": false,
              "items": {"data": [{"id": "si_a", "price": {"id": "price_pro_monthly"}}]}})"};
  };
  EXPECT_EQ(sweep(stripe).retried, 1);
  ASSERT_EQ(calls.size(), 1U);
  EXPECT_EQ(calls[0], fetch_subscription("sub_a"));
  EXPECT_FALSE(subscription(ada.id).cancel_at_period_end);
  EXPECT_EQ(stored(tied).state, WebhookState::kApplied);
}

// An older version of this program gave a year's credits in one piece.
TEST_F(BillingTest, AYearOfAnOlderVersionIsCutIntoMonthsByTheSweep) {
  const User ada = add_user("ada@example.com");
  run([&](mongo::Session& session) {
    session.insert_one(
        "subscriptions",
        bson::make_document("_id", "sub_old", "user_id", ada.id.str(), "plan", "pro", "status",
                            "active", "stripe_subscription_id", "sub_a", "billing_interval",
                            "yearly", "credits_per_month", 500, "credits_used_this_period", 499,
                            "current_period_start", start_, "current_period_end",
                            models::add_months(start_, 12), "cancel_at_period_end", false,
                            "created_at", start_, "updated_at", start_));
  });
  EXPECT_EQ(sweep().renewed, 0);
  EXPECT_EQ(mine(ada.id).credits_left, 1);
  clock_.set_now(february_ + 1h);
  // Whoever looks sees the new month's before the sweep comes.
  EXPECT_EQ(mine(ada.id).credits_left, 500);
  EXPECT_EQ(mine(ada.id).current_period_end, march_);
  EXPECT_EQ(sweep().renewed, 1);
  EXPECT_EQ(subscription(ada.id).credits_used_this_period, 0);
  EXPECT_EQ(subscription(ada.id).current_period_start, february_);
  EXPECT_EQ(subscription(ada.id).current_period_end, march_);
  EXPECT_EQ(subscription(ada.id).paid_until, models::add_months(start_, 12));
  EXPECT_EQ(sweep().renewed, 0);
}

// Two subscriptions at Stripe whose periods begin in the same second, as where a user buys another
// plan and the first is cancelled: a charge of the first goes back to neither.
TEST_F(BillingTest, AChangeOfPlanInAPeriodTakesNoRefundOfTheOther) {
  const User ada = add_user("ada@example.com", 0);
  const auto charge = [&](std::int64_t credits) {
    return with<Charging>([&](Charging charging) {
      return std::get<models::Generation>(charging.charge_and_create(
          {.user_id = ada.id, .prompt = "A lake", .cost_credits = credits}));
    });
  };
  const auto refund = [&](const models::GenerationId& id) {
    with<GenerationRepository>(
        [&](GenerationRepository generations) { generations.mark_as_failed(id, "no paint"); });
    with<Charging>([&](Charging charging) { charging.refund(id); });
  };
  auto first = pro_of(ada);
  buy(first);
  // The price of one and the same subscription changes: it is one allotment.
  const auto before = charge(90);
  first.set_price("price_enterprise_monthly");
  apply(first.state(StripeStatus::kActive, start_ + 1h));
  EXPECT_EQ(subscription(ada.id).credits_used_this_period, 90);
  refund(before.id);
  EXPECT_EQ(subscription(ada.id).credits_used_this_period, 0);
  // Another one takes its place.
  const auto of_first = charge(70);
  const StripeSubscriptionOf second("sub_b", "price_pro_monthly", start_ + 1s, ada.id.str());
  apply(second.state(StripeStatus::kActive, start_ + 1s, "created"));
  apply(second.paid("in_b", start_, february_, InvoiceReason::kCreate));
  apply(first.deleted(start_ + 2h));
  ASSERT_EQ(subscription(ada.id).stripe_subscription_id, "sub_b");
  ASSERT_EQ(subscription(ada.id).current_period_start, start_);
  EXPECT_EQ(subscription(ada.id).credits_used_this_period, 0);
  const auto of_second = charge(10);
  refund(of_first.id);
  EXPECT_EQ(subscription(ada.id).credits_used_this_period, 10);
  refund(of_second.id);
  EXPECT_EQ(subscription(ada.id).credits_used_this_period, 0);
}

TEST_F(BillingTest, ASubscriptionOfAnOlderVersionIsTakenUp) {
  const User ada = add_user("ada@example.com");
  const auto sold = pro_of(ada);
  run([&](mongo::Session& session) {
    session.insert_one(
        "subscriptions",
        bson::make_document("_id", "sub_old", "user_id", ada.id.str(), "plan", "pro", "status",
                            "active", "stripe_subscription_id", "sub_a", "billing_interval",
                            "monthly", "credits_per_month", 500, "credits_used_this_period", 499,
                            "current_period_start", start_, "current_period_end", february_,
                            "cancel_at_period_end", false, "created_at", start_, "updated_at",
                            start_));
  });
  apply(sold.paid("in_1", start_, february_));
  EXPECT_EQ(subscription(ada.id).credits_used_this_period, 499);
  clock_.set_now(february_);
  apply(sold.paid("in_2", february_, march_));
  EXPECT_EQ(subscription(ada.id).credits_used_this_period, 0);
  EXPECT_EQ(subscription(ada.id).current_period_end, march_);
  apply(sold.deleted(february_ + 1h));
  EXPECT_EQ(subscription(ada.id).status, SubscriptionStatus::kCancelled);
}

// ---- what users ask for -------------------------------------------------------------------------

TEST_F(BillingTest, WhoHasNoSubscriptionHasTheFreePlan) {
  const User ada = add_user("ada@example.com");
  EXPECT_EQ(mine(ada.id), MySubscription{});
  EXPECT_EQ(found(ada.id), std::nullopt);
}

TEST_F(BillingTest, ACheckoutNeedsACustomerAndMakesOne) {
  const User ada = add_user("ada@example.com");
  const auto ask = [&] {
    return billing([&](Billing billing) {
      return billing.checkout(ada.id, SubscriptionPlan::kPro, BillingInterval::kYearly, "k");
    });
  };
  const auto first = ask();
  ASSERT_TRUE(std::holds_alternative<AskFirst>(first));
  EXPECT_EQ(std::get<AskFirst>(first).what, AskFirst::For::kCustomer);
  EXPECT_EQ(std::get<AskFirst>(first).call, create_customer(ada.id, "ada@example.com"));
  billing([&](Billing billing) {
    EXPECT_EQ(billing.link_customer(ada.id, "cus_7"), models::ForeignId("cus_7"));
    EXPECT_EQ(billing.link_customer(ada.id, "cus_8"), models::ForeignId("cus_7"));
  });
  const auto second = ask();
  ASSERT_TRUE(std::holds_alternative<StripeCall>(second));
  EXPECT_EQ(std::get<StripeCall>(second),
            create_checkout_session({.user_id = ada.id,
                                     .customer_id = "cus_7",
                                     .price_id = "price_pro_yearly",
                                     .success_url = "https://a.example/ok",
                                     .cancel_url = "https://a.example/no"},
                                    "k"));
}

TEST_F(BillingTest, WhoHasAPlanOfStripesChangesItThere) {
  const User ada = add_user("ada@example.com");
  buy(pro_of(ada));
  billing([&](Billing billing) {
    EXPECT_EQ(std::get<BillingRefusal>(billing.checkout(ada.id, SubscriptionPlan::kBasic,
                                                        BillingInterval::kMonthly, "k")),
              BillingRefusal::kAlreadySubscribed);
    EXPECT_EQ(std::get<BillingRefusal>(
                  billing.change(ada.id, SubscriptionPlan::kPro, BillingInterval::kMonthly, "k")),
              BillingRefusal::kNothingToChange);
    EXPECT_EQ(std::get<StripeCall>(
                  billing.change(ada.id, SubscriptionPlan::kBasic, BillingInterval::kYearly, "k")),
              change_price("sub_a", "si_sub_a", "price_basic_yearly", "k"));
    EXPECT_EQ(std::get<StripeCall>(
                  billing.change(ada.id, SubscriptionPlan::kFree, BillingInterval::kMonthly, "k")),
              set_cancel_at_period_end("sub_a", true, "k"));
    EXPECT_EQ(std::get<StripeCall>(billing.cancel(ada.id, CancelWhen::kNow, "k")),
              cancel_now("sub_a", "k"));
    EXPECT_EQ(std::get<BillingRefusal>(billing.reactivate(ada.id, "k")),
              BillingRefusal::kNothingToChange);
    EXPECT_EQ(std::get<StripeCall>(billing.portal(ada.id, PortalFlow::kCancel, "k")),
              create_portal_session("cus_1", models::ForeignId("sub_a"), PortalFlow::kCancel,
                                    "https://a.example/plan", "k"));
  });
  // Only Stripe's word changes it here.
  EXPECT_EQ(subscription(ada.id).plan, SubscriptionPlan::kPro);
  EXPECT_EQ(subscription(ada.id).status, SubscriptionStatus::kActive);
  apply(pro_of(ada).cancelling(start_ + 1h));
  EXPECT_EQ(std::get<StripeCall>(
                billing([&](Billing billing) { return billing.reactivate(ada.id, "k"); })),
            set_cancel_at_period_end("sub_a", false, "k"));
}

TEST_F(BillingTest, APlanThatIsPastDueIsNotBoughtASecondTime) {
  const User ada = add_user("ada@example.com");
  const auto sold = pro_of(ada);
  buy(sold);
  clock_.set_now(february_ + 240h);
  apply(sold.state(StripeStatus::kUnpaid, february_ + 200h));
  EXPECT_EQ(subscription(ada.id).status, SubscriptionStatus::kExpired);
  billing([&](Billing billing) {
    EXPECT_EQ(std::get<BillingRefusal>(
                  billing.checkout(ada.id, SubscriptionPlan::kPro, BillingInterval::kMonthly, "k")),
              BillingRefusal::kAlreadySubscribed);
    EXPECT_TRUE(std::holds_alternative<StripeCall>(
        billing.portal(ada.id, PortalFlow::kPaymentMethod, "k")));
  });
}

TEST_F(BillingTest, WithoutStripeUsersChangePlansWhereTheOperatorLetsThem) {
  settings_.sells = false;
  const User ada = add_user("ada@example.com");
  const auto change = [&](SubscriptionPlan plan, BillingInterval interval) {
    return billing([&](Billing billing) { return billing.change(ada.id, plan, interval, "k"); });
  };
  EXPECT_EQ(std::get<BillingRefusal>(change(SubscriptionPlan::kPro, BillingInterval::kMonthly)),
            BillingRefusal::kPaymentsNotConfigured);
  settings_.local_plans = true;
  const auto begun =
      std::get<ChangeHere>(change(SubscriptionPlan::kBasic, BillingInterval::kMonthly)).next;
  EXPECT_EQ(begun, subscription(ada.id));
  EXPECT_EQ(begun.credits_per_month, 100);
  EXPECT_EQ(begun.current_period_end, february_);
  EXPECT_EQ(begun.billing_anchor, start_);
  EXPECT_EQ(begun.unsettled_since, std::nullopt);
  EXPECT_EQ(user(ada.id).subscription_tier, SubscriptionTier::kBasic);

  use(ada.id, 90);
  (void)change(SubscriptionPlan::kPro, BillingInterval::kYearly);
  EXPECT_EQ(subscription(ada.id).credits_used_this_period, 90);
  EXPECT_EQ(subscription(ada.id).credits_per_month, 500);
  EXPECT_EQ(subscription(ada.id).paid_until, models::add_months(start_, 12));
  EXPECT_EQ(std::get<BillingRefusal>(change(SubscriptionPlan::kPro, BillingInterval::kYearly)),
            BillingRefusal::kNothingToChange);

  billing([&](Billing billing) {
    EXPECT_TRUE(std::get<ChangeHere>(billing.cancel(ada.id, CancelWhen::kAtPeriodEnd, "k"))
                    .next.cancel_at_period_end);
    EXPECT_FALSE(std::get<ChangeHere>(billing.reactivate(ada.id, "k")).next.cancel_at_period_end);
    EXPECT_EQ(std::get<ChangeHere>(billing.cancel(ada.id, CancelWhen::kNow, "k")).next.status,
              SubscriptionStatus::kCancelled);
    EXPECT_EQ(std::get<BillingRefusal>(billing.cancel(ada.id, CancelWhen::kNow, "k")),
              BillingRefusal::kNotSubscribed);
  });
  EXPECT_EQ(user(ada.id).subscription_tier, SubscriptionTier::kFree);
  // Begun again, it is a new period.
  clock_.advance(1h);
  (void)change(SubscriptionPlan::kBasic, BillingInterval::kMonthly);
  EXPECT_EQ(subscription(ada.id).credits_used_this_period, 0);
  EXPECT_EQ(subscription(ada.id).billing_anchor, clock_.now());
  EXPECT_EQ(user(ada.id).subscription_tier, SubscriptionTier::kBasic);
}

TEST_F(BillingTest, AnUnknownUserIsAnAnswer) {
  EXPECT_EQ(std::get<BillingRefusal>(billing([](Billing billing) {
              return billing.portal("user_nobody", PortalFlow::kOverview, "k");
            })),
            BillingRefusal::kUnknownUser);
}

TEST_F(BillingTest, WhatStripeRepliesIsAppliedAtOnce) {
  const User ada = add_user("ada@example.com");
  buy(pro_of(ada));
  const std::int64_t created =
      std::chrono::floor<std::chrono::seconds>(start_).time_since_epoch().count();
  const auto object = bson::make_document(
      "object", "subscription", "id", "sub_a", "customer", "cus_1", "status", "active", "created",
      created, "cancel_at_period_end", true, "items",
      bson::make_document(
          "data", bson::make_array(bson::make_document(
                      "id", "si_a", "price", bson::make_document("id", "price_pro_monthly")))));
  clock_.advance(1h);
  EXPECT_TRUE(billing([&](Billing billing) { return billing.apply_reply(object, clock_.now()); }));
  EXPECT_TRUE(subscription(ada.id).cancel_at_period_end);
  EXPECT_FALSE(billing([&](Billing billing) {
    return billing.apply_reply(bson::make_document("object", "customer"), clock_.now());
  }));
}

// ---- crashes and orders -------------------------------------------------------------------------

// What must be the same whatever happened on the way.
std::string outcome_of(Subscription subscription, const User& user) {
  std::sort(subscription.stripe_records.begin(), subscription.stripe_records.end(),
            [](const StripeRecord& a, const StripeRecord& b) { return a.id.str() < b.id.str(); });
  subscription.id = "sub_same";
  subscription.user_id = "user_same";
  subscription.revision = 0;
  subscription.allotment = 0;  // counts what was tried on the way
  subscription.created_at = subscription.updated_at = Time();
  return bson::to_json(schema::to_bson(subscription)) + " tier " +
         std::string(to_string(user.subscription_tier)) + " customer " +
         (user.stripe_customer_id ? user.stripe_customer_id->str() : std::string("none"));
}

// A history of what Stripe tells of one user: a purchase, renewals, failures, changes of plan, a
// cancellation and perhaps a second purchase, in the order in which it happened.
std::vector<StripeEvent> random_history(std::mt19937& random, const std::string& user_id,
                                        Time start) {
  const auto chance = [&](unsigned percent) { return random() % 100 < percent; };
  std::vector<StripeEvent> told;
  Time moment = start;
  for (const char* id : {"sub_a", "sub_b"}) {
    const bool yearly = chance(30);
    StripeSubscriptionOf sold(id, yearly ? "price_pro_yearly" : "price_pro_monthly", moment,
                              chance(50) ? std::optional(user_id) : std::nullopt);
    told.push_back(sold.checkout(user_id, moment));
    told.push_back(sold.state(StripeStatus::kIncomplete, moment, "created"));
    told.push_back(sold.state(StripeStatus::kActive, moment));
    const std::int64_t months = yearly ? 12 : 1;
    const Time anchor = moment;
    const auto periods = static_cast<unsigned>(1 + random() % 3);
    for (unsigned i = 0; i < periods; ++i) {
      const Time from = models::add_months(anchor, months * i);
      const Time until = models::add_months(anchor, months * (i + 1));
      const std::string invoice = std::string("in_") + id + std::to_string(i);
      moment = from + 1h;
      if (i > 0 && chance(30)) {
        told.push_back(sold.failed(invoice, moment, from + 72h));
        told.push_back(sold.state(StripeStatus::kPastDue, moment));
        moment = from + 72h;
        told.push_back(sold.state(StripeStatus::kActive, moment));
      }
      told.push_back(sold.paid(invoice, from, until,
                               i == 0 ? InvoiceReason::kCreate : InvoiceReason::kCycle, moment));
      if (chance(20)) {
        moment += 1h;
        sold.set_price(yearly ? "price_enterprise_yearly" : "price_basic_monthly");
        told.push_back(sold.state(StripeStatus::kActive, moment));
      }
    }
    if (chance(60)) {
      moment += 1h;
      told.push_back(sold.cancelling(moment));
    }
    if (!chance(70)) break;
    moment += 24h;
    told.push_back(sold.deleted(moment));
    if (chance(40)) break;
    moment += 24h;
  }
  return told;
}

// The events of a history, in any order, some of them several times, the process dying anywhere
// between two commands and Stripe sending again what was not acknowledged: with the sweep, the end
// is that of the history in its order without a crash.
TEST_F(BillingTest, HistoriesInAnyOrderWithCrashesAnywhereEndTheSame) {
  if (!Database::get().has_fail_points()) GTEST_SKIP() << "the server has no fail points";
  const char* rounds_text = std::getenv("GESSO_TEST_BILLING_HISTORIES");
  const int rounds = rounds_text != nullptr ? std::atoi(rounds_text) : 20;
  int crashes = 0;
  for (int round = 0; round < rounds; ++round) {
    std::mt19937 random(static_cast<unsigned>(round));
    const std::string user_id = "user_ada";
    const std::vector<StripeEvent> history = random_history(random, user_id, start_);
    // Somewhere in the time that it speaks of, or after all of it.
    Time last = start_;
    for (const StripeEvent& event : history) last = std::max(last, event.created);
    const Time end = last + 1h * (random() % 2000);
    const auto begin = [&] {
      Database::get().clear();
      clock_.set_now(end);
      with<UserRepository>([&](UserRepository users) {
        users.create(
            {.id = user_id, .email = "ada@example.com", .created_at = end, .updated_at = end});
      });
    };
    const auto finish = [&] {
      // What was parked, or left by a crash, is found by the clock.
      for (int i = 0; i < 3; ++i) {
        clock_.advance(7h);
        sweep();
      }
      return outcome_of(subscription(user_id), user(user_id));
    };
    begin();
    for (const StripeEvent& event : history) apply(event);
    const std::string expected = finish();

    for (int variant = 0; variant < 3; ++variant) {
      begin();
      std::vector<StripeEvent> told = history;
      for (auto repeated = random() % 4; repeated > 0; --repeated) {
        told.push_back(history[random() % history.size()]);
      }
      std::shuffle(told.begin(), told.end(), random);
      for (std::size_t i = 0; i < told.size(); ++i) {
        const bool may_crash = random() % 2 == 0;
        if (may_crash) Database::get().fail_after(static_cast<int>(random() % 14));
        bool acknowledged = false;
        try {
          apply(told[i]);
          acknowledged = true;
        } catch (const Error&) {
          ++crashes;
        }
        if (may_crash) Database::get().stop_failing();
        // Sent again, later.
        if (!acknowledged) {
          const auto later =
              told.begin() + static_cast<std::ptrdiff_t>(i + 1 + random() % (told.size() - i));
          const StripeEvent again = told[i];
          told.insert(later, again);
        }
      }
      ASSERT_EQ(finish(), expected) << "round " << round << " variant " << variant;
    }
  }
  EXPECT_GT(crashes, rounds);
}

// The process dies before its n-th command, for every n, within what applies the most at once; the
// event is not sent again, and what is left is the sweep's.
TEST_F(BillingTest, TheSweepEndsWhatACrashLeft) {
  if (!Database::get().has_fail_points()) GTEST_SKIP() << "the server has no fail points";
  int stored_before_the_crash = 0;
  bool finished = false;
  for (int step = 0; !finished; ++step) {
    ASSERT_LT(step, 100);
    Database::get().clear();
    clock_.set_now(start_);
    const User ada = add_user("ada@example.com");
    const StripeSubscriptionOf sold("sub_a", "price_pro_monthly", start_);
    apply(sold.paid("in_1", start_, february_, InvoiceReason::kCreate));  // parked
    const auto checkout = sold.checkout(ada.id.str(), start_);
    Database::get().fail_after(step);
    try {
      apply(checkout);
      finished = true;
    } catch (const Error&) {
    }
    Database::get().stop_failing();
    const bool is_stored = with<WebhookEventRepository>([&](WebhookEventRepository events) {
      return events.exists(where<&WebhookEvent::id> ==
                           webhook_event_id(models::WebhookProvider::kStripe, checkout.id));
    });
    clock_.advance(10min);
    sweep();
    clock_.advance(10min);
    sweep();
    if (!is_stored) continue;  // Stripe was not told that it arrived, and sends it again
    ++stored_before_the_crash;
    EXPECT_EQ(user(ada.id).subscription_tier, SubscriptionTier::kPro) << step;
    EXPECT_EQ(user(ada.id).stripe_customer_id, "cus_1") << step;
    EXPECT_EQ(subscription(ada.id).credits_per_month, 500) << step;
    EXPECT_EQ(subscription(ada.id).unsettled_since, std::nullopt) << step;
    EXPECT_EQ(stored(checkout).state, WebhookState::kApplied) << step;
  }
  EXPECT_GT(stored_before_the_crash, 8);
}

// Users spend while events and sweeps come, out of order: nobody ever spends more in a credit
// period than it grants, and each month that was paid can be spent.
TEST_F(BillingTest, NoOrderOfEventsGrantsAPeriodTwice) {
  for (unsigned round = 0; round < 12; ++round) {
    Database::get().clear();
    clock_.set_now(start_);
    std::mt19937 random(round);
    const User ada = add_user("ada@example.com");
    const auto sold = pro_of(ada);
    std::vector<StripeEvent> known{sold.state(StripeStatus::kActive, start_, "created"),
                                   sold.paid("in_0", start_, february_, InvoiceReason::kCreate)};
    std::int64_t spent = 0;
    int months = 1;
    for (int step = 0; step < 60; ++step) {
      const Time due = models::add_months(start_, months);
      if (clock_.now() >= due) {
        known.push_back(
            sold.paid("in_" + std::to_string(months), due, models::add_months(start_, months + 1)));
        ++months;
        apply(known.back());
      }
      // Again, as a new event would tell it.
      StripeEvent again = known[random() % known.size()];
      again.id = "evt_again_" + std::to_string(step);
      apply(again);
      if (random() % 3 == 0) sweep();
      with<SubscriptionRepository>([&](SubscriptionRepository subscriptions) {
        const auto seen = subscriptions.find_by_user(ada.id);
        for (const std::int64_t credits : {500, 200, 1}) {
          if (seen && subscriptions.use_credits(seen->id, credits, ids_.next("op_")))
            spent += credits;
        }
      });
      clock_.advance(std::chrono::hours(random() % 100));
      if (clock_.now() >= models::add_months(start_, months))
        clock_.set_now(models::add_months(start_, months));
    }
    ASSERT_LE(spent, 500 * months) << round;
    ASSERT_GT(spent, 500 * (months - 2)) << round;
  }
}

}  // namespace
}  // namespace gesso::domain
