#include "gesso/domain/sessions.hpp"

#include <gtest/gtest.h>

#include "gesso/testing/fake_clock.hpp"
#include "gesso/testing/seeded_random.hpp"

namespace gesso::domain {
namespace {

using namespace std::chrono_literals;
using models::LoginSession;

const models::UserId kUser{"user_01J9ZQ3V7X5R2M8K4T6W0Y1B3C"};

class SessionsTest : public ::testing::Test {
 protected:
  testing::FakeClock clock;
  testing::SeededRandom random;
  IdGenerator ids{clock, random};
  const repositories::RepositoryContext context{.clock = clock, .random = random, .ids = ids};
  SessionRules rules;
  std::vector<LoginSession> sessions;

  SessionToken begin(const ClientInfo& client = {}) {
    return begin_session(sessions, kUser, client, rules, context);
  }
  // What the service computes: the successors by its key and by the one before.
  static std::vector<std::string> successors(const RefreshToken& shown,
                                             std::string_view key = "k") {
    std::vector<std::string> tokens;
    for (const std::string& secret : {hash_token(std::string(key) + shown.text).str(),
                                      hash_token("previous" + shown.text).str()}) {
      tokens.push_back(make_refresh_token(shown.user_id, shown.session_id, secret));
    }
    return tokens;
  }
  std::variant<SessionToken, RefreshFault> refresh(const std::string& text,
                                                   std::string_view key = "k") {
    const auto shown = parse_refresh_token(text);
    return refresh_session(sessions, *shown, successors(*shown, key), {}, rules, clock.now());
  }
  std::string refreshed(const std::string& text) {
    const auto outcome = refresh(text);
    EXPECT_TRUE(std::holds_alternative<SessionToken>(outcome));
    return std::holds_alternative<SessionToken>(outcome)
               ? std::get<SessionToken>(outcome).refresh_token
               : std::string();
  }
  void expect_fault(RefreshFault fault, const std::string& text) {
    const auto outcome = refresh(text);
    ASSERT_TRUE(std::holds_alternative<RefreshFault>(outcome));
    EXPECT_EQ(std::get<RefreshFault>(outcome), fault);
  }
};

TEST_F(SessionsTest, EachRefreshTokenYieldsTheNext) {
  std::string token = begin().refresh_token;
  for (int i = 0; i < 5; ++i) {
    const std::string next = refreshed(token);
    EXPECT_NE(next, token);
    token = next;
    clock.advance(1h);
  }
  EXPECT_EQ(sessions.size(), 1U);
}

TEST_F(SessionsTest, NoTokenIsStored) {
  const std::string token = begin().refresh_token;
  EXPECT_EQ(sessions[0].token_hash, hash_token(token));
  const std::string next = refreshed(token);
  EXPECT_EQ(sessions[0].token_hash, hash_token(next));
  EXPECT_EQ(sessions[0].previous_hash, hash_token(token));
}

TEST_F(SessionsTest, AClientWhoseAnswerWasLostGetsTheSameSuccessor) {
  const std::string token = begin().refresh_token;
  const std::string next = refreshed(token);
  clock.advance(10s);
  EXPECT_EQ(refreshed(token), next);
  EXPECT_EQ(refreshed(token), next);
  EXPECT_EQ(refreshed(next), refreshed(next));  // and goes on with it
}

TEST_F(SessionsTest, AlsoWhereTheServicesKeyChangedInBetween) {
  const std::string token = begin().refresh_token;
  const auto first = refresh(token, "previous");
  const auto second = refresh(token, "a new key");
  EXPECT_EQ(std::get<SessionToken>(second).refresh_token,
            std::get<SessionToken>(first).refresh_token);
}

TEST_F(SessionsTest, UsingATokenAgainLaterEndsTheSession) {
  const std::string token = begin().refresh_token;
  const SessionToken other = begin();
  const std::string next = refreshed(token);
  clock.advance(10s + 1ms);
  expect_fault(RefreshFault::kReused, token);
  expect_fault(RefreshFault::kUnknown, next);  // the family is gone, whoever has it
  EXPECT_EQ(sessions.size(), 1U);
  EXPECT_EQ(sessions[0].id, other.session_id);
}

TEST_F(SessionsTest, ATokenFromBeforeThePreviousOneEndsTheSessionAtOnce) {
  const std::string token = begin().refresh_token;
  refreshed(refreshed(token));
  expect_fault(RefreshFault::kReused, token);
  EXPECT_TRUE(sessions.empty());
}

TEST_F(SessionsTest, ASessionEndsAtAFixedTimeHoweverOftenItIsRefreshed) {
  std::string token = begin().refresh_token;
  for (int day = 0; day < 29; ++day) {
    clock.advance(24h);
    token = refreshed(token);
  }
  clock.advance(24h);
  expect_fault(RefreshFault::kExpired, token);
  EXPECT_TRUE(sessions.empty());
}

TEST_F(SessionsTest, ASessionThatIsNotUsedEndsEarlier) {
  const std::string token = begin().refresh_token;
  clock.advance(14 * 24h);
  expect_fault(RefreshFault::kExpired, token);
}

TEST_F(SessionsTest, TheOneUnusedForLongestMakesRoom) {
  rules.limit = 3;
  const std::string first = begin().refresh_token;
  clock.advance(1min);
  const SessionToken second = begin();
  clock.advance(1min);
  begin();
  clock.advance(1min);
  const std::string used = refreshed(first);
  begin();
  EXPECT_EQ(sessions.size(), 3U);
  expect_fault(RefreshFault::kUnknown, second.refresh_token);
  refreshed(used);
}

TEST_F(SessionsTest, ThoseThatEndedMakeRoomFirst) {
  rules.limit = 2;
  begin();
  clock.advance(13 * 24h);
  const SessionToken alive = begin();
  clock.advance(1 * 24h);
  begin();
  EXPECT_EQ(sessions.size(), 2U);
  EXPECT_EQ(sessions[0].id, alive.session_id);
}

TEST_F(SessionsTest, AreEndedOneByOneOrAllButOne) {
  const SessionToken first = begin();
  const SessionToken second = begin();
  begin();
  EXPECT_TRUE(end_session(sessions, first.session_id));
  EXPECT_FALSE(end_session(sessions, first.session_id));
  EXPECT_EQ(end_sessions_but(sessions, &second.session_id), 1U);
  EXPECT_EQ(sessions.size(), 1U);
  EXPECT_EQ(end_sessions_but(sessions, nullptr), 1U);
}

TEST_F(SessionsTest, SayWhatTheirClientCalledItself) {
  begin({.address = "192.0.2.7", .user_agent = "curl/8"});
  EXPECT_EQ(sessions[0].address, "192.0.2.7");
  EXPECT_EQ(sessions[0].user_agent, "curl/8");
  begin({.address = "", .user_agent = "\xFF not text"});
  EXPECT_FALSE(sessions[1].address);
  EXPECT_FALSE(sessions[1].user_agent);
  begin({.address = "", .user_agent = std::string(199, 'x') + "\xC3\xA9"});
  EXPECT_EQ(sessions[2].user_agent, std::string(199, 'x'));
}

TEST_F(SessionsTest, AreListedTheOneUsedLastFirst) {
  const SessionToken first = begin();
  clock.advance(1min);
  const SessionToken second = begin();
  clock.advance(1min);
  refreshed(first.refresh_token);
  const auto listed = live_sessions(sessions, rules, clock.now());
  ASSERT_EQ(listed.size(), 2U);
  EXPECT_EQ(listed[0].id, first.session_id);
  EXPECT_EQ(listed[1].id, second.session_id);
  EXPECT_TRUE(live_sessions(sessions, rules, clock.now() + 15 * 24h).empty());
}

}  // namespace
}  // namespace gesso::domain
