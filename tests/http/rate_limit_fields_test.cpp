#include "gesso/http/rate_limit_fields.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json.hpp>

namespace gesso::http {
namespace {

TEST(RateLimitFields, AreListsOfThePolicies) {
  const RateLimitItem items[] = {
      {.name = "burst", .quota = 100, .window = 60, .remaining = 50, .reset = 30},
      {.name = "daily", .quota = 1000, .window = 86400, .remaining = 700, .reset = 40000}};
  EXPECT_EQ(rate_limit_policy(items), R"("burst";q=100;w=60, "daily";q=1000;w=86400)");
  EXPECT_EQ(rate_limit(items), R"("burst";r=50;t=30, "daily";r=700;t=40000)");
}

TEST(RateLimitFields, AreEmptyWithoutAPolicy) {
  EXPECT_EQ(rate_limit_policy({}), "");
  EXPECT_EQ(rate_limit({}), "");
}

TEST(RateLimitFields, ANameIsAStringOfAStructuredField) {
  const RateLimitItem item{.name = R"(a"b\c)", .quota = 1, .window = 1};
  EXPECT_EQ(rate_limit_policy({&item, 1}), R"("a\"b\\c";q=1;w=1)");
}

TEST(RateLimitFields, ARefusalNamesThePoliciesThatAreUsedUp) {
  const RateLimitItem items[] = {{.name = "burst", .quota = 9, .window = 60, .remaining = 3},
                                 {.name = "daily", .quota = 9, .window = 86400, .remaining = 0}};
  const Response response = quota_exceeded(items, std::chrono::seconds(77));
  EXPECT_EQ(response.status, 429);
  EXPECT_EQ(response.content_type, "application/problem+json");
  EXPECT_THAT(response.headers, ::testing::ElementsAre(std::pair("Retry-After", "77")));
  const auto body = boost::json::parse(response.body);
  EXPECT_EQ(body.at("type"), "https://iana.org/assignments/http-problem-types#quota-exceeded");
  EXPECT_EQ(body.at("status"), 429);
  EXPECT_EQ(body.at("code"), "rate_limited");
  EXPECT_EQ(body.at("violated-policies"), boost::json::array{"daily"});
}

}  // namespace
}  // namespace gesso::http
