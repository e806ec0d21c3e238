#include "gesso/cli/doctor_checks.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "gesso/bson/builder.hpp"

namespace gesso::cli {
namespace {

using namespace std::chrono_literals;
using ::testing::AllOf;
using ::testing::Field;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

const Time kNow = std::chrono::sys_days{std::chrono::year{2026} / 1 / 31};

auto is(Health health, const std::string& found, const std::string& advice = {}) {
  return AllOf(Field(&Check::health, health), Field(&Check::found, HasSubstr(found)),
               advice.empty() ? ::testing::Matcher<const Check&>(Field(&Check::advice, IsEmpty()))
                              : Field(&Check::advice, HasSubstr(advice)));
}

TEST(DoctorReport, ALineIsALineWhateverItsTextsHold) {
  EXPECT_EQ(to_line({"vault", Health::kFail, "tried:\n  a: no\n  b: \x1b[31mno", "do\nthis"}),
            "FAIL     vault       tried: a: no; b: ?[31mno -> do; this");
  EXPECT_EQ(to_line({"token", Health::kOk, "good"}), "ok       token       good");
}

TEST(DoctorReport, AWarningIsNoFailure) {
  const std::vector<Check> checks{
      {"a", Health::kOk, "x"}, {"b", Health::kWarn, "y \"z\"", "w"}, {"c", Health::kSkipped, "v"}};
  EXPECT_EQ(to_json(checks),
            R"({"ok":true,"checks":[{"name":"a","status":"ok","found":"x","advice":""},)"
            R"({"name":"b","status":"warn","found":"y \"z\"","advice":"w"},)"
            R"({"name":"c","status":"skipped","found":"v","advice":""}]})");
  EXPECT_THAT(to_json(std::vector<Check>{{"a", Health::kFail, "x", "y"}}),
              HasSubstr(R"({"ok":false)"));
}

TEST(DoctorChecks, AShortTokenWarnsAndAnExpiredOneFails) {
  const auto judge = [](std::chrono::milliseconds left) {
    return judge_token(kNow + left, kNow + left / 2, kNow);
  };
  EXPECT_THAT(judge(24h), is(Health::kOk, "24 h 0 min left, until 2026-02-01T00:00:00.000Z"));
  EXPECT_THAT(judge(24h), is(Health::kOk, "from 2026-01-31T12:00:00.000Z on"));
  EXPECT_THAT(judge(5min), is(Health::kOk, "5 min left"));
  EXPECT_THAT(judge(299s), is(Health::kWarn, "4 min left", "clock"));
  EXPECT_THAT(judge(0s), is(Health::kFail, "expired at", "clock"));
}

TEST(DoctorChecks, AnOldSecretWarnsAndSoDoesOneThatExpires) {
  const auto judge = [](std::chrono::hours age, std::optional<std::chrono::hours> expires = {}) {
    azure::SecretVersion about{.version = "1234", .created = kNow - age, .updated = kNow - age};
    if (expires) about.expires = kNow + *expires;
    return judge_secret("uri", about, kNow);
  };
  EXPECT_THAT(judge(24h * 90), is(Health::kOk, "'uri', version 1234, created 90 days ago"));
  EXPECT_THAT(judge(24h * 90 + 1h), is(Health::kWarn, "90 days", "rotate.sh"));
  EXPECT_THAT(judge(1h, 24h * 14), is(Health::kOk, "expires at 2026-02-14"));
  EXPECT_THAT(judge(1h, 24h * 13), is(Health::kWarn, "expires at", "in 13 days"));
  EXPECT_THAT(judge(24h * 91, 24h), is(Health::kWarn, "expires at", "rotate.sh; Gesso"));
  EXPECT_THAT(judge(-1h), is(Health::kOk, "created 0.0 s ago"));  // by a clock before ours
  EXPECT_THAT(judge_secret("uri", {.version = "1"}, kNow), is(Health::kOk, "'uri', version 1"));
}

TEST(DoctorChecks, ClocksMayBeAMinuteApart) {
  const auto judge = [](std::chrono::milliseconds ours, std::chrono::milliseconds other = 0ms) {
    return judge_clock(std::vector<ClockReading>{{"Azure", kNow, kNow + ours},
                                                 {"the database", kNow, kNow + other}});
  };
  EXPECT_THAT(judge(60s), is(Health::kOk, "60.0 s ahead of Azure's, 0.0 s ahead of the database"));
  EXPECT_THAT(judge(-61s), is(Health::kWarn, "61.0 s behind Azure's", "timedatectl"));
  EXPECT_THAT(judge(0s, 5min), is(Health::kWarn, "5 min ahead of the database's", "timedatectl"));
  EXPECT_THAT(judge(0s, -301s), is(Health::kFail, "5 min behind the database's", "timedatectl"));
  EXPECT_THAT(judge(6min, 2min), is(Health::kFail, "6 min ahead of Azure's", "timedatectl"));
  EXPECT_THAT(judge_clock({}), is(Health::kSkipped, "nobody"));
}

Check connection(std::string_view text) {
  const mongo::DriverUri uri = mongo::prepare_uri(Secret(text), {});
  return judge_connection(uri.redacted, uri);
}

TEST(DoctorChecks, WhatLeavesThisMachineIsToBeEncrypted) {
  EXPECT_THAT(connection("mongodb://u:hunter2@db.example.com/"),
              is(Health::kWarn, "mongodb://u:***@db.example.com/", "tls=true"));
  EXPECT_THAT(connection("mongodb://127.0.0.1,db.example.com/"),
              is(Health::kWarn, "TLS is off", "tls=true"));
  EXPECT_THAT(connection("mongodb://db.example.com/?tls=true"), is(Health::kOk, "TLS is on"));
  for (const char* local : {"mongodb://127.0.0.1:27017/", "mongodb://localhost/",
                            "mongodb://[::1]:1/", "mongodb://%2Ftmp%2Fx.sock/"}) {
    EXPECT_THAT(connection(local), is(Health::kOk, "TLS is off")) << local;
  }
}

TEST(DoctorChecks, SaysByWhichWayConnectionsLogIn) {
  EXPECT_THAT(connection("mongodb://127.0.0.1/").found, HasSubstr("log-in without a password"));
  const std::string_view with_password = "mongodb://u:hunter2@127.0.0.1/";
  EXPECT_THAT(connection(with_password).found,
              HasSubstr("log-in by the password of the connection string"));
  EXPECT_THAT(
      judge_connection("x", mongo::prepare_uri(Secret(with_password), {}), {.from_vault = true})
          .found,
      HasSubstr("log-in by the password that the vault keeps"));
  const mongo::DriverUri tokens = mongo::prepare_uri(
      Secret(std::string_view("mongodb://id@h/?authMechanism=MONGODB-OIDC")), {});
  EXPECT_THAT(judge_connection("x", tokens, {.credentials = "Azure CLI"}).found,
              HasSubstr("log-in by access tokens (MONGODB-OIDC), no secret: Azure CLI"));
}

TEST(DoctorChecks, AnIdentityThatTheClusterDoesNotKnowIsToBeMadeItsUser) {
  const Error refusal(ErrorKind::kAuth,
                      "the server refuses the access token for https://x: Invalid audience claim.");
  EXPECT_THAT(database_advice(refusal, ""), HasSubstr("deploy/azure/documentdb.sh --principal"));
}

TEST(DoctorChecks, TheMedianReadIsToTakeLessThanATenthOfASecond) {
  EXPECT_THAT(judge_latency({1ms, 9ms, 2ms}, {3ms, 900ms, 99ms}),
              is(Health::kOk, "ping 2.0 ms, at worst 9.0; read 99.0 ms, at worst 900.0"));
  EXPECT_THAT(judge_latency({1ms}, {100ms}), is(Health::kWarn, "read 100.0 ms", "region"));
}

TEST(DoctorChecks, AServerThatDriversDropIsToBeUpgraded) {
  using mongo::Dialect;
  const mongo::DriverUri portal = mongo::prepare_uri(
      Secret(std::string_view("mongodb://a:k@a.mongo.cosmos.azure.com:10255/?ssl=true"
                              "&replicaSet=globaldb&maxIdleTimeMS=120000")),
      {});
  const auto cosmos = [&](const std::string& version, std::int64_t wire) {
    return judge_server({.dialect = Dialect::kCosmosRu,
                         .version = version,
                         .max_wire_version = wire,
                         .can_retry_writes = true,
                         .uri = &portal});
  };
  EXPECT_THAT(
      cosmos("4.2.0", 8),
      is(Health::kWarn, "cosmos-ru 4.2.0 (Azure Cosmos DB for MongoDB (RU)), wire version 8",
         "by an az newer than Debian 12's (az cosmosdb update"));
  EXPECT_THAT(cosmos("3.6.0", 6), is(Health::kWarn, "3.6.0", "--server-version"));
  EXPECT_THAT(cosmos("7.0.0", 21),
              is(Health::kOk,
                 "writes are not retried: EnableMongoRetryableWrites is not among "
                 "GESSO_COSMOS_CAPABILITIES; connections idle for 2 min are closed "
                 "(maxIdleTimeMS)"));
  EXPECT_THAT(cosmos("", 21), is(Health::kOk, "of no known version"));
  EXPECT_THAT(judge_server({.dialect = Dialect::kCosmosRu,
                            .version = "7.0.0",
                            .max_wire_version = 21,
                            .can_retry_writes = true,
                            .capabilities = {.retryable_writes = true},
                            .uri = &portal}),
              is(Health::kOk, "; writes are retried"));

  const mongo::DriverUri plain = mongo::prepare_uri(Secret(std::string_view("mongodb://h/")), {});
  const auto mongodb = [&](std::int64_t wire, bool can_retry) {
    return judge_server(
        {.version = "x", .max_wire_version = wire, .can_retry_writes = can_retry, .uri = &plain});
  };
  EXPECT_THAT(mongodb(8, true), is(Health::kOk, "; writes are retried"));
  EXPECT_THAT(mongodb(8, false), is(Health::kOk, "not retried: the server cannot"));
  EXPECT_THAT(mongodb(7, true), is(Health::kWarn, "wire version 7", "upgrade"));
}

TEST(DoctorChecks, NamesTheIndexesThatAreNotAsDeclared) {
  const mongo::CollectionIndex index{"users",
                                     {.name = "email_1", .keys = bson::make_document("email", 1)}};
  mongo::IndexPlan good;
  good.keep.push_back(index);
  good.extra.push_back({"logs", {.name = "mine"}});
  EXPECT_THAT(judge_indexes(good),
              is(Health::kOk, "1 are as declared; 1 that nothing declares: logs.mine"));
  mongo::IndexPlan missing;
  missing.create_collections.emplace_back("users");
  EXPECT_THAT(judge_indexes(missing),
              is(Health::kWarn, "collections missing: users", "gesso init-db"));
  missing.create.push_back({index});
  EXPECT_THAT(judge_indexes(missing), is(Health::kWarn, "1 missing: users.email_1", "init-db"));
  mongo::IndexPlan other;
  other.differs.push_back({index, {}, "unique: wanted true, stands false"});
  EXPECT_THAT(judge_indexes(other),
              is(Health::kWarn, "users.email_1 (unique: wanted true, stands false)", "drop"));
}

TEST(DoctorChecks, AdvisesByWhyNoIdentityGaveAToken) {
  const auto advice = [](const char* message) {
    return identity_advice(Error(ErrorKind::kAuth, message));
  };
  EXPECT_THAT(advice("no identity:\n  a: not set up here: x\n  b: not set up here: y"),
              AllOf(HasSubstr("managed identity"), Not(HasSubstr("containerapp"))));
  EXPECT_THAT(advice("AzureCli is not set up here: x"), HasSubstr("az login"));
  // One is there, and refused: another does not help.
  for (const char* refused : {"no identity:\n  a: not set up here: x\n  b: 401 bad",
                              "no identity:\n  a: 401 bad\n  b: not tried, since one before"}) {
    EXPECT_THAT(advice(refused), HasSubstr("correct what this identity is set up with"));
  }
  EXPECT_THAT(advice("the token has expired: is the clock of this machine right?"),
              HasSubstr("NTP"));
}

TEST(DoctorChecks, AdvisesByWhatTheVaultRefused) {
  const auto advice = [](const char* message) {
    return vault_advice(Error(ErrorKind::kUnavailable, message),
                        {.vault = "myvault", .secret = "uri", .object = "1-2-3"});
  };
  EXPECT_THAT(advice("https://x: its name was not found (no host)"), HasSubstr("DNS"));
  EXPECT_THAT(advice("give it the role 'Key Vault Secrets User'"),
              AllOf(HasSubstr("--assignee-object-id 1-2-3 "),
                    HasSubstr("--name myvault --query id --output tsv)/secrets/uri\"")));
  EXPECT_THAT(advice("the secret is not yet valid"), HasSubstr("activation date"));
  EXPECT_THAT(advice("its challenge names another tenant"), HasSubstr("GESSO_KEY_VAULT_TENANT"));
}

TEST(DoctorChecks, AdvisesByWhatTheDatabaseRefused) {
  const Error auth(ErrorKind::kAuth, "Authentication failed");
  EXPECT_THAT(database_advice(auth, ""), HasSubstr("GESSO_MONGODB_URI"));
  EXPECT_THAT(database_advice(auth, "uri"),
              AllOf(HasSubstr("'uri'"), HasSubstr("--store"), Not(HasSubstr("MONGODB_URI"))));
  const auto down = [](const char* text) {
    return database_advice(Error(ErrorKind::kUnavailable, text), "");
  };
  EXPECT_THAT(down("[Failed to resolve db.example.com]"), HasSubstr("DNS"));
  EXPECT_THAT(down("[TLS handshake failed: certificate verify failed]"),
              HasSubstr("GESSO_MONGODB_TLS_CA_FILE"));
  EXPECT_THAT(down("[Failed to connect]"), HasSubstr("firewall"));
  EXPECT_THAT(database_advice(Error(ErrorKind::kThrottled, "16500"), ""),
              HasSubstr("az cosmosdb mongodb collection throughput update"));
}

TEST(DoctorChecks, AModelThatIsNoMoreFailsAndNamesItsSetting) {
  using providers::ModelState;
  const ModelFacts there{"GESSO_MODEL_STABLE_DIFFUSION_XL", "replicate a/b", {ModelState::kThere}};
  const ModelFacts gone{"GESSO_MODEL_DALLE_3", "openai dall-e-3", {ModelState::kGone}};
  const ModelFacts unknown{"GESSO_MODEL_DALLE_3",
                           "openai gpt-image-2",
                           {.reason = "OpenAI does not take our credentials"}};
  const auto judge = [](std::vector<ModelFacts> facts) { return judge_models(facts); };
  EXPECT_THAT(judge({}), is(Health::kOk, "previews"));
  EXPECT_THAT(judge({there}), is(Health::kOk, "there: replicate a/b"));
  EXPECT_THAT(judge({there, gone}),
              is(Health::kFail, "no longer there: openai dall-e-3; there: replicate a/b",
                 "set GESSO_MODEL_DALLE_3 to a model"));
  EXPECT_THAT(
      judge({there, unknown}),
      is(Health::kWarn, "openai gpt-image-2: OpenAI does not take our credentials", "keys"));
}

}  // namespace
}  // namespace gesso::cli
