#include "gesso/repositories/optimistic_retry.hpp"

#include <gtest/gtest.h>

#include <chrono>

namespace gesso::repositories {
namespace {

// As it is put in: zeros wait not at all, all ones the whole time.
class SteadyRandom final : public Random {
  std::uint8_t byte_;

 public:
  explicit SteadyRandom(std::uint8_t byte) : byte_(byte) {}
  void fill(std::span<std::uint8_t> bytes) override { std::ranges::fill(bytes, byte_); }
};

TEST(OptimisticRetryTest, TriesOnceWhateverTheDeadlineAndNotBehindIt) {
  SteadyRandom random(0);
  OptimisticRetry retry(random, Deadline::after(std::chrono::milliseconds(0)));
  EXPECT_TRUE(retry.next());
  EXPECT_FALSE(retry.next());
}

TEST(OptimisticRetryTest, GoesOnAsLongAsThereIsTime) {
  SteadyRandom random(0);
  OptimisticRetry retry(random, Deadline());
  for (int i = 0; i < 100; ++i) EXPECT_TRUE(retry.next());
}

TEST(OptimisticRetryTest, WaitsLongerEachTimeFromTheThirdAttemptOn) {
  SteadyRandom random(0xff);
  OptimisticRetry retry(random, Deadline());
  EXPECT_TRUE(retry.next());
  EXPECT_TRUE(retry.next());
  const auto began = std::chrono::steady_clock::now();
  for (int i = 0; i < 7; ++i) EXPECT_TRUE(retry.next());
  // 1 + 2 + 4 + 8 + 16 + 32 + 32 milliseconds, of which the random number leaves almost all.
  EXPECT_GE(std::chrono::steady_clock::now() - began, std::chrono::milliseconds(90));
}

}  // namespace
}  // namespace gesso::repositories
