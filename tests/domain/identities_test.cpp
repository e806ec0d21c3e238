#include "gesso/domain/identities.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <thread>

#include "gesso/domain/passwords.hpp"
#include "gesso/repositories/user_repository.hpp"
#include "tests/domain/account_fixture.hpp"

namespace gesso::domain {
namespace {

using namespace repositories;
using namespace std::chrono_literals;
using models::AuthProvider;
using ::testing::HasSubstr;

class IdentitiesTest : public AccountTest {
 protected:
  const ProviderIdentity google_{.provider = AuthProvider::kGoogle, .subject = "g-1"};
  const ProviderIdentity github_{.provider = AuthProvider::kGithub, .subject = "77"};
  const ProviderIdentity microsoft_{.provider = AuthProvider::kMicrosoft, .subject = "t:1"};

  auto link(const SignedIn& login, const ProviderIdentity& identity) {
    return run([&](mongo::Session& session) {
      return link_identity(services_, session, requester(login), identity);
    });
  }
  bool links(const SignedIn& login, const ProviderIdentity& identity) {
    return std::holds_alternative<Accepted>(link(login, identity));
  }
  auto unlink(const SignedIn& login, AuthProvider provider, const Proof& proof) {
    return unlink_identity(services_, run_, requester(login), proof, provider);
  }
  bool unlinks(const SignedIn& login, AuthProvider provider) {
    return std::holds_alternative<Accepted>(unlink(login, provider, by_password()));
  }
  auto by_provider(const ProviderIdentity& identity) {
    return run([&](mongo::Session& session) {
      return log_in_by_provider(services_, session, identity, client_);
    });
  }
  // Whom the identity logs in.
  std::optional<models::UserId> user_of(const ProviderIdentity& identity) {
    const auto outcome = by_provider(identity);
    if (const auto* login = std::get_if<SignedIn>(&outcome)) return login->user_id;
    return std::nullopt;
  }
  std::vector<LoginProvider> list(const models::UserId& id) {
    return *run(
        [&](mongo::Session& session) { return list_login_providers(services_, session, id); });
  }
  std::vector<AuthProvider> names(const models::UserId& id) {
    std::vector<AuthProvider> names;
    for (const LoginProvider& one : list(id)) names.push_back(one.provider);
    return names;
  }
};

TEST_F(IdentitiesTest, SeveralProvidersLogOneUserIn) {
  registered("ada@example.com");
  const SignedIn login = logged_in("ada@example.com");
  EXPECT_TRUE(list(login.user_id).empty());
  mails();
  for (const ProviderIdentity* identity : {&google_, &github_, &microsoft_}) {
    EXPECT_EQ(user_of(*identity), std::nullopt);
    EXPECT_TRUE(links(login, *identity));
    EXPECT_EQ(user_of(*identity), login.user_id);
  }
  EXPECT_EQ(names(login.user_id),
            (std::vector{AuthProvider::kGoogle, AuthProvider::kGithub, AuthProvider::kMicrosoft}));
  EXPECT_EQ(list(login.user_id)[1].linked_at, clock_.now());
  const auto sent = mails();
  ASSERT_EQ(sent.size(), 3U) << "the user is told of each";
  EXPECT_THAT(sent[0].text, HasSubstr("another provider's account"));
  EXPECT_TRUE(links(login, github_)) << "safe to repeat";
  EXPECT_EQ(list(login.user_id).size(), 3U);
  EXPECT_TRUE(mails().empty());
}

TEST_F(IdentitiesTest, AnIdentityIsOneUsersOnly) {
  registered("ada@example.com");
  registered("bob@example.com");
  const SignedIn ada = logged_in("ada@example.com");
  const SignedIn bob = logged_in("bob@example.com");
  EXPECT_TRUE(links(bob, microsoft_));
  EXPECT_TRUE(links(ada, google_));
  EXPECT_TRUE(links(ada, github_));
  // Neither the first one of another user nor a later one.
  EXPECT_TRUE(std::holds_alternative<IdentityTaken>(link(bob, google_)));
  EXPECT_TRUE(std::holds_alternative<IdentityTaken>(link(bob, github_)));
  EXPECT_EQ(user_of(github_), ada.user_id);
}

TEST_F(IdentitiesTest, OfTwoUsersWhoLinkItAtOnceOneGetsIt) {
  std::vector<SignedIn> logins;
  for (const char* email : {"ada@example.com", "bob@example.com"}) {
    registered(email);
    logins.push_back(logged_in(email));
  }
  EXPECT_TRUE(links(logins[0], {.provider = AuthProvider::kGoogle, .subject = "a"}));
  EXPECT_TRUE(links(logins[1], {.provider = AuthProvider::kGoogle, .subject = "b"}));
  std::array<std::atomic<int>, 2> linked{};
  {
    std::vector<std::jthread> threads;
    for (std::size_t i = 0; i < 8; ++i) {
      threads.emplace_back([&, who = i % 2] {
        if (links(logins.at(who), github_)) ++linked.at(who);
      });
    }
  }
  // Of one user's requests one may be refused while the other user's claim stands; none of the
  // other user's is told that it succeeded.
  const std::size_t winner = linked[0] > 0 ? 0 : 1;
  EXPECT_GE(linked.at(winner), 1);
  EXPECT_EQ(linked.at(1 - winner), 0);
  EXPECT_EQ(list(logins[0].user_id).size() + list(logins[1].user_id).size(), 3U);
  EXPECT_TRUE(links(logins.at(winner), github_)) << "the same user may, as often as wanted";
  EXPECT_FALSE(links(logins.at(1 - winner), github_));
}

TEST_F(IdentitiesTest, OneOfEachProvider) {
  registered("ada@example.com");
  const SignedIn ada = logged_in("ada@example.com");
  EXPECT_TRUE(links(ada, google_));
  EXPECT_TRUE(links(ada, github_));
  for (const AuthProvider provider : {AuthProvider::kGoogle, AuthProvider::kGithub}) {
    EXPECT_TRUE(std::holds_alternative<ProviderIsLinked>(
        link(ada, {.provider = provider, .subject = "another"})));
  }
  EXPECT_TRUE(unlinks(ada, AuthProvider::kGoogle));
  EXPECT_TRUE(links(ada, {.provider = AuthProvider::kGoogle, .subject = "another"}));
  EXPECT_EQ(user_of(google_), std::nullopt);
}

TEST_F(IdentitiesTest, IsLinkedByWhoIsLoggedInOnly) {
  const models::User ada = registered("ada@example.com");
  const SignedIn ended = logged_in("ada@example.com");
  run([&](mongo::Session& session) {
    return end_session(services_, session, ada.id, ended.session.session_id);
  });
  EXPECT_TRUE(std::holds_alternative<NoSuchUser>(link(ended, google_)));
  const SignedIn old = logged_in("ada@example.com");
  clock_.advance(31 * 24h);
  EXPECT_TRUE(std::holds_alternative<NoSuchUser>(link(old, google_)));
  const SignedIn login = logged_in("ada@example.com");
  const auto with_key = run([&](mongo::Session& session) {
    return link_identity(services_, session, {.user_id = ada.id}, google_);
  });
  EXPECT_TRUE(std::holds_alternative<NoSuchUser>(with_key));
  with<UserRepository>([&](UserRepository users) { users.deactivate(ada.id); });
  EXPECT_TRUE(std::holds_alternative<NoSuchUser>(link(login, google_)));
  EXPECT_TRUE(names(ada.id).empty());
}

TEST_F(IdentitiesTest, UnlinkingEndsWhatCameInByIt) {
  registered("ada@example.com");
  const SignedIn login = logged_in("ada@example.com");
  EXPECT_TRUE(links(login, google_));
  EXPECT_TRUE(links(login, github_));
  const auto by_github = std::get<SignedIn>(by_provider(github_));
  mails();
  EXPECT_TRUE(std::holds_alternative<NotProven>(
      unlink(login, AuthProvider::kGithub, by_password("wrong horse"))));
  EXPECT_TRUE(is_admitted(by_github.access_token));
  EXPECT_TRUE(unlinks(login, AuthProvider::kGithub));
  EXPECT_FALSE(is_admitted(by_github.access_token));
  EXPECT_TRUE(is_admitted(login.access_token));
  EXPECT_EQ(user_of(github_), std::nullopt);
  EXPECT_EQ(mails().size(), 1U);
  EXPECT_TRUE(
      std::holds_alternative<NotLinkedHere>(unlink(login, AuthProvider::kGithub, by_password())));
  // Where the first one goes, the next one takes its place.
  EXPECT_TRUE(links(login, microsoft_));
  EXPECT_TRUE(unlinks(login, AuthProvider::kGoogle));
  EXPECT_EQ(user_of(microsoft_), login.user_id);
  EXPECT_EQ(names(login.user_id), std::vector{AuthProvider::kMicrosoft});
  EXPECT_TRUE(unlinks(login, AuthProvider::kMicrosoft));
  EXPECT_TRUE(names(login.user_id).empty());
  logged_in("ada@example.com");
}

TEST_F(IdentitiesTest, TheLastWayInStays) {
  const auto login = std::get<SignedIn>(by_provider(
      {.provider = AuthProvider::kGoogle, .subject = "g-1", .email = "ada@example.com"}));
  EXPECT_FALSE(list(login.user_id)[0].may_unlink);
  EXPECT_TRUE(std::holds_alternative<LastWayIn>(unlink(login, AuthProvider::kGoogle, Proof{})));
  EXPECT_EQ(user_of(google_), login.user_id);
  // Another provider will do,
  EXPECT_TRUE(links(login, github_));
  EXPECT_TRUE(list(login.user_id)[0].may_unlink);
  EXPECT_TRUE(std::holds_alternative<Accepted>(unlink(login, AuthProvider::kGoogle, Proof{})));
  EXPECT_TRUE(std::holds_alternative<LastWayIn>(unlink(login, AuthProvider::kGithub, Proof{})));
  // and so will a password.
  (void)change_password(services_, run_, requester(login), Proof{}, schema::Password(kPassword));
  EXPECT_TRUE(std::holds_alternative<NotProven>(unlink(login, AuthProvider::kGithub, Proof{})));
  EXPECT_TRUE(unlinks(login, AuthProvider::kGithub));
  logged_in("ada@example.com");
}

// Of two who each take one away at once the second one decides anew.
TEST_F(IdentitiesTest, TheLastWayInStaysHoweverManyAreTakenAwayAtOnce) {
  const auto login = std::get<SignedIn>(by_provider(
      {.provider = AuthProvider::kGoogle, .subject = "g-1", .email = "ada@example.com"}));
  EXPECT_TRUE(links(login, github_));
  EXPECT_TRUE(links(login, microsoft_));
  {
    std::vector<std::jthread> threads;
    for (const AuthProvider provider :
         {AuthProvider::kGoogle, AuthProvider::kGithub, AuthProvider::kMicrosoft}) {
      threads.emplace_back([&, provider] { (void)unlink(login, provider, Proof{}); });
    }
  }
  EXPECT_EQ(list(login.user_id).size(), 1U);
}

}  // namespace
}  // namespace gesso::domain
