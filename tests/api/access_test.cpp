// Every operation, as whoever may not call it. The list of operations is the test's input, so none
// is forgotten.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <set>

#include "gesso/api/operations.hpp"
#include "gesso/repositories/account_repository.hpp"
#include "gesso/repositories/user_repository.hpp"
#include "tests/api/service_fixture.hpp"

namespace gesso::api {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using ::testing::Not;
using testing::Reply;
namespace json = boost::json;

class AccessTest : public ::testing::Test {
 protected:
  testing::ServiceFixture fixture;
  std::string token = fixture.token_of("ann@example.com");

  // With every parameter of the path filled in, and a body that fits nothing.
  Reply call(const OperationInfo& info, std::string_view with_token,
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
  void all_are_unauthorized(std::string_view with) {
    for_each_guarded([&](const OperationInfo& info) { EXPECT_EQ(call(info, with).status, 401); });
  }

  static std::string text(const Reply& reply, std::string_view member) {
    return std::string(reply.value().at(member).as_string());
  }
  Reply me() { return fixture.ask("GET", "/api/v1/users/me", {}, token); }
  // With every scope that a user has.
  Reply make_key() {
    std::string scopes;
    for (const std::string_view scope : schema::kWireTexts<Scope>) {
      if (scope == "admin" || scope == "worker") continue;
      scopes += (scopes.empty() ? "\"" : ",\"") + std::string(scope) + "\"";
    }
    return fixture.ask("POST", "/api/v1/users/me/api-keys",
                       R"({"name":"k","scopes":[)" + scopes + "]}", token);
  }
};

TEST_F(AccessTest, NobodyIsTurnedAway) {
  for_each_guarded([&](const OperationInfo& info) {
    const Reply reply = call(info, "");
    EXPECT_EQ(reply.status, 401);
    EXPECT_EQ(reply.raw.header("www-authenticate"), "Bearer");
    EXPECT_EQ(call(info, "nonsense").status, 401);
  });
}

TEST_F(AccessTest, AnExpiredTokenIsTurnedAway) {
  fixture.service().token_clock.advance(2h);
  all_are_unauthorized(token);
}

TEST_F(AccessTest, AUserWhoWasDeactivatedIsTurnedAway) {
  const std::string key = text(make_key(), "key");
  const std::string id = text(me(), "id");
  fixture.service().database.run([&](mongo::Session& session) {
    repositories::UserRepository(session, fixture.service().repository_context)
        .deactivate(models::UserId(id));
  });
  all_are_unauthorized(token);
  all_are_unauthorized(key);
}

TEST_F(AccessTest, AKeyThatHasExpiredIsTurnedAway) {
  const std::string key = text(make_key(), "key");
  EXPECT_EQ(fixture.ask("GET", "/api/v1/users/me", {}, key).status, 200);
  auto& service = fixture.service();
  service.database.run([&](mongo::Session& session) {
    return repositories::AccountRepository(session, service.repository_context)
        .change_account(models::UserId(text(me(), "id")), [&](repositories::Account& account) {
          account.api_keys.at(0).expires_at = service.clock.now() - 1ms;
          return true;
        });
  });
  all_are_unauthorized(key);
}

TEST_F(AccessTest, AKeyThatWasRevokedIsTurnedAway) {
  const Reply made = make_key();
  const std::string key = text(made, "key");
  EXPECT_EQ(fixture.ask("GET", "/api/v1/users/me", {}, key).status, 200);
  EXPECT_EQ(
      fixture.ask("DELETE", "/api/v1/users/me/api-keys/" + text(made, "id"), {}, token).status,
      204);
  all_are_unauthorized(key);
}

TEST_F(AccessTest, ASessionThatHasEndedIsTurnedAway) {
  EXPECT_EQ(fixture.ask("POST", "/api/v1/auth/logout", "", token).status, 204);
  all_are_unauthorized(token);
}

// A key is good for what it says, and for nothing else.
TEST_F(AccessTest, AKeyOfAnotherScopeIsTurnedAway) {
  std::size_t refused = 0;
  for (const std::string_view scope : schema::kWireTexts<Scope>) {
    if (scope == "admin" || scope == "worker") continue;  // no user may give these away
    const std::string body = R"({"name":"k","scopes":[")" + std::string(scope) + R"("]})";
    const Reply made = fixture.ask("POST", "/api/v1/users/me/api-keys", body, token);
    ASSERT_EQ(made.status, 201) << made.body;
    const std::string key = text(made, "key");
    for_each_guarded([&](const OperationInfo& info) {
      if (schema::to_string(*info.scope) == scope) return;
      EXPECT_EQ(call(info, key).status, 403) << scope;
      ++refused;
    });
  }
  EXPECT_GE(refused, 100u);
}

// What an id in a path is of. Operations for administrators and workers take anybody's, and are
// refused by their scope.
enum class Named {
  kGeneration,  // an owner's: 404 for others, as for an id that there is not
  kSession,
  kApiKey,
  kNobodys  // no document's: a provider, a file
};
const std::map<std::string_view, Named> kNamed{
    {"startSignIn", Named::kNobodys},
    {"finishSignIn", Named::kNobodys},
    {"linkIdentity", Named::kNobodys},
    {"unlinkIdentity", Named::kNobodys},
    {"getDocsAsset", Named::kNobodys},
    {"endSession", Named::kSession},
    {"revokeApiKey", Named::kApiKey},
    {"getGeneration", Named::kGeneration},
    {"watchGeneration", Named::kGeneration},
    {"deleteGeneration", Named::kGeneration},
    {"cancelGeneration", Named::kGeneration},
    {"getConsoleAsset", Named::kNobodys},
    {"getImage", Named::kNobodys},  // whoever has the link sees it, and it is signed
};
bool is_for_staff(const OperationInfo& info) {
  return info.scope == Scope::kAdmin || info.scope == Scope::kWorker;
}

class AnotherUserTest : public AccessTest {
 protected:
  const Reply key_ = make_key();
  const std::string user_ = text(me(), "id");
  const std::string generation_ =
      text(fixture.ask("POST", "/api/v1/generations", R"({"prompt":"A fox"})", token), "id");
  const std::string session_ =
      std::string(fixture.ask("GET", "/api/v1/users/me/sessions", {}, token)
                      .value()
                      .at("items")
                      .at(0)
                      .at("id")
                      .as_string());
  const std::string other_ = fixture.token_of("bob@example.com");

  std::string id_of(Named what) const {
    return what == Named::kGeneration ? generation_
           : what == Named::kSession  ? session_
                                      : text(key_, "id");
  }
};

// What is another user's is as good as none, whatever is asked of it.
TEST_F(AnotherUserTest, FindsNothingByAnId) {
  const json::value before = me().value();
  std::set<std::string_view> seen;
  for (const Operation& operation : operations()) {
    const OperationInfo& info = operation.info();
    if (info.path.find('{') == std::string_view::npos) continue;
    SCOPED_TRACE(info.id);
    if (is_for_staff(info)) {
      for (const std::string& id : {user_, generation_}) {
        EXPECT_EQ(call(info, other_, id).status, 403);
      }
      continue;
    }
    const auto named = kNamed.find(info.id);
    if (named == kNamed.end()) {
      ADD_FAILURE() << "say in kNamed whose id it takes";
      continue;
    }
    seen.insert(info.id);
    if (named->second == Named::kNobodys) continue;
    const Reply hidden = call(info, other_, id_of(named->second));
    EXPECT_EQ(hidden.status, 404) << hidden.body;
    std::string unknown = id_of(named->second);
    unknown.replace(unknown.size() - 4, 4, "0000");
    EXPECT_EQ(hidden.said(), call(info, other_, unknown).said()) << "it tells that there is one";
  }
  EXPECT_EQ(seen.size(), kNamed.size()) << "an operation of kNamed is gone";
  EXPECT_EQ(me().value(), before);
  EXPECT_EQ(
      fixture.ask("GET", "/api/v1/generations/" + generation_, {}, token).value().at("status"),
      "pending");
  EXPECT_EQ(fixture.ask("GET", "/api/v1/users/me", {}, text(key_, "key")).status, 200);
}

// Nor does any list, summary, export or profile show anything of it.
TEST_F(AnotherUserTest, SeesNothingInAnyAnswer) {
  std::size_t checked = 0;
  for (const Operation& operation : operations()) {
    const OperationInfo& info = operation.info();
    // What is about the API itself has examples in it.
    if (info.method != http::Method::kGet || info.hidden ||
        info.path.find('{') != std::string_view::npos) {
      continue;
    }
    SCOPED_TRACE(info.id);
    const Reply reply = call(info, other_);
    if (is_for_staff(info)) {
      EXPECT_EQ(reply.status, 403);
    }
    for (const std::string& mine :
         {std::string("ann@example.com"), user_, generation_, session_, text(key_, "id")}) {
      EXPECT_THAT(reply.body, Not(HasSubstr(mine)));
    }
    // To the one whose it is they do show something.
    if (info.id == "getMe" || info.id == "exportMe" || info.id == "listGenerations") {
      EXPECT_THAT(call(info, token).body, HasSubstr(info.id == "getMe" ? user_ : generation_));
      ++checked;
    }
  }
  EXPECT_EQ(checked, 3u);
}

}  // namespace
}  // namespace gesso::api
