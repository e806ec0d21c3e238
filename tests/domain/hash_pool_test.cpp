#include "gesso/domain/hash_pool.hpp"

#include <gtest/gtest.h>

#include <future>
#include <memory>

namespace gesso::domain {
namespace {

using namespace std::chrono_literals;

void nothing() {}

TEST(HashPoolTest, RefusesWhatItsQueueCannotHold) {
  std::promise<void> started;
  std::promise<void> release;
  HashPool pool(1, 1);
  ASSERT_TRUE(pool.submit(
      {},
      [&] {
        started.set_value();
        release.get_future().wait();
      },
      nothing));
  started.get_future().wait();
  std::promise<void> second;
  EXPECT_TRUE(pool.submit(
      {}, [&] { second.set_value(); }, nothing));
  EXPECT_FALSE(pool.submit({}, nothing, nothing));
  release.set_value();
  second.get_future().wait();
}

TEST(HashPoolTest, DoesNotHashForAClientThatHasGivenUp) {
  std::promise<bool> ran;
  HashPool pool(1, 1);
  ASSERT_TRUE(pool.submit(
      Deadline::after(-1ms), [&] { ran.set_value(true); }, [&] { ran.set_value(false); }));
  EXPECT_FALSE(ran.get_future().get());
}

TEST(HashPoolTest, DropsWhatWaitsWhenItEnds) {
  const auto held = std::make_shared<int>(0);
  std::promise<void> started;
  std::promise<void> release;
  std::future<void> ended;
  {
    auto pool = std::make_unique<HashPool>(1, 5);
    ASSERT_TRUE(pool->submit(
        {},
        [&] {
          started.set_value();
          release.get_future().wait();
        },
        nothing));
    started.get_future().wait();
    ASSERT_TRUE(pool->submit(
        {}, [held] { FAIL() << "it ran"; }, nothing));
    ended = std::async(std::launch::async, [pool = std::move(pool)]() mutable { pool.reset(); });
  }
  while (held.use_count() > 1) std::this_thread::yield();
  release.set_value();
  ended.wait();
}

}  // namespace
}  // namespace gesso::domain
