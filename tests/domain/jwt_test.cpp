#include "gesso/domain/jwt.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "gesso/base/base64.hpp"
#include "gesso/base/error.hpp"
#include "gesso/testing/fake_clock.hpp"

namespace gesso::domain {
namespace {

using namespace std::chrono_literals;
using testing::FakeClock;

constexpr std::string_view kKey = "a key of thirty-two bytes or more";
constexpr std::string_view kOtherKey = "another key of thirty-two bytes or so";
constexpr std::string_view kClaims =
    R"({"iss":"gesso","aud":"gesso","sub":"user_1","sid":"ses_1","iat":1,"exp":99999999999})";

class TokensTest : public ::testing::Test {
 protected:
  FakeClock clock;
  Tokens tokens{Secret(kKey), 1h, clock};

  std::string issue(std::string subject, TokenUse use = TokenUse::kAccess) const {
    return tokens.issue(use,
                        {.subject = std::move(subject), .session_id = "ses_1", .token_id = "t"});
  }
  std::optional<TokenFault> fault(std::string_view token, TokenUse use = TokenUse::kAccess) const {
    TokenFault found{};
    if (tokens.verify(use, token, found)) return std::nullopt;
    return found;
  }
  std::string header(std::string_view members) const {
    return R"({"alg":"HS256","typ":"at+jwt","kid":")" + std::string(tokens.key_id()) + "\"" +
           std::string(members) + "}";
  }

  // A token of any header and claims, signed by whoever has a key.
  static std::string forge(std::string_view header, std::string_view claims,
                           std::string_view key = kKey) {
    const std::string input = base64url_encode(header) + "." + base64url_encode(claims);
    return input + "." + base64url_encode(sign(key, input));
  }
};

TEST_F(TokensTest, SayWhoseTheyAreUntilTheyExpire) {
  const std::string token = issue("user_1");
  TokenFault found{};
  auto claims = tokens.verify(TokenUse::kAccess, token, found);
  ASSERT_TRUE(claims);
  EXPECT_EQ(claims->subject, "user_1");
  EXPECT_EQ(claims->session_id, "ses_1");
  EXPECT_EQ(claims->token_id, "t");
  clock.advance(59min + 59s);
  EXPECT_TRUE(tokens.verify(TokenUse::kAccess, token, found));
  clock.advance(1s);
  EXPECT_EQ(fault(token), TokenFault::kExpired);
}

// More tokens than are remembered, each of them several times.
TEST_F(TokensTest, AreWhatTheyAreWhetherRememberedOrNot) {
  std::vector<std::pair<std::string, std::string>> all;
  for (int i = 0; i < 6000; ++i) {
    const std::string subject = "user_" + std::to_string(i);
    all.emplace_back(subject, issue(subject));
  }
  for (int round = 0; round < 2; ++round) {
    for (const auto& [subject, token] : all) {
      TokenFault found{};
      for (int again = 0; again < 2; ++again) {
        const auto claims = tokens.verify(TokenUse::kAccess, token, found);
        ASSERT_TRUE(claims);
        ASSERT_EQ(claims->subject, subject);
      }
      ASSERT_EQ(fault(token, TokenUse::kSecondFactor), TokenFault::kMalformed);
    }
  }
  EXPECT_EQ(fault(""), TokenFault::kMalformed);
  clock.advance(1h);
  EXPECT_EQ(fault(all.back().second), TokenFault::kExpired);
}

TEST_F(TokensTest, SayInTheHeaderWhatTheyAreFor) {  // RFC 9068, 2.1
  const std::string token = issue("user_1");
  EXPECT_EQ(base64url_decode(token.substr(0, token.find('.'))), header(""));
}

TEST_F(TokensTest, AreRefusedWhenAnyCharacterIsChanged) {
  const std::string token = issue("user_1");
  EXPECT_FALSE(fault(token));  // and so it is remembered
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
  const Tokens other{Secret(kOtherKey), 1h, clock};
  const TokenClaims claims{.subject = "user_1", .session_id = "ses_1", .token_id = "t"};
  EXPECT_EQ(fault(other.issue(TokenUse::kAccess, claims)), TokenFault::kSignature);
  // RFC 8725, 2.1: algorithms that a token chooses itself.
  for (const char* none : {R"({"alg":"none"})", R"({"alg":"None","typ":"at+jwt"})"}) {
    EXPECT_EQ(fault(base64url_encode(none) + "." + base64url_encode(kClaims) + "."),
              TokenFault::kSignature);
  }
}

TEST_F(TokensTest, AreGoodUnderTheKeyBeforeUntilItIsTakenAway) {
  const std::string old = issue("user_1");
  const Tokens rotated{Secret(kOtherKey), Secret(kKey), {}, clock};
  const TokenClaims claims{.subject = "user_2", .session_id = "ses_1", .token_id = "t"};
  const std::string fresh = rotated.issue(TokenUse::kAccess, claims);
  TokenFault found{};
  EXPECT_TRUE(rotated.verify(TokenUse::kAccess, old, found));
  EXPECT_TRUE(rotated.verify(TokenUse::kAccess, fresh, found));
  EXPECT_EQ(fault(fresh), TokenFault::kSignature);  // a service that has not rotated yet
  const Tokens later{Secret(kOtherKey), std::nullopt, {}, clock};
  EXPECT_FALSE(later.verify(TokenUse::kAccess, old, found));
  EXPECT_TRUE(later.verify(TokenUse::kAccess, fresh, found));
}

TEST_F(TokensTest, OfOneUseNeverPassForAnother) {
  EXPECT_EQ(fault(issue("user_1", TokenUse::kSecondFactor)), TokenFault::kMalformed);
  EXPECT_EQ(fault(issue("user_1"), TokenUse::kSecondFactor), TokenFault::kMalformed);
  EXPECT_FALSE(fault(issue("user_1", TokenUse::kSecondFactor), TokenUse::kSecondFactor));
}

TEST_F(TokensTest, OfAnotherIssuerOrForAnotherAudienceAreRefused) {
  const TokenClaims claims{.subject = "user_1", .session_id = "ses_1", .token_id = "t"};
  for (const TokenSettings& settings :
       {TokenSettings{.issuer = "other"}, TokenSettings{.audience = "other"}}) {
    const Tokens other{Secret(kKey), std::nullopt, settings, clock};
    EXPECT_EQ(fault(other.issue(TokenUse::kAccess, claims)), TokenFault::kMalformed);
  }
}

TEST_F(TokensTest, AreRefusedForAnotherHeaderEvenIfSigned) {
  ASSERT_FALSE(fault(forge(header(""), kClaims)));
  ASSERT_FALSE(
      fault(forge(header(R"(,"jku":"https://evil.example/keys")"), kClaims)));  // no one looks
  const std::string kid = R"(,"kid":")" + std::string(tokens.key_id()) + R"("})";
  const std::string bad[] = {
      R"({"alg":"none","typ":"at+jwt")" + kid,
      R"({"alg":"HS512","typ":"at+jwt")" + kid,
      R"({"alg":"RS256","typ":"at+jwt")" + kid,
      R"({"alg":["HS256"],"typ":"at+jwt")" + kid,
      R"({"typ":"at+jwt")" + kid,
      R"({"alg":"HS256","typ":"JWT")" + kid,
      R"({"alg":"HS256","typ":"mfa+jwt")" + kid,
      R"({"alg":"HS256")" + kid,
      R"({"alg":"HS256","typ":"at+jwt","kid":"another"})",
      R"({"alg":"HS256","typ":"at+jwt","kid":"../../etc/passwd"})",
      R"({"alg":"HS256","typ":"at+jwt"})",
      header(R"(,"crit":["x"])"),
      R"([])",
      R"(no json)",
  };
  for (const std::string& text : bad) {
    EXPECT_EQ(fault(forge(text, kClaims)), TokenFault::kMalformed) << text;
  }
}

TEST_F(TokensTest, AreRefusedForMissingOrStrangeClaimsEvenIfSigned) {
  const auto claims = [](std::string_view members) {
    return R"({"iss":"gesso","aud":"gesso",)" + std::string(members) + "}";
  };
  const std::string good[] = {
      claims(R"("sub":"user_1","sid":"ses_1","iat":1.5,"exp":99999999999.25)"),
      claims(R"("sub":"user_1","sid":"ses_1","iat":1e0,"exp":9.9e10,"nbf":0.5)"),
      R"({"iss":"gesso","aud":["x","gesso"],"sub":"u","sid":"s","iat":1,"exp":99999999999})",
  };
  for (const std::string& text : good) EXPECT_FALSE(fault(forge(header(""), text))) << text;
  const std::string bad[] = {
      claims(R"("sid":"ses_1","iat":1,"exp":99999999999)"),
      claims(R"("sub":"","sid":"ses_1","iat":1,"exp":99999999999)"),
      claims(R"("sub":7,"sid":"ses_1","iat":1,"exp":99999999999)"),
      claims(R"("sub":"user_1","iat":1,"exp":99999999999)"),
      claims(R"("sub":"user_1","sid":"","iat":1,"exp":99999999999)"),
      claims(R"("sub":"user_1","sid":"ses_1","iat":1)"),
      claims(R"("sub":"user_1","sid":"ses_1","exp":99999999999)"),
      claims(R"("sub":"user_1","sid":"ses_1","iat":1,"exp":"99999999999")"),
      claims(R"("sub":"user_1","sid":"ses_1","iat":99999999998,"exp":99999999999)"),
      claims(R"("sub":"user_1","sid":"ses_1","iat":1,"nbf":99999999998,"exp":99999999999)"),
      R"({"aud":"gesso","sub":"user_1","sid":"ses_1","iat":1,"exp":99999999999})",
      R"({"iss":"gesso","sub":"user_1","sid":"ses_1","iat":1,"exp":99999999999})",
      R"({"iss":"gesso","aud":[],"sub":"user_1","sid":"ses_1","iat":1,"exp":99999999999})",
      R"({"iss":"gesso","aud":{},"sub":"user_1","sid":"ses_1","iat":1,"exp":99999999999})",
      R"(no json)",
  };
  for (const std::string& text : bad) {
    EXPECT_EQ(fault(forge(header(""), text)), TokenFault::kMalformed) << text;
  }
}

TEST_F(TokensTest, WithAFractionOfASecondLeftAreGood) {
  const auto until = [&](double seconds) {
    const double now = std::chrono::duration<double>(clock.now().time_since_epoch()).count();
    return forge(header(""), R"({"iss":"gesso","aud":"gesso","sub":"u","sid":"s","iat":1,"exp":)" +
                                 std::to_string(now + seconds) + "}");
  };
  EXPECT_FALSE(fault(until(0.5)));
  EXPECT_EQ(fault(until(-0.5)), TokenFault::kExpired);
}

TEST_F(TokensTest, AreOfOneShape) {
  for (const char* text : {"", ".", "..", "...", "a.b", "a.b.c.d", "a.b.!", " . . "}) {
    EXPECT_TRUE(fault(text)) << text;
  }
  EXPECT_EQ(fault(std::string(5000, 'a') + "..a"), TokenFault::kMalformed);
}

TEST_F(TokensTest, DeriveAValueForEachPurposeTextAndKey) {
  const Tokens rotated{Secret(kOtherKey), Secret(kKey), {}, clock};
  EXPECT_EQ(tokens.derive("a", "b").size(), 1U);
  EXPECT_EQ(rotated.derive("a", "b").size(), 2U);
  EXPECT_EQ(rotated.derive("a", "b")[1], tokens.derive("a", "b")[0]);
  EXPECT_NE(rotated.derive("a", "b")[0], rotated.derive("a", "b")[1]);
  EXPECT_NE(tokens.derive("a", "b"), tokens.derive("a", "c"));
  EXPECT_NE(tokens.derive("a", "b"), tokens.derive("b", "b"));
}

TEST(TokensKey, MustBeLong) {
  const FakeClock clock;
  EXPECT_THROW((Tokens{Secret(std::string_view("short")), 1h, clock}), Error);
  EXPECT_THROW((Tokens{Secret(kKey), Secret(std::string_view("short")), {}, clock}), Error);
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
  for (const char* text : {"Bearer abc", "bEARER abc", "Bearer    abc", "  Bearer \t abc  "}) {
    EXPECT_EQ(bearer_token(text), "abc") << text;
  }
  for (const char* text : {"", "Bearer", "Bearer ", "Bearer   ", "Basic abc", "Bearerabc", "  "}) {
    EXPECT_FALSE(bearer_token(text)) << text;
  }
}

}  // namespace
}  // namespace gesso::domain
