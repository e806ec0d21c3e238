// Sessions whose refresh token a cookie keeps, as a browser opens, renews and ends them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/api/service_fixture.hpp"

namespace gesso::api {
namespace {

using ::testing::HasSubstr;
using ::testing::MatchesRegex;
using ::testing::Not;
using testing::Reply;

constexpr std::string_view kOpen = "/api/v1/auth/session";
constexpr std::string_view kEnd = "/api/v1/auth/session/end";
constexpr std::string_view kAnn = R"({"email":"ann@example.com","password":"correct horse"})";

class BrowserSessionTest : public ::testing::Test {
 protected:
  testing::ServiceFixture fixture;

  BrowserSessionTest() { fixture.ask("POST", "/api/v1/auth/register", kAnn); }

  std::string refresh_token() {
    const Reply login = fixture.ask("POST", "/api/v1/auth/login", kAnn);
    return std::string(login.value().at("refresh_token").as_string());
  }
  Reply post(std::string_view path, const std::string& headers, std::string_view body = "{}") {
    http::testing::RawClient client(fixture.service().server.port());
    auto raw = client.exchange(
        http::testing::request("POST", path, "Content-Type: application/json\r\n" + headers, body));
    return {.status = raw.status, .body = raw.body, .raw = std::move(raw)};
  }
  Reply begin() {
    return post(kOpen, "Sec-Fetch-Site: same-origin\r\n",
                R"({"refresh_token":")" + refresh_token() + R"("})");
  }
  // What a browser sends back of what was set.
  static std::string cookie_of(const Reply& reply) {
    const std::string set(reply.raw.header("set-cookie"));
    return "Cookie: other=1; " + set.substr(0, set.find(';')) + "\r\n";
  }
  int status_with(const Reply& opened) {
    return fixture
        .ask("GET", "/api/v1/users/me", {}, opened.value().at("access_token").as_string().c_str())
        .status;
  }
};

TEST_F(BrowserSessionTest, TheRefreshTokenIsInACookieThatNoScriptSees) {
  const Reply opened = begin();
  ASSERT_EQ(opened.status, 200) << opened.body;
  EXPECT_EQ(status_with(opened), 200);
  EXPECT_THAT(opened.body, Not(HasSubstr("gr_")));
  EXPECT_THAT(std::string(opened.raw.header("set-cookie")),
              MatchesRegex("__Host-gesso-session=gr_[^;]+; Max-Age=2[0-9]+; Path=/; Secure; "
                           "HttpOnly; SameSite=Strict"));
}

TEST_F(BrowserSessionTest, TheCookieYieldsTheNextAndIsGoodOnce) {
  const std::string first = cookie_of(begin());
  const Reply again = post(kOpen, first);
  ASSERT_EQ(again.status, 200) << again.body;
  EXPECT_EQ(status_with(again), 200);
  const std::string second = cookie_of(again);
  EXPECT_NE(second, first);
  EXPECT_EQ(post(kOpen, second).status, 200);
  // The one before the last was used: showing it again later ends the session, as for refresh.
  EXPECT_EQ(post(kOpen, first).status, 401);
}

TEST_F(BrowserSessionTest, WithoutACookieThereIsNoSession) {
  const Reply none = post(kOpen, "");
  EXPECT_EQ(none.status, 401);
  EXPECT_EQ(none.value().at("code"), "invalid_refresh_token");
  EXPECT_EQ(post(kOpen, "Cookie: __Host-gesso-session=made-up\r\n").status, 401);
}

TEST_F(BrowserSessionTest, APageOfAnotherOriginGetsAndEndsNothing) {
  const std::string cookie = cookie_of(begin());
  for (const std::string site : {"cross-site", "same-site", "none"}) {
    const std::string headers = cookie + "Sec-Fetch-Site: " + site + "\r\n";
    const Reply refused = post(kOpen, headers);
    EXPECT_EQ(refused.status, 403) << site;
    EXPECT_EQ(refused.value().at("code"), "other_origin");
    EXPECT_EQ(refused.raw.header("set-cookie"), "");
    EXPECT_EQ(post(kEnd, headers, "").status, 403) << site;
  }
  EXPECT_EQ(post(kOpen, cookie).status, 200);
}

TEST_F(BrowserSessionTest, EndsAtOnceAndTheCookieGoes) {
  const Reply opened = begin();
  const Reply ended = post(kEnd, cookie_of(opened), "");
  EXPECT_EQ(ended.status, 204) << ended.body;
  EXPECT_THAT(std::string(ended.raw.header("set-cookie")),
              HasSubstr("__Host-gesso-session=; Max-Age=0;"));
  EXPECT_EQ(status_with(opened), 401);
  EXPECT_EQ(post(kOpen, cookie_of(opened)).status, 401);
  EXPECT_EQ(post(kEnd, "", "").status, 204);  // there is nothing to end
}

}  // namespace
}  // namespace gesso::api
