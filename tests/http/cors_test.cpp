#include "gesso/http/cors.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "gesso/base/error.hpp"

namespace gesso::http {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;

Request asked(Method method, std::vector<std::pair<std::string, std::string>> fields) {
  Request request;
  request.method = method;
  for (const auto& [name, value] : fields) request.headers.add(name, value);
  return request;
}

std::string field(const Response& response, std::string_view name) {
  const std::string* value = response.header(name);
  return value == nullptr ? "" : *value;
}

Response applied(const Cors& cors, std::string_view origin) {
  Response response;
  cors.apply(origin, response);
  return response;
}

TEST(Cors, DoesNothingWhereNoOriginIsNamed) {
  const Cors cors;
  EXPECT_THAT(applied(cors, "https://app.example").headers, IsEmpty());
  EXPECT_FALSE(cors.preflight(asked(Method::kOptions, {{"Origin", "https://app.example"},
                                                       {"Access-Control-Request-Method", "PUT"}})));
}

TEST(Cors, LetsTheNamedOriginsReadAndNoOther) {
  const Cors cors(
      {.origins = {"https://app.example", "http://localhost:3000"}, .exposed = {"X-A"}});
  EXPECT_THAT(applied(cors, "https://app.example").headers,
              ElementsAre(Pair("Vary", "Origin"),
                          Pair("Access-Control-Allow-Origin", "https://app.example"),
                          Pair("Access-Control-Expose-Headers", "X-A")));
  EXPECT_EQ(field(applied(cors, "http://localhost:3000"), "Access-Control-Allow-Origin"),
            "http://localhost:3000");
  for (const std::string_view origin :
       {"https://evil.example", "https://app.example.evil.example", "http://app.example",
        "https://app.example:444", "null", ""}) {
    EXPECT_THAT(applied(cors, origin).headers, ElementsAre(Pair("Vary", "Origin"))) << origin;
  }
}

TEST(Cors, KeepsWhatTheResponseVariesByAlready) {
  const Cors cors({.origins = {"https://app.example"}});
  Response response{.headers = {{"Vary", "Accept"}}};
  cors.apply("", response);
  EXPECT_THAT(response.headers, ElementsAre(Pair("Vary", "Accept, Origin")));
}

TEST(Cors, LetsEveryOriginReadWithoutCookies) {
  const Cors cors({.origins = {"*"}});
  const Response response = applied(cors, "https://any.example");
  EXPECT_EQ(field(response, "Access-Control-Allow-Origin"), "*");
  EXPECT_EQ(field(response, "Access-Control-Allow-Credentials"), "");
  EXPECT_EQ(field(response, "Vary"), "");
}

TEST(Cors, AllowsCredentialsToNamedOrigins) {
  const Cors cors({.origins = {"https://app.example"}, .credentials = true});
  EXPECT_EQ(field(applied(cors, "https://app.example"), "Access-Control-Allow-Credentials"),
            "true");
  EXPECT_EQ(field(applied(cors, "https://evil.example"), "Access-Control-Allow-Credentials"), "");
}

TEST(Cors, AnswersAPreflight) {
  const Cors cors({.origins = {"https://app.example"},
                   .methods = {"GET", "PUT"},
                   .headers = {"Authorization", "X-B"},
                   .max_age = std::chrono::minutes{1}});
  const auto response =
      cors.preflight(asked(Method::kOptions, {{"Origin", "https://app.example"},
                                              {"Access-Control-Request-Method", "PUT"},
                                              {"Access-Control-Request-Headers", "x-b"}}));
  ASSERT_TRUE(response);
  EXPECT_EQ(response->status, 204);
  EXPECT_EQ(response->content_type, "");
  EXPECT_EQ(field(*response, "Access-Control-Allow-Origin"), "https://app.example");
  EXPECT_EQ(field(*response, "Access-Control-Allow-Methods"), "GET, PUT");
  EXPECT_EQ(field(*response, "Access-Control-Allow-Headers"), "Authorization, X-B");
  EXPECT_EQ(field(*response, "Access-Control-Max-Age"), "60");

  const auto other =
      cors.preflight(asked(Method::kOptions, {{"Origin", "https://evil.example"},
                                              {"Access-Control-Request-Method", "PUT"}}));
  ASSERT_TRUE(other);
  EXPECT_THAT(other->headers, ElementsAre(Pair("Vary", "Origin")));
}

TEST(Cors, LeavesWhatIsNoPreflightToTheService) {
  const Cors cors({.origins = {"https://app.example"}});
  EXPECT_FALSE(cors.preflight(asked(Method::kOptions, {{"Origin", "https://app.example"}})));
  EXPECT_FALSE(cors.preflight(asked(Method::kOptions, {{"Access-Control-Request-Method", "PUT"}})));
  EXPECT_FALSE(cors.preflight(asked(Method::kGet, {{"Origin", "https://app.example"},
                                                   {"Access-Control-Request-Method", "PUT"}})));
}

TEST(Cors, RefusesOriginsThatNoBrowserSends) {
  for (const char* origin :
       {"https://app.example/", "app.example", "null", "https://*.app.example", "https://",
        "HTTPS://app.example", "https://App.example", "", "https://app.example/x"}) {
    EXPECT_THROW(Cors({.origins = {origin}}), Error) << origin;
  }
  EXPECT_THROW(Cors({.origins = {"*"}, .credentials = true}), Error);
  EXPECT_THROW(Cors({.origins = {"*", "https://app.example"}}), Error);
}

}  // namespace
}  // namespace gesso::http
