#include "gesso/domain/sign_in.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "gesso/repositories/user_repository.hpp"
#include "tests/domain/account_fixture.hpp"

namespace gesso::domain {
namespace {

using namespace repositories;
using namespace std::chrono_literals;
using models::User;

class SignInTest : public AccountTest {
 protected:
  void set_active(const models::UserId& id, bool active) {
    with<UserRepository>([&](UserRepository users) {
      EXPECT_TRUE(active ? users.reactivate(id) : users.deactivate(id));
    });
  }
  SignedIn next(const std::string& token) { return std::get<SignedIn>(refreshed(token)); }
  RefreshFault fault(const std::string& token) { return std::get<RefreshFault>(refreshed(token)); }
  auto by_provider(const ProviderIdentity& identity) {
    return run([&](mongo::Session& session) {
      return log_in_by_provider(services_, session, identity, client_);
    });
  }
};

TEST_F(SignInTest, ThePasswordOpensASession) {
  const User ada = registered("ada@example.com");
  const SignedIn login = logged_in("Ada@example.com");
  EXPECT_EQ(login.user_id, ada.id);
  EXPECT_EQ(login.access_lifetime, 15min);
  const auto identity = std::get<Identity>(admitted(login.access_token));
  EXPECT_EQ(identity.user_id, ada.id);
  EXPECT_EQ(identity.session_id, login.session.session_id);
  EXPECT_NE(logged_in("ada@example.com").session.session_id, login.session.session_id);
}

TEST_F(SignInTest, WhoIsWrongWhoIsUnknownAndWhoIsLockedOutGetTheSameAnswer) {
  const User ada = registered("ada@example.com");
  EXPECT_TRUE(std::holds_alternative<WrongCredentials>(try_log_in("ada@example.com", "other")));
  EXPECT_TRUE(std::holds_alternative<WrongCredentials>(try_log_in("bob@example.com")));
  set_active(ada.id, false);
  EXPECT_TRUE(std::holds_alternative<WrongCredentials>(try_log_in("ada@example.com")));
}

TEST_F(SignInTest, IsLimitedByAccountAndNetworkBeforeAnythingIsHashed) {
  registered("ada@example.com");
  limits_.refused = Attempt::kPassword;
  EXPECT_TRUE(std::holds_alternative<TooManyAttempts>(try_log_in("ada@example.com")));
  EXPECT_EQ(limits_.asked.back(), (ScriptedLimits::Asked{Attempt::kPassword, "ada@example.com",
                                                         "192.0.2.7", Network::kStrange}));
  limits_.refused.reset();
  logged_in("ada@example.com");
  logged_in("ada@example.com");
  EXPECT_EQ(limits_.asked.back().familiarity, Network::kFamiliar);
  (void)log_in(services_, run_, "ada@example.com", Secret(std::string_view(kPassword)),
               {.address = "192.0.2.8"});
  EXPECT_EQ(limits_.asked.back().familiarity, Network::kStrange);
}

TEST_F(SignInTest, MayWaitForTheAddress) {
  services_.settings.require_verified_email = true;
  (void)try_register("ada@example.com");
  const std::string token = token_in(mails()[0]);
  EXPECT_TRUE(std::holds_alternative<EmailNotConfirmed>(try_log_in("ada@example.com")));
  EXPECT_TRUE(std::holds_alternative<WrongCredentials>(try_log_in("ada@example.com", "other")));
  (void)run(
      [&](mongo::Session& session) { return confirm_email(services_, session, token, client_); });
  logged_in("ada@example.com");
}

TEST_F(SignInTest, ARefreshTokenYieldsNewTokens) {
  registered("ada@example.com");
  const SignedIn login = logged_in("ada@example.com");
  clock_.advance(16min);
  EXPECT_FALSE(is_admitted(login.access_token));
  const SignedIn later = next(login.session.refresh_token);
  EXPECT_TRUE(is_admitted(later.access_token));
  EXPECT_EQ(later.session.session_id, login.session.session_id);
  EXPECT_NE(later.session.refresh_token, login.session.refresh_token);
  // The answer was lost: the same again, for a few seconds.
  EXPECT_EQ(next(login.session.refresh_token).session.refresh_token, later.session.refresh_token);
}

TEST_F(SignInTest, ReuseOfARefreshTokenEndsTheSessionForBoth) {
  registered("ada@example.com");
  const SignedIn login = logged_in("ada@example.com");
  const SignedIn other = logged_in("ada@example.com");
  const SignedIn later = next(login.session.refresh_token);
  clock_.advance(11s);
  EXPECT_EQ(fault(login.session.refresh_token), RefreshFault::kReused);
  EXPECT_EQ(fault(later.session.refresh_token), RefreshFault::kUnknown);
  EXPECT_FALSE(is_admitted(later.access_token));
  EXPECT_TRUE(is_admitted(other.access_token));
}

// The ids of a user and a session are no secrets: they stand in access tokens and in lists.
TEST_F(SignInTest, WhoKnowsTheIdsAloneEndsNobodysSession) {
  registered("ada@example.com");
  const SignedIn login = logged_in("ada@example.com");
  const std::string forged =
      make_refresh_token(login.user_id, login.session.session_id, random_secret(random_));
  const SignedIn other = logged_in("ada@example.com");
  const std::string proof_of_another =
      other.session.refresh_token.substr(other.session.refresh_token.find('.'));
  for (const std::string& text : {forged, forged + proof_of_another, forged + "."}) {
    EXPECT_EQ(fault(text), RefreshFault::kUnknown) << text;
  }
  EXPECT_TRUE(is_admitted(login.access_token));
  next(login.session.refresh_token);
}

TEST_F(SignInTest, ATokenFromBeforeThereWereProofsIsGoodUntilItIsUsed) {
  registered("ada@example.com");
  const std::string sealed = logged_in("ada@example.com").session.refresh_token;
  const std::string old = sealed.substr(0, sealed.find('.'));
  const SignedIn later = next(old);
  EXPECT_NE(later.session.refresh_token.find('.'), std::string::npos);
  EXPECT_EQ(next(old).session.refresh_token, later.session.refresh_token) << "its answer was lost";
  clock_.advance(11s);
  EXPECT_EQ(fault(old), RefreshFault::kReused) << "it is known by its hash";
  EXPECT_FALSE(is_admitted(later.access_token));
}

TEST_F(SignInTest, ReuseIsFoundAlsoWhereTheTokenIsOfTheKeyBefore) {
  registered("ada@example.com");
  const SignedIn login = logged_in("ada@example.com");
  const SignedIn later = next(next(login.session.refresh_token).session.refresh_token);
  const auto key = [] { return Secret(std::string_view("a key of thirty-two bytes or more")); };
  const auto new_key = [] {
    return Secret(std::string_view("another key of thirty-two bytes or so"));
  };
  const auto shown_to = [&](const Tokens& tokens, const std::string& token) {
    const AccountServices services{
        .context = context_, .tokens = tokens, .mail = mail_, .limits = limits_, .run = run_};
    return run([&](mongo::Session& session) { return refresh(services, session, token, client_); });
  };
  // Where that key is gone, it is not known any more whether the oldest one was given out,
  const Tokens renewed{new_key(), std::nullopt, {}, clock_};
  EXPECT_EQ(std::get<RefreshFault>(shown_to(renewed, login.session.refresh_token)),
            RefreshFault::kUnknown);
  EXPECT_TRUE(is_admitted(later.access_token));
  // and nobody is logged out for it.
  const auto last =
      std::get<SignedIn>(shown_to(renewed, later.session.refresh_token)).session.refresh_token;
  const Tokens rotated{new_key(), key(), {}, clock_};
  EXPECT_EQ(std::get<RefreshFault>(shown_to(rotated, login.session.refresh_token)),
            RefreshFault::kReused);
  EXPECT_EQ(std::get<RefreshFault>(shown_to(rotated, last)), RefreshFault::kUnknown);
}

TEST_F(SignInTest, OfManyWhoRefreshAtOnceAllGetTheOneSuccessor) {
  registered("ada@example.com");
  const SignedIn login = logged_in("ada@example.com");
  std::vector<std::string> successors(8);
  {
    std::vector<std::jthread> threads;
    for (std::string& successor : successors) {
      threads.emplace_back([&] {
        const auto outcome = refreshed(login.session.refresh_token);
        if (const auto* got = std::get_if<SignedIn>(&outcome)) {
          successor = got->session.refresh_token;
        }
      });
    }
  }
  EXPECT_FALSE(successors[0].empty());
  EXPECT_THAT(successors, ::testing::Each(successors[0]));
  next(successors[0]);
}

// Nobody keeps another from refreshing by wrong tokens in his name (ASVS 6.1.1).
TEST_F(SignInTest, RefreshingIsLimitedByNetworkAndByNoAccount) {
  registered("ada@example.com");
  const SignedIn login = logged_in("ada@example.com");
  (void)refreshed(
      make_refresh_token(login.user_id, models::SessionId::next(ids_), random_secret(random_)));
  EXPECT_EQ(limits_.asked.back(),
            (ScriptedLimits::Asked{Attempt::kToken, "", "192.0.2.7", Network::kStrange}));
  limits_.refused = Attempt::kToken;
  EXPECT_TRUE(std::holds_alternative<TooManyAttempts>(refreshed(login.session.refresh_token)));
}

TEST_F(SignInTest, WhatIsNoRefreshTokenFindsNothing) {
  const User ada = registered("ada@example.com");
  const SignedIn login = logged_in("ada@example.com");
  for (const std::string& text :
       {std::string(), std::string("gr_x"), login.access_token,
        make_refresh_token("user_nobody", login.session.session_id, random_secret(random_))}) {
    EXPECT_EQ(fault(text), RefreshFault::kUnknown) << text;
  }
  EXPECT_TRUE(is_admitted(login.access_token));
}

TEST_F(SignInTest, SessionsAreListedAndEnded) {
  const User ada = registered("ada@example.com");
  const SignedIn first = logged_in("ada@example.com");
  const SignedIn second = logged_in("ada@example.com");
  const SignedIn third = logged_in("ada@example.com");
  const auto list = [&] {
    return run([&](mongo::Session& session) { return list_sessions(services_, session, ada.id); });
  };
  EXPECT_EQ(list()->size(), 3U);
  EXPECT_EQ(list()->front().user_agent, "curl/8");
  run([&](mongo::Session& session) {
    EXPECT_TRUE(end_session(services_, session, ada.id, first.session.session_id));
    EXPECT_FALSE(end_session(services_, session, ada.id, first.session.session_id));
    EXPECT_EQ(end_other_sessions(services_, session, ada.id, second.session.session_id), 1U);
  });
  EXPECT_FALSE(is_admitted(first.access_token));
  EXPECT_TRUE(is_admitted(second.access_token));
  EXPECT_FALSE(is_admitted(third.access_token));
  EXPECT_EQ(fault(third.session.refresh_token), RefreshFault::kUnknown);
}

TEST_F(SignInTest, LoggingOutByRefreshTokenNeedsAGoodOne) {
  registered("ada@example.com");
  const SignedIn login = logged_in("ada@example.com");
  const auto out = [&](const std::string& token) {
    run([&](mongo::Session& session) { log_out(services_, session, token); });
  };
  out(make_refresh_token(login.user_id, login.session.session_id, random_secret(random_)));
  EXPECT_TRUE(is_admitted(login.access_token));
  out(login.session.refresh_token);
  EXPECT_FALSE(is_admitted(login.access_token));
}

TEST_F(SignInTest, WhoIsLockedOutIsOutAtOnceEverywhereAndStaysOutOfOldSessions) {
  const User ada = registered("ada@example.com");
  const SignedIn login = logged_in("ada@example.com");
  set_active(ada.id, false);
  EXPECT_FALSE(is_admitted(login.access_token));
  EXPECT_EQ(fault(login.session.refresh_token), RefreshFault::kUnknown);
  set_active(ada.id, true);
  EXPECT_FALSE(is_admitted(login.access_token));
  EXPECT_EQ(fault(login.session.refresh_token), RefreshFault::kUnknown);
  logged_in("ada@example.com");
}

TEST_F(SignInTest, TokensOutliveAChangeOfTheServicesKey) {
  registered("ada@example.com");
  const SignedIn login = logged_in("ada@example.com");
  const SignedIn later = next(login.session.refresh_token);
  const Tokens rotated{Secret(std::string_view("another key of thirty-two bytes or so")),
                       Secret(std::string_view("a key of thirty-two bytes or more")),
                       {},
                       clock_};
  const AccountServices services{
      .context = context_, .tokens = rotated, .mail = mail_, .limits = limits_, .run = run_};
  const auto again = run([&](mongo::Session& session) {
    return refresh(services, session, login.session.refresh_token, client_);
  });
  const auto without_proof = [](const SignedIn& signed_in) {
    return signed_in.session.refresh_token.substr(0, signed_in.session.refresh_token.find('.'));
  };
  EXPECT_EQ(without_proof(std::get<SignedIn>(again)), without_proof(later));
  EXPECT_TRUE(std::holds_alternative<Credential>(read_credential(rotated, login.access_token)));
}

TEST_F(SignInTest, AProviderMakesAUserOnceAndFindsItBySubject) {
  const ProviderIdentity ada{.provider = models::AuthProvider::kGoogle,
                             .subject = "1234",
                             .email = "ada@example.com",
                             .full_name = "Ada"};
  const auto first = std::get<SignedIn>(by_provider(ada));
  EXPECT_TRUE(account(first.user_id).is_verified);
  // The address changed at the provider, or is not told any more: the subject counts.
  const auto again = by_provider({.provider = ada.provider, .subject = ada.subject});
  EXPECT_EQ(std::get<SignedIn>(again).user_id, first.user_id);
  // The same subject at another provider is somebody else.
  EXPECT_TRUE(std::holds_alternative<NoEmail>(
      by_provider({.provider = models::AuthProvider::kGithub, .subject = "1234"})));
  // Nobody logs in by password who has none.
  EXPECT_TRUE(std::holds_alternative<WrongCredentials>(try_log_in("ada@example.com")));
}

TEST_F(SignInTest, AProviderIsLinkedOnlyWhereBothConfirmedTheAddress) {
  const ProviderIdentity identity{
      .provider = models::AuthProvider::kGoogle, .subject = "1234", .email = "ada@example.com"};
  const User ada = registered("ada@example.com");
  EXPECT_TRUE(std::holds_alternative<NotLinked>(by_provider(identity)));
  with<UserRepository>([&](UserRepository users) { users.mark_as_verified(ada.id); });
  EXPECT_EQ(std::get<SignedIn>(by_provider(identity)).user_id, ada.id);
  logged_in("ada@example.com");  // the password stays good
  // A second provider with that address has to be linked by who is logged in.
  EXPECT_TRUE(std::holds_alternative<NotLinked>(by_provider(
      {.provider = models::AuthProvider::kGithub, .subject = "77", .email = "ada@example.com"})));
  set_active(ada.id, false);
  EXPECT_TRUE(std::holds_alternative<WrongCredentials>(by_provider(identity)));
}

}  // namespace
}  // namespace gesso::domain
