#include "gesso/domain/look_schedule.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace gesso::domain {
namespace {

using namespace std::chrono_literals;
using models::GenerationId;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using Found = LookSchedule::Found;

class LookScheduleTest : public ::testing::Test {
 protected:
  LookSchedule schedule{{.min = 200ms, .max = 1'000ms, .retry = 100ms}};
  LookSchedule::Instant now{};
  const GenerationId a = "gen_a";
  const GenerationId b = "gen_b";

  // Goes to the next look, which finds that, and says how long it took.
  std::chrono::milliseconds next_look(Found found) {
    const auto before = now;
    now = std::max(now, schedule.next().value());
    for (const GenerationId& id : schedule.take_due(now)) schedule.looked(id, found, now);
    return std::chrono::duration_cast<std::chrono::milliseconds>(now - before);
  }
};

TEST_F(LookScheduleTest, WhereNobodyWatchesNothingIsLookedAt) {
  EXPECT_EQ(schedule.next(), std::nullopt);
  schedule.hurry(a, now);
  schedule.remove(a);
  schedule.remove(a);
  EXPECT_EQ(schedule.next(), std::nullopt);
  EXPECT_THAT(schedule.take_due(now + 1h), IsEmpty());
  EXPECT_EQ(schedule.size(), 0U);
}

TEST_F(LookScheduleTest, TheFirstLookIsAtOnceAndTheNextOnesMoreAndMoreSeldom) {
  schedule.hurry(a, now);
  EXPECT_EQ(next_look(Found::kNews), 0ms);
  EXPECT_EQ(next_look(Found::kNothing), 200ms);
  EXPECT_EQ(next_look(Found::kNothing), 300ms);
  EXPECT_EQ(next_look(Found::kNothing), 450ms);
  EXPECT_EQ(next_look(Found::kNothing), 675ms);
  EXPECT_EQ(next_look(Found::kNothing), 1'000ms);
  EXPECT_EQ(next_look(Found::kNews), 1'000ms);  // and after news soon again
  EXPECT_EQ(next_look(Found::kNothing), 200ms);
}

TEST_F(LookScheduleTest, AfterNewsFromElsewhereTheNextLookIsSoon) {
  schedule.hurry(a, now);
  for (int i = 0; i < 6; ++i) next_look(Found::kNothing);
  const auto later = *schedule.next();
  schedule.expect_more(a, now);
  EXPECT_EQ(schedule.next(), std::min(later, now + 200ms));
  EXPECT_LT(*schedule.next(), later);
  schedule.expect_more(b, now);  // whom nobody watches
  EXPECT_EQ(schedule.size(), 1U);
}

TEST_F(LookScheduleTest, ALookThatFailedIsRepeatedAndBacksOff) {
  schedule.hurry(a, now);
  EXPECT_EQ(next_look(Found::kFailed), 0ms);
  EXPECT_EQ(next_look(Found::kFailed), 100ms);
  EXPECT_EQ(next_look(Found::kFailed), 200ms);
  EXPECT_EQ(next_look(Found::kFailed), 400ms);
  EXPECT_EQ(next_look(Found::kFailed), 800ms);
  EXPECT_EQ(next_look(Found::kFailed), 1'000ms);
  EXPECT_EQ(next_look(Found::kNothing), 1'000ms);
  EXPECT_EQ(next_look(Found::kNothing), 200ms);
}

TEST_F(LookScheduleTest, NewsIsLookedAtAtOnceAndWakesNobodyElse) {
  schedule.hurry(a, now);
  schedule.hurry(b, now);
  EXPECT_THAT(schedule.take_due(now), ElementsAre(a, b));
  schedule.looked(a, Found::kNothing, now);
  schedule.looked(b, Found::kNothing, now);
  schedule.hurry(a, now + 10ms);
  EXPECT_EQ(schedule.next(), now + 10ms);
  EXPECT_THAT(schedule.take_due(now + 10ms), ElementsAre(a));
}

TEST_F(LookScheduleTest, WhatIsAlmostDueIsLookedAtTogether) {
  schedule.hurry(a, now);
  schedule.looked(schedule.take_due(now).at(0), Found::kNews, now);
  schedule.hurry(b, now + 40ms);
  schedule.looked(schedule.take_due(now + 40ms).at(0), Found::kNews, now + 40ms);
  EXPECT_THAT(schedule.take_due(now + 200ms), ElementsAre(a, b));
}

TEST_F(LookScheduleTest, WhatIsBeingLookedAtIsNotDueAndNewsMeanwhileMakesItSo) {
  schedule.hurry(a, now);
  ASSERT_THAT(schedule.take_due(now), SizeIs(1));
  EXPECT_EQ(schedule.next(), std::nullopt);
  schedule.hurry(a, now + 1ms);
  EXPECT_EQ(schedule.next(), std::nullopt);
  schedule.looked(a, Found::kNothing, now + 2ms);
  EXPECT_EQ(schedule.next(), now + 2ms);
  ASSERT_THAT(schedule.take_due(now + 2ms), ElementsAre(a));
  schedule.looked(a, Found::kNothing, now + 3ms);
  EXPECT_GT(schedule.next(), now + 200ms);
}

TEST_F(LookScheduleTest, WhoLeavesDuringALookIsForgotten) {
  schedule.hurry(a, now);
  ASSERT_THAT(schedule.take_due(now), SizeIs(1));
  schedule.remove(a);
  schedule.looked(a, Found::kNews, now);
  EXPECT_EQ(schedule.next(), std::nullopt);
}

TEST_F(LookScheduleTest, WhoComesBackDuringALookIsLookedAtAtOnce) {
  schedule.hurry(a, now);
  ASSERT_THAT(schedule.take_due(now), SizeIs(1));
  schedule.remove(a);
  schedule.hurry(a, now + 1ms);
  schedule.looked(a, Found::kNothing, now + 2ms);  // of the look before
  EXPECT_EQ(schedule.next(), now + 1ms);
}

TEST_F(LookScheduleTest, WithOtherIntervalsAllAreLookedAtAndThenAsOftenAsThoseSay) {
  schedule.hurry(a, now);
  schedule.hurry(b, now);
  (void)next_look(Found::kNothing);
  schedule.use({.min = 5s, .max = 5s, .retry = 100ms}, now);
  EXPECT_THAT(schedule.take_due(now), ElementsAre(a, b));
  schedule.looked(a, Found::kNothing, now);
  schedule.looked(b, Found::kNothing, now);
  EXPECT_EQ(schedule.next(), now + 5s);
  schedule.use({.min = 200ms, .max = 1'000ms, .retry = 100ms}, now);
  EXPECT_EQ(next_look(Found::kNothing), 0ms);
  EXPECT_EQ(next_look(Found::kNothing), 300ms);
}

}  // namespace
}  // namespace gesso::domain
