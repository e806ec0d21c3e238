#include "gesso/domain/passwords.hpp"

#include <gtest/gtest.h>

#include "gesso/domain/api_keys.hpp"
#include "gesso/domain/identities.hpp"
#include "gesso/domain/second_factor.hpp"
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

// Whoever knew the old password may have asked for a change of the address: confirmed later, it
// would bring the account back to him.
TEST_F(PasswordsTest, ANewPasswordEndsAChangeOfTheAddressThatIsNotConfirmed) {
  const User ada = registered("ada@example.com");
  const auto begin_change = [&] {
    const SignedIn thief = logged_in("ada@example.com");
    (void)request_email_change(services_, run_, requester(thief), "thief@example.com",
                               by_password());
    return token_in(mails()[0]);
  };
  const auto confirms = [&](const std::string& token) {
    return std::holds_alternative<Account>(run([&](mongo::Session& session) {
      return confirm_email(services_, session, token, client_);
    }));
  };
  const std::string first = begin_change();
  (void)ask_for_reset("ada@example.com");
  EXPECT_TRUE(is_reset(token_in(mails()[0])));
  EXPECT_FALSE(confirms(first));
  mails();
  EXPECT_TRUE(std::holds_alternative<Accepted>(
      change(logged_in("ada@example.com", kNew), kNew, kPassword)));
  mails();
  const std::string second = begin_change();
  EXPECT_TRUE(
      std::holds_alternative<Accepted>(change(logged_in("ada@example.com"), kPassword, kNew)));
  EXPECT_FALSE(confirms(second));
  EXPECT_EQ(account(ada.id).email, "ada@example.com");
}

// Somebody registered another's address, and made himself at home; then its owner asks for a new
// password.
TEST_F(PasswordsTest, AResetOfAnAddressThatNobodyConfirmedEndsWhatAnImpostorLeft) {
  const User user = registered("ada@example.com");
  const SignedIn impostor = logged_in("ada@example.com");
  const auto key = run([&](mongo::Session& session) {
    return create_api_key(services_, session, requester(impostor), models::kUserScopes,
                          {"mine", {models::Scope::kAccountRead}, {}});
  });
  const std::string secret = std::get<CreatedApiKey>(key).secret;
  const ProviderIdentity google{.provider = models::AuthProvider::kGoogle, .subject = "1"};
  const ProviderIdentity github{.provider = models::AuthProvider::kGithub, .subject = "2"};
  for (const ProviderIdentity& identity : {google, github}) {
    (void)run([&](mongo::Session& session) {
      return link_identity(services_, session, requester(impostor), identity);
    });
  }
  const auto begun =
      std::get<TotpEnrolment>(begin_totp(services_, run_, requester(impostor), by_password()));
  (void)run([&](mongo::Session& session) {
    return confirm_totp(services_, session, requester(impostor), code(begun.secret));
  });
  EXPECT_TRUE(is_admitted(secret));
  mails();
  (void)ask_for_reset("ada@example.com");
  EXPECT_TRUE(is_reset(token_in(mails()[0])));
  EXPECT_FALSE(is_admitted(secret));
  EXPECT_FALSE(is_admitted(impostor.access_token));
  logged_in("ada@example.com", kNew);  // no second factor is in the owner's way
  for (const ProviderIdentity& identity : {google, github}) {
    EXPECT_FALSE(with<AccountRepository>([&](AccountRepository accounts) {
      return accounts.find_account(identity.provider, identity.subject);
    }));
  }
  EXPECT_TRUE(account(user.id).recovery_codes.empty());
}

TEST_F(PasswordsTest, AResetOfAConfirmedAddressLeavesKeysAndTheSecondFactor) {
  const User ada = registered("ada@example.com");
  with<UserRepository>([&](UserRepository users) { users.mark_as_verified(ada.id); });
  const SignedIn login = logged_in("ada@example.com");
  const auto key = run([&](mongo::Session& session) {
    return create_api_key(services_, session, requester(login), models::kUserScopes,
                          {"mine", {models::Scope::kAccountRead}, {}});
  });
  (void)ask_for_reset("ada@example.com");
  EXPECT_TRUE(is_reset(token_in(mails()[0])));
  EXPECT_TRUE(is_admitted(std::get<CreatedApiKey>(key).secret));
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
