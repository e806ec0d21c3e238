#include "gesso/azure/challenge.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace gesso::azure {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;
using ::testing::SizeIs;

std::optional<BearerChallenge> bearer(std::string_view header) {
  return bearer_challenge({.status = 401, .headers = {{"www-authenticate", std::string(header)}}});
}

constexpr std::string_view kAuthority = "https://login.microsoftonline.com/t";
constexpr std::string_view kResource = "https://vault.azure.net";

TEST(Challenge, ReadsAllWaysInWhichItIsWritten) {
  for (
      const std::string_view header : {
          R"(Bearer authorization="https://login.microsoftonline.com/t", resource="https://vault.azure.net")",
          R"(Bearer authorization="https://login.microsoftonline.com/t",resource="https://vault.azure.net")",
          R"(bearer  AUTHORIZATION = "https://login.microsoftonline.com/t" ,	Resource="https://vault.azure.net" )",
          R"(Bearer authorization=https://login.microsoftonline.com/t, resource=https://vault.azure.net)",
          R"(Bearer authorization="https://login.microsoftonline.com/t" resource="https://vault.azure.net")",
          R"(Bearer authorization="https://login.microsoftonline.com/t", scope="https://vault.azure.net/.default")",
          R"(Bearer authorization_uri="https://login.microsoftonline.com/t", resource="https://vault.azure.net", scope="other/.default")",
          R"(Bearer ,, resource="https://vault\.azure.net", authorization="https://login.microsoftonline.com/t",)",
          R"(Basic realm="a, Bearer resource=evil", Bearer authorization="https://login.microsoftonline.com/t", resource="https://vault.azure.net")",
          R"(Negotiate, PoP authorization="https://evil/t", resource="evil", BEARER resource="https://vault.azure.net", authorization="https://login.microsoftonline.com/t", resource="second")",
          R"(Bearer authorization="https://login.microsoftonline.com/t", resource="https://vault.azure.net)",
      }) {
    const auto challenge = bearer(header);
    ASSERT_TRUE(challenge) << header;
    EXPECT_EQ(challenge->authority, kAuthority) << header;
    EXPECT_EQ(challenge->resource, kResource) << header;
  }
}

TEST(Challenge, FindsTheBearerAmongSeveralHeaders) {
  const auto challenge = bearer_challenge(
      {.status = 401,
       .headers = {{"content-type", "Bearer resource=no"},
                   {"www-authenticate", "Basic realm=\"x\""},
                   {"www-authenticate", "Bearer error=\"invalid_token\", resource=a"}}});
  ASSERT_TRUE(challenge);
  EXPECT_EQ(challenge->resource, "a");
  EXPECT_EQ(challenge->error, "invalid_token");
}

TEST(Challenge, GivesNothingWhereThereIsNone) {
  for (const std::string_view header :
       {"", " ", ",", "Basic", "Basic realm=\"Bearer\"", "resource=\"https://vault.azure.net\"",
        "\"Bearer\"", "=", "Bearer=\"x\"", "\x01\x02\xff"}) {
    EXPECT_FALSE(bearer(header)) << header;
  }
  EXPECT_FALSE(bearer_challenge({.status = 401}));
}

TEST(Challenge, AWordWithoutAValueBeginsAnotherChallenge) {
  const auto challenge = bearer("Bearer resource=a, x, authorization=b");
  ASSERT_TRUE(challenge);
  EXPECT_EQ(challenge->resource, "a");
  EXPECT_EQ(challenge->authority, "");
}

TEST(Challenge, KeepsSchemesAndParametersInTheirOrder) {
  const auto all = parse_challenges(R"(A x=1, y="2\"3", B, C z="")");
  ASSERT_THAT(all, SizeIs(3));
  EXPECT_EQ(all[0].scheme, "a");
  EXPECT_THAT(all[0].parameters, ElementsAre(Pair("x", "1"), Pair("y", "2\"3")));
  EXPECT_EQ(all[1].scheme, "b");
  EXPECT_THAT(all[1].parameters, IsEmpty());
  EXPECT_THAT(all[2].parameters, ElementsAre(Pair("z", "")));
}

}  // namespace
}  // namespace gesso::azure
