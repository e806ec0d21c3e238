#include "gesso/azure/token_fsm.hpp"

#include <gtest/gtest.h>

namespace gesso::azure {
namespace {

using namespace std::chrono_literals;
using enum TokenFsm::Action;
using Moment = TokenFsm::Moment;

const Moment kStart = Moment{} + 24h;

// A machine that was given a token of an hour at kStart, without jitter.
TokenFsm with_token(std::chrono::milliseconds life = 1h, TokenFsm::Options options = {}) {
  TokenFsm machine(options);
  EXPECT_EQ(machine.ask(kStart, false), kFetch);
  machine.fetched(kStart, life, life / 2, 0);
  return machine;
}

TEST(TokenFsm, FetchesOnceForAllWhoAsk) {
  TokenFsm machine({});
  EXPECT_EQ(machine.next(), Moment::max()) << "nobody has asked yet";
  EXPECT_EQ(machine.ask(kStart, false), kFetch);
  EXPECT_EQ(machine.ask(kStart, false), kWait);
  EXPECT_EQ(machine.ask(kStart, true), kWait);
  machine.fetched(kStart, 1h, 30min, 0);
  EXPECT_EQ(machine.ask(kStart, false), kServe);
}

TEST(TokenFsm, IsDueAtHalfLifeAndServesTheOldTokenMeanwhile) {
  TokenFsm machine = with_token();
  EXPECT_EQ(machine.next(), kStart + 30min);
  EXPECT_FALSE(machine.due(kStart + 30min - 1ms));
  EXPECT_TRUE(machine.due(kStart + 30min));
  machine.begin();
  EXPECT_FALSE(machine.due(kStart + 31min)) << "one in flight";
  EXPECT_EQ(machine.ask(kStart + 59min - 1ms, false), kServe);
  EXPECT_EQ(machine.ask(kStart + 59min, false), kWait) << "within the margin";
  machine.fetched(kStart + 59min, 1h, 30min, 0);
  EXPECT_EQ(machine.ask(kStart + 59min, false), kServe);
  EXPECT_EQ(machine.next(), kStart + 89min);
}

TEST(TokenFsm, JitterPutsARefreshOffByATenthOfWhatIsLeft) {
  TokenFsm machine({});
  (void)machine.ask(kStart, false);
  machine.fetched(kStart, 1h, 30min, 0.5);
  EXPECT_EQ(machine.next(), kStart + 31min + 30s);
}

TEST(TokenFsm, AFailedRefreshBacksOffWhileTheOldTokenServes) {
  TokenFsm machine = with_token();
  Moment now = kStart + 30min;
  const std::chrono::milliseconds waits[] = {1s, 2s, 4s, 8s, 16s, 30s, 30s};
  for (const auto wait : waits) {
    ASSERT_TRUE(machine.due(now));
    machine.begin();
    machine.failed(now, 0.4);
    EXPECT_EQ(machine.next(), now + wait);
    EXPECT_EQ(machine.ask(now, false), kServe);
    now += wait;
  }
  machine.begin();
  machine.fetched(now, 1h, 30min, 0);
  machine.begin();
  machine.failed(now + 30min, 0.4);
  EXPECT_EQ(machine.next(), now + 30min + 1s) << "a success forgets the failures";
}

TEST(TokenFsm, WithoutATokenRefusesUntilItIsTimeToTryAgain) {
  TokenFsm machine({});
  (void)machine.ask(kStart, false);
  machine.failed(kStart, 0.4);
  EXPECT_EQ(machine.ask(kStart + 999ms, false), kRefuse);
  EXPECT_FALSE(machine.due(kStart + 1h)) << "nobody waits: nothing to refresh";
  EXPECT_EQ(machine.ask(kStart + 1s, false), kFetch);
}

TEST(TokenFsm, AFreshTokenIsNoLoop) {
  TokenFsm machine = with_token();
  EXPECT_EQ(machine.ask(kStart + 1s, true), kFetch) << "it may have been revoked at once";
  EXPECT_EQ(machine.ask(kStart + 1s, false), kServe) << "others still use the one that is held";
  EXPECT_EQ(machine.ask(kStart + 1s, true), kWait) << "one in flight";
  machine.fetched(kStart + 2s, 1h, 30min, 0);
  EXPECT_EQ(machine.ask(kStart + 61s, true), kServe) << "it replaced one itself";
  EXPECT_EQ(machine.ask(kStart + 62s, true), kFetch);
}

TEST(TokenFsm, AFreshTokenThatFailsIsNotAskedForAgainAtOnce) {
  TokenFsm machine = with_token();
  EXPECT_EQ(machine.ask(kStart + 2min, true), kFetch);
  machine.failed(kStart + 2min, 0.4);
  EXPECT_EQ(machine.ask(kStart + 2min, true), kRefuse);
  EXPECT_EQ(machine.ask(kStart + 2min, false), kServe);
  EXPECT_EQ(machine.ask(kStart + 2min + 1s, true), kFetch);
}

TEST(TokenFsm, AShortTokenIsServedForMostOfItsLife) {
  TokenFsm machine = with_token(40s);
  EXPECT_EQ(machine.ask(kStart + 29s, false), kServe);
  EXPECT_EQ(machine.ask(kStart + 30s, false), kFetch);
}

TEST(TokenFsm, ASourceThatRepeatsItsTokenIsNotAskedAllTheTime) {
  // What is left of a kept token shrinks, and its half with it.
  TokenFsm machine({});
  Moment now = kStart;
  const Moment end = kStart + 24h;
  (void)machine.ask(now, false);
  int fetches = 0;
  while (end - now > 5min) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(end - now);
    machine.fetched(now, left, left / 2, 0);
    ASSERT_LT(++fetches, 12);
    now = machine.next();
    machine.begin();
  }
  machine.fetched(now, 40s, 0s, 0);
  EXPECT_EQ(machine.next(), now + 30s);
}

TEST(TokenFsm, NoLifeIsTooLongOrTooShort) {
  TokenFsm machine({});
  (void)machine.ask(kStart, false);
  machine.fetched(kStart, std::chrono::milliseconds::max(), std::chrono::milliseconds::min(), 0.99);
  EXPECT_EQ(machine.ask(kStart + 1h, false), kServe);
  TokenFsm other({});
  (void)other.ask(kStart, false);
  other.fetched(kStart, -1s, 1h, 0.99);
  EXPECT_EQ(other.ask(kStart, false), kFetch);
}

}  // namespace
}  // namespace gesso::azure
