#include "gesso/http/server.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netdb.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <future>
#include <memory>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <thread>
#include <vector>

#include "gesso/base/error.hpp"
#include "tests/http/raw_client.hpp"

namespace gesso::http {
namespace {

using namespace std::chrono_literals;
using testing::RawClient;
using testing::RawResponse;
using testing::request;

// Echoes method, path, query and body; `/later` waits until the test answers.
class ServerTest : public ::testing::Test {
 protected:
  std::optional<Server> server;
  std::promise<Responder> waiting;

  void start(ServerOptions options = {}) {
    options.port = 0;
    server.emplace(std::move(options), [this](Request asked, Responder respond) {
      if (asked.path == "/later") {
        waiting.set_value(std::move(respond));
      } else if (asked.path == "/throws") {
        throw std::runtime_error("a secret of the inside");
      } else if (asked.path == "/busy") {
        throw Error(ErrorKind::kOverloaded, "full");
      } else if (asked.path == "/forgets") {
      } else if (asked.path == "/empty") {
        respond({.status = 204, .content_type = ""});
      } else if (asked.path == "/twice") {
        respond({.body = "first"});
        respond({.body = "second"});
      } else if (asked.path == "/json") {
        respond({.body = "{}"});
      } else if (asked.path == "/split") {
        respond({.headers = {{"Location", "/a\r\nSet-Cookie: b=c"}}});
      } else if (asked.path == "/who") {
        respond({.body = asked.client_address + (asked.is_https ? " https" : " http")});
      } else if (asked.path == "/large") {
        respond({.content_type = "text/plain", .body = std::string(3'000'000, 'x')});
      } else {
        respond({.content_type = "text/plain",
                 .body = std::string(to_string(asked.method)) + " " + asked.path + " " +
                         asked.query + " " + asked.body});
      }
    });
    server->start();
  }
  RawClient connect() { return RawClient(server->port()); }
};

TEST_F(ServerTest, ListensOnEveryAddressOfItsHost) {
  start({.host = "localhost"});
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  ASSERT_EQ(::getaddrinfo("localhost", std::to_string(server->port()).c_str(), &hints, &found), 0);
  const std::unique_ptr<addrinfo, void (*)(addrinfo*)> addresses(found, ::freeaddrinfo);
  int reached = 0;
  for (const addrinfo* address = found; address != nullptr; address = address->ai_next) {
    const int fd = ::socket(address->ai_family, SOCK_STREAM, 0);
    if (fd < 0) continue;
    const int result = ::connect(fd, address->ai_addr, address->ai_addrlen);
    const bool is_ours = result == 0 || errno != EADDRNOTAVAIL;
    ::close(fd);
    if (!is_ours) continue;
    EXPECT_EQ(result, 0);
    ++reached;
  }
  EXPECT_GE(reached, 1);
}

// One at a time, each would wait behind a round of all others' requests.
TEST(Accepting, TakesAllThatWaitAtOnce) {
  constexpr std::size_t kWaiting = 20;
  std::promise<void> holding;
  std::promise<void> released;
  std::atomic<std::size_t> seen = 0;  // connections, when the first of those that waited asks
  std::optional<Server> server;
  server.emplace(ServerOptions{.port = 0, .threads = 1},
                 [&](const Request& asked, Responder respond) {
                   if (asked.path == "/hold") {
                     holding.set_value();
                     released.get_future().wait();
                   } else if (seen == 0) {
                     seen = server->connections();
                   }
                   respond({});
                 });
  server->start();
  RawClient first(server->port());
  first.send(request("GET", "/hold"));
  holding.get_future().wait();
  std::vector<std::unique_ptr<RawClient>> waiting;
  for (std::size_t i = 0; i < kWaiting; ++i) {
    waiting.push_back(std::make_unique<RawClient>(server->port()));
    waiting.back()->send(request("GET", "/"));
  }
  released.set_value();
  for (const auto& client : waiting) EXPECT_EQ(client->read().status, 200);
  EXPECT_EQ(seen, kWaiting + 1);
}

TEST_F(ServerTest, AnswersAndKeepsTheConnection) {
  start();
  RawClient client = connect();
  for (int i = 0; i < 3; ++i) {
    const RawResponse response = client.exchange(request("POST", "/a%20b?x=1", "", "hello"));
    EXPECT_EQ(response.status, 200);
    EXPECT_EQ(response.body, "POST /a%20b x=1 hello");
    EXPECT_EQ(response.header("content-type"), "text/plain; charset=utf-8");
    EXPECT_THAT(response.header("date"), ::testing::EndsWith(" GMT"));
    EXPECT_EQ(response.header("connection"), "");
  }
  EXPECT_EQ(server->connections(), 1u);
}

TEST_F(ServerTest, AnswersPipelinedRequestsInOrder) {
  start();
  RawClient client = connect();
  std::string bytes;
  for (int i = 0; i < 50; ++i) bytes += request("POST", "/" + std::to_string(i), "", "body");
  client.send(bytes);
  for (int i = 0; i < 50; ++i) {
    EXPECT_EQ(client.read().body, "POST /" + std::to_string(i) + "  body");
  }
}

TEST_F(ServerTest, KeepsPipelinedRequestsInOrderWhileOneIsHandled) {
  start();
  RawClient client = connect();
  client.send(request("GET", "/later") + request("GET", "/next"));
  waiting.get_future().get()({.body = "late"});
  EXPECT_EQ(client.read().body, "late");
  EXPECT_EQ(client.read().body, "GET /next  ");
}

TEST_F(ServerTest, ReadsRequestsThatArriveByteByByte) {
  start();
  RawClient client = connect();
  const std::string chunked =
      "POST /chunks HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\n"
      "5;ext=1\r\nhello\r\n1\r\n!\r\n0\r\nTrailer: x\r\n\r\n";
  for (const std::string& bytes : {request("POST", "/slow", "X-A: b\r\n", "hello"), chunked}) {
    for (const char c : bytes) client.send({&c, 1});
  }
  EXPECT_EQ(client.read().body, "POST /slow  hello");
  EXPECT_EQ(client.read().body, "POST /chunks  hello!");
}

TEST_F(ServerTest, AnswersHeadWithoutTheBody) {
  start();
  RawClient client = connect();
  client.send(request("HEAD", "/h"));
  const RawResponse response = client.read(true);
  EXPECT_EQ(response.header("content-length"),
            std::to_string(std::string_view("HEAD /h  ").size()));
  EXPECT_EQ(client.exchange(request("GET", "/after")).body, "GET /after  ");
}

TEST_F(ServerTest, SendsNoLengthWithNoContent) {
  start();
  RawClient client = connect();
  const RawResponse response = client.exchange(request("GET", "/empty"));
  EXPECT_EQ(response.status, 204);
  EXPECT_FALSE(response.headers.contains("content-length"));
  EXPECT_FALSE(response.headers.contains("content-type"));
}

TEST_F(ServerTest, SendsLargeResponsesWhole) {
  start();
  RawClient client = connect();
  EXPECT_EQ(client.exchange(request("GET", "/large")).body.size(), 3'000'000u);
}

TEST_F(ServerTest, ClosesWhenAskedTo) {
  start();
  RawClient client = connect();
  const RawResponse response = client.exchange(request("GET", "/", "Connection: close\r\n"));
  EXPECT_EQ(response.header("connection"), "close");
  EXPECT_TRUE(client.closed());

  RawClient old = connect();
  EXPECT_EQ(old.exchange("GET /old HTTP/1.0\r\n\r\n").body, "GET /old  ");
  EXPECT_TRUE(old.closed());

  RawClient kept = connect();
  EXPECT_EQ(
      kept.exchange("GET /old HTTP/1.0\r\nConnection: keep-alive\r\n\r\n").header("connection"),
      "keep-alive");
  EXPECT_EQ(kept.exchange(request("GET", "/")).status, 200);
}

TEST_F(ServerTest, SaysThatTextIsUtf8AndLeavesOtherTypesAlone) {
  start();
  RawClient client = connect();
  EXPECT_EQ(client.exchange(request("GET", "/")).header("content-type"),
            "text/plain; charset=utf-8");
  EXPECT_EQ(client.exchange(request("GET", "/json")).header("content-type"), "application/json");
}

TEST_F(ServerTest, LetsNoFieldBeSplitInTwo) {
  start();
  RawClient client = connect();
  const RawResponse response = client.exchange(request("GET", "/split"));
  EXPECT_EQ(response.header("location"), "/a  Set-Cookie: b=c");
  EXPECT_FALSE(response.headers.contains("set-cookie"));
}

TEST_F(ServerTest, TellsWhoAsks) {
  start();
  RawClient client = connect();
  EXPECT_EQ(client.exchange(request("GET", "/who", "X-Forwarded-For: 203.0.113.9\r\n")).body,
            "127.0.0.1 http");
}

TEST_F(ServerTest, TellsWhoAsksThroughATrustedProxy) {
  start({.trusted_proxies = {"127.0.0.0/8"}});
  RawClient client = connect();
  EXPECT_EQ(client
                .exchange(request("GET", "/who",
                                  "X-Forwarded-For: 6.6.6.6, 203.0.113.9\r\n"
                                  "X-Forwarded-Proto: https\r\n"))
                .body,
            "203.0.113.9 https");
}

TEST_F(ServerTest, LetsAClientReadItsLastResponseWhileItStillSends) {
  start();
  RawClient client = connect();
  client.send(request("GET", "/large", "Connection: close\r\n") + std::string(200'000, 'x'));
  EXPECT_EQ(client.read().body.size(), 3'000'000u);
}

TEST_F(ServerTest, EchoesAFitRequestIdAndMakesOneOtherwise) {
  start();
  RawClient client = connect();
  EXPECT_EQ(client.exchange(request("GET", "/", "X-Request-ID: abc-1\r\n")).header("x-request-id"),
            "abc-1");
  const std::string made =
      client.exchange(request("GET", "/", "X-Request-ID: a b\r\n")).header("x-request-id");
  EXPECT_THAT(made, ::testing::StartsWith("req_"));
  EXPECT_NE(client.exchange(request("GET", "/")).header("x-request-id"), made);
}

TEST_F(ServerTest, InvitesABodyThatWaitsForIt) {
  start();
  RawClient client = connect();
  client.send("POST /e HTTP/1.1\r\nHost: t\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n");
  EXPECT_EQ(client.read().status, 100);
  client.send("ok");
  EXPECT_EQ(client.read().body, "POST /e  ok");
}

TEST_F(ServerTest, RefusesWhatIsNoRequestAndCloses) {
  start();
  const std::pair<const char*, int> cases[] = {
      {"hello\r\n\r\n", 400},
      {"GET / HTTP/1.1\r\n\r\n", 400},  // no Host
      {"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400},
      {"GET / HTTP/9.9\r\nHost: a\r\n\r\n", 400},
      {"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n", 400},
      {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", 400},
      {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
       400},
      {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n", 501},
      {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", 400},
      {"POST / HTTP/1.1\r\nHost: a\r\nExpect: a miracle\r\n\r\n", 417},
      {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2000000\r\n\r\n", 413},
      {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nfffffff\r\n", 413},
  };
  for (const auto& [bytes, status] : cases) {
    RawClient client = connect();
    const RawResponse response = client.exchange(bytes);
    EXPECT_EQ(response.status, status) << bytes << response.body;
    EXPECT_EQ(response.header("content-type"), "application/problem+json");
    EXPECT_EQ(response.header("connection"), "close");
    EXPECT_THAT(response.body,
                ::testing::HasSubstr("\"request_id\":\"" + response.header("x-request-id") + "\""));
    EXPECT_TRUE(client.closed());
  }
}

TEST_F(ServerTest, RefusesALongHeaderHoweverItArrives) {
  start({.max_header_bytes = 2048});
  RawClient whole = connect();
  EXPECT_EQ(whole.exchange(request("GET", "/", "X: " + std::string(3000, 'x') + "\r\n")).status,
            431);
  RawClient target = connect();
  EXPECT_EQ(target.exchange("GET /" + std::string(3000, 'x')).status, 431);
  RawClient fields = connect();
  fields.send("GET / HTTP/1.1\r\nHost: t\r\n");
  for (int i = 0; i < 300; ++i) {
    if (!fields.send("X-" + std::to_string(i) + ": y\r\n")) break;
  }
  EXPECT_EQ(fields.read().status, 431);
  RawClient fit = connect();
  EXPECT_EQ(fit.exchange(request("GET", "/", "X: " + std::string(1500, 'x') + "\r\n")).status, 200);
}

TEST_F(ServerTest, LetsAClientReadTheRefusalWhileItStillSends) {
  start();
  RawClient client = connect();
  client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3000000\r\n\r\n");
  const std::string megabyte(1'000'000, 'x');
  client.send(megabyte);
  EXPECT_EQ(client.read().status, 413);
}

TEST_F(ServerTest, AnswersForAHandlerThatThrowsOrForgets) {
  start();
  RawClient client = connect();
  const RawResponse thrown = client.exchange(request("GET", "/throws"));
  EXPECT_EQ(thrown.status, 500);
  EXPECT_THAT(thrown.body, ::testing::Not(::testing::HasSubstr("secret")));
  EXPECT_EQ(client.exchange(request("GET", "/busy")).status, 503);
  EXPECT_EQ(client.exchange(request("GET", "/forgets")).status, 500);
  EXPECT_EQ(client.exchange(request("GET", "/twice")).body, "first");
  EXPECT_EQ(client.exchange(request("GET", "/")).status, 200);
}

TEST_F(ServerTest, ClosesSlowClientsAndIdleConnections) {
  start({.header_timeout = 60ms, .request_timeout = 120ms, .idle_timeout = 60ms});
  RawClient silent = connect();
  EXPECT_TRUE(silent.closed());
  RawClient slow_header = connect();
  EXPECT_EQ(slow_header.exchange("GET / HT").status, 408);
  EXPECT_TRUE(slow_header.closed());
  RawClient slow_body = connect();
  EXPECT_EQ(slow_body.exchange("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nabc").status,
            408);
  RawClient idle = connect();
  EXPECT_EQ(idle.exchange(request("GET", "/")).status, 200);
  EXPECT_TRUE(idle.closed());
}

TEST_F(ServerTest, DoesNotHurryAHandler) {
  start({.header_timeout = 20ms, .request_timeout = 20ms, .idle_timeout = 20ms});
  RawClient client = connect();
  client.send(request("GET", "/later"));
  const Responder respond = waiting.get_future().get();
  RawClient other = connect();
  EXPECT_TRUE(other.closed());  // at least one round of timeouts has passed
  respond({.body = "late"});
  EXPECT_EQ(client.read().body, "late");
}

TEST_F(ServerTest, TurnsAwayConnectionsBeyondItsLimit) {
  start({.max_connections = 2});
  RawClient first = connect();
  RawClient second = connect();
  EXPECT_EQ(first.exchange(request("GET", "/")).status, 200);
  EXPECT_EQ(second.exchange(request("GET", "/")).status, 200);
  RawClient third = connect();
  EXPECT_EQ(third.read().status, 503);
  EXPECT_TRUE(third.closed());
}

TEST_F(ServerTest, DrainsWithoutCuttingARequestInWork) {
  start();
  RawClient idle = connect();
  EXPECT_EQ(idle.exchange(request("GET", "/")).status, 200);
  RawClient busy = connect();
  busy.send(request("GET", "/later"));
  const Responder respond = waiting.get_future().get();

  std::thread stopping([this] { server->stop(20s); });
  EXPECT_TRUE(idle.closed());  // draining has begun
  respond({.body = "done"});
  const RawResponse response = busy.read();
  EXPECT_EQ(response.body, "done");
  EXPECT_EQ(response.header("connection"), "close");
  stopping.join();
  EXPECT_THROW(connect(), std::runtime_error);
}

TEST_F(ServerTest, StopsAfterTheGraceAndOutlivesItsResponders) {
  start();
  RawClient busy = connect();
  busy.send(request("GET", "/later"));
  const Responder respond = waiting.get_future().get();
  server->stop(10ms);
  EXPECT_TRUE(busy.closed());
  server.reset();
  respond({.body = "to nobody"});
}

TEST_F(ServerTest, SaysThatAnAddressIsTaken) {
  start();
  ServerOptions options;
  options.port = server->port();
  Server second(options, [](Request, Responder) {});
  try {
    second.start();
    FAIL() << "two servers on one port";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kUnavailable);
    EXPECT_THAT(error.what(), ::testing::HasSubstr("127.0.0.1:" + std::to_string(options.port)));
  }
}

TEST_F(ServerTest, TellsTheAccessLogWhatBecameOfARequest) {
  std::promise<std::string> line;
  start({.access_log = [&](const AccessRecord& record) {
    line.set_value(std::string(record.method) + " " + std::string(record.path) + " " +
                   std::to_string(record.status) + " " + std::string(record.request_id));
  }});
  RawClient client = connect();
  client.send(request("GET", "/logged?token=x", "X-Request-ID: one\r\n"));
  EXPECT_EQ(line.get_future().get(), "GET /logged 200 one");
}

}  // namespace
}  // namespace gesso::http
