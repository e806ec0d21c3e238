#include "gesso/domain/sweeper.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <thread>

#include "gesso/repositories/account_repository.hpp"
#include "gesso/repositories/subscription_repository.hpp"
#include "gesso/repositories/user_repository.hpp"
#include "tests/repositories/fixture.hpp"

namespace gesso::domain {
namespace {

using namespace query;
using namespace repositories;
using namespace std::chrono_literals;
using models::PendingCharge;
using models::User;

class SweeperTest : public RepositoryTest {
 protected:
  void SetUp() override {
    RepositoryTest::SetUp();
    ann_ = add_user("ann@example.com", 10).id;
  }

  std::int64_t credits() {
    return with<UserRepository>(
        [&](UserRepository users) { return users.find_by_id(*ann_)->credits_remaining.value(); });
  }

  // Leaves what a charge of 3 credits leaves that died before it inserted its generation.
  void crash_while_charging(std::chrono::milliseconds age) {
    const auto generation = models::GenerationId(ids_.next("gen_"));
    const PendingCharge hold{.token = generation.str(),
                             .generation_id = generation,
                             .credits = 3,
                             .at = clock_.now() - age};
    with<UserRepository>([&](UserRepository users) {
      return users.change_one(
          where<&User::id> == *ann_,
          update(inc<&User::credits_remaining>(-3), push<&User::pending_charges>(hold)));
    });
    ASSERT_EQ(credits(), 7);
  }

  std::optional<models::UserId> ann_;
};

TEST_F(SweeperTest, GivesBackWhatACrashedChargeTook) {
  crash_while_charging(1min);
  const Sweeper sweeper(Database::get().service(), context_,
                        {.interval = 10ms, .charge_grace = 30s});
  const auto until = std::chrono::steady_clock::now() + 20s;
  while (credits() != 10 && std::chrono::steady_clock::now() < until) std::this_thread::yield();
  EXPECT_EQ(credits(), 10);
}

TEST_F(SweeperTest, LeavesAChargeThatIsStillOnItsWay) {
  crash_while_charging(0ms);
  // It sweeps once before it ends.
  { const Sweeper sweeper(Database::get().service(), context_, {.charge_grace = 1h}); }
  EXPECT_EQ(credits(), 7);
}

TEST_F(SweeperTest, DeletesWhatIsLeftOfADeletedAccount) {
  const User bob = add_user("bob@example.com");
  with<AccountRepository>([&](AccountRepository accounts) {
    accounts.change_account(bob.id, [&](Account& account) {
      account.email = "~d0123@deleted.invalid";
      account.is_active = false;
      account.deleted_at = clock_.now();
      return true;
    });
  });
  const auto is_there = [&] {
    return with<UserRepository>(
        [&](UserRepository users) { return users.find_by_id(bob.id).has_value(); });
  };
  const Sweeper sweeper(Database::get().service(), context_, {.interval = 10ms});
  const auto until = std::chrono::steady_clock::now() + 20s;
  while (is_there() && std::chrono::steady_clock::now() < until) std::this_thread::yield();
  EXPECT_FALSE(is_there());
}

TEST_F(SweeperTest, LooksAfterDeletedAccountsWhenItIsToldTo) {
  const User bob = add_user("bob@example.com");
  Sweeper sweeper(Database::get().service(), context_, {.interval = 1h});
  with<AccountRepository>([&](AccountRepository accounts) {
    accounts.change_account(bob.id, [&](Account& account) {
      account.email = "~d0123@deleted.invalid";
      account.is_active = false;
      account.deleted_at = clock_.now();
      return true;
    });
  });
  sweeper.hurry();
  const auto is_there = [&] {
    return with<UserRepository>(
        [&](UserRepository users) { return users.find_by_id(bob.id).has_value(); });
  };
  const auto until = std::chrono::steady_clock::now() + 20s;
  while (is_there() && std::chrono::steady_clock::now() < until) std::this_thread::yield();
  EXPECT_FALSE(is_there());
}

TEST_F(SweeperTest, FinishesTheGrantsThatACrashLeft) {
  with<UserRepository>([&](UserRepository users) {
    users.update_by_id(*ann_,
                       update(push<&User::pending_grants>(models::PendingGrant{
                           .token = "grant_1",
                           .log_id = "log_1",
                           .grant = {.credits = 5, .reason = "A prize", .granted_by = "user_boss"},
                           .at = clock_.now() - 1h})));
  });
  { const Sweeper sweeper(Database::get().service(), context_, {}); }
  EXPECT_EQ(credits(), 15);
}

TEST_F(SweeperTest, RenewsTheSubscriptionsThatAreDue) {
  const auto given = add_subscription(*ann_, 100);
  clock_.set_now(given.current_period_end);
  // It sweeps once before it ends.
  { const Sweeper sweeper(Database::get().service(), context_, {}); }
  const auto stored = [&] {
    return *with<SubscriptionRepository>(
        [&](SubscriptionRepository subscriptions) { return subscriptions.find_by_user(*ann_); });
  };
  EXPECT_EQ(stored(), given);
  const BillingSettings settings;
  { const Sweeper sweeper(Database::get().service(), context_, {.billing = &settings}); }
  EXPECT_EQ(stored().current_period_start, given.current_period_end);
  EXPECT_TRUE(is_usable(stored(), clock_.now()));
}

TEST_F(SweeperTest, TellsWhatEachSweepDid) {
  crash_while_charging(1min);
  std::promise<SweepRun> told;
  std::atomic<bool> is_told = false;
  const Sweeper sweeper(Database::get().service(), context_,
                        {.interval = 1h, .charge_grace = 30s, .on_sweep = [&](const SweepRun& run) {
                           if (!is_told.exchange(true)) told.set_value(run);
                         }});
  const SweepRun run = told.get_future().get();
  EXPECT_EQ(run.name, "charges");
  EXPECT_TRUE(run.ok);
  EXPECT_EQ(run.changes.front(), (std::pair<std::string_view, std::int64_t>("holds_resolved", 1)));
}

}  // namespace
}  // namespace gesso::domain
