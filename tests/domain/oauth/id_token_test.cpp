#include "gesso/domain/oauth/id_token.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "gesso/base/base64.hpp"
#include "gesso/base/crypto.hpp"
#include "gesso/base/text.hpp"
#include "gesso/testing/token_signer.hpp"

namespace gesso::domain::oauth {

using Signer = gesso::testing::TokenSigner;
namespace {

namespace json = boost::json;
using ::testing::HasSubstr;

constexpr std::int64_t kNow = 1'769'860'800;
constexpr const char* kTenantA = "72f988bf-86f1-41af-91ab-2d7cd011db47";
constexpr const char* kTenantB = "00000000-1111-2222-3333-444444444444";

const Expected kExpected{
    .issuer = "https://issuer.example", .client_id = "our-client", .nonce = "the-nonce"};

json::object good_claims() {
  return {{"iss", "https://issuer.example"},
          {"aud", "our-client"},
          {"sub", "person-1"},
          {"exp", kNow + 3600},
          {"iat", kNow},
          {"nonce", "the-nonce"},
          {"email", "ada@example.com"},
          {"email_verified", true},
          {"name", "Ada"}};
}

const VerificationKey& key_of(const KeySet& keys, std::string_view id = "first") {
  return *keys.find(id, jose::Algorithm::kRs256);
}

// The reason of a refusal; "" where the token is good.
std::string refusal(const std::string& token, const Expected& expected = kExpected,
                    const KeySet& keys = *KeySet::read(Signer::first().jwks()),
                    std::int64_t now = kNow) {
  const auto parts = split_id_token(token);
  if (const auto* fault = std::get_if<NotAcceptable>(&parts)) return fault->reason;
  const auto checked =
      check_id_token(std::get<jose::TokenParts>(parts), key_of(keys), expected,
                     Time{std::chrono::seconds{now}} + std::chrono::milliseconds{999});
  if (const auto* fault = std::get_if<NotAcceptable>(&checked)) return fault->reason;
  return "";
}

std::string refusal(const json::object& claims, const Expected& expected = kExpected) {
  return refusal(Signer::first().token(claims), expected);
}

json::object with(std::string_view name, json::value value) {
  json::object claims = good_claims();
  claims[name] = std::move(value);
  return claims;
}
json::object with_text(std::string_view name, const std::string& text) {
  return with(name, json::value(json::string(text)));
}
json::object without(std::string_view name) {
  json::object claims = good_claims();
  claims.erase(name);
  return claims;
}

TEST(IdToken, SaysWhoSignedIn) {
  const auto token = Signer::first().token(good_claims());
  const auto parts = split_id_token(token);
  ASSERT_TRUE(std::holds_alternative<jose::TokenParts>(parts));
  EXPECT_EQ(std::get<jose::TokenParts>(parts).key_id, "first");
  const auto keys = KeySet::read(Signer::first().jwks());
  const auto checked = check_id_token(std::get<jose::TokenParts>(parts), key_of(*keys), kExpected,
                                      Time{std::chrono::seconds{kNow}});
  ASSERT_TRUE(std::holds_alternative<IdClaims>(checked));
  const auto& claims = std::get<IdClaims>(checked);
  EXPECT_EQ(claims.issuer, "https://issuer.example");
  EXPECT_EQ(claims.subject, "person-1");
  EXPECT_EQ(claims.email, "ada@example.com");
  EXPECT_TRUE(claims.email_verified);
  EXPECT_FALSE(claims.email_domain_owner_verified);
  EXPECT_EQ(claims.name, "Ada");
}

TEST(IdToken, IsRefusedWithAnotherSignature) {
  const std::string good = Signer::first().token(good_claims());
  ASSERT_EQ(refusal(good), "");
  EXPECT_THAT(refusal(Signer::second().token(good_claims())), HasSubstr("signature"));
  const std::size_t last = good.rfind('.');
  EXPECT_THAT(refusal(good.substr(0, last + 1)), HasSubstr("signature")) << "none at all";
  const std::string forged = base64url_encode(json::serialize(with("sub", "person-2")));
  EXPECT_THAT(refusal(good.substr(0, good.find('.') + 1) + forged + good.substr(last)),
              HasSubstr("signature"));
}

// RFC 8725, 2.1: the algorithm is ours, whatever the header asks for.
TEST(IdToken, IsRefusedWithAnotherAlgorithm) {
  const Signer& signer = Signer::first();
  for (const char* algorithm : {"none", "None", "HS256", "RS384", "PS256", "ES256", "", "rs256"}) {
    EXPECT_THAT(refusal(signer.token(good_claims(), {{"alg", algorithm}})), HasSubstr("RS256"))
        << algorithm;
  }
  // The classic: HMAC keyed with what everybody knows, the public key.
  const std::string input = base64url_encode(R"({"alg":"HS256","kid":"first"})") + "." +
                            base64url_encode(json::serialize(good_claims()));
  EXPECT_THAT(refusal(input + "." + base64url_encode(as_text(hmac_sha256(signer.jwks(), input)))),
              HasSubstr("RS256"));
  // With our algorithm in the header, the MAC is no signature.
  const std::string named = base64url_encode(R"({"alg":"RS256","kid":"first"})") + "." +
                            base64url_encode(json::serialize(good_claims()));
  EXPECT_THAT(refusal(named + "." + base64url_encode(as_text(hmac_sha256(signer.jwks(), named)))),
              HasSubstr("signature"));
}

TEST(IdToken, DoesNotBringItsOwnKey) {
  const json::object header{{"kid", "first"},
                            {"jwk", Signer::second().jwk()},
                            {"jku", "https://evil.example/jwks"},
                            {"x5u", "https://evil.example/cert"}};
  EXPECT_THAT(refusal(Signer::second().token(good_claims(), header)), HasSubstr("signature"));
  EXPECT_THAT(refusal(Signer::first().token(good_claims(), {{"crit", json::array{"exp"}}})),
              HasSubstr("extension"));
}

TEST(IdToken, IsRefusedOfAnotherIssuer) {
  for (const json::value& issuer :
       {json::value("https://evil.example"), json::value("https://issuer.example/"),
        json::value(""), json::value(nullptr), json::value(1),
        json::value(json::array{"https://issuer.example"})}) {
    EXPECT_THAT(refusal(with("iss", issuer)), HasSubstr("issuer")) << json::serialize(issuer);
  }
  EXPECT_THAT(refusal(without("iss")), HasSubstr("issuer"));
}

TEST(IdToken, MayNameGooglesIssuerInItsOldWay) {
  const Expected google{.issuer = "https://accounts.google.com",
                        .legacy_issuer = "accounts.google.com",
                        .client_id = "our-client",
                        .nonce = "the-nonce"};
  EXPECT_EQ(refusal(with("iss", "https://accounts.google.com"), google), "");
  const auto keys = KeySet::read(Signer::first().jwks());
  const std::string token = Signer::first().token(with("iss", "accounts.google.com"));
  const auto parts = split_id_token(token);
  const auto checked = check_id_token(std::get<jose::TokenParts>(parts), key_of(*keys), google,
                                      Time{std::chrono::seconds{kNow}});
  ASSERT_TRUE(std::holds_alternative<IdClaims>(checked));
  EXPECT_EQ(std::get<IdClaims>(checked).issuer, "https://accounts.google.com")
      << "or one person would have two accounts";
  EXPECT_THAT(refusal(with("iss", ""), google), HasSubstr("issuer"));
}

TEST(IdToken, OfMicrosoftNamesItsTenant) {
  const std::string start = "https://login.microsoftonline.com/";
  Expected common = kExpected;
  common.issuer = start + "{tenantid}/v2.0";
  const auto claims = [&](const std::string& issuer_tenant, json::value tid) {
    json::object all = with_text("iss", start + issuer_tenant + "/v2.0");
    all["tid"] = std::move(tid);
    return all;
  };
  EXPECT_EQ(refusal(claims(kTenantA, kTenantA), common), "");
  EXPECT_THAT(refusal(claims(kTenantA, kTenantB), common), HasSubstr("issuer"));
  EXPECT_THAT(refusal(claims("{tenantid}", "{tenantid}"), common), HasSubstr("issuer"));
  EXPECT_THAT(refusal(claims("", ""), common), HasSubstr("issuer"));
  EXPECT_THAT(refusal(claims("../evil", "../evil"), common), HasSubstr("issuer"));
  EXPECT_THAT(refusal(claims(kTenantA, nullptr), common), HasSubstr("issuer"));
  Expected one = kExpected;
  one.issuer = start + kTenantA + "/v2.0";
  EXPECT_EQ(refusal(claims(kTenantA, kTenantA), one), "");
  EXPECT_THAT(refusal(claims(kTenantB, kTenantB), one), HasSubstr("issuer"));
}

// Microsoft says of each key whose tokens it signs; one tenant's must not speak for another's.
TEST(IdToken, OfMicrosoftIsSignedWithAKeyOfItsTenant) {
  const std::string start = "https://login.microsoftonline.com/";
  Expected common = kExpected;
  common.issuer = start + "{tenantid}/v2.0";
  const auto keys_of = [](const std::string& issuer) {
    json::object jwk = Signer::first().jwk();
    jwk["issuer"] = issuer;
    return *KeySet::read(json::serialize(json::object{{"keys", json::array{jwk}}}));
  };
  json::object claims = with_text("iss", start + kTenantA + "/v2.0");
  claims["tid"] = kTenantA;
  const std::string token = Signer::first().token(claims);
  EXPECT_EQ(refusal(token, common, keys_of(start + "{tenantid}/v2.0")), "");
  EXPECT_EQ(refusal(token, common, keys_of(start + kTenantA + "/v2.0")), "");
  EXPECT_THAT(refusal(token, common, keys_of(start + kTenantB + "/v2.0")), HasSubstr("issuer"));
}

TEST(IdToken, IsRefusedForAnotherAudience) {
  EXPECT_THAT(refusal(with("aud", "another-client")), HasSubstr("audience"));
  EXPECT_THAT(refusal(without("aud")), HasSubstr("audience"));
  EXPECT_THAT(refusal(with("aud", json::array{})), HasSubstr("audience"));
  EXPECT_THAT(refusal(with("aud", json::array{"another-client"})), HasSubstr("audience"));
  EXPECT_THAT(refusal(with("azp", "another-client")), HasSubstr("audience"));
  EXPECT_EQ(refusal(with("aud", json::array{"our-client"})), "");
  EXPECT_EQ(refusal(with("azp", "our-client")), "");
  json::object several = with("aud", json::array{"another-client", "our-client"});
  EXPECT_THAT(refusal(several), HasSubstr("audience")) << "several, and not said whose it is";
  several["azp"] = "our-client";
  EXPECT_EQ(refusal(several), "");
  several["azp"] = "another-client";
  EXPECT_THAT(refusal(several), HasSubstr("audience"));
}

TEST(IdToken, HasItsTime) {
  EXPECT_EQ(refusal(with("exp", kNow - 59)), "");
  EXPECT_THAT(refusal(with("exp", kNow - 60)), HasSubstr("expired"));
  EXPECT_EQ(refusal(with("iat", kNow + 60)), "");
  EXPECT_THAT(refusal(with("iat", kNow + 61)), HasSubstr("not valid yet"));
  EXPECT_THAT(refusal(with("nbf", kNow + 61)), HasSubstr("not valid yet"));
  EXPECT_EQ(refusal(with("exp", static_cast<double>(kNow) + 0.5)), "") << "a fraction is allowed";
  for (const char* name : {"exp", "iat"}) {
    EXPECT_THAT(refusal(without(name)), HasSubstr("when it is valid")) << name;
    EXPECT_THAT(refusal(with(name, "soon")), HasSubstr("when it is valid")) << name;
  }
  EXPECT_THAT(refusal(with("nbf", "soon")), HasSubstr("when it is valid"));
}

TEST(IdToken, HoldsTheNonceOfItsAttempt) {
  EXPECT_THAT(refusal(with("nonce", "another")), HasSubstr("nonce"));
  EXPECT_THAT(refusal(without("nonce")), HasSubstr("nonce"));
  Expected empty = kExpected;
  empty.nonce = "";
  EXPECT_THAT(refusal(with("nonce", ""), empty), HasSubstr("nonce")) << "an empty one is none";
}

TEST(IdToken, NamesSomebody) {
  EXPECT_THAT(refusal(without("sub")), HasSubstr("nobody"));
  EXPECT_THAT(refusal(with("sub", "")), HasSubstr("nobody"));
  EXPECT_THAT(refusal(with("sub", 7)), HasSubstr("nobody"));
  EXPECT_EQ(refusal(with_text("sub", std::string(255, 'x'))), "");
  EXPECT_THAT(refusal(with_text("sub", std::string(256, 'x'))), HasSubstr("nobody"));
}

TEST(IdToken, IsOfTheDomainThatMaySignIn) {
  Expected one = kExpected;
  one.hosted_domain = "example.com";
  EXPECT_EQ(refusal(with("hd", "Example.com"), one), "");
  EXPECT_THAT(refusal(with("hd", "evil.example"), one), HasSubstr("domain"));
  EXPECT_THAT(refusal(good_claims(), one), HasSubstr("domain"))
      << "the address alone does not make a member";
}

TEST(IdToken, IsRefusedInAnotherShape) {
  for (const std::string& token :
       {std::string(), std::string("."), std::string(".."), std::string("..."), std::string("a.b"),
        std::string("a.b.c"), std::string("e30.e30."), std::string("e30.e30.e30.e30"),
        std::string("W10.e30.e30"), std::string(kMaxIdTokenBytes + 1, 'a')}) {
    EXPECT_NE(refusal(token), "") << token.substr(0, 40);
  }
  const std::string input = base64url_encode(R"({"alg":"RS256"})") + "." + base64url_encode("[]");
  EXPECT_THAT(refusal(input + "." + base64url_encode(Signer::first().sign(input))),
              HasSubstr("no claims"));
}

TEST(MatchesIssuer, TakesATenantOnlyWhereThereIsOne) {
  const std::string start = "https://login.microsoftonline.com/";
  EXPECT_TRUE(matches_issuer(start + "{tenantid}/v2.0", start + kTenantA + "/v2.0"));
  EXPECT_TRUE(matches_issuer(start + "{tenantid}/v2.0", start + "{tenantid}/v2.0"));
  EXPECT_FALSE(matches_issuer(start + "{tenantid}/v2.0", start + "evil/v2.0"));
  EXPECT_FALSE(matches_issuer(start + "{tenantid}/v2.0", start));
  EXPECT_TRUE(matches_issuer("https://a", "https://a"));
  EXPECT_FALSE(matches_issuer("https://a", "https://b"));
}

}  // namespace
}  // namespace gesso::domain::oauth
