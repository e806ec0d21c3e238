// What every response has, whatever the operation.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "gesso/api/operations.hpp"
#include "tests/api/service_fixture.hpp"

namespace gesso::api {
namespace {

class ChainTest : public ::testing::Test {
 protected:
  testing::ServiceFixture fixture;
};

TEST_F(ChainTest, EveryResponseHasSecurityFields) {
  for (const char* path : {"/healthz", "/api/v1/users/me", "/nowhere"}) {
    const testing::Reply reply = fixture.ask("GET", path);
    EXPECT_EQ(reply.raw.header("x-content-type-options"), "nosniff") << path;
    EXPECT_EQ(reply.raw.header("cache-control"), "no-store") << path;
    EXPECT_EQ(reply.raw.header("referrer-policy"), "no-referrer") << path;
    EXPECT_FALSE(reply.raw.header("x-request-id").empty()) << path;
  }
}

TEST_F(ChainTest, AProblemSaysItsCodeAndTheRequestsId) {
  const testing::Reply reply = fixture.ask("GET", "/api/v1/users/me");
  EXPECT_EQ(reply.status, 401);
  EXPECT_EQ(reply.raw.header("content-type"), "application/problem+json");
  EXPECT_EQ(reply.value().at("code").as_string(), "unauthorized");
  EXPECT_EQ(reply.value().at("request_id").as_string(), reply.raw.header("x-request-id"));
}

TEST_F(ChainTest, CountsRequestsByOperationAndStatus) {
  fixture.ask("GET", "/healthz");
  fixture.ask("GET", "/api/v1/users/me");
  fixture.ask("GET", "/nowhere");
  const std::string metrics = fixture.ask("GET", "/metrics").body;
  for (const char* line :
       {R"(operation="getLiveness",status="2xx")", R"(operation="getMe",status="4xx")",
        R"(operation="none",status="4xx")"}) {
    EXPECT_THAT(metrics, ::testing::HasSubstr(line));
  }
}

}  // namespace
}  // namespace gesso::api
