#include "gesso/domain/secret_tokens.hpp"

#include <gtest/gtest.h>

#include "gesso/testing/seeded_random.hpp"

namespace gesso::domain {
namespace {

const models::UserId kUser{"user_01J9ZQ3V7X5R2M8K4T6W0Y1B3C"};
const models::SessionId kSession{"ses_01J9ZQ3V7X5R2M8K4T6W0Y1B3D"};

class SecretTokensTest : public ::testing::Test {
 protected:
  testing::SeededRandom random;
};

TEST_F(SecretTokensTest, ARefreshTokenSaysWhoseItIs) {
  const std::string text = make_refresh_token(kUser, kSession, random_secret(random));
  EXPECT_TRUE(text.starts_with("gr_01J9ZQ3V7X5R2M8K4T6W0Y1B3C_01J9ZQ3V7X5R2M8K4T6W0Y1B3D_"));
  const auto token = parse_refresh_token(text);
  ASSERT_TRUE(token);
  EXPECT_EQ(token->user_id, kUser);
  EXPECT_EQ(token->session_id, kSession);
  EXPECT_EQ(token->text, text);
}

TEST_F(SecretTokensTest, AnIdOfAnotherProgramsMayHoldUnderscores) {
  const models::UserId odd{"user_a_b-c__d"};
  for (int i = 0; i < 200; ++i) {  // secrets hold underscores, too
    const auto refresh =
        parse_refresh_token(make_refresh_token(odd, kSession, random_secret(random)));
    ASSERT_TRUE(refresh);
    EXPECT_EQ(refresh->user_id, odd);
    const ApiKeyToken made = make_api_key(odd, random);
    const auto key = parse_api_key(made.text);
    ASSERT_TRUE(key);
    EXPECT_EQ(key->user_id, odd);
    EXPECT_EQ(key->prefix, made.prefix);
    EXPECT_EQ(parse_mailed_token(MailPurpose::kResetPassword,
                                 make_mailed_token(MailPurpose::kResetPassword, odd, random)),
              odd);
  }
}

TEST_F(SecretTokensTest, AnApiKeyBeginsWithItsVisiblePrefix) {
  const ApiKeyToken key = make_api_key(kUser, random);
  EXPECT_TRUE(key.text.starts_with(key.prefix.str() + "_"));
  EXPECT_EQ(key.prefix.str().size(), 11U);
  EXPECT_TRUE(is_api_key(key.text));
  EXPECT_NE(make_api_key(kUser, random).text, key.text);
}

TEST_F(SecretTokensTest, WhatIsMailedForOnePurposeIsNotGoodForAnother) {
  const std::string confirm = make_mailed_token(MailPurpose::kConfirmEmail, kUser, random);
  EXPECT_EQ(parse_mailed_token(MailPurpose::kConfirmEmail, confirm), kUser);
  EXPECT_FALSE(parse_mailed_token(MailPurpose::kResetPassword, confirm));
  EXPECT_FALSE(parse_refresh_token(confirm));
  EXPECT_FALSE(parse_api_key(confirm));
}

TEST_F(SecretTokensTest, NothingElseIsRead) {
  const std::string refresh = make_refresh_token(kUser, kSession, random_secret(random));
  const std::string key = make_api_key(kUser, random).text;
  for (std::size_t size = 0; size < refresh.size(); ++size) {
    const auto cut = parse_refresh_token(refresh.substr(0, size));
    EXPECT_TRUE(!cut || cut->user_id != kUser) << size;
  }
  for (const std::string& text :
       {std::string(), std::string("gr_"), std::string("gk_"), "x" + refresh, refresh + " ",
        refresh + "\n", "gr_" + std::string(1000, 'a'), "gk_" + std::string(1000, 'a'),
        std::string("gr_$ne_x_") + std::string(43, 'a'),
        std::string("gk__") + std::string(60, 'a')}) {
    EXPECT_FALSE(parse_refresh_token(text)) << text;
    EXPECT_FALSE(parse_api_key(text)) << text;
  }
  EXPECT_FALSE(parse_refresh_token(key));
  EXPECT_FALSE(parse_api_key(refresh));
}

TEST_F(SecretTokensTest, WhatIsStoredIsTheHash) {
  // printf %s abc | openssl dgst -sha256 -binary | basenc --base64url
  EXPECT_EQ(hash_token("abc"), "ungWv48Bz-pBQUDeXa4iI7ADYaOWF3qctBD_YfIAFa0");
  EXPECT_TRUE(matches(hash_token("abc"), "abc"));
  EXPECT_FALSE(matches(hash_token("abc"), "abd"));
}

TEST_F(SecretTokensTest, SecretsHave256Bits) {
  EXPECT_EQ(random_secret(random).size(), 43U);
  EXPECT_NE(random_secret(random), random_secret(random));
}

}  // namespace
}  // namespace gesso::domain
