// OpenAI's images endpoint as its published formats have it, against a scripted client: what
// exactly is sent, and what each reply comes to.
#include "gesso/providers/openai.hpp"

#include "gesso/base/base64.hpp"
#include "tests/providers/fixture.hpp"

namespace gesso::providers {
namespace {

const std::string kPng("\x89PNG\r\n\x1a\n and the rest");

std::string problem(const std::string& code, const std::string& message = "It says why.") {
  return R"({"error": {"message": ")" + message + R"(", "type": "x", "param": null, "code": )" +
         (code.empty() ? "null" : '"' + code + '"') + "}}";
}

class OpenaiTest : public ProviderTest<Openai> {
 protected:
  OpenaiTest() : ProviderTest(OpenaiOptions{.key = Secret(std::string_view("sk-secret"))}) {
    model_.model = "gpt-image-2";
    model_.sizes = {{"1792x1024", "1536x1024"}};
    model_.parameters = {{"quality", "medium"}};
  }
};

TEST_F(OpenaiTest, OneRequestAsksForAllAndGivesThemInBase64) {
  generation_.image_size = models::ImageSize::kLandscape1792;
  generation_.num_images = 2;
  const std::string image = R"({"b64_json": ")" + base64_encode(kPng) + R"("})";
  const auto painted =
      as<Painted>(begin_with(200, R"({"created": 1, "data": [)" + image + "," + image +
                                      R"(], "usage": {"total_tokens": 9}})"));
  ASSERT_THAT(painted.images, SizeIs(2));
  EXPECT_EQ(painted.images[1].bytes, kPng);
  EXPECT_EQ(painted.images[1].type, "image/png");
  EXPECT_EQ(asked().method, "POST");
  EXPECT_EQ(asked().url, "https://api.openai.com/v1/images/generations");
  EXPECT_THAT(asked().headers,
              ElementsAre("Authorization: Bearer sk-secret", "Content-Type: application/json"));
  EXPECT_EQ(asked().body, R"({ "model" : "gpt-image-2", "prompt" : "A \"lake\"", "n" : 2, )"
                          R"("size" : "1536x1024", "quality" : "medium" })");
  EXPECT_GE(asked().timeout, 5min);  // it answers when it has painted
}

TEST_F(OpenaiTest, WhatItDoesNotPaintIsAFinalRefusalWithItsReason) {
  for (const char* code : {"moderation_blocked", "content_policy_violation"}) {
    EXPECT_THAT(
        as<Refused>(begin_with(400, problem(code, "Rejected by the safety system."))).reason,
        AllOf(HasSubstr("does not paint this"), HasSubstr("safety system")));
  }
}

TEST_F(OpenaiTest, AModelThatIsNoMoreIsAFinalRefusal) {
  for (const int status : {400, 403, 404}) {
    EXPECT_THAT(as<Refused>(begin_with(status, problem("model_not_found"))).reason,
                HasSubstr("no longer has this model"));
  }
}

TEST_F(OpenaiTest, ForMoneyNobodyWaits) {
  for (const char* code : {"insufficient_quota", "billing_hard_limit_reached"}) {
    EXPECT_THAT(as<Refused>(begin_with(429, problem(code), {{"retry-after", "1"}})).reason,
                HasSubstr("payment"));
  }
  EXPECT_THAT(as<Refused>(begin_with(402, problem(""))).reason, HasSubstr("payment"));
}

TEST_F(OpenaiTest, TooManyRequestsWaitAsLongAsTheReplySays) {
  EXPECT_EQ(
      as<Busy>(begin_with(429, problem("rate_limit_exceeded"), {{"retry-after", "7"}})).retry_after,
      7s);
  EXPECT_EQ(as<Busy>(begin_with(429, problem("rate_limit_exceeded"))).retry_after, std::nullopt);
}

TEST_F(OpenaiTest, AnInputThatItDoesNotTakeIsToldToTheUser) {
  EXPECT_THAT(
      as<Refused>(begin_with(400, problem("invalid_value", "Invalid size '256x256'."))).reason,
      HasSubstr("Invalid size '256x256'."));
}

TEST_F(OpenaiTest, WhatOurKeyMayNotIsOurFaultAndNotTheUsers) {
  EXPECT_THAT(as<Refused>(begin_with(401, problem("invalid_api_key",
                                                  "Incorrect API key provided: sk-secret.")))
                  .reason,
              AllOf(HasSubstr("credentials"), Not(HasSubstr("sk-secret"))));
}

TEST_F(OpenaiTest, AnAnswerThatMayHavePaintedIsNoRefusal) {
  as<NoAnswer>(begin_with(500, problem("server_error")));
  as<NoAnswer>(begin_with(502, "<html>"));
  as<NoAnswer>(begin_with(200, R"({"data": [{"b64_j)"));
  as<NoAnswer>(begin_with(200, R"({"data": null})"));
  as<NoAnswer>(begin_with(200, "[]"));
  as<Busy>(begin_with(503, problem("", "The server is overloaded.")));
  client_.fail(ErrorKind::kTimeout);
  as<NoAnswer>(provider_.begin(job(), {}));
}

TEST_F(OpenaiTest, NoImageIsARefusal) {
  EXPECT_THAT(as<Refused>(begin_with(200, R"({"data": []})")).reason, HasSubstr("no image"));
  EXPECT_THAT(
      as<Refused>(begin_with(200, R"({"data": [{"b64_json": "*"}, {"url": "https://x/"}, 1]})"))
          .reason,
      HasSubstr("no image"));
}

TEST_F(OpenaiTest, ItKeepsNothingThatCouldBeFoundAgain) {
  EXPECT_FALSE(provider_.remembers());
  as<Unknown>(provider_.find(job(), {}));
  EXPECT_EQ(requests(), 0U);
}

TEST_F(OpenaiTest, AModelIsLookedUpAndNotUsed) {
  client_.reply(200, R"({"id": "gpt-image-2", "object": "model"})");
  EXPECT_EQ(provider_.look_up(model_, {}).state, ModelState::kThere);
  EXPECT_EQ(asked().method, "GET");
  EXPECT_EQ(asked().url, "https://api.openai.com/v1/models/gpt-image-2");
  EXPECT_THAT(asked().headers, ElementsAre("Authorization: Bearer sk-secret"));
  EXPECT_THAT(asked().body, IsEmpty());
  client_.reply(404, problem("model_not_found"));
  EXPECT_EQ(provider_.look_up({.model = "dall-e-3"}, {}).state, ModelState::kGone);
  client_.reply(401, problem("invalid_api_key"));
  const ModelAnswer refused = provider_.look_up(model_, {});
  EXPECT_EQ(refused.state, ModelState::kUnknown);
  EXPECT_THAT(refused.reason, HasSubstr("credentials"));
  client_.reply(500);
  client_.reply(200);  // the second attempt
  EXPECT_EQ(provider_.look_up(model_, {}).state, ModelState::kThere);
}

TEST(OpenaiOptionsTest, AKeyThatCannotBeSentIsRefused) {
  client::ScriptedClient client;
  const testing::FakeClock clock;
  EXPECT_THROW(Openai({.key = Secret(std::string_view(""))}, client, clock), Error);
  EXPECT_THROW(Openai({.key = Secret(std::string_view("sk\r\nx"))}, client, clock), Error);
}

}  // namespace
}  // namespace gesso::providers
