// What one client may take of the server: cursors, bytes before logging in, time for a message.
#include <arpa/inet.h>

#include <chrono>
#include <functional>
#include <thread>

#include "tests/localdb/server/server_fixture.hpp"

namespace gesso::localdb {
namespace {

using bson::make_document;
using std::chrono::milliseconds;

class ClientLimits : public ServerTest {
 protected:
  std::int64_t open_cursors(TestClient& client) {
    return client.run(R"({"serverStatus": 1})", "admin")
        .view()
        .at_path("metrics.cursor.open.total")
        .integer()
        .value_or(-1);
  }

  void fill(TestClient& client, int documents, std::size_t bytes = 8) {
    for (int i = 0; i < documents; ++i) {
      const bson::Document one = make_document("_id", i, "text", std::string(bytes, 'x'));
      ASSERT_TRUE(
          is_ok(client.run(make_document("insert", "c", "documents", bson::make_array(one)))));
    }
  }

  std::int64_t cursor_of(TestClient& client, const std::string& command) {
    const bson::Document reply = client.run(command);
    EXPECT_TRUE(is_ok(reply)) << json(reply);
    return reply.view().at_path("cursor.id").integer().value_or(0);
  }

  int get_more(TestClient& client, std::int64_t id) {
    return code_of(client.run(make_document("getMore", id, "collection", "c", "batchSize", 1)));
  }
};

// A condition that the server brings about on its own.
bool comes_true(const std::function<bool()>& condition) {
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds{20};
  while (!condition()) {
    if (std::chrono::steady_clock::now() > until) return false;
    std::this_thread::sleep_for(milliseconds{5});
  }
  return true;
}

TEST_F(ClientLimits, TheCursorThatWasIdleLongestGoesFirst) {
  start({.max_cursors = 2});
  TestClient client = this->client();
  fill(client, 5);
  const std::string find = R"({"find": "c", "batchSize": 1})";
  const std::int64_t first = cursor_of(client, find);
  const std::int64_t second = cursor_of(client, find);
  EXPECT_EQ(get_more(client, first), 0);  // now the second is the one
  const std::int64_t third = cursor_of(client, find);
  EXPECT_EQ(open_cursors(client), 2);
  EXPECT_EQ(get_more(client, second), 43);
  EXPECT_EQ(get_more(client, first), 0);
  EXPECT_EQ(get_more(client, third), 0);
}

TEST_F(ClientLimits, CursorsHaveABudgetOfMemoryTogether) {
  start({.cursor_memory_bytes = 256 * 1024});
  TestClient client = this->client();
  fill(client, 12, 10'000);
  // Keeps what a sort without an index has put in order.
  const std::string sorted = R"({"find": "c", "sort": {"text": 1, "_id": -1}, "batchSize": 1})";
  const std::int64_t first = cursor_of(client, sorted);
  const std::int64_t second = cursor_of(client, sorted);
  const std::int64_t third = cursor_of(client, sorted);
  EXPECT_EQ(get_more(client, first), 43);
  EXPECT_EQ(get_more(client, second), 0);
  EXPECT_EQ(get_more(client, third), 0);
}

TEST_F(ClientLimits, AllOfALongResultArrivesWithinTheBudget) {
  start({.cursor_memory_bytes = 1024 * 1024});
  TestClient client = this->client();
  fill(client, 100, 1'000);
  for (const char* const command :
       {R"({"aggregate": "c", "pipeline": [{"$project": {"n": {"$add": ["$_id", 1]}}}],
            "cursor": {"batchSize": 7}})",
        R"({"find": "c", "sort": {"text": 1, "_id": -1}, "batchSize": 7})"}) {
    const std::int64_t id = cursor_of(client, command);
    int batches = 0;
    for (std::int64_t next = id; next != 0; ++batches) {
      const bson::Document reply =
          client.run(make_document("getMore", id, "collection", "c", "batchSize", 7));
      ASSERT_TRUE(is_ok(reply)) << command << "\nbatch " << batches << ": " << json(reply);
      next = reply.view().at_path("cursor.id").integer().value_or(0);
    }
    EXPECT_EQ(batches, 14);
  }
}

TEST_F(ClientLimits, IdleCursorsAreClosedWithoutBeingAskedFor) {
  start({.cursor_timeout = milliseconds{50}});
  TestClient client = this->client();
  fill(client, 5);
  const std::int64_t id = cursor_of(client, R"({"find": "c", "batchSize": 1})");
  const std::int64_t kept =
      cursor_of(client, R"({"find": "c", "batchSize": 1, "noCursorTimeout": true})");
  EXPECT_TRUE(comes_true([&] { return open_cursors(client) == 1; }));
  EXPECT_EQ(get_more(client, id), 43);
  EXPECT_EQ(get_more(client, kept), 0);
}

TEST_F(ClientLimits, WhoHasNotLoggedInSendsSmallMessages) {
  start({.require_auth = true});
  const bson::Document large = make_document("ping", 1, "comment", std::string(100'000, 'x'));
  TestClient stranger = client();
  EXPECT_TRUE(is_ok(stranger.run(R"({"hello": 1})", "admin")));
  EXPECT_EQ(stranger.request(stranger.message(large)), std::nullopt);
  start({});
  TestClient known = client();
  EXPECT_NE(known.request(known.message(large)), std::nullopt);
}

TEST_F(ClientLimits, WhoHasNotLoggedInAndSaysNothingIsCut) {
  start({.require_auth = true, .stranger_idle = milliseconds{100}});
  TestClient stranger = client();
  EXPECT_TRUE(is_ok(stranger.run(R"({"hello": 1})", "admin")));
  EXPECT_EQ(stranger.receive(), std::nullopt);
}

TEST_F(ClientLimits, AMessageThatDoesNotEndIsCut) {
  start({.patience = milliseconds{100}});
  TestClient slow = client();
  TestClient::Bytes half = slow.message(make_document("ping", 1, "$db", "admin"));
  half.resize(half.size() / 2);
  slow.send(half);
  EXPECT_EQ(slow.receive(), std::nullopt);
}

TEST_F(ClientLimits, AReplyThatNobodyReadsIsCut) {
  start({.patience = milliseconds{200}});
  TestClient watcher = client();
  fill(watcher, 4, 4 << 20);
  TestClient deaf = client();
  const auto connections = [&] {
    return watcher.run(R"({"serverStatus": 1})", "admin")
        .view()
        .at_path("connections.current")
        .integer()
        .value_or(-1);
  };
  ASSERT_TRUE(comes_true([&] { return connections() == 2; }));
  deaf.send(deaf.message(make_document("find", "c", "$db", "test")));
  EXPECT_TRUE(comes_true([&] { return connections() == 1; }));
}

TEST_F(ClientLimits, ListensOnEveryAddressOfLocalhost) {
  start({.listen_host = "localhost", .listen_port = 0});
  EXPECT_TRUE(is_ok(TestClient::over_tcp(server_->port()).run(R"({"ping": 1})")));
  const int fd = ::socket(AF_INET6, SOCK_STREAM, 0);
  if (fd < 0) GTEST_SKIP() << "no IPv6 here";
  sockaddr_in6 address{};
  address.sin6_family = AF_INET6;
  address.sin6_port = htons(server_->port());
  address.sin6_addr = in6addr_loopback;
  const int result = ::connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address);
  const int why = errno;
  ::close(fd);
  // A machine whose localhost is 127.0.0.1 alone refuses it.
  if (result != 0 && why != EADDRNOTAVAIL) {
    EXPECT_EQ(why, ECONNREFUSED);
    GTEST_SKIP() << "localhost has no ::1 here";
  }
}

}  // namespace
}  // namespace gesso::localdb
