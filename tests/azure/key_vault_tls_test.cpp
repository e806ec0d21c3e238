// Key Vault over real sockets and real TLS, against a stand-in that takes no token but those that
// were issued for it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "gesso/azure/credentials.hpp"
#include "gesso/azure/key_vault.hpp"
#include "gesso/azure/rotation.hpp"
#include "gesso/azure/token_cache.hpp"
#include "gesso/client/curl_client.hpp"
#include "gesso/testing/azure_standin.hpp"
#include "tests/azure/support.hpp"

namespace gesso::azure {
namespace {

using namespace std::chrono_literals;
using ::testing::AllOf;
using testing::AzureIdentity;
using testing::AzureStandIn;
using testing::Fault;
using ::testing::HasSubstr;
using testing::HttpsServer;
using ::testing::Not;
using ::testing::SizeIs;
using Refusal = testing::KeyVaultStandIn::Refusal;

constexpr const char* kName = "mongodb-connection-string";
constexpr const char* kValue = "mongodb://acct:hunter2@host/";

struct KeyVaultTls : ::testing::Test {
  AzureStandIn azure;
  SystemClock clock;
  SystemRandom random;
  // Answers for every host that is no vault; nothing must ever reach it.
  HttpsServer elsewhere{
      [](const HttpsServer::Request&) { return HttpsServer::Reply{}; },
      {.certificate = azure.ca.issue(
           {"*.evil.com", "evil.com", "evilvault.azure.net", "vault.azure.net.evil.com"})}};
  // It may ask the others too: what keeps tokens from them here is the vault's own care.
  static std::vector<std::string> everybody(AzureStandIn& azure) {
    std::vector<std::string> origins = origins_of(azure);
    for (const char* other :
         {"https://evilvault.azure.net", "https://vault.azure.net.evil.com",
          "https://login.evil.com", "http://myvault.vault.azure.net", "https://evil.com"}) {
      origins.emplace_back(other);
    }
    return origins;
  }
  std::unique_ptr<client::HttpClient> client = client::make_curl_client(
      {.allowed = everybody(azure),
       .connect_to = azure.connect_to() + led("evilvault.azure.net", 443) +
                     led("vault.azure.net.evil.com", 443) + led("login.evil.com", 443) +
                     led("myvault.vault.azure.net", 80) + led("evil.com", 443),
       .ca_file = azure.ca_file()});
  TokenCache tokens{
      make_credential(
          {.environment = environment_of(azure.identity_environment(AzureIdentity::kAppService)),
           .azure_cli = {.program = "/nowhere/az"}},
          {*client, clock, random}),
      clock, random};
  KeyVaultOptions options{.url = azure.vault.url(),
                          .retry = {.attempts = 3, .wait_min = 1ms},
                          .forbidden_wait = 1ms,
                          .timeout = 5s};

  void SetUp() override { azure.vault.set_secret(kName, kValue); }
  void TearDown() override {
    EXPECT_EQ(elsewhere.request_count(), 0U);
    EXPECT_FALSE(elsewhere.wait_for_failed_handshakes(1, 0ms));
  }

  std::string led(const std::string& host, int port) const {
    return "," + host + ":" + std::to_string(port) +
           ":127.0.0.1:" + std::to_string(elsewhere.port());
  }
  std::string get(const client::Call& call = {.deadline = Deadline::after(20s)}) {
    KeyVault vault(options, *client, tokens, clock, random);
    return std::string(vault.get(kName, "", call).value.reveal());
  }
  std::string failure(const client::Call& call = {.deadline = Deadline::after(20s)}) {
    const Error error = error_of([&] { (void)get(call); });
    EXPECT_THAT(error.what(), Not(HasSubstr("hunter2")));
    for (const auto& token : azure.tokens.issued()) {
      EXPECT_THAT(error.what(), Not(HasSubstr(token.value)));
    }
    return std::string(to_string(error.kind())) + ": " + error.what();
  }
};

TEST_F(KeyVaultTls, ReadsASecretWithATokenForTheVaultAlone) {
  EXPECT_EQ(get(), kValue);
  ASSERT_THAT(azure.tokens.issued(), SizeIs(1));
  EXPECT_EQ(azure.tokens.issued()[0].resource, "https://vault.azure.net");
  ASSERT_THAT(azure.vault.server().requests(), SizeIs(1));  // no first try without a token
  EXPECT_EQ(azure.vault.server().requests()[0].server_name, "myvault.vault.azure.net");
}

TEST_F(KeyVaultTls, ReadsALargeSecretAndItsVersionsInPages) {
  const std::string large(25 * 1024, 'x');
  azure.vault.set_secret(kName, large);
  EXPECT_EQ(get(), large);
  for (int i = 0; i < 8; ++i) azure.vault.set_secret(kName, "x");
  azure.vault.set_page(3);
  KeyVault vault(options, *client, tokens, clock, random);
  EXPECT_THAT(vault.versions(kName, {}), SizeIs(10));
  const std::string first = vault.versions(kName, {}).back().version;
  EXPECT_FALSE(vault.get(kName, first, {}).value.empty());
  EXPECT_THAT(error_of([&] { (void)vault.get(kName, std::string(32, '0'), {}); }).what(),
              HasSubstr("there is no version 00000000000000000000000000000000"));
}

TEST_F(KeyVaultTls, NothingGoesToAHostThatOnlyLooksLikeAVault) {
  for (const char* url : {"https://evilvault.azure.net", "https://vault.azure.net.evil.com",
                          "https://evil.com", "http://myvault.vault.azure.net"}) {
    options.url = url;
    EXPECT_THAT(failure(), HasSubstr("the key vault's URL is refused"));
  }
  EXPECT_EQ(azure.tokens.count(), 0U);
}

TEST_F(KeyVaultTls, ARedirectAndAPageElsewhereAreNotFollowed) {
  for (const char* to : {"https://evil.com/", "https://evilvault.azure.net/secrets/x",
                         "http://myvault.vault.azure.net/secrets/x"}) {
    azure.vault.server().fail_next(1, Fault::redirect(to));
    EXPECT_THAT(failure(), HasSubstr("redirect, which is not followed"));
    azure.vault.set_secret(kName, kValue);
    azure.vault.set_page(1);
    azure.vault.set_next_link(to);
    KeyVault vault(options, *client, tokens, clock, random);
    EXPECT_THAT(error_of([&] { (void)vault.versions(kName, {}); }).what(),
                HasSubstr("next page of the secret's versions is refused"));
  }
}

TEST_F(KeyVaultTls, ChallengesThatNameSomebodyElseAreRefused) {
  azure.tokens.revoke_all();
  azure.vault.refuse_tokens(true);
  const std::string authority = "https://login.microsoftonline.com/" + azure.tenant();
  azure.vault.challenge_with(authority, "https://management.azure.com");
  EXPECT_THAT(failure(), AllOf(HasSubstr("auth: "), HasSubstr("another resource")));
  azure.vault.challenge_with(authority, "https://evilvault.azure.net");
  EXPECT_THAT(failure(), HasSubstr("another resource"));
  azure.vault.challenge_with("https://login.evil.com/" + azure.tenant(), "https://vault.azure.net");
  EXPECT_THAT(failure(), HasSubstr("another authority"));
  options.tenant = azure.tenant();
  azure.vault.challenge_with("https://login.microsoftonline.com/another",
                             "https://vault.azure.net");
  EXPECT_THAT(failure(), HasSubstr("another tenant"));
  EXPECT_LE(azure.tokens.count(), 2U);  // of two tenants; none was asked for anew
}

TEST_F(KeyVaultTls, ATokenThatWasRevokedIsReplacedOnce) {
  TokenCache cache(
      make_credential(
          {.environment = environment_of(azure.identity_environment(AzureIdentity::kAppService))},
          {*client, clock, random}),
      clock, random);
  KeyVault vault(options, *client, cache, clock, random);
  EXPECT_EQ(vault.get(kName, "", {}).value.reveal(), kValue);
  azure.tokens.revoke_all();
  EXPECT_EQ(vault.get(kName, "", {}).value.reveal(), kValue);
  EXPECT_EQ(azure.tokens.count(), 2U);
  azure.vault.refuse_tokens(true);
  azure.vault.server().forget_requests();
  const Error error = error_of([&] { (void)vault.get(kName, "", {}); });
  EXPECT_EQ(error.kind(), ErrorKind::kAuth);
  EXPECT_THAT(error.what(), HasSubstr("a fresh one too"));
  EXPECT_EQ(azure.vault.server().request_count(), 2U);
}

TEST_F(KeyVaultTls, ACertificateThatIsNotGoodGetsNoToken) {
  azure.vault.server().use_certificate(azure.ca.issue({"other.vault.azure.net"}));
  EXPECT_THAT(failure(), AllOf(HasSubstr("unavailable: "), HasSubstr("certificate")));
  azure.vault.server().use_certificate(testing::self_signed({"myvault.vault.azure.net"}));
  EXPECT_THAT(failure(), HasSubstr("certificate"));
  azure.vault.server().use_certificate(azure.ca.issue_expired({"myvault.vault.azure.net"}));
  EXPECT_THAT(failure(), HasSubstr("certificate"));
  EXPECT_EQ(azure.vault.server().request_count(), 0U);
}

TEST_F(KeyVaultTls, EachStateOfASecretHasItsMessage) {
  azure.vault.disable(kName);
  EXPECT_THAT(failure(), AllOf(HasSubstr("validation: "), HasSubstr("is disabled")));
  azure.vault.enable(kName);
  azure.vault.set_validity(kName, clock.now() + 1h, {});
  EXPECT_THAT(failure(), AllOf(HasSubstr("validation: "), HasSubstr("is not valid before 20")));
  azure.vault.set_validity(kName, {}, clock.now() - 1h);
  EXPECT_THAT(failure(), AllOf(HasSubstr("validation: "), HasSubstr("expired at 20")));
  azure.vault.set_validity(kName, clock.now() - 1h, clock.now() + 1h);
  EXPECT_EQ(get(), kValue);
  azure.vault.remove(kName);
  EXPECT_THAT(failure(), AllOf(HasSubstr("validation: "), HasSubstr("was deleted at 20"),
                               HasSubstr("recover it")));
  azure.vault.recover(kName);
  EXPECT_EQ(get(), kValue);
  KeyVault vault(options, *client, tokens, clock, random);
  EXPECT_THAT(error_of([&] { (void)vault.get("other", "", {}); }).what(),
              HasSubstr("there is no secret 'other' in the key vault myvault.vault.azure.net"));
}

TEST_F(KeyVaultTls, EachRefusalSaysWhatToDo) {
  azure.vault.refuse_identity(Refusal::kByRbac);
  EXPECT_THAT(failure(), AllOf(HasSubstr("auth: "), HasSubstr("Key Vault Secrets User")));
  azure.vault.refuse_identity(Refusal::kByPolicy);
  EXPECT_THAT(failure(), HasSubstr("access policies"));
  azure.vault.refuse_identity(Refusal::kByFirewall);
  EXPECT_THAT(failure(), HasSubstr("the vault's firewall"));
  azure.vault.refuse_identity(Refusal::kByConnection);
  EXPECT_THAT(failure(), HasSubstr("closed to public networks"));
  azure.vault.refuse_identity(Refusal::kNone);
  azure.vault.server().fail_next(2, Fault::with_status(403));
  EXPECT_EQ(get(), kValue);  // a role that was granted a moment ago
}

TEST_F(KeyVaultTls, WhatPassesIsWaitedOut) {
  azure.vault.throttle_next(2);
  EXPECT_EQ(get(), kValue);
  azure.vault.throttle_next(2, 0s);
  EXPECT_EQ(get(), kValue);
  azure.vault.throttle_next(3);
  EXPECT_THAT(failure(), HasSubstr("throttled: "));
  for (const Fault& fault :
       {Fault::with_status(503), Fault::cut(), Fault::reset(), Fault::wrong_length()}) {
    azure.vault.server().fail_next(2, fault);
    EXPECT_EQ(get(), kValue);
  }
  azure.vault.server().fail(Fault::with_status(500));
  EXPECT_THAT(failure(), HasSubstr("unavailable: "));
  azure.vault.server().heal();
  azure.vault.server().down();
  EXPECT_THAT(failure(), HasSubstr("unavailable: "));
  azure.vault.server().up();
  EXPECT_EQ(get(), kValue);
}

TEST_F(KeyVaultTls, AVaultThatIsSlowEndsWithTheCall) {
  azure.vault.server().fail(Fault::hang());
  EXPECT_THAT(failure({.deadline = Deadline::after(50ms)}), HasSubstr("timeout: "));
  std::stop_source stop;
  std::thread stopper([&] {
    EXPECT_TRUE(azure.vault.server().wait_for_hanging(1));
    stop.request_stop();
  });
  EXPECT_THAT(failure({.stop = stop.get_token()}), HasSubstr("unavailable: "));
  stopper.join();
  azure.vault.server().heal();
}

TEST_F(KeyVaultTls, GarbageIsToldWithoutItsContent) {
  for (const char* body :
       {"", "hunter2", "{\"value\":\"hunter2\"}", "[]", "<html>hunter2</html>"}) {
    azure.vault.server().fail_next(1, Fault::with_body(body));
    EXPECT_THAT(failure(), HasSubstr("internal: the key vault's reply makes no sense"));
  }
  azure.vault.server().fail(Fault::oversized(3 << 20));
  (void)failure();
  azure.vault.server().heal();
  azure.vault.server().fail(Fault::garbage());
  (void)failure();
  azure.vault.server().heal();
}

TEST_F(KeyVaultTls, ARotationFollowsTheVaultThroughAllOfThat) {
  azure.vault.server().down();
  KeyVault vault(options, *client, tokens, clock, random);
  std::mutex mutex;  // guards the two below
  std::vector<std::string> applied;
  std::condition_variable changed;
  Rotation rotation({.read = [&](const client::Call& call) { return vault.get(kName, "", call); },
                     .apply =
                         [&](const SecretValue& secret, const client::Call&) {
                           const std::lock_guard lock(mutex);
                           applied.emplace_back(secret.value.reveal());
                           changed.notify_all();
                           return static_cast<std::uint64_t>(applied.size());
                         }},
                    {.timing = {.poll_interval = 2ms, .retry_min = 1ms, .retry_max = 5ms}}, clock,
                    random);
  rotation.start();
  const Error error = error_of([&] { rotation.wait_ready({.deadline = Deadline::after(20ms)}); });
  EXPECT_THAT(error.what(), HasSubstr("not connected yet"));
  azure.vault.server().up();
  rotation.wait_ready({.deadline = Deadline::after(20s)});

  for (const Fault& fault : {Fault::with_status(503), Fault::with_status(429), Fault::garbage(),
                             Fault::with_body("{}"), Fault::redirect("https://evil.com/")}) {
    azure.vault.server().fail(fault);
    const std::uint64_t failures = rotation.status().read_failures;
    const Deadline most = Deadline::after(20s);
    while (rotation.status().read_failures == failures && !most.expired()) {
      std::this_thread::yield();
    }
    EXPECT_GT(rotation.status().read_failures, failures);
    EXPECT_EQ(rotation.status().state, RotationFsm::State::kReady);
    azure.vault.server().heal();
  }
  azure.vault.set_secret(kName, "second");
  std::unique_lock lock(mutex);
  EXPECT_TRUE(changed.wait_for(lock, 20s, [&] { return applied.size() == 2; }));
  EXPECT_THAT(applied, ::testing::ElementsAre(kValue, "second"));
  lock.unlock();
  rotation.stop();
}

}  // namespace
}  // namespace gesso::azure
