#include "gesso/domain/passwords.hpp"

#include <gtest/gtest.h>

#include "gesso/repositories/user_repository.hpp"
#include "tests/domain/account_fixture.hpp"

namespace gesso::domain {
namespace {

using namespace repositories;
using namespace std::chrono_literals;
using models::User;

class PasswordsTest : public AccountTest {
 protected:
  static constexpr const char* kNew = "battery staple";

  auto change(const SignedIn& login, std::string_view old_password, std::string_view fresh = kNew) {
    return change_password(services_, run_, requester(login), by_password(old_password),
                           schema::Password(fresh));
  }
  auto ask_for_reset(std::string_view email) {
    return run([&](mongo::Session& session) {
      return request_password_reset(services_, session, email, client_);
    });
  }
  auto reset(std::string_view token, std::string_view fresh = kNew) {
    return reset_password(services_, run_, token, schema::Password(fresh), client_);
  }
  bool is_reset(std::string_view token) { return std::holds_alternative<Accepted>(reset(token)); }
};

TEST_F(PasswordsTest, ANewPasswordEndsTheOtherSessions) {
  registered("ada@example.com");
  const SignedIn mine = logged_in("ada@example.com");
  const SignedIn other = logged_in("ada@example.com");
  EXPECT_TRUE(std::holds_alternative<Accepted>(change(mine, kPassword)));
  EXPECT_TRUE(is_admitted(mine.access_token));
  EXPECT_FALSE(is_admitted(other.access_token));
  EXPECT_TRUE(std::holds_alternative<WrongCredentials>(try_log_in("ada@example.com")));
  logged_in("ada@example.com", kNew);
  const auto sent = mails();
  ASSERT_EQ(sent.size(), 1U);  // tells the user
  EXPECT_EQ(sent[0].to, "ada@example.com");
}

TEST_F(PasswordsTest, TheOldOneIsAskedFor) {
  registered("ada@example.com");
  const SignedIn login = logged_in("ada@example.com");
  EXPECT_TRUE(std::holds_alternative<NotProven>(change(login, "wrong horse")));
  EXPECT_TRUE(std::holds_alternative<NotProven>(change(login, "")));
  limits_.refused = Attempt::kPassword;
  EXPECT_TRUE(std::holds_alternative<TooManyAttempts>(change(login, kPassword)));
  limits_.refused.reset();
  EXPECT_EQ(error_of([&] { (void)change(login, kPassword, "password"); }).kind(),
            ErrorKind::kValidation);
  logged_in("ada@example.com");
}

TEST_F(PasswordsTest, WhoLogsInByAProviderGetsAFirstOneSoonAfterALogin) {
  const auto outcome = run([&](mongo::Session& session) {
    return log_in_by_provider(
        services_, session,
        {.provider = models::AuthProvider::kGithub, .subject = "77", .email = "ada@example.com"},
        client_);
  });
  const auto login = std::get<SignedIn>(outcome);
  clock_.advance(16min);
  EXPECT_TRUE(std::holds_alternative<NotProven>(change(login, "")));
  clock_.advance(-10min);
  EXPECT_TRUE(std::holds_alternative<Accepted>(change(login, "")));
  logged_in("ada@example.com", kNew);
}

TEST_F(PasswordsTest, WhatIsMailedSetsANewOneOnceAndEndsEverySession) {
  const User ada = registered("ada@example.com");
  const SignedIn login = logged_in("ada@example.com");
  (void)ask_for_reset("Ada@example.com");
  const auto sent = mails();
  ASSERT_EQ(sent.size(), 1U);
  const std::string token = token_in(sent[0]);
  EXPECT_TRUE(is_admitted(login.access_token));  // asking alone changes nothing
  EXPECT_TRUE(is_reset(token));
  EXPECT_FALSE(is_admitted(login.access_token));
  EXPECT_TRUE(account(ada.id).is_verified);
  logged_in("ada@example.com", kNew);
  EXPECT_FALSE(is_reset(token));
}

TEST_F(PasswordsTest, AResetIsGoodForTenMinutesAndTheLastOneCounts) {
  registered("ada@example.com");
  (void)ask_for_reset("ada@example.com");
  const std::string first = token_in(mails()[0]);
  (void)ask_for_reset("ada@example.com");
  const std::string second = token_in(mails()[0]);
  EXPECT_FALSE(is_reset(first));
  clock_.advance(10min);
  EXPECT_FALSE(is_reset(second));
}

TEST_F(PasswordsTest, AWeakPasswordDoesNotUseTheTokenUp) {
  registered("ada@example.com");
  (void)ask_for_reset("ada@example.com");
  const std::string token = token_in(mails()[0]);
  EXPECT_EQ(error_of([&] { (void)reset(token, "password"); }).kind(), ErrorKind::kValidation);
  EXPECT_TRUE(is_reset(token));
}

TEST_F(PasswordsTest, NobodyIsToldWhoHasAnAccount) {
  const User ada = registered("ada@example.com");
  EXPECT_TRUE(std::holds_alternative<Accepted>(ask_for_reset("nobody@example.com")));
  with<UserRepository>([&](UserRepository users) { users.deactivate(ada.id); });
  EXPECT_TRUE(std::holds_alternative<Accepted>(ask_for_reset("ada@example.com")));
  EXPECT_TRUE(mails().empty());
  limits_.refused = Attempt::kMail;
  EXPECT_TRUE(std::holds_alternative<TooManyAttempts>(ask_for_reset("nobody@example.com")));
}

TEST_F(PasswordsTest, ALockOutEndsATokenThatWasMailed) {
  const User ada = registered("ada@example.com");
  (void)ask_for_reset("ada@example.com");
  const std::string token = token_in(mails()[0]);
  with<UserRepository>([&](UserRepository users) {
    users.deactivate(ada.id);
    users.reactivate(ada.id);
  });
  EXPECT_FALSE(is_reset(token));
}

}  // namespace
}  // namespace gesso::domain
