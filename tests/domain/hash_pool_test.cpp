#include "gesso/domain/hash_pool.hpp"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <algorithm>
#include <atomic>
#include <future>
#include <memory>
#include <string>
#include <thread>
#include <vector>

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

TEST(HashPoolTest, GivesWayToRequests) {
  std::promise<int> niceness;
  HashPool pool(1, 1);
  const int ours = ::getpriority(PRIO_PROCESS, 0);
  ASSERT_TRUE(pool.submit(
      Deadline::after(30s), [&] { niceness.set_value(::getpriority(PRIO_PROCESS, 0)); }, nothing));
  EXPECT_EQ(niceness.get_future().get(), std::max(ours, HashPool::kNiceness));
  EXPECT_EQ(::getpriority(PRIO_PROCESS, 0), ours);
}

TEST(HashPoolTest, StopsOnlyWhenWhatRunsHasEnded) {
  std::promise<void> started;
  std::promise<void> release;
  std::atomic<bool> ended = false;
  HashPool pool(1, 2);
  ASSERT_TRUE(pool.submit(
      {},
      [&] {
        started.set_value();
        release.get_future().wait();
        ended = true;
      },
      nothing));
  started.get_future().wait();
  std::atomic<bool> ran_what_waited = false;
  ASSERT_TRUE(pool.submit(
      {}, [&] { ran_what_waited = true; }, nothing));
  std::jthread stopper([&] {
    pool.stop();
    EXPECT_TRUE(ended);
  });
  while (pool.waiting() > 0) std::this_thread::yield();  // what waits is dropped first
  release.set_value();
  stopper.join();
  EXPECT_FALSE(ran_what_waited);
  EXPECT_FALSE(pool.submit({}, nothing, nothing));
  pool.stop();
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

bool any(const std::string& /*kind*/) { return true; }

FairQueue::Waiting noting(std::vector<std::string>& ran, std::string name, std::string kind = {}) {
  return {.deadline = {},
          .task = [&ran, name = std::move(name)] { ran.push_back(name); },
          .late = nothing,
          .kind = std::move(kind)};
}

TEST(FairQueueTest, LetsKeysTakeTurnsHoweverManyTasksOneHas) {
  std::vector<std::string> ran;
  FairQueue queue(100, 50);
  for (int i = 0; i < 40; ++i) EXPECT_TRUE(queue.push("flood", noting(ran, "flood")));
  EXPECT_TRUE(queue.push("ada", noting(ran, "ada 1")));
  EXPECT_TRUE(queue.push("ada", noting(ran, "ada 2")));
  EXPECT_TRUE(queue.push("bob", noting(ran, "bob")));
  for (int i = 0; i < 6; ++i) queue.pop(any)->task();
  EXPECT_EQ(ran, (std::vector<std::string>{"flood", "ada 1", "bob", "flood", "ada 2", "flood"}));
  EXPECT_EQ(queue.size(), 37U);
  while (!queue.empty()) queue.pop(any)->task();
  EXPECT_EQ(ran.size(), 43U);
}

TEST(FairQueueTest, LeavesRoomForOtherKeys) {
  std::vector<std::string> ran;
  FairQueue queue(4, 2);
  EXPECT_TRUE(queue.push("flood", noting(ran, "")));
  EXPECT_TRUE(queue.push("flood", noting(ran, "")));
  EXPECT_FALSE(queue.push("flood", noting(ran, "")));
  EXPECT_TRUE(queue.push("ada", noting(ran, "")));
  EXPECT_TRUE(queue.push("bob", noting(ran, "")));
  EXPECT_FALSE(queue.push("cleo", noting(ran, "")));  // full
  (void)queue.pop(any);
  EXPECT_TRUE(queue.push("flood", noting(ran, "")));  // its own place is free again
}

TEST(FairQueueTest, PassesOverKindsThatMayNotRun) {
  std::vector<std::string> ran;
  FairQueue queue(100, 50);
  EXPECT_TRUE(queue.push("ada", noting(ran, "ada's images", "images")));
  EXPECT_TRUE(queue.push("ada", noting(ran, "ada's plan", "payments")));
  EXPECT_TRUE(queue.push("bob", noting(ran, "bob's images", "images")));
  const auto not_images = [](const std::string& kind) { return kind != "images"; };
  queue.pop(not_images)->task();
  EXPECT_FALSE(queue.pop(not_images));
  while (!queue.empty()) queue.pop(any)->task();
  EXPECT_EQ(ran, (std::vector<std::string>{"ada's plan", "ada's images", "bob's images"}));
}

TEST(HashPoolTest, WhatWaitsForOneServiceLeavesThreadsToTheOthers) {
  std::promise<void> release;
  const std::shared_future<void> released = release.get_future().share();
  std::atomic<int> running = 0;
  std::atomic<int> most = 0;
  std::atomic<int> left = 6;
  std::promise<void> done;
  HashPool pool(4, 100, 50, {}, 2);
  const auto remove_images = [&] {
    most = std::max(most.load(), ++running);  // a test that fails may overlook one, never add one
    released.wait();
    --running;
    if (--left == 0) done.set_value();
  };
  for (int i = 0; i < 6; ++i) ASSERT_TRUE(pool.submit("ada", {}, remove_images, nothing, "images"));
  while (running < 2) std::this_thread::yield();
  for (int i = 0; i < 20; ++i) {  // none of these is released: there is a thread for it
    std::promise<void> signed_in;
    ASSERT_TRUE(pool.submit(
        "ada", {}, [&] { signed_in.set_value(); }, nothing, "sign-in"));
    signed_in.get_future().wait();
  }
  EXPECT_EQ(running, 2);
  EXPECT_EQ(pool.waiting(), 4U);
  release.set_value();
  done.get_future().wait();
  EXPECT_EQ(most, 2);
}

TEST(HashPoolTest, AFloodOfOneClientDoesNotDelayAnother) {
  std::promise<void> started;
  std::promise<void> release;
  HashPool pool(1, 100, 50);
  ASSERT_TRUE(pool.submit(
      "flood", {},
      [&] {
        started.set_value();
        release.get_future().wait();
      },
      nothing));
  started.get_future().wait();
  std::atomic<int> floods = 0;
  for (int i = 0; i < 50; ++i) {
    ASSERT_TRUE(pool.submit(
        "flood", {}, [&] { ++floods; }, nothing));
  }
  EXPECT_FALSE(pool.submit("flood", {}, nothing, nothing));
  std::promise<int> before_ada;
  ASSERT_TRUE(pool.submit(
      "ada", {}, [&] { before_ada.set_value(floods); }, nothing));
  EXPECT_EQ(pool.waiting(), 51U);
  release.set_value();
  EXPECT_LE(before_ada.get_future().get(), 1);
}

TEST(HashPoolTest, TellsHowLongEachTaskWaited) {
  std::promise<void> started;
  std::promise<void> release;
  std::vector<std::chrono::microseconds> waits;  // of the pool's one thread
  std::promise<void> done;
  HashPool pool(1, 5, 0, [&](std::chrono::microseconds waited) { waits.push_back(waited); });
  ASSERT_TRUE(pool.submit(
      {},
      [&] {
        started.set_value();
        release.get_future().wait();
      },
      nothing));
  started.get_future().wait();
  const auto queued_at = std::chrono::steady_clock::now();
  ASSERT_TRUE(pool.submit(
      {}, [&] { done.set_value(); }, nothing));
  while (std::chrono::steady_clock::now() < queued_at + 20ms) std::this_thread::yield();
  release.set_value();
  done.get_future().wait();
  ASSERT_EQ(waits.size(), 2U);
  EXPECT_GE(waits[1], 20ms);
}

}  // namespace
}  // namespace gesso::domain
