#include "gesso/domain/settler.hpp"

#include <algorithm>

#include "gesso/domain/charging.hpp"
#include "tests/repositories/fixture.hpp"

namespace gesso::domain {
namespace {

using namespace query;
using namespace repositories;
using namespace std::chrono_literals;
using models::Generation;
using models::User;
using models::UserId;

const std::chrono::steady_clock::time_point kStart{};

CapturedHold hold(int number) { return {.token = "gen_" + std::to_string(number)}; }

std::vector<std::size_t> sizes(const std::vector<SettleBatch>& batches) {
  std::vector<std::size_t> all;
  for (const SettleBatch& batch : batches) all.push_back(batch.holds.size());
  return all;
}
using Sizes = std::vector<std::size_t>;

TEST(SettleQueueTest, HoldsOfADocumentLingerForOneAnother) {
  SettleQueue queue({.linger = 100ms, .batch = 10});
  EXPECT_TRUE(queue.add(UserId("user_a"), hold(1), kStart));
  EXPECT_TRUE(queue.add(UserId("user_a"), hold(2), kStart + 90ms));
  EXPECT_TRUE(queue.add(UserId("user_b"), hold(3), kStart + 90ms));
  EXPECT_TRUE(queue.take_due(kStart + 99ms).empty());
  EXPECT_EQ(sizes(queue.take_due(kStart + 100ms)), Sizes{2});
  EXPECT_EQ(queue.size(), 1U);
  EXPECT_EQ(sizes(queue.take_due(kStart + 190ms)), Sizes{1});
  EXPECT_EQ(queue.size(), 0U);
}

TEST(SettleQueueTest, ABatchDoesNotLinger) {
  SettleQueue queue({.linger = 100ms, .batch = 2});
  const Payer payer = models::SubscriptionId("sub_a");
  EXPECT_TRUE(queue.add(payer, hold(1), kStart));
  EXPECT_FALSE(queue.has_batch(payer));
  EXPECT_TRUE(queue.add(payer, hold(2), kStart));
  EXPECT_TRUE(queue.has_batch(payer));
  EXPECT_EQ(sizes(queue.take_due(kStart)), Sizes{2});
}

TEST(SettleQueueTest, ADocumentThatIsFullIsTakenOutAtOnce) {
  SettleQueue queue({.batch = 100, .most_per_document = 2});
  const Payer payer = UserId("user_a");
  EXPECT_TRUE(queue.add(payer, hold(1), kStart));
  EXPECT_TRUE(queue.take_if_full(payer).empty());
  EXPECT_TRUE(queue.add(payer, hold(2), kStart));
  EXPECT_EQ(queue.take_if_full(payer).size(), 2U);
  EXPECT_EQ(queue.size(), 0U);
}

TEST(SettleQueueTest, WhereThereIsNoRoomNothingIsTaken) {
  SettleQueue queue({.most = 1});
  EXPECT_TRUE(queue.add(UserId("user_a"), hold(1), kStart));
  EXPECT_FALSE(queue.add(UserId("user_b"), hold(2), kStart));
  EXPECT_EQ(sizes(queue.take_all()), Sizes{1});
  EXPECT_TRUE(queue.add(UserId("user_b"), hold(2), kStart));
}

class SettlerTest : public RepositoryTest {
 protected:
  User ada;

  SettlerTest() : ada((Database::get().clear(), add_user("ada@example.com", 100))) {}
  void SetUp() override {}

  void charge(Settler& settler, std::int64_t credits = 1) {
    run([&](mongo::Session& session) {
      Charging charging(session, context_, &settler);
      EXPECT_TRUE(std::holds_alternative<Generation>(charging.charge_and_create(
          {.user_id = ada.id, .prompt = "A lake", .cost_credits = credits})));
    });
  }
  User user() {
    return *with<UserRepository>([&](UserRepository users) { return users.find_by_id(ada.id); });
  }
  static std::int64_t updates_of(const std::vector<SentCommand>& sent, std::string_view of) {
    return std::ranges::count_if(sent, [&](const SentCommand& command) {
      return command.name == "update" && command.command["update"].as_string() == of;
    });
  }
};

TEST_F(SettlerTest, ManyChargesOfAUserAreSettledByOneUpdate) {
  Settler settler(Database::get().service(), context_, {.linger = 1h, .batch = 100});
  for (int i = 0; i < 5; ++i) charge(settler);
  EXPECT_EQ(user().credits_remaining, 95);  // exact at once
  EXPECT_EQ(user().pending_charges.size(), 5U);
  EXPECT_EQ(user().total_generations, 0);  // lags behind
  Database::get().start_recording();
  settler.flush();
  EXPECT_EQ(updates_of(Database::get().stop_recording(), "users"), 1);
  EXPECT_EQ(user().credits_remaining, 95);
  EXPECT_TRUE(user().pending_charges.empty());
  EXPECT_EQ(user().total_generations, 5);
}

TEST_F(SettlerTest, SettlesByItselfAfterAWhile) {
  Settler settler(Database::get().service(), context_, {.linger = 1ms});
  charge(settler);
  clock_.advance(1s);
  const auto until = std::chrono::steady_clock::now() + 20s;
  while (!user().pending_charges.empty() && std::chrono::steady_clock::now() < until) {
    std::this_thread::yield();
  }
  EXPECT_TRUE(user().pending_charges.empty());
}

TEST_F(SettlerTest, SettlesABatchWithoutWaiting) {
  Settler settler(Database::get().service(), context_, {.linger = 1h, .batch = 3});
  for (int i = 0; i < 3; ++i) charge(settler);
  const auto until = std::chrono::steady_clock::now() + 20s;
  while (!user().pending_charges.empty() && std::chrono::steady_clock::now() < until) {
    std::this_thread::yield();
  }
  EXPECT_EQ(user().total_generations, 3);
}

TEST_F(SettlerTest, HoldsDoNotPileUpInADocument) {
  Settler settler(Database::get().service(), context_,
                  {.linger = 1h, .batch = 100, .most_per_document = 3});
  for (int i = 0; i < 10; ++i) {
    charge(settler);
    EXPECT_LE(user().pending_charges.size(), 3U);
  }
}

TEST_F(SettlerTest, WithoutRoomAChargeSettlesItself) {
  Settler settler(Database::get().service(), context_, {.linger = 1h, .most = 0});
  charge(settler);
  EXPECT_TRUE(user().pending_charges.empty());
  EXPECT_EQ(user().total_generations, 1);
}

TEST_F(SettlerTest, AtItsEndItSettlesWhatIsLeft) {
  {
    Settler settler(Database::get().service(), context_, {.linger = 1h});
    charge(settler);
  }
  EXPECT_TRUE(user().pending_charges.empty());
  EXPECT_EQ(user().total_generations, 1);
}

TEST_F(SettlerTest, WhatTheSweepHasSettledIsNotCountedAgain) {
  Settler settler(Database::get().service(), context_, {.linger = 1h, .batch = 100});
  for (int i = 0; i < 3; ++i) charge(settler);
  clock_.advance(1s);
  with<Charging>([](Charging charging) { EXPECT_EQ(charging.sweep(0ms).resolved, 3); });
  charge(settler);
  settler.flush();  // three of the four are resolved
  EXPECT_TRUE(user().pending_charges.empty());
  EXPECT_EQ(user().total_generations, 4);
}

TEST_F(SettlerTest, WhatTheDatabaseRefusedIsTriedAgain) {
  if (!Database::get().has_fail_points()) GTEST_SKIP() << "the server has no fail points";
  Settler settler(Database::get().service(), context_, {.linger = 1h});
  charge(settler);
  Database::get().fail_after(0, 6);
  settler.flush();
  Database::get().stop_failing();
  EXPECT_EQ(settler.size(), 1U);
  settler.flush();
  EXPECT_TRUE(user().pending_charges.empty());
}

TEST_F(SettlerTest, OfASubscriptionThatPaidAloneTheUsersCountFollows) {
  add_subscription(ada.id, 50);
  Settler settler(Database::get().service(), context_, {.linger = 1h, .batch = 100});
  const auto subscription = [&] {
    return *with<SubscriptionRepository>(
        [&](SubscriptionRepository all) { return all.find_by_user(ada.id); });
  };
  for (int i = 0; i < 4; ++i) charge(settler, 2);
  EXPECT_EQ(subscription().credits_used_this_period, 8);
  EXPECT_EQ(user().credits_remaining, 100);
  settler.flush();
  EXPECT_TRUE(subscription().pending_charges.empty());
  EXPECT_EQ(subscription().captured_generations, 4);
  EXPECT_EQ(subscription().uncounted_since, std::nullopt);
  EXPECT_EQ(user().total_generations, 4);
  charge(settler, 2);
  settler.flush();
  EXPECT_EQ(user().total_generations, 5);
  EXPECT_EQ(user().counted_generations, 5);
}

}  // namespace
}  // namespace gesso::domain
