#include "gesso/localdb/engine/auth/account.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>

#include "gesso/base/base64.hpp"
#include "gesso/base/error.hpp"
#include "gesso/testing/seeded_random.hpp"
#include "gesso/testing/temp_dir.hpp"

namespace gesso::localdb::auth {
namespace {

class AccountTest : public ::testing::Test {
 protected:
  gesso::testing::TempDir folder_;
  gesso::testing::SeededRandom random_;

  std::filesystem::path file() const { return folder_ / "account-paint.keys"; }
  std::string text() const {
    std::ifstream in(file(), std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  static std::string primary(const Account& account) {
    return std::string(account.key(AccountKey::kPrimary).reveal());
  }
  static std::string secondary(const Account& account) {
    return std::string(account.key(AccountKey::kSecondary).reveal());
  }
};

TEST_F(AccountTest, HasTwoKeysOf64BytesFromTheStartOn) {
  const Account account("paint", folder_.path(), random_);
  for (const std::string& key : {primary(account), secondary(account)}) {
    ASSERT_TRUE(base64_decode(key));
    EXPECT_EQ(base64_decode(key)->size(), 64U);
  }
  EXPECT_NE(primary(account), secondary(account));
}

TEST_F(AccountTest, KeepsThemForItsOwnerAlone) {
  const Account first("paint", folder_.path(), random_);
  using std::filesystem::perms;
  EXPECT_EQ(std::filesystem::status(file()).permissions(), perms::owner_read | perms::owner_write);
  const Account again("paint", folder_.path(), random_);
  EXPECT_EQ(primary(again), primary(first));
  EXPECT_EQ(secondary(again), secondary(first));
}

TEST_F(AccountTest, ANewKeyLeavesTheOtherAsItIs) {
  Account account("paint", folder_.path(), random_);
  const Account::Users before = account.users();
  const std::string kept = primary(account), gone = secondary(account);
  account.regenerate(AccountKey::kSecondary);
  EXPECT_EQ(primary(account), kept);
  EXPECT_NE(secondary(account), gone);
  EXPECT_TRUE(account.is_current(before[0]));
  EXPECT_FALSE(account.is_current(before[1]));
  EXPECT_TRUE(account.is_current(account.users()[1]));
  // And the next start knows it.
  EXPECT_EQ(secondary(Account("paint", folder_.path(), random_)), secondary(account));
  EXPECT_EQ(text().find(gone), std::string::npos);
}

TEST_F(AccountTest, BothKeysAreAskedWithOneSalt) {
  Account account("paint", folder_.path(), random_);
  account.regenerate(AccountKey::kPrimary);
  EXPECT_EQ(account.users()[0]->credentials.salt, account.users()[1]->credentials.salt);
  EXPECT_NE(account.users()[0]->credentials.stored_key, account.users()[1]->credentials.stored_key);
}

TEST_F(AccountTest, KeysThatAreGivenAreNotOursToChange) {
  Account account(
      "paint",
      {.primary = Secret(std::string_view("one")), .secondary = Secret(std::string_view("two"))},
      random_);
  EXPECT_EQ(primary(account), "one");
  try {
    account.regenerate(AccountKey::kPrimary);
    FAIL() << "it made one";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kConflict);
  }
  EXPECT_EQ(primary(account), "one");
}

TEST_F(AccountTest, AKeyThatCannotBeKeptIsNotTaken) {
  Account account("paint", folder_.path(), random_);
  const std::string before = primary(account);
  std::filesystem::remove(file());
  std::filesystem::create_directories(file() / "in the way");
  EXPECT_THROW(account.regenerate(AccountKey::kPrimary), Error);
  EXPECT_EQ(primary(account), before);
  EXPECT_TRUE(account.is_current(account.users()[0]));
}

TEST_F(AccountTest, RefusesNamesThatAzureWouldNot) {
  for (const char* name : {"", "ab", "Paint", "pa.int", "../paint", "pa int",
                           "a23456789012345678901234567890123456789012345"}) {
    try {
      (void)Account(name, folder_.path(), random_);
      FAIL() << name;
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::kValidation) << name;
    }
  }
  EXPECT_TRUE(std::filesystem::is_empty(folder_.path()));
}

TEST_F(AccountTest, RefusesAFileThatIsNotItsOwn) {
  std::ofstream(file()) << "primary=abc\n";
  try {
    (void)Account("paint", folder_.path(), random_);
    FAIL() << "it took it";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kValidation);
    EXPECT_EQ(std::string(error.what()).find("abc"), std::string::npos);
  }
  EXPECT_EQ(text(), "primary=abc\n");
}

TEST_F(AccountTest, RefusesAKeyThatNoClientCouldSend) {
  EXPECT_THROW((void)Account("paint",
                             {.primary = Secret(std::string_view("k\xC3\xA4y")),
                              .secondary = Secret(std::string_view("two"))},
                             random_),
               Error);
}

}  // namespace
}  // namespace gesso::localdb::auth
