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
  EXPECT_TRUE(hash.reveal().starts_with("$bcrypt-sha256$v=2,t=2b,r=4$"));
  EXPECT_TRUE(verify_password("correct horse", hash));
  EXPECT_FALSE(verify_password("correct horsf", hash));
  EXPECT_FALSE(verify_password("", hash));
}

TEST(PasswordHashingTest, SaltsEachHash) {
  testing::SeededRandom random(1);
  const schema::Password password("correct horse");
  EXPECT_FALSE(hash_password(password, random, kCheap) == hash_password(password, random, kCheap));
}

TEST(PasswordHashingTest, ReadsEveryByteAlsoWhereBcryptWouldStop) {
  testing::SeededRandom random(1);
  const std::string longest(256, 'x');
  const schema::PasswordHash hash = hash_password(schema::Password(longest), random, kCheap);
  EXPECT_TRUE(verify_password(longest, hash));
  EXPECT_FALSE(verify_password(std::string(255, 'x') + "y", hash));
  EXPECT_FALSE(verify_password(std::string(72, 'x'), hash));
  EXPECT_FALSE(verify_password(longest + "more", hash));
  const std::string with_nul("password\0one", 12);
  const schema::PasswordHash other = hash_password(schema::Password(with_nul), random, kCheap);
  EXPECT_TRUE(verify_password(with_nul, other));
  EXPECT_FALSE(verify_password(std::string("password\0two", 12), other));
  EXPECT_FALSE(verify_password("password", other));
}

// Made by passlib 1.7.4: bcrypt_sha256.using(rounds=4, salt="n79VH.0Q2TMWmt3Oqt9uku").hash(...)
TEST(PasswordHashingTest, ReadsTheHashesOfPasslib) {
  const schema::PasswordHash hash(
      "$bcrypt-sha256$v=2,t=2b,r=4$n79VH.0Q2TMWmt3Oqt9uku$sdU2s51xApBVBMVw4RZiJY.7FC1fevu");
  EXPECT_TRUE(verify_password("password", hash));
  EXPECT_FALSE(verify_password("Password", hash));
  const schema::PasswordHash of_100(
      "$bcrypt-sha256$v=2,t=2b,r=4$n79VH.0Q2TMWmt3Oqt9uku$1j6sHcRh0qZwj0604N9LGbefUrhg/Ye");
  EXPECT_TRUE(verify_password(std::string(100, 'p'), of_100));
  EXPECT_FALSE(verify_password(std::string(99, 'p'), of_100));
}

TEST(PasswordHashingTest, AnOldHashMatchesNothingThatBcryptWouldCutToThePassword) {
  // bcrypt.using(rounds=4).hash("x" * 72), by passlib
  const schema::PasswordHash hash("$2b$04$uCrFP426GAvJ5B8DjRcineKpAAxnT6Ip4Jup/ZqYJNNnTC2.DBnC6");
  const std::string longest(72, 'x');
  EXPECT_TRUE(verify_password(longest, hash));
  EXPECT_FALSE(verify_password(longest + "more", hash));
  EXPECT_FALSE(verify_password(longest + std::string(1, '\0'), hash));
}

TEST(PasswordHashingTest, NobodysHashIsOneOfItsCostThatNothingMatches) {
  EXPECT_TRUE(hash_of_nobody(4).reveal().starts_with("$bcrypt-sha256$v=2,t=2b,r=4$"));
  EXPECT_TRUE(hash_of_nobody(12).reveal().starts_with("$bcrypt-sha256$v=2,t=2b,r=12$"));
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
