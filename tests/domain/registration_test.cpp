#include "gesso/domain/registration.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "gesso/models/password_hashing.hpp"
#include "tests/domain/account_fixture.hpp"

namespace gesso::domain {
namespace {

using namespace repositories;
using namespace std::chrono_literals;
using models::User;
using ::testing::HasSubstr;

class RegistrationTest : public AccountTest {
 protected:
  auto confirm(const std::string& token) {
    return run(
        [&](mongo::Session& session) { return confirm_email(services_, session, token, client_); });
  }
  bool is_confirmed(const std::string& token) {
    return std::holds_alternative<Account>(confirm(token));
  }
  auto resend(std::string_view email) {
    return run([&](mongo::Session& session) {
      return resend_confirmation(services_, session, email, client_);
    });
  }
};

TEST_F(RegistrationTest, MakesAUserWhoConfirmsTheAddress) {
  const auto user = std::get<User>(try_register(" Ada@Example.com "));
  EXPECT_EQ(user.email, "ada@example.com");
  EXPECT_FALSE(user.is_verified);
  EXPECT_EQ(user.credits_remaining, 10);
  EXPECT_TRUE(models::verify_password(kPassword, *account(user.id).hashed_password));
  const auto sent = mails();
  ASSERT_EQ(sent.size(), 1U);
  EXPECT_EQ(sent[0].to, "ada@example.com");
  const std::string token = token_in(sent[0]);
  EXPECT_TRUE(is_confirmed(token));
  EXPECT_TRUE(account(user.id).is_verified);
  EXPECT_TRUE(is_confirmed(token));  // an answer was lost, and the link opened again
}

TEST_F(RegistrationTest, TheLinkLeadsToThePageWithTheTokenWhereNoServerSeesIt) {
  services_.settings.confirm_email_page = "https://app.example.com/confirm";
  (void)try_register("ada@example.com");
  EXPECT_THAT(mails()[0].text, HasSubstr("\n    https://app.example.com/confirm#token=gv_"));
}

TEST_F(RegistrationTest, ATokenIsGoodForADayAndForNobodyElse) {
  (void)try_register("ada@example.com");
  const std::string token = token_in(mails()[0]);
  (void)try_register("bob@example.com");
  const std::string of_bob = token_in(mails()[0]);
  EXPECT_FALSE(is_confirmed(token + "x"));
  EXPECT_FALSE(is_confirmed(""));
  const std::string mixed = token.substr(0, token.size() - 43) + of_bob.substr(of_bob.size() - 43);
  EXPECT_FALSE(is_confirmed(mixed));
  clock_.advance(24h);
  EXPECT_FALSE(is_confirmed(token));
}

TEST_F(RegistrationTest, ATakenAddressIsRefused) {
  registered("ada@example.com");
  EXPECT_TRUE(std::holds_alternative<EmailTaken>(try_register("ADA@example.com", "other horse")));
  EXPECT_TRUE(mails().empty());
}

TEST_F(RegistrationTest, WhereItIsHiddenATakenAddressGetsTheSameAnswerAndAMail) {
  services_.settings.hide_taken_email = true;
  EXPECT_TRUE(std::holds_alternative<Accepted>(try_register("ada@example.com")));
  const auto first = mails();
  ASSERT_EQ(first.size(), 1U);
  EXPECT_TRUE(is_confirmed(token_in(first[0])));
  EXPECT_TRUE(std::holds_alternative<Accepted>(try_register("ada@example.com", "other horse")));
  const auto second = mails();
  ASSERT_EQ(second.size(), 1U);
  EXPECT_THAT(second[0].text, HasSubstr("has an account already"));
  logged_in("ada@example.com");  // with the first password
}

TEST_F(RegistrationTest, PasswordsThatAreGuessedFirstAreRefused) {
  const Error error = error_of([&] { (void)try_register("ada@example.com", "password"); });
  EXPECT_EQ(error.kind(), ErrorKind::kValidation);
  EXPECT_EQ(to_string(error.violations()[0].path), "password");
}

TEST_F(RegistrationTest, AddressesThatNoMailReachesAreRefusedUnlessASettingAllowsThem) {
  const Error error = error_of([&] { (void)try_register("ada@machine.test"); });
  EXPECT_EQ(error.kind(), ErrorKind::kValidation);
  EXPECT_EQ(to_string(error.violations()[0].path), "email");
  services_.settings.allow_special_use_domains = true;
  EXPECT_TRUE(std::holds_alternative<User>(try_register("ada@machine.test")));
}

TEST_F(RegistrationTest, TooManyAreRefusedByNetwork) {
  limits_.refused = Attempt::kRegister;
  const auto refusal = std::get<TooManyAttempts>(try_register("ada@example.com"));
  EXPECT_EQ(refusal.retry_after, 30s);
  EXPECT_EQ(limits_.asked.back(),
            (ScriptedLimits::Asked{Attempt::kRegister, "", "192.0.2.7", Network::kStrange}));
}

TEST_F(RegistrationTest, TheMailIsSentAgainToWhoHasNotConfirmedAndToNobodyElse) {
  const User ada = registered("ada@example.com");
  (void)resend("ada@example.com");
  const auto sent = mails();
  ASSERT_EQ(sent.size(), 1U);
  EXPECT_TRUE(is_confirmed(token_in(sent[0])));
  (void)resend("ada@example.com");
  (void)resend("nobody@example.com");
  EXPECT_TRUE(mails().empty());
  limits_.refused = Attempt::kMail;
  EXPECT_TRUE(std::holds_alternative<TooManyAttempts>(resend("ada@example.com")));
}

TEST_F(RegistrationTest, ANewAddressTakesThePlaceOfTheOldOnceItIsConfirmed) {
  const User ada = registered("ada@example.com");
  const SignedIn login = logged_in("ada@example.com");
  const auto request = [&](std::string_view email, std::string_view password) {
    return request_email_change(services_, run_, requester(login), email, by_password(password));
  };
  EXPECT_TRUE(std::holds_alternative<NotProven>(request("new@example.com", "wrong horse")));
  EXPECT_TRUE(std::holds_alternative<Accepted>(request("new@example.com", kPassword)));
  EXPECT_EQ(account(ada.id).email, "ada@example.com");
  auto sent = mails();
  ASSERT_EQ(sent.size(), 1U);
  EXPECT_EQ(sent[0].to, "new@example.com");
  EXPECT_TRUE(is_confirmed(token_in(sent[0])));
  EXPECT_EQ(account(ada.id).email, "new@example.com");
  EXPECT_TRUE(account(ada.id).is_verified);
  sent = mails();
  ASSERT_EQ(sent.size(), 1U);
  EXPECT_EQ(sent[0].to, "ada@example.com");  // whoever reads it there may have lost the account
  EXPECT_TRUE(is_admitted(login.access_token));
}

TEST_F(RegistrationTest, AnAddressThatWasTakenMeanwhileIsNotTakenOver) {
  const User ada = registered("ada@example.com");
  const SignedIn login = logged_in("ada@example.com");
  (void)request_email_change(services_, run_, requester(login), "new@example.com", by_password());
  const std::string token = token_in(mails()[0]);
  registered("new@example.com");
  EXPECT_TRUE(std::holds_alternative<EmailTaken>(confirm(token)));
  EXPECT_EQ(account(ada.id).email, "ada@example.com");
  EXPECT_TRUE(is_admitted(login.access_token));
}

}  // namespace
}  // namespace gesso::domain
