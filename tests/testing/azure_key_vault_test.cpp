#include "gesso/testing/azure_key_vault.hpp"

#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <set>
#include <stdexcept>
#include <string>

#include "gesso/testing/azure_standin.hpp"
#include "gesso/testing/fake_clock.hpp"
#include "tests/testing/http_peer.hpp"

namespace gesso::testing {
namespace {

namespace json = boost::json;
using std::chrono::hours;
using std::chrono::seconds;

constexpr const char* kHost = "myvault.vault.azure.net";
const std::string kVersion = "?api-version=7.4";

class KeyVaultStandInTest : public ::testing::Test {
 protected:
  FakeClock clock_;
  AzureStandIn azure_{{.clock = &clock_}};
  std::string token_ = issue("https://vault.azure.net");
  HttpPeer::Reply reply_;

  std::string issue(const std::string& resource) {
    return azure_.tokens.issue("imds", azure_.tenant(), "client", resource).value;
  }
  json::object get(const std::string& target, const std::string& token) {
    HttpPeer peer(azure_.vault.server().port(), kHost, azure_.ca_file());
    HttpPeer::Headers headers;
    if (!token.empty()) headers["Authorization"] = "Bearer " + token;
    reply_ = peer.get(target, headers).value();
    return json::parse(reply_.body).as_object();
  }
  json::object get(const std::string& target) { return get(target, token_); }
  std::string value(const std::string& name) {
    const json::object said = get("/secrets/" + name + kVersion);
    return said.contains("value") ? std::string(said.at("value").as_string()) : "";
  }
  // "403 Forbidden ForbiddenByRbac"
  std::string refusal(const std::string& target, const std::string& token) {
    const json::object said = get(target, token);
    if (!said.contains("error")) return "none";
    const json::object& error = said.at("error").as_object();
    std::string out =
        std::to_string(reply_.status) + " " + std::string(error.at("code").as_string());
    if (const json::value* inner = error.if_contains("innererror")) {
      out += " " + std::string(inner->as_object().at("code").as_string());
    }
    return out;
  }
  std::string refusal(const std::string& target = "/secrets/s" + kVersion) {
    return refusal(target, token_);
  }
};

TEST_F(KeyVaultStandInTest, GivesTheLatestVersionOrOneNamed) {
  const std::string first = azure_.vault.set_secret("s", "one");
  clock_.advance(seconds{5});
  const std::string second = azure_.vault.set_secret("s", "two", {.content_type = "text/plain"});
  EXPECT_NE(first, second);
  EXPECT_EQ(first.size(), 32u);
  const json::object said = get("/secrets/s" + kVersion);
  EXPECT_EQ(said.at("value"), "two");
  EXPECT_EQ(said.at("id"), json::value("https://myvault.vault.azure.net/secrets/s/" + second));
  EXPECT_EQ(said.at("contentType"), "text/plain");
  EXPECT_EQ(said.at("attributes").at("enabled"), true);
  EXPECT_EQ(said.at("attributes").at("created"), 1769860805);
  EXPECT_FALSE(said.at("attributes").as_object().contains("exp"));
  EXPECT_EQ(get("/secrets/s/" + first + kVersion).at("value"), "one");
  EXPECT_EQ(value("s/"), "two");
  EXPECT_EQ(azure_.vault.reads("s"), 3u);
  EXPECT_EQ(azure_.vault.reads("other"), 0u);
}

TEST_F(KeyVaultStandInTest, ChallengesWhoBringsNoToken) {
  azure_.vault.set_secret("s", "one");
  EXPECT_EQ(refusal("/secrets/s" + kVersion, ""), "401 Unauthorized");
  EXPECT_EQ(reply_.header("WWW-Authenticate"),
            "Bearer authorization=\"https://login.microsoftonline.com/" + azure_.tenant() +
                "\", resource=\"https://vault.azure.net\"");
  azure_.vault.challenge_with("http://evil.example/t", "https://management.azure.com");
  refusal("/secrets/s" + kVersion, "");
  EXPECT_EQ(reply_.header("WWW-Authenticate"),
            "Bearer authorization=\"http://evil.example/t\", "
            "resource=\"https://management.azure.com\"");
  azure_.vault.challenge_with("Negotiate");
  refusal("/secrets/s" + kVersion, "");
  EXPECT_EQ(reply_.header("WWW-Authenticate"), "Negotiate");
}

TEST_F(KeyVaultStandInTest, TakesOnlyTokensThatWereIssuedForItAndStillLive) {
  azure_.vault.set_secret("s", "one");
  const std::string target = "/secrets/s" + kVersion;
  EXPECT_EQ(refusal(target, token_), "none");
  EXPECT_EQ(refusal(target, "invented"), "401 Unauthorized");
  EXPECT_EQ(refusal(target, issue("https://management.azure.com")), "401 Unauthorized");
  EXPECT_NE(reply_.body.find("AKV10022"), std::string::npos);
  EXPECT_EQ(refusal(target, issue("https://vault.azure.net/")), "401 Unauthorized");
  const auto foreign = azure_.tokens.issue("entra", "other", "c", "https://vault.azure.net");
  EXPECT_EQ(refusal(target, foreign.value), "401 Unauthorized");
  azure_.tokens.set_life(seconds{60});
  const std::string brief = issue("https://vault.azure.net");
  clock_.advance(seconds{59});
  EXPECT_EQ(refusal(target, brief), "none");
  clock_.advance(seconds{1});
  EXPECT_EQ(refusal(target, brief), "401 Unauthorized");
  azure_.tokens.revoke_all();
  EXPECT_EQ(refusal(target, token_), "401 Unauthorized");
  token_ = issue("https://vault.azure.net");
  EXPECT_EQ(refusal(), "none");
  azure_.vault.refuse_tokens(true);
  EXPECT_EQ(refusal(), "401 Unauthorized");
  EXPECT_TRUE(reply_.headers.contains("WWW-Authenticate"));
  azure_.vault.refuse_tokens(false);
  EXPECT_EQ(refusal(), "none");
}

TEST_F(KeyVaultStandInTest, RefusesAnIdentityForTheReasonsOfTheRealOne) {
  using Refusal = KeyVaultStandIn::Refusal;
  azure_.vault.set_secret("s", "one");
  azure_.vault.refuse_identity(Refusal::kByRbac);
  EXPECT_EQ(refusal(), "403 Forbidden ForbiddenByRbac");
  azure_.vault.refuse_identity(Refusal::kByPolicy);
  EXPECT_EQ(refusal(), "403 Forbidden AccessDenied");
  azure_.vault.refuse_identity(Refusal::kByFirewall);
  EXPECT_EQ(refusal(), "403 Forbidden ForbiddenByFirewall");
  azure_.vault.refuse_identity(Refusal::kByConnection);
  EXPECT_EQ(refusal(), "403 Forbidden ForbiddenByConnection");
  azure_.vault.refuse_identity(Refusal::kNone);
  EXPECT_EQ(refusal(), "none");
}

TEST_F(KeyVaultStandInTest, RefusesWhatIsNoGoodRequest) {
  azure_.vault.set_secret("s", "one");
  EXPECT_EQ(refusal("/secrets/s"), "400 BadParameter");
  EXPECT_EQ(refusal("/secrets/s?api-version=1.0"), "400 BadParameter");
  EXPECT_EQ(refusal("/secrets/a_b" + kVersion), "400 BadParameter");
  EXPECT_EQ(refusal("/secrets/" + kVersion), "400 BadParameter");
  EXPECT_EQ(refusal("/keys/s" + kVersion), "404 NotFound");
}

TEST_F(KeyVaultStandInTest, TellsApartWhatIsMissingDisabledAndDeleted) {
  EXPECT_EQ(refusal(), "404 SecretNotFound");
  const std::string first = azure_.vault.set_secret("s", "one");
  const std::string second = azure_.vault.set_secret("s", "two");
  EXPECT_EQ(refusal("/secrets/s/0123456789abcdef0123456789abcdef" + kVersion),
            "404 SecretNotFound");
  azure_.vault.disable("s");
  EXPECT_EQ(refusal(), "403 Forbidden SecretDisabled");
  EXPECT_EQ(refusal("/secrets/s/" + first + kVersion), "none");
  azure_.vault.enable("s");
  azure_.vault.disable("s", first);
  EXPECT_EQ(value("s"), "two");
  EXPECT_EQ(refusal("/secrets/s/" + first + kVersion), "403 Forbidden SecretDisabled");
  azure_.vault.remove("s");
  EXPECT_EQ(refusal(), "404 SecretNotFound");
  EXPECT_EQ(refusal("/secrets/s/" + second + kVersion), "404 SecretNotFound");
  azure_.vault.recover("s");
  EXPECT_EQ(value("s"), "two");
  EXPECT_THROW(azure_.vault.disable("other"), std::out_of_range);
  EXPECT_THROW(azure_.vault.enable("s", "none"), std::out_of_range);
}

// As the documentation of secrets' attributes says: the times inform, reading goes on.
TEST_F(KeyVaultStandInTest, GivesExpiredSecretsWithTheirTimes) {
  azure_.vault.set_secret("s", "one");
  azure_.vault.set_validity("s", clock_.now() - hours{2}, clock_.now() - hours{1});
  const json::object said = get("/secrets/s" + kVersion);
  EXPECT_EQ(said.at("value"), "one");
  EXPECT_EQ(said.at("attributes").at("exp"), 1769857200);
  EXPECT_EQ(said.at("attributes").at("nbf"), 1769853600);
}

TEST_F(KeyVaultStandInTest, ListsVersionsInPagesWithoutValues) {
  std::set<std::string> made;
  for (int i = 0; i < 7; ++i) made.insert(azure_.vault.set_secret("s", "value"));
  azure_.vault.set_page(3);
  std::set<std::string> listed;
  int pages = 0;
  for (std::string target = "/secrets/s/versions" + kVersion; !target.empty(); ++pages) {
    const json::object said = get(target);
    EXPECT_EQ(reply_.body.find("\"value\":\"value\""), std::string::npos);
    for (const json::value& one : said.at("value").as_array()) {
      const std::string id(one.at("id").as_string());
      listed.insert(id.substr(id.rfind('/') + 1));
      EXPECT_TRUE(one.at("attributes").at("enabled").as_bool());
    }
    target.clear();
    if (!said.at("nextLink").is_null()) {
      const std::string next(said.at("nextLink").as_string());
      EXPECT_TRUE(next.starts_with("https://myvault.vault.azure.net:443/secrets/s/versions?"));
      target = next.substr(next.find("/secrets"));
    }
  }
  EXPECT_EQ(pages, 3);
  EXPECT_EQ(listed, made);

  const std::string target = "/secrets/s/versions" + kVersion + "&maxresults=";
  EXPECT_EQ(get(target + "2").at("value").as_array().size(), 2u);
  EXPECT_EQ(refusal(target + "26"), "400 BadParameter");
  EXPECT_TRUE(get("/secrets/none/versions" + kVersion).at("value").as_array().empty());
  azure_.vault.set_next_link("https://evil.example/");
  EXPECT_EQ(get("/secrets/s/versions" + kVersion).at("nextLink"), "https://evil.example/");
}

TEST_F(KeyVaultStandInTest, ThrottlesAsTheRealOneDoes) {
  azure_.vault.set_secret("s", "one");
  azure_.vault.throttle_next(1);
  azure_.vault.throttle_next(1, seconds{3});
  EXPECT_EQ(refusal(), "429 Throttled");
  EXPECT_FALSE(reply_.headers.contains("Retry-After"));
  EXPECT_EQ(refusal(), "429 Throttled");
  EXPECT_EQ(reply_.header("Retry-After"), "3");
  EXPECT_EQ(refusal(), "none");
  azure_.vault.server().fail_next(1, Fault::with_status(503));
  EXPECT_EQ(refusal(), "503 ServiceUnavailable");
}

TEST_F(KeyVaultStandInTest, ProvesToBeItselfAlone) {
  const auto open = [&](const std::string& host) {
    return HttpPeer(azure_.vault.server().port(), host, azure_.ca_file()).open();
  };
  EXPECT_TRUE(open(kHost));
  EXPECT_FALSE(open("other.vault.azure.net"));
  EXPECT_FALSE(open("login.microsoftonline.com"));
}

}  // namespace
}  // namespace gesso::testing
