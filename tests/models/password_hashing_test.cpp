#include "gesso/models/password_hashing.hpp"

#include <gtest/gtest.h>

#include "gesso/base/error.hpp"
#include "gesso/testing/seeded_random.hpp"

namespace gesso::models {
namespace {

constexpr unsigned kCheap = 4;

TEST(PasswordHashingTest, MatchesThePasswordAndNoOther) {
  testing::SeededRandom random(1);
  const schema::PasswordHash hash =
      hash_password(schema::Password("correct horse"), random, kCheap);
  EXPECT_TRUE(hash.reveal().starts_with("$2b$04$"));
  EXPECT_TRUE(verify_password("correct horse", hash));
  EXPECT_FALSE(verify_password("correct horsf", hash));
  EXPECT_FALSE(verify_password("", hash));
}

TEST(PasswordHashingTest, SaltsEachHash) {
  testing::SeededRandom random(1);
  const schema::Password password("correct horse");
  EXPECT_FALSE(hash_password(password, random, kCheap) == hash_password(password, random, kCheap));
}

TEST(PasswordHashingTest, ReadsAll72Bytes) {
  testing::SeededRandom random(1);
  const std::string longest(72, 'x');
  const schema::PasswordHash hash = hash_password(schema::Password(longest), random, kCheap);
  EXPECT_TRUE(verify_password(longest, hash));
  EXPECT_FALSE(verify_password(std::string(71, 'x') + "y", hash));
  EXPECT_FALSE(verify_password(longest + "more", hash));  // bcrypt alone would accept it
  EXPECT_FALSE(verify_password(longest + std::string(1, '\0'), hash));
}

TEST(PasswordHashingTest, NobodysHashIsOneOfItsCostThatNothingMatches) {
  EXPECT_TRUE(hash_of_nobody(4).reveal().starts_with("$2b$04$"));
  EXPECT_TRUE(hash_of_nobody(12).reveal().starts_with("$2b$12$"));
  for (const char* password : {"", ".", "correct horse"}) {
    EXPECT_FALSE(verify_password(password, hash_of_nobody(kCheap))) << password;
  }
}

// "U*U" of the original bcrypt's test vectors, as other implementations hash it.
TEST(PasswordHashingTest, ReadsTheHashesOfOtherImplementations) {
  const schema::PasswordHash hash("$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW");
  EXPECT_TRUE(verify_password("U*U", hash));
  EXPECT_FALSE(verify_password("U*V", hash));
}

TEST(PasswordHashingTest, TwelveRoundsAreTheHabit) { EXPECT_EQ(kBcryptCost, 12U); }

TEST(PasswordHashingTest, RefusesACostThatBcryptDoesNotHave) {
  testing::SeededRandom random(1);
  EXPECT_THROW((void)hash_password(schema::Password("correct horse"), random, 99), Error);
}

}  // namespace
}  // namespace gesso::models
