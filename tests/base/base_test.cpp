#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <thread>
#include <type_traits>

#include "gesso/base/deadline.hpp"
#include "gesso/base/error.hpp"
#include "gesso/base/id.hpp"
#include "gesso/base/secret.hpp"
#include "gesso/testing/fake_clock.hpp"
#include "gesso/testing/seeded_random.hpp"

namespace gesso {
namespace {

using std::chrono::milliseconds;

TEST(Ids, AreThePrefixAndAUlidOfTheClock) {
  testing::FakeClock clock;
  testing::SeededRandom random;
  IdGenerator ids(clock, random);
  const std::string id = ids.next("gen_");
  EXPECT_TRUE(is_id(id, "gen_")) << id;
  EXPECT_FALSE(is_id(id, "user_"));
  EXPECT_FALSE(is_id(id + "0", "gen_"));
  EXPECT_FALSE(is_id("gen_8ZZZZZZZZZZZZZZZZZZZZZZZZZ", "gen_")) << "more than 128 bits";
  EXPECT_FALSE(is_id("gen_01j9zq3v7x5r2m8k4t6w0y1b3c", "gen_")) << "lower case";
}

TEST(Ids, SortByTheTimeTheyWereMade) {
  testing::FakeClock clock;
  testing::SeededRandom random;
  IdGenerator ids(clock, random);
  std::string last;
  for (int i = 0; i < 2000; ++i) {
    if (i % 3 == 0) clock.advance(milliseconds{1});
    const std::string id = ids.ulid();
    ASSERT_GT(id, last);
    last = id;
  }
}

TEST(Ids, StaySortedWhenTheClockGoesBack) {
  testing::FakeClock clock;
  testing::SeededRandom random;
  IdGenerator ids(clock, random);
  const std::string before = ids.ulid();
  clock.advance(milliseconds{-5000});
  EXPECT_GT(ids.ulid(), before);
}

TEST(Ids, AreUniqueAcrossThreads) {
  SystemClock clock;
  SystemRandom random;
  IdGenerator ids(clock, random);
  std::vector<std::vector<std::string>> made(4);
  {
    std::vector<std::jthread> threads;
    for (auto& mine : made) {
      threads.emplace_back([&] {
        for (int i = 0; i < 500; ++i) mine.push_back(ids.ulid());
      });
    }
  }
  std::set<std::string> all;
  for (const auto& mine : made) all.insert(mine.begin(), mine.end());
  EXPECT_EQ(all.size(), 2000U);
}

static_assert(!std::is_copy_constructible_v<Secret>);
static_assert(!std::is_copy_assignable_v<Secret>);
static_assert(!std::is_convertible_v<Secret, std::string_view>);

TEST(Secrets, WipeTheStringTheyWereMadeFrom) {
  std::string password = "correct horse battery staple";
  const Secret secret(std::move(password));
  EXPECT_TRUE(password.empty());  // NOLINT: what is tested
  EXPECT_EQ(secret.reveal(), "correct horse battery staple");
}

TEST(Secrets, LeaveNothingBehindWhenMoved) {
  Secret first(std::string_view("short"));
  const Secret second(std::move(first));
  EXPECT_TRUE(first.empty());  // NOLINT: what is tested
  EXPECT_TRUE(second.equals("short"));
  EXPECT_FALSE(second.equals("shorx"));
  EXPECT_FALSE(second.equals("shor"));
}

TEST(Deadlines, CountDownAndStopAtZero) {
  EXPECT_FALSE(Deadline().is_set());
  EXPECT_FALSE(Deadline().expired());
  EXPECT_EQ(Deadline().remaining(), milliseconds::max());
  const Deadline past = Deadline::at(std::chrono::steady_clock::now() - milliseconds{1});
  EXPECT_TRUE(past.expired());
  EXPECT_EQ(past.remaining(), milliseconds{0});
  const Deadline later = Deadline::after(std::chrono::hours{1});
  EXPECT_GT(later.remaining(), std::chrono::minutes{59});
  EXPECT_TRUE(later.earlier_of(past).expired());
  EXPECT_FALSE(Deadline().earlier_of(later).expired());
}

TEST(Errors, ListEveryViolationInTheirMessage) {
  const Error error = validation_error({{.path = {"settings", "tags", std::size_t{2}},
                                         .type = "string_type",
                                         .message = "Input should be a valid string",
                                         .expected = "string",
                                         .found = "int"},
                                        {.path = {"email"},
                                         .type = "missing",
                                         .message = "",
                                         .expected = "email",
                                         .found = "nothing"}});
  EXPECT_EQ(error.kind(), ErrorKind::kValidation);
  EXPECT_STREQ(error.what(),
               "settings.tags.2: expected string, found int; email: expected email, found nothing");
  EXPECT_EQ(error.violations().size(), 2U);
}

TEST(Randomness, IsUniformInTheUnitInterval) {
  testing::SeededRandom random;
  double sum = 0;
  for (int i = 0; i < 10'000; ++i) {
    const double value = random.uniform();
    ASSERT_GE(value, 0.0);
    ASSERT_LT(value, 1.0);
    sum += value;
  }
  EXPECT_NEAR(sum / 10'000, 0.5, 0.02);
}

}  // namespace
}  // namespace gesso
