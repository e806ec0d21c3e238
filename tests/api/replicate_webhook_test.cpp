// Events of Replicate's over HTTP.
#include <gtest/gtest.h>

#include "gesso/domain/replicate_signature.hpp"
#include "tests/api/service_fixture.hpp"

namespace gesso::api::testing {
namespace {

using namespace std::chrono_literals;

class ReplicateWebhookTest : public ::testing::Test {
 protected:
  ServiceFixture fixture_;
  std::vector<Secret> secrets_;
  std::string token_ = fixture_.token_of("ada@example.com");
  std::string id_;

  void SetUp() override {
    secrets_.emplace_back(std::string_view("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"));
    secrets_.emplace_back(std::string_view("whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"));
    fixture_.service().services.replicate_webhook_secrets = secrets_;
    id_ =
        fixture_.ask("POST", "/api/v1/generations", R"({"prompt":"A fox","num_images":3})", token_)
            .value()
            .at("id")
            .as_string();
  }
  Reply send(const std::string& body, const std::string& headers, std::string query) {
    http::testing::RawClient client(fixture_.service().server.port());
    auto raw = client.exchange(
        http::testing::request("POST", "/webhooks/replicate" + query, headers, body));
    return {.status = raw.status, .body = raw.body, .raw = std::move(raw)};
  }
  Reply send_signed(const std::string& body, std::size_t secret = 0,
                    std::chrono::seconds late = 0s) {
    const std::string timestamp =
        std::to_string(domain::unix_seconds(fixture_.service().clock.now() - late));
    return send(body,
                "Content-Type: application/json\r\nwebhook-id: msg_1\r\nwebhook-timestamp: " +
                    timestamp + "\r\nwebhook-signature: " +
                    domain::sign_as_replicate("msg_1", timestamp, body,
                                              std::span(secrets_).subspan(secret, 1)) +
                    "\r\n",
                "?gen=" + id_);
  }
  [[nodiscard]] std::string prediction(std::string_view status, std::string_view more = {}) const {
    return R"({"id":"pred_1","status":")" + std::string(status) +
           R"(","webhook":"https://paint.example/webhooks/replicate?gen=)" + id_ + "\"" +
           std::string(more) + "}";
  }
  json::value generation() {
    return fixture_.ask("GET", "/api/v1/generations/" + id_, {}, token_).value();
  }
  std::int64_t credits() {
    return fixture_.ask("GET", "/api/v1/users/me", {}, token_)
        .value()
        .at("credits_remaining")
        .as_int64();
  }
};

TEST_F(ReplicateWebhookTest, EventsBeginAndCompleteAGeneration) {
  const Reply begun = send_signed(prediction("processing"));
  ASSERT_EQ(begun.status, 200) << begun.body;
  EXPECT_EQ(begun.value().at("id").as_string(), "pred_1");
  EXPECT_EQ(begun.value().at("outcome").as_string(), "applied");
  EXPECT_EQ(generation().at("status").as_string(), "processing");
  EXPECT_EQ(generation().at("replicate_prediction_id").as_string(), "pred_1");
  const std::string done =
      prediction("succeeded", R"(,"output":["https://replicate.delivery/1.png"])");
  EXPECT_EQ(send_signed(done).status, 200);
  EXPECT_EQ(generation().at("status").as_string(), "completed");
  EXPECT_EQ(generation().at("result_urls").as_array().at(0).as_string(),
            "https://replicate.delivery/1.png");
  // What comes late or again is taken, and changes nothing.
  EXPECT_EQ(send_signed(done).value().at("outcome").as_string(), "repeated");
  EXPECT_EQ(send_signed(prediction("failed")).value().at("outcome").as_string(), "repeated");
  EXPECT_EQ(send_signed(prediction("pondering")).value().at("outcome").as_string(), "ignored");
  EXPECT_EQ(generation().at("status").as_string(), "completed");
  EXPECT_EQ(credits(), 7);
}

TEST_F(ReplicateWebhookTest, AFailureIsPaidBack) {
  EXPECT_EQ(send_signed(prediction("failed", R"(,"error":"NSFW content detected")")).status, 200);
  EXPECT_EQ(generation().at("status").as_string(), "failed");
  EXPECT_EQ(generation().at("error_message").as_string(), "NSFW content detected");
  EXPECT_EQ(credits(), 10);
}

TEST_F(ReplicateWebhookTest, OnlyReplicateTellsEvents) {
  const std::string body = prediction("failed");
  const auto code = [](const Reply& reply) {
    EXPECT_EQ(reply.status, 400) << reply.body;
    return std::string(reply.value().at("code").as_string());
  };
  EXPECT_EQ(code(send(body, "Content-Type: application/json\r\n", "?gen=" + id_)),
            "invalid_signature");
  EXPECT_EQ(code(send_signed(body, 0, 10min)), "invalid_signature");
  EXPECT_EQ(code(send_signed(body, 0, -10min)), "invalid_signature");
  EXPECT_EQ(generation().at("status").as_string(), "pending");
  EXPECT_EQ(code(send_signed("{}")), "malformed_event");
  // The secret that is being replaced is good still.
  EXPECT_EQ(send_signed(body, 1).status, 200);
  fixture_.service().services.replicate_webhook_secrets = {};
  EXPECT_EQ(code(send_signed(body)), "invalid_signature");
}

TEST_F(ReplicateWebhookTest, WhatIsNoLongerRelevantIsTaken) {
  id_ = "gen_01ARZ3NDEKTSV4RRFFQ69G5FAV";
  const Reply reply = send_signed(prediction("succeeded"));
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(reply.value().at("outcome").as_string(), "ignored");
}

}  // namespace
}  // namespace gesso::api::testing
