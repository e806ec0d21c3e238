// `gesso doctor` against stand-ins for Azure over TLS, and an embedded engine with users.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <filesystem>
#include <fstream>
#include <functional>

#include "gesso/base/base64.hpp"
#include "gesso/bson/builder.hpp"
#include "gesso/localdb/localdb.hpp"
#include "gesso/mongo/indexes.hpp"
#include "gesso/mongo/service.hpp"
#include "gesso/repositories/indexes.hpp"
#include "gesso/testing/azure_standin.hpp"
#include "gesso/testing/fake_clock.hpp"
#include "gesso/testing/seeded_random.hpp"
#include "tests/cli/program.hpp"

namespace gesso::cli {
namespace {

using namespace std::chrono_literals;
using gesso::testing::AzureIdentity;
using gesso::testing::AzureStandIn;
using gesso::testing::Fault;
using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using testing::Outcome;
using testing::Program;
using ::testing::StartsWith;
using Refusal = gesso::testing::KeyVaultStandIn::Refusal;
using Variables = std::map<std::string, std::string>;

constexpr std::string_view kSecret = "mongodb-connection-string";
// As long as the keys of Azure Cosmos DB, and as bad for URIs.
constexpr std::string_view kPassword =
    "pw+/0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQ==";
constexpr std::string_view kOther = "wrong+/9876543210abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOP==";

Time now() { return SystemClock().now(); }

struct Report {
  int status = 0;
  std::string all;  // that it printed
  boost::json::object json = {};

  [[nodiscard]] std::string of(std::string_view check, std::string_view member) const {
    for (const auto& one : json.at("checks").as_array()) {
      if (one.at("name").as_string() == check) return std::string(one.at(member).as_string());
    }
    return "(no such check)";
  }
  // "ok" but for: "vault FAIL, secret skipped".
  [[nodiscard]] std::string not_ok() const {
    std::string out;
    for (const auto& one : json.at("checks").as_array()) {
      if (one.at("status").as_string() == "ok") continue;
      if (!out.empty()) out += ", ";
      out +=
          std::string(one.at("name").as_string()) + " " + std::string(one.at("status").as_string());
    }
    return out;
  }
};

class DoctorTest : public ::testing::Test {
  // One for all tests: none changes it.
  static inline std::unique_ptr<gesso::testing::TempDir> data;
  static inline std::unique_ptr<localdb::Server> server;

 protected:
  gesso::testing::TempDir folder;
  gesso::testing::FakeClock azure_clock{now()};
  AzureStandIn azure{{.clock = &azure_clock}};

  static void SetUpTestSuite() {
    data = std::make_unique<gesso::testing::TempDir>();
    const auto options = [](bool require_auth) {
      return localdb::ServerOptions{.data_dir = *data / "data",
                                    .listen_host = "127.0.0.1",
                                    .listen_port = 0,
                                    .require_auth = require_auth};
    };
    {
      localdb::Server open(options(false));
      open.start();
      const SystemClock clock;
      gesso::testing::SeededRandom random;
      mongo::Service service({.uri = Secret(open.uri()), .pool_size = 1, .warm_minimum = 1}, clock,
                             random);
      service.connect();
      service.run([](mongo::Session& session) {
        (void)session.run_command(
            "admin", bson::make_document(
                         "createUser", "ann", "pwd", kPassword, "roles",
                         bson::make_array(bson::make_document("role", "root", "db", "admin"))));
        (void)mongo::create_indexes(session, repositories::declared_indexes());
        // And a database with one index otherwise than declared.
        const auto wrong =
            bson::make_document("key", bson::make_document("email", 1), "name", "email_1");
        (void)session.run_command("other", bson::make_document("createIndexes", "users", "indexes",
                                                               bson::make_array(wrong)));
      });
    }
    server = std::make_unique<localdb::Server>(options(true));
    server->start();
  }
  static void TearDownTestSuite() {
    server.reset();
    data.reset();
  }

  static std::string uri(std::string_view password = kPassword) {
    return "mongodb://ann:" + std::string(password) +
           "@127.0.0.1:" + std::to_string(server->port()) + "/?authSource=admin";
  }
  void SetUp() override { azure.vault.set_secret(kSecret, uri()); }

  void expect_no_secret(const std::string& text, const Variables& environment) {
    std::vector<std::string> secrets{std::string(kPassword),
                                     std::string(kOther),
                                     "pw%2B",
                                     "wrong%2B",
                                     "hunter2",
                                     azure.app_service.identity_header()};
    for (const auto& token : azure.tokens.issued()) {
      secrets.push_back(token.value);
      secrets.push_back(token.value.substr(token.value.rfind('.') + 1));
    }
    for (const char* name : {"AZURE_CLIENT_SECRET", "IDENTITY_HEADER"}) {
      const auto found = environment.find(name);
      if (found != environment.end()) secrets.push_back(found->second);
    }
    for (const std::string& secret : secrets) EXPECT_THAT(text, Not(HasSubstr(secret)));
  }

  Variables variables(AzureIdentity identity = AzureIdentity::kAppService) {
    return azure.environment(identity);
  }
  Outcome run(Variables environment, const std::vector<std::string>& more = {}) {
    environment["GESSO_LOG_LEVEL"] = "trace";
    std::vector<std::string> arguments{"doctor"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    Outcome outcome = Program(arguments, folder.path(), environment).finish();
    expect_no_secret(outcome.out + outcome.err, environment);
    return outcome;
  }
  Report examine(const Variables& environment) {
    const Outcome outcome = run(environment, {"--json"});
    Report report{.status = outcome.status, .all = outcome.out + outcome.err};
    boost::system::error_code error;
    const boost::json::value json = boost::json::parse(outcome.out, error);
    EXPECT_FALSE(error) << report.all;
    if (error) return report;
    report.json = json.as_object();
    EXPECT_EQ(report.json.size(), 2U);
    EXPECT_EQ(report.json.at("ok").as_bool(), report.status == 0) << report.all;
    for (const auto& one : report.json.at("checks").as_array()) {
      EXPECT_EQ(one.as_object().size(), 4U);
      EXPECT_NE(one.at("found").as_string(), "");
      // A failure or a warning without advice leaves its reader alone.
      const auto& status = one.at("status").as_string();
      EXPECT_EQ(status == "FAIL" || status == "warn",
                !one.at("advice").as_string().empty() && status != "skipped")
          << report.all;
    }
    return report;
  }
  // Of a run with a vault that says so.
  Report examine() { return examine(variables()); }

  // What follows from a token, a secret, a connection that is not there.
  static constexpr const char* kNoConnection =
      "connection FAIL, latency skipped, server skipped, indexes skipped";
  static constexpr const char* kNoSecret =
      "secret FAIL, connection skipped, latency skipped, server skipped, indexes skipped";
  static constexpr const char* kNoVault =
      "vault FAIL, secret skipped, connection skipped, latency skipped, server skipped, indexes "
      "skipped";
  static constexpr const char* kNoVaultAtAll =
      "vault FAIL, secret skipped, connection skipped, latency skipped, server skipped, indexes "
      "skipped, clock skipped";
};

TEST_F(DoctorTest, SaysThatAllIsWell) {
  const Outcome outcome = run(variables());
  EXPECT_EQ(outcome.status, 0) << outcome.out << outcome.err;
  const std::vector<std::string> lines{
      "ok       identity    managed identity \\(App Service\\)",
      "ok       token       2[34] h [0-9]+ min left, until 20.*; the next one is asked for from",
      "ok       vault       https://myvault.vault.azure.net answered in [0-9]+ ms",
      "ok       secret      'mongodb-connection-string', version [0-9a-f]{32}, created .* ago",
      "ok       connection  mongodb://ann:\\*\\*\\*@127.0.0.1:[0-9]+/.*TLS is off; log-in "
      "by the password that the vault keeps; a ping and a read went well",
      "ok       latency     ping [0-9.]+ ms, at worst .*; read [0-9.]+ ms.*\\(medians of 10\\)",
      "ok       server      localdb 7.0.0 .Gesso localdb., wire version 21; writes are not retried",
      "ok       indexes     [1-9][0-9]* are as declared",
      "ok       images      they are kept in .*/images",
      "ok       models      previews of everything, which need none",
      "ok       clock       this machine's clock is .* the database's, .* Azure's"};
  std::istringstream out(outcome.out);
  std::string line;
  for (const std::string& expected : lines) {
    ASSERT_TRUE(std::getline(out, line)) << outcome.out;
    EXPECT_THAT(line, ContainsRegex("^" + expected));
    EXPECT_THAT(line, Not(HasSubstr("->")));
  }
  EXPECT_FALSE(std::getline(out, line)) << line;

  const Report report = examine();
  EXPECT_EQ(report.status, 0) << report.all;
  EXPECT_EQ(report.not_ok(), "");
  EXPECT_EQ(azure.vault.reads(kSecret), 2U);  // one for each run
}

TEST_F(DoctorTest, KnowsEveryKindOfIdentity) {
  const std::vector<std::pair<AzureIdentity, std::string>> kinds{
      {AzureIdentity::kImds, "managed identity (instance metadata service)"},
      {AzureIdentity::kClientSecret, "client secret"},
      {AzureIdentity::kWorkloadIdentity, "workload identity"}};
  for (const auto& [kind, name] : kinds) {
    const Report report = examine(variables(kind));
    EXPECT_EQ(report.not_ok(), "") << report.all;
    EXPECT_THAT(report.of("identity", "found"), HasSubstr(name));
  }
}

TEST_F(DoctorTest, SaysThatThereIsNoIdentity) {
  Variables environment = variables();
  environment.erase("IDENTITY_ENDPOINT");
  environment.erase("IDENTITY_HEADER");
  environment["GESSO_AZURE_CREDENTIAL"] = "prod";
  environment["AZURE_POD_IDENTITY_AUTHORITY_HOST"] = "http://127.0.0.1:1";
  const Outcome outcome = run(environment);
  EXPECT_EQ(outcome.status, 3) << outcome.out << outcome.err;
  EXPECT_THAT(outcome.out, ContainsRegex("^FAIL     identity    no identity of Azure gave a token: "
                                         "environment: not set up here: .*; workload identity: .*; "
                                         "managed identity .* -> give this app"));
  EXPECT_THAT(outcome.out, HasSubstr("\nskipped  secret      no identity gave a token -> mend"));
  EXPECT_EQ(std::ranges::count(outcome.out, '\n'), 11);
}

TEST_F(DoctorTest, SaysThatAnIdentityIsRefused) {
  Variables environment = variables(AzureIdentity::kClientSecret);
  environment["AZURE_CLIENT_SECRET"] = kOther;
  const Report report = examine(environment);
  EXPECT_EQ(report.status, 3);
  EXPECT_EQ(report.not_ok(),
            "identity FAIL, token skipped, vault skipped, secret skipped, connection skipped, "
            "latency skipped, server skipped, indexes skipped");
  EXPECT_THAT(report.of("identity", "found"), HasSubstr("AADSTS7000215"));
  EXPECT_THAT(report.of("identity", "advice"), StartsWith("correct what this identity"));
  EXPECT_THAT(report.of("clock", "found"), HasSubstr("Azure's"));  // its refusal has a date
}

// What breaks, what it says of it and what it advises.
struct Breakage {
  const char* name;
  std::function<void(AzureStandIn&)> breaks;
  const char* not_ok;
  const char* check;
  const char* found;
  const char* advice;
};

TEST_F(DoctorTest, SaysWhyTheVaultOrItsSecretCannotBeRead) {
  const auto refuse = [](Refusal refusal) {
    return [refusal](AzureStandIn& standin) { standin.vault.refuse_identity(refusal); };
  };
  const std::vector<Breakage> breakages{
      {"role", refuse(Refusal::kByRbac), kNoVault, "vault", "does not let this identity read",
       "az role assignment create --role 'Key Vault Secrets User'"},
      {"firewall", refuse(Refusal::kByFirewall), kNoVault, "vault", "ForbiddenByFirewall",
       "az keyvault network-rule add --name myvault"},
      {"private", refuse(Refusal::kByConnection), kNoVault, "vault", "ForbiddenByConnection",
       "private endpoint"},
      {"down", [](AzureStandIn& standin) { standin.vault.server().down(); }, kNoVaultAtAll, "vault",
       "Couldn't connect", "see the vault's health"},
      {"throttled", [](AzureStandIn& standin) { standin.vault.throttle_next(9); }, kNoVault,
       "vault", "is throttling", "try again"},
      {"redirect",
       [](AzureStandIn& standin) {
         standin.vault.server().fail(Fault::redirect("https://evil.example/"));
       },
       kNoVault, "vault", "answers with a redirect", "proxy"},
      {"garbage",
       [](AzureStandIn& standin) {
         standin.vault.server().fail(Fault::with_body("<html>" + std::string(kPassword)));
       },
       kNoVault, "vault", "makes no sense", "who answers in the vault's place"},
      {"tokens", [](AzureStandIn& standin) { standin.vault.refuse_tokens(true); }, kNoVault,
       "vault", "refuses the token", "GESSO_KEY_VAULT_TENANT"},
      {"deleted", [](AzureStandIn& standin) { standin.vault.remove(kSecret); }, kNoSecret, "secret",
       "was deleted at", "az keyvault secret recover --vault-name myvault --name mongodb-conn"},
      {"disabled", [](AzureStandIn& standin) { standin.vault.disable(kSecret); }, kNoSecret,
       "secret", "is disabled", "az keyvault secret set-attributes --vault-name myvault"},
      {"expired",
       [](AzureStandIn& standin) { standin.vault.set_validity(kSecret, {}, now() - 1h); },
       kNoSecret, "secret", "expired at", "rotate.sh"},
      {"early", [](AzureStandIn& standin) { standin.vault.set_validity(kSecret, now() + 1h, {}); },
       kNoSecret, "secret", "not valid before", "activation date"},
  };
  for (const Breakage& breakage : breakages) {
    SCOPED_TRACE(breakage.name);
    AzureStandIn broken;
    broken.vault.set_secret(kSecret, uri());
    breakage.breaks(broken);
    const Variables environment = broken.environment(AzureIdentity::kAppService);
    const Report report = examine(environment);
    EXPECT_EQ(report.status, 3);
    EXPECT_EQ(report.not_ok(), breakage.not_ok) << report.all;
    EXPECT_THAT(report.of(breakage.check, "found"), HasSubstr(breakage.found));
    EXPECT_THAT(report.of(breakage.check, "advice"), HasSubstr(breakage.advice));
    for (const auto& token : broken.tokens.issued()) {
      EXPECT_THAT(report.all, Not(HasSubstr(token.value)));
    }
  }
}

TEST_F(DoctorTest, SaysThatThereIsNoSuchSecret) {
  Variables environment = variables();
  environment["GESSO_MONGODB_SECRET"] = "another";
  const Report report = examine(environment);
  EXPECT_EQ(report.not_ok(), kNoSecret);
  EXPECT_THAT(report.of("secret", "found"), HasSubstr("there is no secret 'another'"));
  EXPECT_THAT(report.of("secret", "advice"), HasSubstr("GESSO_MONGODB_SECRET"));
}

TEST_F(DoctorTest, SaysThatTheVaultsCertificateIsNotTrusted) {
  Variables environment = variables();
  const gesso::testing::TestCa stranger;
  environment["GESSO_AZURE_CA_FILE"] = stranger.file();
  const Report untrusted = examine(environment);
  EXPECT_EQ(untrusted.not_ok(), kNoVaultAtAll);
  EXPECT_THAT(untrusted.of("vault", "found"), HasSubstr("not trusted"));
  EXPECT_THAT(untrusted.of("vault", "advice"), HasSubstr("GESSO_AZURE_CA_FILE"));
}

TEST_F(DoctorTest, ShowsWhoATokenIsOfAndNotTheToken) {
  const std::string object = "0f8fad5b-d9cb-469f-a165-70867728950e";
  const std::string claims = R"({"tid":")" + azure.tenant() + R"(","oid":")" + object + R"("})";
  const std::string token = "e30." + base64url_encode(claims) + ".c2lnbmF0dXJl";
  const auto expires = std::chrono::floor<std::chrono::seconds>(now() + 1h).time_since_epoch();
  azure.app_service.server().fail(Fault::with_body(
      R"({"access_token":")" + token + R"(","expires_on":")" + std::to_string(expires.count()) +
      R"(","resource":"https://vault.azure.net","token_type":"Bearer"})"));
  azure.vault.server().fail(Fault::with_body(R"({"error":{"code":"Forbidden"}})"));
  const Report report = examine();
  EXPECT_EQ(report.of("identity", "found"),
            "managed identity (App Service), object " + object + ", tenant " + azure.tenant());
  EXPECT_THAT(report.all, Not(HasSubstr("c2lnbmF0dXJl")));
  EXPECT_THAT(report.all, Not(HasSubstr(base64url_encode(claims))));
}

TEST_F(DoctorTest, SaysThatTheSecretOpensNoDatabase) {
  azure.vault.set_secret(kSecret, "hunter2");
  Report report = examine();
  EXPECT_EQ(report.status, 3);
  EXPECT_EQ(report.not_ok(), kNoConnection);
  EXPECT_THAT(report.of("connection", "found"), HasSubstr("expected mongodb://"));
  EXPECT_THAT(report.of("connection", "advice"), HasSubstr("store a connection string"));

  azure.vault.set_secret(kSecret, uri(kOther));
  report = examine();
  EXPECT_EQ(report.status, 3);
  EXPECT_EQ(report.not_ok(), kNoConnection);
  EXPECT_THAT(report.of("connection", "found"), HasSubstr("uthentication failed"));
  EXPECT_THAT(report.of("connection", "advice"), HasSubstr("rotate.sh --store"));

  azure.vault.set_secret(kSecret, "mongodb://ann:" + std::string(kPassword) + "@127.0.0.1:1/");
  report = examine();
  EXPECT_EQ(report.status, 3);
  EXPECT_EQ(report.not_ok(), kNoConnection);
  EXPECT_THAT(report.of("connection", "found"), StartsWith("mongodb://ann:***@127.0.0.1:1/: "));
  EXPECT_THAT(report.of("connection", "advice"), HasSubstr("whether the server runs"));
}

TEST_F(DoctorTest, WarnsOfWhatWillNotLast) {
  azure_clock.set_now(now() - 24h * 91);
  azure.vault.set_secret(kSecret, uri());
  azure_clock.set_now(now());
  Report report = examine();
  EXPECT_EQ(report.status, 0);
  EXPECT_EQ(report.not_ok(), "secret warn");
  EXPECT_THAT(report.of("secret", "found"), HasSubstr("created 91 days ago"));

  azure.vault.set_secret(kSecret, uri());
  azure.vault.set_validity(kSecret, {}, now() + 24h * 10);
  azure.tokens.set_life(120s);
  report = examine();
  EXPECT_EQ(report.status, 0);
  EXPECT_EQ(report.not_ok(), "token warn, secret warn");
  EXPECT_THAT(report.of("secret", "advice"), HasSubstr("expired"));
}

TEST_F(DoctorTest, ComparesTheClockWithAzures) {
  azure_clock.set_now(now() + 3min);
  Report report = examine();
  EXPECT_EQ(report.status, 0);
  EXPECT_EQ(report.not_ok(), "clock warn");
  EXPECT_THAT(report.of("clock", "found"), ContainsRegex("(2|3) min behind Azure's"));
  azure_clock.set_now(now() - 10min);
  report = examine();
  EXPECT_EQ(report.status, 3);
  EXPECT_EQ(report.not_ok(), "clock FAIL");
  EXPECT_THAT(report.of("clock", "found"), ContainsRegex("(9|10) min ahead of Azure's"));
}

TEST_F(DoctorTest, ComparesTheIndexesWithThoseDeclared) {
  Variables environment{{"GESSO_MONGODB_URI", uri()}, {"GESSO_DATABASE", "other"}};
  const Report report = examine(environment);
  EXPECT_EQ(report.status, 0);
  EXPECT_EQ(report.not_ok(),
            "identity skipped, token skipped, vault skipped, secret skipped, indexes warn");
  EXPECT_THAT(report.of("indexes", "found"), HasSubstr("generations."));
  EXPECT_THAT(report.of("indexes", "found"), HasSubstr("users.email_1 (unique: wanted true"));
  EXPECT_THAT(report.of("indexes", "advice"), HasSubstr("gesso init-db"));
}

TEST_F(DoctorTest, DoesNotGoOnWithSettingsThatAreWrong) {
  Variables both = variables();
  both["GESSO_MONGODB_URI"] = "mongodb://u:hunter2@h/";
  Variables no_vault = variables();
  no_vault["GESSO_KEY_VAULT_URL"] = "https://evilvault.azure.net";
  Variables credential = variables();
  credential["GESSO_AZURE_CREDENTIAL"] = "guess";
  for (const Variables& wrong :
       {both, no_vault, credential, Variables{{"GESSO_MONGODB_URI", "http://u:hunter2@h/"}}}) {
    const Outcome outcome = run(wrong, {"--json"});
    EXPECT_EQ(outcome.status, 2);
    EXPECT_EQ(outcome.out, "");
    EXPECT_THAT(outcome.err, HasSubstr("expected"));
  }
}

TEST_F(DoctorTest, ExaminesTheEmbeddedEngineAlsoWhileItServes) {
  const std::string no_vault = "identity skipped, token skipped, vault skipped, secret skipped, ";
  Report report = examine(Variables{});
  EXPECT_EQ(report.status, 0);
  EXPECT_EQ(report.not_ok(), no_vault +
                                 "connection warn, latency skipped, server skipped, "
                                 "indexes skipped, clock skipped");
  EXPECT_FALSE(std::filesystem::exists(folder / "data"));  // it changes nothing

  Program serve({"serve", "--listen", "127.0.0.1:0"}, folder.path());
  serve.wait_for("Ctrl-C");
  report = examine(Variables{});
  EXPECT_EQ(report.status, 0);
  EXPECT_EQ(report.not_ok(), no_vault + "clock skipped") << report.all;
  EXPECT_THAT(report.of("connection", "found"), HasSubstr("the process that has"));
  serve.send(SIGTERM);
  EXPECT_EQ(serve.finish().status, 0);

  report = examine(Variables{});
  EXPECT_EQ(report.not_ok(), no_vault + "clock skipped") << report.all;
  EXPECT_EQ(report.of("vault", "found"), "no vault is set");
  EXPECT_THAT(report.of("connection", "found"), HasSubstr("embedded in " + folder.path().string()));
}

TEST_F(DoctorTest, SaysWhyADataFolderCannotBeOpened) {
  std::filesystem::create_directory(folder / "data");
  {
    localdb::Server other(
        {.data_dir = folder / "data", .listen_host = "127.0.0.1", .listen_port = 0});
    other.start();
    const Report used = examine(Variables{});
    EXPECT_EQ(used.status, 4);
    EXPECT_THAT(used.not_ok(), HasSubstr(kNoConnection));
    EXPECT_THAT(used.of("connection", "advice"), HasSubstr("GESSO_DATA_DIR"));
  }
  std::ofstream(folder / "data/data.mdb", std::ios::binary) << std::string(8192, '\x07');
  const Report newer = examine(Variables{});
  EXPECT_EQ(newer.status, 5);
  EXPECT_THAT(newer.of("connection", "advice"), HasSubstr("newer"));
}

TEST_F(DoctorTest, EndsAtOnceOnCtrlC) {
  azure.vault.server().fail(Fault::hang());
  Program doctor({"doctor"}, folder.path(), variables());
  ASSERT_TRUE(azure.vault.server().wait_for_hanging(1));
  const auto begin = std::chrono::steady_clock::now();
  doctor.send(SIGINT);
  EXPECT_EQ(doctor.finish().status, -SIGINT);
  EXPECT_LT(std::chrono::steady_clock::now() - begin, 5s);
}

}  // namespace
}  // namespace gesso::cli
