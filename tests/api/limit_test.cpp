// Limits over HTTP: what a response tells of them, and who is refused.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/api/service_fixture.hpp"

namespace gesso::api {
namespace {

using testing::Reply;
using testing::ServiceFixture;
namespace json = boost::json;

class LimitTest : public ::testing::Test {
 protected:
  ServiceFixture fixture;
};

TEST_F(LimitTest, ResponsesSayHowTheQuotasStand) {
  fixture.restart_with_limits("*.* = unlimited; free.read = 3/1h, 100/1d");
  const std::string token = fixture.token_of("ann@example.com");
  const Reply reply = fixture.ask("GET", "/api/v1/users/me", {}, token);
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(reply.raw.header("ratelimit-policy"), R"("burst";q=3;w=3600, "daily";q=100;w=86400)");
  EXPECT_THAT(reply.raw.header("ratelimit"),
              ::testing::MatchesRegex(R"("burst";r=2;t=[0-9]+, "daily";r=99;t=[0-9]+)"));
  const Reply unlimited = fixture.ask("GET", "/healthz");
  EXPECT_EQ(unlimited.raw.header("ratelimit"), "");
}

TEST_F(LimitTest, WhoAsksTooMuchIsToldWhenToComeBack) {
  fixture.restart_with_limits("*.* = unlimited; free.read = 3/1d");
  const std::string token = fixture.token_of("ann@example.com");
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(fixture.ask("GET", "/api/v1/users/me", {}, token).status, 200);
  }
  for (int i = 0; i < 3; ++i) {
    const Reply refused = fixture.ask("GET", "/api/v1/users/me", {}, token);
    EXPECT_EQ(refused.status, 429);
    EXPECT_EQ(refused.raw.header("content-type"), "application/problem+json");
    EXPECT_EQ(refused.value().at("violated-policies"), json::array{"daily"});
    EXPECT_GT(std::stoi(std::string(refused.raw.header("retry-after"))), 0);
    EXPECT_THAT(refused.raw.header("ratelimit"), ::testing::StartsWith(R"("daily";r=0;t=)"));
  }
  // What cannot be read counts as well, of another class not.
  const Reply other = fixture.ask("POST", "/api/v1/generations", R"({"prompt":"A fox"})", token);
  EXPECT_EQ(other.status, 201);
  EXPECT_EQ(fixture.ask("GET", "/api/v1/generations?limit=0", {}, token).status, 429);
}

TEST_F(LimitTest, WhoHasNotLoggedInIsLimitedByAddress) {
  fixture.restart_with_limits("*.* = unlimited; anonymous.login = 2/1d");
  const std::string body = R"({"email":"ann@example.com","password":"correct horse"})";
  EXPECT_EQ(fixture.ask("POST", "/api/v1/auth/register", body).status, 201);
  EXPECT_EQ(fixture.ask("POST", "/api/v1/auth/login", body).status, 200);
  const Reply refused = fixture.ask("POST", "/api/v1/auth/login", body);
  EXPECT_EQ(refused.status, 429);
  EXPECT_EQ(refused.value().at("code"), "rate_limited");
}

TEST_F(LimitTest, ARestartForgetsNothing) {
  fixture.restart_with_limits("*.* = unlimited; anonymous.login = 2/1d");
  const std::string body = R"({"email":"ann@example.com","password":"correct horse"})";
  EXPECT_EQ(fixture.ask("POST", "/api/v1/auth/register", body).status, 201);
  EXPECT_EQ(fixture.ask("POST", "/api/v1/auth/login", body).status, 200);
  fixture.restart();
  EXPECT_EQ(fixture.ask("POST", "/api/v1/auth/login", body).status, 429);
}

}  // namespace
}  // namespace gesso::api
