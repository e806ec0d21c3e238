#include "gesso/http/problem.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace gesso::http {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Key;
using ::testing::Not;
using ::testing::Pair;

TEST(Problem, HasTheMembersOfRfc9457) {
  const Response response =
      problem(402, "Not enough credits: 1 needed, 0 left", "credits", "req_1");
  EXPECT_EQ(response.status, 402);
  EXPECT_EQ(response.content_type, "application/problem+json");
  EXPECT_EQ(response.body,
            R"({"type":"urn:gesso:problem:credits","title":"Payment Required","status":402,)"
            R"("detail":"Not enough credits: 1 needed, 0 left","code":"credits",)"
            R"("request_id":"req_1"})");
}

TEST(Problem, HasTheCodeOfItsStatusWhereItHasNoneOfItsOwn) {
  EXPECT_EQ(problem(405, "No").body,
            R"({"type":"about:blank","title":"Method Not Allowed","status":405,"detail":"No",)"
            R"("code":"method_not_allowed"})");
}

TEST(Problem, HasATypeATitleAndMembersOfItsOwn) {
  const Response response =
      to_response({.status = 429,
                   .code = "quota_exceeded",
                   .title = "Quota exceeded",
                   .detail = "\"daily\" is used up",
                   .type = "https://iana.org/assignments/http-problem-types#quota-exceeded",
                   .retry_after = std::chrono::seconds{0},
                   .members = {{"violated-policies", R"(["daily"])"}}});
  EXPECT_EQ(response.body,
            R"({"type":"https://iana.org/assignments/http-problem-types#quota-exceeded",)"
            R"("title":"Quota exceeded","status":429,"detail":"\"daily\" is used up",)"
            R"("code":"quota_exceeded","violated-policies":["daily"]})");
  EXPECT_THAT(response.headers, ElementsAre(Pair("Retry-After", "1")));
}

TEST(Problem, HasFastApisBodyForInputThatDoesNotFit) {
  const Error error = validation_error({{.path = {"settings", "tags", std::size_t{2}},
                                         .type = "string_too_long",
                                         .message = "String should have at most 5 characters",
                                         .expected = "string of 0 to 5 characters",
                                         .found = "string of 6 characters"},
                                        {.path = {std::size_t{17}},
                                         .type = "json_invalid",
                                         .message = "JSON decode error",
                                         .expected = "JSON",
                                         .found = "\"}"}});
  const Response response = problem_of(error);
  EXPECT_EQ(response.status, 422);
  EXPECT_EQ(response.content_type, "application/json");
  EXPECT_EQ(response.body,
            R"({"detail":[{"type":"string_too_long","loc":["body","settings","tags",2],)"
            R"("msg":"String should have at most 5 characters"},)"
            R"({"type":"json_invalid","loc":["body",17],"msg":"JSON decode error"}]})");
  EXPECT_THAT(problem_of(error, Location::kQuery).body, HasSubstr(R"("loc":["query",17])"));
}

TEST(Problem, LeavesTheLocationToPathsThatNameIt) {
  const std::vector<Violation> violations{
      {.path = {"query", "limit"}, .type = "int_type", .message = "a", .expected = {}, .found = {}},
      {.path = {"body", "tags", std::size_t{2}},
       .type = "missing",
       .message = "b",
       .expected = {},
       .found = {}}};
  EXPECT_EQ(unprocessable(violations, Location::kInPath).body,
            R"({"detail":[{"type":"int_type","loc":["query","limit"],"msg":"a"},)"
            R"({"type":"missing","loc":["body","tags",2],"msg":"b"}]})");
  EXPECT_THAT(problem_of(Error(ErrorKind::kValidation, "x"), Location::kInPath).body,
              HasSubstr(R"("loc":["body"])"));
}

TEST(Problem, AsksForABearerTokenWhereThereIsNone) {
  const Response response = unauthorized("The token has expired");
  EXPECT_EQ(response.status, 401);
  EXPECT_THAT(response.headers, Contains(Pair("WWW-Authenticate", "Bearer")));
}

TEST(Problem, GivesEachKindOfErrorItsStatus) {
  const auto status = [](ErrorKind kind) { return problem_of(Error(kind, "x")).status; };
  EXPECT_EQ(status(ErrorKind::kValidation), 422);
  EXPECT_EQ(status(ErrorKind::kDuplicate), 409);
  EXPECT_EQ(status(ErrorKind::kConflict), 409);
  EXPECT_EQ(status(ErrorKind::kThrottled), 503);
  EXPECT_EQ(status(ErrorKind::kUnavailable), 503);
  EXPECT_EQ(status(ErrorKind::kOverloaded), 503);
  EXPECT_EQ(status(ErrorKind::kAuth), 503);
  EXPECT_EQ(status(ErrorKind::kTimeout), 504);
  EXPECT_EQ(status(ErrorKind::kInternal), 500);
}

TEST(Problem, SaysWhenToComeBackInWholeSeconds) {
  const Error error(ErrorKind::kThrottled, "x", {.retry_after = std::chrono::milliseconds{2100}});
  EXPECT_THAT(problem_of(error).headers, Contains(Pair("Retry-After", "3")));
  for (const ErrorKind kind :
       {ErrorKind::kThrottled, ErrorKind::kUnavailable, ErrorKind::kOverloaded, ErrorKind::kAuth}) {
    EXPECT_THAT(problem_of(Error(kind, "x")).headers, Contains(Pair("Retry-After", "1")))
        << to_string(kind);
  }
  EXPECT_THAT(problem_of(Error(ErrorKind::kTimeout, "x")).headers,
              Not(Contains(Key("Retry-After"))));
}

TEST(Problem, NamesTheRequestThatTheLogHas) {
  EXPECT_THAT(problem_of(Error(ErrorKind::kTimeout, "x"), Location::kBody, "req_7").body,
              HasSubstr(R"("code":"timeout","request_id":"req_7"})"));
}

TEST(Problem, TellsNothingOfTheInside) {
  for (const ErrorKind kind : {ErrorKind::kValidation, ErrorKind::kDuplicate, ErrorKind::kConflict,
                               ErrorKind::kThrottled, ErrorKind::kUnavailable, ErrorKind::kTimeout,
                               ErrorKind::kOverloaded, ErrorKind::kAuth, ErrorKind::kInternal}) {
    const Error error(kind, "db-7.internal:10255 refused", {.ns = "secrets.users"});
    EXPECT_THAT(problem_of(error).body, Not(HasSubstr("db-7")));
    EXPECT_THAT(problem_of(error).body, Not(HasSubstr("secrets")));
  }
}

TEST(Problem, IsLoggedWhereTheServiceFailsOrTheResponseLeavesOutWhatHappened) {
  for (const ErrorKind kind :
       {ErrorKind::kThrottled, ErrorKind::kUnavailable, ErrorKind::kTimeout, ErrorKind::kOverloaded,
        ErrorKind::kAuth, ErrorKind::kInternal, ErrorKind::kValidation}) {
    EXPECT_TRUE(is_our_fault(Error(kind, "x"))) << to_string(kind);
  }
  EXPECT_TRUE(is_our_fault(Error(ErrorKind::kConflict, "x", {.server_code = 112})));
  EXPECT_FALSE(is_our_fault(Error(ErrorKind::kConflict, "x")));
  EXPECT_FALSE(is_our_fault(Error(ErrorKind::kDuplicate, "x")));
  EXPECT_FALSE(is_our_fault(validation_error(
      {{.path = {"a"}, .type = "missing", .message = "x", .expected = "y", .found = "z"}})));
}

TEST(Problem, NamesTheFieldWhoseValueIsTaken) {
  EXPECT_THAT(problem_of(Error(ErrorKind::kDuplicate, "E11000", {.field = "email"})).body,
              HasSubstr("\"detail\":\"This email is taken\""));
}

}  // namespace
}  // namespace gesso::http
