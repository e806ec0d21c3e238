#include "gesso/domain/oauth/used_attempts.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

#include "tests/repositories/fixture.hpp"

namespace gesso::domain::oauth {
namespace {

class UsedAttemptsTest : public repositories::RepositoryTest {
 protected:
  Attempt attempt() {
    return new_attempt(ProviderKind::kGoogle, "https://x.example/", clock_.now(), random_);
  }
  bool use(const Attempt& attempt) {
    return run([&](mongo::Session& session) { return use_attempt(session, context_, attempt); });
  }
};

TEST_F(UsedAttemptsTest, AnAttemptIsUsedOnce) {
  const Attempt mine = attempt();
  const Attempt another = attempt();
  EXPECT_TRUE(use(mine));
  EXPECT_FALSE(use(mine));
  EXPECT_TRUE(use(another));
  // As long as it could be used: no window of the clock ends meanwhile.
  for (int minute = 0; minute < 10; ++minute) {
    clock_.advance(std::chrono::minutes{1});
    EXPECT_FALSE(use(mine)) << minute;
  }
}

TEST_F(UsedAttemptsTest, OfManyAtOnceOneUsesIt) {
  const Attempt mine = attempt();
  std::atomic<int> used = 0;
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 8; ++i) {
      threads.emplace_back([&] {
        if (use(mine)) ++used;
      });
    }
  }
  EXPECT_EQ(used, 1);
}

}  // namespace
}  // namespace gesso::domain::oauth
