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
    EXPECT_EQ(renewed->current_period_end,
              add_interval(made.current_period_end, BillingInterval::kMonthly));
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

TEST_F(SubscriptionRepositoryTest, OneThatWasCancelledForItsPeriodsEndEndsThen) {
  const Subscription ada = add_subscription("user_ada", 3);
  const Subscription grace = add_subscription("user_grace", 3);
  subscriptions([&](SubscriptionRepository subscriptions) {
    subscriptions.cancel(ada.id, CancelWhen::kAtPeriodEnd);
    EXPECT_EQ(subscriptions.end_cancelled(clock_.now()), 0);
    EXPECT_TRUE(subscriptions.use_credits(ada.id, 1, ids_.next("op_")));
    clock_.set_now(ada.current_period_end);
    EXPECT_EQ(subscriptions.end_cancelled(clock_.now()), 1);
    EXPECT_EQ(subscriptions.find_by_id(ada.id)->status, SubscriptionStatus::kCancelled);
    EXPECT_EQ(subscriptions.find_by_id(grace.id)->status, SubscriptionStatus::kActive);
    EXPECT_EQ(subscriptions.end_cancelled(clock_.now()), 0);
  });
}

TEST_F(SubscriptionRepositoryTest, IntervalsFollowTheCalendar) {
  const auto time = [](const char* text) { return *parse_iso8601(text); };
  EXPECT_EQ(add_interval(time("2026-01-31T10:00:00Z"), BillingInterval::kMonthly),
            time("2026-02-28T10:00:00Z"));
  EXPECT_EQ(add_interval(time("2026-12-15T10:00:00Z"), BillingInterval::kMonthly),
            time("2027-01-15T10:00:00Z"));
  EXPECT_EQ(add_interval(time("2028-02-29T10:00:00Z"), BillingInterval::kYearly),
            time("2029-02-28T10:00:00Z"));
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
