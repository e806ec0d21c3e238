#include "gesso/testing/temp_dir.hpp"

#include <gtest/gtest.h>

#include <fstream>

#include "gesso/testing/fake_clock.hpp"
#include "gesso/testing/seeded_random.hpp"

namespace gesso::testing {
namespace {

TEST(TempDir, IsThereWhileItLivesAndGoneWithAllItHoldsAfter) {
  std::filesystem::path path;
  {
    const TempDir dir;
    path = dir.path();
    std::filesystem::create_directories(dir / "a/b");
    std::ofstream(dir / "a/b/file") << "text";
    EXPECT_TRUE(std::filesystem::exists(path / "a/b/file"));
  }
  EXPECT_FALSE(std::filesystem::exists(path));
}

TEST(FakeClock, AdvancesBothClocksTogetherAndSetsTheWallClockAlone) {
  FakeClock clock;
  const auto now = clock.now();
  const auto steady = clock.steady_now();
  clock.advance(std::chrono::seconds{3});
  EXPECT_EQ(clock.now() - now, std::chrono::seconds{3});
  EXPECT_EQ(clock.steady_now() - steady, std::chrono::seconds{3});
  clock.set_now(now);
  EXPECT_EQ(clock.now(), now);
  EXPECT_EQ(clock.steady_now() - steady, std::chrono::seconds{3});
}

TEST(SeededRandom, GivesTheSameBytesForTheSameSeed) {
  SeededRandom one(7);
  SeededRandom two(7);
  SeededRandom other(8);
  const double first = one.uniform();
  EXPECT_EQ(first, two.uniform());
  EXPECT_NE(first, other.uniform());
}

}  // namespace
}  // namespace gesso::testing
