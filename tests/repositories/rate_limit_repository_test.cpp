#include "gesso/repositories/rate_limit_repository.hpp"

#include <atomic>
#include <thread>

#include "tests/repositories/fixture.hpp"
#include "tests/repositories/lossy_database.hpp"

namespace gesso::repositories {
namespace {

using namespace std::chrono_literals;

constexpr std::string_view kEndpoint = "/api/v1/generations";

class RateLimitRepositoryTest : public RepositoryTest {
 protected:
  template <class F>
  auto limits(F&& unit) {
    return with<RateLimitRepository>(std::forward<F>(unit));
  }
  RateLimitDecision hit(const models::LimitSubject& user_id = "user_ada",
                        std::string_view endpoint = kEndpoint) {
    return limits(
        [&](RateLimitRepository limits) { return limits.hit(user_id, endpoint, 2, 1min); });
  }
};

TEST_F(RateLimitRepositoryTest, AsManyAsTheLimitAreAllowedInAWindow) {
  const Time end = clock_.now() + 1min;  // it is noon sharp
  clock_.advance(10s);
  const auto first = hit();
  EXPECT_TRUE(first.allowed);
  EXPECT_EQ(first.remaining, 1);
  EXPECT_EQ(first.reset_at, end);
  EXPECT_EQ(hit().remaining, 0);
  const auto third = hit();
  EXPECT_FALSE(third.allowed);
  EXPECT_EQ(third.remaining, 0);
  EXPECT_EQ(third.reset_at, end);
  clock_.set_now(end);
  EXPECT_TRUE(hit().allowed);
}

TEST_F(RateLimitRepositoryTest, UsersAndEndpointsAreCountedApart) {
  hit();
  hit();
  EXPECT_FALSE(hit().allowed);
  EXPECT_TRUE(hit("user_grace").allowed);
  EXPECT_TRUE(hit("user_ada", "/api/v1/users/me").allowed);
}

TEST_F(RateLimitRepositoryTest, AWindowIsForgottenAnHourAfterItsEnd) {
  hit();
  run([&](mongo::Session& session) {
    const auto stored = session.find_one("rate_limit_logs", {});
    ASSERT_TRUE(stored);
    EXPECT_EQ((*stored)["expires_at"].as_date(), clock_.now() + 1min + 1h);
  });
}

TEST_F(RateLimitRepositoryTest, ABlockRefusesUntilItEnds) {
  const Time until = clock_.now() + 10min;
  limits([&](RateLimitRepository limits) {
    limits.block("user_ada", kEndpoint, until);
    EXPECT_TRUE(limits.is_blocked("user_ada", kEndpoint));
    EXPECT_FALSE(limits.is_blocked("user_grace", kEndpoint));
  });
  const auto blocked = hit();
  EXPECT_FALSE(blocked.allowed);
  EXPECT_EQ(blocked.reset_at, until);
  EXPECT_TRUE(hit("user_grace").allowed);
  clock_.set_now(until);
  EXPECT_FALSE(
      limits([](RateLimitRepository limits) { return limits.is_blocked("user_ada", kEndpoint); }));
  EXPECT_TRUE(hit().allowed);
}

TEST_F(RateLimitRepositoryTest, ABlockMayBeForEver) {
  limits([&](RateLimitRepository limits) { limits.block("user_ada", kEndpoint, Time::max()); });
  clock_.advance(1000h);
  const auto blocked = hit();
  EXPECT_FALSE(blocked.allowed);
  EXPECT_EQ(blocked.reset_at, Time::max());
}

TEST_F(RateLimitRepositoryTest, AResetForgetsCountsAndBlocks) {
  hit();
  hit();
  limits([&](RateLimitRepository limits) {
    limits.block("user_ada", kEndpoint, clock_.now() + 10min);
    limits.reset("user_ada", kEndpoint);
    EXPECT_FALSE(limits.is_blocked("user_ada", kEndpoint));
  });
  EXPECT_EQ(hit().remaining, 1);
}

TEST_F(RateLimitRepositoryTest, WhatMakesNoSenseIsRefused) {
  limits([&](RateLimitRepository limits) {
    const auto kind = [&](std::string_view endpoint, std::int64_t limit,
                          std::chrono::milliseconds window) {
      return error_of([&] { limits.hit("user_ada", endpoint, limit, window); }).kind();
    };
    EXPECT_EQ(kind(kEndpoint, -1, 1min), ErrorKind::kValidation);
    EXPECT_EQ(kind(kEndpoint, 1, 0ms), ErrorKind::kValidation);
    EXPECT_EQ(kind("", 1, 1min), ErrorKind::kValidation);
    EXPECT_EQ(kind(std::string(256, 'x'), 1, 1min), ErrorKind::kValidation);
    EXPECT_FALSE(limits.hit("user_ada", kEndpoint, 0, 1min).allowed);
  });
}

TEST_F(RateLimitRepositoryTest, AnAddressIsCountedAsAUserIs) {
  EXPECT_EQ(hit("ip:2001:db8::/64").remaining, 1);
  EXPECT_EQ(hit("ip:2001:db8::/64").remaining, 0);
  EXPECT_FALSE(hit("ip:2001:db8::/64").allowed);
  EXPECT_TRUE(hit("ip:192.0.2.1").allowed);
}

TEST_F(RateLimitRepositoryTest, WhatIsRefusedIsNotCounted) {
  for (int i = 0; i < 5; ++i) (void)hit();
  run([&](mongo::Session& session) {
    EXPECT_EQ((*session.find_one("rate_limit_logs", {}))["request_count"].integer(), 2);
  });
}

TEST_F(RateLimitRepositoryTest, AHitThatIsRepeatedCountsOnce) {
  limits([&](RateLimitRepository limits) {
    const auto hit = [&](std::string_view operation) {
      return limits.hit("user_ada", kEndpoint, 2, 1min, operation);
    };
    EXPECT_EQ(hit("one").remaining, 1);
    EXPECT_EQ(hit("one").remaining, 1);
    EXPECT_TRUE(hit("two").allowed);
    EXPECT_FALSE(hit("three").allowed);
    EXPECT_TRUE(hit("two").allowed);  // as it was the first time, though the window is full
    EXPECT_FALSE(hit("three").allowed);
  });
}

TEST_F(RateLimitRepositoryTest, OnlyTheLastOperationsAreRemembered) {
  limits([&](RateLimitRepository limits) {
    for (int i = 0; i < 40; ++i) (void)limits.hit("user_ada", kEndpoint, 100, 1min);
  });
  run([&](mongo::Session& session) {
    const auto stored = session.find_one("rate_limit_logs", {});
    EXPECT_EQ((*stored)["recent_operations"].as_document().count(), 16U);
    EXPECT_EQ((*stored)["request_count"].integer(), 40);
  });
}

TEST_F(RateLimitRepositoryTest, CallsAreTakenInAdvanceAllOrNone) {
  const LimitWindow window = LimitWindow::at(clock_.now(), 1min);
  limits([&](RateLimitRepository limits) {
    const auto take = [&](std::int64_t amount, std::string_view operation) {
      return limits.take("user_ada", kEndpoint, window, 10, amount, operation);
    };
    EXPECT_EQ(take(6, "one").count, 6);
    const TakenCalls five = take(5, "two");
    EXPECT_FALSE(five.taken);
    EXPECT_EQ(five.count, 6);
    EXPECT_TRUE(take(4, "three").taken);
    EXPECT_TRUE(take(6, "one").taken);  // once more, and nothing changes
    EXPECT_FALSE(take(1, "four").taken);
    EXPECT_FALSE(take(11, "five").taken);
    EXPECT_EQ(error_of([&] { take(0, "six"); }).kind(), ErrorKind::kValidation);

    for (int i = 0; i < 3; ++i) limits.give_back("user_ada", kEndpoint, window, 3, "back");
    EXPECT_EQ(limits.look("user_ada", kEndpoint, std::span(&window, 1)).counts.at(0), 7);
    EXPECT_TRUE(take(3, "seven").taken);
  });
}

TEST_F(RateLimitRepositoryTest, ALookSeesCountsAndBlock) {
  const LimitWindow windows[] = {LimitWindow::at(clock_.now(), 1min),
                                 LimitWindow::at(clock_.now(), 1h)};
  const Time until = clock_.now() + 5min;
  limits([&](RateLimitRepository limits) {
    (void)limits.take("user_ada", kEndpoint, windows[1], 10, 3, "one");
    auto standing = limits.look("user_ada", kEndpoint, windows);
    EXPECT_EQ(standing.counts, (std::vector<std::int64_t>{0, 3}));
    EXPECT_EQ(standing.blocked_until, std::nullopt);
    limits.block("user_ada", kEndpoint, until);
    standing = limits.look("user_ada", kEndpoint, windows);
    EXPECT_EQ(standing.counts, (std::vector<std::int64_t>{0, 3}));
    EXPECT_EQ(standing.blocked_until, until);
  });
}

TEST_F(RateLimitRepositoryTest, AnEntryOfAnOlderVersionGoesOn) {
  hit();
  run([&](mongo::Session& session) {
    session.update_many(
        "rate_limit_logs", {},
        bson::make_document("$unset", bson::make_document("recent_operations", "")));
  });
  EXPECT_EQ(hit().remaining, 0);
  EXPECT_FALSE(hit().allowed);
}

TEST(LostAnswers, AHitWhoseAnswerWasLostIsRepeatedWithoutCountingTwice) {
  LossyDatabase database;
  testing::FakeClock clock;
  SystemRandom random;
  IdGenerator ids(clock, random);
  const RepositoryContext context{.clock = clock, .random = random, .ids = ids};
  const auto hit = [&](std::string_view operation) {
    return database.service().run([&](mongo::Session& session) {
      return RateLimitRepository(session, context).hit("user_ada", kEndpoint, 2, 1min, operation);
    });
  };
  database.lose_next("findAndModify");
  EXPECT_EQ(error_of([&] { (void)hit("one"); }).kind(), ErrorKind::kUnavailable);
  EXPECT_EQ(hit("one").remaining, 1);
  EXPECT_EQ(hit("two").remaining, 0);
  EXPECT_FALSE(hit("three").allowed);
}

TEST_F(RateLimitRepositoryTest, ManyAtOnceAreAllowedExactlyTheLimit) {
  constexpr int kThreads = 32;
  constexpr int kHits = 1000;
  constexpr int kLimit = 100;
  std::atomic<int> hits = 0;
  std::atomic<int> allowed = 0;
  std::vector<std::jthread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&] {
      while (hits++ < kHits) {
        const auto decision = limits([](RateLimitRepository limits) {
          return limits.hit("user_ada", kEndpoint, kLimit, 1min);
        });
        if (decision.allowed) ++allowed;
      }
    });
  }
  threads.clear();
  EXPECT_EQ(allowed, kLimit);
}

}  // namespace
}  // namespace gesso::repositories
