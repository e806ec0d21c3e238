#include "gesso/domain/jwt.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "gesso/base/base64.hpp"
#include "gesso/base/error.hpp"
#include "gesso/testing/fake_clock.hpp"

namespace gesso::domain {
namespace {

using namespace std::chrono_literals;
using testing::FakeClock;

constexpr std::string_view kKey = "a key of thirty-two bytes or more";

class TokensTest : public ::testing::Test {
 protected:
  FakeClock clock;
  Tokens tokens{Secret(kKey), 1h, clock};

  std::optional<TokenFault> fault(std::string_view token) const {
    TokenFault found{};
    if (tokens.verify(token, found)) return std::nullopt;
    return found;
  }

  // A token of any header and claims, signed by whoever has a key.
  static std::string forge(std::string_view header, std::string_view claims,
                           std::string_view key = kKey) {
    const std::string input = base64url_encode(header) + "." + base64url_encode(claims);
    return input + "." + base64url_encode(sign(key, input));
  }
};

TEST_F(TokensTest, SayWhoIsTheirSubjectUntilTheyExpire) {
  const std::string token = tokens.issue("user_1");
  TokenFault found{};
  EXPECT_EQ(tokens.verify(token, found), "user_1");
  clock.advance(59min + 59s);
  EXPECT_EQ(tokens.verify(token, found), "user_1");
  clock.advance(1s);
  EXPECT_EQ(fault(token), TokenFault::kExpired);
}

TEST_F(TokensTest, AreRefusedWhenAnyCharacterIsChanged) {
  const std::string token = tokens.issue("user_1");
  for (std::size_t i = 0; i < token.size(); ++i) {
    std::string changed = token;
    changed[i] = changed[i] == 'A' ? 'B' : 'A';
    EXPECT_TRUE(fault(changed)) << i;
  }
  for (std::size_t size = 0; size < token.size(); ++size) {
    EXPECT_TRUE(fault(token.substr(0, size))) << size;
  }
  EXPECT_TRUE(fault(token + "A"));
  EXPECT_TRUE(fault(token + "="));
}

TEST_F(TokensTest, AreRefusedWhenSignedWithAnotherKeyOrNone) {
  const Tokens other{Secret(std::string_view("another key of thirty-two bytes or so")), 1h, clock};
  EXPECT_EQ(fault(other.issue("user_1")), TokenFault::kSignature);
  const std::string none = base64url_encode(R"({"alg":"none"})") + "." +
                           base64url_encode(R"({"sub":"user_1","iat":1,"exp":99999999999})") + ".";
  EXPECT_EQ(fault(none), TokenFault::kSignature);
}

TEST_F(TokensTest, AreRefusedForAnotherAlgorithmOrMissingClaimsEvenIfSigned) {
  constexpr std::string_view kHeader = R"({"alg":"HS256"})";
  constexpr std::string_view kClaims = R"({"sub":"user_1","iat":1,"exp":99999999999})";
  EXPECT_FALSE(fault(forge(kHeader, kClaims)));
  const std::pair<std::string_view, std::string_view> bad[] = {
      {R"({"alg":"none"})", kClaims},
      {R"({"alg":"HS512"})", kClaims},
      {R"({"typ":"JWT"})", kClaims},
      {R"({"alg":"HS256","crit":["x"]})", kClaims},
      {R"([])", kClaims},
      {kHeader, R"({"iat":1,"exp":99999999999})"},
      {kHeader, R"({"sub":"","iat":1,"exp":99999999999})"},
      {kHeader, R"({"sub":7,"iat":1,"exp":99999999999})"},
      {kHeader, R"({"sub":"user_1","iat":1})"},
      {kHeader, R"({"sub":"user_1","exp":99999999999})"},
      {kHeader, R"({"sub":"user_1","iat":1,"exp":"99999999999"})"},
      {kHeader, R"({"sub":"user_1","iat":99999999998,"exp":99999999999})"},
      {kHeader, R"({"sub":"user_1","iat":1,"nbf":99999999998,"exp":99999999999})"},
      {kHeader, R"(no json)"},
  };
  for (const auto& [header, claims] : bad) {
    EXPECT_EQ(fault(forge(header, claims)), TokenFault::kMalformed) << header << claims;
  }
}

TEST_F(TokensTest, AreOfOneShape) {
  for (const char* text : {"", ".", "..", "...", "a.b", "a.b.c.d", "a.b.!", " . . "}) {
    EXPECT_TRUE(fault(text)) << text;
  }
  EXPECT_EQ(fault(std::string(5000, 'a') + "..a"), TokenFault::kMalformed);
}

TEST(TokensKey, MustBeLong) {
  const FakeClock clock;
  EXPECT_THROW((Tokens{Secret(std::string_view("short")), 1h, clock}), Error);
}

TEST(Jwt, SignsTheExampleOfRfc7515) {  // Appendix A.1
  const std::string key = *base64url_decode(
      "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow");
  const std::string input =
      "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9."
      "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVl"
      "fQ";
  EXPECT_EQ(base64url_encode(sign(key, input)), "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk");
}

TEST(BearerToken, IsBehindTheScheme) {
  EXPECT_EQ(bearer_token("Bearer abc"), "abc");
  EXPECT_EQ(bearer_token("bEARER abc"), "abc");
  for (const char* text : {"", "Bearer", "Bearer ", "Basic abc", "Bearerabc"}) {
    EXPECT_FALSE(bearer_token(text)) << text;
  }
}

}  // namespace
}  // namespace gesso::domain
