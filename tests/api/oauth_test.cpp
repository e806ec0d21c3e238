// Sign-in with another provider's account over HTTP: what a browser sees. What is believed of a
// provider is tested in tests/domain/oauth.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "gesso/domain/oauth/sign_in.hpp"
#include "gesso/testing/fake_clock.hpp"
#include "tests/api/service_fixture.hpp"
#include "tests/domain/oauth/fake_provider.hpp"

namespace gesso::api {
namespace {

using domain::oauth::FakeProvider;
using ::testing::HasSubstr;
using ::testing::Not;
using testing::Reply;
using testing::ServiceFixture;
using ::testing::StartsWith;
namespace json = boost::json;

struct OauthApi : ::testing::Test {
  FakeProvider provider;
  gesso::testing::FakeClock clock{SystemClock().now()};  // that of the service's database
  SystemRandom random;
  domain::HashPool pool{1, 10};
  std::optional<domain::oauth::SignIn> sign_in;
  ServiceFixture fixture;  // last: it uses what is above

  void SetUp() override {
    std::vector<domain::oauth::Provider> providers;
    providers.push_back(domain::oauth::google("our-client", Secret(std::string_view("hunter2"))));
    sign_in.emplace(std::move(providers), Secret(std::string(32, 'k')), provider, clock, random);
    Services& services = fixture.service().services;
    services.outgoing = &pool;
    services.sign_in = &*sign_in;
    services.sign_in_redirect_uri = "https://api.example.com/api/v1/auth/oauth/{provider}/callback";
    provider.now = clock.now();
    provider.claims = {{"email", "ada@gmail.com"}, {"email_verified", true}, {"name", "Ada"}};
  }

  Reply get(const std::string& path, const std::string& cookie = {}) {
    http::testing::RawClient client(fixture.service().server.port());
    const std::string headers = cookie.empty() ? "" : "Cookie: " + cookie + "\r\n";
    auto raw = client.exchange(http::testing::request("GET", path, headers, ""));
    return {.status = raw.status, .body = raw.body, .raw = std::move(raw)};
  }
  static std::string header(const Reply& reply, const std::string& name) {
    return reply.raw.header(name);
  }
  // What a browser keeps of Set-Cookie.
  static std::string kept(const Reply& reply) {
    const std::string all = header(reply, "set-cookie");
    return all.substr(0, all.find(';'));
  }
  Reply start() { return get("/api/v1/auth/oauth/google/start"); }
  Reply finish(const domain::oauth::Callback& callback, const std::string& cookie) {
    return get("/api/v1/auth/oauth/google/callback?code=" + callback.code.value_or("") +
                   "&state=" + callback.state.value_or(""),
               cookie);
  }
  Reply all() {
    const Reply started = start();
    return finish(provider.agree(header(started, "location")), "theme=dark; " + kept(started));
  }
  static std::string text(const Reply& reply, std::string_view member) {
    return std::string(reply.value().at(member).as_string());
  }
};

TEST_F(OauthApi, SendsTheBrowserToTheProviderWithACookie) {
  const Reply reply = start();
  EXPECT_EQ(reply.status, 302);
  const std::string location = header(reply, "location");
  EXPECT_THAT(location, StartsWith("https://accounts.google.com/authorize?"));
  EXPECT_EQ(domain::oauth::query_of(location)["redirect_uri"],
            "https://api.example.com/api/v1/auth/oauth/google/callback");
  const std::string cookie = header(reply, "set-cookie");
  EXPECT_THAT(cookie, StartsWith("__Host-gesso-sign-in="));
  for (const char* part :
       {"; Path=/", "; Secure", "; HttpOnly", "; SameSite=Lax", "; Max-Age=600"}) {
    EXPECT_THAT(cookie, HasSubstr(part));
  }
  EXPECT_THAT(cookie, Not(HasSubstr(domain::oauth::query_of(location)["state"])));
}

TEST_F(OauthApi, GivesASessionToWhoComesBack) {
  const Reply first = all();
  ASSERT_EQ(first.status, 200) << first.body;
  EXPECT_THAT(header(first, "set-cookie"), HasSubstr("; Max-Age=0;")) << "it is used up";
  const Reply me = fixture.ask("GET", "/api/v1/users/me", {}, text(first, "access_token"));
  ASSERT_EQ(me.status, 200) << me.body;
  EXPECT_EQ(text(me, "email"), "ada@gmail.com");
  EXPECT_EQ(text(me, "auth_provider"), "google");
  EXPECT_FALSE(text(first, "refresh_token").empty());

  provider.claims["email"] = "changed@gmail.com";
  const Reply second = all();
  const Reply again = fixture.ask("GET", "/api/v1/users/me", {}, text(second, "access_token"));
  EXPECT_EQ(text(again, "id"), text(me, "id")) << "known by the subject, not by the address";
}

TEST_F(OauthApi, RefusesWhoDidNotBegin) {
  const Reply started = start();
  const auto callback = provider.agree(header(started, "location"));
  for (const std::string& cookie : {std::string(), std::string("__Host-gesso-sign-in=AAAA"),
                                    std::string("x__Host-gesso-sign-in=") + kept(started)}) {
    const Reply reply = finish(callback, cookie);
    EXPECT_EQ(reply.status, 400);
    EXPECT_EQ(text(reply, "code"), "sign_in_refused");
    EXPECT_EQ(text(reply, "reason"), "not_begun");
  }
  EXPECT_EQ(finish(callback, kept(started)).status, 200);
}

// Not even with a code that is good still: what came back is what the browser sends again.
TEST_F(OauthApi, AStateIsGoodOnce) {
  const Reply started = start();
  const std::string url = header(started, "location");
  EXPECT_EQ(finish(provider.agree(url), kept(started)).status, 200);
  const Reply again = finish(provider.agree(url), kept(started));
  EXPECT_EQ(again.status, 400);
  EXPECT_EQ(text(again, "reason"), "not_begun");
}

TEST_F(OauthApi, WhateverComesOfItTheCookieIsDropped) {
  const auto drops = [&](const Reply& reply) {
    const std::string cookie = header(reply, "set-cookie");
    EXPECT_THAT(cookie, StartsWith("__Host-gesso-sign-in=; Max-Age=0;")) << reply.body;
    for (const char* part : {"; Path=/", "; Secure", "; HttpOnly"}) {
      EXPECT_THAT(cookie, HasSubstr(part)) << "without it a browser takes no __Host- cookie";
    }
  };
  const std::string path = "/api/v1/auth/oauth/google/callback";
  drops(get(path + "?code=x&state=y"));                            // no attempt
  drops(get(path + "?error=access_denied", kept(start())));        // another state
  drops(get(path + "?code=x&state=y", "__Host-gesso-sign-in=A"));  // not our cookie
  const Reply started = start();
  const std::string state = domain::oauth::query_of(header(started, "location"))["state"];
  drops(get(path + "?error=access_denied&state=" + state, kept(started)));
  provider.claims["email_verified"] = false;
  drops(all());  // 403
  provider.claims["email_verified"] = true;
  (void)fixture.token_of("ada@gmail.com");
  drops(all());  // 409
}

struct LinkingApi : OauthApi {
  std::string token = fixture.token_of("bob@example.com");
  static constexpr const char* kProof = R"({"password":"correct horse"})";

  Reply begin_link(const std::string& with_token, const std::string& proof = kProof) {
    return fixture.ask("POST", "/api/v1/users/me/identities/google/link", proof, with_token);
  }
  Reply link(const std::string& with_token) {
    const Reply begun = begin_link(with_token);
    EXPECT_EQ(begun.status, 200) << begun.body;
    return finish(provider.agree(text(begun, "authorization_url")), kept(begun));
  }
  Reply unlink(const std::string& proof = kProof) {
    return fixture.ask("POST", "/api/v1/users/me/identities/google/unlink", proof, token);
  }
  json::value identities() {
    return fixture.ask("GET", "/api/v1/users/me/identities", {}, token).value().at("items");
  }
};

TEST_F(LinkingApi, WhoIsLoggedInLinksAnAccountAndTakesItAway) {
  EXPECT_TRUE(identities().as_array().empty());
  const Reply linked = link(token);
  ASSERT_EQ(linked.status, 201) << linked.body;
  EXPECT_EQ(text(linked, "provider"), "google");
  EXPECT_FALSE(linked.value().as_object().contains("access_token"));
  EXPECT_THAT(header(linked, "set-cookie"), HasSubstr("; Max-Age=0;"));
  ASSERT_EQ(identities().as_array().size(), 1U);
  EXPECT_EQ(identities().at(0).at("may_unlink"), true);  // there is a password

  // From now on it signs Bob in, whatever address it has.
  const Reply signed_in = all();
  ASSERT_EQ(signed_in.status, 200) << signed_in.body;
  const Reply me = fixture.ask("GET", "/api/v1/users/me", {}, text(signed_in, "access_token"));
  EXPECT_EQ(text(me, "email"), "bob@example.com");

  EXPECT_EQ(unlink(R"({"password":"wrong horse"})").status, 403);
  EXPECT_EQ(unlink().status, 204);
  EXPECT_EQ(unlink().status, 404);
  EXPECT_TRUE(identities().as_array().empty());
  EXPECT_EQ(fixture.ask("GET", "/api/v1/users/me", {}, text(signed_in, "access_token")).status, 401)
      << "who came in by it is out";
}

TEST_F(LinkingApi, AsksForAProofAndALogin) {
  EXPECT_EQ(text(begin_link(token, R"({"password":"wrong horse"})"), "code"),
            "reauthentication_failed");
  EXPECT_EQ(begin_link(token, "{}").status, 403);
  const Reply key = fixture.ask("POST", "/api/v1/users/me/api-keys",
                                R"({"name":"k","scopes":["account:write"]})", token);
  const Reply by_key = begin_link(text(key, "key"));
  EXPECT_EQ(by_key.status, 403);
  EXPECT_EQ(text(by_key, "code"), "login_required");
  EXPECT_EQ(text(fixture.ask("POST", "/api/v1/users/me/api-keys",
                             R"({"name":"k","scopes":["account:write"]})", text(key, "key")),
                 "code"),
            "login_required");
  EXPECT_EQ(fixture.ask("POST", "/api/v1/users/me/identities/github/link", kProof, token).status,
            404);
}

TEST_F(LinkingApi, LinksNothingOnceTheLoginHasEnded) {
  const Reply begun = begin_link(token);
  EXPECT_EQ(fixture.ask("POST", "/api/v1/auth/logout", "", token).status, 204);
  const Reply refused = finish(provider.agree(text(begun, "authorization_url")), kept(begun));
  EXPECT_EQ(refused.status, 401);
  EXPECT_EQ(text(all(), "token_type"), "bearer") << "it signs somebody new in";
}

TEST_F(LinkingApi, LinksNoAccountThatIsAnothersAndNoSecondOneOfAProvider) {
  ASSERT_EQ(link(token).status, 201);
  const std::string other = fixture.token_of("cleo@example.com");
  const Reply taken = link(other);
  EXPECT_EQ(taken.status, 409);
  EXPECT_EQ(text(taken, "code"), "identity_taken");
  provider.claims["sub"] = "somebody else";
  const Reply second = link(token);
  EXPECT_EQ(second.status, 409);
  EXPECT_EQ(text(second, "code"), "provider_linked");
}

TEST_F(LinkingApi, TheLastWayInIsNotTakenAway) {
  const Reply signed_in = all();
  token = text(signed_in, "access_token");
  EXPECT_EQ(identities().at(0).at("may_unlink"), false);
  EXPECT_TRUE(identities().at(0).at("linked_at").is_null());
  const Reply refused = unlink("{}");  // the login is a moment old
  EXPECT_EQ(refused.status, 409);
  EXPECT_EQ(text(refused, "code"), "last_login");
}

TEST_F(OauthApi, SaysThatThePersonDeclined) {
  const Reply started = start();
  const std::string state = domain::oauth::query_of(header(started, "location"))["state"];
  const Reply reply =
      get("/api/v1/auth/oauth/google/callback?error=access_denied&state=" + state, kept(started));
  EXPECT_EQ(reply.status, 400);
  EXPECT_EQ(text(reply, "reason"), "cancelled");
}

TEST_F(OauthApi, DoesNotTakeOverAnAccountThatNobodyConfirmed) {
  (void)fixture.token_of("ada@gmail.com");
  const Reply reply = all();
  EXPECT_EQ(reply.status, 409);
  EXPECT_EQ(text(reply, "code"), "email_taken");
}

TEST_F(OauthApi, MakesNoAccountForAnAddressThatTheProviderDoesNotVouchFor) {
  provider.claims["email_verified"] = false;
  const Reply reply = all();
  EXPECT_EQ(reply.status, 403);
  EXPECT_EQ(text(reply, "code"), "email_not_verified");
}

TEST_F(OauthApi, KnowsTheProvidersThatAreSetUp) {
  for (const char* step : {"start", "callback"}) {
    const std::string path = "/api/v1/auth/oauth/github/" + std::string(step);
    EXPECT_EQ(get(path).status, 404);
    EXPECT_EQ(get("/api/v1/auth/oauth/myspace/" + std::string(step)).status, 422);
  }
  fixture.service().services.sign_in = nullptr;
  EXPECT_EQ(start().status, 404);
}

TEST_F(OauthApi, IsUnavailableWhereTheProviderIs) {
  provider.instead["/.well-known/openid-configuration"] = {404, ""};
  const Reply reply = start();
  EXPECT_EQ(reply.status, 503);
  EXPECT_THAT(reply.body, Not(HasSubstr("accounts.google.com"))) << "that is for the log";
}

}  // namespace
}  // namespace gesso::api
