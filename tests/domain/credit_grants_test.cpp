#include "gesso/domain/credit_grants.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "tests/repositories/fixture.hpp"

namespace gesso::domain {
namespace {

using namespace query;
using namespace repositories;
using namespace std::chrono_literals;
using models::UsageLog;
using models::User;

class CreditGrantsTest : public RepositoryTest {
 protected:
  GrantOutcome try_grant(const models::UserId& to, std::int64_t credits,
                         const std::optional<IdempotencyKey>& key = {},
                         std::string_view reason = "An outage") {
    return with<CreditGrants>([&](CreditGrants grants) {
      return grants.grant({.user_id = to,
                           .grant = {.credits = credits,
                                     .reason = models::CreditReason(reason),
                                     .granted_by = "user_boss"}},
                          key);
    });
  }
  UsageLog granted(const models::UserId& to, std::int64_t credits,
                   const std::optional<IdempotencyKey>& key = {}) {
    auto outcome = try_grant(to, credits, key);
    return std::get<UsageLog>(std::move(outcome));
  }
  User user(const models::UserId& id) {
    return *with<UserRepository>([&](UserRepository users) { return users.find_by_id(id); });
  }
  std::vector<UsageLog> log_of(const models::UserId& id) {
    return with<UsageLogRepository>([&](UsageLogRepository logs) {
      return logs.find_by_user(id, {.from = clock_.now() - 24h, .to = clock_.now() + 24h});
    });
  }
  GrantSweepReport sweep(std::chrono::milliseconds older_than = 5min) {
    return with<CreditGrants>([&](CreditGrants grants) { return grants.sweep(older_than); });
  }
};

TEST_F(CreditGrantsTest, AGrantIsInTheBalanceAndInTheUsersLog) {
  const User ada = add_user("ada@example.com", 10);
  const UsageLog entry = granted(ada.id, 25);
  EXPECT_EQ(user(ada.id).credits_remaining, 35);
  EXPECT_TRUE(user(ada.id).pending_grants.empty());
  ASSERT_EQ(log_of(ada.id), std::vector<UsageLog>{entry});
  EXPECT_EQ(entry.action_type, models::ActionType::kCreditGrant);
  EXPECT_EQ(entry.grant->credits, 25);
  EXPECT_EQ(entry.grant->reason, "An outage");
  EXPECT_EQ(entry.grant->granted_by, "user_boss");
  EXPECT_EQ(entry.credits_used, 0);  // nothing was spent
}

TEST_F(CreditGrantsTest, ARepetitionGrantsNothingHoweverManyGrantsComeBetween) {
  const User ada = add_user("ada@example.com", 0);
  const UsageLog first = granted(ada.id, 5, "key");
  for (int i = 0; i < models::kRecentOperations + 10; ++i) {
    granted(ada.id, 1);
    with<UserRepository>(
        [&](UserRepository users) { users.add_credits(ada.id, 1, ids_.next("op_")); });
  }
  const std::int64_t before = user(ada.id).credits_remaining.value();
  EXPECT_EQ(granted(ada.id, 5, "key"), first);
  EXPECT_EQ(user(ada.id).credits_remaining, before);
}

TEST_F(CreditGrantsTest, AKeyBelongsToOneRequestOfOneAdministrator) {
  const User ada = add_user("ada@example.com", 0);
  const User grace = add_user("grace@example.com", 0);
  granted(ada.id, 5, "key");
  EXPECT_TRUE(std::holds_alternative<KeyReused>(try_grant(ada.id, 6, "key")));
  EXPECT_TRUE(std::holds_alternative<KeyReused>(try_grant(ada.id, 5, "key", "Another reason")));
  EXPECT_TRUE(std::holds_alternative<KeyReused>(try_grant(grace.id, 5, "key")));
  EXPECT_EQ(user(ada.id).credits_remaining, 5);
  EXPECT_EQ(user(grace.id).credits_remaining, 0);
  with<CreditGrants>([&](CreditGrants grants) {
    (void)grants.grant({.user_id = grace.id,
                        .grant = {.credits = 7, .reason = "A prize", .granted_by = "user_other"}},
                       IdempotencyKey("key"));
  });
  EXPECT_EQ(user(grace.id).credits_remaining, 7);
}

TEST_F(CreditGrantsTest, WithoutAKeyTwoRequestsAreTwoGrants) {
  const User ada = add_user("ada@example.com", 0);
  EXPECT_NE(granted(ada.id, 5).id, granted(ada.id, 5).id);
  EXPECT_EQ(user(ada.id).credits_remaining, 10);
}

TEST_F(CreditGrantsTest, NobodyIsGrantedNothing) {
  EXPECT_TRUE(std::holds_alternative<NoSuchUser>(try_grant("user_nobody", 5)));
  const User ada = add_user("ada@example.com", 0);
  with<UserRepository>([&](UserRepository users) {
    users.update_by_id(ada.id, update(set<&User::deleted_at>(clock_.now())));
  });
  EXPECT_TRUE(std::holds_alternative<NoSuchUser>(try_grant(ada.id, 5)));
  EXPECT_TRUE(log_of(ada.id).empty());
}

// The process dies before its n-th command, for every n; then the sweep runs, or the administrator
// asks again, or both. The grant is there once, or, where not even its first step was done, never.
TEST_F(CreditGrantsTest, ACrashAnywhereGrantsOnceOrNotAtAll) {
  if (!Database::get().has_fail_points()) GTEST_SKIP() << "the server has no fail points";
  int made_by_sweep = 0;
  for (const bool asks_again : {false, true}) {
    bool finished = false;
    for (int step = 0; !finished; ++step) {
      ASSERT_LT(step, 20);
      Database::get().clear();
      const User ada = add_user("ada@example.com", 10);
      Database::get().fail_after(step);
      try {
        granted(ada.id, 5, "key");
        finished = true;
      } catch (const Error&) {
      }
      Database::get().stop_failing();
      if (asks_again) granted(ada.id, 5, "key");
      clock_.advance(6min);
      made_by_sweep += static_cast<int>(sweep().finished);
      const auto log = log_of(ada.id);
      const bool is_made = !log.empty();
      EXPECT_TRUE(is_made || (!asks_again && !finished)) << step;
      EXPECT_LE(log.size(), 1U) << step;
      EXPECT_EQ(user(ada.id).credits_remaining, is_made ? 15 : 10) << step;
      EXPECT_TRUE(user(ada.id).pending_grants.empty()) << step;
      EXPECT_EQ(sweep(0ms).finished, 0) << step;
      granted(ada.id, 5, "key");
      EXPECT_EQ(user(ada.id).credits_remaining, 15) << step;
    }
  }
  EXPECT_GT(made_by_sweep, 1);
}

// Many repeat the same requests at once, and impatient sweeps come between.
TEST_F(CreditGrantsTest, OfManyAttemptsAtOnceOneCounts) {
  const User ada = add_user("ada@example.com", 0);
  constexpr int kKeys = 20;
  std::atomic<int> granting = 3;
  std::vector<std::jthread> threads;
  for (int i = 0; i < 3; ++i) {
    threads.emplace_back([&] {
      for (int key = 0; key < kKeys; ++key) granted(ada.id, 5, std::to_string(key));
      --granting;
    });
  }
  threads.emplace_back([&] {
    while (granting > 0) sweep(0ms);
  });
  threads.clear();
  sweep(0ms);
  EXPECT_EQ(user(ada.id).credits_remaining, 5 * kKeys);
  EXPECT_EQ(log_of(ada.id).size(), static_cast<std::size_t>(kKeys));
  EXPECT_TRUE(user(ada.id).pending_grants.empty());
}

}  // namespace
}  // namespace gesso::domain
