#include "gesso/client/retry.hpp"

#include <gtest/gtest.h>

#include <thread>

#include "gesso/base/error.hpp"
#include "gesso/testing/fake_clock.hpp"
#include "gesso/testing/seeded_random.hpp"
#include "tests/client/scripted_client.hpp"

namespace gesso::client {
namespace {

using namespace std::chrono_literals;
using std::chrono::milliseconds;
using Kind = RetryFsm::Action::Kind;

constexpr double kMiddle = 0.4;  // the jitter that leaves a wait of ours as it is

HttpResponse with(std::string name, std::string value) {
  return {.status = 429, .headers = {{std::move(name), std::move(value)}}};
}

TEST(RetryAfter, ReadsSecondsMillisecondsAndDates) {
  const testing::FakeClock clock;  // 2026-01-31T12:00:00Z
  const Time now = clock.now();
  const auto read = [&](std::string name, std::string value) {
    return retry_after(with(std::move(name), std::move(value)), now);
  };
  EXPECT_EQ(read("retry-after", "120"), 120s);
  EXPECT_EQ(read("retry-after", "0"), 0s);
  EXPECT_EQ(read("retry-after-ms", "34"), 34ms);
  EXPECT_EQ(read("x-ms-retry-after-ms", "1500"), 1500ms);
  EXPECT_EQ(read("retry-after", "Sat, 31 Jan 2026 12:01:30 GMT"), 90s);
  EXPECT_EQ(read("retry-after", "Sat, 31 Jan 2026 11:00:00 GMT"), 0s) << "it has passed";
  EXPECT_EQ(read("retry-after", "99999999999999999999999"), 24h);
  EXPECT_EQ(read("retry-after", "9223372036854775807"), 24h);
  EXPECT_EQ(read("retry-after", "Fri, 31 Dec 9999 23:59:59 GMT"), 24h);
  for (const char* text : {"", "-1", "1.5", "soon", "Sat, 31 Foo 2026 12:01:30 GMT",
                           "Sat, 31 anF 2026 12:01:30 GMT", "Sat, 32 Jan 2026 12:01:30 GMT"}) {
    EXPECT_EQ(read("retry-after", text), std::nullopt) << text;
  }
  EXPECT_EQ(retry_after({}, now), std::nullopt);
}

TEST(RetryAfter, PrefersTheFinerHeader) {
  const HttpResponse response{.headers = {{"retry-after", "2"}, {"retry-after-ms", "1700"}}};
  EXPECT_EQ(retry_after(response, Time{}), 1700ms);
  const HttpResponse broken{.headers = {{"retry-after", "2"}, {"retry-after-ms", "x"}}};
  EXPECT_EQ(retry_after(broken, Time{}), 2s);
}

TEST(RetryFsm, TakesASuccessAndARefusalAsTheyAre) {
  for (const int status : {200, 204, 301, 400, 401, 403, 404, 410}) {
    RetryFsm machine({});
    EXPECT_EQ(machine.after(status, 1s, 0).kind, Kind::kDone) << status;
  }
}

TEST(RetryFsm, WaitsTwiceAsLongEachTimeAndGivesUp) {
  RetryFsm machine({.attempts = 5, .wait_min = 2s, .wait_max = 60s});
  // 0, 2, 6, 14, 30 seconds after the first: the guidance of the instance metadata service.
  std::vector<milliseconds> waits;
  for (const RetryFsm::Outcome outcome :
       {RetryFsm::Outcome{503}, RetryFsm::Outcome{RetryFsm::NoReply{}}, RetryFsm::Outcome{429},
        RetryFsm::Outcome{500}}) {
    const auto action = machine.after(outcome, std::nullopt, kMiddle);
    ASSERT_EQ(action.kind, Kind::kWait);
    waits.push_back(action.wait);
  }
  EXPECT_EQ(waits, (std::vector<milliseconds>{2s, 4s, 8s, 16s}));
  EXPECT_EQ(machine.after(503, std::nullopt, kMiddle).kind, Kind::kDone);
}

TEST(RetryFsm, JitterSpreadsWaits) {
  const auto wait = [](double jitter, std::optional<milliseconds> asked) {
    return RetryFsm({}).after(503, asked, jitter).wait;
  };
  EXPECT_EQ(wait(0, std::nullopt), 800ms);
  EXPECT_EQ(wait(0.999, std::nullopt), 1299ms);
  EXPECT_EQ(wait(0, 3s), 3s) << "never before it was asked to";
  EXPECT_EQ(wait(0.5, 2s), 2300ms);
}

TEST(RetryFsm, ClampsWhatItIsAsked) {
  const auto wait = [](milliseconds asked) { return RetryFsm({}).after(429, asked, 0).wait; };
  EXPECT_EQ(wait(0s), 1s);
  EXPECT_EQ(wait(30s), 30s);
  EXPECT_EQ(wait(24h), 60s);
}

TEST(RetryFsm, TriesMissingAndForbiddenWhereTheyMayPass) {
  EXPECT_EQ(RetryFsm({.not_found = true}).after(404, std::nullopt, 0).kind, Kind::kWait);
  EXPECT_EQ(RetryFsm({.forbidden = true}).after(403, std::nullopt, 0).kind, Kind::kWait);
}

TEST(RetryFsm, TriesAConflictWhereItMayPass) {
  EXPECT_EQ(RetryFsm({}).after(409, std::nullopt, kMiddle).kind, Kind::kDone);
  EXPECT_EQ(RetryFsm({.conflict = true}).after(409, std::nullopt, kMiddle).kind, Kind::kWait);
}

TEST(RetryFsm, DoesAsTheServiceAdvises) {
  EXPECT_EQ(RetryFsm({}).after(RetryFsm::Advised::kAgain, std::nullopt, kMiddle).kind, Kind::kWait);
  EXPECT_EQ(RetryFsm({}).after(RetryFsm::Advised::kStop, std::nullopt, kMiddle).kind, Kind::kDone);
  EXPECT_EQ(RetryFsm({.attempts = 1}).after(RetryFsm::Advised::kAgain, std::nullopt, kMiddle).kind,
            Kind::kDone)
      << "but not for ever";
  const auto of = [](std::string value) {
    return outcome_of({.status = 500, .headers = {{"should-retry", std::move(value)}}},
                      "should-retry");
  };
  EXPECT_EQ(std::get<RetryFsm::Advised>(of("true")), RetryFsm::Advised::kAgain);
  EXPECT_EQ(std::get<RetryFsm::Advised>(of("false")), RetryFsm::Advised::kStop);
  EXPECT_EQ(std::get<int>(of("perhaps")), 500);
  EXPECT_EQ(std::get<int>(outcome_of({.status = 500}, "should-retry")), 500);
  EXPECT_EQ(std::get<int>(outcome_of({.status = 500, .headers = {{"", "true"}}}, "")), 500);
}

TEST(RetryFsm, StaysWithAServiceThatIsGoneForSeventySeconds) {
  RetryFsm machine({.attempts = 2, .wait_min = 2s, .wait_max = 20s, .gone_for = 70s});
  milliseconds total{0};
  int attempts = 1;
  while (true) {
    const auto action = machine.after(410, std::nullopt, kMiddle);
    if (action.kind == Kind::kDone) break;
    total += action.wait;
    ASSERT_LT(++attempts, 20);
  }
  EXPECT_EQ(total, 70s);
  EXPECT_GT(attempts, 5);
}

TEST(SendWithRetry, SendsAgainUntilThereIsAGoodReply) {
  ScriptedClient client;
  client.fail(ErrorKind::kUnavailable);
  client.reply(503, "", {{"retry-after-ms", "1"}});
  client.reply(200, "good");
  const testing::FakeClock clock;
  testing::SeededRandom random(1);
  const auto response = send_with_retry(client, {.url = "http://localhost/"},
                                        {.wait_min = 1ms, .wait_max = 2ms}, clock, random, {});
  EXPECT_EQ(response.body.reveal(), "good");
  EXPECT_EQ(client.requests().size(), 3U);
}

TEST(SendWithRetry, GivesTheLastReplyWhereTheWaitWouldOutlastTheDeadline) {
  ScriptedClient client;
  client.reply(429, "later", {{"retry-after", "50"}});
  const testing::FakeClock clock;
  testing::SeededRandom random(1);
  const auto response = send_with_retry(client, {.url = "http://localhost/"}, {}, clock, random,
                                        {.deadline = Deadline::after(10s)});
  EXPECT_EQ(response.status, 429);
  EXPECT_EQ(client.requests().size(), 1U);
}

TEST(SendWithRetry, DoesNotTryAgainWhatNoAttemptCures) {
  ScriptedClient client;
  client.fail(ErrorKind::kUnavailable, /*retryable=*/false);
  const testing::FakeClock clock;
  testing::SeededRandom random(1);
  EXPECT_THROW((void)send_with_retry(client, {.url = "http://localhost/"}, {}, clock, random, {}),
               Error);
  EXPECT_EQ(client.requests().size(), 1U);
}

TEST(SendWithRetry, AWaitEndsAtOnceWithTheCall) {
  ScriptedClient client;
  client.reply(503);
  const testing::FakeClock clock;
  testing::SeededRandom random(1);
  std::stop_source stop;
  std::optional<Error> error;
  std::thread caller([&] {
    try {
      (void)send_with_retry(client, {.url = "http://localhost/"}, {.wait_min = 1h, .wait_max = 1h},
                            clock, random, {.stop = stop.get_token()});
    } catch (const Error& caught) {
      error = caught;
    }
  });
  client.wait_for_requests(1);
  stop.request_stop();
  caller.join();  // in an hour, if the stop were not seen
  ASSERT_TRUE(error);
  EXPECT_EQ(error->kind(), ErrorKind::kUnavailable);
  EXPECT_STREQ(error->what(), "stopped while asking http://localhost");
}

TEST(Wait, EndsWithTheDeadline) {
  try {
    wait(1h, {.deadline = Deadline::after(1ms)}, "testing");
    FAIL() << "it returned";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kTimeout);
  }
}

}  // namespace
}  // namespace gesso::client
