#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "gesso/testing/azure_standin.hpp"
#include "gesso/testing/fake_clock.hpp"
#include "tests/testing/http_peer.hpp"

namespace gesso::testing {
namespace {

namespace json = boost::json;
using std::chrono::minutes;
using std::chrono::seconds;

const ManagedIdentity kFirst{"client-1", "object-1", "/subscriptions/s/first"};
const ManagedIdentity kSecond{"client-2", "object-2", "/subscriptions/s/second"};
const std::string kResource = "https%3A%2F%2Fvault.azure.net";

struct Said {
  int status;
  json::object body;

  std::string text(std::string_view name) const {
    const json::value* value = body.if_contains(name);
    return value != nullptr && value->is_string() ? std::string(value->as_string()) : "";
  }
};

Said ask(HttpsServer& server, const std::string& target, const HttpPeer::Headers& headers) {
  const auto reply = HttpPeer(server.port()).get(target, headers);
  return {reply->status, json::parse(reply->body).as_object()};
}

// A virtual machine's metadata service.

const std::string kImds =
    "/metadata/identity/oauth2/token?api-version=2018-02-01&resource=" + kResource;

Said ask_imds(AzureStandIn& azure, const std::string& more = "") {
  return ask(azure.imds.server(), kImds + more, {{"Metadata", "true"}});
}

TEST(ImdsStandIn, GivesATokenWithNumbersAsStrings) {
  FakeClock clock;
  AzureStandIn azure({.clock = &clock});
  azure.tokens.set_life(seconds{86400});
  const Said said = ask_imds(azure);
  EXPECT_EQ(said.status, 200);
  EXPECT_EQ(said.text("expires_in"), "86400");
  EXPECT_EQ(said.text("expires_on"), "1769947200");
  EXPECT_EQ(said.text("resource"), "https://vault.azure.net");
  EXPECT_EQ(said.text("token_type"), "Bearer");
  EXPECT_EQ(said.text("refresh_token"), "");
  const auto token = azure.tokens.find(said.text("access_token"));
  ASSERT_TRUE(token);
  EXPECT_EQ(token->issuer, "imds");
  EXPECT_NE(ask_imds(azure).text("access_token"), token->value);
  EXPECT_EQ(azure.tokens.count("imds"), 2u);
}

TEST(ImdsStandIn, RefusesWhatTheRealOneRefuses) {
  AzureStandIn azure;
  HttpsServer& server = azure.imds.server();
  EXPECT_EQ(ask(server, kImds, {}).text("error"), "bad_request_102");
  EXPECT_EQ(ask(server, kImds, {{"Metadata", "false"}}).status, 400);
  EXPECT_EQ(ask(server, kImds, {{"Metadata", "true"}, {"X-Forwarded-For", "1.1.1.1"}}).status, 400);
  const HttpPeer::Headers metadata{{"Metadata", "true"}};
  const std::string path = "/metadata/identity/oauth2/token";
  EXPECT_EQ(ask(server, path + "?resource=" + kResource, metadata).status, 400);
  EXPECT_EQ(ask(server, path + "?api-version=2010-01-01&resource=" + kResource, metadata).status,
            400);
  EXPECT_EQ(ask(server, path + "?api-version=2018-02-01", metadata).text("error"),
            "invalid_request");
  const Said unknown =
      ask(server, path + "?api-version=2018-02-01&resource=https://evil.example", metadata);
  EXPECT_EQ(unknown.text("error"), "invalid_resource");
  EXPECT_EQ(ask(server, "/metadata/instance?api-version=2018-02-01", metadata).status, 404);
  EXPECT_EQ(azure.tokens.count(), 0u);
}

TEST(ImdsStandIn, KnowsItsIdentitiesByItsOwnParameterNames) {
  AzureStandIn azure;
  azure.imds.add_user_assigned(kFirst);
  azure.imds.add_user_assigned(kSecond);
  EXPECT_EQ(ask_imds(azure, "&client_id=client-2").text("client_id"), "client-2");
  EXPECT_EQ(ask_imds(azure, "&object_id=object-1").text("client_id"), "client-1");
  EXPECT_EQ(ask_imds(azure, "&msi_res_id=/subscriptions/S/second").text("client_id"), "client-2");
  EXPECT_EQ(ask_imds(azure, "&client_id=nobody").text("error_description"), "Identity not found");
  // Another endpoint's name for it is nothing here: the system-assigned identity answers.
  EXPECT_NE(ask_imds(azure, "&mi_res_id=/subscriptions/s/second").text("client_id"), "client-2");
  azure.imds.remove_system_assigned();
  EXPECT_NE(ask_imds(azure).text("error_description").find("Multiple user assigned"),
            std::string::npos);
}

TEST(ImdsStandIn, PicksTheOnlyUserAssignedIdentity) {
  AzureStandIn azure;
  azure.imds.remove_system_assigned();
  EXPECT_EQ(ask_imds(azure).status, 400);
  azure.imds.add_user_assigned(kFirst);
  EXPECT_EQ(ask_imds(azure).text("client_id"), "client-1");
}

// App Service and Container Apps.

Said ask_app_service(AzureStandIn& azure, const std::string& more = "") {
  return ask(azure.app_service.server(),
             "/msi/token?api-version=2019-08-01&resource=" + kResource + more,
             {{"X-IDENTITY-HEADER", azure.app_service.identity_header()}});
}

TEST(AppServiceStandIn, GivesATokenThatNamesItsEndAlone) {
  FakeClock clock;
  AzureStandIn azure({.clock = &clock});
  azure.tokens.set_life(seconds{100});
  const Said said = ask_app_service(azure);
  EXPECT_EQ(said.status, 200);
  EXPECT_EQ(said.text("expires_on"), "1769860900");
  EXPECT_FALSE(said.body.contains("expires_in"));
  EXPECT_TRUE(azure.tokens.find(said.text("access_token")));
}

TEST(AppServiceStandIn, RefusesWhatTheRealOneRefuses) {
  AzureStandIn azure;
  HttpsServer& server = azure.app_service.server();
  const std::string target = "/msi/token?api-version=2019-08-01&resource=" + kResource;
  const std::string old = azure.app_service.identity_header();
  EXPECT_EQ(ask(server, target, {}).status, 401);
  EXPECT_EQ(ask(server, target, {{"X-IDENTITY-HEADER", "wrong"}}).status, 401);
  const HttpPeer::Headers right{{"X-IDENTITY-HEADER", old}};
  EXPECT_EQ(ask(server, "/msi/token?resource=" + kResource, right).status, 400);
  EXPECT_EQ(ask(server, "/msi/token?api-version=2017-09-01&resource=" + kResource, right).status,
            400);
  EXPECT_EQ(ask(server, "/msi/token?api-version=2019-08-01", right).status, 400);
  EXPECT_EQ(
      ask(server, "/msi/token?api-version=2019-08-01&resource=https://x.example", right).status,
      400);
  EXPECT_EQ(ask(server, target, right).status, 200);
  azure.app_service.rotate_identity_header();
  EXPECT_EQ(ask(server, target, right).status, 401);
  EXPECT_EQ(azure.app_service.environment().at("IDENTITY_HEADER"),
            azure.app_service.identity_header());
}

TEST(AppServiceStandIn, KnowsItsIdentitiesByItsOwnParameterNames) {
  AzureStandIn azure;
  azure.app_service.add_user_assigned(kFirst);
  EXPECT_EQ(ask_app_service(azure, "&client_id=client-1").text("client_id"), "client-1");
  EXPECT_EQ(ask_app_service(azure, "&principal_id=object-1").text("client_id"), "client-1");
  EXPECT_EQ(ask_app_service(azure, "&object_id=object-1").text("client_id"), "client-1");
  EXPECT_EQ(ask_app_service(azure, "&mi_res_id=/subscriptions/s/first").text("client_id"),
            "client-1");
  EXPECT_EQ(ask_app_service(azure, "&client_id=nobody").status, 400);
  azure.app_service.remove_system_assigned();
  EXPECT_EQ(ask_app_service(azure).status, 400);
}

TEST(AppServiceStandIn, GivesTheSameTokenAgainWherePlatformsCache) {
  FakeClock clock;
  AzureStandIn azure({.clock = &clock});
  azure.tokens.set_life(minutes{30});
  azure.app_service.cache_tokens(true);
  const std::string first = ask_app_service(azure).text("access_token");
  clock.advance(minutes{20});
  EXPECT_EQ(ask_app_service(azure).text("access_token"), first);
  clock.advance(minutes{6});
  EXPECT_NE(ask_app_service(azure).text("access_token"), first);
}

// Azure Arc.

const std::string kArc =
    "/metadata/identity/oauth2/token?api-version=2020-06-01&resource=" + kResource;

std::string content(const std::filesystem::path& file) {
  std::ifstream in(file);
  return {std::istreambuf_iterator<char>(in), {}};
}

// The file that a challenge names.
std::filesystem::path challenged(AzureStandIn& azure) {
  const auto reply = HttpPeer(azure.arc.server().port()).get(kArc, {{"Metadata", "true"}});
  EXPECT_EQ(reply->status, 401);
  const std::string header = reply->header("WWW-Authenticate");
  EXPECT_TRUE(header.starts_with("Basic realm=")) << header;
  return header.substr(12);
}

Said answer_arc(AzureStandIn& azure, const std::string& key, const std::string& more = "") {
  return ask(azure.arc.server(), kArc + more,
             {{"Metadata", "true"}, {"Authorization", "Basic " + key}});
}

TEST(ArcStandIn, GivesATokenToWhoReadsItsFile) {
  AzureStandIn azure;
  const auto file = challenged(azure);
  EXPECT_EQ(file.parent_path(), azure.arc.folder());
  EXPECT_EQ(file.extension(), ".key");
  const std::string key = content(file);
  const Said said = answer_arc(azure, key);
  EXPECT_EQ(said.status, 200);
  EXPECT_TRUE(azure.tokens.find(said.text("access_token")));
  EXPECT_EQ(said.text("expires_in"), "86400");
  EXPECT_EQ(answer_arc(azure, key).status, 403);  // once
  EXPECT_EQ(answer_arc(azure, "guessed").status, 403);
  EXPECT_EQ(ask(azure.arc.server(), kArc, {}).status, 400);
  EXPECT_EQ(azure.tokens.count("arc"), 1u);
}

TEST(ArcStandIn, ChallengesInHostileWays) {
  const TempDir elsewhere;
  AzureStandIn azure;
  azure.arc.challenge_with({.folder = elsewhere.path()});
  EXPECT_EQ(challenged(azure).parent_path(), elsewhere.path());
  azure.arc.challenge_with({.extension = ".txt"});
  EXPECT_EQ(challenged(azure).extension(), ".txt");
  azure.arc.challenge_with({.bytes = 5000});
  EXPECT_EQ(std::filesystem::file_size(challenged(azure)), 5000u);
  azure.arc.challenge_with({.as_link = true});
  EXPECT_TRUE(std::filesystem::is_symlink(challenged(azure)));
  azure.arc.challenge_with({.without_file = true});
  EXPECT_FALSE(std::filesystem::exists(challenged(azure)));
  azure.arc.challenge_with({.header = "Basic"});
  const HttpPeer::Headers metadata{{"Metadata", "true"}};
  HttpPeer peer(azure.arc.server().port());
  EXPECT_EQ(peer.get(kArc, metadata)->header("WWW-Authenticate"), "Basic");
  azure.arc.challenge_with({.header = ""});
  EXPECT_EQ(peer.get(kArc, metadata)->headers.count("WWW-Authenticate"), 0u);
}

TEST(ArcStandIn, NamesTheUserAssignedIdentityUnlessItsAgentIsOld) {
  AzureStandIn azure;
  azure.arc.add_user_assigned(kFirst);
  const auto by = [&](const std::string& more) {
    return answer_arc(azure, content(challenged(azure)), more);
  };
  EXPECT_EQ(by("&client_id=client-1").text("client_id"), "client-1");
  EXPECT_EQ(by("&object_id=object-1").text("object_id"), "object-1");
  EXPECT_EQ(by("&msi_res_id=/subscriptions/s/first").text("msi_res_id"), "/subscriptions/s/first");
  EXPECT_FALSE(by("").body.contains("client_id"));
  azure.arc.honour_user_assigned(false);
  const Said old = by("&client_id=client-1");
  EXPECT_EQ(old.status, 200);
  EXPECT_FALSE(old.body.contains("client_id"));
  EXPECT_NE(azure.tokens.find(old.text("access_token"))->client_id, "client-1");
}

TEST(AzureStandIn, NamesWhatEachIdentityNeeds) {
  AzureStandIn azure;
  const auto has = [&](AzureIdentity identity, std::initializer_list<const char*> names) {
    const auto variables = azure.identity_environment(identity);
    EXPECT_EQ(variables.size(), names.size()) << to_string(identity);
    for (const char* name : names) EXPECT_TRUE(variables.contains(name)) << name;
  };
  has(AzureIdentity::kAppService, {"IDENTITY_ENDPOINT", "IDENTITY_HEADER"});
  has(AzureIdentity::kArc, {"IDENTITY_ENDPOINT", "IMDS_ENDPOINT"});
  has(AzureIdentity::kImds, {"AZURE_POD_IDENTITY_AUTHORITY_HOST"});
  has(AzureIdentity::kClientSecret,
      {"AZURE_TENANT_ID", "AZURE_CLIENT_ID", "AZURE_AUTHORITY_HOST", "AZURE_CLIENT_SECRET"});
  has(AzureIdentity::kClientCertificate, {"AZURE_TENANT_ID", "AZURE_CLIENT_ID",
                                          "AZURE_AUTHORITY_HOST", "AZURE_CLIENT_CERTIFICATE_PATH"});
  has(AzureIdentity::kWorkloadIdentity,
      {"AZURE_TENANT_ID", "AZURE_CLIENT_ID", "AZURE_AUTHORITY_HOST", "AZURE_FEDERATED_TOKEN_FILE"});

  const auto all = azure.environment(AzureIdentity::kAppService);
  EXPECT_EQ(all.at("GESSO_KEY_VAULT_URL"), "https://myvault.vault.azure.net");
  EXPECT_EQ(all.at("GESSO_AZURE_CONNECT_TO"),
            "myvault.vault.azure.net:443:127.0.0.1:" + std::to_string(azure.vault.server().port()) +
                ",login.microsoftonline.com:443:127.0.0.1:" +
                std::to_string(azure.entra.server().port()));
  EXPECT_TRUE(std::filesystem::exists(all.at("GESSO_AZURE_CA_FILE")));
}

}  // namespace
}  // namespace gesso::testing
