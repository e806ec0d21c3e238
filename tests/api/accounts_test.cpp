// Accounts over HTTP: what a front end sees. What the functions behind it decide is tested in
// tests/domain.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "gesso/domain/totp.hpp"
#include "gesso/repositories/user_repository.hpp"
#include "tests/api/service_fixture.hpp"

namespace gesso::api {
namespace {

using namespace std::chrono_literals;
using domain::token_in;
using ::testing::HasSubstr;
using ::testing::Not;
using testing::Reply;
using testing::ServiceFixture;
namespace json = boost::json;

class AccountsApiTest : public ::testing::Test {
 protected:
  ServiceFixture fixture;

  static std::string path(std::string_view below) { return "/api/v1" + std::string(below); }
  Reply ask(std::string_view method, std::string_view below, std::string_view body = {},
            std::string_view token = {}) {
    return fixture.ask(method, path(below), body, token);
  }
  Reply post(std::string_view below, std::string_view body, std::string_view token = {}) {
    return ask("POST", below, body, token);
  }
  static std::string text(const Reply& reply, std::string_view member) {
    return std::string(reply.value().at(member).as_string());
  }
  static std::string code(const Reply& problem) { return text(problem, "code"); }
  static std::string credentials(std::string_view email,
                                 std::string_view password = "correct horse") {
    return R"({"email":")" + std::string(email) + R"(","password":")" + std::string(password) +
           R"("})";
  }
  Reply log_in(std::string_view email, std::string_view password = "correct horse") {
    return post("/auth/login", credentials(email, password));
  }
  // Registers and logs in.
  Reply logged_in(std::string_view email) {
    EXPECT_EQ(post("/auth/register", credentials(email)).status, 201);
    return log_in(email);
  }
  std::string make_admin(std::string_view email) {
    const std::string token = text(logged_in(email), "access_token");
    const std::string id = text(ask("GET", "/users/me", {}, token), "id");
    fixture.service().database.run([&](mongo::Session& session) {
      repositories::UserRepository(session, fixture.service().repository_context)
          .set_role(models::UserId(id), models::UserRole::kAdmin);
    });
    return token;
  }
};

TEST_F(AccountsApiTest, AnAddressIsConfirmedWithWhatWasMailed) {
  const std::string token = text(logged_in("ann@example.com"), "access_token");
  EXPECT_EQ(ask("GET", "/users/me", {}, token).value().at("is_verified"), false);
  const auto mails = fixture.mails();
  ASSERT_EQ(mails.size(), 1U);
  const std::string body = R"({"token":")" + token_in(mails[0]) + R"("})";
  EXPECT_EQ(post("/auth/verify-email", body).status, 204);
  EXPECT_EQ(ask("GET", "/users/me", {}, token).value().at("is_verified"), true);
  const Reply bad = post("/auth/verify-email", R"({"token":"gv_x"})");
  EXPECT_EQ(bad.status, 400);
  EXPECT_EQ(code(bad), "invalid_token");
  EXPECT_EQ(post("/auth/resend-verification", R"({"email":"bob@example.com"})").status, 202);
}

TEST_F(AccountsApiTest, ATakenAddressAndAWeakPasswordAreRefused) {
  logged_in("ann@example.com");
  const Reply taken = post("/auth/register", credentials("Ann@example.com"));
  EXPECT_EQ(taken.status, 409);
  EXPECT_EQ(code(taken), "email_taken");
  const Reply weak = post("/auth/register", credentials("bob@example.com", "password"));
  EXPECT_EQ(weak.status, 422);
  EXPECT_THAT(weak.body, HasSubstr(R"("loc":["body","password"])"));
  EXPECT_EQ(post("/auth/register", credentials("bob@machine.test")).status, 422);
}

TEST_F(AccountsApiTest, WhereItIsHiddenWhoRegisteredAllGetTheSameAnswer) {
  fixture.service().accounts.settings.hide_taken_email = true;
  const Reply first = post("/auth/register", credentials("ann@example.com"));
  const Reply second = post("/auth/register", credentials("ann@example.com"));
  EXPECT_EQ(first.status, 202);
  EXPECT_EQ(second.status, 202);
  EXPECT_EQ(first.raw.header("content-type"), "application/json");  // it is no problem
  EXPECT_EQ(first.body, second.body);
  EXPECT_THAT(text(first, "message"), HasSubstr("mail"));
  EXPECT_EQ(fixture.mails().size(), 2U);
}

TEST_F(AccountsApiTest, TokensAreRefreshedAndReuseEndsTheSession) {
  const Reply login = logged_in("ann@example.com");
  EXPECT_EQ(login.raw.header("cache-control"), "no-store");
  const auto refresh = [&](const std::string& token) {
    return post("/auth/refresh", R"({"refresh_token":")" + token + R"("})");
  };
  const Reply second = refresh(text(login, "refresh_token"));
  ASSERT_EQ(second.status, 200) << second.body;
  EXPECT_EQ(text(refresh(text(login, "refresh_token")), "refresh_token"),
            text(second, "refresh_token"));
  const Reply third = refresh(text(second, "refresh_token"));
  EXPECT_EQ(third.status, 200);
  const Reply reused = refresh(text(login, "refresh_token"));
  EXPECT_EQ(reused.status, 401);
  EXPECT_EQ(code(reused), "invalid_refresh_token");
  EXPECT_EQ(refresh(text(third, "refresh_token")).status, 401);
  EXPECT_EQ(ask("GET", "/users/me", {}, text(third, "access_token")).status, 401);
}

TEST_F(AccountsApiTest, LogoutKillsTheAccessToken) {
  const std::string token = text(logged_in("ann@example.com"), "access_token");
  const Reply other = log_in("ann@example.com");
  EXPECT_EQ(post("/auth/logout", "", token).status, 204);
  EXPECT_EQ(ask("GET", "/users/me", {}, token).status, 401);
  EXPECT_EQ(
      post("/auth/revoke", R"({"refresh_token":")" + text(other, "refresh_token") + R"("})").status,
      204);
  EXPECT_EQ(ask("GET", "/users/me", {}, text(other, "access_token")).status, 401);
}

TEST_F(AccountsApiTest, SessionsAreListedAndEnded) {
  const Reply first = logged_in("ann@example.com");
  const Reply second = log_in("ann@example.com");
  log_in("ann@example.com");
  const std::string token = text(second, "access_token");
  const Reply list = ask("GET", "/users/me/sessions", {}, token);
  ASSERT_EQ(list.status, 200) << list.body;
  const json::value listed = list.value();
  ASSERT_EQ(listed.at("items").as_array().size(), 3U);
  for (const json::value& item : listed.at("items").as_array()) {
    EXPECT_EQ(item.at("is_current").as_bool(),
              item.at("id").as_string() == std::string_view(text(second, "session_id")));
  }
  EXPECT_THAT(list.body, Not(HasSubstr("hash")));
  const std::string of_first = "/users/me/sessions/" + text(first, "session_id");
  const std::string bob = text(logged_in("bob@example.com"), "access_token");
  EXPECT_EQ(ask("DELETE", of_first, {}, bob).status, 404);  // another's
  EXPECT_EQ(ask("DELETE", of_first, {}, token).status, 204);
  EXPECT_EQ(ask("DELETE", of_first, {}, token).status, 404);
  EXPECT_EQ(ask("GET", "/users/me", {}, text(first, "access_token")).status, 401);
  EXPECT_EQ(ask("DELETE", "/users/me/sessions", {}, token).value().at("ended"), 1);
  EXPECT_EQ(ask("GET", "/users/me", {}, token).status, 200);
}

TEST_F(AccountsApiTest, APasswordIsChangedAndSetAnew) {
  const std::string token = text(logged_in("ann@example.com"), "access_token");
  const Reply wrong = post("/users/me/password",
                           R"({"password":"wrong horse","new_password":"battery staple"})", token);
  EXPECT_EQ(wrong.status, 403);
  EXPECT_EQ(code(wrong), "reauthentication_failed");
  EXPECT_EQ(post("/users/me/password",
                 R"({"password":"correct horse","new_password":"battery staple"})", token)
                .status,
            204);
  EXPECT_EQ(log_in("ann@example.com").status, 401);
  EXPECT_EQ(log_in("ann@example.com", "battery staple").status, 200);

  fixture.mails();
  const Reply known = post("/auth/forgot-password", R"({"email":"ann@example.com"})");
  const Reply unknown = post("/auth/forgot-password", R"({"email":"nobody@example.com"})");
  EXPECT_EQ(known.status, 202);
  EXPECT_EQ(known.body, unknown.body);
  const auto mails = fixture.mails();
  ASSERT_EQ(mails.size(), 1U);
  const std::string reset =
      R"({"token":")" + token_in(mails[0]) + R"(","new_password":"third horse"})";
  EXPECT_EQ(post("/auth/reset-password", reset).status, 204);
  EXPECT_EQ(post("/auth/reset-password", reset).status, 400);
  EXPECT_EQ(ask("GET", "/users/me", {}, token).status, 401);
  EXPECT_EQ(log_in("ann@example.com", "third horse").status, 200);
}

TEST_F(AccountsApiTest, ASecondFactorIsAskedFor) {
  const std::string token = text(logged_in("ann@example.com"), "access_token");
  const Reply begun = post("/users/me/totp", R"({"password":"correct horse"})", token);
  ASSERT_EQ(begun.status, 201) << begun.body;
  EXPECT_THAT(text(begun, "uri"), HasSubstr("secret=" + text(begun, "secret")));
  EXPECT_EQ(code(post("/users/me/totp/confirm", R"({"code":"00000"})", token)), "wrong_code");
  const auto shown = [&](Time when) {  // by the authenticator program
    return domain::hotp(domain::totp_key(text(begun, "secret")),
                        static_cast<std::uint64_t>(when.time_since_epoch() / 30s));
  };
  const Time now = fixture.service().clock.now();
  const Reply on = post("/users/me/totp/confirm", R"({"code":")" + shown(now) + R"("})", token);
  ASSERT_EQ(on.status, 200) << on.body;
  const std::string recovery(on.value().at("codes").at(0).as_string());

  const Reply login = log_in("ann@example.com");
  EXPECT_EQ(login.status, 403);
  EXPECT_EQ(code(login), "second_factor_required");
  const auto second_step = [&](const std::string& typed) {
    return post("/auth/login/code",
                R"({"challenge":")" + text(login, "challenge") + R"(","code":")" + typed + R"("})");
  };
  EXPECT_EQ(second_step(shown(now)).status, 401);  // used
  EXPECT_EQ(second_step(recovery).status, 200);
  EXPECT_EQ(second_step(recovery).status, 401);
  const Reply renewed = post("/users/me/recovery-codes", R"({"password":"correct horse"})", token);
  EXPECT_EQ(renewed.value().at("codes").as_array().size(), 10U);
  EXPECT_EQ(post("/users/me/totp/disable", R"({"password":"correct horse"})", token).status, 204);
  EXPECT_EQ(log_in("ann@example.com").status, 200);
}

TEST_F(AccountsApiTest, AnApiKeyMayDoWhatItSays) {
  const std::string token = text(logged_in("ann@example.com"), "access_token");
  const Reply made =
      post("/users/me/api-keys", R"({"name":"ci","scopes":["generations:read"]})", token);
  ASSERT_EQ(made.status, 201) << made.body;
  const std::string key = text(made, "key");
  EXPECT_EQ(ask("GET", "/generations", {}, key).status, 200);
  const Reply refused = ask("GET", "/users/me", {}, key);
  EXPECT_EQ(refused.status, 403);
  EXPECT_THAT(refused.body, HasSubstr("account:read"));
  const Reply admin = post("/users/me/api-keys", R"({"name":"x","scopes":["admin"]})", token);
  EXPECT_EQ(code(admin), "scope_not_allowed");
  EXPECT_EQ(post("/users/me/api-keys", R"({"name":"x","scopes":["fly"]})", token).status, 422);
  EXPECT_EQ(post("/users/me/api-keys", R"({"name":"x","scopes":[]})", token).status, 422);

  const Reply list = ask("GET", "/users/me/api-keys", {}, token);
  EXPECT_EQ(list.value().at("items").at(0).at("prefix"), json::string(text(made, "prefix")));
  EXPECT_THAT(list.body, Not(HasSubstr(key)));
  const std::string one = "/users/me/api-keys/" + text(made, "id");
  EXPECT_EQ(ask("DELETE", one, {}, token).status, 204);
  EXPECT_EQ(ask("DELETE", one, {}, token).status, 404);
  EXPECT_EQ(ask("GET", "/generations", {}, key).status, 401);
}

TEST_F(AccountsApiTest, AProfileTakesWhatAUserMayChangeAndNothingElse) {
  const std::string token = text(logged_in("ann@example.com"), "access_token");
  const Reply changed =
      ask("PATCH", "/users/me", R"({"full_name":"Ann","settings":{"theme":"dark"}})", token);
  ASSERT_EQ(changed.status, 200) << changed.body;
  EXPECT_EQ(changed.value().at("full_name"), "Ann");
  EXPECT_EQ(changed.value().at("settings").at("theme"), "dark");
  EXPECT_TRUE(
      ask("PATCH", "/users/me", R"({"full_name":null})", token).value().at("full_name").is_null());
  for (const char* more :
       {R"({"role":"admin"})", R"({"credits_remaining":1000})", R"({"is_verified":true})",
        R"({"subscription_tier":"pro"})", R"({"email":"x@example.com"})", R"({"api_keys":[]})"}) {
    EXPECT_EQ(ask("PATCH", "/users/me", more, token).status, 422) << more;
  }
}

TEST_F(AccountsApiTest, AnAddressChangesOnceTheNewOneIsConfirmed) {
  const std::string token = text(logged_in("ann@example.com"), "access_token");
  fixture.mails();
  EXPECT_EQ(
      post("/users/me/email", R"({"email":"new@example.com","password":"correct horse"})", token)
          .status,
      202);
  EXPECT_EQ(text(ask("GET", "/users/me", {}, token), "email"), "ann@example.com");
  const auto mails = fixture.mails();
  ASSERT_EQ(mails.size(), 1U);
  EXPECT_EQ(post("/auth/verify-email", R"({"token":")" + token_in(mails[0]) + R"("})").status, 204);
  EXPECT_EQ(text(ask("GET", "/users/me", {}, token), "email"), "new@example.com");
}

TEST_F(AccountsApiTest, AnAccountIsTakenAlongAndDeleted) {
  const std::string token = text(logged_in("ann@example.com"), "access_token");
  EXPECT_EQ(post("/generations", R"({"prompt":"A fox"})", token).status, 201);
  const Reply exported = ask("GET", "/users/me/export", {}, token);
  ASSERT_EQ(exported.status, 200);
  EXPECT_EQ(exported.value().at("generations").as_array().size(), 1U);
  EXPECT_EQ(exported.value().at("user").at("email"), "ann@example.com");
  EXPECT_EQ(post("/users/me/delete", R"({"password":"wrong horse"})", token).status, 403);
  EXPECT_EQ(post("/users/me/delete", R"({"password":"correct horse"})", token).status, 204);
  EXPECT_EQ(ask("GET", "/users/me", {}, token).status, 401);
  EXPECT_EQ(log_in("ann@example.com").status, 401);
  EXPECT_EQ(post("/auth/register", credentials("ann@example.com")).status, 201);
}

TEST_F(AccountsApiTest, AnAdministratorSeesAndChangesUsers) {
  const std::string root = make_admin("root@example.com");
  const std::string ann = text(logged_in("ann@example.com"), "access_token");
  EXPECT_EQ(ask("GET", "/admin/users", {}, ann).status, 403);
  const std::string id = text(ask("GET", "/users/me", {}, ann), "id");
  const std::string one = "/admin/users/" + id;

  EXPECT_EQ(ask("GET", "/admin/users?limit=1", {}, root).value().at("items").at(0).at("id"),
            json::string(id));  // newest first
  EXPECT_EQ(ask("GET", "/admin/users?email=ann%40example.com", {}, root)
                .value()
                .at("items")
                .as_array()
                .size(),
            1U);
  EXPECT_EQ(text(ask("GET", one, {}, root), "email"), "ann@example.com");
  EXPECT_EQ(ask("GET", "/admin/users/user_nobody", {}, root).status, 404);
  EXPECT_EQ(text(ask("PUT", one + "/tier", R"({"tier":"pro"})", root), "subscription_tier"), "pro");

  EXPECT_EQ(post(one + "/deactivate", "", root).value().at("is_active"), false);
  EXPECT_EQ(ask("GET", "/users/me", {}, ann).status, 401);
  EXPECT_EQ(ask("GET", "/admin/users?active=false", {}, root).value().at("items").as_array().size(),
            1U);
  EXPECT_EQ(post(one + "/reactivate", "", root).value().at("is_active"), true);

  const std::string again = text(log_in("ann@example.com"), "access_token");
  EXPECT_EQ(text(ask("PUT", one + "/role", R"({"role":"admin"})", root), "role"), "admin");
  EXPECT_EQ(ask("GET", one, {}, again).status, 200);  // at once, with the token from before
  const std::string myself = "/admin/users/" + text(ask("GET", "/users/me", {}, root), "id");
  EXPECT_EQ(code(post(myself + "/deactivate", "", root)), "not_yourself");
  EXPECT_EQ(code(ask("PUT", myself + "/role", R"({"role":"user"})", root)), "not_yourself");
}

// All filters that are given have to fit, in every combination; pages are those of the filters.
TEST_F(AccountsApiTest, AnAdministratorListsUsersByWhatIndexesServe) {
  const std::string root = make_admin("root@example.com");
  std::map<std::string, std::string> ids;
  for (const char* name : {"ann", "bob", "cleo", "dan"}) {
    const std::string token = text(logged_in(name + std::string("@example.com")), "access_token");
    ids[name] = text(ask("GET", "/users/me", {}, token), "id");
  }
  for (const char* name : {"ann", "bob", "cleo"}) {
    ask("PUT", "/admin/users/" + ids[name] + "/tier", R"({"tier":"pro"})", root);
  }
  post("/admin/users/" + ids["bob"] + "/deactivate", "", root);
  const auto names = [&](const std::string& query) {
    const json::value listed = ask("GET", "/admin/users?" + query, {}, root).value();
    std::string found;
    for (const json::value& item : listed.at("items").as_array()) {
      const std::string email(item.at("email").as_string());
      found += email.substr(0, email.find('@')) + " ";
    }
    return found;
  };
  EXPECT_EQ(names(""), "dan cleo ann root ");
  EXPECT_EQ(names("active=false"), "bob ");
  EXPECT_EQ(names("tier=pro"), "cleo ann ");
  EXPECT_EQ(names("tier=pro&active=false"), "bob ");
  EXPECT_EQ(names("tier=free"), "dan root ");
  EXPECT_EQ(names("tier=enterprise"), "");
  EXPECT_EQ(names("email=Bob%40example.com"), "bob ");  // whether active or not
  EXPECT_EQ(names("email=bob%40example.com&active=true"), "");
  EXPECT_EQ(names("email=bob%40example.com&active=false&tier=pro"), "bob ");
  EXPECT_EQ(names("email=bob%40example.com&tier=free"), "");

  const json::value first = ask("GET", "/admin/users?tier=pro&limit=1", {}, root).value();
  const std::string cursor(first.at("next_cursor").as_string());
  EXPECT_EQ(names("tier=pro&limit=1&cursor=" + cursor), "ann ");
  EXPECT_EQ(ask("GET", "/admin/users?cursor=" + cursor, {}, root).status, 422);
  for (const char* wrong : {"tier=gold", "active=perhaps", "email=ann", "limit=0"}) {
    EXPECT_EQ(ask("GET", "/admin/users?" + std::string(wrong), {}, root).status, 422) << wrong;
  }
}

TEST_F(AccountsApiTest, AnyNumberOfBlanksMayStandBehindBearer) {
  const std::string token = text(logged_in("ann@example.com"), "access_token");
  EXPECT_EQ(ask("GET", "/users/me", {}, "   " + token).status, 200);
}

}  // namespace
}  // namespace gesso::api
