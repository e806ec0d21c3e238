#include "gesso/domain/stripe_sender.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "gesso/client/curl_client.hpp"
#include "gesso/testing/fake_clock.hpp"
#include "gesso/testing/https_server.hpp"
#include "gesso/testing/seeded_random.hpp"
#include "tests/client/support.hpp"

namespace gesso::domain {
namespace {

using client::error_of;
using testing::Fault;
using ::testing::HasSubstr;
using testing::HttpsServer;
using ::testing::Not;
using namespace std::chrono_literals;

// A stand-in for Stripe that keeps the result of each key, as Stripe does.
struct Stripe : ::testing::Test {
  std::map<std::string, std::string> results;  // by key
  HttpsServer server{[this](const HttpsServer::Request& request) { return answer(request); }};
  testing::FakeClock clock;
  testing::SeededRandom random{1};
  std::string origin = "http://127.0.0.1:" + std::to_string(server.port());
  std::unique_ptr<client::HttpClient> http = client::make_curl_client({.allowed = {{origin}}});

  HttpsServer::Reply answer(const HttpsServer::Request& request) {
    if (request.header("authorization") != "Bearer sk_test_hunter2") {
      return {.status = 401, .body = R"({"error":{"type":"invalid_request_error"}})"};
    }
    if (request.method != "POST") return {.body = R"({"id":"sub_1"})"};
    const std::string key = request.header("idempotency-key").value_or("");
    auto& result = results[key];
    if (result.empty()) result = R"({"id":"cus_)" + std::to_string(results.size()) + R"("})";
    return {.body = result};
  }
  StripeSender sender(std::string_view key = "sk_test_hunter2", int attempts = 3) {
    StripeSenderOptions options{.secret_key = Secret(key), .origin = origin};
    options.retry.attempts = attempts;
    options.retry.wait_min = options.retry.wait_max = 0ms;
    return StripeSender(std::move(options), *http, clock, random);
  }
  StripeReply create(std::string_view key = "key-1") {
    return sender().send({.method = "POST",
                          .path = "/v1/customers",
                          .form = {{"email", "ada+1@example.com"}, {"metadata[user_id]", "user_1"}},
                          .idempotency_key = std::string(key)},
                         {.deadline = Deadline::after(10s)});
  }
};

TEST_F(Stripe, IsSentAFormWithVersionAndKey) {
  const auto reply = create();
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(reply.body, R"({"id":"cus_1"})");
  const auto seen = server.requests().at(0);
  EXPECT_EQ(seen.method, "POST");
  EXPECT_EQ(seen.target, "/v1/customers");
  EXPECT_EQ(seen.body, "email=ada%2B1%40example.com&metadata%5Buser_id%5D=user_1");
  EXPECT_EQ(seen.header("content-type"), "application/x-www-form-urlencoded");
  EXPECT_EQ(seen.header("stripe-version"), "2026-06-24.dahlia");
  EXPECT_EQ(seen.header("idempotency-key"), "key-1");
}

TEST_F(Stripe, IsAskedWithAQueryWhereThereIsNoBody) {
  (void)sender().send(
      {.method = "GET", .path = "/v1/subscriptions/sub_1", .form = {{"expand[]", "items"}}}, {});
  (void)sender().send({.method = "DELETE", .path = "/v1/subscriptions/sub_1"}, {});
  const auto seen = server.requests();
  EXPECT_EQ(seen.at(0).target, "/v1/subscriptions/sub_1?expand%5B%5D=items");
  EXPECT_EQ(seen.at(0).body, "");
  EXPECT_FALSE(seen.at(0).header("idempotency-key"));
  EXPECT_EQ(seen.at(1).method, "DELETE");
}

TEST_F(Stripe, IsAskedAgainWithTheSameKeyUntilItAnswers) {
  for (const Fault& fault : {Fault::with_status(409), Fault::with_status(429),
                             Fault::with_status(500), Fault::with_status(503), Fault::reset()}) {
    server.forget_requests();
    server.fail_next(2, fault);
    EXPECT_EQ(create().status, 200);
    ASSERT_EQ(server.request_count(), 3U);
    for (const auto& seen : server.requests()) EXPECT_EQ(seen.header("idempotency-key"), "key-1");
  }
  EXPECT_EQ(results.size(), 1U);
}

TEST_F(Stripe, IsNotAskedTwiceForOneThingWhereTheAnswerWasLost) {
  server.fail_next(2, Fault::cut());  // the work was done, the answer did not come through
  EXPECT_EQ(create("").status, 200);
  EXPECT_EQ(server.request_count(), 3U);
  EXPECT_EQ(results.size(), 1U) << "a key of the call's own";
  (void)create("");
  EXPECT_EQ(results.size(), 2U) << "another call, another key";
}

TEST_F(Stripe, GivesUpAndSaysWhatItWasTold) {
  server.fail(Fault::with_status(429));
  EXPECT_EQ(create().status, 429);
  EXPECT_EQ(server.request_count(), 3U);
}

TEST_F(Stripe, IsNotAskedAgainForAMistake) {
  for (const int status : {400, 401, 402, 403, 404}) {
    server.forget_requests();
    server.fail_next(1, Fault::with_status(status));
    EXPECT_EQ(create().status, status);
    EXPECT_EQ(server.request_count(), 1U);
  }
}

TEST_F(Stripe, IsObeyedWhereItAdvises) {
  Fault stop = Fault::with_status(500);
  stop.headers = {{"Stripe-Should-Retry", "false"}};
  server.fail_next(1, stop);
  EXPECT_EQ(create().status, 500);
  EXPECT_EQ(server.request_count(), 1U);
  Fault again = Fault::with_status(400);
  again.headers = {{"Stripe-Should-Retry", "true"}};
  server.fail_next(1, again);
  EXPECT_EQ(create().status, 200);
}

TEST_F(Stripe, KeepsItsKeyToItself) {
  EXPECT_EQ(sender("sk_test_wrong").send({.method = "GET", .path = "/v1/customers"}, {}).status,
            401);
  for (const char* key : {"", "sk_test\r\nX: y", "sk test"}) {
    EXPECT_EQ(error_of([&] { (void)sender(key); }).kind(), ErrorKind::kValidation);
  }
  server.down();
  const Error error = error_of([&] { (void)create(); });
  EXPECT_EQ(error.kind(), ErrorKind::kUnavailable);
  EXPECT_THAT(error.what(), Not(HasSubstr("hunter2")));
  EXPECT_EQ(error_of([&] { (void)create(std::string(256, 'k')); }).kind(), ErrorKind::kInternal);
}

}  // namespace
}  // namespace gesso::domain
