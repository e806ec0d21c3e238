// Usage over HTTP, and what operators see.
#include <gtest/gtest.h>

#include <thread>

#include "gesso/api/operations.hpp"
#include "gesso/repositories/usage_log_repository.hpp"
#include "tests/api/service_fixture.hpp"

namespace gesso::api {
namespace {

using namespace std::chrono_literals;
using testing::Reply;
using testing::ServiceFixture;
namespace json = boost::json;

class UsageTest : public ::testing::Test {
 protected:
  ServiceFixture fixture;
  std::string token = fixture.token_of("ann@example.com");

  Reply get(std::string_view path, std::string_view with_token) {
    return fixture.ask("GET", path, {}, with_token);
  }
  // Entries are written a moment after their request; beside these, two for each user's token.
  void wait_for(std::uint64_t entries, std::uint64_t users = 1) {
    entries += 2 * users;
    const auto until = std::chrono::steady_clock::now() + 20s;
    while (fixture.service().usage.statistics().written < entries &&
           std::chrono::steady_clock::now() < until) {
      std::this_thread::yield();
    }
    ASSERT_EQ(fixture.service().usage.statistics().written, entries);
  }
  // What an operation answers to whoever may call it.
  http::Response call(std::string_view id, std::string_view query) {
    for (const Operation& operation : operations()) {
      if (operation.info().id != id) continue;
      http::Request request;
      request.query = query;
      std::vector<Violation> violations;
      const auto bound = operation.bind({.request = request, .path = {}}, violations);
      EXPECT_TRUE(violations.empty());
      return fixture.service().database.run([&](mongo::Session& session) {
        const Client client;
        DatabaseCall call{{.services = fixture.service().services,
                           .request_id = "req",
                           .deadline = {},
                           .client = client},
                          session};
        return bound->run(call);
      });
    }
    throw std::logic_error("no such operation");
  }
};

TEST_F(UsageTest, EveryRequestAndGenerationOfAUserIsLogged) {
  const Reply made =
      fixture.ask("POST", "/api/v1/generations", R"({"prompt":"A fox","num_images":2})", token);
  ASSERT_EQ(made.status, 201);
  EXPECT_EQ(get("/api/v1/generations/gen_none", token).status, 404);
  EXPECT_EQ(get("/api/v1/generations", "nonsense").status, 401);  // nobody's
  wait_for(2);  // the generation's own is written with it
  const auto log = get("/api/v1/usage?limit=10", token).value();
  EXPECT_TRUE(log.at("next_cursor").is_null());
  const auto& items = log.at("items").as_array();
  ASSERT_EQ(items.size(), 5U);
  EXPECT_EQ(items[0].at("action_type"), "api_request");
  EXPECT_EQ(items[0].at("resource_id"), "/api/v1/generations/gen_none");
  EXPECT_EQ(items[0].at("metadata").at("operation"), "getGeneration");
  EXPECT_EQ(items[0].at("metadata").at("status"), 404);
  EXPECT_GE(items[0].at("response_time_ms").as_int64(), 0);
  EXPECT_EQ(items[1].at("metadata").at("operation"), "createGeneration");
  EXPECT_EQ(items[2].at("action_type"), "image_generation");
  EXPECT_EQ(items[2].at("resource_id"), made.value().at("id"));
  EXPECT_EQ(items[2].at("credits_used"), 2);
  // A sign-in is of whom it turned out to be.
  EXPECT_EQ(items[3].at("metadata").at("operation"), "login");
  EXPECT_EQ(items[4].at("metadata").at("operation"), "register");
}

TEST_F(UsageTest, TheLogHasPagesAndIsTheCallersOwn) {
  for (int i = 0; i < 5; ++i) (void)get("/api/v1/users/me", token);
  wait_for(5);
  std::size_t seen = 0;
  std::string cursor;
  do {
    const auto page = get("/api/v1/usage?limit=2&cursor=" + cursor, token).value();
    for (const auto& item : page.at("items").as_array()) {
      seen += item.at("metadata").at("operation") == "getMe" ||
                      item.at("resource_id") == "/api/v1/users/me"
                  ? 1
                  : 0;
    }
    cursor =
        page.at("next_cursor").is_null() ? "" : std::string(page.at("next_cursor").as_string());
  } while (!cursor.empty());
  EXPECT_EQ(seen, 5U);
  const std::string other = fixture.token_of("bob@example.com");
  const auto others = get("/api/v1/usage", other).value();
  for (const auto& item : others.at("items").as_array()) {
    EXPECT_NE(item.at("metadata").at("operation"), "getMe");
  }
}

TEST_F(UsageTest, ASummaryIsByDayAndAction) {
  (void)fixture.ask("POST", "/api/v1/generations", R"({"prompt":"A fox"})", token);
  wait_for(1);
  const auto summary = get("/api/v1/usage/summary", token).value();
  const auto& items = summary.at("items").as_array();
  ASSERT_GE(items.size(), 2U);
  EXPECT_EQ(items[0].at("action_type"), "image_generation");
  EXPECT_EQ(items[0].at("count"), 1);
  EXPECT_EQ(items[0].at("credits_used"), 1);
  EXPECT_EQ(items[0].at("day").as_string(),
            to_iso8601(fixture.service().clock.now()).substr(0, 10));
}

TEST_F(UsageTest, WhatWasGivenBackIsTakenOffTheSum) {
  const Reply made =
      fixture.ask("POST", "/api/v1/generations", R"({"prompt":"A fox","num_images":3})", token);
  const std::string id(made.value().at("id").as_string());
  ASSERT_EQ(fixture.ask("POST", "/api/v1/generations/" + id + "/cancel", {}, token).status, 200);
  wait_for(2);
  std::int64_t spent = 0;
  std::int64_t refunds = 0;
  const auto summary = get("/api/v1/usage/summary", token).value();
  for (const auto& item : summary.at("items").as_array()) {
    spent += item.at("credits_used").as_int64();
    if (item.at("action_type") == "refund") refunds += item.at("credits_used").as_int64();
  }
  EXPECT_EQ(spent, 0);
  EXPECT_EQ(refunds, -3);
}

TEST_F(UsageTest, ARangeThatMakesNoSenseIsRefused) {
  const auto status = [&](std::string_view query) {
    return get("/api/v1/usage/summary?" + std::string(query), token).status;
  };
  EXPECT_EQ(status("from=2026-01-01T00:00:00Z&to=2026-01-02T00:00:00Z"), 200);
  EXPECT_EQ(status("from=2026-01-02T00:00:00Z&to=2026-01-02T00:00:00Z"), 422);
  EXPECT_EQ(status("from=2025-01-01T00:00:00Z&to=2026-01-01T00:00:00Z"), 422);
  EXPECT_EQ(status("from=yesterday"), 422);
}

TEST_F(UsageTest, OperatorsSeeTotalsAndTopUsers) {
  EXPECT_EQ(get("/api/v1/admin/usage/totals", token).status, 403);
  EXPECT_EQ(get("/api/v1/admin/usage/top-users", token).status, 403);
  (void)fixture.ask("POST", "/api/v1/generations", R"({"prompt":"A fox"})", token);
  const std::string other = fixture.token_of("bob@example.com");
  for (int i = 0; i < 5; ++i) (void)get("/api/v1/users/me", other);
  wait_for(8, 2);  // with the two refusals
  const auto totals = json::parse(call("totalUsage", "").body);
  std::int64_t count = 0;
  for (const auto& item : totals.at("items").as_array()) count += item.at("count").as_int64();
  EXPECT_EQ(count, 13);
  const auto most = json::parse(call("listTopUsers", "limit=1").body).at("items").as_array();
  ASSERT_EQ(most.size(), 1U);
  EXPECT_EQ(most[0].at("count"), 7);
  const auto spenders = json::parse(call("listTopUsers", "by=credits").body).at("items").as_array();
  ASSERT_EQ(spenders.size(), 2U);
  EXPECT_EQ(spenders[0].at("credits_used"), 1);
}

}  // namespace
}  // namespace gesso::api
