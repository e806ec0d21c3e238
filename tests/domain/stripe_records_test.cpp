#include "gesso/domain/stripe_records.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <vector>

#include "gesso/bson/json.hpp"
#include "gesso/repositories/subscription_repository.hpp"
#include "tests/domain/stripe_world.hpp"

namespace gesso::domain {
namespace {

using namespace std::chrono_literals;
using models::BillingInterval;
using models::InvoiceReason;
using models::StripeEvent;
using models::StripeRecord;
using models::StripeStatus;
using models::Subscription;
using models::SubscriptionPlan;
using models::SubscriptionStatus;
using repositories::is_usable;

class StripeRecordsTest : public ::testing::Test {
 protected:
  const Plans plans_ = priced_plans();
  const Time start_ = at("2026-01-31T10:00:00Z");
  const Time february_ = at("2026-02-28T10:00:00Z");
  const Time march_ = at("2026-03-31T10:00:00Z");
  const Time april_ = at("2026-04-30T10:00:00Z");
  StripeSubscriptionOf pro_{"sub_a", "price_pro_monthly", start_};

  [[nodiscard]] Subscription nothing() const {
    return {.id = "sub_1",
            .user_id = "user_ada",
            .plan = SubscriptionPlan::kFree,
            .status = SubscriptionStatus::kExpired,
            .credits_per_month = 0,
            .current_period_start = start_,
            .current_period_end = start_,
            .created_at = start_,
            .updated_at = start_};
  }
  // What the events make of `subscription`, each applied at `now`.
  [[nodiscard]] Subscription after(Subscription subscription,
                                   const std::vector<StripeEvent>& events, Time now) const {
    for (const StripeEvent& event : events) {
      auto& records = subscription.stripe_records;
      auto record = std::find_if(records.begin(), records.end(), [&](const StripeRecord& known) {
        return known.id == *event.subscription_id;
      });
      if (record == records.end()) {
        record = records.insert(records.end(), StripeRecord{.id = *event.subscription_id});
      }
      (void)merge(*record, event, plans_);
      subscription = derive(std::move(subscription), plans_, now);
    }
    return derive(std::move(subscription), plans_, now);
  }
  [[nodiscard]] Subscription after(const std::vector<StripeEvent>& events, Time now) const {
    return after(nothing(), events, now);
  }
  // The number of an allotment tells it from the others that there were; how many those were
  // depends on the order in which events came.
  [[nodiscard]] static Subscription unnumbered(Subscription subscription) {
    subscription.allotment = 0;
    return subscription;
  }
  [[nodiscard]] std::vector<StripeEvent> bought() const {
    return {pro_.state(StripeStatus::kActive, start_, "created"),
            pro_.paid("in_1", start_, february_, InvoiceReason::kCreate)};
  }
};

TEST_F(StripeRecordsTest, APurchaseIsThePlanAndItsPaidPeriod) {
  const Subscription now = after(bought(), start_ + 1min);
  EXPECT_EQ(now.plan, SubscriptionPlan::kPro);
  EXPECT_EQ(now.status, SubscriptionStatus::kActive);
  EXPECT_EQ(now.billing_interval, BillingInterval::kMonthly);
  EXPECT_EQ(now.credits_per_month, 500);
  EXPECT_EQ(now.stripe_subscription_id, "sub_a");
  EXPECT_EQ(now.stripe_customer_id, "cus_1");
  EXPECT_EQ(now.stripe_price_id, "price_pro_monthly");
  EXPECT_EQ(now.current_period_start, start_);
  EXPECT_EQ(now.current_period_end, february_);
  EXPECT_EQ(now.paid_until, february_);
  EXPECT_TRUE(is_usable(now, start_ + 1min));
  EXPECT_FALSE(is_usable(now, february_));
}

TEST_F(StripeRecordsTest, NothingIsGrantedBeforeItIsPaid) {
  const Subscription unpaid =
      after({pro_.state(StripeStatus::kActive, start_, "created")}, start_ + 1min);
  EXPECT_EQ(unpaid.plan, SubscriptionPlan::kPro);
  EXPECT_EQ(unpaid.status, SubscriptionStatus::kActive);
  EXPECT_FALSE(is_usable(unpaid, start_ + 1min));
  const Subscription begun =
      after({pro_.state(StripeStatus::kIncomplete, start_, "created")}, start_ + 1min);
  EXPECT_EQ(begun.plan, SubscriptionPlan::kFree);
  EXPECT_EQ(begun.status, SubscriptionStatus::kExpired);
}

TEST_F(StripeRecordsTest, AnInvoiceThatComesFirstSaysWhatWasBought) {
  const Subscription now =
      after({pro_.paid("in_1", start_, february_, InvoiceReason::kCreate)}, start_ + 1min);
  EXPECT_EQ(now.plan, SubscriptionPlan::kPro);
  EXPECT_TRUE(is_usable(now, start_ + 1min));
}

TEST_F(StripeRecordsTest, APaymentThatWasBackdatedIsUsable) {
  const StripeSubscriptionOf later("sub_a", "price_pro_monthly", start_ + 24h);
  const Subscription now = after({later.state(StripeStatus::kActive, start_ + 24h),
                                  later.paid("in_1", start_, february_, InvoiceReason::kCreate)},
                                 start_ + 25h);
  EXPECT_TRUE(is_usable(now, start_ + 25h));
  EXPECT_EQ(now.current_period_start, start_);
}

TEST_F(StripeRecordsTest, ARenewalGrantsItsPeriodOnce) {
  Subscription now = after(bought(), start_ + 1min);
  now.credits_used_this_period = 400;
  const auto second = pro_.paid("in_2", february_, march_);
  now = after(now, {second}, february_ + 1h);
  EXPECT_EQ(now.current_period_start, february_);
  EXPECT_EQ(now.current_period_end, march_);
  EXPECT_EQ(now.credits_used_this_period, 0);
  now.credits_used_this_period = 7;
  // The same again, the same under another id, and an older one.
  EXPECT_EQ(after(now, {second}, february_ + 2h), now);
  EXPECT_EQ(after(now, {bought()[1]}, february_ + 2h), now);
  const Subscription reissued = after(now, {pro_.paid("in_3", february_, march_)}, february_ + 2h);
  EXPECT_EQ(reissued.credits_used_this_period, 7);
  EXPECT_EQ(reissued.current_period_end, march_);
}

TEST_F(StripeRecordsTest, ALateActiveRevivesNoCancelledSubscription) {
  auto events = bought();
  const auto late = pro_.state(StripeStatus::kActive, start_ + 2h);
  events.push_back(pro_.deleted(start_ + 1h));
  const Subscription cancelled = after(events, start_ + 3h);
  EXPECT_EQ(cancelled.status, SubscriptionStatus::kCancelled);
  // Not even where its date is later: Stripe revives none.
  EXPECT_EQ(after(cancelled, {late}, start_ + 4h).status, SubscriptionStatus::kCancelled);
  EXPECT_EQ(after(cancelled, {pro_.paid("in_2", february_, march_)}, february_ + 1h).status,
            SubscriptionStatus::kCancelled);
}

TEST_F(StripeRecordsTest, AnotherSubscriptionOfTheCustomerMayFollow) {
  auto events = bought();
  events.push_back(pro_.deleted(start_ + 1h));
  const StripeSubscriptionOf next("sub_b", "price_basic_monthly", start_ + 24h);
  events.push_back(next.state(StripeStatus::kActive, start_ + 24h, "created"));
  events.push_back(
      next.paid("in_9", start_ + 24h, february_ + 24h, InvoiceReason::kCreate, start_ + 24h));
  const Subscription now = after(events, start_ + 25h);
  EXPECT_EQ(now.plan, SubscriptionPlan::kBasic);
  EXPECT_EQ(now.stripe_subscription_id, "sub_b");
  EXPECT_TRUE(is_usable(now, start_ + 25h));
  EXPECT_EQ(after(now, {pro_.deleted(start_ + 1h)}, start_ + 25h).plan, SubscriptionPlan::kBasic);
}

TEST_F(StripeRecordsTest, OneThatNeverBeganTakesTheOldOnesPlaceNever) {
  Subscription now = after(bought(), start_ + 1h);
  now.credits_used_this_period = 5;
  const StripeSubscriptionOf second("sub_b", "price_basic_monthly", start_ + 2h);
  now = after(now,
              {second.state(StripeStatus::kIncomplete, start_ + 2h, "created"),
               second.failed("in_9", start_ + 2h, std::nullopt),
               second.state(StripeStatus::kIncompleteExpired, start_ + 26h)},
              start_ + 27h);
  EXPECT_EQ(now.plan, SubscriptionPlan::kPro);
  EXPECT_EQ(now.status, SubscriptionStatus::kActive);
  EXPECT_EQ(now.credits_used_this_period, 5);
}

TEST_F(StripeRecordsTest, WhatWasUsedIsRememberedWhereAnotherTakesOverForAWhile) {
  Subscription now = after(bought(), start_ + 1h);
  now.credits_used_this_period = 400;
  const StripeSubscriptionOf second("sub_b", "price_basic_monthly", start_ + 2h);
  now = after(now,
              {second.state(StripeStatus::kActive, start_ + 2h, "created"),
               second.paid("in_9", start_ + 2h, february_ + 2h, InvoiceReason::kCreate)},
              start_ + 3h);
  EXPECT_EQ(now.stripe_subscription_id, "sub_b");
  EXPECT_EQ(now.credits_used_this_period, 0);
  now.credits_used_this_period = 9;
  now = after(now, {second.deleted(start_ + 4h)}, start_ + 5h);
  EXPECT_EQ(now.stripe_subscription_id, "sub_a");
  EXPECT_EQ(now.credits_used_this_period, 400);
}

TEST_F(StripeRecordsTest, APaidYearGrantsCreditsMonthByMonth) {
  const StripeSubscriptionOf yearly("sub_y", "price_pro_yearly", start_);
  const Time end = at("2027-01-31T10:00:00Z");
  Subscription now = after({yearly.state(StripeStatus::kActive, start_, "created"),
                            yearly.paid("in_1", start_, end, InvoiceReason::kCreate)},
                           start_ + 1min);
  EXPECT_EQ(now.billing_interval, BillingInterval::kYearly);
  EXPECT_EQ(now.current_period_end, february_);
  EXPECT_EQ(now.paid_until, end);
  int grants = 0;
  for (Time moment = start_; moment < end; moment += 6h) {
    now.credits_used_this_period = 500;
    now = derive(now, plans_, moment);
    if (now.credits_used_this_period == 0) ++grants;
    EXPECT_TRUE(is_usable(now, moment)) << to_iso8601(moment);
  }
  EXPECT_EQ(grants, 11);  // and that of the purchase
  EXPECT_EQ(now.current_period_end, end);
}

TEST_F(StripeRecordsTest, AnUnpaidRenewalGivesNothingAndExpiresAfterTheGrace) {
  const Subscription now = after(bought(), start_ + 1h);
  EXPECT_FALSE(is_usable(derive(now, plans_, february_), february_));
  EXPECT_EQ(derive(now, plans_, february_ + kPaymentGrace - 1ms).status,
            SubscriptionStatus::kActive);
  const Subscription expired = derive(now, plans_, february_ + kPaymentGrace);
  EXPECT_EQ(expired.status, SubscriptionStatus::kExpired);
  // Paid in the end, it is in force again.
  const Subscription paid =
      after(expired, {pro_.paid("in_2", february_, march_, InvoiceReason::kCycle, february_ + 96h)},
            february_ + 97h);
  EXPECT_EQ(paid.status, SubscriptionStatus::kActive);
  EXPECT_TRUE(is_usable(paid, february_ + 97h));
}

TEST_F(StripeRecordsTest, APaymentThatFailedLeavesTheCreditsUntilTheNextAttempt) {
  const Time next = february_ + 120h;
  const Subscription now = after(after(bought(), start_ + 1h),
                                 {pro_.failed("in_2", february_ + 1h, next),
                                  pro_.state(StripeStatus::kPastDue, february_ + 1h)},
                                 february_ + 2h);
  EXPECT_EQ(now.status, SubscriptionStatus::kPastDue);
  EXPECT_EQ(now.grace_until, next);
  EXPECT_TRUE(is_usable(now, next - 1ms));
  EXPECT_FALSE(is_usable(now, next));
  EXPECT_EQ(derive(now, plans_, next - 1ms).status, SubscriptionStatus::kPastDue);
  EXPECT_EQ(derive(now, plans_, next).status, SubscriptionStatus::kExpired);
  // Without another attempt there is no grace.
  const Subscription last =
      after(now, {pro_.failed("in_2", february_ + 3h, std::nullopt)}, february_ + 4h);
  EXPECT_EQ(last.status, SubscriptionStatus::kPastDue);
  EXPECT_FALSE(is_usable(last, february_ + 4h));
  // Paid, it is what it was.
  const Subscription paid =
      after(now, {pro_.paid("in_2", february_, march_, InvoiceReason::kCycle, february_ + 5h)},
            february_ + 6h);
  EXPECT_EQ(paid.status, SubscriptionStatus::kActive);
  EXPECT_EQ(paid.grace_until, std::nullopt);
  EXPECT_TRUE(is_usable(paid, february_ + 6h));
}

TEST_F(StripeRecordsTest, OneThatIsCancelledForItsEndEndsThen) {
  auto events = bought();
  events.push_back(pro_.cancelling(start_ + 1h));
  const Subscription now = after(events, start_ + 2h);
  EXPECT_TRUE(now.cancel_at_period_end);
  EXPECT_TRUE(is_usable(derive(now, plans_, february_ - 1ms), february_ - 1ms));
  const Subscription ended = derive(now, plans_, february_);
  EXPECT_EQ(ended.status, SubscriptionStatus::kCancelled);
  EXPECT_FALSE(is_usable(ended, february_));
  EXPECT_EQ(ended.cancelled_at, start_ + 1h);
}

TEST_F(StripeRecordsTest, AnEndFarAheadCancelsNothingYet) {
  auto events = bought();
  events.push_back(pro_.state(StripeStatus::kActive, start_ + 1h));
  events.back().subscription->cancel_at = march_;
  EXPECT_FALSE(after(events, start_ + 2h).cancel_at_period_end);
  events.push_back(pro_.paid("in_2", february_, march_));
  EXPECT_TRUE(after(events, february_ + 1h).cancel_at_period_end);
}

TEST_F(StripeRecordsTest, AChangeOfPlanGrantsNothingAnewAndExtendsWhatIsPaid) {
  Subscription now = after(bought(), start_ + 1h);
  now.credits_used_this_period = 400;
  StripeSubscriptionOf changed = pro_;
  changed.set_price("price_enterprise_yearly");
  const Time moment = start_ + 240h;
  const Time end = models::add_months(moment, 12);
  now = after(now,
              {changed.state(StripeStatus::kActive, moment),
               changed.paid("in_2", moment, end, InvoiceReason::kUpdate)},
              moment + 1h);
  EXPECT_EQ(now.plan, SubscriptionPlan::kEnterprise);
  EXPECT_EQ(now.credits_per_month, 2000);
  EXPECT_EQ(now.credits_used_this_period, 400);
  EXPECT_EQ(now.current_period_start, start_);
  EXPECT_EQ(now.current_period_end, february_);
  EXPECT_EQ(now.paid_until, end);
  now = derive(now, plans_, february_);
  EXPECT_EQ(now.credits_used_this_period, 0);
  EXPECT_TRUE(is_usable(now, february_));
}

TEST_F(StripeRecordsTest, AnInvoiceOfBeforeShortensNoPeriodThatWasStoredWithoutRecords) {
  Subscription old = nothing();
  old.plan = SubscriptionPlan::kPro;
  old.status = SubscriptionStatus::kActive;
  old.stripe_subscription_id = "sub_a";
  old.credits_per_month = 500;
  old.credits_used_this_period = 9;
  old.current_period_start = february_;
  old.current_period_end = march_;
  Subscription now = after(
      old, {pro_.state(StripeStatus::kActive, february_), pro_.paid("in_1", start_, february_)},
      february_ + 1h);
  EXPECT_EQ(now.current_period_start, february_);
  EXPECT_EQ(now.current_period_end, march_);
  EXPECT_EQ(now.credits_used_this_period, 9);
  EXPECT_TRUE(is_usable(now, february_ + 1h));
  now = after(now, {pro_.paid("in_2", february_, march_)}, february_ + 2h);
  EXPECT_EQ(now.current_period_end, march_);
  EXPECT_EQ(now.credits_used_this_period, 9);
  now = after(now, {pro_.paid("in_3", march_, april_)}, march_ + 1h);
  EXPECT_EQ(now.current_period_end, april_);
  EXPECT_EQ(now.credits_used_this_period, 0);
}

TEST_F(StripeRecordsTest, SubscriptionsOfLongAgoAreForgotten) {
  Subscription now = nothing();
  for (int i = 0; i < 60; ++i) {
    const Time moment = start_ + 1h * i;
    const StripeSubscriptionOf sold("sub_" + std::to_string(100 + i), "price_pro_monthly", moment);
    now = after(now, {sold.state(StripeStatus::kActive, moment), sold.deleted(moment + 30min)},
                moment + 45min);
  }
  EXPECT_EQ(now.stripe_records.size(), 50U);
  EXPECT_EQ(now.stripe_subscription_id, "sub_159");
  EXPECT_EQ(now.stripe_records.front().id, "sub_110");
}

TEST_F(StripeRecordsTest, WithinOneSecondMakingComesBeforeChanging) {
  const auto made = pro_.state(StripeStatus::kIncomplete, start_, "created");
  const auto changed = pro_.state(StripeStatus::kActive, start_);
  const auto paid = pro_.paid("in_1", start_, february_, InvoiceReason::kCreate);
  EXPECT_EQ(unnumbered(after({changed, made, paid}, start_ + 1h)),
            unnumbered(after({made, changed, paid}, start_ + 1h)));
  EXPECT_EQ(after({changed, made, paid}, start_ + 1h).status, SubscriptionStatus::kActive);
}

TEST_F(StripeRecordsTest, TwoStatesOfOneSecondAreToBeAskedFor) {
  const auto one = pro_.state(StripeStatus::kActive, start_ + 1h);
  const auto other = pro_.cancelling(start_ + 1h);
  for (const auto& [first, second] : {std::pair(one, other), std::pair(other, one)}) {
    StripeRecord record{.id = "sub_a"};
    EXPECT_EQ(merge(record, first, plans_), MergeResult::kDone);
    EXPECT_EQ(merge(record, second, plans_), MergeResult::kTied);
    EXPECT_EQ(merge(record, second, plans_), MergeResult::kTied);
    EXPECT_EQ(record.event_id, other.id);  // the same whichever came first
    auto asked = pro_.state(StripeStatus::kActive, start_ + 2h);
    EXPECT_EQ(merge(record, asked, plans_), MergeResult::kDone);
    EXPECT_EQ(merge(record, first, plans_), MergeResult::kDone);
    EXPECT_EQ(merge(record, second, plans_), MergeResult::kDone);
    EXPECT_FALSE(record.cancel_at_period_end);
  }
  StripeRecord record{.id = "sub_a"};
  EXPECT_EQ(merge(record, one, plans_), MergeResult::kDone);
  EXPECT_EQ(merge(record, one, plans_), MergeResult::kDone);
}

TEST_F(StripeRecordsTest, OneOfSeveralItemsIsThePlan) {
  auto state = pro_.state(StripeStatus::kActive, start_);
  state.subscription->items.insert(state.subscription->items.begin(),
                                   {.id = "si_extra", .price_id = "price_of_seats"});
  StripeRecord record{.id = "sub_a"};
  (void)merge(record, state, plans_);
  EXPECT_EQ(record.price_id, "price_pro_monthly");
  EXPECT_EQ(record.item_id, "si_sub_a");
}

// Merging is a join: any events in any order, any of them any number of times.
TEST_F(StripeRecordsTest, TheOrderOfEventsDoesNotMatter) {
  std::mt19937 random(7);
  const auto pick = [&](auto... choices) {
    const std::vector all{choices...};
    return all[random() % all.size()];
  };
  for (int round = 0; round < 500; ++round) {
    std::vector<StripeEvent> events;
    for (const char* id : {"sub_a", "sub_b"}) {
      StripeSubscriptionOf told(id, pick("price_pro_monthly", "price_basic_yearly"),
                                start_ + 1h * (random() % 3));
      const auto count = random() % 7;
      for (std::size_t i = 0; i < count; ++i) {
        const Time moment = start_ + 1h * (random() % 40);
        switch (random() % 6) {
          case 0:
            events.push_back(told.deleted(moment));
            break;
          case 1:
            events.push_back(told.cancelling(moment));
            break;
          case 2:
            events.push_back(told.failed("in_f", moment, moment + 1h * (random() % 100)));
            break;
          case 3:
            events.push_back(told.state(
                pick(StripeStatus::kActive, StripeStatus::kPastDue, StripeStatus::kUnpaid,
                     StripeStatus::kPaused, StripeStatus::kIncomplete, StripeStatus::kTrialing),
                moment, pick("created", "updated")));
            break;
          default:
            events.push_back(told.paid(
                "in_" + std::to_string(random() % 9), moment, moment + 24h * (1 + random() % 400),
                pick(InvoiceReason::kCreate, InvoiceReason::kCycle, InvoiceReason::kUpdate)));
        }
      }
    }
    const Time now = start_ + 1h * (40 + random() % 2000);
    const auto settled = [&](const std::vector<StripeEvent>& told) {
      Subscription made = after(told, now);
      std::sort(
          made.stripe_records.begin(), made.stripe_records.end(),
          [](const StripeRecord& a, const StripeRecord& b) { return a.id.str() < b.id.str(); });
      return unnumbered(std::move(made));
    };
    const Subscription expected = settled(events);
    for (int i = 0; i < 5; ++i) {
      std::vector<StripeEvent> shuffled = events;
      for (auto j = random() % 4; j > 0 && !events.empty(); --j) {
        shuffled.push_back(events[random() % events.size()]);
      }
      std::shuffle(shuffled.begin(), shuffled.end(), random);
      ASSERT_EQ(settled(shuffled), expected)
          << "round " << round << "\n"
          << bson::to_json(schema::to_bson(settled(shuffled))) << "\n"
          << bson::to_json(schema::to_bson(expected));
    }
  }
}

// ---- without Stripe -----------------------------------------------------------------------------

class ByTheClockTest : public ::testing::Test {
 protected:
  const Plans plans_ = priced_plans();
  const Time start_ = at("2026-01-31T10:00:00Z");

  [[nodiscard]] Subscription local(BillingInterval interval) const {
    const Time end = models::add_months(start_, repositories::months_of(interval));
    return {.id = "sub_1",
            .user_id = "user_ada",
            .plan = SubscriptionPlan::kBasic,
            .billing_interval = interval,
            .credits_per_month = 100,
            .current_period_start = start_,
            .current_period_end = models::add_months(start_, 1),
            .billing_anchor = start_,
            .paid_from = start_,
            .paid_until = end,
            .created_at = start_,
            .updated_at = start_};
  }
};

TEST_F(ByTheClockTest, APlanWithoutStripeRenewsItselfAndKeepsItsDay) {
  Subscription now = local(BillingInterval::kMonthly);
  now.credits_used_this_period = 100;
  EXPECT_EQ(derive(now, plans_, now.current_period_end - 1ms), now);
  now = derive(now, plans_, at("2026-02-28T10:00:00Z"));
  EXPECT_EQ(now.current_period_start, at("2026-02-28T10:00:00Z"));
  EXPECT_EQ(now.current_period_end, at("2026-03-31T10:00:00Z"));
  EXPECT_EQ(now.credits_used_this_period, 0);
  EXPECT_EQ(now.status, SubscriptionStatus::kActive);
  // After a long sleep it is in the month that it is.
  now = derive(now, plans_, at("2026-07-15T00:00:00Z"));
  EXPECT_EQ(now.current_period_start, at("2026-06-30T10:00:00Z"));
  EXPECT_EQ(now.current_period_end, at("2026-07-31T10:00:00Z"));
}

TEST_F(ByTheClockTest, AYearWithoutStripeHasMonthsOfCreditsAndEndsAsAYear) {
  Subscription now = local(BillingInterval::kYearly);
  now.cancel_at_period_end = true;
  now = derive(now, plans_, at("2026-03-01T00:00:00Z"));
  EXPECT_EQ(now.status, SubscriptionStatus::kActive);
  EXPECT_EQ(now.current_period_end, at("2026-03-31T10:00:00Z"));
  now = derive(now, plans_, at("2027-01-31T10:00:00Z"));
  EXPECT_EQ(now.status, SubscriptionStatus::kCancelled);
}

TEST_F(ByTheClockTest, OneThatIsCancelledIsNotRenewed) {
  Subscription now = local(BillingInterval::kMonthly);
  now.cancel_at_period_end = true;
  now.credits_used_this_period = 3;
  now = derive(now, plans_, now.current_period_end);
  EXPECT_EQ(now.status, SubscriptionStatus::kCancelled);
  EXPECT_EQ(now.credits_used_this_period, 3);
}

TEST_F(ByTheClockTest, OneOfAnOlderVersionCountsFromWhatItSays) {
  Subscription now = local(BillingInterval::kYearly);
  now.billing_anchor.reset();
  now.paid_from.reset();
  now.paid_until.reset();
  now.current_period_end = at("2027-01-31T10:00:00Z");
  now = derive(now, plans_, at("2026-03-01T00:00:00Z"));
  EXPECT_EQ(now.current_period_start, at("2026-02-28T10:00:00Z"));
  EXPECT_EQ(now.current_period_end, at("2026-03-31T10:00:00Z"));
  EXPECT_EQ(now.paid_until, at("2027-01-31T10:00:00Z"));
}

TEST_F(ByTheClockTest, WhatHasEndedStaysAsItIs) {
  Subscription now = local(BillingInterval::kMonthly);
  now.status = SubscriptionStatus::kExpired;
  EXPECT_EQ(derive(now, plans_, at("2030-01-01T00:00:00Z")), now);
}

}  // namespace
}  // namespace gesso::domain
