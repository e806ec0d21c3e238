#include "gesso/repositories/subscription_repository.hpp"

#include <functional>
#include <utility>

#include "tests/repositories/fixture.hpp"

namespace gesso::repositories {
namespace {

using namespace query;
using namespace std::chrono_literals;
using models::BillingInterval;
using models::Subscription;
using models::SubscriptionPlan;
using models::SubscriptionStatus;

class SubscriptionRepositoryTest : public RepositoryTest {
 protected:
  template <class F>
  auto subscriptions(F&& unit) {
    return with<SubscriptionRepository>(std::forward<F>(unit));
  }
};

TEST_F(SubscriptionRepositoryTest, ASubscriptionIsFoundByWhatIdentifiesIt) {
  subscriptions([&](SubscriptionRepository subscriptions) {
    const Subscription made =
        subscriptions.create_subscription({.user_id = "user_ada",
                                           .plan = SubscriptionPlan::kPro,
                                           .stripe_subscription_id = "sub_stripe_1",
                                           .stripe_customer_id = "cus_1",
                                           .stripe_price_id = "price_1",
                                           .credits_per_month = 500,
                                           .current_period_end = clock_.now() + 720h});
    EXPECT_EQ(made.status, SubscriptionStatus::kActive);
    EXPECT_EQ(made.current_period_start, clock_.now());
    EXPECT_EQ(subscriptions.find_by_id(made.id), made);
    EXPECT_EQ(subscriptions.find_by_user("user_ada"), made);
    EXPECT_EQ(subscriptions.find_by_stripe_subscription_id("sub_stripe_1"), made);
    EXPECT_EQ(subscriptions.find_by_stripe_customer_id("cus_1"), made);
    EXPECT_EQ(subscriptions.find_by_stripe_customer_id("cus_2"), std::nullopt);
    EXPECT_EQ(subscriptions.find_by_stripe_subscription_id(""), std::nullopt);
  });
}

TEST_F(SubscriptionRepositoryTest, AUserHasOneAndPlansWithoutStripeDoNotCollide) {
  add_subscription("user_ada", 10);
  add_subscription("user_grace", 10);
  const Error error = error_of([&] { add_subscription("user_ada", 20); });
  EXPECT_EQ(error.kind(), ErrorKind::kDuplicate);
  EXPECT_EQ(error.field(), "user_id");
}

TEST_F(SubscriptionRepositoryTest, APeriodEndsAfterItStarts) {
  const Error error = error_of([&] {
    subscriptions([&](SubscriptionRepository subscriptions) {
      (void)subscriptions.create_subscription({.user_id = "user_ada",
                                               .plan = SubscriptionPlan::kPro,
                                               .credits_per_month = 1,
                                               .current_period_start = clock_.now(),
                                               .current_period_end = clock_.now()});
    });
  });
  EXPECT_EQ(error.kind(), ErrorKind::kValidation);
}

TEST_F(SubscriptionRepositoryTest, CreditsAreUsedUpToWhatThePlanGrants) {
  const Subscription made = add_subscription("user_ada", 3);
  subscriptions([&](SubscriptionRepository subscriptions) {
    EXPECT_EQ(subscriptions.use_credits(made.id, 2, ids_.next("op_"))->credits_used_this_period, 2);
    EXPECT_EQ(subscriptions.use_credits(made.id, 2, ids_.next("op_")), std::nullopt);
    EXPECT_EQ(subscriptions.use_credits(made.id, 1, ids_.next("op_"))->credits_used_this_period, 3);
    EXPECT_EQ(subscriptions.use_credits(made.id, 1, ids_.next("op_")), std::nullopt);
    EXPECT_EQ(subscriptions.use_credits("sub_none", 1, ids_.next("op_")), std::nullopt);
    EXPECT_THROW(subscriptions.use_credits(made.id, 0, ids_.next("op_")), Error);
    subscriptions.change_plan(made.id, {.plan = SubscriptionPlan::kBasic, .credits_per_month = 1});
    EXPECT_EQ(subscriptions.use_credits(made.id, 1, ids_.next("op_")), std::nullopt);
  });
}

TEST_F(SubscriptionRepositoryTest, AUseOfCreditsThatIsRepeatedIsMadeOnce) {
  const Subscription made = add_subscription("user_ada", 3);
  subscriptions([&](SubscriptionRepository subscriptions) {
    const auto used = subscriptions.use_credits(made.id, 2, "order-1");
    EXPECT_EQ(used->credits_used_this_period, 2);
    EXPECT_EQ(subscriptions.use_credits(made.id, 2, "order-1"), used);
    EXPECT_EQ(subscriptions.use_credits(made.id, 1, "order-2")->credits_used_this_period, 3);
  });
}

TEST_F(SubscriptionRepositoryTest, OnlyAnActiveOneGivesCredits) {
  const Subscription made = add_subscription("user_ada", 3);
  subscriptions([&](SubscriptionRepository subscriptions) {
    subscriptions.set_status(made.id, SubscriptionStatus::kPastDue);
    EXPECT_EQ(subscriptions.use_credits(made.id, 1, ids_.next("op_")), std::nullopt);
    subscriptions.set_status(made.id, SubscriptionStatus::kActive);
    EXPECT_TRUE(subscriptions.use_credits(made.id, 1, ids_.next("op_")));
  });
}

TEST_F(SubscriptionRepositoryTest, ARenewalStartsAPeriodOfUnusedCredits) {
  const Subscription made = add_subscription("user_ada", 3);
  subscriptions([&](SubscriptionRepository subscriptions) {
    subscriptions.use_credits(made.id, 3, ids_.next("op_"));
    clock_.set_now(made.current_period_end + 2h);
    const auto renewed = subscriptions.reset_period_usage(made.id);
    EXPECT_EQ(renewed->credits_used_this_period, 0);
    EXPECT_EQ(renewed->current_period_start, made.current_period_end);
    EXPECT_EQ(renewed->current_period_end, models::add_months(made.current_period_end, 1));
    EXPECT_EQ(subscriptions.reset_period_usage(made.id), renewed);
    subscriptions.use_credits(made.id, 1, ids_.next("op_"));
    const Time until = renewed->current_period_end + 24h;
    const auto given = subscriptions.reset_period_usage(made.id, until);
    EXPECT_EQ(given->current_period_start, clock_.now());
    EXPECT_EQ(given->current_period_end, until);
    EXPECT_EQ(given->credits_used_this_period, 0);
    EXPECT_EQ(subscriptions.reset_period_usage("sub_none"), std::nullopt);
  });
}

// Lets something happen in the middle of what asks for the time.
class InterruptingClock final : public Clock {
  const Clock& clock_;
  mutable std::function<void()> once_;

 public:
  InterruptingClock(const Clock& clock, std::function<void()> once)
      : clock_(clock), once_(std::move(once)) {}
  [[nodiscard]] Time now() const override {
    if (const auto once = std::exchange(once_, nullptr)) once();
    return clock_.now();
  }
  [[nodiscard]] std::chrono::steady_clock::time_point steady_now() const override {
    return clock_.steady_now();
  }
};

TEST_F(SubscriptionRepositoryTest, OfTwoThatRenewAtOnceOneDoes) {
  const Subscription made = add_subscription("user_ada", 3);
  clock_.set_now(made.current_period_end + 2h);
  run([&](mongo::Session& session) {
    std::optional<Subscription> other;
    const InterruptingClock clock(clock_, [&] {
      SubscriptionRepository faster(session, context_);
      faster.reset_period_usage(made.id);
      other = faster.use_credits(made.id, 2, ids_.next("op_"));
    });
    const RepositoryContext interrupted{
        .clock = clock, .random = random_, .ids = ids_, .bcrypt_cost = context_.bcrypt_cost};
    const auto seen = SubscriptionRepository(session, interrupted).reset_period_usage(made.id);
    EXPECT_EQ(seen, other);
    EXPECT_EQ(seen->credits_used_this_period, 2);
    EXPECT_EQ(seen->current_period_start, made.current_period_end);
  });
}

TEST_F(SubscriptionRepositoryTest, AnEventThatComesTwiceOrLateRenewsOnce) {
  const Subscription made = add_subscription("user_ada", 3);
  subscriptions([&](SubscriptionRepository subscriptions) {
    clock_.set_now(made.current_period_end + 1h);
    const Time first = made.current_period_end + 720h;
    const Time second = first + 720h;
    subscriptions.reset_period_usage(made.id, first);
    const auto used = subscriptions.use_credits(made.id, 2, ids_.next("op_"));
    EXPECT_EQ(subscriptions.reset_period_usage(made.id, first), used);
    clock_.set_now(first + 1h);
    EXPECT_EQ(subscriptions.reset_period_usage(made.id, second)->current_period_start, first);
    const auto again = subscriptions.use_credits(made.id, 3, ids_.next("op_"));
    EXPECT_EQ(subscriptions.reset_period_usage(made.id, first), again);
    EXPECT_EQ(subscriptions.reset_period_usage(made.id, second), again);
  });
}

TEST_F(SubscriptionRepositoryTest, APeriodThatIsOverGivesNoCreditsUntilItIsRenewed) {
  const Subscription made = add_subscription("user_ada", 3);
  subscriptions([&](SubscriptionRepository subscriptions) {
    clock_.set_now(made.current_period_end);
    EXPECT_EQ(subscriptions.use_credits(made.id, 1, ids_.next("op_")), std::nullopt);
    subscriptions.reset_period_usage(made.id);
    EXPECT_TRUE(subscriptions.use_credits(made.id, 1, ids_.next("op_")));
  });
}

TEST_F(SubscriptionRepositoryTest, RenewalsKeepTheDayOfTheMonth) {
  subscriptions([&](SubscriptionRepository subscriptions) {
    const Time start = clock_.now();  // on a 31 January
    const Subscription made =
        subscriptions.create_subscription({.user_id = "user_ada",
                                           .plan = SubscriptionPlan::kPro,
                                           .credits_per_month = 5,
                                           .current_period_end = models::add_months(start, 1)});
    EXPECT_EQ(made.billing_anchor, start);
    for (int month = 1; month < 15; ++month) {
      clock_.set_now(models::add_months(start, month) + 1h);
      const auto renewed = subscriptions.reset_period_usage(made.id);
      EXPECT_EQ(renewed->current_period_start, models::add_months(start, month));
      EXPECT_EQ(renewed->current_period_end, models::add_months(start, month + 1));
    }
  });
}

TEST_F(SubscriptionRepositoryTest, AYearGrantsItsCreditsByTheMonth) {
  subscriptions([&](SubscriptionRepository subscriptions) {
    const Time start = clock_.now();
    const Time end = models::add_months(start, 12);
    const Subscription made =
        subscriptions.create_subscription({.user_id = "user_ada",
                                           .plan = SubscriptionPlan::kPro,
                                           .billing_interval = BillingInterval::kYearly,
                                           .credits_per_month = 5,
                                           .current_period_end = end});
    EXPECT_EQ(made.current_period_end, models::add_months(start, 1));
    EXPECT_EQ(made.paid_until, end);
    for (int month = 0; month < 12; ++month) {
      clock_.set_now(models::add_months(start, month));
      const auto current = subscriptions.find_current("user_ada");
      EXPECT_EQ(current->current_period_end, models::add_months(start, month + 1));
      EXPECT_TRUE(subscriptions.use_credits(made.id, 5, ids_.next("op_")));
      EXPECT_FALSE(subscriptions.use_credits(made.id, 1, ids_.next("op_")));
      EXPECT_EQ(subscriptions.find_current("user_ada")->credits_used_this_period, 5);
      // The year is paid: there is nothing to renew, nor to end.
      EXPECT_EQ(subscriptions.reset_period_usage(made.id)->credits_used_this_period, 5);
    }
    subscriptions.cancel(made.id, CancelWhen::kAtPeriodEnd);
    clock_.set_now(end);
    EXPECT_EQ(subscriptions.find_current("user_ada")->credits_used_this_period, 5);
  });
}

TEST_F(SubscriptionRepositoryTest, OnePastDueGivesCreditsForItsGrace) {
  const Subscription made = add_subscription("user_ada", 3);
  subscriptions([&](SubscriptionRepository subscriptions) {
    Subscription next = made;
    next.status = SubscriptionStatus::kPastDue;
    next.grace_until = made.current_period_end + 72h;
    EXPECT_TRUE(subscriptions.change_state(made, next));
    clock_.set_now(made.current_period_end + 1h);
    EXPECT_TRUE(subscriptions.use_credits(made.id, 1, ids_.next("op_")));
    clock_.set_now(*next.grace_until);
    EXPECT_EQ(subscriptions.use_credits(made.id, 1, ids_.next("op_")), std::nullopt);
  });
}

TEST_F(SubscriptionRepositoryTest, AStateIsWrittenOverTheOneThatWasSeen) {
  const Subscription made = add_subscription("user_ada", 3);
  subscriptions([&](SubscriptionRepository subscriptions) {
    Subscription next = made;
    next.status = SubscriptionStatus::kExpired;
    subscriptions.use_credits(made.id, 2, ids_.next("op_"));  // changes nothing of the state
    EXPECT_TRUE(subscriptions.change_state(made, next));
    const auto stored = subscriptions.find_by_id(made.id);
    EXPECT_EQ(stored->status, SubscriptionStatus::kExpired);
    EXPECT_EQ(stored->credits_used_this_period, 2);
    EXPECT_EQ(stored->unsettled_since, clock_.now());
    EXPECT_FALSE(subscriptions.change_state(made, next));

    EXPECT_FALSE(subscriptions.settle(made));
    EXPECT_TRUE(subscriptions.settle(*stored));
    EXPECT_EQ(subscriptions.find_by_id(made.id)->unsettled_since, std::nullopt);
  });
}

TEST_F(SubscriptionRepositoryTest, ANewPeriodForgetsNoChargeOfTheOld) {
  const Subscription made = add_subscription("user_ada", 3);
  subscriptions([&](SubscriptionRepository subscriptions) {
    Subscription next = made;
    next.stripe_subscription_id = "sub_other";
    next.credits_used_this_period = 1;
    next.allotment = made.allotment + 1;
    subscriptions.update_by_id(
        made.id, update(inc<&Subscription::credits_used_this_period>(2),
                        push<&Subscription::pending_charges>(
                            models::PendingCharge{.token = "gen_1",
                                                  .generation_id = "gen_1",
                                                  .credits = 2,
                                                  .at = clock_.now(),
                                                  .period_start = made.current_period_start})));
    EXPECT_FALSE(subscriptions.change_state(made, next));
    EXPECT_TRUE(subscriptions.change_state(*subscriptions.find_by_id(made.id), next));
    EXPECT_EQ(subscriptions.find_by_id(made.id)->credits_used_this_period, 1);
    // What is to be captured or released of the old one still is.
    EXPECT_EQ(subscriptions.find_by_id(made.id)->pending_charges.size(), 1U);
  });
}

TEST_F(SubscriptionRepositoryTest, ACancelledOneEndsNowOrWithItsPeriod) {
  const Subscription ada = add_subscription("user_ada", 3);
  const Subscription grace = add_subscription("user_grace", 3);
  subscriptions([&](SubscriptionRepository subscriptions) {
    const auto now = subscriptions.cancel(ada.id, CancelWhen::kNow);
    EXPECT_EQ(now->status, SubscriptionStatus::kCancelled);
    EXPECT_EQ(now->cancelled_at, clock_.now());
    const auto later = subscriptions.cancel(grace.id, CancelWhen::kAtPeriodEnd);
    EXPECT_EQ(later->status, SubscriptionStatus::kActive);
    EXPECT_TRUE(later->cancel_at_period_end);
    EXPECT_EQ(subscriptions.cancel("sub_none", CancelWhen::kNow), std::nullopt);
  });
}

TEST_F(SubscriptionRepositoryTest, TheLongestOverdueIsDueFirst) {
  subscriptions([&](SubscriptionRepository subscriptions) {
    for (const int days : {3, 1, 2, 9}) {
      (void)subscriptions.create_subscription(
          {.user_id = "user_" + std::to_string(days),
           .plan = SubscriptionPlan::kBasic,
           .credits_per_month = 1,
           .current_period_end = clock_.now() + std::chrono::days(days)});
    }
    const auto due =
        subscriptions.find_due(SubscriptionStatus::kActive, clock_.now() + std::chrono::days(3));
    ASSERT_EQ(due.size(), 3U);
    EXPECT_EQ(due[0].user_id, "user_1");
    EXPECT_EQ(due[1].user_id, "user_2");
    EXPECT_EQ(due[2].user_id, "user_3");
  });
}

}  // namespace
}  // namespace gesso::repositories
