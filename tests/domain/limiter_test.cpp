#include "gesso/domain/limiter.hpp"

#include <atomic>
#include <deque>
#include <map>
#include <random>
#include <thread>

#include "gesso/repositories/rate_limit_repository.hpp"
#include "tests/repositories/fixture.hpp"
#include "tests/repositories/lossy_database.hpp"

namespace gesso::domain {
namespace {

using namespace repositories;
using namespace std::chrono_literals;
using Answer = std::variant<Allowed, Refused>;

constexpr LimitCaller kAda{.subject = "user_ada", .tier = LimitTier::kFree};
constexpr std::string_view kEndpoint = "class:read";

class LimiterTest : public RepositoryTest {
 protected:
  Limiter make(std::string_view limits, const LimiterOptions& options = {}) {
    return Limiter(parse_limits(limits), context_, options);
  }
  // As the service asks: on the database only where it must.
  Answer ask(Limiter& limiter, const LimitCaller& caller = kAda,
             LimitClass limit_class = LimitClass::kRead) {
    const auto outcome = limiter.try_take(caller, limit_class);
    if (const auto* allowed = std::get_if<Allowed>(&outcome)) return *allowed;
    if (const auto* refused = std::get_if<Refused>(&outcome)) return *refused;
    return run(
        [&](mongo::Session& session) { return limiter.lease(session, caller, limit_class); });
  }
  bool allows(Limiter& limiter, const LimitCaller& caller = kAda) {
    return std::holds_alternative<Allowed>(ask(limiter, caller));
  }
  int allowed_of(int calls, Limiter& limiter, const LimitCaller& caller = kAda) {
    int allowed = 0;
    while (calls-- > 0) allowed += allows(limiter, caller) ? 1 : 0;
    return allowed;
  }
  static bool needs_lease(Limiter& limiter, const LimitCaller& caller = kAda) {
    return std::holds_alternative<NeedsLease>(limiter.try_take(caller, LimitClass::kRead));
  }
  // What the database has counted in the window that it is.
  std::int64_t counted(std::chrono::milliseconds length, std::string_view subject = "user_ada") {
    const LimitWindow window = LimitWindow::at(clock_.now(), length);
    return with<RateLimitRepository>([&](RateLimitRepository limits) {
      return limits.look(subject, kEndpoint, std::span(&window, 1)).counts[0];
    });
  }
  // So many commands go to the database.
  template <class F>
  static std::size_t commands_of(F&& calls) {
    Database::get().start_recording();
    std::forward<F>(calls)();
    return Database::get().stop_recording().size();
  }
};

TEST_F(LimiterTest, WhatIsNotLimitedAsksNobody) {
  Limiter limiter = make("*.* = unlimited");
  EXPECT_TRUE(std::holds_alternative<Allowed>(limiter.try_take(kAda, LimitClass::kRead)));
  EXPECT_TRUE(std::holds_alternative<Allowed>(limiter.try_take(kAda, LimitClass::kNone)));
  EXPECT_EQ(limiter.statistics().subjects, 0U);
}

TEST_F(LimiterTest, ASmallLimitIsExactOverAllInstances) {
  std::deque<Limiter> instances;
  for (int i = 0; i < 3; ++i) instances.emplace_back(parse_limits("*.read = 10/1m"), context_);
  int allowed = 0;
  for (int i = 0; i < 60; ++i) allowed += allows(instances[static_cast<std::size_t>(i % 3)]);
  EXPECT_EQ(allowed, 10);
  EXPECT_EQ(counted(1min), 10);
}

TEST_F(LimiterTest, MostCallsCostNoCommand) {
  Limiter limiter = make("*.read = 1000/1m");
  EXPECT_LT(commands_of([&] { EXPECT_EQ(allowed_of(500, limiter), 500); }), 20U);
  EXPECT_EQ(counted(1min), 500 + limiter.statistics().held);
  EXPECT_EQ(allowed_of(1000, limiter), 500);
}

TEST_F(LimiterTest, ALeaseGrowsWithItsUseUpToATenthOfTheLimit) {
  Limiter limiter = make("*.read = 100/1m");
  EXPECT_TRUE(allows(limiter));
  EXPECT_EQ(limiter.statistics().held, 0);  // who comes once has taken one
  std::int64_t most = 0;
  for (int i = 0; i < 99; ++i) {
    EXPECT_TRUE(allows(limiter));
    most = std::max(most, limiter.statistics().held + 1);
  }
  EXPECT_EQ(most, 10);
  EXPECT_FALSE(allows(limiter));
}

TEST_F(LimiterTest, AFloodOfRefusedCallsCostsNoCommand) {
  Limiter limiter = make("*.read = 5/1m");
  EXPECT_EQ(allowed_of(6, limiter), 5);
  EXPECT_EQ(commands_of([&] { EXPECT_EQ(allowed_of(1000, limiter), 0); }), 0U);
  EXPECT_EQ(limiter.statistics().refused, 1001U);
  clock_.advance(1min);
  EXPECT_TRUE(allows(limiter));
}

TEST_F(LimiterTest, TheAnswerSaysHowTheQuotasStand) {
  clock_.advance(10'500ms);  // it was noon sharp
  Limiter limiter = make("*.read = 2/1m, 50/1d");
  const auto first = std::get<Allowed>(ask(limiter));
  ASSERT_EQ(first.state.quotas().size(), 2U);
  EXPECT_EQ(first.state.quotas()[0].quota.name, "burst");
  EXPECT_EQ(first.state.quotas()[0].remaining, 1);
  EXPECT_EQ(first.state.quotas()[0].reset, 50s);
  EXPECT_EQ(first.state.quotas()[1].quota.limit, 50);
  EXPECT_EQ(first.state.quotas()[1].remaining, 49);
  EXPECT_EQ(first.state.quotas()[1].reset, 12h - 10s);
  EXPECT_TRUE(allows(limiter));
  const auto refused = std::get<Refused>(ask(limiter));
  EXPECT_EQ(refused.retry_after, 50s);
  EXPECT_FALSE(refused.blocked);
  EXPECT_EQ(refused.state.quotas()[0].remaining, 0);
  EXPECT_EQ(refused.state.quotas()[1].remaining, 48);
}

TEST_F(LimiterTest, WhoIsRefusedByOneQuotaPaysNothingToTheOther) {
  Limiter limiter = make("*.read = 2/1m, 5/1d");
  Limiter other = make("*.read = 2/1m, 5/1d");
  EXPECT_EQ(allowed_of(5, limiter) + allowed_of(5, other), 2);
  EXPECT_EQ(counted(24h), 2);
  clock_.advance(1min);
  EXPECT_EQ(allowed_of(5, other), 2);
  clock_.advance(1min);
  EXPECT_EQ(allowed_of(5, limiter) + allowed_of(5, other), 1);  // the day is used up
  EXPECT_EQ(counted(1min), 1);
  EXPECT_EQ(counted(24h), 5);
  EXPECT_EQ(std::get<Refused>(ask(limiter)).retry_after, 12h - 2min);
  clock_.advance(12h);
  EXPECT_TRUE(allows(limiter));
}

TEST_F(LimiterTest, SubjectsAndClassesAreCountedApart) {
  Limiter limiter = make("*.* = 1/1m");
  EXPECT_TRUE(allows(limiter));
  EXPECT_FALSE(allows(limiter));
  EXPECT_TRUE(allows(limiter, {.subject = "user_grace", .tier = LimitTier::kFree}));
  EXPECT_TRUE(std::holds_alternative<Allowed>(ask(limiter, kAda, LimitClass::kWrite)));
}

TEST_F(LimiterTest, ANewTierHoldsFromTheNextCallOn) {
  Limiter limiter = make("free.read = 2/1d; pro.read = 20/1d");
  constexpr LimitCaller kPro{.subject = "user_ada", .tier = LimitTier::kPro};
  EXPECT_EQ(allowed_of(3, limiter), 2);
  EXPECT_EQ(allowed_of(5, limiter, kPro), 5);  // what was used counts
  EXPECT_FALSE(allows(limiter));
  EXPECT_EQ(allowed_of(20, limiter, kPro), 13);
}

TEST_F(LimiterTest, WhatIsKnownIsLookedAtAgainAfterAWhile) {
  Limiter limiter = make("*.read = 2/1d");
  EXPECT_EQ(allowed_of(3, limiter), 2);
  with<RateLimitRepository>(
      [&](RateLimitRepository limits) { limits.reset("user_ada", kEndpoint); });
  EXPECT_FALSE(allows(limiter));
  clock_.advance(1min);
  EXPECT_TRUE(needs_lease(limiter));
  EXPECT_FALSE(needs_lease(limiter));  // one is enough
  EXPECT_TRUE(std::holds_alternative<Allowed>(run(
      [&](mongo::Session& session) { return limiter.lease(session, kAda, LimitClass::kRead); })));
  EXPECT_EQ(allowed_of(3, limiter), 1);
}

TEST_F(LimiterTest, ARefusalIsRememberedForASecondForWhoDoesNotKnowTheTier) {
  Limiter limiter = make("free.read = 2/1h; pro.read = 3/1h");
  const auto recent = [&] { return limiter.recent_refusal("user_ada", LimitClass::kRead); };
  EXPECT_FALSE(recent());
  EXPECT_EQ(allowed_of(2, limiter), 2);
  EXPECT_FALSE(recent());  // used up, but nobody was refused
  EXPECT_FALSE(allows(limiter));
  ASSERT_TRUE(recent());
  EXPECT_EQ(recent()->retry_after, 1h);
  EXPECT_FALSE(limiter.recent_refusal("user_ada", LimitClass::kWrite));
  clock_.advance(1s);
  EXPECT_FALSE(recent());  // by now the tier may be another
  EXPECT_TRUE(allows(limiter, {.subject = "user_ada", .tier = LimitTier::kPro}));
  EXPECT_FALSE(allows(limiter));
  EXPECT_TRUE(recent());
  clock_.set_now(clock_.now() + 1h);
  EXPECT_FALSE(recent());  // the window is over
}

TEST_F(LimiterTest, WhoIsOnAWorkerAnywayNeedsNoFirstStep) {
  Limiter limiter = make("*.read = 200/1h");
  const auto lease = [&] {
    return std::holds_alternative<Allowed>(run(
        [&](mongo::Session& session) { return limiter.lease(session, kAda, LimitClass::kRead); }));
  };
  EXPECT_LT(commands_of([&] {
              for (int i = 0; i < 100; ++i) EXPECT_TRUE(lease());
            }),
            20U);
  with<RateLimitRepository>(
      [&](RateLimitRepository limits) { limits.block("user_ada", kEndpoint, clock_.now() + 1h); });
  clock_.advance(1min);
  EXPECT_FALSE(lease());
}

TEST_F(LimiterTest, ABlockHoldsWithinAMinute) {
  Limiter limiter = make("*.read = 1000/1m");
  EXPECT_EQ(allowed_of(100, limiter), 100);
  const Time until = clock_.now() + 10min;
  with<RateLimitRepository>(
      [&](RateLimitRepository limits) { limits.block("user_ada", kEndpoint, until); });
  clock_.advance(1min);
  const auto refused = std::get<Refused>(ask(limiter));
  EXPECT_TRUE(refused.blocked);
  EXPECT_EQ(refused.retry_after, 9min);
  clock_.set_now(until);
  EXPECT_TRUE(allows(limiter));
}

TEST_F(LimiterTest, ACleanStopGivesBackWhatWasNotUsed) {
  const std::string_view limits = "*.read = 1000/1h, 10000/1d";
  Limiter limiter = make(limits);
  EXPECT_EQ(allowed_of(300, limiter), 300);
  const std::int64_t held = limiter.statistics().held;
  EXPECT_GT(held, 0);
  EXPECT_EQ(counted(1h) + counted(24h), 600 + held);
  EXPECT_EQ(run([&](mongo::Session& session) { return limiter.release_all(session); }), held);
  EXPECT_EQ(counted(1h), 300);
  EXPECT_EQ(counted(24h), 300);
  EXPECT_EQ(limiter.statistics().held, 0);
  EXPECT_EQ(run([&](mongo::Session& session) { return limiter.release_all(session); }), 0);
  EXPECT_TRUE(allows(limiter));  // a late one takes a lease of its own
}

TEST_F(LimiterTest, NothingIsGivenBackToAWindowThatIsOver) {
  Limiter limiter = make("*.read = 1000/1h");
  EXPECT_EQ(allowed_of(300, limiter), 300);
  clock_.advance(1h);
  EXPECT_EQ(limiter.statistics().held, 0);
  EXPECT_EQ(run([&](mongo::Session& session) { return limiter.release_all(session); }), 0);
}

TEST_F(LimiterTest, MemoryIsBoundedAndWhoMakesRoomLosesNothing) {
  Limiter limiter = make("*.read = 1000/1h", {.max_subjects = 64});  // one a shard
  std::vector<std::string> subjects;
  for (int i = 0; i < 100; ++i) subjects.push_back("ip:192.0.2." + std::to_string(i));
  for (const std::string& subject : subjects) {
    for (int i = 0; i < 3; ++i) {
      EXPECT_TRUE(allows(limiter, {.subject = subject, .tier = LimitTier::kAnonymous}));
    }
  }
  EXPECT_LE(limiter.statistics().subjects, 64U);
  (void)run([&](mongo::Session& session) { return limiter.release_all(session); });
  for (const std::string& subject : subjects) EXPECT_EQ(counted(1h, subject), 3) << subject;
  EXPECT_EQ(limiter.statistics().lost, 0);
}

TEST_F(LimiterTest, SubjectsThatAreOverAreForgotten) {
  Limiter limiter = make("*.read = 10/1m");
  const auto come = [&](int first) {
    for (int i = first; i < first + 100; ++i) {
      const std::string subject = "ip:" + std::to_string(i);
      EXPECT_TRUE(allows(limiter, {.subject = subject, .tier = LimitTier::kAnonymous}));
    }
  };
  come(0);
  EXPECT_EQ(limiter.statistics().subjects, 100U);
  clock_.advance(2min);
  come(100);
  EXPECT_LT(limiter.statistics().subjects, 150U);
}

TEST_F(LimiterTest, ASubjectThatIsTooLongIsRefused) {
  Limiter limiter = make("*.read = 10/1m");
  const std::string subject(129, 'x');
  const LimitCaller caller{.subject = subject, .tier = LimitTier::kFree};
  EXPECT_EQ(error_of([&] { (void)ask(limiter, caller); }).kind(), ErrorKind::kValidation);
}

class OutageTest : public LimiterTest {
 protected:
  void SetUp() override {
    LimiterTest::SetUp();
    if (!Database::get().has_fail_points()) GTEST_SKIP();
  }
  void TearDown() override { Database::get().stop_failing(); }
};

TEST_F(OutageTest, AnInstanceThatIsAloneCountsForItself) {
  Limiter limiter = make("*.read = 5/1h");
  EXPECT_EQ(allowed_of(2, limiter), 2);
  Database::get().fail_after(0);
  EXPECT_EQ(allowed_of(10, limiter), 3);
  const LimiterStatistics statistics = limiter.statistics();
  EXPECT_EQ(statistics.failed_leases, 1U);  // and then it leaves the database alone
  EXPECT_EQ(statistics.allowed_alone, 3U);
  // Whoever was never seen has the same limit.
  EXPECT_EQ(allowed_of(10, limiter, {.subject = "user_grace", .tier = LimitTier::kFree}), 5);
  EXPECT_EQ(limiter.statistics().failed_leases, 1U);
}

TEST_F(OutageTest, OneAtATimeTriesWhetherTheDatabaseIsBack) {
  Limiter limiter = make("*.read = 1000/1h");
  Database::get().fail_after(0);
  EXPECT_EQ(allowed_of(10, limiter), 10);
  clock_.advance(2s);
  EXPECT_TRUE(needs_lease(limiter));
  EXPECT_EQ(allowed_of(10, limiter), 10);
  EXPECT_EQ(limiter.statistics().failed_leases, 1U);
  EXPECT_TRUE(std::holds_alternative<Allowed>(run(
      [&](mongo::Session& session) { return limiter.lease(session, kAda, LimitClass::kRead); })));
  EXPECT_EQ(limiter.statistics().failed_leases, 2U);
}

TEST_F(OutageTest, ALeaseTriesAgainByItself) {
  Limiter limiter = make("*.read = 1000/1h");
  const auto lease = [&] {
    (void)run(
        [&](mongo::Session& session) { return limiter.lease(session, kAda, LimitClass::kRead); });
  };
  Database::get().fail_after(0);
  for (int i = 0; i < 10; ++i) lease();
  EXPECT_EQ(limiter.statistics().failed_leases, 1U);
  clock_.advance(2s);
  for (int i = 0; i < 10; ++i) lease();
  EXPECT_EQ(limiter.statistics().failed_leases, 2U);
}

TEST_F(OutageTest, WhatWasAllowedAloneIsCountedAfterwards) {
  Limiter limiter = make("*.read = 100/1h");
  EXPECT_TRUE(allows(limiter));
  Database::get().fail_after(0);
  EXPECT_EQ(allowed_of(29, limiter), 29);
  EXPECT_EQ(limiter.statistics().allowed_alone, 29U);
  Database::get().stop_failing();
  clock_.advance(2s);
  EXPECT_TRUE(allows(limiter));
  EXPECT_EQ(counted(1h), 31 + limiter.statistics().held);
  EXPECT_EQ(allowed_of(100, limiter), 69);
  EXPECT_EQ(counted(1h), 100);
}

TEST_F(OutageTest, WhatWasAllowedAloneMayFillAWindowThatOthersUsedMeanwhile) {
  Limiter limiter = make("*.read = 10/1h");
  Limiter other = make("*.read = 10/1h");
  EXPECT_TRUE(allows(limiter));
  Database::get().fail_after(0);
  EXPECT_EQ(allowed_of(5, limiter), 5);
  Database::get().stop_failing();
  EXPECT_EQ(allowed_of(7, other), 7);
  clock_.advance(2s);
  EXPECT_FALSE(allows(limiter));
  EXPECT_EQ(counted(1h), 10);
}

TEST_F(LimiterTest, AnswersThatAreLostLoseNoCalls) {
  LossyDatabase database;
  std::atomic<int> writes = 0;
  database.lose = [&](std::string_view message) {
    const bool write = message.find("findAndModify") != std::string_view::npos ||
                       message.find("update") != std::string_view::npos;
    return write && ++writes % 3 == 0;
  };
  std::deque<Limiter> instances;
  for (int i = 0; i < 2; ++i) instances.emplace_back(parse_limits("*.read = 60/1h"), context_);
  const auto on_database = [&](auto&& unit) { return database.service().run(unit); };
  int allowed = 0;
  for (std::size_t i = 0; i < 40; ++i) {
    Limiter& limiter = instances[i % 2];
    const auto outcome = limiter.try_take(kAda, LimitClass::kRead);
    if (std::holds_alternative<Allowed>(outcome)) {
      ++allowed;
    } else if (std::holds_alternative<NeedsLease>(outcome)) {
      allowed += std::holds_alternative<Allowed>(on_database([&](mongo::Session& session) {
        return limiter.lease(session, kAda, LimitClass::kRead);
      }));
    }
  }
  EXPECT_EQ(allowed, 40);
  EXPECT_GE(writes, 10);
  for (Limiter& limiter : instances) {
    EXPECT_EQ(limiter.statistics().failed_leases, 0U);
    on_database([&](mongo::Session& session) { return limiter.release_all(session); });
  }
  database.lose = nullptr;
  on_database([&](mongo::Session& session) {
    const LimitWindow hour = LimitWindow::at(clock_.now(), 1h);
    EXPECT_EQ(RateLimitRepository(session, context_)
                  .look("user_ada", kEndpoint, std::span(&hour, 1))
                  .counts[0],
              40);
    return 0;
  });
}

// Many instances with clocks of their own, in any order, with clean stops and crashes.
TEST_F(LimiterTest, NoHistoryAllowsMoreThanTheLimit) {
  constexpr std::int64_t kBurstLimit = 30;
  constexpr std::int64_t kDailyLimit = 120;
  struct Instance {
    testing::FakeClock clock;
    RepositoryContext context;
    std::unique_ptr<Limiter> limiter;
    Instance(Time now, const RepositoryContext& other)
        : clock(now),
          context{.clock = clock, .random = other.random, .ids = other.ids, .bcrypt_cost = 4} {
      start();
    }
    void start() {
      limiter = std::make_unique<Limiter>(parse_limits("*.read = 30/10s, 120/1d"), context,
                                          LimiterOptions{.look_again = 5s});
    }
  };
  for (unsigned seed = 1; seed <= 4; ++seed) {
    SCOPED_TRACE(seed);
    Database::get().clear();
    std::mt19937 dice(seed);
    const auto roll = [&](int sides) { return static_cast<int>(dice() % sides); };
    std::deque<Instance> instances;
    for (int i = 0; i < 4; ++i) instances.emplace_back(clock_.now() + roll(3000) * 1ms, context_);
    std::map<std::pair<Time, int>, std::int64_t> allowed;  // by window and quota
    bool crashed = false;
    for (int step = 0; step < 800; ++step) {
      Instance& instance = instances[static_cast<std::size_t>(roll(4))];
      const int what = roll(200);
      if (what == 0) {
        run([&](mongo::Session& session) { return instance.limiter->release_all(session); });
        instance.start();
      } else if (what == 1 && seed % 2 == 0) {
        crashed = true;
        instance.start();
      } else if (what < 12) {
        const auto passing = roll(4000) * 1ms;
        for (Instance& each : instances) each.clock.advance(passing);
      } else if (allows(*instance.limiter)) {
        ++allowed[{LimitWindow::at(instance.clock.now(), 10s).start, 0}];
        ++allowed[{LimitWindow::at(instance.clock.now(), 24h).start, 1}];
      }
    }
    for (const auto& [window, count] : allowed) {
      EXPECT_LE(count, window.second == 0 ? kBurstLimit : kDailyLimit);
    }
    std::int64_t held = 0;
    for (Instance& instance : instances) {
      held += run([&](mongo::Session& session) { return instance.limiter->release_all(session); });
    }
    EXPECT_GE(held, 0);
    const LimitWindow day = LimitWindow::at(instances[0].clock.now(), 24h);
    const std::int64_t count = with<RateLimitRepository>([&](RateLimitRepository limits) {
      return limits.look("user_ada", kEndpoint, std::span(&day, 1)).counts[0];
    });
    const std::int64_t used = allowed[{day.start, 1}];
    EXPECT_LE(used, count);
    if (!crashed) {
      EXPECT_EQ(used, count);
    }
  }
}

TEST_F(LimiterTest, ManyThreadsAreAllowedExactlyTheLimit) {
  constexpr int kLimit = 200;
  std::deque<Limiter> instances;
  for (int i = 0; i < 2; ++i) instances.emplace_back(parse_limits("*.read = 200/1h"), context_);
  std::atomic<int> allowed = 0;
  {
    std::vector<std::jthread> threads;
    for (std::size_t i = 0; i < 8; ++i) {
      threads.emplace_back([&, i] {
        for (int call = 0; call < 100; ++call) {
          if (allows(instances[i % 2])) ++allowed;
        }
      });
    }
  }
  std::int64_t held = 0;
  for (const Limiter& instance : instances) held += instance.statistics().held;
  EXPECT_EQ(allowed + held, kLimit);
  EXPECT_EQ(counted(1h), kLimit);
}

TEST_F(LimiterTest, CountsWhatItAnswersByClass) {
  Limiter limiter = make("*.* = unlimited; free.read = 2/1h; free.write = 1/1h");
  for (int i = 0; i < 3; ++i) (void)ask(limiter);
  (void)ask(limiter, kAda, LimitClass::kWrite);
  const LimiterStatistics statistics = limiter.statistics();
  const auto of = [&](LimitClass limit_class) {
    const auto& [allowed, refused] = statistics.by_class[static_cast<std::size_t>(limit_class)];
    return std::pair(allowed, refused);
  };
  EXPECT_EQ(of(LimitClass::kRead), std::pair(2UL, 1UL));
  EXPECT_EQ(of(LimitClass::kWrite), std::pair(1UL, 0UL));
  EXPECT_EQ(of(LimitClass::kLogin), std::pair(0UL, 0UL));
  EXPECT_EQ(statistics.allowed, 3U);
  EXPECT_EQ(statistics.refused, 1U);
}

}  // namespace
}  // namespace gesso::domain
