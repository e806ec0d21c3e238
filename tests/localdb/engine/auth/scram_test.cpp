#include "gesso/localdb/engine/auth/scram.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "gesso/base/base64.hpp"
#include "gesso/localdb/language/command_error.hpp"
#include "gesso/testing/seeded_random.hpp"
#include "tests/localdb/engine/auth/scram_client.hpp"

namespace gesso::localdb::auth {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

std::string_view text(const Digest& digest) {
  return {reinterpret_cast<const char*>(digest.data()), digest.size()};
}

constexpr int kFew = 4096;

class ScramTest : public ::testing::Test {
 protected:
  gesso::testing::SeededRandom random_;
  Credentials credentials_ = make_credentials("pencil", random_, kFew);
  ScramServer server_{random_};
  std::string asked_;

  std::string first(std::string_view message) {
    return server_.first(message, [this](const std::string& user) {
      asked_ = user;
      return std::vector{credentials_};
    });
  }
  int code_of(std::string_view message) {
    try {
      (void)server_.final(message);
    } catch (const CommandError& error) {
      return error.code();
    }
    return 0;
  }
};

TEST_F(ScramTest, DerivesTheKeysOfTheRfcsExample) {
  const std::string salt = *base64_decode("W22ZaJ0SNY7soEsUEjb6gQ==");
  const Credentials credentials = derive_credentials("pencil", {salt.begin(), salt.end()}, 4096);
  // RFC 7677 section 3: the messages, and the two signatures that these keys must give.
  const std::string auth_message =
      "n=user,r=rOprNGfwEbeRWgbNEkqO,"
      "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096,"
      "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0";
  EXPECT_EQ(base64_encode(hmac(text(credentials.server_key), auth_message)),
            "6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=");
  std::string client_key = *base64_decode("dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=");
  const std::string signature = hmac(text(credentials.stored_key), auth_message);
  for (std::size_t i = 0; i < client_key.size(); ++i) {
    client_key[i] = static_cast<char>(client_key[i] ^ signature[i]);
  }
  EXPECT_EQ(sha256(client_key), text(credentials.stored_key));
}

TEST_F(ScramTest, LetsTheRightPasswordInAndProvesItself) {
  const std::string server_first = first("n,,n=user,r=abc");
  EXPECT_THAT(server_first, StartsWith("r=abc"));
  EXPECT_EQ(asked_, "user");
  const std::string server_final =
      server_.final(client_final("pencil", "n=user,r=abc", server_first));
  EXPECT_THAT(server_final, StartsWith("v="));
  EXPECT_TRUE(server_.proven());
}

TEST_F(ScramTest, RefusesAnotherPassword) {
  const std::string server_first = first("n,,n=user,r=abc");
  EXPECT_EQ(code_of(client_final("pencils", "n=user,r=abc", server_first)), 18);
  EXPECT_FALSE(server_.proven());
}

TEST_F(ScramTest, RefusesAReplayInAnotherConversation) {
  const std::string proof = client_final("pencil", "n=user,r=abc", first("n,,n=user,r=abc"));
  ScramServer other(random_);
  (void)other.first("n,,n=user,r=abc",
                    [this](const std::string&) { return std::vector{credentials_}; });
  EXPECT_THROW((void)other.final(proof), CommandError);
  EXPECT_FALSE(other.proven());
}

TEST_F(ScramTest, ATriedConversationIsOver) {
  const std::string server_first = first("n,,n=user,r=abc");
  EXPECT_EQ(code_of(client_final("wrong", "n=user,r=abc", server_first)), 18);
  EXPECT_NE(code_of(client_final("pencil", "n=user,r=abc", server_first)), 0);
  EXPECT_FALSE(server_.proven());
}

TEST_F(ScramTest, DecodesNamesWithCommasAndEqualsSigns) {
  (void)first("n,,n=a=2Cb=3Dc,r=abc");
  EXPECT_EQ(asked_, "a,b=c");
}

TEST_F(ScramTest, AsksAnUnknownUserTheSameQuestionEachTime) {
  Digest secret{};
  random_.fill(secret);
  const Credentials one = decoy_credentials("admin.nobody", secret);
  const Credentials again = decoy_credentials("admin.nobody", secret);
  EXPECT_EQ(one.salt, again.salt);
  EXPECT_NE(one.salt, decoy_credentials("admin.noone", secret).salt);
  // In the shape of a real one.
  const Credentials real = make_credentials("pencil", random_);
  EXPECT_EQ(one.salt.size(), real.salt.size());
  EXPECT_EQ(one.iterations, real.iterations);
}

TEST_F(ScramTest, RefusesWhatIsNoScram) {
  for (const std::string_view message :
       {"", "n,,", "n,,n=user", "n,,r=abc,n=user", "p=tls-unique,,n=user,r=abc",
        "n,a=other,n=user,r=abc", "n,,n=,r=abc", "n,,n=us=er,r=abc", "n,,n=user,r="}) {
    ScramServer server(random_);
    EXPECT_THROW((void)server.first(
                     message, [this](const std::string&) { return std::vector{credentials_}; }),
                 CommandError)
        << message;
  }
}

TEST_F(ScramTest, RefusesAFinalMessageThatDoesNotFit) {
  for (const auto& [from, to] : {std::pair{"c=biws", "c=eSws"}, std::pair{"r=abc", "r=abd"},
                                 std::pair{",p=", ",q="}, std::pair{",p=", ",p=!"}}) {
    ScramServer server(random_);
    const std::string server_first = server.first(
        "n,,n=user,r=abc", [this](const std::string&) { return std::vector{credentials_}; });
    std::string message = client_final("pencil", "n=user,r=abc", server_first);
    message.replace(message.find(from), std::string_view(from).size(), to);
    EXPECT_THROW((void)server.final(message), CommandError) << message;
    EXPECT_FALSE(server.proven());
  }
}

TEST_F(ScramTest, TakesPrintableAsciiPasswordsOnly) {
  EXPECT_NO_THROW((void)make_credentials("p @ss~", random_, 1));
  for (const char* password : {"", "caf\xC3\xA9", "a\tb"}) {
    EXPECT_THROW((void)make_credentials(password, random_, 1), CommandError);
  }
}

}  // namespace
}  // namespace gesso::localdb::auth
