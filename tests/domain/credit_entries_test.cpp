// What the usage log says of credits: its sum is what was spent, whatever crashes.
#include "gesso/domain/credit_entries.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "gesso/domain/generations.hpp"
#include "gesso/repositories/usage_log_repository.hpp"
#include "tests/repositories/fixture.hpp"

namespace gesso::domain {
namespace {

using namespace query;
using namespace repositories;
using namespace std::chrono_literals;
using models::ActionType;
using models::Generation;
using models::UsageLog;
using models::User;

class CreditEntriesTest : public RepositoryTest {
 protected:
  Generation charged(const models::UserId& user_id, std::int64_t credits,
                     Settler* settler = nullptr) {
    return run([&](mongo::Session& session) {
      Charging charging(session, context_, settler);
      return std::get<Generation>(charging.charge_and_create(
          {.user_id = user_id, .prompt = "A lake", .cost_credits = credits}));
    });
  }
  void fail(const models::GenerationId& id) {
    with<GenerationRepository>(
        [&](GenerationRepository generations) { generations.mark_as_failed(id, "no paint"); });
  }
  std::optional<Generation> refund(const models::GenerationId& id) {
    return with<Charging>([&](Charging charging) { return charging.refund(id); });
  }
  void sweep() {
    with<Charging>([](Charging charging) { EXPECT_EQ(charging.sweep(5min).failed, 0); });
  }
  // Oldest first.
  std::vector<UsageLog> log_of(const models::UserId& id) {
    auto log = with<UsageLogRepository>([&](UsageLogRepository logs) {
      return logs.find_by_user(id, {.from = clock_.now() - 24h, .to = clock_.now() + 24h}, {});
    });
    std::ranges::reverse(log);
    return log;
  }
  std::int64_t spent(const models::UserId& id) {
    std::int64_t sum = 0;
    for (const UsageLog& entry : log_of(id)) sum += entry.credits_used;
    return sum;
  }
};

TEST_F(CreditEntriesTest, ARefundIsACounterEntry) {
  const User ada = add_user("ada@example.com", 10);
  add_subscription(ada.id, 3);
  const Generation failed = charged(ada.id, 5);
  clock_.advance(1s);
  const Generation kept = charged(ada.id, 2);
  clock_.advance(1s);
  fail(failed.id);
  refund(failed.id);
  refund(failed.id);
  const auto log = log_of(ada.id);
  ASSERT_EQ(log.size(), 3U);
  EXPECT_EQ(log[0].action_type, ActionType::kImageGeneration);
  EXPECT_EQ(log[0].resource_id, failed.id.str());
  EXPECT_EQ(log[0].credits_used, 5);
  EXPECT_EQ(log[1].resource_id, kept.id.str());
  EXPECT_EQ(log[2].action_type, ActionType::kRefund);
  EXPECT_EQ(log[2].resource_id, failed.id.str());
  EXPECT_EQ(log[2].credits_used, -5);
  EXPECT_EQ(spent(ada.id), 2);
  const auto summary = with<UsageLogRepository>([&](UsageLogRepository logs) {
    return logs.summary(ada.id, {.from = clock_.now() - 24h, .to = clock_.now() + 24h});
  });
  ASSERT_EQ(summary.size(), 2U);
  EXPECT_EQ(summary[0].credits_used + summary[1].credits_used, 2);
}

TEST_F(CreditEntriesTest, TheSettlerTellsOfChargesAndTheSweepTellsThemNoSecondTime) {
  const User ada = add_user("ada@example.com", 10);
  Settler settler(Database::get().service(), context_, {.linger = 1h});
  charged(ada.id, 2, &settler);
  charged(ada.id, 3, &settler);
  EXPECT_TRUE(log_of(ada.id).empty());  // off the request's path
  clock_.advance(6min);
  sweep();  // as if the process had died
  EXPECT_EQ(spent(ada.id), 5);
  settler.flush();
  EXPECT_EQ(log_of(ada.id).size(), 2U);
  EXPECT_EQ(spent(ada.id), 5);
}

TEST_F(CreditEntriesTest, WhatIsDeletedStaysTold) {
  const User ada = add_user("ada@example.com", 10);
  Settler settler(Database::get().service(), context_, {.linger = 1h});
  const Generation generation = charged(ada.id, 4, &settler);
  fail(generation.id);
  run([&](mongo::Session& session) {
    EXPECT_TRUE(std::holds_alternative<Deleted>(
        Generations(session, context_).remove(ada.id, generation.id)));
  });
  EXPECT_EQ(log_of(ada.id).size(), 2U);
  EXPECT_EQ(spent(ada.id), 0);
  settler.flush();
  EXPECT_EQ(log_of(ada.id).size(), 2U);
}

TEST_F(CreditEntriesTest, AChargeThatWasVoidedIsNotTold) {
  const User ada = add_user("ada@example.com", 10);
  with<UserRepository>([&](UserRepository users) {
    users.update_by_id(
        ada.id,
        update(inc<&User::credits_remaining>(-4),
               push<&User::pending_charges>(models::PendingCharge{.token = "gen_died",
                                                                  .generation_id = "gen_died",
                                                                  .credits = 4,
                                                                  .at = clock_.now()})));
  });
  clock_.advance(6min);
  sweep();
  EXPECT_TRUE(log_of(ada.id).empty());
}

TEST_F(CreditEntriesTest, AnEntryOfLongAgoIsNotWrittenAnew) {
  const User ada = add_user("ada@example.com", 10);
  const Generation generation = charged(ada.id, 4);
  run([](mongo::Session& session) { session.delete_many("usage_logs", {}); });
  clock_.advance(UsageLog::kLifetime);
  run([&](mongo::Session& session) {
    const UsageLog entry = charge_entry(generation);
    Holds(session, context_).write_entries({&entry, 1});
    EXPECT_EQ(session.count("usage_logs", {}), 0);
  });
}

// The process dies before its n-th command, for every n, within a charge, a failure and a refund.
TEST_F(CreditEntriesTest, ACrashAnywhereTellsEachOnce) {
  if (!Database::get().has_fail_points()) GTEST_SKIP() << "the server has no fail points";
  for (const bool has_plan : {false, true}) {
    bool finished = false;
    for (int step = 0; !finished; ++step) {
      ASSERT_LT(step, 60);
      Database::get().clear();
      const User ada = add_user("ada@example.com", 10);
      if (has_plan) add_subscription(ada.id, 3);
      Database::get().fail_after(step);
      std::optional<models::GenerationId> id;
      try {
        id = charged(ada.id, 5).id;
        fail(*id);
        refund(*id);
        finished = true;
      } catch (const Error&) {
      }
      Database::get().stop_failing();
      clock_.advance(6min);
      sweep();
      clock_.advance(6min);
      sweep();
      std::int64_t kept = 0;
      for (const Generation& generation : with<GenerationRepository>(
               [&](GenerationRepository all) { return all.find_by_user(ada.id, {}, {}); })) {
        EXPECT_FALSE(generation.refund_due_at) << step;
        if (!generation.refund_token) kept += generation.cost_credits;
      }
      EXPECT_EQ(spent(ada.id), kept) << step;
      EXPECT_LE(log_of(ada.id).size(), 2U) << step;
    }
  }
}

}  // namespace
}  // namespace gesso::domain
