// A service that has more to do than it can: who is refused is told at once and logged, and whoever
// looks after it still sees how it is.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <spdlog/sinks/base_sink.h>
#include <spdlog/spdlog.h>

#include <future>
#include <memory>
#include <mutex>
#include <string>

#include "tests/api/service_fixture.hpp"

namespace gesso::api {
namespace {

using namespace std::chrono_literals;
using ::testing::Contains;
using ::testing::HasSubstr;
using testing::Reply;
using testing::ServiceFixture;

// What is logged, instead of showing it.
class Kept final : public spdlog::sinks::base_sink<std::mutex> {
  std::string text_;  // guarded by the base's mutex

 public:
  std::string text() {
    const std::lock_guard lock(mutex_);
    return text_;
  }

 private:
  void sink_it_(const spdlog::details::log_msg& message) override {
    text_.append(message.payload.data(), message.payload.size()).append("\n");
  }
  void flush_() override {}
};

// Keeps the log while it lives. Made before any thread that logs, and outlives them.
class KeptLog {
  std::shared_ptr<Kept> kept_ = std::make_shared<Kept>();
  std::shared_ptr<spdlog::logger> before_ = spdlog::default_logger();

 public:
  KeptLog() { spdlog::set_default_logger(std::make_shared<spdlog::logger>("kept", kept_)); }
  ~KeptLog() { spdlog::set_default_logger(before_); }
  KeptLog(const KeptLog&) = delete;
  KeptLog& operator=(const KeptLog&) = delete;

  [[nodiscard]] std::string text() const { return kept_->text(); }
};

// Holds every worker of the database, and fills the queue before them, while it lives.
class FullQueue {
  std::promise<void> release_;
  std::shared_future<void> released_ = release_.get_future().share();

 public:
  explicit FullQueue(mongo::Service& database) {
    std::atomic<bool> is_full = false;
    while (!is_full) {
      database.submit(
          Deadline::after(1min), [released = released_](mongo::Session&) { released.wait(); },
          [&](const std::exception_ptr&) { is_full = true; });
    }
  }
  ~FullQueue() { release_.set_value(); }
};

class OverloadTest : public ::testing::Test {
 protected:
  KeptLog log;
  ServiceFixture fixture;
};

TEST_F(OverloadTest, AFullQueueIsToldAtOnceAndLogged) {
  const std::string token = fixture.token_of("ann@example.com");
  {
    const FullQueue full(fixture.service().database);
    const auto asked_at = std::chrono::steady_clock::now();
    const Reply refused = fixture.ask("GET", "/api/v1/users/me", {}, token);
    EXPECT_LT(std::chrono::steady_clock::now() - asked_at, 5s);
    EXPECT_EQ(refused.status, 503);
    EXPECT_EQ(refused.raw.header("retry-after"), "1");
    EXPECT_EQ(refused.value().at("code").as_string(), "overloaded");
    EXPECT_THAT(log.text(), HasSubstr(refused.raw.header("x-request-id") + ": overloaded"));

    EXPECT_EQ(fixture.ask("GET", "/healthz").status, 200);
    const Reply ready = fixture.ask("GET", "/readyz");
    EXPECT_EQ(ready.status, 503);
    EXPECT_THAT(ready.body, HasSubstr("more to do"));
    EXPECT_THAT(fixture.ask("GET", "/metrics").body,
                HasSubstr(R"(gesso_problems_total{code="overloaded",operation="getMe"} 1)"));
  }
  EXPECT_THAT(fixture.service().access_lines.all(), Contains("GET /api/v1/users/me 503 getMe"));
  EXPECT_EQ(fixture.ask("GET", "/api/v1/users/me", {}, token).status, 200);
}

TEST_F(OverloadTest, WhatIsNotDoneInItsTimeIsLogged) {
  const std::string token = fixture.token_of("ann@example.com");
  fixture.restart_with(100, -1ms);
  const Reply late = fixture.ask("GET", "/api/v1/users/me", {}, token);
  EXPECT_EQ(late.status, 504);
  EXPECT_THAT(log.text(), HasSubstr(late.raw.header("x-request-id") + ": timeout"));
  EXPECT_THAT(fixture.service().access_lines.all(), Contains("GET /api/v1/users/me 504 getMe"));
}

TEST_F(OverloadTest, TooManyConnectionsAreToldAndLoggedAndItsHealthIsSeen) {
  fixture.restart_with_connections(1);
  http::testing::RawClient only(fixture.service().server.port());
  EXPECT_EQ(only.exchange(http::testing::request("GET", "/healthz")).status, 200);
  const Reply refused = fixture.ask("GET", "/api/v1/users/me");
  EXPECT_EQ(refused.status, 503);
  EXPECT_EQ(refused.raw.header("retry-after"), "1");
  EXPECT_EQ(fixture.ask("GET", "/healthz").status, 200);
  EXPECT_EQ(fixture.ask("GET", "/readyz").status, 200);
  const std::string metrics = fixture.ask("GET", "/metrics").body;
  EXPECT_THAT(metrics,
              HasSubstr(R"(gesso_http_refusals_total{reason="connections",status="503"} 1)"));
  EXPECT_THAT(fixture.service().access_lines.all(), Contains("GET /api/v1/users/me 503 -"));
}

TEST_F(OverloadTest, BytesThatAreNoRequestAreCountedAndLogged) {
  http::testing::RawClient client(fixture.service().server.port());
  EXPECT_EQ(client.exchange("nonsense\r\n\r\n").status, 400);
  const std::string body(2 * 1024 * 1024, 'x');
  EXPECT_EQ(fixture.ask("POST", "/api/v1/generations", body).status, 413);
  const std::string metrics = fixture.ask("GET", "/metrics").body;
  EXPECT_THAT(metrics, HasSubstr(R"(gesso_http_refusals_total{reason="request",status="400"} 1)"));
  EXPECT_THAT(metrics, HasSubstr(R"(gesso_http_refusals_total{reason="request",status="413"} 1)"));
  EXPECT_THAT(
      metrics,
      HasSubstr(R"(gesso_request_duration_seconds_count{operation="none",status="4xx"} 2)"));
  EXPECT_THAT(fixture.service().access_lines.all(), Contains("-  400 -"));
  EXPECT_THAT(fixture.service().access_lines.all(), Contains("POST /api/v1/generations 413 -"));
}

TEST_F(OverloadTest, WhatIsAlwaysAnsweredIsAnOperationWithoutALimit) {
  for (const std::string_view path : kAlwaysAnswered) {
    const auto& all = operations();
    const auto found =
        std::ranges::find(all, path, [](const Operation& one) { return one.info().path; });
    ASSERT_NE(found, all.end()) << path;
    EXPECT_EQ(found->info().limit, LimitClass::kNone) << path;
    EXPECT_EQ(found->info().access, Access::kPublic) << path;
  }
}

}  // namespace
}  // namespace gesso::api
