// Every way of proving who we are, over real sockets and real TLS, against stand-ins that check
// what Azure checks.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <pwd.h>
#include <unistd.h>

#include <fstream>
#include <thread>

#include "gesso/azure/credentials.hpp"
#include "gesso/azure/token_cache.hpp"
#include "gesso/client/curl_client.hpp"
#include "gesso/testing/azure_standin.hpp"
#include "tests/azure/support.hpp"

namespace gesso::azure {
namespace {

using namespace std::chrono_literals;
using testing::AzureIdentity;
using testing::AzureStandIn;
using testing::Fault;
using ::testing::HasSubstr;
using ::testing::Not;

struct Azure {
  AzureStandIn stand_in;
  SystemClock clock;
  SystemRandom random;
  std::unique_ptr<client::HttpClient> client =
      client::make_curl_client({.allowed = origins_of(stand_in),
                                .connect_to = stand_in.connect_to(),
                                .ca_file = stand_in.ca_file()});

  std::unique_ptr<TokenProvider> make(std::map<std::string, std::string> set,
                                      ManagedIdentityId id = {}) {
    CredentialOptions options{.environment = environment_of(std::move(set)),
                              .managed_identity = {.id = std::move(id)},
                              .azure_cli = {.program = "/nowhere/az"}};
    options.entra_retry = {.wait_min = 1ms, .wait_max = 2ms};
    options.managed_identity.retry = options.entra_retry;
    options.managed_identity.imds_retry.wait_min = 1ms;
    options.managed_identity.imds_retry.wait_max = 2ms;
    options.managed_identity.arc.folder = stand_in.arc.folder();
    options.managed_identity.arc.owner = ::getpwuid(::getuid())->pw_name;
    return make_credential(std::move(options), {*client, clock, random});
  }
  std::unique_ptr<TokenProvider> make(AzureIdentity identity) {
    return make(stand_in.identity_environment(identity));
  }
};

struct EveryIdentity : ::testing::TestWithParam<AzureIdentity> {};

TEST_P(EveryIdentity, GetsATokenForTheVault) {
  Azure azure;
  const auto provider = azure.make(GetParam());
  const AccessToken token =
      provider->token({.resource = "https://vault.azure.net"}, {.deadline = Deadline::after(20s)});
  const auto issued = azure.stand_in.tokens.find(token.value.reveal());
  ASSERT_TRUE(issued);
  EXPECT_EQ(issued->resource, "https://vault.azure.net");
  EXPECT_LT(std::chrono::abs(issued->expires_on - token.expires_on), 5s);
  const auto half = azure.clock.now() + (token.expires_on - azure.clock.now()) / 2;
  EXPECT_LT(std::chrono::abs(half - token.refresh_on), 5s);
}

testing::HttpsServer& server_of(AzureStandIn& stand_in, AzureIdentity identity) {
  switch (identity) {
    case AzureIdentity::kAppService:
      return stand_in.app_service.server();
    case AzureIdentity::kArc:
      return stand_in.arc.server();
    case AzureIdentity::kImds:
      return stand_in.imds.server();
    default:
      return stand_in.entra.server();
  }
}

TEST_P(EveryIdentity, TriesAgainWhatPasses) {
  Azure azure;
  auto& server = server_of(azure.stand_in, GetParam());
  const auto provider = azure.make(GetParam());
  (void)provider->token({}, {});  // past the chain's probe
  server.fail_next(1, Fault::with_status(503));
  server.fail_next(1, Fault::with_status(429, 1s));
  server.fail_next(1, Fault::reset());
  EXPECT_NO_THROW((void)provider->token({}, {.deadline = Deadline::after(20s)}));
}

TEST_P(EveryIdentity, RefusesGarbageAndRedirectsWithTheirReason) {
  Azure azure;
  auto& server = server_of(azure.stand_in, GetParam());
  const auto provider = azure.make(GetParam());
  (void)provider->token({}, {});
  for (const char* body : {"", "<html>hello</html>", "{}", "[1]", R"({"access_token":5})"}) {
    server.fail(Fault::with_body(body));
    const Error error = error_of([&] { (void)provider->token({}, {}); });
    EXPECT_EQ(error.kind(), ErrorKind::kInternal) << body;
    EXPECT_THAT(error.what(), HasSubstr("expected")) << body;
  }
  server.fail(Fault::redirect("http://127.0.0.1:1/"));
  EXPECT_THAT(error_of([&] { (void)provider->token({}, {}); }).what(), HasSubstr("redirect"));
  server.heal();
  EXPECT_NO_THROW((void)provider->token({}, {}));
}

TEST_P(EveryIdentity, EndsAtOnceWhenTheProgramStops) {
  Azure azure;
  auto& server = server_of(azure.stand_in, GetParam());
  const auto provider = azure.make(GetParam());
  (void)provider->token({}, {});
  server.fail(Fault::hang());
  std::stop_source stop;
  std::optional<Error> error;
  std::thread caller(
      [&] { error = error_of([&] { (void)provider->token({}, {.stop = stop.get_token()}); }); });
  ASSERT_TRUE(server.wait_for_hanging(1));
  stop.request_stop();
  caller.join();
  ASSERT_TRUE(error);
  EXPECT_THAT(error->what(), HasSubstr("stopped"));
}

INSTANTIATE_TEST_SUITE_P(Azure, EveryIdentity,
                         ::testing::Values(AzureIdentity::kAppService, AzureIdentity::kArc,
                                           AzureIdentity::kImds, AzureIdentity::kClientSecret,
                                           AzureIdentity::kClientCertificate,
                                           AzureIdentity::kWorkloadIdentity),
                         [](const auto& tested) { return std::string(to_string(tested.param)); });

TEST(ManagedIdentityOverSockets, AsksForAUserAssignedIdentityByEachId) {
  const testing::ManagedIdentity wanted{"client-2", "object-2", "/subscriptions/s/gesso"};
  using Kind = ManagedIdentityId::Kind;
  for (const ManagedIdentityId& id : {ManagedIdentityId{Kind::kClientId, wanted.client_id},
                                      ManagedIdentityId{Kind::kObjectId, wanted.object_id},
                                      ManagedIdentityId{Kind::kResourceId, wanted.resource_id}}) {
    Azure azure;
    azure.stand_in.app_service.add_user_assigned(wanted);
    azure.stand_in.imds.add_user_assigned(wanted);
    azure.stand_in.arc.add_user_assigned(wanted);
    for (const AzureIdentity platform :
         {AzureIdentity::kAppService, AzureIdentity::kImds, AzureIdentity::kArc}) {
      const auto provider = azure.make(azure.stand_in.identity_environment(platform), id);
      const AccessToken token = provider->token({}, {});
      const auto issued = azure.stand_in.tokens.find(token.value.reveal());
      ASSERT_TRUE(issued);
      EXPECT_EQ(issued->client_id, "client-2");
    }
  }
}

TEST(AppServiceOverSockets, ARotatedHeaderIsRefusedWithoutShowingIt) {
  Azure azure;
  const auto provider = azure.make(AzureIdentity::kAppService);
  const std::string header = azure.stand_in.app_service.identity_header();
  azure.stand_in.app_service.rotate_identity_header();
  const Error error = error_of([&] { (void)provider->token({}, {}); });
  EXPECT_EQ(error.kind(), ErrorKind::kAuth);
  EXPECT_THAT(error.what(), Not(HasSubstr(header)));
}

TEST(ImdsOverSockets, PassesOnceTheServiceIsBack) {
  Azure azure;
  const auto provider = azure.make(AzureIdentity::kImds);
  (void)provider->token({}, {});
  azure.stand_in.imds.server().fail_next(2, Fault::with_status(410));
  azure.stand_in.imds.server().fail_next(1, Fault::with_status(404));
  EXPECT_NO_THROW((void)provider->token({}, {}));
}

TEST(ImdsOverSockets, AMachineWithoutAnIdentityPassesToTheNext) {
  Azure azure;
  azure.stand_in.imds.remove_system_assigned();
  const auto provider = azure.make(AzureIdentity::kImds);
  const Error error = error_of([&] { (void)provider->token({}, {}); });
  EXPECT_THAT(error.what(), HasSubstr("Identity not found"));
  EXPECT_THAT(error.what(), HasSubstr("Azure CLI: not set up here"));
}

TEST(ArcOverSockets, AnOldAgentsTokenOfAnotherIdentityIsRefused) {
  Azure azure;
  azure.stand_in.arc.add_user_assigned({"client-2", "object-2", "/subscriptions/s/gesso"});
  azure.stand_in.arc.honour_user_assigned(false);
  const auto provider = azure.make(azure.stand_in.identity_environment(AzureIdentity::kArc),
                                   {ManagedIdentityId::Kind::kClientId, "client-2"});
  const Error error = error_of([&] { (void)provider->token({}, {}); });
  EXPECT_EQ(error.kind(), ErrorKind::kAuth);
  EXPECT_THAT(error.what(), HasSubstr("does not confirm"));
}

TEST(ArcOverSockets, EachHostileChallengeIsRefusedWithItsReason) {
  const testing::TempDir elsewhere;
  const std::pair<testing::ArcStandIn::Challenge, std::string> cases[] = {
      {{.folder = elsewhere.path()}, "expected a file in"},
      {{.extension = ".txt"}, "ends with .key"},
      {{.bytes = 4097}, "at most 4096 bytes"},
      {{.as_link = true}, "symbolic link"},
      {{.without_file = true}, "cannot be opened"},
      {{.header = ""}, "WWW-Authenticate: Basic realm=FILE"},
      {{.header = "Basic realm=/etc/passwd"}, "expected a file in"},
      {{.header = "Bearer realm=x"}, "WWW-Authenticate: Basic realm=FILE"},
  };
  for (const auto& [challenge, reason] : cases) {
    Azure azure;
    const auto provider = azure.make(AzureIdentity::kArc);
    azure.stand_in.arc.challenge_with(challenge);
    const Error error = error_of([&] { (void)provider->token({}, {}); });
    EXPECT_EQ(error.kind(), ErrorKind::kAuth);
    EXPECT_THAT(error.what(), HasSubstr(reason));
    EXPECT_EQ(azure.stand_in.tokens.count(), 0U);
    for (const auto& request : azure.stand_in.arc.server().requests()) {
      EXPECT_EQ(request.header("authorization"), std::nullopt) << "no file's content was sent";
    }
  }
}

TEST(EntraOverTls, NoSecretGoesToAHostThatTheCertificateDoesNotName) {
  Azure azure;
  azure.stand_in.entra.server().use_certificate(azure.stand_in.ca.issue({"evil.example"}));
  const auto provider = azure.make(AzureIdentity::kClientSecret);
  const Error error = error_of([&] { (void)provider->token({}, {}); });
  EXPECT_THAT(error.what(), HasSubstr("its certificate is not trusted"));
  EXPECT_EQ(azure.stand_in.entra.server().request_count(), 0U);
}

TEST(EntraOverTls, ARefusedSecretIsToldAndNotShown) {
  Azure azure;
  auto set = azure.stand_in.identity_environment(AzureIdentity::kClientSecret);
  const std::string wrong = "wrong~secret";
  set["AZURE_CLIENT_SECRET"] = wrong;
  const Error error = error_of([&] { (void)azure.make(set)->token({}, {}); });
  EXPECT_EQ(error.kind(), ErrorKind::kAuth);
  EXPECT_THAT(error.what(), HasSubstr("invalid_client: AADSTS"));
  EXPECT_THAT(error.what(), Not(HasSubstr(wrong)));
}

TEST(EntraOverTls, AFederatedTokenThatWasReplacedIsUsed) {
  Azure azure;
  const auto provider = azure.make(AzureIdentity::kWorkloadIdentity);
  (void)provider->token({}, {});
  auto& entra = azure.stand_in.entra;
  entra.write_federated_token(entra.federated_token({}, -1h));
  EXPECT_EQ(error_of([&] { (void)provider->token({}, {}); }).kind(), ErrorKind::kAuth);
  entra.write_federated_token(entra.federated_token());
  EXPECT_NO_THROW((void)provider->token({}, {}));
}

TEST(TokenCacheOverSockets, ManyCallersOfACacheMakeOneRequest) {
  Azure azure;
  TokenCache cache(azure.make(AzureIdentity::kAppService), azure.clock, azure.random);
  std::vector<std::thread> callers;
  for (int i = 0; i < 8; ++i) callers.emplace_back([&] { (void)cache.token({}, {}); });
  for (std::thread& caller : callers) caller.join();
  EXPECT_EQ(azure.stand_in.app_service.server().request_count(), 1U);
  EXPECT_EQ(cache.name(), "managed identity (App Service)");
}

}  // namespace
}  // namespace gesso::azure
