#include "gesso/domain/second_factor.hpp"

#include <gtest/gtest.h>

#include "gesso/domain/passwords.hpp"
#include "tests/domain/account_fixture.hpp"

namespace gesso::domain {
namespace {

using namespace repositories;
using namespace std::chrono_literals;
using models::User;

class SecondFactorTest : public AccountTest {
 protected:
  auto confirm(const SignedIn& login, std::string_view typed) {
    return run([&](mongo::Session& session) {
      return confirm_totp(services_, session, requester(login), typed);
    });
  }
  struct Enrolled {
    SignedIn login;
    std::string secret;
    std::vector<std::string> recovery_codes;
  };
  Enrolled enrolled(std::string_view email) {
    registered(email);
    SignedIn login = logged_in(email);
    const auto begun =
        std::get<TotpEnrolment>(begin_totp(services_, run_, requester(login), by_password()));
    auto codes = std::get<RecoveryCodes>(confirm(login, code(begun.secret)));
    clock_.advance(30s);
    mails();
    return {std::move(login), begun.secret, std::move(codes.codes)};
  }
  std::string challenge(std::string_view email) {
    return std::get<SecondFactorNeeded>(try_log_in(email)).challenge;
  }
  auto enter(const std::string& challenge, std::string_view typed) {
    return run([&](mongo::Session& session) {
      return log_in_with_code(services_, session, challenge, typed, client_);
    });
  }
  bool enters(const std::string& challenge, std::string_view typed) {
    return std::holds_alternative<SignedIn>(enter(challenge, typed));
  }
};

TEST_F(SecondFactorTest, IsAskedForOnceItWasConfirmed) {
  registered("ada@example.com");
  const SignedIn login = logged_in("ada@example.com");
  const SignedIn other = logged_in("ada@example.com");
  const auto begun =
      std::get<TotpEnrolment>(begin_totp(services_, run_, requester(login), by_password()));
  logged_in("ada@example.com");  // not yet
  EXPECT_TRUE(std::holds_alternative<WrongCode>(confirm(login, "000000")));
  const auto codes = std::get<RecoveryCodes>(confirm(login, code(begun.secret)));
  EXPECT_EQ(codes.codes.size(), kRecoveryCodes);
  EXPECT_TRUE(is_admitted(login.access_token));
  EXPECT_FALSE(is_admitted(other.access_token));  // it had shown the password alone
  EXPECT_TRUE(std::holds_alternative<SecondFactorNeeded>(try_log_in("ada@example.com")));
  EXPECT_EQ(mails().size(), 1U);
}

TEST_F(SecondFactorTest, ACodeOpensTheSession) {
  const Enrolled ada = enrolled("ada@example.com");
  const std::string shown = challenge("ada@example.com");
  EXPECT_FALSE(is_admitted(shown));  // it is no access token
  EXPECT_FALSE(enters(shown, "000000"));
  const auto login = std::get<SignedIn>(enter(shown, code(ada.secret)));
  EXPECT_TRUE(is_admitted(login.access_token));
  EXPECT_FALSE(enters(login.access_token, code(ada.secret)));  // nor the other way round
}

TEST_F(SecondFactorTest, ACodeIsTakenOnce) {
  const Enrolled ada = enrolled("ada@example.com");
  const std::string typed = code(ada.secret);
  EXPECT_TRUE(enters(challenge("ada@example.com"), typed));
  EXPECT_FALSE(enters(challenge("ada@example.com"), typed));
  clock_.advance(30s);
  EXPECT_TRUE(enters(challenge("ada@example.com"), code(ada.secret)));
}

TEST_F(SecondFactorTest, TheChallengeEndsInMinutesAndWithThePassword) {
  const Enrolled ada = enrolled("ada@example.com");
  const std::string old = challenge("ada@example.com");
  clock_.advance(5min);
  EXPECT_FALSE(enters(old, code(ada.secret)));
  const std::string before = challenge("ada@example.com");
  (void)change_password(services_, run_, requester(ada.login), by_password(),
                        schema::Password("battery staple"));
  EXPECT_FALSE(enters(before, code(ada.secret)));
}

TEST_F(SecondFactorTest, GuessingIsLimitedByAccount) {
  const Enrolled ada = enrolled("ada@example.com");
  const std::string shown = challenge("ada@example.com");
  limits_.refused = Attempt::kCode;
  EXPECT_TRUE(std::holds_alternative<TooManyAttempts>(enter(shown, code(ada.secret))));
  EXPECT_EQ(limits_.asked.back().account, ada.login.user_id.str());
  // Who knows the password keeps nobody out who comes from where he is logged in.
  EXPECT_EQ(limits_.asked.back().familiarity, Network::kFamiliar);
  (void)run([&](mongo::Session& session) {
    return log_in_with_code(services_, session, shown, "000000", {.address = "192.0.2.99"});
  });
  EXPECT_EQ(limits_.asked.back().familiarity, Network::kStrange);
}

TEST_F(SecondFactorTest, ARecoveryCodeReplacesItOnceAndTheUserIsTold) {
  const Enrolled ada = enrolled("ada@example.com");
  EXPECT_TRUE(enters(challenge("ada@example.com"), ada.recovery_codes[0]));
  EXPECT_EQ(mails().size(), 1U);
  EXPECT_FALSE(enters(challenge("ada@example.com"), ada.recovery_codes[0]));
  EXPECT_TRUE(enters(challenge("ada@example.com"), ada.recovery_codes[1]));
}

TEST_F(SecondFactorTest, NewRecoveryCodesReplaceTheOld) {
  const Enrolled ada = enrolled("ada@example.com");
  EXPECT_TRUE(std::holds_alternative<NotProven>(
      renew_recovery_codes(services_, run_, requester(ada.login), by_password("wrong horse"))));
  const auto fresh = std::get<RecoveryCodes>(
      renew_recovery_codes(services_, run_, requester(ada.login), by_password()));
  EXPECT_FALSE(enters(challenge("ada@example.com"), ada.recovery_codes[0]));
  EXPECT_TRUE(enters(challenge("ada@example.com"), fresh.codes[0]));
}

TEST_F(SecondFactorTest, GoesWithThePasswordOnly) {
  const Enrolled ada = enrolled("ada@example.com");
  const auto disable = [&](std::string_view password) {
    return disable_totp(services_, run_, requester(ada.login), by_password(password));
  };
  EXPECT_TRUE(std::holds_alternative<NotProven>(disable("wrong horse")));
  EXPECT_TRUE(std::holds_alternative<SecondFactorIsOn>(
      begin_totp(services_, run_, requester(ada.login), by_password())));
  EXPECT_TRUE(std::holds_alternative<Accepted>(disable(kPassword)));
  EXPECT_TRUE(std::holds_alternative<NoSecondFactor>(disable(kPassword)));
  logged_in("ada@example.com");
  EXPECT_TRUE(account(ada.login.user_id).recovery_codes.empty());
}

TEST_F(SecondFactorTest, IsAskedForAfterAProvidersWordToo) {
  const ProviderIdentity identity{
      .provider = models::AuthProvider::kGoogle, .subject = "1234", .email = "ada@example.com"};
  const auto by_provider = [&] {
    return run([&](mongo::Session& session) {
      return log_in_by_provider(services_, session, identity, client_);
    });
  };
  const auto login = std::get<SignedIn>(by_provider());
  const auto begun =
      std::get<TotpEnrolment>(begin_totp(services_, run_, requester(login), Proof{}));
  (void)confirm(login, code(begun.secret));
  clock_.advance(30s);
  const auto needed = std::get<SecondFactorNeeded>(by_provider());
  EXPECT_TRUE(enters(needed.challenge, code(begun.secret)));
  // Without a password a code is the proof.
  clock_.advance(30s);
  EXPECT_TRUE(std::holds_alternative<NotProven>(
      disable_totp(services_, run_, requester(login), Proof{.code = "000000"})));
  EXPECT_TRUE(std::holds_alternative<Accepted>(
      disable_totp(services_, run_, requester(login), Proof{.code = code(begun.secret)})));
}

}  // namespace
}  // namespace gesso::domain
