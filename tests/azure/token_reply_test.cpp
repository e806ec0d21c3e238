#include "gesso/azure/token_reply.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <time.h>

#include "tests/azure/support.hpp"

namespace gesso::azure {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using ::testing::Not;

const Time kNow = testing::FakeClock().now();  // 1769860800

AccessToken read(const std::string& members) {
  return read_token_reply(R"({"access_token":"abc.DEF-1","token_type":"Bearer",)" + members + "}",
                          kNow);
}

TEST(TokenReply, ReadsEveryFormOfItsEnd) {
  const std::pair<std::string, std::chrono::seconds> cases[] = {
      {R"("expires_in":3599)", 3599s},    // Entra ID
      {R"("expires_in":"3599")", 3599s},  // the instance metadata service
      {R"("expires_in":3599.0)", 3599s},
      {R"("expires_in":"3599.0")", 3599s},
      {R"("expires_in":"3599.5.1","expires_on":"1769864400.75")", 1h},
      {R"("expires_on":"1769864400")", 1h},  // App Service: no expires_in
      {R"("expires_on":1769864400)", 1h},
      {R"("expires_on":"01/31/2026 13:00:00 +00:00")", 1h},  // App Service before 2019
      {R"("expires_on":"1/31/2026 1:00:00 PM +00:00")", 1h},
      {R"("expires_on":"2026-01-31T14:00:00+01:00")", 1h},
      // A token that was kept for a while: expires_in counts from its issue.
      {R"("expires_in":"86400","expires_on":"1769864400")", 1h},
      {R"("expires_on":"soon","expires_in":60)", 60s},
  };
  for (const auto& [members, life] : cases) {
    const AccessToken token = read(members);
    EXPECT_EQ(token.expires_on, kNow + life) << members;
    EXPECT_EQ(token.refresh_on, kNow + std::chrono::milliseconds(life) / 2) << members;
    EXPECT_EQ(token.value.reveal(), "abc.DEF-1");
  }
}

TEST(TokenReply, PassesOverAByteOrderMark) {
  EXPECT_EQ(
      read_token_reply("\xEF\xBB\xBF{\"access_token\":\"abc\",\"expires_in\":60}", kNow).expires_on,
      kNow + 60s);
  EXPECT_THROW((void)read_token_reply("\xEF\xBB{\"access_token\":\"abc\",\"expires_in\":60}", kNow),
               Error);
}

TEST(TokenReply, RefreshesWhenTheReplySays) {
  EXPECT_EQ(read(R"("expires_in":7200,"refresh_in":1800)").refresh_on, kNow + 1800s);
  EXPECT_EQ(read(R"("expires_in":7200,"refresh_in":"1800")").refresh_on, kNow + 1800s);
  EXPECT_EQ(read(R"("expires_in":7200,"refresh_in":7200)").refresh_on, kNow + 1h) << "too late";
  EXPECT_EQ(read(R"("expires_in":7200,"refresh_in":null)").refresh_on, kNow + 1h);
}

TEST(TokenReply, SaysWhatItExpectedAndFoundWithoutTheToken) {
  const std::pair<std::string, std::string> cases[] = {
      {"", "expected a JSON object, found nothing"},
      {"<html>", "expected a JSON object, found 6 other bytes"},
      {R"("a-secret-token")", "expected a JSON object"},
      {"[]", "expected a JSON object"},
      {R"({"access_token":"a-secret-token","expires_in":1)", "expected a JSON object"},
      {"{}", "expected access_token to be a string without blanks, found nothing"},
      {R"({"access_token":5,"expires_in":1})", "found a number"},
      {R"({"access_token":"","expires_in":1})", "found a string of 0 characters"},
      {R"({"access_token":"a-secret-token\r\nX: y","expires_in":1})", "of 20 characters"},
      {R"({"access_token":"a-secret-token"})", "expected expires_on or expires_in in seconds"},
      {R"({"access_token":"a-secret-token","expires_in":-1})", "found a number out of range"},
      {R"({"access_token":"a-secret-token","expires_in":1e300})", "found a number out of range"},
      {R"({"access_token":"a-secret-token","expires_in":99999999999999999999})", "out of range"},
      {R"({"access_token":"a-secret-token","expires_in":"12h"})", "found a string of 3"},
      {R"({"access_token":"a-secret-token","expires_on":"99/99/2026 1:00:00 PM +00:00"})",
       "found a string of 28"},
      {R"({"access_token":"a-secret-token","expires_on":[]})", "found an array"},
  };
  for (const auto& [body, message] : cases) {
    const Error error = error_of([&] { (void)read_token_reply(body, kNow); });
    EXPECT_EQ(error.kind(), ErrorKind::kInternal) << body;
    EXPECT_THAT(error.what(), HasSubstr(message)) << body;
    EXPECT_THAT(error.what(), Not(HasSubstr("a-secret-token")));
  }
}

TEST(TokenReply, PointsAtTheClockWhenATokenHasExpiredAlready) {
  const Error error = error_of([] { (void)read(R"("expires_on":"1769860799")"); });
  EXPECT_EQ(error.kind(), ErrorKind::kUnavailable);
  EXPECT_THAT(error.what(), HasSubstr("2026-01-31T11:59:59.000Z"));
  EXPECT_THAT(error.what(), HasSubstr("clock of this machine"));
  EXPECT_THROW((void)read(R"("expires_in":0)"), Error);
}

TEST(AzOutput, PrefersSecondsToLocalTime) {
  const AccessToken token = read_az_output(
      R"({"accessToken":"abc","expiresOn":"2001-01-01 00:00:00.000000","expires_on":1769864400,
          "subscription":"s","tenant":"t","tokenType":"Bearer"})",
      kNow);
  EXPECT_EQ(token.expires_on, kNow + 1h);
  EXPECT_EQ(token.value.reveal(), "abc");
}

TEST(AzOutput, ReadsTheLocalTimeOfOldVersions) {
  // Whatever zone this machine is in: the text is made as the Azure CLI makes it.
  const std::time_t moment = 1769864400;
  std::tm parts{};
  ::localtime_r(&moment, &parts);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S.123456", &parts);
  const AccessToken token =
      read_az_output(R"({"accessToken":"abc","expiresOn":")" + std::string(text) + R"("})", kNow);
  EXPECT_EQ(token.expires_on, kNow + 1h);
}

TEST(AzOutput, RefusesOtherTexts) {
  for (const char* text : {"", "WARNING: hello", "{}", R"({"accessToken":"abc"})",
                           R"({"accessToken":"abc","expiresOn":"tomorrow"})",
                           R"({"accessToken":"abc","expiresOn":"2026-02-31 00:00:00.000000"})",
                           R"({"accessToken":7})"}) {
    EXPECT_EQ(error_of([&] { (void)read_az_output(text, kNow); }).kind(), ErrorKind::kInternal)
        << text;
  }
}

TEST(Refusal, ReadsEachEndpointsWords) {
  EXPECT_EQ(read_refusal(R"({"error":"invalid_client","error_description":)"
                         R"("AADSTS7000215: Invalid client secret provided.\r\nTrace ID: x"})"),
            "invalid_client: AADSTS7000215: Invalid client secret provided.");
  EXPECT_EQ(
      read_refusal(R"({"statusCode":400,"message":"No identity was found","correlationId":""})"),
      "No identity was found");
  EXPECT_EQ(read_refusal(R"({"error":{"code":"NotFound","message":"gone"}})"), "NotFound: gone");
  EXPECT_EQ(read_refusal("<html>"), "");
  EXPECT_EQ(read_refusal(R"({"error":7})"), "");
}

TEST(Refusal, CutsOutSecretsAndWhateverLooksLikeOne) {
  const std::string_view secrets[] = {"my~secret", ""};
  EXPECT_EQ(read_refusal(R"({"error":"'my~secret' and my~secret"})", secrets),
            "'[cut out]' and [cut out]");
  const std::string token(200, 'x');
  EXPECT_EQ(read_refusal(R"({"error":"Bearer )" + token + R"("})"), "Bearer [cut out]");
  EXPECT_EQ(read_refusal(R"({"error":"a\u0007b\u001b[31m"})"), "a b [31m");
  std::string words;
  for (int i = 0; i < 200; ++i) words += "word ";
  EXPECT_LE(read_refusal(R"({"error":")" + words + R"("})").size(), 403U);
  EXPECT_EQ(first_line("\n  ERROR: no\nmore"), "ERROR: no");
}

TEST(Refusal, HasAKindForEachStatus) {
  const std::pair<int, ErrorKind> cases[] = {
      {301, ErrorKind::kAuth},      {400, ErrorKind::kAuth},        {401, ErrorKind::kAuth},
      {403, ErrorKind::kAuth},      {404, ErrorKind::kUnavailable}, {410, ErrorKind::kUnavailable},
      {429, ErrorKind::kThrottled}, {500, ErrorKind::kUnavailable}, {503, ErrorKind::kUnavailable},
      {204, ErrorKind::kInternal},
  };
  for (const auto& [status, kind] : cases) {
    const Error error = refusal("https://here", {.status = status});
    EXPECT_EQ(error.kind(), kind) << status;
    EXPECT_THAT(error.what(), HasSubstr("https://here: " + std::to_string(status)));
    const bool may_pass = kind == ErrorKind::kUnavailable || kind == ErrorKind::kThrottled;
    EXPECT_EQ(error.retryable(), may_pass);
  }
  EXPECT_THAT(refusal("x", {.status = 302}).what(), HasSubstr("not followed"));
}

}  // namespace
}  // namespace gesso::azure
