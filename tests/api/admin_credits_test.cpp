// Grants of credits over HTTP.
#include <gtest/gtest.h>

#include "gesso/repositories/user_repository.hpp"
#include "tests/api/service_fixture.hpp"

namespace gesso::api::testing {
namespace {

class AdminCreditsTest : public ::testing::Test {
 protected:
  ServiceFixture fixture_;
  std::string user_token_ = fixture_.token_of("ada@example.com");
  std::string admin_token_;
  std::string user_id_;

  void SetUp() override {
    const std::string boss = id_of(fixture_.token_of("boss@example.com"));
    fixture_.service().database.run([&](mongo::Session& session) {
      repositories::UserRepository(session, fixture_.service().repository_context)
          .set_role(models::UserId(boss), models::UserRole::kAdmin);
    });
    admin_token_ = fixture_.token_of("boss@example.com");
    user_id_ = id_of(user_token_);
  }
  std::string id_of(const std::string& token) {
    return std::string(
        fixture_.ask("GET", "/api/v1/users/me", {}, token).value().at("id").as_string());
  }
  std::int64_t credits() {
    return fixture_.ask("GET", "/api/v1/users/me", {}, user_token_)
        .value()
        .at("credits_remaining")
        .as_int64();
  }
  Reply grant(const std::string& body, const std::string& key = {}, std::string id = {}) {
    if (id.empty()) id = user_id_;
    http::testing::RawClient client(fixture_.service().server.port());
    std::string headers =
        "Content-Type: application/json\r\nAuthorization: Bearer " + admin_token_ + "\r\n";
    if (!key.empty()) headers += "Idempotency-Key: " + key + "\r\n";
    auto raw = client.exchange(
        http::testing::request("POST", "/api/v1/admin/users/" + id + "/credits", headers, body));
    return {.status = raw.status, .body = raw.body, .raw = std::move(raw)};
  }
};

TEST_F(AdminCreditsTest, AGrantIsInTheBalanceAndInTheUsersOwnLog) {
  const Reply made = grant(R"({"amount":100,"reason":"The outage of May 3"})");
  ASSERT_EQ(made.status, 201) << made.body;
  EXPECT_EQ(made.value().at("user_id").as_string(), user_id_);
  EXPECT_EQ(made.value().at("amount"), 100);
  EXPECT_EQ(credits(), 110);
  const auto log =
      fixture_.ask("GET", "/api/v1/usage?limit=100", {}, user_token_).value().at("items");
  std::size_t seen = 0;
  for (const auto& entry : log.as_array()) {
    if (entry.at("action_type") != "credit_grant") continue;
    ++seen;
    EXPECT_EQ(entry.at("id"), made.value().at("id"));
    EXPECT_EQ(entry.at("credits_used"), 0);
    EXPECT_EQ(entry.at("grant").at("credits"), 100);
    EXPECT_EQ(entry.at("grant").at("reason"), "The outage of May 3");
    EXPECT_EQ(entry.at("grant").at("granted_by"), made.value().at("granted_by"));
    EXPECT_FALSE(entry.as_object().contains("grant_token"));
  }
  EXPECT_EQ(seen, 1U);
}

TEST_F(AdminCreditsTest, ARepeatedRequestGrantsOnceAndAnswersTheSame) {
  const std::string body = R"({"amount":7,"reason":"A prize"})";
  const Reply first = grant(body, "\"k-1\"");
  ASSERT_EQ(first.status, 201) << first.body;
  const Reply again = grant(body, "k-1");  // bare is the same key
  EXPECT_EQ(again.status, 201);
  EXPECT_EQ(again.body, first.body);
  EXPECT_EQ(credits(), 17);
  const Reply other = grant(R"({"amount":8,"reason":"A prize"})", "k-1");
  EXPECT_EQ(other.status, 422);
  EXPECT_EQ(other.value().at("code").as_string(), "idempotency_key_reused");
  EXPECT_EQ(grant(body, "\"k").value().at("code").as_string(), "bad_idempotency_key");
  EXPECT_EQ(grant(body, "k-2").status, 201);
  EXPECT_EQ(credits(), 24);
}

TEST_F(AdminCreditsTest, WhatIsOutOfRangeIsRefused) {
  for (const char* body : {R"({"amount":0,"reason":"x"})", R"({"amount":-5,"reason":"x"})",
                           R"({"amount":1000001,"reason":"x"})", R"({"amount":1.5,"reason":"x"})",
                           R"({"amount":5})", R"({"amount":5,"reason":""})", R"({"reason":"x"})"}) {
    EXPECT_EQ(grant(body).status, 422) << body;
  }
  EXPECT_EQ(grant(R"({"amount":5,"reason":")" + std::string(201, 'x') + "\"}").status, 422);
  EXPECT_EQ(credits(), 10);
  EXPECT_EQ(grant(R"({"amount":1000000,"reason":"x"})").status, 201);
}

TEST_F(AdminCreditsTest, OnlyAnAdministratorGrantsAndOnlyToSomebody) {
  const std::string body = R"({"amount":5,"reason":"x"})";
  EXPECT_EQ(fixture_.ask("POST", "/api/v1/admin/users/" + user_id_ + "/credits", body, user_token_)
                .status,
            403);
  EXPECT_EQ(grant(body, {}, "user_nobody").status, 404);
  EXPECT_EQ(grant(body, {}, "nonsense").status, 404);
  EXPECT_EQ(credits(), 10);
}

}  // namespace
}  // namespace gesso::api::testing
