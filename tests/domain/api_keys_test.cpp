#include "gesso/domain/api_keys.hpp"

#include <gtest/gtest.h>

#include "gesso/domain/user_administration.hpp"
#include "gesso/repositories/user_repository.hpp"
#include "tests/domain/account_fixture.hpp"

namespace gesso::domain {
namespace {

using namespace repositories;
using namespace std::chrono_literals;
using models::Scope;
using models::Scopes;
using models::User;

class ApiKeysTest : public AccountTest {
 protected:
  const models::SessionId session_ = models::SessionId::next(ids_);

  auto create(const models::UserId& id, const NewApiKey& request,
              Scopes allowed = models::kUserScopes) {
    return run([&](mongo::Session& session) {
      return create_api_key(services_, session, {.user_id = id, .session_id = session_}, allowed,
                            request);
    });
  }
  CreatedApiKey created(const models::UserId& id,
                        const NewApiKey& request = {"ci", {Scope::kGenerationsRead}, {}}) {
    return std::get<CreatedApiKey>(create(id, request));
  }
  std::vector<models::ApiKey> list(const models::UserId& id) {
    return *run([&](mongo::Session& session) { return list_api_keys(services_, session, id); });
  }
  bool revoke(const models::UserId& id, const models::ApiKeyId& key) {
    return run([&](mongo::Session& session) {
      return revoke_api_key(services_, session, {.user_id = id}, key);
    });
  }
};

// Another key would outlive the end of the first one, and its revocation.
TEST_F(ApiKeysTest, AKeyMakesNoOtherKey) {
  const User ada = registered("ada@example.com");
  const auto outcome = run([&](mongo::Session& session) {
    return create_api_key(services_, session, {.user_id = ada.id}, models::kUserScopes,
                          {"more", {Scope::kAccountRead}, {}});
  });
  EXPECT_TRUE(std::holds_alternative<LoginNeeded>(outcome));
  EXPECT_TRUE(list(ada.id).empty());
}

TEST_F(ApiKeysTest, AKeyIsGoodForItsScopes) {
  const User ada = registered("ada@example.com");
  const CreatedApiKey key =
      created(ada.id, {"ci", {Scope::kUsageRead, Scope::kGenerationsRead, Scope::kUsageRead}, {}});
  EXPECT_TRUE(key.secret.starts_with(key.key.prefix.str()));
  const auto identity = std::get<Identity>(admitted(key.secret));
  EXPECT_EQ(identity.user_id, ada.id);
  EXPECT_EQ(identity.api_key_id, key.key.id);
  EXPECT_FALSE(identity.session_id);
  EXPECT_EQ(identity.scopes, (Scopes{Scope::kGenerationsRead, Scope::kUsageRead}));
  EXPECT_EQ(list(ada.id)[0].scopes,
            (std::vector<Scope>{Scope::kGenerationsRead, Scope::kUsageRead}));
}

TEST_F(ApiKeysTest, TheKeyItselfIsNotStored) {
  const User ada = registered("ada@example.com");
  const CreatedApiKey key = created(ada.id);
  const User stored =
      *with<UserRepository>([&](UserRepository users) { return users.find_by_id(ada.id); });
  const std::string secret = key.secret.substr(key.secret.size() - 43);
  EXPECT_EQ(bson::to_json(schema::to_bson(stored)).find(secret), std::string::npos);
  EXPECT_EQ(schema::to_json(stored).find("api_keys"), std::string::npos);
  EXPECT_EQ(schema::to_json(key.key).find(key.key.hash.str()), std::string::npos);
}

TEST_F(ApiKeysTest, AnotherKeyOfTheUsersOrAnothersKeyIsNotGood) {
  const User ada = registered("ada@example.com");
  const User bob = registered("bob@example.com");
  const std::string secret = created(ada.id).secret;
  std::string changed = secret;
  changed.back() = changed.back() == 'A' ? 'B' : 'A';
  EXPECT_FALSE(is_admitted(changed));
  std::string of_bob = make_api_key(bob.id, random_).text;
  of_bob.replace(of_bob.size() - 43, 43, secret.substr(secret.size() - 43));
  EXPECT_FALSE(is_admitted(of_bob));
  EXPECT_FALSE(is_admitted("gk_nonsense"));
}

TEST_F(ApiKeysTest, AKeyMayDoNoMoreThanItsMaker) {
  const User ada = registered("ada@example.com");
  const auto refused = create(ada.id, {"x", {Scope::kUsageRead, Scope::kAdmin}, {}});
  EXPECT_EQ(std::get<ScopeNotAllowed>(refused).scope, Scope::kAdmin);
  const auto by_key = create(ada.id, {"x", {Scope::kUsageRead}, {}}, Scopes{Scope::kAccountWrite});
  EXPECT_EQ(std::get<ScopeNotAllowed>(by_key).scope, Scope::kUsageRead);
  EXPECT_TRUE(list(ada.id).empty());
}

TEST_F(ApiKeysTest, NorMoreThanItsUserMayDoNow) {
  const User root = registered("root@example.com");
  const User ada = registered("ada@example.com");
  const auto set = [&](models::UserRole role) {
    (void)run([&](mongo::Session& session) {
      return set_role(services_, session, root.id, ada.id, role);
    });
  };
  set(models::UserRole::kAdmin);
  const auto made = create(ada.id, {"x", {Scope::kAdmin, Scope::kUsageRead}, {}},
                           scopes_of(models::UserRole::kAdmin));
  const std::string secret = std::get<CreatedApiKey>(made).secret;
  EXPECT_TRUE(std::get<Identity>(admitted(secret)).scopes.has(Scope::kAdmin));
  set(models::UserRole::kUser);
  EXPECT_EQ(std::get<Identity>(admitted(secret)).scopes, Scopes{Scope::kUsageRead});
}

TEST_F(ApiKeysTest, ARevokedOrExpiredKeyAndOneOfALockedOutUserAreOutAtOnce) {
  const User ada = registered("ada@example.com");
  const CreatedApiKey revoked = created(ada.id);
  EXPECT_TRUE(revoke(ada.id, revoked.key.id));
  EXPECT_FALSE(revoke(ada.id, revoked.key.id));
  EXPECT_FALSE(is_admitted(revoked.secret));

  const CreatedApiKey expires = created(ada.id, {"short", {Scope::kUsageRead}, clock_.now() + 1h});
  EXPECT_TRUE(is_admitted(expires.secret));
  clock_.advance(1h);
  EXPECT_FALSE(is_admitted(expires.secret));

  const CreatedApiKey lasting = created(ada.id);
  with<UserRepository>([&](UserRepository users) { users.deactivate(ada.id); });
  EXPECT_FALSE(is_admitted(lasting.secret));
  with<UserRepository>([&](UserRepository users) { users.reactivate(ada.id); });
  EXPECT_TRUE(is_admitted(lasting.secret));  // it rested
}

TEST_F(ApiKeysTest, SomeoneElsesKeyIsNotRevoked) {
  const User ada = registered("ada@example.com");
  const User bob = registered("bob@example.com");
  const CreatedApiKey key = created(ada.id);
  EXPECT_FALSE(revoke(bob.id, key.key.id));
  EXPECT_TRUE(is_admitted(key.secret));
}

TEST_F(ApiKeysTest, ThereAreTwentyAtMost) {
  const User ada = registered("ada@example.com");
  for (int i = 0; i < 19; ++i) created(ada.id);
  created(ada.id, {"short", {Scope::kUsageRead}, clock_.now() + 1h});
  EXPECT_EQ(std::get<TooManyKeys>(create(ada.id, {"x", {Scope::kUsageRead}, {}})).limit, 20U);
  clock_.advance(1h);  // one that has ended makes room
  created(ada.id, {"last", {Scope::kUsageRead}, {}});
  EXPECT_EQ(list(ada.id).size(), 20U);
  EXPECT_EQ(list(ada.id)[0].name, "last");
}

TEST_F(ApiKeysTest, AKeyForNothingOrForThePastIsRefused) {
  const User ada = registered("ada@example.com");
  EXPECT_EQ(to_string(error_of([&] {
                        (void)create(ada.id, {"x", {}, {}});
                      })
                          .violations()[0]
                          .path),
            "scopes");
  EXPECT_EQ(to_string(error_of([&] {
                        (void)create(ada.id, {"x", {Scope::kUsageRead}, clock_.now()});
                      })
                          .violations()[0]
                          .path),
            "expires_at");
}

TEST_F(ApiKeysTest, WhenItWasUsedIsWrittenOnceAMinute) {
  const User ada = registered("ada@example.com");
  const CreatedApiKey key = created(ada.id);
  const auto writes = [&] {
    Database::get().start_recording();
    EXPECT_TRUE(is_admitted(key.secret));
    std::size_t count = 0;
    for (const SentCommand& sent : Database::get().stop_recording()) count += sent.name == "update";
    return count;
  };
  EXPECT_FALSE(list(ada.id)[0].last_used_at);
  const Time first = clock_.now();
  EXPECT_EQ(writes(), 1U);
  EXPECT_EQ(list(ada.id)[0].last_used_at, first);
  clock_.advance(59s);
  EXPECT_EQ(writes(), 0U);
  clock_.advance(1s);
  EXPECT_EQ(writes(), 1U);
  EXPECT_EQ(list(ada.id)[0].last_used_at, first + 60s);
}

TEST_F(ApiKeysTest, ARequestCostsOneReadById) {
  const User ada = registered("ada@example.com");
  const SignedIn login = logged_in("ada@example.com");
  Database::get().start_recording();
  EXPECT_TRUE(is_admitted(login.access_token));
  const auto sent = Database::get().stop_recording();
  ASSERT_EQ(sent.size(), 1U);
  EXPECT_EQ(sent[0].name, "find");
  const bson::View filter = sent[0].command["filter"].as_document();
  EXPECT_EQ(std::distance(filter.begin(), filter.end()), 1);
  EXPECT_EQ(filter["_id"].as_string(), ada.id.str());
  EXPECT_EQ(sent[0].command["projection"].as_document()["login_sessions.token_hash"].type(),
            bson::Type::kMissing);
}

TEST_F(ApiKeysTest, WhatIsNeitherTokenNorKeyIsRefusedBeforeTheDatabaseIsAsked) {
  EXPECT_EQ(std::get<AdmissionFault>(admitted("nonsense")), AdmissionFault::kMalformed);
  const Tokens other{Secret(std::string_view("another key of thirty-two bytes or so")), 1h, clock_};
  const TokenClaims claims{.subject = "user_1", .session_id = "ses_1", .token_id = ""};
  EXPECT_EQ(std::get<AdmissionFault>(admitted(other.issue(TokenUse::kAccess, claims))),
            AdmissionFault::kSignature);
  EXPECT_EQ(std::get<AdmissionFault>(admitted(tokens_.issue(TokenUse::kAccess, claims))),
            AdmissionFault::kEnded);
  const TokenClaims strange{.subject = "gen_1", .session_id = "ses_1", .token_id = ""};
  EXPECT_EQ(std::get<AdmissionFault>(admitted(tokens_.issue(TokenUse::kAccess, strange))),
            AdmissionFault::kMalformed);
}

TEST_F(ApiKeysTest, AnAdministratorDoesNotLockHimselfOut) {
  const User root = registered("root@example.com");
  run([&](mongo::Session& session) {
    EXPECT_TRUE(std::holds_alternative<NotYourself>(
        set_active(services_, session, root.id, root.id, false)));
    EXPECT_TRUE(std::holds_alternative<NotYourself>(
        set_role(services_, session, root.id, root.id, models::UserRole::kUser)));
    EXPECT_TRUE(std::holds_alternative<NoSuchUser>(
        set_active(services_, session, root.id, "user_nobody", false)));
  });
}

}  // namespace
}  // namespace gesso::domain
