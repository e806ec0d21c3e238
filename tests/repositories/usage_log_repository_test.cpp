#include "gesso/repositories/usage_log_repository.hpp"

#include "tests/repositories/fixture.hpp"

namespace gesso::repositories {
namespace {

using namespace std::chrono_literals;
using models::ActionType;
using models::UsageLog;

class UsageLogRepositoryTest : public RepositoryTest {
 protected:
  template <class F>
  auto logs(F&& unit) {
    return with<UsageLogRepository>(std::forward<F>(unit));
  }
};

TEST_F(UsageLogRepositoryTest, AnEntryLives90Days) {
  logs([&](UsageLogRepository logs) {
    const UsageLog log = logs.log({.user_id = "user_ada",
                                   .action_type = ActionType::kImageGeneration,
                                   .resource_id = "gen_1",
                                   .credits_used = 2,
                                   .response_time_ms = 5000});
    EXPECT_EQ(log.created_at, clock_.now());
    EXPECT_EQ(log.expires_at, clock_.now() + std::chrono::days(90));
    EXPECT_EQ(logs.find_by_id(log.id), log);
    clock_.advance(std::chrono::days(90));
    EXPECT_EQ(logs.find_by_id(log.id), std::nullopt);
  });
}

TEST_F(UsageLogRepositoryTest, ARangeHoldsItsStartAndNotItsEnd) {
  logs([&](UsageLogRepository logs) {
    const Time start = clock_.now();
    for (int i = 0; i < 4; ++i) {
      (void)logs.log({.user_id = "user_ada",
                      .action_type = ActionType::kApiRequest,
                      .resource_id = std::to_string(i)});
      (void)logs.log({.user_id = "user_grace", .action_type = ActionType::kApiRequest});
      clock_.advance(1h);
    }
    const auto found = logs.find_by_user("user_ada", {.from = start + 1h, .to = start + 3h});
    ASSERT_EQ(found.size(), 2U);
    EXPECT_EQ(*found[0].resource_id, "2");
    EXPECT_EQ(*found[1].resource_id, "1");
  });
}

TEST_F(UsageLogRepositoryTest, ActionsAreCountedByKindSinceAMoment) {
  logs([&](UsageLogRepository logs) {
    const auto log = [&](ActionType action) {
      (void)logs.log({.user_id = "user_ada", .action_type = action});
    };
    log(ActionType::kApiRequest);
    clock_.advance(1h);
    const Time since = clock_.now();
    log(ActionType::kApiRequest);
    log(ActionType::kApiRequest);
    log(ActionType::kFileUpload);
    EXPECT_EQ(logs.count_actions("user_ada", ActionType::kApiRequest, since), 2);
    EXPECT_EQ(logs.count_actions("user_ada", ActionType::kImageGeneration, since), 0);
    EXPECT_EQ(logs.count_actions("user_grace", ActionType::kApiRequest, since), 0);
  });
}

TEST_F(UsageLogRepositoryTest, TheSummaryIsByDayAndAction) {
  logs([&](UsageLogRepository logs) {
    const auto log = [&](ActionType action, std::int64_t credits) {
      (void)logs.log({.user_id = "user_ada", .action_type = action, .credits_used = credits});
    };
    const Time start = clock_.now();  // noon of 31 January
    log(ActionType::kApiRequest, 0);
    log(ActionType::kImageGeneration, 2);
    log(ActionType::kImageGeneration, 3);
    clock_.advance(12h);  // midnight is the next day
    log(ActionType::kApiRequest, 1);
    (void)logs.log({.user_id = "user_grace", .action_type = ActionType::kApiRequest});
    EXPECT_EQ(logs.summary("user_ada", {.from = start, .to = start + 24h}),
              (std::vector<UsageSummary>{
                  {"2100-01-31", ActionType::kImageGeneration, 2, 5},
                  {"2100-01-31", ActionType::kApiRequest, 1, 0},
                  {"2100-02-01", ActionType::kApiRequest, 1, 1},
              }));
    EXPECT_TRUE(logs.summary("user_ada", {.from = start + 24h, .to = start + 48h}).empty());
  });
}

TEST_F(UsageLogRepositoryTest, PagesOfARangeGoBackInTime) {
  const Time start = clock_.now();
  logs([&](UsageLogRepository logs) {
    for (int i = 0; i < 7; ++i) {
      // Two of each moment.
      clock_.set_now(start + i / 2 * 1h);
      (void)logs.log({.user_id = "user_ada",
                      .action_type = ActionType::kApiRequest,
                      .resource_id = std::to_string(i)});
      (void)logs.log({.user_id = "user_grace", .action_type = ActionType::kApiRequest});
    }
    const TimeRange range{.from = start, .to = start + 3h};  // the seventh is at its end
    std::vector<std::string> seen;
    PageOptions options{.limit = 4};
    for (;;) {
      const auto page = logs.page_by_user("user_ada", range, options);
      for (const UsageLog& log : page.items) seen.push_back(log.resource_id->str());
      if (!page.next) break;
      options.cursor = *page.next;
    }
    EXPECT_EQ(seen, (std::vector<std::string>{"5", "4", "3", "2", "1", "0"}));
  });
}

class AllUsersTest : public UsageLogRepositoryTest {
 protected:
  const Time start = clock_.now();  // noon of 31 January

  void SetUp() override {
    UsageLogRepositoryTest::SetUp();
    logs([&](UsageLogRepository logs) {
      const auto log = [&](std::string_view user, ActionType action, std::int64_t credits) {
        (void)logs.log({.user_id = user, .action_type = action, .credits_used = credits});
      };
      log("user_ada", ActionType::kImageGeneration, 9);
      log("user_grace", ActionType::kImageGeneration, 1);
      log("user_grace", ActionType::kApiRequest, 0);
      clock_.advance(12h);
      log("user_grace", ActionType::kApiRequest, 0);
      log("user_mary", ActionType::kApiRequest, 0);
      log("user_mary", ActionType::kApiRequest, 2);
    });
  }
};

TEST_F(AllUsersTest, TotalsAreByDayAndActionOverAllUsers) {
  logs([&](UsageLogRepository logs) {
    EXPECT_EQ(logs.totals({.from = start, .to = start + 24h}),
              (std::vector<UsageSummary>{
                  {"2100-01-31", ActionType::kImageGeneration, 2, 10},
                  {"2100-01-31", ActionType::kApiRequest, 1, 0},
                  {"2100-02-01", ActionType::kApiRequest, 3, 2},
              }));
    EXPECT_EQ(logs.totals({.from = start, .to = start + 12h}).size(), 2U);
    EXPECT_TRUE(logs.totals({.from = start + 24h, .to = start + 48h}).empty());
  });
}

TEST_F(AllUsersTest, TopUsersAreThoseWhoDidOrSpentTheMost) {
  logs([&](UsageLogRepository logs) {
    const TimeRange range{.from = start, .to = start + 24h};
    const UserUsage ada{"user_ada", 1, 9};
    const UserUsage grace{"user_grace", 3, 1};
    const UserUsage mary{"user_mary", 2, 2};
    EXPECT_EQ(logs.top_users(range, UsageOrder::kCount, 10),
              (std::vector<UserUsage>{grace, mary, ada}));
    EXPECT_EQ(logs.top_users(range, UsageOrder::kCount, 2), (std::vector<UserUsage>{grace, mary}));
    EXPECT_EQ(logs.top_users(range, UsageOrder::kCredits, 2), (std::vector<UserUsage>{ada, mary}));
    EXPECT_TRUE(
        logs.top_users({.from = start + 24h, .to = start + 48h}, UsageOrder::kCount, 2).empty());
  });
}

TEST_F(AllUsersTest, TopUsersLeaveOutWhatIsDue) {
  clock_.set_now(start + UsageLog::kLifetime);
  logs([&](UsageLogRepository logs) {
    EXPECT_EQ(logs.top_users({.from = start, .to = start + 24h}, UsageOrder::kCount, 10),
              (std::vector<UserUsage>{{"user_mary", 2, 2}, {"user_grace", 1, 0}}));
  });
}

}  // namespace
}  // namespace gesso::repositories
