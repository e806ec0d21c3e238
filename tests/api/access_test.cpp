// Every operation, as whoever may not call it. The list of operations is the test's input, so none
// is forgotten.
#include <gtest/gtest.h>

#include "gesso/api/operations.hpp"
#include "gesso/repositories/user_repository.hpp"
#include "tests/api/service_fixture.hpp"

namespace gesso::api {
namespace {

using namespace std::chrono_literals;

class AccessTest : public ::testing::Test {
 protected:
  testing::ServiceFixture fixture;
  std::string token = fixture.token_of("ann@example.com");

  // With every parameter of the path filled in, and a body that fits nothing.
  testing::Reply call(const OperationInfo& info, std::string_view with_token,
                      const std::string& id = "gen_01ARZ3NDEKTSV4RRFFQ69G5FAV") {
    std::string path(info.path);
    for (std::size_t at = path.find('{'); at != std::string::npos; at = path.find('{')) {
      path.replace(at, path.find('}') - at + 1, id);
    }
    const bool has_body = info.method == http::Method::kPost || info.method == http::Method::kPut ||
                          info.method == http::Method::kPatch;
    return fixture.ask(http::to_string(info.method), path, has_body ? "{}" : "", with_token);
  }

  template <class F>
  void for_each_guarded(F&& check) {
    std::size_t checked = 0;
    for (const Operation& operation : operations()) {
      if (operation.info().access == Access::kPublic) continue;
      SCOPED_TRACE(operation.info().id);
      check(operation.info());
      ++checked;
    }
    EXPECT_GE(checked, 5u);
  }
};

TEST_F(AccessTest, NobodyIsTurnedAway) {
  for_each_guarded([&](const OperationInfo& info) {
    const testing::Reply reply = call(info, "");
    EXPECT_EQ(reply.status, 401);
    EXPECT_EQ(reply.raw.header("www-authenticate"), "Bearer");
    EXPECT_EQ(call(info, "nonsense").status, 401);
  });
}

TEST_F(AccessTest, AnExpiredTokenIsTurnedAway) {
  fixture.service().token_clock.advance(2h);
  for_each_guarded([&](const OperationInfo& info) { EXPECT_EQ(call(info, token).status, 401); });
}

TEST_F(AccessTest, AUserWhoWasDeactivatedIsTurnedAway) {
  const std::string id(
      fixture.ask("GET", "/api/v1/users/me", {}, token).value().at("id").as_string());
  fixture.service().database.run([&](mongo::Session& session) {
    repositories::UserRepository(session, fixture.service().repository_context)
        .deactivate(models::UserId(id));
  });
  for_each_guarded([&](const OperationInfo& info) { EXPECT_EQ(call(info, token).status, 401); });
}

// A key is good for what it says, and for nothing else.
TEST_F(AccessTest, AKeyOfAnotherScopeIsTurnedAway) {
  std::size_t refused = 0;
  for (const std::string_view scope : schema::kWireTexts<Scope>) {
    if (scope == "admin" || scope == "worker") continue;  // no user may give these away
    const std::string body = R"({"name":"k","scopes":[")" + std::string(scope) + R"("]})";
    const testing::Reply made = fixture.ask("POST", "/api/v1/users/me/api-keys", body, token);
    ASSERT_EQ(made.status, 201) << made.body;
    const std::string key(made.value().at("key").as_string());
    for_each_guarded([&](const OperationInfo& info) {
      if (schema::to_string(*info.scope) == scope) return;
      EXPECT_EQ(call(info, key).status, 403) << scope;
      ++refused;
    });
  }
  EXPECT_GE(refused, 100u);
}

// What is another user's is as good as none.
TEST_F(AccessTest, AnotherUsersThingsAreNotThere) {
  const std::string made(fixture.ask("POST", "/api/v1/generations", R"({"prompt":"A fox"})", token)
                             .value()
                             .at("id")
                             .as_string());
  const std::string other = fixture.token_of("bob@example.com");
  std::size_t checked = 0;
  for_each_guarded([&](const OperationInfo& info) {
    if (!info.path.starts_with("/api/v1/generations/{id}")) return;
    EXPECT_EQ(call(info, other, made).status, 404);
    ++checked;
  });
  EXPECT_GE(checked, 4u);
  EXPECT_EQ(fixture.ask("GET", "/api/v1/generations/" + made, {}, token).status, 200);
}

}  // namespace
}  // namespace gesso::api
