#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "gesso/repositories/user_repository.hpp"
#include "tests/api/service_fixture.hpp"

namespace gesso::api {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using ::testing::Not;
using testing::Reply;
using testing::ServiceFixture;
namespace json = boost::json;

constexpr const char* kRegister = "/api/v1/auth/register";
constexpr const char* kLogin = "/api/v1/auth/login";
constexpr const char* kMe = "/api/v1/users/me";
constexpr const char* kGenerations = "/api/v1/generations";

// "body.prompt missing, query.limit int_parsing": the 422's violations.
std::string violations(const Reply& reply) {
  if (reply.status != 422) return "status " + std::to_string(reply.status) + ": " + reply.body;
  std::string text;
  const json::value body = reply.value();
  for (const json::value& entry : body.at("detail").as_array()) {
    if (!text.empty()) text += ", ";
    std::string path;
    for (const json::value& step : entry.at("loc").as_array()) {
      if (!path.empty()) path += '.';
      path += step.is_string() ? std::string(step.as_string()) : json::serialize(step);
    }
    text += path + " " + std::string(entry.at("type").as_string());
    EXPECT_FALSE(entry.at("msg").as_string().empty());
  }
  return text;
}

class ServiceTest : public ::testing::Test {
 protected:
  ServiceFixture fixture;

  Reply ask(std::string_view method, std::string_view path, std::string_view body = {},
            std::string_view token = {}) {
    return fixture.ask(method, path, body, token);
  }
  std::string create(const std::string& token, const std::string& body = R"({"prompt":"A fox"})") {
    const Reply reply = ask("POST", kGenerations, body, token);
    EXPECT_EQ(reply.status, 201) << reply.body;
    return reply.status == 201 ? std::string(reply.value().at("id").as_string()) : "";
  }
};

TEST_F(ServiceTest, RegistersAUserAndShowsNoHash) {
  const Reply made = ask("POST", kRegister,
                         R"({"email":"Ann@Example.com","password":"correct horse",)"
                         R"("full_name":"Ann"})");
  EXPECT_EQ(made.status, 201);
  EXPECT_EQ(made.value().at("email"), "ann@example.com");
  EXPECT_EQ(made.value().at("full_name"), "Ann");
  EXPECT_EQ(made.value().at("credits_remaining"), 10);
  EXPECT_THAT(std::string(made.value().at("id").as_string()), ::testing::StartsWith("user_"));
  EXPECT_THAT(made.body, Not(HasSubstr("password")));
  EXPECT_THAT(made.body, Not(HasSubstr("bcrypt")));
}

TEST_F(ServiceTest, RefusesATakenEmailInAnyCaseOfLetters) {
  ASSERT_EQ(
      ask("POST", kRegister, R"({"email":"ann@example.com","password":"correct horse"})").status,
      201);
  const Reply again =
      ask("POST", kRegister, R"({"email":"ANN@example.COM","password":"another horse"})");
  EXPECT_EQ(again.status, 409);
  EXPECT_EQ(again.raw.header("content-type"), "application/problem+json");
  EXPECT_THAT(again.body, HasSubstr("email"));
}

TEST_F(ServiceTest, NamesEveryFieldOfARegistrationThatDoesNotFit) {
  const std::pair<const char*, const char*> cases[] = {
      {R"({"email":"ann","password":"short","full_name":5})",
       "body.email value_error, body.password string_too_short, body.full_name string_type"},
      {R"({"password":"correct horse"})", "body.email missing"},
      {R"({"email":"ann@example.com"})", "body.password missing"},
      {R"({"email":"ann@example.com","password":"correct horse","auth_provider":"google"})",
       "body.auth_provider extra_forbidden"},
      {R"({"email":)", "body.9 json_invalid"},
      {R"([1])", "body model_attributes_type"},
  };
  for (const auto& [body, expected] : cases) {
    EXPECT_EQ(violations(ask("POST", kRegister, body)), expected) << body;
  }
  EXPECT_EQ(violations(ask("POST", kRegister)), "body missing");
  EXPECT_EQ(violations(fixture.ask("POST", kRegister, "email=ann", "",
                                   "application/x-www-form-urlencoded")),
            "body model_attributes_type");
}

TEST_F(ServiceTest, LogsInWithTheRightPasswordOnly) {
  ASSERT_EQ(
      ask("POST", kRegister, R"({"email":"ann@example.com","password":"correct horse"})").status,
      201);
  const Reply good =
      ask("POST", kLogin, R"({"email":"ANN@example.com","password":"correct horse"})");
  EXPECT_EQ(good.status, 200);
  EXPECT_EQ(good.value().at("token_type"), "bearer");
  EXPECT_EQ(good.value().at("expires_in"), 3600);
  EXPECT_EQ(good.raw.header("cache-control"), "no-store");

  const Reply wrong =
      ask("POST", kLogin, R"({"email":"ann@example.com","password":"wrong horse"})");
  const Reply unknown =
      ask("POST", kLogin, R"({"email":"bob@example.com","password":"correct horse"})");
  EXPECT_EQ(wrong.status, 401);
  EXPECT_EQ(unknown.status, 401);
  EXPECT_EQ(wrong.said(), unknown.said());  // which of the two it was is nobody's business
  EXPECT_EQ(wrong.raw.header("www-authenticate"), "Bearer");
  EXPECT_EQ(ask("POST", kLogin, R"({"email":"ann@example.com","password":""})").status, 401);
  EXPECT_EQ(violations(ask("POST", kLogin, R"({"email":"ann@"})")),
            "body.email value_error, body.password missing");
}

TEST_F(ServiceTest, AsksForAGoodToken) {
  const std::string token = fixture.token_of("ann@example.com");
  EXPECT_EQ(ask("GET", kMe, {}, token).status, 200);
  EXPECT_EQ(ask("GET", kMe).status, 401);
  EXPECT_EQ(ask("GET", kMe, {}, token + "x").status, 401);
  for (const char* subject : {"no_user", "user_nobody"}) {
    const std::string strange = fixture.service().tokens.issue(
        domain::TokenUse::kAccess, {.subject = subject, .session_id = "ses_1", .token_id = "1"});
    EXPECT_EQ(ask("GET", kMe, {}, strange).status, 401) << subject;
  }
  for (const char* path :
       {kGenerations, "/api/v1/generations/stats", "/api/v1/generations/gen_1"}) {
    EXPECT_EQ(ask("GET", path).status, 401) << path;
  }
  EXPECT_EQ(ask("POST", kGenerations, R"({"prompt":"A fox"})").status, 401);
  fixture.service().token_clock.advance(1h);
  const Reply expired = ask("GET", kMe, {}, token);
  EXPECT_EQ(expired.status, 401);
  EXPECT_THAT(expired.body, HasSubstr("expired"));
}

TEST_F(ServiceTest, TurnsAwayAUserWhoIsNotActive) {
  const std::string token = fixture.token_of("ann@example.com");
  const std::string generation = create(token);
  const std::string id(ask("GET", kMe, {}, token).value().at("id").as_string());
  fixture.service().database.run([&](mongo::Session& session) {
    repositories::UserRepository(session, fixture.service().repository_context)
        .deactivate(models::UserId(id));
  });
  EXPECT_EQ(ask("GET", kMe, {}, token).status, 401);
  EXPECT_EQ(ask("POST", kGenerations, R"({"prompt":"A fox"})", token).status, 401);
  for (const std::string& below : {std::string(), std::string("/stats"), "/" + generation}) {
    EXPECT_EQ(ask("GET", kGenerations + below, {}, token).status, 401) << below;
  }
  EXPECT_EQ(ask("POST", kLogin, R"({"email":"ann@example.com","password":"correct horse"})").status,
            401);
}

TEST_F(ServiceTest, CreatesAGenerationAndChargesForEachImage) {
  const std::string token = fixture.token_of("ann@example.com");
  const Reply made = ask("POST", kGenerations,
                         R"({"prompt":"A fox","num_images":3,"image_size":"512x512"})", token);
  EXPECT_EQ(made.status, 201) << made.body;
  const std::string id(made.value().at("id").as_string());
  EXPECT_EQ(made.raw.header("location"), "/api/v1/generations/" + id);
  EXPECT_EQ(made.value().at("status"), "pending");
  EXPECT_EQ(made.value().at("cost_credits"), 3);
  EXPECT_EQ(ask("GET", kMe, {}, token).value().at("credits_remaining"), 7);
  EXPECT_EQ(ask("GET", std::string(kGenerations) + "/" + id, {}, token).body, made.body);
}

TEST_F(ServiceTest, RefusesAGenerationThatTheCreditsDoNotCover) {
  const std::string token = fixture.token_of("ann@example.com");
  create(token, R"({"prompt":"1","num_images":4})");
  create(token, R"({"prompt":"2","num_images":4})");
  const Reply refused = ask("POST", kGenerations, R"({"prompt":"3","num_images":3})", token);
  EXPECT_EQ(refused.status, 402);
  EXPECT_EQ(refused.value().at("detail"), "Not enough credits: 3 needed, 2 left");
  EXPECT_EQ(ask("GET", kMe, {}, token).value().at("credits_remaining"), 2);
  EXPECT_EQ(ask("GET", kGenerations, {}, token).value().at("items").as_array().size(), 2u);
}

TEST_F(ServiceTest, NamesEveryFieldOfAGenerationThatDoesNotFit) {
  const std::string token = fixture.token_of("ann@example.com");
  const std::string id(ask("GET", kMe, {}, token).value().at("id").as_string());
  const std::pair<std::string, std::string> cases[] = {
      {R"({})", "body.prompt missing"},
      {R"({"prompt":""})", "body.prompt string_too_short"},
      {R"({"prompt":")" + std::string(2001, 'x') + R"("})", "body.prompt string_too_long"},
      {R"({"prompt":"x","num_images":5})", "body.num_images less_than_equal"},
      {R"({"prompt":"x","guidance_scale":0.5})", "body.guidance_scale greater_than_equal"},
      {R"({"prompt":"x","num_inference_steps":"many"})", "body.num_inference_steps int_type"},
      {R"({"prompt":"x","model_type":"dalle-2"})", "body.model_type enum"},
      {R"({"prompt":"x","cost_credits":0})", "body.cost_credits extra_forbidden"},
      {R"({"prompt":"x","user_id":"user_other"})", "body.user_id value_error"},
      {R"({"prompt":"x","prompt":"y"})", "body.21 json_invalid"},
  };
  for (const auto& [body, expected] : cases) {
    EXPECT_EQ(violations(ask("POST", kGenerations, body, token)), expected) << body;
  }
  create(token, R"({"prompt":"x","user_id":")" + id + R"("})");
}

TEST_F(ServiceTest, PagesThroughAListNewestFirst) {
  const std::string token = fixture.token_of("ann@example.com");
  const std::string other = fixture.token_of("bob@example.com");
  std::vector<std::string> newest_first;
  for (int i = 0; i < 5; ++i) {
    newest_first.insert(newest_first.begin(), create(token));
    create(other);
  }
  std::vector<std::string> seen;
  std::string cursor;
  int pages = 0;
  while (true) {
    const Reply page = ask("GET", std::string(kGenerations) + "?limit=2" + cursor, {}, token);
    ASSERT_EQ(page.status, 200) << page.body;
    ++pages;
    const json::value body = page.value();
    for (const json::value& item : body.at("items").as_array()) {
      seen.emplace_back(item.at("id").as_string());
    }
    const json::value& next = body.at("next_cursor");
    if (next.is_null()) break;
    cursor = "&cursor=" + std::string(next.as_string());
  }
  EXPECT_EQ(seen, newest_first);
  EXPECT_EQ(pages, 3);
}

TEST_F(ServiceTest, ListsByStatusAndRefusesWrongParameters) {
  const std::string token = fixture.token_of("ann@example.com");
  create(token);
  const auto count = [&](const std::string& query) {
    return ask("GET", kGenerations + query, {}, token).value().at("items").as_array().size();
  };
  EXPECT_EQ(count("?status=pending"), 1u);
  EXPECT_EQ(count("?status=completed"), 0u);
  EXPECT_EQ(count("?limit=100&other=1"), 1u);
  const std::pair<const char*, const char*> cases[] = {
      {"?limit=0", "query.limit greater_than_equal"},
      {"?limit=101", "query.limit less_than_equal"},
      {"?limit=1x", "query.limit int_parsing"},
      {"?limit=99999999999999999999", "query.limit int_parsing"},
      {"?status=done&limit=", "query.status enum, query.limit int_parsing"},
      {"?cursor=%21", "query.cursor value_error"},
  };
  for (const auto& [query, expected] : cases) {
    EXPECT_EQ(violations(ask("GET", std::string(kGenerations) + query, {}, token)), expected);
  }
}

TEST_F(ServiceTest, HidesTheGenerationsOfOthers) {
  const std::string id = create(fixture.token_of("ann@example.com"));
  const std::string other = fixture.token_of("bob@example.com");
  const std::string path = std::string(kGenerations) + "/";
  const Reply hidden = ask("GET", path + id, {}, other);
  EXPECT_EQ(hidden.status, 404);
  EXPECT_EQ(hidden.said(), ask("GET", path + "gen_none", {}, other).said());
  EXPECT_EQ(ask("GET", path + "user_1", {}, other).status, 404);
  EXPECT_EQ(ask("GET", path + "%00", {}, other).status, 404);
}

TEST_F(ServiceTest, TellsAUsersStatistics) {
  const std::string token = fixture.token_of("ann@example.com");
  create(token, R"({"prompt":"A fox","num_images":2})");
  create(token);
  const Reply stats = ask("GET", "/api/v1/generations/stats", {}, token);
  EXPECT_EQ(stats.status, 200) << stats.body;
  EXPECT_EQ(stats.value().at("total_generations"), 2);
  EXPECT_EQ(stats.value().at("pending_generations"), 2);
  EXPECT_EQ(stats.value().at("credits_spent"), 3);
}

TEST_F(ServiceTest, KeepsEverythingOverARestart) {
  const std::string token = fixture.token_of("ann@example.com");
  const std::string id = create(token);
  fixture.restart();
  const Reply list = ask("GET", kGenerations, {}, token);
  ASSERT_EQ(list.status, 200) << list.body;
  EXPECT_EQ(list.value().at("items").at(0).at("id").as_string(), id);
  EXPECT_EQ(ask("POST", kLogin, R"({"email":"ann@example.com","password":"correct horse"})").status,
            200);
}

TEST_F(ServiceTest, IsReadyWhileTheDatabaseIs) {
  fixture.restart_with_server_selection(200ms);
  EXPECT_EQ(ask("GET", "/healthz").status, 200);
  EXPECT_EQ(ask("GET", "/readyz").status, 200);
  fixture.service().engine.stop();
  EXPECT_EQ(ask("GET", "/healthz").status, 200);
  const Reply reply = ask("GET", "/readyz");
  EXPECT_EQ(reply.status, 503);
  EXPECT_EQ(reply.raw.header("content-type"), "application/problem+json");
  EXPECT_FALSE(reply.raw.header("retry-after").empty());
  EXPECT_THAT(reply.body, HasSubstr("database"));
  EXPECT_THAT(reply.body, Not(HasSubstr(".sock")));
}

TEST_F(ServiceTest, RefusesHashesBeyondItsQueue) {
  fixture.restart_with(0, 30s);
  const Reply reply =
      ask("POST", kRegister, R"({"email":"ann@example.com","password":"correct horse"})");
  EXPECT_EQ(reply.status, 503);
  EXPECT_EQ(reply.raw.header("retry-after"), "1");
}

TEST_F(ServiceTest, GivesUpARequestWhoseTimeHasPassed) {
  const std::string token = fixture.token_of("ann@example.com");
  fixture.restart_with(100, -1ms);
  EXPECT_EQ(ask("GET", kMe, {}, token).status, 504);
  EXPECT_EQ(
      ask("POST", kRegister, R"({"email":"bob@example.com","password":"correct horse"})").status,
      504);
}

TEST_F(ServiceTest, SpendsNoCreditTwiceUnderConcurrentRequests) {
  const std::string token = fixture.token_of("ann@example.com");
  std::atomic<int> created = 0;
  std::atomic<int> refused = 0;
  std::vector<std::thread> clients;
  for (int i = 0; i < 4; ++i) {
    clients.emplace_back([&] {
      for (int j = 0; j < 5; ++j) {
        const int status = ask("POST", kGenerations, R"({"prompt":"A fox"})", token).status;
        if (status == 201) ++created;
        if (status == 402) ++refused;
      }
    });
  }
  for (std::thread& client : clients) client.join();
  EXPECT_EQ(created, 10);
  EXPECT_EQ(refused, 10);
  EXPECT_EQ(ask("GET", kMe, {}, token).value().at("credits_remaining"), 0);
}

TEST_F(ServiceTest, AnswersWhatIsNoRoute) {
  const Reply nothing = ask("GET", "/api/v1/nothing");
  EXPECT_EQ(nothing.status, 404);
  EXPECT_EQ(nothing.value().at("request_id").as_string(), nothing.raw.header("x-request-id"));
  const Reply wrong_method = ask("DELETE", kGenerations);
  EXPECT_EQ(wrong_method.status, 405);
  EXPECT_EQ(wrong_method.raw.header("allow"), "GET, HEAD, POST");
}

}  // namespace
}  // namespace gesso::api
