#include "gesso/jose/token.hpp"

#include <gtest/gtest.h>

#include "gesso/base/base64.hpp"
#include "gesso/testing/token_signer.hpp"

namespace gesso::jose {
namespace {

namespace json = boost::json;
using gesso::testing::TokenSigner;

std::optional<Malformed> fault_of(std::string_view token) {
  const auto split = split_token(token);
  const auto* fault = std::get_if<Malformed>(&split);
  return fault == nullptr ? std::nullopt : std::optional(*fault);
}

std::optional<Claims> claims_of(std::string_view text) {
  return read_claims(base64url_encode(text));
}

TEST(Token, IsThreePartsOfWhichTheFirstSaysHowItIsSigned) {
  const TokenSigner signer = TokenSigner::es256("k1");
  const std::string token = signer.token({{"iss", "me"}});
  const auto split = split_token(token);
  const auto& parts = std::get<TokenParts>(split);
  EXPECT_EQ(parts.algorithm, "ES256");
  EXPECT_EQ(parts.key_id, "k1");
  EXPECT_EQ(read_claims(parts.claims)->issuer, "me");
  const auto keys = KeySet::read(signer.jwks());
  EXPECT_TRUE(keys->find("k1", *parse_algorithm(parts.algorithm))
                  ->verifies(parts.signing_input, parts.signature));
}

TEST(Token, SaysWhatKeepsATextFromBeingOne) {
  for (const char* text : {"", "abc", "a.b", "a.b.c.d", "."}) {
    EXPECT_EQ(fault_of(text), Malformed::kNotThreeParts) << text;
  }
  for (const char* text : {"..", "!.e30.", "W10.e30.", "e30.e30.!"}) {
    EXPECT_EQ(fault_of(text), Malformed::kEncoding) << text;
  }
  const std::string header = base64url_encode(R"({"alg":"RS256","crit":["b64"]})");
  EXPECT_EQ(fault_of(header + ".e30."), Malformed::kExtension);
}

TEST(Token, NoOtherAlgorithmIsKnown) {
  for (const char* name : {"none", "HS256", "RS512", "rs256", ""}) {
    EXPECT_EQ(parse_algorithm(name), std::nullopt) << name;
  }
}

TEST(Token, HasClaimsOfWhichAudiencesMayBeOneOrMany) {
  const auto one =
      claims_of(R"({"iss":"i","aud":"a","sub":"s","oid":"o","exp":1700000000,"nbf":1600000000.5})");
  ASSERT_TRUE(one);
  EXPECT_EQ(one->audiences, std::vector<std::string>{"a"});
  EXPECT_EQ(one->object_id, "o");
  EXPECT_EQ(one->expires, Time(std::chrono::seconds{1'700'000'000}));
  EXPECT_EQ(one->not_before, Time(std::chrono::milliseconds{1'600'000'000'500}));
  EXPECT_EQ(claims_of(R"({"aud":["a",1,"b"]})")->audiences, (std::vector<std::string>{"a", "b"}));
  const auto none = claims_of("{}");
  EXPECT_EQ(none->issuer, "");
  EXPECT_EQ(none->expires, std::nullopt);
}

TEST(Token, ClaimsThatMakeNoSenseAreNone) {
  for (const char* text : {"", "[]", "{", R"({"exp":"soon"})", R"({"exp":-1})", R"({"nbf":1e300})",
                           R"({"exp":null})"}) {
    EXPECT_FALSE(claims_of(text)) << text;
  }
}

}  // namespace
}  // namespace gesso::jose
