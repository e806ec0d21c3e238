#include "gesso/localdb/engine/auth/user.hpp"

#include <gtest/gtest.h>

#include "gesso/base/error.hpp"
#include "gesso/bson/builder.hpp"
#include "gesso/testing/seeded_random.hpp"

namespace gesso::localdb::auth {
namespace {

User make_user(std::vector<Role> roles) {
  gesso::testing::SeededRandom random;
  User user;
  user.name = "ada";
  user.db = "shop";
  user.credentials = make_credentials("secret", random, 1);
  user.roles = std::move(roles);
  return user;
}

TEST(User, ARoleCountsOnItsOwnDatabase) {
  const User user = make_user({{"readWrite", "shop"}, {"read", "news"}});
  EXPECT_TRUE(user.may(kRead, "shop"));
  EXPECT_TRUE(user.may(kWrite, "shop"));
  EXPECT_FALSE(user.may(kUsers, "shop"));
  EXPECT_TRUE(user.may(kRead, "news"));
  EXPECT_FALSE(user.may(kWrite, "news"));
  EXPECT_FALSE(user.may(kRead, "other"));
}

TEST(User, ARoleForAnyDatabaseCountsEverywhere) {
  const User user = make_user({{"readAnyDatabase", "admin"}});
  EXPECT_TRUE(user.may(kRead, "other"));
  EXPECT_FALSE(user.may(kWrite, "other"));
  EXPECT_TRUE(make_user({{"root", "admin"}}).may(kUsers, "other"));
}

TEST(User, RolesForAnyDatabaseExistOnAdminOnly) {
  EXPECT_TRUE(grant_of({"root", "admin"}));
  EXPECT_FALSE(grant_of({"root", "shop"}));
  EXPECT_FALSE(grant_of({"readwrite", "shop"}));
  EXPECT_FALSE(make_user({{"root", "shop"}}).may(kRead, "shop"));
}

TEST(User, ComesBackAsItWasStoredAndHoldsNoPassword) {
  User user = make_user({{"read", "shop"}, {"dbOwner", "news"}});
  user.uuid[3] = 9;
  user.custom_data = bson::make_document("team", 5);
  user.has_custom_data = true;
  const bson::Document stored = user.encode();
  const User back = User::decode(stored);
  EXPECT_EQ(back.id(), "shop.ada");
  EXPECT_EQ(back.uuid, user.uuid);
  EXPECT_EQ(back.credentials.salt, user.credentials.salt);
  EXPECT_EQ(back.credentials.stored_key, user.credentials.stored_key);
  EXPECT_EQ(back.credentials.server_key, user.credentials.server_key);
  EXPECT_EQ(back.encode(), stored);
  const std::string bytes(reinterpret_cast<const char*>(stored.data()), stored.size());
  EXPECT_EQ(bytes.find("secret"), std::string::npos);
}

TEST(User, ADamagedOneIsAnErrorThatNamesThePath) {
  try {
    (void)User::decode(bson::make_document("user", "ada", "db", 5));
    FAIL() << "decoded";
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("db: found int"), std::string::npos) << error.what();
  }
}

TEST(UserDirectory, FindsByDatabaseAndName) {
  UserDirectory directory;
  EXPECT_TRUE(directory.empty());
  directory.put(make_user({}));
  EXPECT_NE(directory.find("shop", "ada"), nullptr);
  EXPECT_EQ(directory.find("news", "ada"), nullptr);
  EXPECT_TRUE(directory.remove("shop.ada"));
  EXPECT_FALSE(directory.remove("shop.ada"));
  EXPECT_TRUE(directory.empty());
}

}  // namespace
}  // namespace gesso::localdb::auth
