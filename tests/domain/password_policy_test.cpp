#include "gesso/domain/password_policy.hpp"

#include <gtest/gtest.h>

namespace gesso::domain {
namespace {

using schema::Password;

bool taken(std::string_view password, const schema::Email& email = "ada@example.com") {
  return !check_password(Password(password), email).has_value();
}

TEST(PasswordPolicyTest, RefusesWhatIsGuessedFirst) {
  for (const char* common : {"password", "12345678", "iloveyou", "PassWord", "qwertyuiop"}) {
    EXPECT_FALSE(taken(common)) << common;
  }
  const auto violation = check_password(Password("password"), "ada@example.com");
  EXPECT_EQ(violation->type, "value_error");
  EXPECT_EQ(violation->found.find("password"), std::string::npos);
}

TEST(PasswordPolicyTest, RefusesTheUsersOwnAddress) {
  EXPECT_FALSE(taken("ada@example.com"));
  EXPECT_FALSE(taken("ADA@example.com"));
  EXPECT_FALSE(taken("ada.lovelace", "ada.lovelace@example.com"));
  EXPECT_TRUE(taken("ada.lovelace", "ada@example.com"));
}

TEST(PasswordPolicyTest, AsksForNoKindOfCharacter) {
  for (const char* fine :
       {"correct horse", "aaaaaaaaaaaaa", "        ", "zxqvkjhw", "password but longer"}) {
    EXPECT_TRUE(taken(fine)) << fine;
  }
}

TEST(PasswordPolicyTest, SaysWhichFieldIsWrong) {
  try {
    require_good_password(Password("password"), "ada@example.com", "new_password");
    ADD_FAILURE();
  } catch (const Error& error) {
    ASSERT_EQ(error.violations().size(), 1U);
    EXPECT_EQ(to_string(error.violations()[0].path), "new_password");
  }
}

}  // namespace
}  // namespace gesso::domain
