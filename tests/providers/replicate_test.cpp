// Replicate as its published formats and its users' reports have it, against a scripted client:
// what exactly is sent, and what each reply comes to.
#include "gesso/providers/replicate.hpp"

#include <optional>

#include "tests/providers/fixture.hpp"

namespace gesso::providers {
namespace {

const std::string kVersion(64, 'a');

// A prediction in that state, with members of its own behind a comma.
std::string prediction(const std::string& id, const std::string& status,
                       const std::string& more = R"("output": null)") {
  return R"({"id": ")" + id + R"(", "status": ")" + status + R"(", )" + more + "}";
}

class ReplicateTest : public ProviderTest<Replicate> {
 protected:
  ReplicateTest()
      : ProviderTest(ReplicateOptions{.token = Secret(std::string_view("r8_secret")),
                                      .webhook = "https://api.example.com/webhooks/replicate"}) {
    model_.model = "stability-ai/sdxl:" + kVersion;
  }

  Answer poll_with(int status, const std::string& body) {
    client_.reply(status, body);
    return provider_.poll("p1", {});
  }
};

// --- Begin ------------------------------------------------------------------------------------

TEST_F(ReplicateTest, AVersionIsAskedForWithTheGenerationInTheWebhooksAddress) {
  generation_.negative_prompt = "blur";
  generation_.seed = 5;
  generation_.num_images = 2;
  EXPECT_EQ(as<Working>(begin_with(201, prediction("p1", "starting"))).id, "p1");
  EXPECT_EQ(asked().method, "POST");
  EXPECT_EQ(asked().url, "https://api.replicate.com/v1/predictions");
  EXPECT_THAT(asked().headers, ElementsAre("Authorization: Bearer r8_secret",
                                           "Content-Type: application/json", "Cancel-After: 600s"));
  EXPECT_EQ(asked().body,
            R"({ "version" : ")" + kVersion +
                R"(", "input" : { "prompt" : "A \"lake\"", "negative_prompt" : "blur", )"
                R"("width" : 1024, "height" : 1024, "num_outputs" : 2, "guidance_scale" : 7.5, )"
                R"("num_inference_steps" : 50, "seed" : 5 }, )"
                R"("webhook" : "https://api.example.com/webhooks/replicate?gen=gen_7", )"
                R"("webhook_events_filter" : [ "start", "completed" ] })");
}

TEST_F(ReplicateTest, AnOfficialModelHasAPathOfItsOwn) {
  model_.model = "black-forest-labs/flux-schnell";
  EXPECT_EQ(as<Working>(begin_with(202, prediction("p1", "starting"))).id, "p1");
  EXPECT_EQ(asked().url,
            "https://api.replicate.com/v1/models/black-forest-labs/flux-schnell/predictions");
  EXPECT_THAT(asked().body, Not(HasSubstr("version")));
}

TEST_F(ReplicateTest, AVersionAloneIsOneToo) {
  model_.model = kVersion;
  as<Working>(begin_with(201, prediction("p1", "starting")));
  EXPECT_EQ(asked().url, "https://api.replicate.com/v1/predictions");
  EXPECT_THAT(asked().body, HasSubstr(R"("version" : ")" + kVersion));
}

TEST_F(ReplicateTest, TheSettingsFieldsWinAndAreOfTheirOwnKind) {
  model_.parameters = {
      {"num_outputs", "1"}, {"go_fast", "true"}, {"strength", "0.5"}, {"scheduler", "DDIM"}};
  model_.sizes = {{"1024x1024", "768x512"}};
  as<Working>(begin_with(201, prediction("p1", "starting")));
  EXPECT_THAT(asked().body, HasSubstr(R"("width" : 768, "height" : 512)"));
  for (const char* field : {R"("num_outputs" : 1)", R"("go_fast" : true)", R"("strength" : 0.5)",
                            R"("scheduler" : "DDIM")"}) {
    EXPECT_THAT(asked().body, HasSubstr(field));
  }
}

TEST_F(ReplicateTest, WithoutAWebhookTheAddressIsNobodysAndNamesTheGeneration) {
  Replicate provider({.token = Secret(std::string_view("r8_secret"))}, client_, clock_);
  client_.reply(201, prediction("p1", "starting"));
  as<Working>(provider.begin(job(), {}));
  EXPECT_THAT(asked().body,
              HasSubstr(R"("webhook" : "https://webhook.invalid/replicate?gen=gen_7")"));
}

TEST_F(ReplicateTest, AnAccountWithoutMoneyIsAFinalRefusal) {
  EXPECT_THAT(
      as<Refused>(begin_with(402, R"({"title": "Insufficient credit", "detail": "Buy"})")).reason,
      HasSubstr("payment"));
}

TEST_F(ReplicateTest, AnInputThatTheModelDoesNotTakeIsToldToTheUser) {
  EXPECT_THAT(
      as<Refused>(begin_with(422, R"({"detail": "- input.width: Must be at most 1024\n"})")).reason,
      HasSubstr("input.width: Must be at most 1024"));
}

TEST_F(ReplicateTest, TooManyRequestsWaitAsLongAsTheReplySays) {
  const auto wait = [&](const std::string& detail, client::ScriptedClient::Headers headers = {}) {
    return as<Busy>(begin_with(429, R"({"detail": ")" + detail + R"("})", std::move(headers)))
        .retry_after;
  };
  EXPECT_EQ(wait("Request was throttled. Your rate limit resets in ~30s."), 30s);
  EXPECT_EQ(wait("Request was throttled. Your rate limit for creating predictions is reduced to 6 "
                 "requests per minute with a burst of 1 requests while you have less than $5.0 in "
                 "credit. Your rate limit resets in ~9s."),
            9s);
  EXPECT_EQ(wait("Request was throttled. Expected available in 1 second."), std::nullopt);
  EXPECT_EQ(wait("Your rate limit resets in ~9s.", {{"retry-after", "4"}}), 4s);
  EXPECT_EQ(wait("Your rate limit resets in ~99999s."), std::nullopt);
  EXPECT_EQ(wait("", {{"retry-after", "86400"}}), 60s);  // another attempt may help sooner
}

TEST_F(ReplicateTest, WhatOurTokenMayNotIsOurFaultAndNotTheUsers) {
  for (const int status : {401, 403}) {
    EXPECT_THAT(as<Refused>(begin_with(status, R"({"detail": "r8_secret is wrong"})")).reason,
                AllOf(HasSubstr("credentials"), Not(HasSubstr("r8_secret"))));
  }
}

TEST_F(ReplicateTest, AModelThatIsNoMoreIsAFinalRefusal) {
  EXPECT_THAT(
      as<Refused>(begin_with(404, R"({"detail": "The requested resource could not be found."})"))
          .reason,
      HasSubstr("no longer has this model"));
}

TEST_F(ReplicateTest, AnAnswerThatMayHaveMadeOneIsNoRefusal) {
  EXPECT_TRUE(std::holds_alternative<NoAnswer>(begin_with(500, R"({"detail": "Internal"})")));
  EXPECT_TRUE(std::holds_alternative<NoAnswer>(begin_with(502, "<html>Bad gateway</html>")));
  EXPECT_TRUE(std::holds_alternative<NoAnswer>(begin_with(201, "{cut sho")));
  EXPECT_TRUE(std::holds_alternative<NoAnswer>(begin_with(201, R"({"status": "starting"})")));
  EXPECT_TRUE(
      std::holds_alternative<Busy>(begin_with(503, R"({"detail": "Service unavailable"})")));
  client_.fail(ErrorKind::kTimeout);
  EXPECT_TRUE(std::holds_alternative<NoAnswer>(provider_.begin(job(), {})));
}

// --- Find: by listing, before creating anew ------------------------------------------------------

std::string listed(const std::string& id, const std::string& generation,
                   const std::string& created_at) {
  return R"({"id": ")" + id + R"(", "status": "processing", "created_at": ")" + created_at +
         R"(", "webhook": "https://api.example.com/webhooks/replicate?gen=)" + generation + R"("})";
}

std::string page(const std::string& results, const std::string& next = "null") {
  return R"({"previous": null, "next": )" + next + R"(, "results": [)" + results + "]}";
}

class ReplicateFindTest : public ReplicateTest {
 protected:
  const std::string later_ = to_iso8601(generation_.created_at + 1min);
  const std::string long_ago_ = to_iso8601(generation_.created_at - 1h);
};

TEST_F(ReplicateFindTest, ALostAnswerIsFoundByTheGenerationInTheWebhook) {
  client_.reply(200,
                page(listed("other", "gen_70", later_) + "," + listed("mine", "gen_7", later_)));
  EXPECT_EQ(as<Working>(provider_.find(job(), {})).id, "mine");
  EXPECT_EQ(asked().method, "GET");
  EXPECT_EQ(asked().url, "https://api.replicate.com/v1/predictions");
  EXPECT_THAT(asked().headers, ElementsAre("Authorization: Bearer r8_secret"));
  EXPECT_THAT(asked().body, IsEmpty());
  EXPECT_EQ(requests(), 1U);  // nothing was made
}

TEST_F(ReplicateFindTest, ItIsLookedForOnTheNextPages) {
  client_.reply(200, page(listed("a", "gen_1", later_),
                          R"("https://api.replicate.com/v1/predictions?cursor=c1")"));
  client_.reply(200, page(listed("b", "gen_7", later_)));
  EXPECT_EQ(as<Working>(provider_.find(job(), {})).id, "b");
  EXPECT_EQ(asked().url, "https://api.replicate.com/v1/predictions?cursor=c1");
}

TEST_F(ReplicateFindTest, WhatIsOlderThanTheGenerationEndsTheSearch) {
  client_.reply(200, page(listed("a", "gen_1", long_ago_),
                          R"("https://api.replicate.com/v1/predictions?cursor=c1")"));
  as<Unknown>(provider_.find(job(), {}));
  EXPECT_EQ(requests(), 1U);
}

TEST_F(ReplicateFindTest, OurTokenGoesToNoAddressThatAReplyNames) {
  client_.reply(200, page(listed("a", "gen_1", later_),
                          R"("https://evil.example/v1/predictions?cursor=c1")"));
  as<Unknown>(provider_.find(job(), {}));
  EXPECT_EQ(requests(), 1U);
}

TEST_F(ReplicateFindTest, SomePagesAreEnough) {
  for (int i = 0; i < 5; ++i) {
    client_.reply(200, page(listed("a", "gen_1", later_),
                            R"("https://api.replicate.com/v1/predictions?cursor=c")"));
  }
  as<Unknown>(provider_.find(job(), {}));
  EXPECT_EQ(requests(), 5U);
}

TEST_F(ReplicateFindTest, AListThatCannotBeReadSaysNothing) {
  client_.reply(500, "{}");
  as<Busy>(provider_.find(job(), {}));
  client_.reply(200, "<html>");
  EXPECT_FALSE(std::holds_alternative<Working>(provider_.find(job(), {})));
  client_.fail(ErrorKind::kUnavailable);
  as<NoAnswer>(provider_.find(job(), {}));
}

// --- Poll and cancel -----------------------------------------------------------------------------

TEST_F(ReplicateTest, WhatSucceededIsDelivered) {
  const auto delivered = as<Delivered>(poll_with(
      200,
      prediction(
          "p1", "succeeded",
          R"("output": ["https://replicate.delivery/a.png", "https://replicate.delivery/b.png"])")));
  EXPECT_THAT(delivered.urls,
              ElementsAre("https://replicate.delivery/a.png", "https://replicate.delivery/b.png"));
  EXPECT_EQ(asked().method, "GET");
  EXPECT_EQ(asked().url, "https://api.replicate.com/v1/predictions/p1");
  EXPECT_THAT(asked().headers, ElementsAre("Authorization: Bearer r8_secret"));
}

TEST_F(ReplicateTest, WhatSucceededWithoutAnImageIsARefusal) {
  EXPECT_THAT(as<Refused>(poll_with(200, prediction("p1", "succeeded"))).reason,
              HasSubstr("no image"));
}

TEST_F(ReplicateTest, IndecencyIsFinalAndSaidAsTheProviderSaysIt) {
  EXPECT_THAT(
      as<Refused>(
          poll_with(
              200,
              prediction(
                  "p1", "failed",
                  R"("error": "NSFW content detected. Try running it again, or try a different prompt.")")))
          .reason,
      HasSubstr("NSFW content detected"));
}

TEST_F(ReplicateTest, StatesAreReadAndUnknownOnesWait) {
  EXPECT_EQ(as<Working>(poll_with(200, prediction("p1", "starting"))).id, "p1");
  EXPECT_EQ(as<Working>(poll_with(200, prediction("p1", "processing"))).id, "p1");
  EXPECT_EQ(as<Working>(poll_with(200, prediction("p1", "queued_somewhere_new"))).id, "p1");
  EXPECT_FALSE(as<Stopped>(poll_with(200, prediction("p1", "aborted"))).had_begun);
  EXPECT_FALSE(
      as<Stopped>(poll_with(200, prediction("p1", "canceled", R"("started_at": null)"))).had_begun);
  EXPECT_TRUE(as<Stopped>(poll_with(200, prediction("p1", "canceled",
                                                    R"("started_at": "2026-11-01T00:00:00Z")")))
                  .had_begun);
}

TEST_F(ReplicateTest, APredictionThatIsThereIsGivenUpForNoFaultOfTheRoad) {
  as<Unknown>(poll_with(404, "{}"));
  for (const int status : {401, 402, 403, 422, 429, 500, 502, 503}) {
    EXPECT_TRUE(std::holds_alternative<Busy>(poll_with(status, "{}"))) << status;
  }
  as<NoAnswer>(poll_with(200, "[]"));
  client_.fail(ErrorKind::kTimeout);
  as<NoAnswer>(provider_.poll("p1", {}));
}

TEST_F(ReplicateTest, ToCancelAsksForItAndAnswersAsAPollDoes) {
  client_.reply(200, prediction("p1", "canceled", R"("started_at": "2026-11-01T00:00:00Z")"));
  EXPECT_TRUE(as<Stopped>(provider_.cancel("p1", {})).had_begun);
  EXPECT_EQ(asked().method, "POST");
  EXPECT_EQ(asked().url, "https://api.replicate.com/v1/predictions/p1/cancel");
  client_.reply(200,
                prediction("p1", "succeeded", R"("output": ["https://replicate.delivery/a.png"])"));
  EXPECT_THAT(as<Delivered>(provider_.cancel("p1", {})).urls, SizeIs(1));  // it was faster
}

// --- Models that are no more
// -----------------------------------------------------------------------

TEST_F(ReplicateTest, AModelIsLookedUpAndNotUsed) {
  const auto state = [&](const std::string& model, int status) {
    client_.reply(status, R"({"detail": "x"})");
    return provider_.look_up({.model = model}, {}).state;
  };
  EXPECT_EQ(state("stability-ai/sdxl:" + kVersion, 200), ModelState::kThere);
  EXPECT_EQ(asked().method, "GET");
  EXPECT_EQ(asked().url,
            "https://api.replicate.com/v1/models/stability-ai/sdxl/versions/" + kVersion);
  EXPECT_THAT(asked().headers, ElementsAre("Authorization: Bearer r8_secret"));
  EXPECT_EQ(state("black-forest-labs/flux-schnell", 404), ModelState::kGone);
  EXPECT_EQ(asked().url, "https://api.replicate.com/v1/models/black-forest-labs/flux-schnell");
  EXPECT_EQ(state("a/b", 401), ModelState::kUnknown);
}

TEST_F(ReplicateTest, WhetherAModelIsThereMayNotBeKnown) {
  client_.reply(502);
  client_.fail(ErrorKind::kTimeout);
  const ModelAnswer failed = provider_.look_up({.model = "a/b"}, {});
  EXPECT_EQ(failed.state, ModelState::kUnknown);
  EXPECT_THAT(failed.reason, HasSubstr("cannot be asked"));
  const ModelAnswer version = provider_.look_up({.model = kVersion}, {});
  EXPECT_EQ(version.state, ModelState::kUnknown);
  EXPECT_THAT(version.reason, HasSubstr("owner/name:version"));
  EXPECT_EQ(requests(), 2U);
}

TEST(ReplicateOptionsTest, ATokenThatCannotBeSentIsRefused) {
  client::ScriptedClient client;
  const testing::FakeClock clock;
  for (const std::string_view token : {"", "r8 x", "r8_\n"}) {
    EXPECT_THROW(Replicate({.token = Secret(token)}, client, clock), Error) << token;
  }
}

}  // namespace
}  // namespace gesso::providers
