#include "gesso/azure/managed_identity.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <pwd.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <fstream>

#include "gesso/testing/temp_dir.hpp"
#include "tests/azure/support.hpp"

namespace gesso::azure {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using Kind = ManagedIdentityId::Kind;
using Asked = Credential::Asked;
using Variables = std::map<std::string, std::string>;

const std::string kGood = R"({"access_token":"good","expires_on":"1769864400"})";
const std::string kResourceId =
    "/subscriptions/s/resourcegroups/g/providers/Microsoft.ManagedIdentity/"
    "userAssignedIdentities/gesso";
const std::string kEncodedResourceId =
    "%2Fsubscriptions%2Fs%2Fresourcegroups%2Fg%2Fproviders%2FMicrosoft.ManagedIdentity%2F"
    "userAssignedIdentities%2Fgesso";
const Variables kAppService{{"IDENTITY_ENDPOINT", "http://localhost:42356/msi/token"},
                            {"IDENTITY_HEADER", "853b9a84-5bfa"}};

ManagedIdentityOptions at_once(ManagedIdentityId id = {}) {
  ManagedIdentityOptions options{.id = std::move(id), .retry = kAtOnce};
  options.imds_retry.wait_min = options.imds_retry.wait_max = 0ms;
  return options;
}

struct Platform : Scripted {
  std::unique_ptr<Credential> credential;

  explicit Platform(Variables set, ManagedIdentityOptions options = at_once())
      : credential(
            make_managed_identity(environment_of(std::move(set)), std::move(options), io())) {}

  AccessToken token() { return std::get<AccessToken>(credential->get({}, Asked::kAlone, {})); }
  std::string not_here(Asked asked = Asked::kInChain) {
    return std::get<NotHere>(credential->get({}, asked, {})).reason;
  }
};

TEST(AppService, AsksAsItsContractSays) {
  Platform platform(kAppService);
  platform.client.reply(200, kGood);
  EXPECT_EQ(platform.credential->name(), "managed identity (App Service)");
  const AccessToken token = platform.token();
  EXPECT_EQ(token.value.reveal(), "good");
  EXPECT_EQ(token.expires_on, platform.clock.now() + 1h);
  const auto seen = platform.client.requests().at(0);
  EXPECT_EQ(seen.method, "GET");
  EXPECT_EQ(seen.url,
            "http://localhost:42356/msi/token?api-version=2019-08-01&"
            "resource=https%3A%2F%2Fvault.azure.net");
  EXPECT_THAT(seen.headers, ElementsAre("X-IDENTITY-HEADER: 853b9a84-5bfa"));
  EXPECT_THAT(seen.body, IsEmpty());
  EXPECT_TRUE(seen.direct);
}

TEST(ManagedIdentity, NamesAUserAssignedIdentityAsEachEndpointCallsIt) {
  const std::tuple<Variables, ManagedIdentityId, std::string> cases[] = {
      {kAppService, {Kind::kClientId, "c-1"}, "&client_id=c-1"},
      {kAppService, {Kind::kObjectId, "o-1"}, "&principal_id=o-1"},
      {kAppService, {Kind::kResourceId, kResourceId}, "&mi_res_id=" + kEncodedResourceId},
      {{}, {Kind::kClientId, "c-1"}, "&client_id=c-1"},
      {{}, {Kind::kObjectId, "o-1"}, "&object_id=o-1"},
      {{}, {Kind::kResourceId, kResourceId}, "&msi_res_id=" + kEncodedResourceId},
  };
  for (const auto& [set, id, parameter] : cases) {
    Platform platform(set, at_once(id));
    platform.client.reply(200, kGood);
    (void)platform.token();
    EXPECT_THAT(platform.client.requests().at(0).url, ::testing::EndsWith(parameter));
  }
  EXPECT_EQ(error_of([] {
              Platform platform({}, at_once({Kind::kClientId, ""}));
            }).kind(),
            ErrorKind::kValidation);
}

TEST(ManagedIdentity, TellsContainerAppsFromArcByTheHeader) {
  Variables both = kAppService;
  both["IMDS_ENDPOINT"] = "http://localhost:40342";
  EXPECT_EQ(Platform(both).credential->name(), "managed identity (App Service)");
  both.erase("IDENTITY_HEADER");
  EXPECT_EQ(Platform(both).credential->name(), "managed identity (Azure Arc)");
  both.erase("IMDS_ENDPOINT");
  EXPECT_EQ(Platform(both).credential->name(), "managed identity (instance metadata service)");
}

TEST(ManagedIdentity, SpeaksInClearWithinThePlatformOnly) {
  const auto app_service = [](const std::string& endpoint) {
    return Variables{{"IDENTITY_ENDPOINT", endpoint}, {"IDENTITY_HEADER", "x"}};
  };
  const auto others = [](const std::string& endpoint) {
    return std::array{Variables{{"IDENTITY_ENDPOINT", endpoint}, {"IMDS_ENDPOINT", "x"}},
                      Variables{{"AZURE_POD_IDENTITY_AUTHORITY_HOST", endpoint}}};
  };
  const auto expect_refused = [](const Variables& set) {
    const Error error = error_of([&] { Platform platform(set); });
    EXPECT_EQ(error.kind(), ErrorKind::kValidation);
    EXPECT_THAT(error.what(), HasSubstr("expected a URL of https, or of http"));
  };
  for (const char* endpoint :
       {"http://evil.com/msi/token", "http://20.0.0.1/", "http://localhost.evil.com/", "token",
        "http://169.254.169.254@evil.com/", "file:///etc/passwd", "http://[2001:db8::1]/"}) {
    expect_refused(app_service(endpoint));
    for (const Variables& set : others(endpoint)) expect_refused(set);
  }
  // As they are found on App Service, Functions and Container Apps.
  for (const char* endpoint :
       {"http://172.16.5.3:8081/msi/token", "http://100.64.100.2/msi/token"}) {
    EXPECT_NO_THROW(Platform(app_service(endpoint)));
    for (const Variables& set : others(endpoint)) expect_refused(set);
  }
  for (const char* endpoint : {"http://169.254.129.2:8081/msi/token", "http://127.0.0.1:41000/x",
                               "http://[::1]/msi", "https://identity.example/msi/token"}) {
    EXPECT_NO_THROW(Platform(app_service(endpoint)));
    for (const Variables& set : others(endpoint)) EXPECT_NO_THROW(Platform platform(set));
  }
}

TEST(AppService, ARefusalShowsNoHeader) {
  Platform platform(kAppService);
  platform.client.reply(400, R"({"statusCode":400,"message":"853b9a84-5bfa is not good"})");
  const Error error = error_of([&] { (void)platform.token(); });
  EXPECT_EQ(error.kind(), ErrorKind::kAuth);
  EXPECT_STREQ(error.what(), "http://localhost:42356/msi/token: 400 [cut out] is not good");
}

TEST(AppService, FollowsNoRedirect) {
  Platform platform(kAppService);
  platform.client.reply(302, "", {{"location", "http://evil.com/"}});
  EXPECT_THAT(error_of([&] { (void)platform.token(); }).what(), HasSubstr("a redirect"));
  EXPECT_EQ(platform.client.requests().size(), 1U);
}

TEST(Imds, AsksAsItsContractSays) {
  Platform platform({});
  platform.client.reply(
      200, R"({"access_token":"good","refresh_token":"","expires_in":"3599",)"
           R"("expires_on":"1769864400","not_before":"1769860800","token_type":"Bearer"})");
  const AccessToken token = platform.token();
  EXPECT_EQ(token.expires_on, platform.clock.now() + 1h);
  const auto seen = platform.client.requests().at(0);
  EXPECT_EQ(seen.url,
            "http://169.254.169.254/metadata/identity/oauth2/token?api-version=2018-02-01&"
            "resource=https%3A%2F%2Fvault.azure.net");
  EXPECT_THAT(seen.headers, ElementsAre("Metadata: true"));
  EXPECT_TRUE(seen.direct) << "the service answers no proxy";
}

TEST(Imds, CanBeElsewhere) {
  Platform platform(Variables{{"AZURE_POD_IDENTITY_AUTHORITY_HOST", "http://127.0.0.1:8080/"}});
  platform.client.reply(200, kGood);
  (void)platform.token();
  EXPECT_THAT(platform.client.requests().at(0).url,
              ::testing::StartsWith("http://127.0.0.1:8080/metadata/identity/oauth2/token?"));
}

TEST(Imds, IsProbedForOneSecondInAChain) {
  Platform platform({});
  platform.client.fail(ErrorKind::kTimeout);
  EXPECT_EQ(platform.not_here(),
            "the service did not answer at http://169.254.169.254 within 1000 ms");
  const auto requests = platform.client.requests();
  ASSERT_EQ(requests.size(), 1U) << "a probe is not tried again";
  EXPECT_EQ(requests[0].timeout, 1s);
  EXPECT_THAT(requests[0].headers, IsEmpty());
}

TEST(Imds, IsAskedInAChainOnceTheProbeWasAnswered) {
  Platform platform({});
  platform.client.reply(400, R"({"error":"bad_request_102"})");
  platform.client.reply(200, kGood);
  const auto result = platform.credential->get({}, Asked::kInChain, {});
  EXPECT_EQ(std::get<AccessToken>(result).value.reveal(), "good");
  EXPECT_THAT(platform.client.requests().at(1).headers, ElementsAre("Metadata: true"));
}

TEST(Imds, SomethingElseAtItsAddressIsNotTheService) {
  for (const int status : {200, 301, 401, 403, 404}) {
    Platform platform({});
    platform.client.reply(status, "<html>");
    EXPECT_THAT(platform.not_here(), HasSubstr("did not answer")) << status;
  }
  Platform broken({});
  broken.client.fail(ErrorKind::kUnavailable, /*retryable=*/false);
  EXPECT_THAT(broken.not_here(), HasSubstr("did not answer"));
  Platform refusing({});  // whatever is asked
  refusing.client.reply(400, "no");
  refusing.client.reply(400, "no");
  EXPECT_EQ(refusing.not_here(), "http://169.254.169.254: 400 ");
}

TEST(Imds, IsThereEvenIfItCannotAnswerJustNow) {
  for (const int status : {410, 429, 503}) {
    Platform platform({});
    platform.client.reply(status);
    platform.client.reply(status);
    platform.client.reply(200, kGood);
    const auto result = platform.credential->get({}, Asked::kInChain, {});
    EXPECT_EQ(std::get<AccessToken>(result).value.reveal(), "good") << status;
  }
}

TEST(Imds, TriesAgainWhatPasses) {
  for (const int status : {404, 410, 429, 500, 503}) {
    Platform platform({});
    platform.client.reply(status);
    platform.client.reply(status);
    platform.client.reply(200, kGood);
    EXPECT_EQ(platform.token().value.reveal(), "good") << status;
  }
  for (const int status : {400, 401, 403, 405}) {
    Platform platform({});
    platform.client.reply(status);
    EXPECT_EQ(error_of([&] { (void)platform.token(); }).kind(), ErrorKind::kAuth) << status;
  }
}

TEST(Imds, WaitsAsItsGuidanceSays) {
  const client::RetryFsm::Options retry = ManagedIdentityOptions{}.imds_retry;
  client::RetryFsm machine(retry);
  std::chrono::milliseconds total{0};
  std::vector<std::chrono::milliseconds> after;
  for (int i = 0; i < 4; ++i) after.push_back(total += machine.after(404, std::nullopt, 0.4).wait);
  EXPECT_EQ(after, (std::vector<std::chrono::milliseconds>{2s, 6s, 14s, 30s}));
  EXPECT_EQ(machine.after(404, std::nullopt, 0.4).kind, client::RetryFsm::Action::Kind::kDone);
  EXPECT_EQ(retry.gone_for, 70s);
}

TEST(Imds, AMachineWithoutAnIdentityIsNotSetUp) {
  Platform platform({});
  platform.client.reply(400,
                        R"({"error":"invalid_request","error_description":"Identity not found"})");
  EXPECT_EQ(platform.not_here(Asked::kAlone),
            "http://169.254.169.254: 400 invalid_request: Identity not found");
  platform.client.reply(403,
                        R"({"error":"x","error_description":"connecting to 169.254.169.254:80:)"
                        R"( A socket operation was attempted to an unreachable network."})");
  EXPECT_THAT(platform.not_here(Asked::kAlone), HasSubstr("unreachable network"));
}

// Arc's agent, with a folder of the test in place of its own.
struct Agent {
  testing::TempDir folder;
  ManagedIdentityOptions options = at_once();
  Variables set{{"IDENTITY_ENDPOINT", "http://localhost:40342/metadata/identity/oauth2/token"},
                {"IMDS_ENDPOINT", "http://localhost:40342"}};

  Agent() {
    options.arc.folder = folder.path();
    options.arc.owner = ::getpwuid(::getuid())->pw_name;
  }
  std::string write(const std::string& name, const std::string& text) const {
    const std::string path = folder / name;
    std::ofstream(path) << text;
    return path;
  }
};

TEST(Arc, ProvesThatItCanReadTheFileOfTheChallenge) {
  Agent agent;
  const std::string path = agent.write("one.key", "the key");
  Platform platform(agent.set, agent.options);
  platform.client.reply(401, "", {{"www-authenticate", "Basic realm=" + path}});
  platform.client.reply(200, R"({"access_token":"good","expires_in":"86400"})");
  EXPECT_EQ(platform.token().value.reveal(), "good");
  const auto requests = platform.client.requests();
  const std::string url =
      "http://localhost:40342/metadata/identity/oauth2/token?api-version=2019-11-01&"
      "resource=https%3A%2F%2Fvault.azure.net";
  EXPECT_EQ(requests.at(0).url, url);
  EXPECT_THAT(requests.at(0).headers, ElementsAre("Metadata: true"));
  EXPECT_EQ(requests.at(1).url, url);
  EXPECT_THAT(requests.at(1).headers,
              ElementsAre("Metadata: true", "Authorization: Basic the key"));
  EXPECT_TRUE(requests.at(1).direct);
}

TEST(Arc, AChallengeThatNamesAnotherFileIsRefusedAndNothingSent) {
  for (const char* header :
       {"Basic realm=/etc/passwd", "Basic realm=/var/opt/azcmagent/tokens/a.key", "Bearer realm=x",
        "Basic", ""}) {
    Agent agent;
    Platform platform(agent.set, agent.options);
    platform.client.reply(401, "", {{"www-authenticate", header}});
    EXPECT_EQ(error_of([&] { (void)platform.token(); }).kind(), ErrorKind::kAuth) << header;
    EXPECT_EQ(platform.client.requests().size(), 1U) << header;
  }
}

TEST(Arc, ExpectsAChallenge) {
  Agent agent;
  Platform platform(agent.set, agent.options);
  platform.client.reply(200, kGood);
  EXPECT_THAT(error_of([&] { (void)platform.token(); }).what(),
              HasSubstr("expected 401 with a challenge"));
}

TEST(Arc, TheKeyIsNotShownWhereItIsRefused) {
  Agent agent;
  const std::string path = agent.write("one.key", "hunter2");
  Platform platform(agent.set, agent.options);
  platform.client.reply(401, "", {{"www-authenticate", "Basic realm=" + path}});
  platform.client.reply(401, R"({"error":"unauthorized","error_description":"not hunter2"})");
  const Error error = error_of([&] { (void)platform.token(); });
  EXPECT_EQ(error.kind(), ErrorKind::kAuth);
  EXPECT_THAT(error.what(), HasSubstr("unauthorized: not [cut out]"));
}

TEST(Arc, TakesAUserAssignedIdentitysTokenOnlyWhereTheAgentConfirmsIt) {
  const auto ask = [](ManagedIdentityId id, const std::string& member) {
    Agent agent;
    agent.options.id = std::move(id);
    Platform platform(agent.set, agent.options);
    const std::string path = agent.write("one.key", "the key");
    platform.client.reply(401, "", {{"www-authenticate", "Basic realm=" + path}});
    platform.client.reply(200, R"({"access_token":"good","expires_in":60)" + member + "}");
    const AccessToken token = platform.token();
    return platform.client.requests().at(1).url;
  };
  EXPECT_THAT(ask({Kind::kClientId, "c-1"}, R"(,"client_id":"C-1")"), HasSubstr("&client_id=c-1"));
  EXPECT_THAT(ask({Kind::kObjectId, "o-1"}, R"(,"object_id":"o-1")"), HasSubstr("&object_id=o-1"));
  for (const char* name : {"msi_res_id", "mi_res_id"}) {
    EXPECT_THAT(ask({Kind::kResourceId, kResourceId},
                    R"(,")" + std::string(name) + R"(":")" + kResourceId + "\""),
                HasSubstr("&msi_res_id=" + kEncodedResourceId));
  }
  for (const char* member :
       {"", R"(,"client_id":"c-2")", R"(,"client_id":1)", R"(,"object_id":"c-1")"}) {
    const Error error = error_of([&] { ask({Kind::kClientId, "c-1"}, member); });
    EXPECT_EQ(error.kind(), ErrorKind::kAuth) << member;
    EXPECT_THAT(error.what(), HasSubstr("does not confirm"));
  }
}

}  // namespace
}  // namespace gesso::azure
