#include "gesso/worker/fairness.hpp"

#include <gmock/gmock.h>

namespace gesso::worker {
namespace {

using models::ModelType;
using models::UserId;
using repositories::ClaimCandidate;

constexpr ModelType kModel = ModelType::kStableDiffusionXl;

UserId user(char letter) { return UserId("user_" + std::string(26, letter)); }

ClaimCandidate candidate(char letter, int age) {
  return {.id = models::GenerationId("gen_" + std::string(25, '0') + static_cast<char>('0' + age)),
          .user_id = user(letter),
          .created_at = Time(std::chrono::milliseconds(age))};
}

std::string users_of(const std::vector<ClaimCandidate>& candidates) {
  std::string letters;
  for (const ClaimCandidate& one : candidates) letters += one.user_id.str().back();
  return letters;
}

TEST(Fairness, UsersTakeTurns) {
  const domain::ModelTable models;
  Fairness fairness(models, {.per_provider = {9, 0, 0}});
  std::vector<ClaimCandidate> candidates{candidate('A', 1), candidate('A', 2), candidate('A', 3),
                                         candidate('B', 4), candidate('C', 5), candidate('B', 6)};
  fairness.arrange(candidates);
  EXPECT_EQ(users_of(candidates), "ABCABA");
}

TEST(Fairness, WhoHasMoreAtWorkComesLater) {
  const domain::ModelTable models;
  Fairness fairness(models, {.per_provider = {9, 0, 0}});
  EXPECT_TRUE(fairness.take(user('A'), kModel));
  EXPECT_TRUE(fairness.take(user('A'), kModel));
  std::vector<ClaimCandidate> candidates{candidate('A', 1), candidate('B', 2), candidate('B', 3)};
  fairness.arrange(candidates);
  EXPECT_EQ(users_of(candidates), "BBA");
}

TEST(Fairness, EachLimitHolds) {
  const domain::ModelTable models;
  Fairness of_user(models, {.all = 9, .per_user = 1, .per_provider = {9, 0, 0}});
  EXPECT_TRUE(of_user.take(user('A'), kModel));
  EXPECT_FALSE(of_user.take(user('A'), kModel));
  EXPECT_TRUE(of_user.take(user('B'), kModel));
  of_user.give_back(user('A'), kModel);
  EXPECT_TRUE(of_user.take(user('A'), kModel));

  Fairness of_provider(models, {.all = 9, .per_user = 9, .per_provider = {1, 0, 0}});
  EXPECT_TRUE(of_provider.take(user('A'), kModel));
  EXPECT_FALSE(of_provider.take(user('B'), kModel));

  Fairness of_all(models, {.all = 1, .per_user = 9, .per_provider = {9, 0, 0}});
  EXPECT_TRUE(of_all.has_room());
  EXPECT_TRUE(of_all.take(user('A'), kModel));
  EXPECT_FALSE(of_all.has_room());
  EXPECT_FALSE(of_all.take(user('B'), kModel));
}

}  // namespace
}  // namespace gesso::worker
