#include "gesso/worker/claim_list.hpp"

#include <gmock/gmock.h>

namespace gesso::worker {
namespace {

using models::ModelType;
using models::UserId;
using repositories::ClaimCandidate;
using namespace std::chrono_literals;

constexpr ClaimList::Instant kStart{std::chrono::hours{1}};

ClaimCandidate candidate(char letter, std::size_t age) {
  std::string number = std::to_string(age);
  number.insert(0, 26 - number.size(), '0');
  return {.id = models::GenerationId("gen_" + number),
          .user_id = UserId("user_" + std::string(26, letter)),
          .created_at = Time(std::chrono::milliseconds(age))};
}

std::vector<ClaimCandidate> of_users(std::string_view letters) {
  std::vector<ClaimCandidate> candidates;
  for (std::size_t i = 0; i < letters.size(); ++i) candidates.push_back(candidate(letters[i], i));
  return candidates;
}

class ClaimListTest : public ::testing::Test {
 protected:
  const domain::ModelTable models;
  Fairness fairness{models, {.all = 99, .per_user = 2, .per_provider = {99, 0, 0}}};
  ClaimList list{{.look_ahead = 4}};
  ClaimList::Instant now = kStart;

  // A look that takes a millisecond; gives how far it reached, 0 where none was due.
  std::size_t look(std::string_view letters) {
    const auto most = list.begin_look(now);
    if (!most) return 0;
    now += 1ms;
    auto all = of_users(letters);
    if (all.size() > *most) all.resize(*most, candidate('Z', 0));
    list.looked(std::move(all), fairness, now);
    return *most;
  }
  // The users of those that are taken.
  std::string take(std::size_t most = 99) {
    std::string letters;
    while (letters.size() < most) {
      const auto taken = list.take(fairness, now);
      if (!taken) break;
      letters += taken->user_id.str().back();
    }
    return letters;
  }
};

TEST_F(ClaimListTest, OneLookServesManyClaimsAndUsersTakeTurns) {
  EXPECT_EQ(look("AAB"), 4U);
  EXPECT_EQ(list.next(now), now);
  EXPECT_EQ(take(), "ABA");
  // Nothing was behind them: there is no look before its time.
  EXPECT_EQ(list.next(now), now + 50ms);
}

TEST_F(ClaimListTest, AListThatIsUsedUpIsFollowedByALookWhereThereWasMore) {
  look("ABCDE");
  EXPECT_EQ(take(), "ABCD");
  EXPECT_EQ(look("E"), 0U);  // looks rest four times as long as they take
  EXPECT_EQ(list.next(now), now + 4ms);
  now += 4ms;
  EXPECT_EQ(look("E"), 4U);
  EXPECT_EQ(take(), "E");
}

TEST_F(ClaimListTest, NewsAreLookedAtOnceTheLastLookHasRested) {
  look("");
  now += 4ms;
  EXPECT_EQ(look("A"), 0U);
  list.news();
  EXPECT_EQ(look("A"), 4U);
  EXPECT_EQ(take(), "A");
}

TEST_F(ClaimListTest, WithoutNewsLooksBecomeMoreSeldom) {
  look("");
  EXPECT_EQ(list.next(now), now + 100ms);
  now += 100ms;
  look("");
  EXPECT_EQ(list.next(now), now + 200ms);
  for (int i = 0; i < 9; ++i) {
    now = list.next(now);
    ASSERT_EQ(look(""), 4U);
  }
  EXPECT_EQ(list.next(now), now + 2s);
}

TEST_F(ClaimListTest, WhatIsRefusedStaysAndIsTakenWhenThereIsRoom) {
  look("AAA");
  EXPECT_EQ(take(), "AA");
  EXPECT_GT(list.next(now), now);
  fairness.give_back(candidate('A', 0).user_id, ModelType::kStableDiffusionXl);
  list.room_was_made();
  EXPECT_EQ(list.next(now), now);
  EXPECT_EQ(take(), "A");
}

TEST_F(ClaimListTest, BehindManyThatAreRefusedOthersAreFoundAtOnce) {
  const std::string many = std::string(20, 'A') + "BC";
  look(many);
  EXPECT_EQ(take(), "AA");
  EXPECT_EQ(look(many), 16U);
  EXPECT_EQ(take(), "");
  EXPECT_EQ(look(many), 64U);
  EXPECT_EQ(take(), "BC");
  // A longer list than is kept begins with those that may be taken.
  EXPECT_EQ(list.size(), 2U);
}

TEST_F(ClaimListTest, WhereAllAreRefusedTheLooksEnd) {
  const std::string all(20'000, 'A');
  look(all);
  EXPECT_EQ(take(), "AA");
  std::size_t farthest = 0;
  int looks = 0;
  while (const std::size_t most = look(all)) {
    farthest = most;
    ASSERT_LT(++looks, 20);
  }
  EXPECT_EQ(farthest, 16'384U);
  EXPECT_EQ(looks, 6);
}

TEST_F(ClaimListTest, AnOldListIsNotClaimedFrom) {
  look("AB");
  now += 250ms;
  EXPECT_EQ(take(), "");
  EXPECT_EQ(look("CAB"), 4U);
  EXPECT_EQ(take(), "CAB");
}

TEST_F(ClaimListTest, WhoLostARaceGoesOnElsewhere) {
  look("ABCD");
  EXPECT_EQ(take(1), "A");
  list.was_lost(0.4);  // of B, C and D
  EXPECT_EQ(take(), "CDB");
}

TEST_F(ClaimListTest, OneLooksAtATime) {
  ASSERT_TRUE(list.begin_look(now));
  list.news();
  EXPECT_FALSE(list.begin_look(now));
  EXPECT_EQ(list.next(now), ClaimList::Instant::max());
  list.looked({}, fairness, now);
  EXPECT_TRUE(list.begin_look(now));
}

TEST_F(ClaimListTest, AfterAFailureItWaits) {
  ASSERT_TRUE(list.begin_look(now));
  list.look_failed(now);
  EXPECT_EQ(list.next(now), now + 100ms);
  now += 100ms;
  look("AB");
  list.claim_failed(now);
  EXPECT_EQ(list.size(), 0U);
  EXPECT_EQ(list.next(now), now + 100ms);
}

}  // namespace
}  // namespace gesso::worker
