#include "gesso/http/security_headers.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace gesso::http {
namespace {

using ::testing::Contains;
using ::testing::Key;
using ::testing::Not;
using ::testing::Pair;
using ::testing::UnorderedElementsAre;

TEST(SecurityHeaders, AreOnEveryResponse) {
  Response response;
  add_security_headers(response, false);
  EXPECT_THAT(response.headers,
              UnorderedElementsAre(
                  Pair("X-Content-Type-Options", "nosniff"), Pair("Referrer-Policy", "no-referrer"),
                  Pair("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'"),
                  Pair("Cache-Control", "no-store")));
}

TEST(SecurityHeaders, LeaveAResponseItsOwn) {
  Response response{
      .headers = {{"content-security-policy", "default-src 'self'"}, {"Cache-Control", "public"}}};
  add_security_headers(response, false);
  EXPECT_THAT(response.headers, Contains(Pair("content-security-policy", "default-src 'self'")));
  EXPECT_THAT(response.headers, Contains(Pair("Cache-Control", "public")));
  EXPECT_THAT(response.headers, Not(Contains(Key("Content-Security-Policy"))));
  EXPECT_EQ(response.headers.size(), 4u);
}

TEST(SecurityHeaders, AskForHttpsOfThoseWhoCameByIt) {
  Response response;
  add_security_headers(response, true);
  EXPECT_THAT(response.headers,
              Contains(Pair("Strict-Transport-Security", "max-age=31536000; includeSubDomains")));
  Response without;
  add_security_headers(without, true, "");
  EXPECT_THAT(without.headers, Not(Contains(Key("Strict-Transport-Security"))));
}

}  // namespace
}  // namespace gesso::http
