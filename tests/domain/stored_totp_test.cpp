#include "gesso/domain/stored_totp.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "gesso/domain/second_factor.hpp"
#include "tests/domain/account_fixture.hpp"

namespace gesso::domain {
namespace {

using namespace repositories;
using namespace std::chrono_literals;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

class StoredTotpTest : public AccountTest {
 protected:
  struct Enrolled {
    models::UserId id;
    std::string email;
    std::string secret;
    std::vector<std::string> recovery_codes;
  };
  Enrolled enrolled(const std::string& email) {
    registered(email);
    const SignedIn login = logged_in(email);
    const auto begun =
        std::get<TotpEnrolment>(begin_totp(services_, run_, requester(login), by_password()));
    const auto codes = run([&](mongo::Session& session) {
      return confirm_totp(services_, session, requester(login), code(begun.secret));
    });
    clock_.advance(30s);
    return {login.user_id, email, begun.secret, std::get<RecoveryCodes>(codes).codes};
  }
  std::string stored(const models::UserId& id) { return account(id).totp->secret; }
  void store(const models::UserId& id, const std::string& secret) {
    with<AccountRepository>([&](AccountRepository accounts) {
      return accounts.change_account(id, [&](Account& account) {
        account.totp->secret = secret;
        return true;
      });
    });
  }
  // Whether the code, or recovery code, opens a session.
  bool enters(const Enrolled& user, std::string_view typed) {
    const auto challenge = std::get<SecondFactorNeeded>(try_log_in(user.email)).challenge;
    return run([&](mongo::Session& session) {
      return std::holds_alternative<SignedIn>(
          log_in_with_code(services_, session, challenge, typed, client_));
    });
  }
  bool enters(const Enrolled& user) { return enters(user, code(user.secret)); }
  Reencrypted reencrypt(const Keyring& keys) {
    return run(
        [&](mongo::Session& session) { return reencrypt_totp_secrets(session, context_, keys); });
  }
};

TEST_F(StoredTotpTest, TheDatabaseHoldsNoSecretInPlainText) {
  registered("ada@example.com");
  const SignedIn login = logged_in("ada@example.com");
  const auto begun =
      std::get<TotpEnrolment>(begin_totp(services_, run_, requester(login), by_password()));
  const bson::Document document = run([&](mongo::Session& session) {
    return *session.find_one("users", bson::make_document("_id", login.user_id.str()), {});
  });
  const std::string bytes(reinterpret_cast<const char*>(document.data()), document.size());
  EXPECT_THAT(bytes, HasSubstr("ada@example.com"));
  EXPECT_THAT(bytes, Not(HasSubstr(begun.secret)));
  EXPECT_THAT(bytes, Not(HasSubstr(totp_key(begun.secret))));
  EXPECT_THAT(stored(login.user_id), StartsWith("enc1." + std::string(keys_.key_id()) + "."));
}

TEST_F(StoredTotpTest, ASecretOfAnOlderVersionIsReadAndEncryptedAtItsNextUse) {
  const Enrolled ada = enrolled("ada@example.com");
  store(ada.id, ada.secret);
  EXPECT_FALSE(enters(ada, "000000"));
  EXPECT_EQ(stored(ada.id), ada.secret) << "nothing is stored for a wrong code";
  EXPECT_TRUE(enters(ada));
  EXPECT_THAT(stored(ada.id), StartsWith("enc1."));
  EXPECT_FALSE(enters(ada)) << "the code was taken";
  clock_.advance(30s);
  EXPECT_TRUE(enters(ada));
}

TEST_F(StoredTotpTest, AnotherUsersSecretOpensNothing) {
  const Enrolled ada = enrolled("ada@example.com");
  const Enrolled eve = enrolled("eve@example.com");
  store(ada.id, stored(eve.id));  // whoever can write to the database knows the codes of his own
  const Error error = error_of([&] { enters(ada, code(eve.secret)); });
  EXPECT_EQ(error.kind(), ErrorKind::kInternal);
  EXPECT_THAT(error.what(), HasSubstr(ada.id.str()));
  EXPECT_THAT(error.what(), Not(HasSubstr(eve.secret)));
  EXPECT_TRUE(enters(eve));
}

TEST_F(StoredTotpTest, AKeyIsRotatedWhileUsersLogIn) {
  const Enrolled ada = enrolled("ada@example.com");
  const Keyring both = keyring_of("nk");
  services_.keys = &both;
  EXPECT_TRUE(enters(ada));
  EXPECT_TRUE(both.is_current(stored(ada.id)));
  const Keyring after = keyring_of("n");
  services_.keys = &after;
  clock_.advance(30s);
  EXPECT_TRUE(enters(ada));
}

TEST_F(StoredTotpTest, ReencryptionTakesEveryUserToTheKeyOfToday) {
  const Enrolled ada = enrolled("ada@example.com");
  const Enrolled bob = enrolled("bob@example.com");
  const Enrolled eve = enrolled("eve@example.com");
  registered("none@example.com");
  store(bob.id, bob.secret);
  const Keyring both = keyring_of("nk");
  store(eve.id, keyring_of("x").seal(eve.secret, "totp/" + eve.id.str(), random_));  // no such key
  const Reencrypted first = reencrypt(both);
  EXPECT_EQ(first.changed, 2);
  EXPECT_EQ(first.failed, 1);
  EXPECT_EQ(reencrypt(both).changed, 0);
  const Keyring after = keyring_of("n");
  services_.keys = &after;
  EXPECT_TRUE(enters(ada));
  EXPECT_TRUE(enters(bob));
}

TEST_F(StoredTotpTest, WithoutAKeyNobodyBeginsASecondFactorAndNobodyIsLockedOut) {
  const Enrolled ada = enrolled("ada@example.com");
  const Enrolled old = enrolled("old@example.com");
  store(old.id, old.secret);
  services_.keys = nullptr;
  registered("bob@example.com");
  EXPECT_TRUE(std::holds_alternative<SecondFactorNotOffered>(
      begin_totp(services_, run_, requester(logged_in("bob@example.com")), by_password())));
  EXPECT_FALSE(account(logged_in("bob@example.com").user_id).totp);
  EXPECT_TRUE(enters(old));
  EXPECT_EQ(stored(old.id), old.secret);
  EXPECT_EQ(error_of([&] { enters(ada); }).kind(), ErrorKind::kInternal);
  EXPECT_TRUE(enters(ada, ada.recovery_codes[0]));
}

// Of many who show the same code at the same time one gets in: the code of the authenticator
// program, and a recovery code.
TEST_F(StoredTotpTest, OfManyWhoShowOneCodeAtOnceOneGetsIn) {
  const Enrolled ada = enrolled("ada@example.com");
  const auto challenge = std::get<SecondFactorNeeded>(try_log_in("ada@example.com")).challenge;
  for (const std::string& typed : {code(ada.secret), ada.recovery_codes[0]}) {
    std::atomic<int> entered = 0;
    {
      std::vector<std::jthread> threads;
      for (int i = 0; i < 8; ++i) {
        threads.emplace_back([&] {
          run([&](mongo::Session& session) {
            if (std::holds_alternative<SignedIn>(
                    log_in_with_code(services_, session, challenge, typed, client_))) {
              ++entered;
            }
          });
        });
      }
    }
    EXPECT_EQ(entered, 1) << typed.size();
  }
  EXPECT_EQ(account(ada.id).recovery_codes.size(), kRecoveryCodes - 1);
}

}  // namespace
}  // namespace gesso::domain
