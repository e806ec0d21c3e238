#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <thread>

#include "gesso/base/error.hpp"
#include "tests/localdb/server/server_fixture.hpp"

namespace gesso::localdb {
namespace {

using bson::make_document;

TEST_F(ServerTest, AnswersOverBothKindsOfSocket) {
  start({.listen_host = "127.0.0.1", .listen_port = 0});
  EXPECT_TRUE(is_ok(client().run(R"({"ping": 1})")));
  ASSERT_NE(server_->port(), 0);
  EXPECT_TRUE(is_ok(TestClient::over_tcp(server_->port()).run(R"({"ping": 1})")));
}

TEST_F(ServerTest, GivesItsAddressAsAConnectionString) {
  start({.unix_socket = {}, .listen_host = "127.0.0.1", .listen_port = 0});
  std::string encoded = "mongodb://";
  for (const char c : socket()) encoded += c == '/' ? "%2F" : std::string(1, c);
  EXPECT_EQ(server_->uri(), encoded + "/");
}

TEST_F(ServerTest, OnlyTheOwnerMayUseTheSocket) {
  start({});
  struct stat status {};
  ASSERT_EQ(::stat(socket().c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777U, 0600U);
}

TEST_F(ServerTest, ReplacesTheSocketThatADeadServerLeft) {
  {
    const int fd = ::socket(AF_UNIX, SOCK_STREAM, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, socket().data(), socket().size());
    ASSERT_EQ(::bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    ::close(fd);
  }
  ASSERT_TRUE(std::filesystem::exists(socket()));
  start({});
  EXPECT_TRUE(is_ok(client().run(R"({"ping": 1})")));
}

TEST_F(ServerTest, RefusesASocketThatAnotherServerListensOn) {
  start({});
  Server other({.data_dir = folder_ / "other", .unix_socket = socket()});
  try {
    other.start();
    FAIL() << "started";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kUnavailable);
  }
  EXPECT_TRUE(is_ok(client().run(R"({"ping": 1})")));
}

TEST_F(ServerTest, RefusesAFileThatIsNoSocketAndLeavesItAlone) {
  std::ofstream(socket()) << "precious";
  EXPECT_THROW(start({}), Error);
  EXPECT_TRUE(std::filesystem::is_regular_file(socket()));
}

TEST_F(ServerTest, RefusesAPortThatIsTaken) {
  start({.listen_host = "127.0.0.1", .listen_port = 0});
  Server other(
      {.data_dir = folder_ / "other", .listen_host = "127.0.0.1", .listen_port = server_->port()});
  EXPECT_THROW(other.start(), Error);
}

TEST_F(ServerTest, StopEndsIdleConnectionsAndRemovesTheSocket) {
  start({});
  TestClient idle = client();
  EXPECT_TRUE(is_ok(idle.run(R"({"ping": 1})")));
  server_->stop();
  EXPECT_EQ(idle.receive(), std::nullopt);
  EXPECT_FALSE(std::filesystem::exists(socket()));
  server_->stop();
}

TEST_F(ServerTest, StopEndsACommandThatWaits) {
  start({.test_commands = true});
  TestClient waiting = client();
  ASSERT_TRUE(is_ok(waiting.run(
      R"({"configureFailPoint": "failCommand", "mode": "alwaysOn",
          "data": {"failCommands": ["ping"], "blockConnection": true, "blockTimeMS": 60000}})",
      "admin")));
  waiting.send(waiting.message(make_document("ping", 1, "$db", "admin")));
  const auto begin = std::chrono::steady_clock::now();
  server_->stop();
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds{20});
}

TEST_F(ServerTest, DocumentsOutliveTheServer) {
  start({});
  EXPECT_TRUE(is_ok(client().run(R"({"insert": "c", "documents": [{"_id": 1}]})")));
  start({});
  EXPECT_EQ(client().run(R"({"count": "c"})")["n"].as_int32(), 1);
}

TEST_F(ServerTest, MoreConnectionsThanAllowedAreClosedAtOnce) {
  start({.max_connections = 2});
  TestClient one = client();
  TestClient two = client();
  EXPECT_TRUE(is_ok(one.run(R"({"ping": 1})")));
  EXPECT_TRUE(is_ok(two.run(R"({"ping": 1})")));
  TestClient three = client();
  EXPECT_EQ(three.request(three.message(make_document("ping", 1, "$db", "admin"))), std::nullopt);
  EXPECT_TRUE(is_ok(one.run(R"({"ping": 1})")));
}

TEST_F(ServerTest, ServesManyConnectionsAtOnce) {
  start({});
  std::vector<std::thread> threads;
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([this, t] {
      TestClient own = client();
      for (int i = 0; i < 10; ++i) {
        const bson::Document document = make_document("_id", t * 100 + i);
        EXPECT_TRUE(
            is_ok(own.run(make_document("insert", "c", "documents", bson::make_array(document)))));
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(client().run(R"({"count": "c"})")["n"].as_int32(), 80);
}

TEST_F(CommandTest, AMalformedMessageClosesThatConnectionAndHarmsNothing) {
  good(R"({"insert": "c", "documents": [{"_id": 1}]})");
  const TestClient::Bytes whole =
      client_.message(make_document("insert", "c", "$db", "test"), 0, "documents",
                      {make_document("_id", 2), make_document("_id", 3)});
  int closed = 0;
  for (const std::size_t at : {3U, 12U, 16U, 20U, 21U, 40U, 55U, 70U}) {
    TestClient other = client();
    TestClient::Bytes broken = whole;
    broken[at] ^= 0x80U;
    other.send(broken);
    if (!other.receive()) ++closed;
  }
  {
    TestClient other = client();  // gone in the middle of a message
    other.send(TestClient::Bytes(whole.begin(), whole.begin() + 30));
  }
  EXPECT_EQ(closed, 8);
  EXPECT_TRUE(is_ok(run(R"({"ping": 1})")));
  EXPECT_EQ(good(R"({"find": "c", "filter": {"_id": 1}})")
                .view()
                .at_path("cursor.firstBatch.0._id")
                .as_int32(),
            1);
}

TEST_F(CommandTest, ReadsMessagesThatArriveInPiecesAndInOneGo) {
  const TestClient::Bytes ping = client_.message(make_document("ping", 1, "$db", "admin"));
  for (const std::uint8_t byte : ping) client_.send({byte});
  EXPECT_TRUE(client_.receive());
  TestClient::Bytes three;
  for (int i = 0; i < 3; ++i) three.insert(three.end(), ping.begin(), ping.end());
  client_.send(three);
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(client_.receive());
}

TEST_F(CommandTest, MoreToComeIsRunAndNotAnswered) {
  client_.send(client_.message(make_document("insert", "c", "$db", "test"), 2, "documents",
                               {make_document("_id", 1)}));
  EXPECT_EQ(good(R"({"count": "c"})")["n"].as_int32(), 1);
}

TEST_F(CommandTest, ADocumentOf17MegabytesIsRefusedAndTheConnectionLives) {
  const bson::Document large = make_document("_id", 1, "data", std::string(17'000'000, 'x'));
  const auto reply = client_.request(
      client_.message(make_document("insert", "c", "$db", "test"), 0, "documents", {large}));
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->view().at_path("writeErrors.0.code").as_int32(), 10334) << json(*reply);
  EXPECT_EQ(good(R"({"count": "c"})")["n"].as_int32(), 0);
}

TEST_F(CommandTest, ADocumentNestedTooDeepIsRefusedAndTheConnectionLives) {
  bson::Document deep = make_document("a", 1);
  for (int i = 0; i < 250; ++i) deep = make_document("a", deep);
  const auto reply = client_.request(
      client_.message(make_document("insert", "c", "$db", "test"), 0, "documents", {deep}));
  ASSERT_TRUE(reply);
  EXPECT_EQ(code_of(*reply), 15);
  EXPECT_TRUE(is_ok(run(R"({"ping": 1})")));
}

TEST_F(CommandTest, AnswersTheLegacyHandshake) {
  TestClient::Bytes query;
  const auto put = [&](std::uint32_t word) {
    for (int shift = 0; shift < 32; shift += 8) {
      query.push_back(static_cast<std::uint8_t>(word >> shift));
    }
  };
  for (const std::uint32_t word : {0U, 1U, 0U, 2004U, 4U}) put(word);
  for (const char c : std::string_view("admin.$cmd\0", 11)) {
    query.push_back(static_cast<std::uint8_t>(c));
  }
  put(0);
  put(1);
  const bson::Document body = make_document("isMaster", 1, "helloOk", true);
  query.insert(query.end(), body.data(), body.data() + body.size());
  query[0] = static_cast<std::uint8_t>(query.size());
  const auto reply = client_.request(query);
  ASSERT_TRUE(reply);
  EXPECT_TRUE((*reply)["ismaster"].as_bool());
  EXPECT_TRUE((*reply)["helloOk"].as_bool());
}

}  // namespace
}  // namespace gesso::localdb
