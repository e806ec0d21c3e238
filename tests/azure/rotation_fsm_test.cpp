#include "gesso/azure/rotation_fsm.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace gesso::azure {
namespace {

using namespace std::chrono_literals;
using State = RotationFsm::State;
using RefusalAction = RotationFsm::RefusalAction;
using Moment = RotationFsm::Moment;
using Kind = RotationFsm::Action::Kind;
using Result = RotationFsm::ApplyResult;

TEST(RotationFsm, APollIsJittered) {
  RotationFsm late({});
  RotationFsm early({});
  const Moment now{24h};
  for (auto& [fsm, jitter] : {std::pair<RotationFsm&, double>{late, 0.999}, {early, 0.0}}) {
    ASSERT_EQ(fsm.next(now).kind, Kind::kRead);
    fsm.read("1", now, jitter);
    ASSERT_EQ(fsm.next(now).kind, Kind::kApplyLatest);
    fsm.applied(1, now, jitter);
    ASSERT_EQ(fsm.next(now).kind, Kind::kWait);
  }
  EXPECT_EQ(early.next(now).until, now + 240s);
  EXPECT_GT(late.next(now).until, now + 389s);
  EXPECT_LE(late.next(now).until, now + 390s);
}

TEST(RotationFsm, StaleConnectionsAreReplacedByFreshOnesWithTheSameSecret) {
  RotationFsm fsm({});
  Moment now{24h};
  ASSERT_EQ(fsm.next(now).kind, Kind::kRead);
  fsm.read("1", now, 0);
  ASSERT_EQ(fsm.next(now).kind, Kind::kApplyLatest);
  fsm.applied(1, now, 0);
  EXPECT_EQ(fsm.refused(1, now), RefusalAction::kWait);
  EXPECT_EQ(fsm.next(now).kind, Kind::kRead);
  EXPECT_EQ(fsm.refused(1, now), RefusalAction::kWait);  // meanwhile: no second read
  fsm.read("1", now, 0);
  EXPECT_EQ(fsm.next(now).kind, Kind::kApplyInUse);
  fsm.applied(2, now, 0);
  EXPECT_EQ(fsm.refused(1, now), RefusalAction::kRetry);
  EXPECT_EQ(fsm.refused(2, now), RefusalAction::kNoUse);
  EXPECT_EQ(fsm.next(now).kind, Kind::kWait);
  EXPECT_EQ(fsm.refused(2, now + 5s), RefusalAction::kWait);
}

TEST(RotationFsm, TheCoolDownDoublesFromTheLeastToTheMostAndStartsAnewWithANewVersion) {
  RotationFsm fsm({});
  Moment now{24h};
  constexpr double kNoJitter = 0.4;  // 0.8 + 0.5 * 0.4 = 1
  std::vector<std::int64_t> waits;
  const auto fail = [&](const char* version) {
    const RotationFsm::Action action = fsm.next(now);
    if (action.kind == Kind::kRead) {
      fsm.read(version, now, kNoJitter);
      ASSERT_EQ(fsm.next(now).kind, Kind::kApplyLatest);
    }
    fsm.apply_failed(Result::kRefused, now, kNoJitter);
    const RotationFsm::Action wait = fsm.next(now);
    ASSERT_EQ(wait.kind, Kind::kWait);
    waits.push_back(
        std::chrono::duration_cast<std::chrono::milliseconds>(wait.until - now).count());
    now = wait.until;
  };
  for (int i = 0; i < 10; ++i) fail("1");
  EXPECT_THAT(waits,
              ::testing::ElementsAre(250, 500, 1000, 2000, 4000, 8000, 16000, 32000, 60000, 60000));
  waits.clear();
  fail("2");
  EXPECT_THAT(waits, ::testing::ElementsAre(250));
}

TEST(RotationFsm, APollDoesNotCutACoolDownShort) {
  RotationFsm fsm({.poll_interval = 1s, .retry_min = 60s});
  Moment now{24h};
  for (const char* version : {"1", "2"}) {
    ASSERT_EQ(fsm.next(now).kind, Kind::kRead);
    fsm.read(version, now, 0.4);
    ASSERT_EQ(fsm.next(now).kind, Kind::kApplyLatest);
    if (*version == '1') {
      fsm.applied(1, now, 0.4);
      now += 1s;
    }
  }
  fsm.apply_failed(Result::kRefused, now, 0.4);
  for (int i = 0; i < 50; ++i) {
    now += 1s;
    ASSERT_EQ(fsm.next(now).kind, Kind::kRead);
    fsm.read("2", now, 0.4);
    ASSERT_EQ(fsm.next(now).kind, Kind::kWait);
  }
  ASSERT_EQ(fsm.next(now).kind, Kind::kWait);
  fsm.read("3", now, 0.4);
  EXPECT_EQ(fsm.next(now).kind, Kind::kApplyLatest);
}

TEST(RotationFsm, WhileRequestsWaitTheCoolDownStaysShort) {
  RotationFsm fsm({});
  Moment now{24h};
  ASSERT_EQ(fsm.next(now).kind, Kind::kRead);
  fsm.read("1", now, 0.4);
  ASSERT_EQ(fsm.next(now).kind, Kind::kApplyLatest);
  fsm.applied(1, now, 0.4);
  ASSERT_EQ(fsm.refused(1, now), RefusalAction::kWait);
  std::vector<std::int64_t> waits;
  for (int i = 0; i < 40; ++i) {
    ASSERT_EQ(fsm.next(now).kind, Kind::kRead);
    fsm.read("1", now, 0.4);
    ASSERT_EQ(fsm.next(now).kind, Kind::kApplyInUse);
    fsm.apply_failed(Result::kRefused, now, 0.4);
    const Moment until = fsm.next(now).until;
    waits.push_back(std::chrono::duration_cast<std::chrono::milliseconds>(until - now).count());
    now = until;
  }
  EXPECT_THAT(std::vector(waits.begin(), waits.begin() + 5),
              ::testing::ElementsAre(250, 500, 1000, 1000, 1000));
  EXPECT_EQ(waits.back(), 60000);
  EXPECT_EQ(fsm.state(), State::kCredentialsRefused);
}

TEST(RotationFsm, AVaultThatAsksForRestIsLeftAlone) {
  RotationFsm fsm({});
  Moment now{24h};
  ASSERT_EQ(fsm.next(now).kind, Kind::kRead);
  fsm.read_failed(now, 0, 20s);
  now += 1s;  // the cool-down is over
  const RotationFsm::Action wait = fsm.next(now);
  EXPECT_EQ(wait.kind, Kind::kWait);
  EXPECT_EQ(wait.until, now + 19s);
  now = wait.until;
  EXPECT_EQ(fsm.next(now).kind, Kind::kRead);
  fsm.read_failed(now, 0, 24h);  // more than anybody waits
  EXPECT_EQ(fsm.next(now + 59s).kind, Kind::kWait);
  EXPECT_EQ(fsm.next(now + 60s).kind, Kind::kRead);
}

TEST(RotationFsm, AVaultThatRestsIsNotAskedWhenCredentialsAreRefused) {
  RotationFsm fsm({});
  Moment now{24h};
  ASSERT_EQ(fsm.next(now).kind, Kind::kRead);
  fsm.read("1", now, 0);
  ASSERT_EQ(fsm.next(now).kind, Kind::kApplyLatest);
  fsm.applied(1, now, 0);
  now = fsm.next(now).until;
  ASSERT_EQ(fsm.next(now).kind, Kind::kRead);
  fsm.read_failed(now, 0, 30s);
  now += 1s;
  EXPECT_EQ(fsm.refused(1, now), RefusalAction::kWait);
  EXPECT_EQ(fsm.next(now).kind, Kind::kApplyInUse) << "what is in hand is tried meanwhile";
  fsm.apply_failed(Result::kRefused, now, 0);
  now += 29s;
  EXPECT_EQ(fsm.next(now).kind, Kind::kRead);
}

TEST(RotationFsm, EveryStateHasAName) {
  for (int i = 0; i <= static_cast<int>(State::kStopped); ++i) {
    EXPECT_FALSE(to_string(static_cast<State>(i)).empty());
  }
}

}  // namespace
}  // namespace gesso::azure
