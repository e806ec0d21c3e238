// The operations of users and of workers on generations, called as the chain calls them: the input
// is read from a request, and the function runs on a database worker.
#include <gtest/gtest.h>

#include "gesso/api/operations.hpp"
#include "gesso/domain/generation_watch.hpp"
#include "tests/api/service_fixture.hpp"

namespace gesso::api {
namespace {

using testing::Reply;
namespace json = boost::json;

class GenerationOperationsTest : public ::testing::Test {
 protected:
  testing::ServiceFixture fixture;
  models::UserId ada = add_user("ada@example.com", 10);

  models::UserId add_user(const char* email, std::int64_t credits) {
    testing::Running& running = fixture.service();
    return running.database.run([&](mongo::Session& session) {
      const Time now = running.clock.now();
      return repositories::UserRepository(session, running.repository_context)
          .create({.id = models::UserId::next(running.ids),
                   .email = email,
                   .credits_remaining = credits,
                   .may_have_subscription = false,
                   .created_at = now,
                   .updated_at = now})
          .id;
    });
  }

  // Calls the operation with that id for this user.
  Reply call_as(const models::UserId& user, std::string_view id, std::string_view body = {},
                std::string_view generation = {}, std::string_view key = {}) {
    testing::Running& running = fixture.service();
    const auto& all = operations();
    const auto found =
        std::ranges::find(all, id, [](const Operation& one) { return one.info().id; });
    http::Request request;
    request.body = body;
    if (!key.empty()) request.headers.add("Idempotency-Key", key);
    const http::PathParameters path{{"id", std::string(generation)}};
    std::vector<Violation> violations;
    const auto bound = found->bind({.request = request, .path = path}, violations);
    EXPECT_TRUE(bound) << validation_error(violations).what();
    const Client client;
    const Caller caller{.user_id = user, .scopes = kUserScopes};
    const http::Response response = running.database.run([&](mongo::Session& session) {
      DatabaseCall at{{.services = running.services,
                       .request_id = "request",
                       .deadline = Deadline::after(std::chrono::seconds(20)),
                       .client = client,
                       .known_caller = &caller},
                      session};
      return bound->run(at);
    });
    return {.status = response.status, .body = response.body, .raw = {}};
  }
  Reply call(std::string_view id, std::string_view body = {}, std::string_view generation = {},
             std::string_view key = {}) {
    return call_as(ada, id, body, generation, key);
  }
  std::string created(std::string_view body = R"({"prompt":"A lake"})") {
    return std::string(call("createGeneration", body).value().at("id").as_string());
  }
  std::int64_t balance() {
    testing::Running& running = fixture.service();
    return running.database.run([&](mongo::Session& session) {
      return repositories::UserRepository(session, running.repository_context)
          .find_by_id(ada)
          ->credits_remaining.value();
    });
  }
  static std::string code(const Reply& reply) {
    return std::string(reply.value().at("code").as_string());
  }
};

TEST_F(GenerationOperationsTest, ARequestThatIsSentAgainMakesNothingTwice) {
  const std::string body = R"({"prompt":"A lake","num_images":3})";
  const Reply first = call("createGeneration", body, {}, R"("8e03-\"1\"")");
  EXPECT_EQ(first.status, 201);
  const Reply again = call("createGeneration", body, {}, R"("8e03-\"1\"")");
  EXPECT_EQ(again.status, 201);
  EXPECT_EQ(again.value().at("id"), first.value().at("id"));
  EXPECT_EQ(call("createGeneration", body, {}, R"(8e03-"1")").value().at("id"),
            first.value().at("id"));  // bare
  EXPECT_EQ(balance(), 7);
  const Reply other = call("createGeneration", R"({"prompt":"A hill"})", {}, R"("8e03-\"1\"")");
  EXPECT_EQ(other.status, 422);
  EXPECT_EQ(code(other), "idempotency_key_reused");
  EXPECT_EQ(first.value().as_object().contains("request_hash"), false);
}

TEST_F(GenerationOperationsTest, AKeyThatIsNoneIsRefused) {
  for (const std::string& key :
       {std::string("\"\""), std::string("\"open"), std::string("\"a\"b\""), std::string("\"\\x\""),
        std::string(256, 'k')}) {
    const Reply reply = call("createGeneration", R"({"prompt":"A lake"})", {}, key);
    EXPECT_EQ(reply.status, 400) << key;
    EXPECT_EQ(code(reply), "bad_idempotency_key");
  }
  EXPECT_EQ(balance(), 10);
}

TEST_F(GenerationOperationsTest, APendingOneIsCancelledAndThenDeleted) {
  const std::string id = created();
  EXPECT_EQ(code(call("deleteGeneration", {}, id)), "not_finished");
  const models::UserId grace = add_user("grace@example.com", 0);
  EXPECT_EQ(call_as(grace, "cancelGeneration", {}, id).status, 404);
  EXPECT_EQ(call_as(grace, "deleteGeneration", {}, id).status, 404);
  const Reply cancelled = call("cancelGeneration", {}, id);
  EXPECT_EQ(cancelled.status, 200);
  EXPECT_EQ(cancelled.value().at("status"), "cancelled");
  EXPECT_EQ(balance(), 10);
  EXPECT_EQ(call("deleteGeneration", {}, id).status, 204);
  EXPECT_EQ(call("deleteGeneration", {}, id).status, 404);
  EXPECT_EQ(call("getGeneration", {}, id).status, 404);
  EXPECT_EQ(call("cancelGeneration", {}, "no id").status, 404);
}

TEST_F(GenerationOperationsTest, AWorkerClaimsAndCompletes) {
  const std::string id = created();
  const Reply claimed = call("claimWork", R"({"worker":"w-1"})");
  EXPECT_EQ(claimed.status, 200);
  const auto work = claimed.value().at("work");
  EXPECT_EQ(work.at("generation").at("id").as_string(), id);
  EXPECT_EQ(work.at("generation").at("status"), "processing");
  EXPECT_EQ(work.at("attempt"), 1);
  EXPECT_TRUE(call("claimWork", R"({"worker":"w-2"})").value().at("work").is_null());

  const Reply beat = call("sendHeartbeat", R"({"worker":"w-1","attempt":1})", id);
  EXPECT_EQ(beat.value().at("cancel_requested"), false);
  EXPECT_EQ(call("cancelGeneration", {}, id).value().at("status"), "processing");
  EXPECT_EQ(
      call("sendHeartbeat", R"({"worker":"w-1","attempt":1})", id).value().at("cancel_requested"),
      true);

  const std::string result =
      R"({"worker":"w-1","attempt":1,"result_urls":["https://a.example/1"]})";
  const std::string other = R"({"worker":"w-2","attempt":1,"result_urls":[]})";
  EXPECT_EQ(code(call("completeWork", other, id)), "lease_lost");
  EXPECT_EQ(call("completeWork", result, id).value().at("status"), "completed");
  EXPECT_EQ(call("completeWork", result, id).status, 200);
  EXPECT_EQ(code(call("cancelGeneration", {}, id)), "already_finished");
  EXPECT_EQ(code(call("failWork", R"({"worker":"w-1","attempt":1,"reason":"no"})", id)),
            "lease_lost");
  EXPECT_EQ(call("completeWork", result, "gen_none").status, 404);
}

TEST_F(GenerationOperationsTest, AWorkerFailsForNowOrForGood) {
  const std::string id = created();
  call("claimWork", R"({"worker":"w-1"})");
  const Reply later = call(
      "failWork", R"({"worker":"w-1","attempt":1,"kind":"retryable","reason":"no paint"})", id);
  EXPECT_EQ(later.value().at("status"), "pending");
  EXPECT_EQ(balance(), 9);
  const std::string next = created();
  call("claimWork", R"({"worker":"w-1"})");
  const Reply failed =
      call("failWork", R"({"worker":"w-1","attempt":1,"reason":"no paint"})", next);
  EXPECT_EQ(failed.value().at("status"), "failed");
  EXPECT_EQ(failed.value().at("error_message"), "no paint");
  EXPECT_EQ(balance(), 9);
}

TEST_F(GenerationOperationsTest, AStreamTellsTheStatesToTheLast) {
  testing::Running& running = fixture.service();
  domain::GenerationWatch watch(running.database, running.repository_context);
  running.services.generation_hooks.watch = &watch;
  const std::string token = fixture.token_of("grace@example.com");
  const Reply made = fixture.ask("POST", "/api/v1/generations", R"({"prompt":"A lake"})", token);
  const std::string path = "/api/v1/generations/" + std::string(made.value().at("id").as_string());
  const auto open = [&](const std::string& headers) {
    http::testing::RawClient client(running.server.port());
    client.send(http::testing::request("GET", path + "/events",
                                       "Authorization: Bearer " + token + "\r\n" + headers));
    return client;
  };
  {
    http::testing::RawClient stream = open("");
    const auto head = stream.read_head();
    EXPECT_EQ(head.status, 200);
    EXPECT_TRUE(head.header("content-type").starts_with("text/event-stream"));
    EXPECT_TRUE(stream.read_chunk().starts_with("event: pending\nid: 0\ndata: {"));
    EXPECT_EQ(fixture.ask("POST", path + "/cancel", {}, token).status, 200);
    EXPECT_TRUE(stream.read_chunk().starts_with("event: cancelled\nid: "));
    EXPECT_EQ(stream.read_chunk(), "");
  }
  {
    // Who has seen the first is told the last.
    http::testing::RawClient stream = open("Last-Event-ID: 0\r\n");
    (void)stream.read_head();
    EXPECT_TRUE(stream.read_chunk().starts_with("event: cancelled\n"));
    EXPECT_EQ(stream.read_chunk(), "");
  }
  EXPECT_EQ(fixture.ask("GET", "/api/v1/generations/gen_none/events", {}, token).status, 404);
  EXPECT_EQ(watch.watchers(), 0U);
  running.server.stop(std::chrono::seconds{1});  // before the watch goes, which both use
  running.database.stop();
}

// Of three streams of one generation, one by another session, one by a key.
TEST_F(GenerationOperationsTest, AStreamEndsUntoldWhereItsClientIsNoLongerLetIn) {
  testing::Running& running = fixture.service();
  domain::GenerationWatch watch(running.database, running.repository_context);
  running.services.generation_hooks.watch = &watch;
  const std::string token = fixture.token_of("grace@example.com");
  const std::string other = fixture.token_of("grace@example.com");
  const Reply key = fixture.ask("POST", "/api/v1/users/me/api-keys",
                                R"({"name":"ci","scopes":["generations:read"]})", token);
  ASSERT_EQ(key.status, 201) << key.body;
  const Reply made = fixture.ask("POST", "/api/v1/generations", R"({"prompt":"A lake"})", token);
  const std::string path = "/api/v1/generations/" + std::string(made.value().at("id").as_string());
  const auto open = [&](std::string_view credential) {
    http::testing::RawClient client(running.server.port());
    client.send(http::testing::request(
        "GET", path + "/events", "Authorization: Bearer " + std::string(credential) + "\r\n"));
    EXPECT_EQ(client.read_head().status, 200);
    EXPECT_TRUE(client.read_chunk().starts_with("event: pending\n"));
    return client;
  };
  http::testing::RawClient stays = open(token);
  http::testing::RawClient by_session = open(other);
  http::testing::RawClient by_key = open(key.value().at("key").as_string());
  EXPECT_EQ(fixture.ask("POST", "/api/v1/auth/logout", {}, other).status, 204);
  EXPECT_EQ(fixture
                .ask("DELETE",
                     "/api/v1/users/me/api-keys/" + std::string(key.value().at("id").as_string()),
                     {}, token)
                .status,
            204);
  EXPECT_EQ(fixture.ask("POST", path + "/cancel", {}, token).status, 200);
  EXPECT_EQ(by_session.read_chunk(), "");
  EXPECT_EQ(by_key.read_chunk(), "");
  EXPECT_TRUE(stays.read_chunk().starts_with("event: cancelled\n"));
  running.server.stop(std::chrono::seconds{1});  // before the watch goes, which both use
  running.database.stop();
}

TEST_F(GenerationOperationsTest, ASilentStreamEndsToo) {
  testing::Running& running = fixture.service();
  domain::GenerationWatch watch(running.database, running.repository_context,
                                {.quiet = std::chrono::milliseconds{10}});
  running.services.generation_hooks.watch = &watch;
  const std::string token = fixture.token_of("grace@example.com");
  const Reply made = fixture.ask("POST", "/api/v1/generations", R"({"prompt":"A lake"})", token);
  const std::string path = "/api/v1/generations/" + std::string(made.value().at("id").as_string());
  http::testing::RawClient stream(running.server.port());
  stream.send(
      http::testing::request("GET", path + "/events", "Authorization: Bearer " + token + "\r\n"));
  EXPECT_EQ(stream.read_head().status, 200);
  EXPECT_TRUE(stream.read_chunk().starts_with("event: pending\n"));
  EXPECT_EQ(fixture.ask("POST", "/api/v1/auth/logout", {}, token).status, 204);
  for (std::string piece; !(piece = stream.read_chunk()).empty();) {
    EXPECT_TRUE(piece.starts_with(":")) << piece;
  }
  running.server.stop(std::chrono::seconds{1});  // before the watch goes, which both use
  running.database.stop();
}

TEST_F(GenerationOperationsTest, WorkIsForWorkers) {
  const std::string token = fixture.token_of("grace@example.com");
  EXPECT_EQ(fixture.ask("POST", "/api/v1/worker/claim", R"({"worker":"w"})", token).status, 403);
  EXPECT_EQ(fixture.ask("POST", "/api/v1/worker/claim", R"({"worker":"w"})").status, 401);
}

}  // namespace
}  // namespace gesso::api
