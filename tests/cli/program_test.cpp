// The program as a user meets it: texts, exit statuses, signals.
#include <dlfcn.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <thread>
#include <vector>

#include "gesso/localdb/localdb.hpp"
#include "gesso/testing/socket.hpp"
#include "tests/cli/program.hpp"
#include "tests/http/raw_client.hpp"
#include "tests/localdb/server/test_client.hpp"

namespace gesso::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using testing::Outcome;
using testing::Program;

class ProgramTest : public ::testing::Test {
 protected:
  gesso::testing::TempDir folder;

  Outcome run(const std::vector<std::string>& arguments,
              const std::map<std::string, std::string>& environment = {}) {
    return Program(arguments, folder.path(), environment).finish();
  }
  static std::uint16_t port_in(const std::string& banner, const std::string& before) {
    const std::size_t at = banner.find(before);
    return static_cast<std::uint16_t>(std::stoi(banner.substr(at + before.size())));
  }
  std::string file(const std::string& name) {
    std::ifstream in(folder / name);
    return {std::istreambuf_iterator<char>(in), {}};
  }
};

TEST_F(ProgramTest, TellsItsVersionAndTeaches) {
  const Outcome version = run({"--version"});
  EXPECT_EQ(version.status, 0);
  EXPECT_THAT(version.out, ::testing::MatchesRegex("[0-9]+\\.[0-9]+\\.[0-9]+\n"));
  const Outcome help = run({"--help"});
  EXPECT_EQ(help.status, 0);
  for (const char* text :
       {"serve", "init-db", "doctor", "stats", "schema", "openapi", "localdb", "config", "set-role",
        "Exit status:", "GESSO_DATA_DIR", "First steps:"}) {
    EXPECT_THAT(help.out, HasSubstr(text));
  }
  EXPECT_THAT(run({"serve", "--help"}).out, HasSubstr("Examples:"));
}

TEST_F(ProgramTest, NamesTheNearestOfWhatItDoesNotKnow) {
  const std::vector<std::pair<std::vector<std::string>, std::string>> cases{
      {{"serv"}, "serve"},
      {{"serve", "--data-dri", "x"}, "--data-dir"},
      {{"serve", "--lisen=127.0.0.1:0"}, "--listen"},
      {{}, "--help"}};
  for (const auto& [arguments, expected] : cases) {
    const Outcome outcome = run(arguments);
    EXPECT_EQ(outcome.status, 2);
    EXPECT_THAT(outcome.err, HasSubstr(expected));
    EXPECT_EQ(outcome.out, "");
  }
  const Outcome variable = run({"config"}, {{"GESSO_DATA_DRI", "x"}});
  EXPECT_EQ(variable.status, 2);
  EXPECT_THAT(variable.err, HasSubstr("GESSO_DATA_DIR"));
}

TEST_F(ProgramTest, ShowsWhereASettingComesFromAndNoSecret) {
  std::ofstream(folder / "gesso.toml") << "io_threads = 3\nlisten = '127.0.0.1:1'\n";
  const Outcome outcome = run({"config"}, {{"GESSO_LISTEN", "127.0.0.1:2"},
                                           {"GESSO_MONGODB_URI", "mongodb://u:hunter2@h/"}});
  EXPECT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_THAT(outcome.out, ::testing::ContainsRegex("io_threads +3 +gesso.toml:1"));
  EXPECT_THAT(outcome.out, ::testing::ContainsRegex("listen +127.0.0.1:2 +GESSO_LISTEN"));
  EXPECT_THAT(outcome.out, HasSubstr("(hidden)"));
  EXPECT_THAT(outcome.out + outcome.err, Not(HasSubstr("hunter2")));
}

TEST_F(ProgramTest, ReadsTheFileThatIsNamed) {
  std::ofstream(folder / "other.toml") << "io_threads = 'two'\n";
  const Outcome wrong = run({"config", "--config", "other.toml"});
  EXPECT_EQ(wrong.status, 2);
  EXPECT_THAT(wrong.err, HasSubstr("other.toml:1: io_threads: expected integer"));
  const Outcome missing = run({"--config", "none.toml", "config"});
  EXPECT_EQ(missing.status, 2);
  EXPECT_THAT(missing.err, HasSubstr("none.toml"));
}

TEST_F(ProgramTest, PrintsTheSchema) {
  EXPECT_THAT(run({"schema"}).out, ::testing::StartsWith("{\"User\""));
  EXPECT_THAT(run({"schema", "--markdown"}).out, HasSubstr("# "));
  EXPECT_THAT(run({"openapi"}).out, ::testing::StartsWith("{\"openapi\":\"3.1.0\""));
  EXPECT_THAT(run({"openapi", "--markdown"}).out, HasSubstr("`POST /api/v1/auth/login`"));
}

TEST_F(ProgramTest, ServesDrainsAndServesTheSameAgain) {
  for (int round = 0; round < 2; ++round) {
    Program serve({"serve", "--listen", "127.0.0.1:0", "--data-dir", "data"}, folder.path());
    const std::string banner = serve.wait_for("Ctrl-C");
    EXPECT_THAT(banner, HasSubstr((folder / "data").string()));
    EXPECT_THAT(banner, HasSubstr("curl -s http://127.0.0.1:"));
    http::testing::RawClient client(port_in(banner, "http://127.0.0.1:"));
    const std::string body = R"({"email":"ann@example.com","password":"correct horse"})";
    EXPECT_EQ(client
                  .exchange(http::testing::request("POST", "/api/v1/auth/register",
                                                   "Content-Type: application/json\r\n", body))
                  .status,
              round == 0 ? 201 : 409);
    serve.send(round == 0 ? SIGINT : SIGTERM);
    const Outcome outcome = serve.finish();
    EXPECT_EQ(outcome.status, 0) << outcome.err;
    EXPECT_THAT(outcome.err, Not(HasSubstr("correct horse")));
  }
  for (const char* key : {"data/token.key", "data/encryption.key"}) {
    struct stat status {};
    ASSERT_EQ(::stat((folder / key).c_str(), &status), 0) << key;
    EXPECT_EQ(status.st_mode & 0777U, 0600U) << key;
  }
}

TEST_F(ProgramTest, KeepsTokensGoodOverARestart) {
  const auto serve = [&] {
    return std::make_unique<Program>(
        std::vector<std::string>{"serve", "--listen", "127.0.0.1:0", "--bcrypt-rounds", "4"},
        folder.path());
  };
  std::string token;
  for (int round = 0; round < 2; ++round) {
    const auto program = serve();
    http::testing::RawClient client(port_in(program->wait_for("Ctrl-C"), "http://127.0.0.1:"));
    if (round == 0) {
      const std::string body = R"({"email":"ann@example.com","password":"correct horse"})";
      client.exchange(http::testing::request("POST", "/api/v1/auth/register", "", body));
      const auto login =
          client.exchange(http::testing::request("POST", "/api/v1/auth/login", "", body));
      const std::size_t at = login.body.find("\":\"") + 3;
      token = login.body.substr(at, login.body.find('"', at) - at);
    }
    EXPECT_EQ(client
                  .exchange(http::testing::request("GET", "/api/v1/users/me",
                                                   "Authorization: Bearer " + token + "\r\n"))
                  .status,
              200);
    program->send(SIGTERM);
    EXPECT_EQ(program->finish().status, 0);
  }
}

TEST_F(ProgramTest, EndsAtOnceOnTheSecondSignal) {
  Program serve({"serve", "--listen", "127.0.0.1:0", "--drain-timeout", "1h"}, folder.path());
  const std::uint16_t port = port_in(serve.wait_for("Ctrl-C"), "http://127.0.0.1:");
  // A request that does not end keeps it from ending.
  http::testing::RawClient client(port);
  client.send(
      "POST /api/v1/auth/login HTTP/1.1\r\nHost: t\r\nContent-Length: 9\r\n"
      "Expect: 100-continue\r\n\r\n");
  EXPECT_EQ(client.read().status, 100);
  serve.send(SIGINT);
  serve.wait_for_log("a second signal ends at once");
  serve.send(SIGINT);
  EXPECT_EQ(serve.finish().status, -SIGINT);
}

TEST_F(ProgramTest, MakesAnAdministratorOfAUser) {
  Program serve({"serve", "--listen", "127.0.0.1:0", "--data-dir", "data"}, folder.path());
  http::testing::RawClient client(port_in(serve.wait_for("Ctrl-C"), "http://127.0.0.1:"));
  EXPECT_EQ(client
                .exchange(http::testing::request(
                    "POST", "/api/v1/auth/register", "Content-Type: application/json\r\n",
                    R"({"email":"ann@example.com","password":"correct horse"})"))
                .status,
            201);
  const Outcome made = run({"set-role", "--data-dir", "data", "--email", "ann@example.com"});
  EXPECT_EQ(made.status, 0) << made.err;
  EXPECT_EQ(made.out, "ann@example.com is admin\n");
  EXPECT_EQ(
      run({"set-role", "--data-dir", "data", "--email", "ann@example.com", "--role", "user"}).out,
      "ann@example.com is user\n");
  EXPECT_EQ(run({"set-role", "--data-dir", "data", "--email", "bob@example.com"}).status, 1);
  EXPECT_EQ(run({"set-role", "--data-dir", "data", "--email", "a", "--role", "king"}).status, 2);
}

TEST_F(ProgramTest, WorksOnADatabaseThatIsServed) {
  Program serve({"serve", "--listen", "127.0.0.1:0", "--data-dir", "data"}, folder.path());
  serve.wait_for("Ctrl-C");
  const Outcome stats = run({"stats", "--data-dir", "data", "--json"});
  EXPECT_EQ(stats.status, 0) << stats.err;
  EXPECT_THAT(stats.out, HasSubstr("\"email_1\""));
  EXPECT_THAT(run({"stats", "--data-dir", "data"}).out, HasSubstr("usage_logs"));
  const Outcome plan = run({"init-db", "--plan", "--data-dir", "data"});
  EXPECT_EQ(plan.status, 0) << plan.err;

  const Outcome second = run({"serve", "--listen", "127.0.0.1:0", "--data-dir", "data"});
  EXPECT_EQ(second.status, 4);
  EXPECT_THAT(second.err, HasSubstr("data"));
  EXPECT_EQ(run({"localdb", "--listen", "127.0.0.1:0", "--data-dir", "data"}).status, 4);
  EXPECT_EQ(run({"localdb", "--check", "--data-dir", "data"}).status, 4);
}

// The check of virtual tables (-fsanitize=undefined) opens a pipe to look at memory, and takes it
// for a fault, which nothing suppresses, that there is none to be had.
bool checks_need_files() {
  return ::dlsym(RTLD_DEFAULT, "__ubsan_handle_dynamic_type_cache_miss_abort") != nullptr;
}

// A server that is out of descriptors has a connection in its backlog that it cannot take: it must
// not ask for it again and again. What that would cost is all of a CPU; a busy machine gives less.
void expect_idle(const Program& program) {
  const auto window = std::chrono::milliseconds{1000};
  const auto before = program.cpu_time();
  std::this_thread::sleep_for(window);
  EXPECT_LT(program.cpu_time() - before, window / 2);
}

TEST_F(ProgramTest, ServesHttpWithFewFilesAndTakesNewConnectionsWhenOthersEnd) {
  if (checks_need_files()) GTEST_SKIP() << "the sanitizer cannot do without files";
  constexpr rlim_t kFiles = 64;
  Program serve({"serve", "--listen", "127.0.0.1:0", "--data-dir", "data"}, folder.path(), {},
                kFiles);
  const std::uint16_t port = port_in(serve.wait_for("Ctrl-C"), "http://127.0.0.1:");
  http::testing::RawClient first(port);
  EXPECT_EQ(first.exchange(http::testing::request("GET", "/readyz")).status, 200);
  {
    std::vector<std::unique_ptr<http::testing::RawClient>> others;
    for (rlim_t i = 0; i < kFiles; ++i) {
      others.push_back(std::make_unique<http::testing::RawClient>(port));
    }
    serve.wait_for_log("cannot accept a connection");
    EXPECT_EQ(first.exchange(http::testing::request("GET", "/readyz")).status, 200);
    expect_idle(serve);
    EXPECT_EQ(first.exchange(http::testing::request("GET", "/readyz")).status, 200);
  }
  http::testing::RawClient last(port);
  EXPECT_EQ(last.exchange(http::testing::request("GET", "/readyz")).status, 200);
  serve.send(SIGTERM);
  EXPECT_EQ(serve.finish().status, 0);
}

TEST_F(ProgramTest, ServesMongoClientsWithFewFilesAndTakesNewConnectionsWhenOthersEnd) {
  if (checks_need_files()) GTEST_SKIP() << "the sanitizer cannot do without files";
  constexpr rlim_t kFiles = 64;
  Program program({"localdb", "--listen", "127.0.0.1:0", "--data-dir", "data"}, folder.path(), {},
                  kFiles);
  const std::uint16_t port = port_in(program.wait_for("Ctrl-C"), "mongodb://127.0.0.1:");
  using localdb::TestClient;
  const auto writes = [](TestClient& client) {
    return client.run(R"({"insert": "c", "documents": [{"n": 1}]})")["n"].integer() == 1;
  };
  TestClient first = TestClient::over_tcp(port);
  EXPECT_TRUE(writes(first));
  {
    std::vector<TestClient> others;
    for (rlim_t i = 0; i < kFiles; ++i) others.push_back(TestClient::over_tcp(port));
    program.wait_for_log("cannot accept a connection");
    EXPECT_TRUE(writes(first));
    expect_idle(program);
    EXPECT_TRUE(writes(first));
  }
  TestClient last = TestClient::over_tcp(port);
  EXPECT_TRUE(writes(last));
  program.send(SIGTERM);
  EXPECT_EQ(program.finish().status, 0);
}

TEST_F(ProgramTest, MakesTheIndexesOnceAndPlansWithoutMaking) {
  const Outcome plan = run({"init-db", "--plan"});
  EXPECT_EQ(plan.status, 0) << plan.err;
  EXPECT_THAT(plan.out, HasSubstr("email_1"));
  EXPECT_THAT(run({"stats", "--json"}).out, Not(HasSubstr("email_1")));
  EXPECT_EQ(run({"init-db"}).status, 0);
  EXPECT_THAT(run({"stats", "--json"}).out, HasSubstr("email_1"));
  EXPECT_EQ(run({"init-db"}).status, 0);
}

// Users that somebody has sharded: on Azure Cosmos DB (RU) an index is unique within a shard key.
TEST_F(ProgramTest, DoesNotServeWhereTwoUsersCouldHaveOneAddress) {
  Program localdb({"localdb", "--dialect", "cosmos-ru", "--sharded", "users=_id", "--listen",
                   "127.0.0.1:0", "--data-dir", "ru"},
                  folder.path());
  const std::uint16_t port = port_in(localdb.wait_for("Ctrl-C"), "mongodb://127.0.0.1:");
  const std::map<std::string, std::string> environment{
      {"GESSO_MONGODB_URI", "mongodb://127.0.0.1:" + std::to_string(port) + "/"},
      {"GESSO_DIALECT", "cosmos-ru"}};
  const std::vector<std::string> serve{"serve", "--listen", "127.0.0.1:0", "--data-dir", "data"};
  const Outcome empty = run(serve, environment);
  EXPECT_EQ(empty.status, 1);
  EXPECT_THAT(empty.err, HasSubstr("unique index over { email : 1.0 } with shard key pattern"));

  auto client = localdb::TestClient::over_tcp(port);
  (void)client.run(R"({"insert": "users", "documents": [{"_id": "user_1"}]})", "imagegenerator");
  const Outcome full = run(serve, environment);
  EXPECT_EQ(full.status, 1);
  EXPECT_THAT(full.err, HasSubstr("two documents of users"));
  EXPECT_THAT(full.err, HasSubstr("email_1"));
  localdb.send(SIGTERM);
  EXPECT_EQ(localdb.finish().status, 0);
}

TEST_F(ProgramTest, ChecksADataFolder) {
  ASSERT_EQ(run({"init-db"}).status, 0);
  const Outcome check = run({"localdb", "--check", "--data-dir", "data"});
  EXPECT_EQ(check.status, 0) << check.out << check.err;
  EXPECT_THAT(check.out, HasSubstr("0 faults"));
  EXPECT_EQ(run({"localdb", "--check", "--data-dir", "none"}).status, 2);
  EXPECT_FALSE(std::filesystem::exists(folder / "none"));
}

TEST_F(ProgramTest, SaysThatADataFolderIsNewerThanItCanRead) {
  std::filesystem::create_directory(folder / "data");
  std::ofstream(folder / "data/data.mdb", std::ios::binary) << std::string(8192, '\x07');
  const Outcome outcome = run({"serve", "--listen", "127.0.0.1:0", "--data-dir", "data"});
  EXPECT_EQ(outcome.status, 5);
  EXPECT_THAT(outcome.err, HasSubstr("data"));
  EXPECT_EQ(file("data/data.mdb"), std::string(8192, '\x07'));  // and it is as it was
}

TEST_F(ProgramTest, SaysWhatIsWrongWithAConnectionString) {
  const Outcome wrong = run({"serve"}, {{"GESSO_MONGODB_URI", "http://u:hunter2@host/"}});
  EXPECT_EQ(wrong.status, 2);
  EXPECT_THAT(wrong.err, Not(HasSubstr("hunter2")));
  const Outcome nobody =
      run({"stats"}, {{"GESSO_MONGODB_CONNECT_ATTEMPTS", "1"},
                      {"GESSO_MONGODB_URI", "mongodb://u:hunter2@127.0.0.1:1/"}});
  EXPECT_EQ(nobody.status, 3);
  EXPECT_THAT(nobody.err, HasSubstr("127.0.0.1:1"));
  EXPECT_THAT(nobody.err, Not(HasSubstr("hunter2")));
}

TEST_F(ProgramTest, SaysThatAPasswordIsWrong) {
  Program localdb({"localdb", "--listen", "127.0.0.1:0", "--auth"}, folder.path());
  const std::uint16_t port = port_in(localdb.wait_for("Ctrl-C"), "mongodb://127.0.0.1:");
  const Outcome outcome =
      run({"stats"},
          {{"GESSO_MONGODB_URI", "mongodb://ann:hunter2@127.0.0.1:" + std::to_string(port) + "/"}});
  EXPECT_EQ(outcome.status, 3);
  EXPECT_THAT(outcome.err, HasSubstr("uthentication"));
  EXPECT_THAT(outcome.err, Not(HasSubstr("hunter2")));
  localdb.send(SIGINT);
  EXPECT_EQ(localdb.finish().status, 0);
}

TEST_F(ProgramTest, SaysThatAnAddressIsTaken) {
  const auto taken = gesso::testing::Socket::listen(0);
  const std::string address = "127.0.0.1:" + std::to_string(taken.port());
  for (const char* command : {"serve", "localdb"}) {
    const Outcome outcome = run({command, "--listen", address});
    EXPECT_EQ(outcome.status, 6);
    EXPECT_THAT(outcome.err, HasSubstr(std::to_string(taken.port())));
  }
  EXPECT_EQ(run({"localdb", "--listen", "nowhere"}).status, 2);
}

TEST_F(ProgramTest, ServesFromAFolderWhosePathIsTooLongForASocket) {
  std::string path = "data";
  while (path.size() < 120) path += "/a-folder-with-a-long-name";
  Program serve({"serve", "--listen", "127.0.0.1:0", "--data-dir", path}, folder.path());
  serve.wait_for("Ctrl-C");
  EXPECT_TRUE(std::filesystem::exists(folder / path / "data.mdb"));
  serve.send(SIGTERM);
  EXPECT_EQ(serve.finish().status, 0);
}

TEST_F(ProgramTest, RefusesAKeyThatIsCut) {
  std::filesystem::create_directory(folder / "data");
  for (const std::string key : {"token.key", "encryption.key"}) {
    const std::filesystem::path path = folder / "data" / key;
    std::ofstream(path) << "0123";
    const Outcome outcome = run({"serve", "--listen", "127.0.0.1:0"});
    EXPECT_EQ(outcome.status, 1);
    EXPECT_THAT(outcome.err, HasSubstr(key));
    std::filesystem::remove(path);
  }
}

TEST_F(ProgramTest, ReencryptsWithTheKeysThatAreSet) {
  const std::string old_key(32, 'a');
  const std::string both = std::string(32, 'b') + "," + old_key;
  const Outcome outcome = run({"reencrypt"}, {{"GESSO_ENCRYPTION_KEYS", both}});
  EXPECT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_THAT(outcome.out, HasSubstr("0 secrets encrypted anew with key "));
  EXPECT_FALSE(std::filesystem::exists(folder / "data/encryption.key"));
  const Outcome missing = run({"reencrypt"}, {{"GESSO_MONGODB_URI", "mongodb://127.0.0.1:1/"}});
  EXPECT_EQ(missing.status, 2) << "before anybody is asked";
  EXPECT_THAT(missing.err, HasSubstr("GESSO_ENCRYPTION_KEYS"));
}

}  // namespace
}  // namespace gesso::cli
