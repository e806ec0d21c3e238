// What a server answers by itself, whom it tells of it, and what it answers however busy it is.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <condition_variable>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "gesso/http/server.hpp"
#include "tests/http/raw_client.hpp"

namespace gesso::http {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using testing::RawClient;
using testing::RawResponse;
using testing::request;

// The refusals that a server tells, as texts: "request 400 GET /path".
class Told {
  std::mutex mutex_;  // guards lines_
  std::condition_variable changed_;
  std::vector<std::string> lines_;

 public:
  void add(const Refusal& refusal) {
    const std::lock_guard lock(mutex_);
    lines_.push_back(std::string(to_string(refusal.reason)) + " " + std::to_string(refusal.status) +
                     " " + std::string(refusal.method) + " " + std::string(refusal.path));
    EXPECT_EQ(refusal.client_address, "127.0.0.1");
    EXPECT_LT(refusal.duration, 20s);
    const bool is_connection = refusal.reason == Refusal::Reason::kConnections;
    EXPECT_TRUE(is_connection || !refusal.request_id.empty());
    changed_.notify_all();
  }
  // The first so many.
  std::vector<std::string> wait_for(std::size_t count) {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, 20s, [&] { return lines_.size() >= count; });
    return lines_;
  }
};

class RefusalsTest : public ::testing::Test {
 protected:
  Told told;
  std::optional<Server> server;

  void start(ServerOptions options = {}) {
    options.port = 0;
    options.always_answered = {"/healthz", "/metrics"};
    options.on_refused = [this](const Refusal& refusal) { told.add(refusal); };
    server.emplace(std::move(options), [](const Request& asked, const Responder& respond) {
      const bool is_large = asked.path == "/large" || asked.path == "/metrics";
      respond({.body = is_large ? std::string(100'000, 'x') : asked.path});
    });
    server->start();
  }
  RawClient connect() { return RawClient(server->port()); }
  int status_of(std::string_view bytes) { return connect().exchange(bytes).status; }
};

TEST_F(RefusalsTest, TellsOfBytesThatAreNoRequestItTakes) {
  start({.max_header_bytes = 1000, .max_body_bytes = 10, .header_timeout = 100ms});
  EXPECT_EQ(status_of("nonsense\r\n\r\n"), 400);
  EXPECT_EQ(status_of(request("POST", "/a", "", std::string(11, 'x'))), 413);
  EXPECT_EQ(status_of(request("GET", "/b", "X-Long: " + std::string(2000, 'x') + "\r\n")), 431);
  EXPECT_EQ(status_of("GET /c HTTP/1.1\r\n"), 408);
  EXPECT_THAT(told.wait_for(4), ElementsAre("request 400 - ", "request 413 POST /a",
                                            "request 431 GET /b", "request 408 GET /c"));
}

TEST_F(RefusalsTest, HaveTheFieldsThatEveryResponseHas) {
  start({.max_header_bytes = 1000,
         .max_body_bytes = 10,
         .add_fields = [](Response& response, std::string_view origin, bool is_https) {
           response.headers.emplace_back("X-Seen", std::string(origin) + (is_https ? " s" : " p"));
         }});
  const auto seen = [&](std::string_view bytes) {
    return std::string(connect().exchange(bytes).header("x-seen"));
  };
  EXPECT_EQ(seen("nonsense\r\n\r\n"), " p");
  EXPECT_EQ(seen(request("POST", "/a", "Origin: https://app.example\r\n", std::string(11, 'x'))),
            "https://app.example p");
}

TEST_F(RefusalsTest, TellsOfWhatItHasNoMemoryFor) {
  start({.max_outstanding_bytes = 50'000});
  EXPECT_EQ(status_of(request("POST", "/a", "", std::string(60'000, 'x'))), 503);
  EXPECT_EQ(status_of(request("GET", "/large")), 503);
  EXPECT_THAT(told.wait_for(2), ElementsAre("memory 503 POST /a", "memory 503 GET /large"));
}

TEST_F(RefusalsTest, AnswersForItsHealthWithoutAnyMemory) {
  start({.max_outstanding_bytes = 1});
  EXPECT_EQ(status_of(request("GET", "/large")), 503);
  EXPECT_EQ(connect().exchange(request("GET", "/healthz")).body, "/healthz");
  EXPECT_EQ(connect().exchange(request("GET", "/metrics")).body.size(), 100'000u);
}

TEST_F(RefusalsTest, AnswersForItsHealthBeyondItsConnections) {
  start({.max_connections = 1});
  RawClient first = connect();
  EXPECT_EQ(first.exchange(request("GET", "/")).status, 200);

  RawClient refused = connect();
  const auto asked_at = std::chrono::steady_clock::now();
  const RawResponse answer = refused.exchange(request("GET", "/"));
  EXPECT_LT(std::chrono::steady_clock::now() - asked_at, 900ms);  // and not when its time is over
  EXPECT_EQ(answer.status, 503);
  EXPECT_EQ(answer.header("retry-after"), "1");
  EXPECT_THAT(answer.body, ::testing::HasSubstr("\"code\":\"overloaded\""));
  EXPECT_TRUE(refused.closed());
  // However much of a body follows.
  EXPECT_EQ(status_of("POST / HTTP/1.1\r\nHost: t\r\nContent-Length: 100000\r\n\r\n"), 503);

  for (int i = 0; i < 2; ++i) {
    RawClient probe = connect();
    const RawResponse health = probe.exchange(request("GET", "/healthz"));
    EXPECT_EQ(health.body, "/healthz");
    EXPECT_EQ(health.header("connection"), "close");
    EXPECT_TRUE(probe.closed());
  }
  EXPECT_THAT(told.wait_for(2), ElementsAre("connections 503 GET /", "connections 503 POST /"));
}

TEST_F(RefusalsTest, WaitsForNobodyBeyondItsConnections) {
  start({.max_connections = 1, .spare_connections = 1, .spare_timeout = 50ms});
  RawClient first = connect();
  EXPECT_EQ(first.exchange(request("GET", "/")).status, 200);
  RawClient silent = connect();
  RawClient blind = connect();  // nor for a second one
  EXPECT_EQ(blind.read().status, 503);
  EXPECT_EQ(silent.read().status, 503);
  EXPECT_TRUE(silent.closed());
  EXPECT_THAT(told.wait_for(2), ElementsAre("connections 503 - ", "connections 503 - "));
}

}  // namespace
}  // namespace gesso::http
