#include "gesso/domain/charging.hpp"

#include <algorithm>
#include <atomic>
#include <random>
#include <thread>

#include "tests/repositories/fixture.hpp"

namespace gesso::domain {
namespace {

using namespace query;
using namespace repositories;
using namespace std::chrono_literals;
using models::Generation;
using models::GenerationStatus;
using models::Subscription;
using models::User;
using Outcome = Charging::Outcome;

class ChargingTest : public RepositoryTest {
 protected:
  template <class F>
  auto charging(F&& unit) {
    return with<Charging>(std::forward<F>(unit));
  }
  Outcome charge(const models::UserId& user_id, std::int64_t credits) {
    return charging([&](Charging charging) {
      return charging.charge_and_create(
          {.user_id = user_id, .prompt = "A lake", .cost_credits = credits});
    });
  }
  Generation charged(const models::UserId& user_id, std::int64_t credits) {
    return std::get<Generation>(charge(user_id, credits));
  }
  void fail(const models::GenerationId& id) {
    with<GenerationRepository>(
        [&](GenerationRepository generations) { generations.mark_as_failed(id, "no paint"); });
  }
  std::optional<Generation> refund(const models::GenerationId& id) {
    return charging([&](Charging charging) { return charging.refund(id); });
  }
  SweepReport sweep() {
    return charging([&](Charging charging) { return charging.sweep(5min); });
  }

  User user(const models::UserId& id) {
    return *with<UserRepository>([&](UserRepository users) { return users.find_by_id(id); });
  }
  Subscription subscription(const models::UserId& id) {
    return *with<SubscriptionRepository>(
        [&](SubscriptionRepository subscriptions) { return subscriptions.find_by_user(id); });
  }
  std::vector<Generation> generations(const models::UserId& id) {
    return with<GenerationRepository>(
        [&](GenerationRepository generations) { return generations.find_by_user(id, {}, {}); });
  }
};

TEST_F(ChargingTest, TheSubscriptionsCreditsAreUsedFirst) {
  const User ada = add_user("ada@example.com", 10);
  add_subscription(ada.id, 3);
  const Generation generation = charged(ada.id, 5);
  EXPECT_EQ(generation.credits_from_subscription, 3);
  EXPECT_EQ(generation.credits_from_balance, 2);
  EXPECT_EQ(generation.cost_credits, 5);
  EXPECT_EQ(subscription(ada.id).credits_used_this_period, 3);
  EXPECT_EQ(user(ada.id).credits_remaining, 8);
  EXPECT_EQ(user(ada.id).total_generations, 1);
  EXPECT_TRUE(user(ada.id).pending_charges.empty());
  EXPECT_TRUE(subscription(ada.id).pending_charges.empty());
  EXPECT_EQ(generations(ada.id), std::vector<Generation>{generation});
}

TEST_F(ChargingTest, ASubscriptionThatSufficesLeavesTheBalance) {
  const User ada = add_user("ada@example.com", 10);
  add_subscription(ada.id, 5);
  charged(ada.id, 5);
  EXPECT_EQ(subscription(ada.id).credits_used_this_period, 5);
  EXPECT_EQ(user(ada.id).credits_remaining, 10);
  EXPECT_EQ(user(ada.id).total_generations, 1);
}

// The names of the commands that a charge sends, with a settler that settles later.
std::vector<std::string> commands_of(const std::vector<SentCommand>& sent) {
  std::vector<std::string> names;
  for (const SentCommand& command : sent) {
    names.push_back(command.name + ' ' + std::string(command.command[command.name].as_string()));
  }
  return names;
}
using Names = std::vector<std::string>;

TEST_F(ChargingTest, AChargeWaitsForTwoWritesAndForThreeWhereTheCostIsSplit) {
  Settler settler(Database::get().service(), context_, {.linger = 1h});
  const auto commands = [&](const User& user, std::int64_t cost, const ChargeOptions& options) {
    Database::get().start_recording();
    run([&](mongo::Session& session) {
      Charging charging(session, context_, &settler);
      EXPECT_TRUE(std::holds_alternative<Generation>(charging.charge_and_create(
          {.user_id = user.id, .prompt = "A lake", .cost_credits = cost}, options)));
    });
    return commands_of(Database::get().stop_recording());
  };
  const User free = with<UserRepository>([](UserRepository users) {
    return users.create_user({.email = "ada@example.com",
                              .auth_provider = models::AuthProvider::kGoogle,
                              .auth_provider_id = "42"});
  });
  EXPECT_EQ(commands(free, 1, {}), (Names{"update users", "insert generations"}));
  const User payer = add_user("grace@example.com", 10);
  add_subscription(payer.id, 3);
  EXPECT_EQ(
      commands(payer, 2, {.expects_subscription = true}),
      (Names{"find users", "find subscriptions", "update subscriptions", "insert generations"}));
  EXPECT_EQ(commands(payer, 2, {.expects_subscription = true}),
            (Names{"find users", "find subscriptions", "update subscriptions", "update users",
                   "insert generations"}));
  EXPECT_EQ(commands(payer, 2, {.expects_subscription = true}),
            (Names{"find users", "find subscriptions", "update users", "insert generations"}));
}

TEST_F(ChargingTest, ASubscriptionThatIsBoughtLaterPaysFromThenOn) {
  const User ada = with<UserRepository>([](UserRepository users) {
    return users.create_user({.email = "ada@example.com",
                              .auth_provider = models::AuthProvider::kGoogle,
                              .auth_provider_id = "42"});
  });
  EXPECT_EQ(charged(ada.id, 2).credits_from_balance, 2);
  add_subscription(ada.id, 3);
  EXPECT_EQ(charged(ada.id, 2).credits_from_subscription, 2);
}

TEST_F(ChargingTest, NotEnoughIsAnAnswerAndChangesNothing) {
  const User ada = add_user("ada@example.com", 1);
  add_subscription(ada.id, 3);
  const auto refused = std::get<NotEnoughCredits>(charge(ada.id, 5));
  EXPECT_EQ(refused.required, 5);
  EXPECT_EQ(refused.available, 4);
  EXPECT_EQ(subscription(ada.id).credits_used_this_period, 0);
  EXPECT_TRUE(subscription(ada.id).pending_charges.empty());
  EXPECT_EQ(user(ada.id).credits_remaining, 1);
  EXPECT_EQ(user(ada.id).total_generations, 0);
  EXPECT_TRUE(generations(ada.id).empty());
}

TEST_F(ChargingTest, ASubscriptionThatIsNotActivePaysNothing) {
  const User ada = add_user("ada@example.com", 5);
  const Subscription bought = add_subscription(ada.id, 3);
  with<SubscriptionRepository>([&](SubscriptionRepository subscriptions) {
    subscriptions.set_status(bought.id, models::SubscriptionStatus::kExpired);
  });
  EXPECT_EQ(charged(ada.id, 5).credits_from_balance, 5);
}

TEST_F(ChargingTest, ASubscriptionWhosePeriodIsOverPaysNothing) {
  const User ada = add_user("ada@example.com", 5);
  clock_.set_now(add_subscription(ada.id, 3).current_period_end);
  EXPECT_EQ(charged(ada.id, 5).credits_from_balance, 5);
  EXPECT_EQ(subscription(ada.id).credits_used_this_period, 0);
}

TEST_F(ChargingTest, AUserWhoIsLockedOutOrUnknownSpendsNothing) {
  const User ada = add_user("ada@example.com", 5);
  with<UserRepository>([&](UserRepository users) { users.deactivate(ada.id); });
  EXPECT_TRUE(std::holds_alternative<UserNotActive>(charge(ada.id, 1)));
  EXPECT_EQ(user(ada.id).credits_remaining, 5);
  EXPECT_TRUE(generations(ada.id).empty());
  EXPECT_TRUE(std::holds_alternative<UserNotActive>(charge("user_nobody", 1)));
}

TEST_F(ChargingTest, AFailedGenerationIsRefundedOnceToWhereItCameFrom) {
  const User ada = add_user("ada@example.com", 10);
  add_subscription(ada.id, 3);
  const Generation generation = charged(ada.id, 5);
  fail(generation.id);
  for (int i = 0; i < 3; ++i) {
    const auto refunded = refund(generation.id);
    EXPECT_EQ(refunded->refunded_at, clock_.now());
    EXPECT_EQ(refunded->refund_due_at, std::nullopt);
    EXPECT_EQ(subscription(ada.id).credits_used_this_period, 0);
    EXPECT_EQ(user(ada.id).credits_remaining, 10);
    EXPECT_EQ(user(ada.id).total_generations, 1);
    EXPECT_TRUE(user(ada.id).pending_charges.empty());
    EXPECT_TRUE(subscription(ada.id).pending_charges.empty());
  }
  EXPECT_EQ(refund("gen_none"), std::nullopt);
}

TEST_F(ChargingTest, OnlyAFailedGenerationIsRefunded) {
  const User ada = add_user("ada@example.com", 10);
  const Generation generation = charged(ada.id, 5);
  EXPECT_EQ(error_of([&] { refund(generation.id); }).kind(), ErrorKind::kConflict);
  EXPECT_EQ(user(ada.id).credits_remaining, 5);
}

TEST_F(ChargingTest, CreditsOfAPeriodThatIsOverHaveLapsed) {
  const User ada = add_user("ada@example.com", 10);
  const Subscription bought = add_subscription(ada.id, 3);
  const Generation generation = charged(ada.id, 5);
  clock_.advance(24h);
  with<SubscriptionRepository>([&](SubscriptionRepository subscriptions) {
    subscriptions.reset_period_usage(bought.id, bought.current_period_end + 24h);
    subscriptions.use_credits(bought.id, 3, ids_.next("op_"));
  });
  fail(generation.id);
  refund(generation.id);
  EXPECT_EQ(subscription(ada.id).credits_used_this_period, 3);
  EXPECT_EQ(user(ada.id).credits_remaining, 10);
}

TEST_F(ChargingTest, AHoldThatOutlivesItsPeriodGivesNothingBackToTheNext) {
  const User ada = add_user("ada@example.com", 10);
  const Subscription bought = add_subscription(ada.id, 5);
  Settler settler(Database::get().service(), context_, {.linger = 1h});
  run([&](mongo::Session& session) {
    (void)Charging(session, context_, &settler)
        .charge_and_create({.user_id = ada.id, .prompt = "A lake", .cost_credits = 4});
  });
  // One charge is to be captured yet, and one died before its insert.
  with<SubscriptionRepository>([&](SubscriptionRepository subscriptions) {
    subscriptions.update_by_id(
        bought.id, update(inc<&Subscription::credits_used_this_period>(1),
                          push<&Subscription::pending_charges>(
                              models::PendingCharge{.token = "gen_died",
                                                    .generation_id = "gen_died",
                                                    .credits = 1,
                                                    .at = clock_.now(),
                                                    .period_start = bought.current_period_start})));
    clock_.advance(24h);
    subscriptions.reset_period_usage(bought.id, bought.current_period_end + 24h);
    subscriptions.use_credits(bought.id, 2, "op_1");
  });
  settler.flush();
  sweep();
  EXPECT_EQ(subscription(ada.id).credits_used_this_period, 2);
  EXPECT_TRUE(subscription(ada.id).pending_charges.empty());
  EXPECT_EQ(user(ada.id).total_generations, 1);
}

// Another subscription takes over in the moment in which the period began: its credits are others.
TEST_F(ChargingTest, WhatAnotherAllotmentPaidGoesBackToNobody) {
  const User ada = add_user("ada@example.com", 10);
  const Subscription bought = add_subscription(ada.id, 5);
  const Generation generation = charged(ada.id, 4);
  Subscription next = subscription(ada.id);
  next.stripe_subscription_id = "sub_b";
  next.credits_used_this_period = 0;
  next.allotment = next.allotment + 1;
  with<SubscriptionRepository>([&](SubscriptionRepository subscriptions) {
    // One charge died before its insert.
    subscriptions.update_by_id(
        bought.id, update(push<&Subscription::pending_charges>(
                       models::PendingCharge{.token = "gen_died",
                                             .generation_id = "gen_died",
                                             .credits = 1,
                                             .at = clock_.now(),
                                             .period_start = bought.current_period_start,
                                             .allotment = bought.allotment})));
    EXPECT_TRUE(subscriptions.change_state(subscription(ada.id), next));
  });
  EXPECT_EQ(subscription(ada.id).current_period_start, bought.current_period_start);
  fail(generation.id);
  refund(generation.id);
  clock_.advance(6min);
  sweep();
  EXPECT_EQ(subscription(ada.id).credits_used_this_period, 0);
  EXPECT_TRUE(subscription(ada.id).pending_charges.empty());
  // What it pays itself does.
  const Generation later = charged(ada.id, 3);
  EXPECT_EQ(subscription(ada.id).credits_used_this_period, 3);
  fail(later.id);
  refund(later.id);
  EXPECT_EQ(subscription(ada.id).credits_used_this_period, 0);
}

// Of before there were allotments.
TEST_F(ChargingTest, AGenerationOfAnOlderVersionIsRefundedByItsPeriod) {
  const User ada = add_user("ada@example.com", 10);
  const Subscription bought = add_subscription(ada.id, 5);
  const Generation generation = charged(ada.id, 4);
  with<GenerationRepository>([&](GenerationRepository generations) {
    generations.update_by_id(generation.id, update(unset<&Generation::charged_allotment>()));
  });
  run([&](mongo::Session& session) {
    session.update_one("subscriptions", bson::make_document("_id", bought.id.str()),
                       bson::make_document("$unset", bson::make_document("allotment", true)));
  });
  const Generation later = charged(ada.id, 1);
  EXPECT_EQ(subscription(ada.id).credits_used_this_period, 5);
  fail(generation.id);
  refund(generation.id);
  EXPECT_EQ(subscription(ada.id).credits_used_this_period, 1);
  fail(later.id);
  refund(later.id);
  EXPECT_EQ(subscription(ada.id).credits_used_this_period, 0);
}

TEST_F(ChargingTest, TheSweepRefundsFailuresThatNobodyDid) {
  const User ada = add_user("ada@example.com", 10);
  const Generation generation = charged(ada.id, 4);
  fail(generation.id);
  EXPECT_EQ(sweep().refunded, 0);  // too young
  clock_.advance(6min);
  EXPECT_EQ(sweep().refunded, 1);
  EXPECT_EQ(user(ada.id).credits_remaining, 10);
  EXPECT_EQ(sweep().refunded, 0);
  EXPECT_EQ(user(ada.id).credits_remaining, 10);
}

TEST_F(ChargingTest, ADocumentThatMakesNoSenseStopsTheSweepOfNoOther) {
  const User ada = add_user("ada@example.com", 10);
  const User grace = add_user("grace@example.com", 10);
  // Ada's hold is of a generation that does not decode, Grace's charger died before it inserted.
  run([](mongo::Session& session) {
    session.insert_one("generations",
                       bson::make_document("_id", "gen_bad", "user_id", "user_x", "prompt", 5));
  });
  const auto leave_hold = [&](const User& of, const models::GenerationId& generation) {
    with<UserRepository>([&](UserRepository users) {
      users.update_by_id(
          of.id,
          update(inc<&User::credits_remaining>(-4),
                 push<&User::pending_charges>(models::PendingCharge{.token = generation.str(),
                                                                    .generation_id = generation,
                                                                    .credits = 4,
                                                                    .at = clock_.now()})));
    });
    clock_.advance(1s);
  };
  leave_hold(ada, "gen_bad");
  leave_hold(grace, "gen_died");
  clock_.advance(6min);
  const SweepReport report = sweep();
  EXPECT_EQ(report.resolved, 1);
  EXPECT_EQ(report.failed, 1);
  EXPECT_EQ(user(grace.id).credits_remaining, 10);
  EXPECT_EQ(user(ada.id).pending_charges.size(), 1U);
}

// The process dies before its n-th command, for every n; then the sweep runs. Either the generation
// is stored and paid for, or nothing was taken.
class ChargingCrashTest : public ChargingTest {
 protected:
  // `has_plan`: 3 credits of a subscription, used first.
  void crash_everywhere(bool has_plan, std::int64_t cost) {
    if (!Database::get().has_fail_points()) GTEST_SKIP() << "the server has no fail points";
    const std::int64_t part = has_plan ? std::min<std::int64_t>(3, cost) : 0;
    int kept = 0;
    int given_back = 0;
    bool finished = false;
    for (int step = 0; !finished; ++step) {
      ASSERT_LT(step, 50);
      Database::get().clear();
      const User ada = add_user("ada@example.com", 10);
      if (has_plan) add_subscription(ada.id, 3);
      const auto is_settled = [&] {
        return user(ada.id).pending_charges.empty() &&
               (!has_plan || (subscription(ada.id).pending_charges.empty() &&
                              !subscription(ada.id).uncounted_since));
      };
      Database::get().fail_after(step);
      try {
        charged(ada.id, cost);
        finished = true;
      } catch (const Error&) {
      }
      Database::get().stop_failing();
      finished = finished && is_settled();
      clock_.advance(6min);
      sweep();

      const auto all = generations(ada.id);
      ASSERT_LE(all.size(), 1U);
      const bool paid = !all.empty();
      ++(paid ? kept : given_back);
      EXPECT_EQ(user(ada.id).credits_remaining, paid ? 10 - (cost - part) : 10) << step;
      EXPECT_EQ(user(ada.id).total_generations, paid ? 1 : 0) << step;
      if (has_plan) {
        EXPECT_EQ(subscription(ada.id).credits_used_this_period, paid ? part : 0) << step;
      }
      EXPECT_TRUE(is_settled()) << step;
      EXPECT_EQ(sweep().resolved, 0) << step;
    }
    EXPECT_GT(kept, 1);
    EXPECT_GT(given_back, 1);
  }
};

TEST_F(ChargingCrashTest, LosesAndDoublesNothingOfTheBalance) { crash_everywhere(false, 5); }
TEST_F(ChargingCrashTest, LosesAndDoublesNothingOfTheSubscription) { crash_everywhere(true, 3); }
TEST_F(ChargingCrashTest, LosesAndDoublesNothingOfASplitCost) { crash_everywhere(true, 5); }

TEST_F(ChargingTest, ACrashAnywhereInARefundGivesBackOnce) {
  if (!Database::get().has_fail_points()) GTEST_SKIP() << "the server has no fail points";
  bool finished = false;
  for (int step = 0; !finished; ++step) {
    ASSERT_LT(step, 50);
    Database::get().clear();
    const User ada = add_user("ada@example.com", 10);
    add_subscription(ada.id, 3);
    const Generation generation = charged(ada.id, 5);
    fail(generation.id);
    Database::get().fail_after(step);
    try {
      refund(generation.id);
      finished = true;
    } catch (const Error&) {
    }
    Database::get().stop_failing();
    clock_.advance(6min);
    sweep();
    EXPECT_EQ(user(ada.id).credits_remaining, 10) << step;
    EXPECT_EQ(subscription(ada.id).credits_used_this_period, 0) << step;
    EXPECT_TRUE(user(ada.id).pending_charges.empty()) << step;
    EXPECT_TRUE(subscription(ada.id).pending_charges.empty()) << step;
    EXPECT_EQ(sweep().resolved, 0) << step;
  }
}

// A sweep that gives up charges that are still on their way, refunds from several sides, and
// failures in between: in the end every credit is either there or paid for something that is
// stored.
TEST_F(ChargingTest, ChargesRefundsAndImpatientSweepsAtOnceKeepTheBooksExact) {
  constexpr std::int64_t kBalance = 200;
  constexpr std::int64_t kPlan = 100;
  const User ada = add_user("ada@example.com", kBalance);
  add_subscription(ada.id, kPlan);
  std::atomic<int> charges_left = 120;
  std::atomic<int> charging_threads = 4;
  std::vector<std::jthread> threads;
  for (unsigned i = 0; i < 4; ++i) {
    threads.emplace_back([&, i] {
      std::mt19937 random(i);
      while (charges_left-- > 0) {
        try {
          const Outcome outcome = charge(ada.id, 1 + random() % 5);
          const auto* generation = std::get_if<Generation>(&outcome);
          if (generation != nullptr && random() % 2 == 0) {
            fail(generation->id);
            if (random() % 2 == 0) refund(generation->id);
          }
        } catch (const Error& error) {
          EXPECT_EQ(error.kind(), ErrorKind::kTimeout) << error.what();  // swept
        }
      }
      --charging_threads;
    });
  }
  for (int i = 0; i < 2; ++i) {
    threads.emplace_back([&] {
      while (charging_threads > 0) {
        charging([](Charging charging) { return charging.sweep(0ms); });
      }
    });
  }
  threads.clear();
  charging([](Charging charging) { return charging.sweep(0ms); });

  std::int64_t from_balance = 0;
  std::int64_t from_subscription = 0;
  std::int64_t accepted = 0;
  for (const Generation& generation : generations(ada.id)) {
    ++accepted;
    if (generation.refunded_at) continue;
    EXPECT_EQ(generation.status, GenerationStatus::kPending);
    from_balance += generation.credits_from_balance;
    from_subscription += generation.credits_from_subscription;
  }
  const User after = user(ada.id);
  const Subscription bought = subscription(ada.id);
  EXPECT_GT(accepted, 0);
  EXPECT_EQ(after.credits_remaining, kBalance - from_balance);
  EXPECT_EQ(bought.credits_used_this_period, from_subscription);
  EXPECT_EQ(after.total_generations, accepted);
  EXPECT_TRUE(after.pending_charges.empty());
  EXPECT_TRUE(bought.pending_charges.empty());
}

}  // namespace
}  // namespace gesso::domain
