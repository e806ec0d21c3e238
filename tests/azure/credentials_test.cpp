#include "gesso/azure/credentials.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/azure/support.hpp"

namespace gesso::azure {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using ::testing::Not;
using Variables = std::map<std::string, std::string>;

const std::string kGood = R"({"access_token":"good","expires_in":3599})";
const Variables kSecret{{"AZURE_TENANT_ID", "tenant-1"},
                        {"AZURE_CLIENT_ID", "app-1"},
                        {"AZURE_CLIENT_SECRET", "hunter2"}};

struct Machine : Scripted {
  std::unique_ptr<TokenProvider> make(Variables set, std::string named = "") {
    CredentialOptions options{.environment = environment_of(std::move(set)),
                              .credential = std::move(named),
                              .azure_cli = {.program = "/nowhere/az"},
                              .entra_retry = kAtOnce};
    options.managed_identity.retry = kAtOnce;
    options.managed_identity.imds_retry = kAtOnce;
    return make_credential(std::move(options), io());
  }
};

TEST(Credentials, TheChainTakesTheFirstThatIsSetUpAndStaysWithIt) {
  Machine machine;
  const auto chain =
      machine.make({{"IDENTITY_ENDPOINT", "http://localhost:1/msi"}, {"IDENTITY_HEADER", "x"}});
  EXPECT_EQ(chain->name(),
            "the first of environment, workload identity, managed identity (App Service), "
            "Azure CLI");
  machine.client.reply(200, kGood);
  EXPECT_EQ(chain->token({}, {}).value.reveal(), "good");
  EXPECT_EQ(chain->name(), "managed identity (App Service)");
  machine.client.reply(200, kGood);
  EXPECT_EQ(chain->token({}, {}).value.reveal(), "good");
}

TEST(Credentials, TheWinnerIsNotProbedAgain) {
  Machine machine;
  const auto chain = machine.make({});
  machine.client.reply(400);  // to the probe
  machine.client.reply(200, kGood);
  (void)chain->token({}, {});
  machine.client.reply(200, kGood);
  (void)chain->token({}, {});
  EXPECT_EQ(machine.client.requests().size(), 3U);
}

TEST(Credentials, AFailedChainSaysForEachMemberWhatWasTried) {
  Machine machine;
  const auto chain = machine.make({{"AZURE_CLIENT_SECRET", "hunter2"}});
  machine.client.fail(ErrorKind::kTimeout);
  const Error error = error_of([&] { (void)chain->token({}, {}); });
  EXPECT_EQ(error.kind(), ErrorKind::kAuth);
  EXPECT_STREQ(
      error.what(),
      "no identity of Azure gave a token:\n"
      "  environment: not set up here: AZURE_TENANT_ID and AZURE_CLIENT_ID are not set\n"
      "  workload identity: not set up here: AZURE_TENANT_ID, AZURE_CLIENT_ID and "
      "AZURE_FEDERATED_TOKEN_FILE are not set\n"
      "  managed identity (instance metadata service): not set up here: the service did not answer "
      "at http://169.254.169.254 within 1000 ms\n"
      "  Azure CLI: not set up here: the Azure CLI is not installed: no /nowhere/az");
}

TEST(Credentials, OneThatIsSetUpAndRefusedEndsTheChain) {
  Machine machine;
  const auto chain = machine.make(kSecret);
  machine.client.reply(401, R"({"error":"invalid_client","error_description":"expired hunter2"})");
  const Error error = error_of([&] { (void)chain->token({}, {}); });
  EXPECT_EQ(error.kind(), ErrorKind::kAuth);
  EXPECT_STREQ(error.what(),
               "no identity of Azure gave a token:\n"
               "  environment (client secret): https://login.microsoftonline.com: 401 "
               "invalid_client: expired [cut out]\n"
               "  workload identity: not tried, since one before it is set up\n"
               "  managed identity (instance metadata service): not tried, since one before it is "
               "set up\n"
               "  Azure CLI: not tried, since one before it is set up");
  EXPECT_EQ(machine.client.requests().size(), 1U);
  machine.client.reply(200, kGood);
  EXPECT_EQ(chain->token({}, {}).value.reveal(), "good") << "the next call asks again";
}

TEST(Credentials, AnOutageKeepsItsKindAndThatItMayPass) {
  Machine machine;
  const auto chain = machine.make(kSecret);
  for (int i = 0; i < 5; ++i) machine.client.reply(503);
  const Error error = error_of([&] { (void)chain->token({}, {}); });
  EXPECT_EQ(error.kind(), ErrorKind::kUnavailable);
  EXPECT_TRUE(error.retryable());
}

TEST(Credentials, OneCanBeNamed) {
  const std::pair<std::string, std::string> names[] = {
      {"EnvironmentCredential", "environment (client secret)"},
      {"environmentcredential", "environment (client secret)"},
      {"WorkloadIdentityCredential", "workload identity"},
      {"MANAGEDIDENTITYCREDENTIAL", "managed identity (instance metadata service)"},
      {"AzureCliCredential", "Azure CLI"},
      {"dev", "Azure CLI"},
      {" AzureCLICredential ", "Azure CLI"},  // a blank is left behind by who edits settings
      {"Prod",
       "the first of environment (client secret), workload identity, managed identity (instance "
       "metadata service)"},
  };
  for (const auto& [name, expected] : names) {
    Machine machine;
    EXPECT_EQ(machine.make(kSecret, name)->name(), expected) << name;
    Variables set = kSecret;
    set["AZURE_TOKEN_CREDENTIALS"] = name;
    EXPECT_EQ(machine.make(set)->name(), expected) << name;
    set["AZURE_TOKEN_CREDENTIALS"] = "nonsense";
    EXPECT_EQ(machine.make(set, name)->name(), expected) << "our own setting comes first";
  }
}

TEST(Credentials, AnUnknownNameIsRefusedWithThoseThatAreKnown) {
  Machine machine;
  const Error error = error_of([&] { (void)machine.make({}, "MyCredential"); });
  EXPECT_EQ(error.kind(), ErrorKind::kValidation);
  EXPECT_STREQ(error.what(),
               "GESSO_AZURE_CREDENTIAL: expected one of dev, prod, EnvironmentCredential, "
               "WorkloadIdentityCredential, ManagedIdentityCredential, AzureCliCredential, found "
               "\"MyCredential\"");
  EXPECT_THAT(error_of([&] {
                (void)machine.make({{"AZURE_TOKEN_CREDENTIALS", "VisualStudioCredential"}});
              }).what(),
              HasSubstr("AZURE_TOKEN_CREDENTIALS: expected one of"));
}

TEST(Credentials, TheOneThatIsNamedIsNotProbedAndSaysWhatItLacks) {
  Machine machine;
  const auto imds = machine.make({}, "ManagedIdentityCredential");
  machine.client.reply(200, kGood);
  EXPECT_EQ(imds->token({}, {}).value.reveal(), "good");
  const Error error =
      error_of([&] { (void)machine.make({}, "WorkloadIdentityCredential")->token({}, {}); });
  EXPECT_EQ(error.kind(), ErrorKind::kAuth);
  EXPECT_THAT(error.what(), HasSubstr("workload identity is not set up here: AZURE_TENANT_ID, "));
}

TEST(Credentials, AClientIdOfTheEnvironmentNamesTheManagedIdentity) {
  Machine machine;
  const auto provider = machine.make({{"AZURE_CLIENT_ID", "c-1"}}, "ManagedIdentityCredential");
  machine.client.reply(200, kGood);
  (void)provider->token({}, {});
  EXPECT_THAT(machine.client.requests().at(0).url, HasSubstr("&client_id=c-1"));
}

TEST(Credentials, AStopEndsTheChainWithoutTryingTheRest) {
  Machine machine;
  std::stop_source stop;
  stop.request_stop();
  machine.client.fail(ErrorKind::kUnavailable);
  const auto chain = machine.make({});
  const Error error = error_of([&] { (void)chain->token({}, {.stop = stop.get_token()}); });
  EXPECT_EQ(error.kind(), ErrorKind::kUnavailable);
  EXPECT_THAT(error.what(), HasSubstr("Azure CLI: not tried"));
}

TEST(CredentialOrigins, AreThoseOfTheEnvironmentOrAzuresOwn) {
  EXPECT_THAT(
      credential_origins(environment_of({})),
      ::testing::ElementsAre("https://login.microsoftonline.com", "http://169.254.169.254"));
  EXPECT_THAT(credential_origins(
                  environment_of({{"AZURE_AUTHORITY_HOST", "login.microsoftonline.us"},
                                  {"AZURE_POD_IDENTITY_AUTHORITY_HOST", "http://127.0.0.1:2579/"},
                                  {"IDENTITY_ENDPOINT", "http://127.0.0.1:41741/msi/token?x=1"}})),
              ::testing::ElementsAre("https://login.microsoftonline.us", "http://127.0.0.1:2579",
                                     "http://127.0.0.1:41741"));
  EXPECT_THAT(credential_origins(environment_of({{"IDENTITY_ENDPOINT", "no url"}})),
              ::testing::SizeIs(2))
      << "what cannot be read is left out";
}

}  // namespace
}  // namespace gesso::azure
