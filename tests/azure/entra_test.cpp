#include "gesso/azure/entra.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "gesso/testing/temp_dir.hpp"
#include "gesso/testing/test_ca.hpp"
#include "tests/azure/support.hpp"

namespace gesso::azure {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

const std::string kTenant = "72f5e5a4-1111-4222-8333-444455556666";
const std::string kGood = R"({"token_type":"Bearer","expires_in":3599,"access_token":"good"})";

std::map<std::string, std::string> variables() {
  return {{"AZURE_TENANT_ID", kTenant}, {"AZURE_CLIENT_ID", "app-1"}};
}

std::string reason(std::variant<AccessToken, NotHere> result) {
  return std::get<NotHere>(result).reason;
}

std::variant<AccessToken, NotHere> get(Credential& credential, const TokenRequest& request = {}) {
  return credential.get(request, Credential::Asked::kAlone, {});
}

TEST(EnvironmentCredential, SendsItsSecretAsAForm) {
  Scripted scripted;
  scripted.client.reply(200, kGood);
  auto set = variables();
  set["AZURE_CLIENT_SECRET"] = "s3~cret+/=&";
  const auto credential = make_environment_credential(environment_of(set), kAtOnce, scripted.io());
  EXPECT_EQ(credential->name(), "environment (client secret)");
  EXPECT_EQ(std::get<AccessToken>(get(*credential)).value.reveal(), "good");
  const auto seen = scripted.client.requests().at(0);
  EXPECT_EQ(seen.method, "POST");
  EXPECT_EQ(seen.url, "https://login.microsoftonline.com/" + kTenant + "/oauth2/v2.0/token");
  EXPECT_THAT(seen.headers, ElementsAre("Content-Type: application/x-www-form-urlencoded",
                                        "Accept: application/json"));
  EXPECT_EQ(seen.body,
            "grant_type=client_credentials&client_id=app-1&"
            "scope=https%3A%2F%2Fvault.azure.net%2F.default&client_secret=s3~cret%2B%2F%3D%26");
  EXPECT_FALSE(seen.direct) << "Entra ID may be behind a proxy";
}

TEST(EnvironmentCredential, SaysWhatIsNotSet) {
  Scripted scripted;
  const auto why = [&](std::map<std::string, std::string> set) {
    const auto credential =
        make_environment_credential(environment_of(std::move(set)), kAtOnce, scripted.io());
    return reason(get(*credential));
  };
  EXPECT_EQ(why({}),
            "AZURE_TENANT_ID and AZURE_CLIENT_ID are not set; neither AZURE_CLIENT_SECRET nor "
            "AZURE_CLIENT_CERTIFICATE_PATH is set");
  EXPECT_EQ(why(variables()),
            "neither AZURE_CLIENT_SECRET nor AZURE_CLIENT_CERTIFICATE_PATH is set");
  EXPECT_EQ(why({{"AZURE_TENANT_ID", kTenant}, {"AZURE_CLIENT_SECRET", "x"}}),
            "AZURE_CLIENT_ID is not set");
  EXPECT_EQ(why({{"AZURE_TENANT_ID", ""}, {"AZURE_CLIENT_ID", "a"}, {"AZURE_CLIENT_SECRET", "x"}}),
            "AZURE_TENANT_ID is not set");
}

TEST(EnvironmentCredential, ARefusalHasEntrasWordsAndNoSecret) {
  Scripted scripted;
  scripted.client.reply(401, R"({"error":"invalid_client","error_description":)"
                             R"("AADSTS7000215: Invalid client secret 'hunter2' provided."})");
  auto set = variables();
  set["AZURE_CLIENT_SECRET"] = "hunter2";
  const auto credential = make_environment_credential(environment_of(set), kAtOnce, scripted.io());
  const Error error = error_of([&] { (void)get(*credential); });
  EXPECT_EQ(error.kind(), ErrorKind::kAuth);
  EXPECT_STREQ(error.what(),
               "https://login.microsoftonline.com: 401 invalid_client: AADSTS7000215: Invalid "
               "client secret '[cut out]' provided.");
}

TEST(EnvironmentCredential, TriesAgainWhenThrottledOrDown) {
  Scripted scripted;
  scripted.client.reply(429, "", {{"retry-after", "0"}});
  scripted.client.fail(ErrorKind::kUnavailable);
  scripted.client.reply(503);
  scripted.client.reply(200, kGood);
  auto set = variables();
  set["AZURE_CLIENT_SECRET"] = "x";
  const auto credential = make_environment_credential(environment_of(set), kAtOnce, scripted.io());
  EXPECT_EQ(std::get<AccessToken>(get(*credential)).value.reveal(), "good");
}

TEST(EnvironmentCredential, AsksTheAuthorityOfEachCloud) {
  const std::pair<std::string, std::string> cases[] = {
      {"https://login.microsoftonline.com/", "https://login.microsoftonline.com"},
      {"https://login.microsoftonline.us", "https://login.microsoftonline.us"},
      {"https://login.partner.microsoftonline.cn", "https://login.partner.microsoftonline.cn"},
      {"login.chinacloudapi.cn", "https://login.chinacloudapi.cn"},
      {"HTTPS://Login.Private.Example:8443", "https://login.private.example:8443"},
  };
  for (const auto& [host, origin] : cases) {
    Scripted scripted;
    scripted.client.reply(200, kGood);
    auto set = variables();
    set["AZURE_CLIENT_SECRET"] = "x";
    set["AZURE_AUTHORITY_HOST"] = host;
    const auto credential =
        make_environment_credential(environment_of(set), kAtOnce, scripted.io());
    (void)get(*credential);
    EXPECT_EQ(scripted.client.requests().at(0).url, origin + "/" + kTenant + "/oauth2/v2.0/token");
  }
}

TEST(EnvironmentCredential, SendsNoSecretInClearOrToAStrangeAuthority) {
  for (const char* host :
       {"http://login.microsoftonline.com", "https://login.microsoftonline.com/tenant",
        "https://login.microsoftonline.com@evil.com", "https://evil.com\\login.microsoftonline.com",
        "ftp://x", "https://", "https://a b"}) {
    Scripted scripted;
    auto set = variables();
    set["AZURE_CLIENT_SECRET"] = "x";
    set["AZURE_AUTHORITY_HOST"] = host;
    const Error error = error_of(
        [&] { (void)make_environment_credential(environment_of(set), kAtOnce, scripted.io()); });
    EXPECT_EQ(error.kind(), ErrorKind::kValidation) << host;
    EXPECT_THAT(error.what(), StartsWith("AZURE_AUTHORITY_HOST: expected https://HOST"));
  }
}

TEST(EnvironmentCredential, RefusesATenantThatCouldChangeTheUrl) {
  for (const char* tenant : {"../evil", "a/b", "a?b", "a b", ".", "-x", "a%2F"}) {
    Scripted scripted;
    auto set = variables();
    set["AZURE_TENANT_ID"] = tenant;
    set["AZURE_CLIENT_SECRET"] = "x";
    EXPECT_EQ(error_of([&] {
                (void)make_environment_credential(environment_of(set), kAtOnce, scripted.io());
              }).kind(),
              ErrorKind::kValidation)
        << tenant;
  }
}

TEST(EnvironmentCredential, AsksAnotherTenantOnlyWhereThatIsAllowed) {
  auto set = variables();
  set["AZURE_CLIENT_SECRET"] = "x";
  const auto ask = [&](const std::string& tenant) {
    Scripted scripted;
    scripted.client.reply(200, kGood);
    const auto credential =
        make_environment_credential(environment_of(set), kAtOnce, scripted.io());
    (void)get(*credential, {.tenant = tenant});
    return scripted.client.requests().at(0).url;
  };
  const std::string upper = "72F5E5A4-1111-4222-8333-444455556666";
  EXPECT_THAT(ask(upper), HasSubstr(kTenant)) << "its own, in upper case";
  EXPECT_EQ(error_of([&] { ask("other.example"); }).kind(), ErrorKind::kAuth);
  set["AZURE_ADDITIONALLY_ALLOWED_TENANTS"] = "third.example;other.example";
  EXPECT_THAT(ask("other.example"), HasSubstr("/other.example/oauth2"));
  EXPECT_EQ(error_of([&] { ask("fourth.example"); }).kind(), ErrorKind::kAuth);
  set["AZURE_ADDITIONALLY_ALLOWED_TENANTS"] = "*";
  EXPECT_THAT(ask("fourth.example"), HasSubstr("/fourth.example/oauth2"));
  EXPECT_EQ(error_of([&] { ask("../evil"); }).kind(), ErrorKind::kAuth);
}

TEST(EnvironmentCredential, ReadsItsCertificateAnewForEachToken) {
  const testing::TempDir folder;
  const std::string path = folder / "app.pem";
  const auto write = [&](const testing::Certificate& certificate) {
    std::ofstream(path) << certificate.certificate_pem() << certificate.key_pem();
  };
  auto set = variables();
  set["AZURE_CLIENT_CERTIFICATE_PATH"] = path;
  Scripted scripted;
  const auto credential = make_environment_credential(environment_of(set), kAtOnce, scripted.io());
  EXPECT_EQ(credential->name(), "environment (client certificate)");
  const Error error = error_of([&] { (void)get(*credential); });
  EXPECT_EQ(error.kind(), ErrorKind::kAuth);
  EXPECT_THAT(error.what(), HasSubstr(path + "): cannot be opened"));

  write(testing::self_signed({"app"}, testing::KeyKind::kRsa2048));
  scripted.client.reply(200, kGood);
  scripted.client.reply(200, kGood);
  (void)get(*credential);
  (void)get(*credential);
  const auto requests = scripted.client.requests();
  EXPECT_THAT(requests.at(0).body,
              HasSubstr("&client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3A"
                        "client-assertion-type%3Ajwt-bearer&client_assertion=ey"));
  EXPECT_NE(requests.at(0).body, requests.at(1).body) << "each assertion has an id of its own";
}

TEST(WorkloadIdentity, ReadsItsTokenFileAnewForEachToken) {
  const testing::TempDir folder;
  const std::string path = folder / "token";
  auto set = variables();
  set["AZURE_FEDERATED_TOKEN_FILE"] = path;
  Scripted scripted;
  scripted.client.reply(200, kGood);
  scripted.client.reply(200, kGood);
  const auto credential = make_workload_identity(environment_of(set), kAtOnce, scripted.io());
  std::ofstream(path) << "first.jwt\n";
  (void)get(*credential);
  std::ofstream(path) << "second.jwt\n";
  (void)get(*credential);
  const auto requests = scripted.client.requests();
  EXPECT_EQ(requests.at(0).url,
            "https://login.microsoftonline.com/" + kTenant + "/oauth2/v2.0/token");
  EXPECT_EQ(requests.at(0).body,
            "grant_type=client_credentials&client_id=app-1&"
            "scope=https%3A%2F%2Fvault.azure.net%2F.default&"
            "client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer"
            "&client_assertion=first.jwt");
  EXPECT_THAT(requests.at(1).body, HasSubstr("&client_assertion=second.jwt"));
}

TEST(WorkloadIdentity, SaysWhatIsMissing) {
  Scripted scripted;
  const auto absent = make_workload_identity(environment_of({}), kAtOnce, scripted.io());
  EXPECT_EQ(reason(get(*absent)),
            "AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_FEDERATED_TOKEN_FILE are not set");
  const testing::TempDir folder;
  auto set = variables();
  const auto refused = [&](const std::filesystem::path& path) {
    set["AZURE_FEDERATED_TOKEN_FILE"] = path;
    const auto credential = make_workload_identity(environment_of(set), kAtOnce, scripted.io());
    const Error error = error_of([&] { (void)get(*credential); });
    EXPECT_EQ(error.kind(), ErrorKind::kAuth);
    EXPECT_THAT(error.what(), StartsWith("AZURE_FEDERATED_TOKEN_FILE (" + path.string() + "): "));
    return std::string(error.what());
  };
  EXPECT_THAT(refused(folder / "none"), HasSubstr("cannot be opened"));
  EXPECT_THAT(refused(folder.path()), HasSubstr("expected a regular file"));
  std::ofstream(folder / "empty") << "\n";
  EXPECT_THAT(refused(folder / "empty"), HasSubstr("empty file"));
  std::ofstream(folder / "large") << std::string(70'000, 'x');
  EXPECT_THAT(refused(folder / "large"), HasSubstr("at most 65536 bytes"));
  EXPECT_TRUE(scripted.client.requests().empty());
}

}  // namespace
}  // namespace gesso::azure
