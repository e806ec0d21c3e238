#include "gesso/repositories/rate_limit_repository.hpp"

#include <atomic>
#include <thread>

#include "tests/repositories/fixture.hpp"

namespace gesso::repositories {
namespace {

using namespace std::chrono_literals;
using models::UserId;

constexpr std::string_view kEndpoint = "/api/v1/generations";

class RateLimitRepositoryTest : public RepositoryTest {
 protected:
  template <class F>
  auto limits(F&& unit) {
    return with<RateLimitRepository>(std::forward<F>(unit));
  }
  RateLimitDecision hit(const UserId& user_id = "user_ada", std::string_view endpoint = kEndpoint) {
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
