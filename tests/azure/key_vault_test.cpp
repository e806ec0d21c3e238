#include "gesso/azure/key_vault.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "gesso/azure/token_claims.hpp"
#include "gesso/base/error.hpp"
#include "gesso/testing/fake_clock.hpp"
#include "gesso/testing/seeded_random.hpp"
#include "tests/azure/fake_tokens.hpp"
#include "tests/client/scripted_client.hpp"

namespace gesso::azure {
namespace {

using namespace std::chrono_literals;
using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;
using Asked = FakeTokens::Asked;

constexpr std::string_view kV1 = "11111111111111111111111111111111";
constexpr std::string_view kV2 = "22222222222222222222222222222222";
constexpr std::string_view kValue = "mongodb://acct:very-secret-key@host/";

std::string item(std::string_view version, std::string_view attributes) {
  return R"("id":"https://v.vault.azure.net/secrets/uri/)" + std::string(version) +
         R"(","attributes":{)" + std::string(attributes) + "}";
}
std::string secret_body(std::string_view attributes = R"("enabled":true,"created":1700000000)",
                        std::string_view version = kV1) {
  return R"({"value":")" + std::string(kValue) + R"(",)" + item(version, attributes) + "}";
}
std::string error_body(std::string_view code, std::string_view inner = "") {
  std::string out = R"({"error":{"code":")" + std::string(code) +
                    R"(","message":"words of the service with very-secret-key")";
  if (!inner.empty()) out += R"(,"innererror":{"code":")" + std::string(inner) + R"("})";
  return out + "}}";
}
client::ScriptedClient::Headers challenge(std::string_view authority, std::string_view resource) {
  return {{"www-authenticate", "Bearer authorization=\"" + std::string(authority) +
                                   "\", resource=\"" + std::string(resource) + "\""}};
}

class KeyVaultTest : public ::testing::Test {
 protected:
  client::ScriptedClient client;
  FakeTokens tokens;
  testing::FakeClock clock;  // 2026-01-31T12:00:00Z
  testing::SeededRandom random;
  KeyVaultOptions options{.url = "https://v.vault.azure.net/",
                          .retry = {.attempts = 3, .wait_min = 1ms},
                          .forbidden_wait = 1ms};

  SecretValue get(std::string_view version = "", const client::Call& call = {}) {
    KeyVault vault(options, client, tokens, clock, random);
    return vault.get("uri", version, call);
  }
  std::vector<SecretVersion> versions() {
    KeyVault vault(options, client, tokens, clock, random);
    return vault.versions("uri", {});
  }
  // "KIND: message" of what it throws.
  template <class F>
  std::string failure(F&& call) {
    try {
      call();
      return "no failure";
    } catch (const Error& error) {
      EXPECT_THAT(error.what(), Not(HasSubstr("very-secret")));
      EXPECT_THAT(error.what(), Not(HasSubstr("words of the service")));
      return std::string(to_string(error.kind())) + ": " + error.what();
    }
  }
  std::string get_failure(std::string_view version = "") {
    return failure([&] { (void)get(version); });
  }
};

TEST_F(KeyVaultTest, ReadsTheLatestVersionWithATokenForItsOwnResource) {
  client.reply(200, secret_body(R"("enabled":true,"created":1700000000,"updated":1700000001,)"
                                R"("exp":1900000000,"nbf":1600000000,"recoveryLevel":"x")"));
  const SecretValue secret = get();
  EXPECT_EQ(secret.value.reveal(), kValue);
  EXPECT_EQ(secret.about.version, kV1);
  EXPECT_EQ(to_iso8601(secret.about.created), "2023-11-14T22:13:20.000Z");
  EXPECT_EQ(to_iso8601(secret.about.updated), "2023-11-14T22:13:21.000Z");
  EXPECT_EQ(to_iso8601(*secret.about.expires), "2030-03-17T17:46:40.000Z");
  EXPECT_EQ(to_iso8601(*secret.about.not_before), "2020-09-13T12:26:40.000Z");
  const auto requests = client.requests();
  ASSERT_THAT(requests, SizeIs(1));
  EXPECT_EQ(requests[0].method, "GET");
  EXPECT_EQ(requests[0].url, "https://v.vault.azure.net/secrets/uri?api-version=7.4");
  EXPECT_THAT(requests[0].headers, Contains("Authorization: Bearer " + tokens.token_text));
  EXPECT_FALSE(requests[0].direct);
  EXPECT_THAT(tokens.asked, ElementsAre(Asked{"https://vault.azure.net", "", false}));
}

TEST_F(KeyVaultTest, ReadsAVersionThatIsNamed) {
  client.reply(200, secret_body(R"("enabled":true)", kV2));
  EXPECT_EQ(get(kV2).about.version, kV2);
  EXPECT_EQ(client.requests()[0].url,
            "https://v.vault.azure.net/secrets/uri/" + std::string(kV2) + "?api-version=7.4");
  client.reply(200, secret_body(R"("enabled":true)", kV1));
  EXPECT_THAT(get_failure(kV2), HasSubstr("expected another version"));
}

TEST_F(KeyVaultTest, ReadsAValueOfTheLargestSize) {
  client.reply(200, R"({"value":")" + std::string(25 * 1024, 'x') + R"(",)" +
                        item(kV1, R"("enabled":true)") + "}");
  EXPECT_EQ(get().value.reveal().size(), 25 * 1024U);
}

TEST_F(KeyVaultTest, AsksNobodyForNamesAndVersionsThatCannotBe) {
  KeyVault vault(options, client, tokens, clock, random);
  EXPECT_THROW((void)vault.get("a/../b", "", {}), Error);
  EXPECT_THROW((void)vault.get("uri", "1/../2", {}), Error);
  EXPECT_THROW((void)vault.versions("", {}), Error);
  EXPECT_THAT(tokens.asked, IsEmpty());
}

TEST_F(KeyVaultTest, AsksForNoTokenForAHostThatIsNoVault) {
  for (const char* url : {"https://evilvault.azure.net", "https://vault.azure.net.evil.com",
                          "http://v.vault.azure.net", "https://evil.com"}) {
    options.url = url;
    EXPECT_THAT(get_failure(), HasSubstr("validation: the key vault's URL is refused")) << url;
  }
  EXPECT_THAT(tokens.asked, IsEmpty());
  EXPECT_THAT(client.requests(), IsEmpty());
}

TEST_F(KeyVaultTest, TheResourceIsTheCloudsAndNotTheChallenges) {
  options.url = "https://v.vault.usgovcloudapi.net";
  client.reply(
      401, "",
      challenge("https://login.microsoftonline.us/my-tenant", "https://vault.usgovcloudapi.net"));
  client.reply(401);
  EXPECT_THAT(get_failure(), HasSubstr("auth: "));
  EXPECT_THAT(tokens.asked, ElementsAre(Asked{"https://vault.usgovcloudapi.net", "", false},
                                        Asked{"https://vault.usgovcloudapi.net", "", true}));
}

TEST_F(KeyVaultTest, A401IsAnsweredWithOneFreshToken) {
  client.reply(401, "",
               challenge("https://login.microsoftonline.com/MY-TENANT", "https://vault.azure.net"));
  client.reply(200, secret_body());
  EXPECT_EQ(get().value.reveal(), kValue);
  EXPECT_THAT(tokens.asked, ElementsAre(Asked{"https://vault.azure.net", "", false},
                                        Asked{"https://vault.azure.net", "", true}));
}

TEST_F(KeyVaultTest, A401WithAFreshTokenIsNoLoop) {
  for (int i = 0; i < 2; ++i) {
    client.reply(401, "", {{"www-authenticate", "Bearer error=\"invalid_token\""}});
  }
  EXPECT_THAT(get_failure(), AllOf(HasSubstr("auth: "), HasSubstr("a fresh one too"),
                                   HasSubstr("invalid_token"), HasSubstr("tenant")));
  EXPECT_THAT(client.requests(), SizeIs(2));
}

TEST_F(KeyVaultTest, AChallengeThatDoesNotFitIsRefusedWithoutAskingForAToken) {
  const std::string kGood = "https://login.microsoftonline.com/my-tenant";
  const std::string kResource = "https://vault.azure.net";
  const std::tuple<std::string, std::string, std::string> kCases[] = {
      {kGood, "https://management.azure.com", "another resource: expected 'https://vault.azure"},
      {kGood, "https://azure.net", "another resource"},
      {kGood, "https://v.vault.azure.net", "another resource"},
      {kGood, "https://evilvault.azure.net", "another resource"},
      {kGood, "https://vault.azure.net.evil.com", "another resource"},
      {kGood, "http://vault.azure.net", "another resource"},
      {kGood, "http://vault.azure.net:443", "another resource"},
      {kGood, "https://vault.azure.net:8443", "another resource"},
      {kGood, "https://vault.azure.net/x", "another resource"},
      {kGood, "https://vault.azure.cn", "another resource"},
      {kGood, "vault.azure.net", "another resource"},
      {kGood, "https://vault.azure.net\x01very\n", "another resource"},
      {"https://login.evil.com/my-tenant", kResource, "another authority: expected 'login.micros"},
      {"https://evil-login.microsoftonline.com/my-tenant", kResource, "another authority"},
      {"https://login.microsoftonline.com.evil.com/my-tenant", kResource, "another authority"},
      {"https://login.microsoftonline.com@evil.com/my-tenant", kResource, "another authority"},
      {"http://login.microsoftonline.com/my-tenant", kResource, "another authority"},
      {"https://login.microsoftonline.com:8443/my-tenant", kResource, "another authority"},
      {"https://login.chinacloudapi.cn/my-tenant", kResource, "another authority"},
      {"login.microsoftonline.com/my-tenant", kResource, "another authority"},
      {"https://login.microsoftonline.com/other", kResource,
       "another tenant: the identity is of 'my-tenant', the vault of 'other'"},
      {"https://login.microsoftonline.com/other/oauth2", kResource, "another tenant"},
  };
  for (const auto& [authority, resource, reason] : kCases) {
    tokens.asked.clear();
    client.reply(401, "", challenge(authority, resource));
    EXPECT_THAT(get_failure(), AllOf(HasSubstr("auth: "), HasSubstr(reason))) << reason;
    EXPECT_THAT(tokens.asked, SizeIs(1)) << authority << " " << resource;
  }
}

TEST_F(KeyVaultTest, AuthoritiesAndATenantCanBeAllowed) {
  options.more_authorities = {"Login.Example.Test"};
  options.tenant = "other";
  client.reply(401, "", challenge("https://login.example.test/OTHER/", "https://vault.azure.net/"));
  client.reply(200, secret_body());
  EXPECT_EQ(get().value.reveal(), kValue);
  EXPECT_THAT(tokens.asked, ElementsAre(Asked{"https://vault.azure.net", "other", false},
                                        Asked{"https://vault.azure.net", "other", true}));
  client.reply(401, "",
               challenge("https://login.example.test/my-tenant", "https://vault.azure.net"));
  EXPECT_THAT(get_failure(), HasSubstr("another tenant"));
}

TEST_F(KeyVaultTest, AnOpaqueTokenLeavesTheTenantUnknown) {
  tokens.token_text = "opaque";
  client.reply(401, "",
               challenge("https://login.microsoftonline.com/other", "https://vault.azure.net"));
  client.reply(200, secret_body());
  EXPECT_EQ(get().value.reveal(), kValue);
}

TEST_F(KeyVaultTest, ARedirectIsRefused) {
  for (const int status : {301, 302, 307, 308}) {
    client.reply(status, "", {{"location", "https://evil.com/"}});
    EXPECT_THAT(get_failure(), HasSubstr("redirect, which is not followed"));
  }
  EXPECT_THAT(client.requests(), SizeIs(4));
}

TEST_F(KeyVaultTest, ARoleThatWasGrantedAMomentAgoIsWaitedForBriefly) {
  client.reply(403, error_body("Forbidden", "ForbiddenByRbac"));
  client.reply(403, error_body("Forbidden", "ForbiddenByRbac"));
  client.reply(200, secret_body());
  EXPECT_EQ(get().value.reveal(), kValue);

  for (int i = 0; i < 3; ++i) client.reply(403, error_body("Forbidden", "ForbiddenByRbac"));
  EXPECT_THAT(get_failure(), AllOf(HasSubstr("auth: "), HasSubstr("Key Vault Secrets User"),
                                   HasSubstr("HTTP 403, Forbidden, ForbiddenByRbac")));
}

TEST_F(KeyVaultTest, EveryOther403IsToldAtOnceWithWhatToDo) {
  const std::tuple<const char*, const char*, const char*> kCases[] = {
      {"ForbiddenByFirewall", "auth: ", "firewall"},
      {"ForbiddenByConnection", "auth: ", "private endpoint"},
      {"SecretDisabled", "validation: ", "is disabled: enable"},
      {"SecretNotYetValid", "validation: ", "not yet valid"},
      {"SecretExpired", "validation: ", "has expired"},
  };
  for (const auto& [inner, kind, advice] : kCases) {
    client.reply(403, error_body("Forbidden", inner));
    EXPECT_THAT(get_failure(), AllOf(HasSubstr(kind), HasSubstr(advice))) << inner;
  }
  client.reply(403, R"({"error":{"code":"Forbidden","innerError":{"code":"SecretDisabled"}}})");
  EXPECT_THAT(get_failure(), HasSubstr("is disabled"));
}

TEST_F(KeyVaultTest, AMissingSecretIsToldFromADeletedOne) {
  client.reply(404, error_body("SecretNotFound"));
  client.reply(404, error_body("SecretNotFound"));
  EXPECT_THAT(get_failure(), HasSubstr("validation: there is no secret 'uri' in the key vault v."));
  EXPECT_EQ(client.requests().back().url,
            "https://v.vault.azure.net/deletedsecrets/uri?api-version=7.4");

  client.reply(404, error_body("SecretNotFound"));
  client.reply(200, R"({"recoveryId":"https://v.vault.azure.net/deletedsecrets/uri",)"
                    R"("deletedDate":1700000000,"scheduledPurgeDate":1707776000})");
  EXPECT_THAT(get_failure(), AllOf(HasSubstr("validation: the secret 'uri'"),
                                   HasSubstr("was deleted at 2023-11-14T22:13:20.000Z"),
                                   HasSubstr("recover it"), HasSubstr("until 2024-02-12T")));

  client.reply(404, error_body("SecretNotFound"));  // whoever may read may not look there
  client.reply(403, error_body("Forbidden", "ForbiddenByFirewall"));
  EXPECT_THAT(get_failure(), HasSubstr("there is no secret 'uri'"));

  client.reply(404, error_body("SecretNotFound"));
  EXPECT_THAT(get_failure(kV2), HasSubstr("there is no version " + std::string(kV2)));
}

TEST_F(KeyVaultTest, DisabledNotYetValidAndExpiredSecretsAreRefusedByTheirAttributes) {
  client.reply(200, secret_body(R"("enabled":false)"));
  EXPECT_THAT(get_failure(), AllOf(HasSubstr("validation: "), HasSubstr("is disabled")));
  // The clock says 2026-01-31T12:00:00Z, 1769860800.
  client.reply(200, secret_body(R"("enabled":true,"nbf":1769860801)"));
  EXPECT_THAT(get_failure(), AllOf(HasSubstr("validation: "),
                                   HasSubstr("is not valid before 2026-01-31T12:00:01.000Z")));
  client.reply(200, secret_body(R"("enabled":true,"exp":1769860800)"));
  EXPECT_THAT(get_failure(),
              AllOf(HasSubstr("validation: "), HasSubstr("expired at 2026-01-31T12:00:00.000Z")));
  client.reply(200, secret_body(R"("enabled":true,"nbf":1769860800,"exp":1769860801)"));
  EXPECT_EQ(get().value.reveal(), kValue);
}

TEST_F(KeyVaultTest, ThrottlingIsWaitedOutWithAndWithoutRetryAfter) {
  client.reply(429, error_body("Throttled"));
  client.reply(429, error_body("Throttled"), {{"retry-after", "0"}});
  client.reply(200, secret_body());
  EXPECT_EQ(get().value.reveal(), kValue);

  for (int i = 0; i < 3; ++i) {
    client.reply(429, error_body("Throttled"), {{"retry-after-ms", "2"}});
  }
  try {
    (void)get();
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kThrottled);
    EXPECT_EQ(error.retry_after(), 2ms);
    EXPECT_TRUE(error.retryable());
    EXPECT_THAT(error.what(), HasSubstr("is throttling (HTTP 429, Throttled)"));
  }
}

TEST_F(KeyVaultTest, FailuresOfTheServiceAndTheNetworkAreTriedAgain) {
  client.reply(503);
  client.fail(ErrorKind::kUnavailable);
  client.reply(200, secret_body());
  EXPECT_EQ(get().value.reveal(), kValue);
  for (int i = 0; i < 3; ++i) client.reply(500, error_body("InternalServerError"));
  EXPECT_THAT(get_failure(), HasSubstr("unavailable: the key vault v.vault.azure.net fails (HTTP "
                                       "500, InternalServerError)"));
}

TEST_F(KeyVaultTest, AWaitEndsAtOnceWithTheCall) {
  options.retry.wait_min = 1h;
  options.retry.wait_max = 1h;
  client.reply(503);
  std::stop_source stop;
  std::jthread stopper([&] {
    client.wait_for_requests(1);
    stop.request_stop();
  });
  EXPECT_THAT(failure([&] { (void)get("", {.stop = stop.get_token()}); }),
              HasSubstr("unavailable: stopped"));
}

TEST_F(KeyVaultTest, TheFailureOfTheIdentityIsItsOwn) {
  tokens.failure = Error(ErrorKind::kAuth, "no identity here");
  EXPECT_EQ(get_failure(), "auth: no identity here");
  EXPECT_THAT(client.requests(), IsEmpty());
}

// A reply that Azure's SDKs take, and what is read of it.
struct Lenient {
  const char* body;
  const char* version;
};

TEST_F(KeyVaultTest, RepliesAreReadAsLenientlyAsAzuresOwnLibrariesReadThem) {
  const Lenient table[] = {
      {R"({"value":"s","id":"https://v.vault.azure.net/secrets/uri/2"})", "2"},
      {R"({"value":"s","id":"https://v.vault.azure.net/secrets/uri/v1.2_a~b"})", "v1.2_a~b"},
      {R"({"value":"s","id":"https://v.vault.azure.net/secrets/uri/abc/"})", "abc"},
      {R"({"value":"s","id":"https://v.vault.azure.net:443/SECRETS/URI/abc?api-version=7.4"})",
       "abc"},
      {R"({"value":"s","id":"https://v.vault.azure.net/secrets/uri",
           "attributes":{"updated":1600000000}})",
       "of 2020-09-13T12:26:40.000Z"},
      {R"({"value":"s","id":"https://v.vault.azure.net/secrets/uri/a","attributes":null})", "a"},
      {R"({"value":"s","id":"https://v.vault.azure.net/secrets/uri/a","attributes":
           {"enabled":"True","exp":"32503680000","nbf":"1600000000.0","created":1.6e9,
            "updated":null,"recoveryLevel":"Recoverable","recoverableDays":"90"},
           "kid":null,"managed":false,"tags":{"a":1},"contentType":"text/plain"})",
       "a"},
      {R"({"value":"s","id":"https://v.vault.azure.net/secrets/uri/a","attributes":
           {"exp":9223372036854775807,"nbf":null}})",
       "a"},
      {R"({"value":"s","id":"https://v.vault.azure.net/secrets/uri/a","attributes":
           {"exp":1e300}})",
       "a"},
  };
  for (const Lenient& reply : table) {
    client.reply(200, reply.body);
    SCOPED_TRACE(reply.body);
    std::optional<SecretValue> secret;
    EXPECT_NO_THROW(secret = get());
    if (!secret) continue;
    EXPECT_EQ(secret->value.reveal(), "s");
    EXPECT_EQ(secret->about.version, reply.version);
  }
}

TEST_F(KeyVaultTest, WhatIsSaidAsTextCountsAsMuch) {
  client.reply(200, R"({"value":"s","id":"https://v.vault.azure.net/secrets/uri/a",
                        "attributes":{"enabled":"false"}})");
  EXPECT_THAT(get_failure(), HasSubstr("is disabled"));
  client.reply(200, R"({"value":"s","id":"https://v.vault.azure.net/secrets/uri/a",
                        "attributes":{"exp":"1600000000"}})");
  EXPECT_THAT(get_failure(), HasSubstr("expired at 2020-09-13"));
}

TEST_F(KeyVaultTest, RepliesThatMakeNoSenseAreToldWithoutTheirContent) {
  const std::string secrets = R"("value":"very-secret")";
  for (const std::string& body : {
           std::string(),
           std::string("very-secret"),
           std::string("[\"very-secret\"]"),
           std::string("{\"value\":\"very-secret\""),
           "{" + secrets + "}",
           "{" + secrets + "," + item(kV1, "") + "} very-secret",
           R"({"value":1,)" + item(kV1, "") + "}",
           "{" + secrets + R"(,"id":"very-secret","attributes":{}})",
           "{" + secrets + R"(,"id":7,"attributes":{}})",
           "{" + secrets + "," + item(kV1, R"("enabled":"very-secret")") + "}",
           "{" + secrets + "," + item(kV1, R"("exp":"very-secret")") + "}",
           "{" + secrets + "," + item(kV1, R"("nbf":-1)") + "}",
           "{" + secrets + "," + item(kV1, R"("created":[])") + "}",
           std::string(5000, '['),
       }) {
    client.reply(200, body);
    EXPECT_THAT(get_failure(),
                HasSubstr("internal: the key vault's reply makes no sense: expected"))
        << body;
  }
  for (const int status : {204, 206, 400, 405, 418}) {
    client.reply(status, error_body("<very-secret>", "very secret"));
    EXPECT_THAT(get_failure(),
                HasSubstr("internal: the key vault v.vault.azure.net answers what is "
                          "not expected (HTTP " +
                          std::to_string(status) + ")"));
  }
}

TEST_F(KeyVaultTest, ListsVersionsOverAllPagesNewestFirst) {
  client.reply(200, R"({"value":[{)" + item(kV1, R"("enabled":false,"created":1700000000)") +
                        R"(}],"nextLink":"https://v.vault.azure.net:443/secrets/uri/versions?)"
                        R"(api-version=7.4&$skiptoken=abc"})");
  client.reply(200, R"({"value":[],"nextLink":"https://V.VAULT.azure.net/secrets/x"})");
  client.reply(200, R"({"value":[{)" + item(kV2, R"("enabled":true,"created":1700000001)") +
                        R"(}],"nextLink":null})");
  const std::vector<SecretVersion> all = versions();
  ASSERT_THAT(all, SizeIs(2));
  EXPECT_EQ(all[0].version, kV2);
  EXPECT_EQ(all[1].version, kV1);
  EXPECT_FALSE(all[1].enabled);
  EXPECT_EQ(client.requests()[0].url,
            "https://v.vault.azure.net/secrets/uri/versions?api-version=7.4");
  EXPECT_EQ(client.requests()[1].url,
            "https://v.vault.azure.net/secrets/uri/versions?api-version=7.4&$skiptoken=abc");
}

TEST_F(KeyVaultTest, APageElsewhereIsRefusedBeforeATokenGoesThere) {
  for (const char* next :
       {"https://evil.com/", "https://w.vault.azure.net/", "http://v.vault.azure.net/",
        "https://v.vault.azure.net:8443/", "https://v.vault.azure.net@evil.com/", "/secrets",
        "https://v.vault.azure.net.evil.com/"}) {
    client.reply(200, R"({"value":[{)" + item(kV1, "") + R"(}],"nextLink":")" + next + "\"}");
    tokens.asked.clear();
    EXPECT_THAT(failure([&] { (void)versions(); }),
                HasSubstr("the next page of the secret's versions is refused"))
        << next;
    EXPECT_THAT(tokens.asked, SizeIs(1));
  }
}

TEST_F(KeyVaultTest, AnEmptyListIsAMissingSecret) {
  client.reply(200, R"({"value":[],"nextLink":null})");
  client.reply(404);
  EXPECT_THAT(failure([&] { (void)versions(); }), HasSubstr("there is no secret 'uri'"));
}

TEST_F(KeyVaultTest, AListWithoutAnEndIsGivenUp) {
  for (int i = 0; i < 1000; ++i) {
    client.reply(200,
                 R"({"value":[],"nextLink":"https://v.vault.azure.net/secrets/uri/versions"})");
  }
  EXPECT_THAT(failure([&] { (void)versions(); }), HasSubstr("has no end"));
}

TEST(TokenClaims, TheTenantIsReadWhereThereIsOne) {
  EXPECT_EQ(token_tenant(Secret(std::string_view(token_of("abc")))), "abc");
  for (const std::string_view token :
       {"", "a", "a.b", "a.b.c", ".", "..", "e30.e30.x", "x.W10.x", "x.eyJ0aWQiOjF9.x"}) {
    EXPECT_EQ(token_tenant(Secret(token)), "") << token;
  }
}

TEST(TokenClaims, TheObjectIsReadWhereItIsAnId) {
  const std::string id = "0f8fad5b-d9cb-469f-a165-70867728950e";
  const auto object = [](const std::string& claims) {
    return token_object(Secret("x." + base64url_encode(claims) + ".y"));
  };
  EXPECT_EQ(object(R"({"oid":")" + id + R"("})"), id);
  EXPECT_EQ(object(R"({"oid":"words that somebody wants to be shown, ok?"})"), "");
  EXPECT_EQ(object(R"({"tid":")" + id + R"("})"), "");
}

}  // namespace
}  // namespace gesso::azure
