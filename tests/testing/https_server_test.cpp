#include "gesso/testing/https_server.hpp"

#include <gtest/gtest.h>

#include <future>
#include <thread>
#include <utility>
#include <vector>

#include "gesso/testing/test_ca.hpp"
#include "tests/testing/http_peer.hpp"

namespace gesso::testing {
namespace {

using std::chrono::milliseconds;

HttpsServer::Reply echo(const HttpsServer::Request& request) {
  return {.body = request.method + " " + request.path + " " + request.body};
}

TEST(HttpsServer, AnswersSeveralRequestsOfOneConnection) {
  HttpsServer server(echo);
  HttpPeer peer(server.port());
  EXPECT_EQ(peer.get("/one")->body, "GET /one ");
  EXPECT_EQ(peer.ask("POST", "/two", {}, "a=1")->body, "POST /two a=1");
  EXPECT_EQ(server.connections(), 1u);
  EXPECT_EQ(server.answered(200), 2u);
  EXPECT_EQ(server.requests()[1].connection, 1u);
}

TEST(HttpsServer, KeepsWhatItWasAsked) {
  HttpsServer server(echo);
  HttpPeer peer(server.port());
  ASSERT_TRUE(peer.ask("POST", "/a%20b?x=1&y=https%3A%2F%2Fz&x=2&e=", {{"X-Some", " v "}},
                       "grant=a+b&scope=c%2F.default"));
  const auto request = server.requests().at(0);
  EXPECT_EQ(request.method, "POST");
  EXPECT_EQ(request.path, "/a b");
  EXPECT_EQ(request.target, "/a%20b?x=1&y=https%3A%2F%2Fz&x=2&e=");
  EXPECT_EQ(request.parameter("x"), "1");
  EXPECT_EQ(request.parameter("y"), "https://z");
  EXPECT_EQ(request.parameter("e"), "");
  EXPECT_EQ(request.parameter("none"), std::nullopt);
  EXPECT_EQ(request.header("x-some"), "v");
  EXPECT_EQ(request.form("grant"), "a b");
  EXPECT_EQ(request.form("scope"), "c/.default");
}

TEST(HttpsServer, SpeaksTlsUnderItsNameAlone) {
  const TestCa ca;
  HttpsServer server(echo, {.certificate = ca.issue({"vault.example", "127.0.0.1"})});
  HttpPeer right(server.port(), "vault.example", ca.file());
  ASSERT_TRUE(right.open());
  EXPECT_EQ(right.get("/x")->body, "GET /x ");
  EXPECT_EQ(server.requests().at(0).server_name, "vault.example");

  HttpPeer wrong(server.port(), "other.example", ca.file());
  EXPECT_FALSE(wrong.open());
  EXPECT_EQ(wrong.verified(), X509_V_ERR_HOSTNAME_MISMATCH);
  const TestCa other;
  EXPECT_FALSE(HttpPeer(server.port(), "vault.example", other.file()).open());
}

TEST(HttpsServer, ShowsTheCertificateThatItWasGivenLast) {
  const TestCa ca;
  const std::vector<std::string> hosts{"a.example"};
  HttpsServer server(echo, {.certificate = ca.issue(hosts)});
  const auto verified = [&] { return HttpPeer(server.port(), "a.example", ca.file()).verified(); };
  EXPECT_EQ(verified(), X509_V_OK);
  server.use_certificate(ca.issue_expired(hosts));
  EXPECT_EQ(verified(), X509_V_ERR_CERT_HAS_EXPIRED);
  server.use_certificate(ca.issue_future(hosts));
  EXPECT_EQ(verified(), X509_V_ERR_CERT_NOT_YET_VALID);
  server.use_certificate(self_signed(hosts));
  EXPECT_EQ(verified(), X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT);
  EXPECT_EQ(HttpPeer(server.port(), "b.example", ca.file()).open(), false);
  EXPECT_TRUE(server.wait_for_failed_handshakes(4));
  EXPECT_EQ(server.request_count(), 0u);

  server.use_certificate(ca.issue({"*.vault.example"}));
  EXPECT_TRUE(HttpPeer(server.port(), "mine.vault.example", ca.file()).get("/"));
}

TEST(HttpsServer, FailsTheNextRequestsAndThenNoMore) {
  HttpsServer server(echo, {.error_body = [](int status) { return std::to_string(status); }});
  server.fail_next(2, Fault::with_status(503, std::chrono::seconds{7}));
  server.fail_next(1, Fault::with_status(429, Time{std::chrono::seconds{784111777}}));
  HttpPeer peer(server.port());
  for (int i = 0; i < 2; ++i) {
    const auto reply = peer.get("/");
    EXPECT_EQ(reply->status, 503);
    EXPECT_EQ(reply->header("Retry-After"), "7");
    EXPECT_EQ(reply->body, "503");
  }
  EXPECT_EQ(peer.get("/")->header("Retry-After"), "Sun, 06 Nov 1994 08:49:37 GMT");
  EXPECT_EQ(peer.get("/")->status, 200);
  server.fail_next(1, Fault::none());
  server.fail_next(1, Fault::with_status(410));
  EXPECT_EQ(peer.get("/")->status, 200);
  EXPECT_EQ(peer.get("/")->status, 410);
  server.fail(Fault::redirect("https://evil.example/"));
  EXPECT_EQ(peer.get("/")->header("Location"), "https://evil.example/");
  EXPECT_EQ(peer.get("/")->status, 302);
  server.fail(Fault::with_body("not JSON"));
  EXPECT_EQ(peer.get("/")->body, "not JSON");
  server.heal();
  EXPECT_EQ(peer.get("/")->status, 200);
  EXPECT_EQ(server.answered(503), 2u);
}

TEST(HttpsServer, RefusesConnectionsWhileItIsDown) {
  HttpsServer server(echo);
  HttpPeer peer(server.port());
  ASSERT_TRUE(peer.get("/"));
  server.down();
  EXPECT_FALSE(peer.get("/"));
  EXPECT_FALSE(HttpPeer(server.port()).open());
  EXPECT_EQ(server.connections(), 0u);
  server.down();
  server.up();
  EXPECT_TRUE(HttpPeer(server.port()).get("/"));
  server.down();
  server.heal();
  EXPECT_TRUE(HttpPeer(server.port()).get("/"));
  server.down();  // and it ends so
}

TEST(HttpsServer, HangsUntilItIsReleased) {
  HttpsServer server(echo);
  server.fail_next(1, Fault::hang());
  auto reply = std::async(std::launch::async, [&] { return HttpPeer(server.port()).get("/"); });
  ASSERT_TRUE(server.wait_for_hanging(1));
  EXPECT_EQ(server.requests().at(0).answered, 0);
  EXPECT_EQ(HttpPeer(server.port()).get("/")->status, 200);  // others go on
  server.release();
  EXPECT_EQ(reply.get()->status, 200);
}

TEST(HttpsServer, EndsWhileARequestHangs) {
  std::optional<HttpsServer> server(std::in_place, echo);
  server->fail(Fault::hang());
  auto reply =
      std::async(std::launch::async, [port = server->port()] { return HttpPeer(port).get("/"); });
  ASSERT_TRUE(server->wait_for_hanging(1));
  server.reset();
  EXPECT_FALSE(reply.get());
}

TEST(HttpsServer, AnswersLate) {
  HttpsServer server(echo);
  server.fail_next(1, Fault::delay(milliseconds{50}));
  const auto start = std::chrono::steady_clock::now();
  EXPECT_EQ(HttpPeer(server.port()).get("/")->status, 200);
  EXPECT_GE(std::chrono::steady_clock::now() - start, milliseconds{50});
}

TEST(HttpsServer, DripsAReplyByteByByte) {
  HttpsServer server(echo);
  server.fail_next(1, Fault::drip(milliseconds{0}));
  EXPECT_EQ(HttpPeer(server.port()).get("/slow")->body, "GET /slow ");
  server.fail_next(1, Fault::drip(std::chrono::hours{1}));
  HttpPeer peer(server.port());
  peer.send("GET / HTTP/1.1\r\n\r\n");
  EXPECT_EQ(peer.read_until([](const std::string& all) { return all.size() == 1; }), "H");
}

TEST(HttpsServer, SendsWhatIsNoReply) {
  const TestCa ca;
  HttpsServer server(echo, {.certificate = ca.issue({"a.example"})});
  const auto sent = [&](Fault fault) {
    server.fail_next(1, std::move(fault));
    HttpPeer peer(server.port(), "a.example", ca.file());
    peer.send("GET /path HTTP/1.1\r\n\r\n");
    return peer.read_to_end();
  };
  EXPECT_EQ(sent(Fault::cut(20)).size(), 20u);
  EXPECT_EQ(sent(Fault::reset()), "");
  EXPECT_NE(sent(Fault::garbage()).substr(0, 5), "HTTP/");
  const std::string shortened = sent(Fault::wrong_length(4));
  EXPECT_NE(shortened.find("Content-Length: 10\r\n"), std::string::npos);
  EXPECT_TRUE(shortened.ends_with("GET /p"));
  server.fail_next(1, Fault::oversized(300'000));
  EXPECT_EQ(HttpPeer(server.port(), "a.example", ca.file()).get("/")->body.size(), 300'000u);
}

TEST(HttpsServer, SurvivesAPeerThatLeavesBeforeTheReply) {
  HttpsServer server(echo);
  for (int i = 0; i < 3; ++i) {
    HttpPeer peer(server.port());
    server.fail_next(1, Fault::oversized(300'000));
    peer.send("GET / HTTP/1.1\r\n\r\n");
  }
  ASSERT_TRUE(server.wait_for_requests(3));
  EXPECT_EQ(HttpPeer(server.port()).get("/")->status, 200);
}

TEST(HttpsServer, HangsUpOnWhatIsNoRequest) {
  HttpsServer server(echo);
  for (const char* text :
       {"nonsense\r\n\r\n", "GET /\r\n\r\n", "GET / HTTP/2.0\r\n\r\n",
        "GET / HTTP/1.1\r\nno colon\r\n\r\n", "POST / HTTP/1.1\r\nContent-Length: x\r\n\r\n",
        "POST / HTTP/1.1\r\nContent-Length: 99999999\r\n\r\n"}) {
    HttpPeer peer(server.port());
    peer.send(text);
    EXPECT_EQ(peer.read_to_end(), "") << text;
  }
  EXPECT_EQ(server.request_count(), 0u);
}

TEST(HttpsServer, TurnsAnExceptionOfItsHandlerIntoA500) {
  HttpsServer server([](const HttpsServer::Request&) -> HttpsServer::Reply {
    throw std::runtime_error("a bug of the test");
  });
  const auto reply = HttpPeer(server.port()).get("/");
  EXPECT_EQ(reply->status, 500);
  EXPECT_EQ(reply->body, "a bug of the test");
}

TEST(HttpsServer, ForgetsRequestsWhenTold) {
  HttpsServer server(echo);
  HttpPeer peer(server.port());
  ASSERT_TRUE(peer.get("/old"));
  server.forget_requests();
  EXPECT_EQ(server.request_count(), 0u);
  ASSERT_TRUE(peer.get("/new"));
  EXPECT_EQ(server.requests().at(0).path, "/new");
  EXPECT_EQ(server.requests().at(0).answered, 200);
}

TEST(HttpsServer, ServesManyAtOnceWhileItsFaultsChange) {
  HttpsServer server(echo);
  std::vector<std::jthread> clients;
  for (int i = 0; i < 4; ++i) {
    clients.emplace_back([&] {
      for (int answered = 0; answered < 20;) {
        HttpPeer peer(server.port());
        if (peer.open() && peer.get("/").has_value()) ++answered;
      }
    });
  }
  for (int i = 0; i < 5; ++i) {
    server.fail_next(2, Fault::with_status(503));
    server.fail_next(2, Fault::reset());
    server.down();
    server.up();
    static_cast<void>(server.requests());
    static_cast<void>(server.connections());
  }
  clients.clear();
  server.heal();
  EXPECT_EQ(HttpPeer(server.port()).get("/")->status, 200);
}

}  // namespace
}  // namespace gesso::testing
