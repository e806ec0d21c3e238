#include "gesso/mongo/connect_fsm.hpp"

#include <gtest/gtest.h>

namespace gesso::mongo {
namespace {

using namespace std::chrono_literals;
using Event = ConnectFsm::Event;
using Action = ConnectFsm::Action;
using Kind = ConnectFsm::Action::Kind;

TEST(ConnectFsm, TriesAtOnceAndIsDoneWhenThatConnects) {
  ConnectFsm fsm({});
  EXPECT_EQ(fsm.resume(Event::kStart, 0), Action{Kind::kTry});
  EXPECT_EQ(fsm.resume(Event::kConnected, 0), Action{Kind::kConnected});
}

TEST(ConnectFsm, GivesUpAfterThreeAttemptsWithTwoDoublingWaitsBetween) {
  ConnectFsm fsm({});
  EXPECT_EQ(fsm.resume(Event::kStart, 0), Action{Kind::kTry});
  EXPECT_EQ(fsm.resume(Event::kFailed, 0), (Action{Kind::kWait, 2000ms}));
  EXPECT_EQ(fsm.resume(Event::kWaited, 0), Action{Kind::kTry});
  EXPECT_EQ(fsm.resume(Event::kFailed, 0), (Action{Kind::kWait, 4000ms}));
  EXPECT_EQ(fsm.resume(Event::kWaited, 0), Action{Kind::kTry});
  EXPECT_EQ(fsm.resume(Event::kFailed, 0), Action{Kind::kGiveUp});
}

TEST(ConnectFsm, EveryWaitIsFrom2To10SecondsWhateverTheJitter) {
  for (const double jitter : {0.0, 0.5, 0.999}) {
    ConnectFsm fsm({.attempts = 100});
    std::chrono::milliseconds before{0};
    for (int i = 0; i < 99; ++i) {
      const Action action = fsm.resume(Event::kFailed, jitter);
      ASSERT_EQ(action.kind, Kind::kWait);
      EXPECT_GE(action.wait, 2s);
      EXPECT_LE(action.wait, 10s);
      EXPECT_GE(action.wait, before);
      before = action.wait;
    }
    EXPECT_EQ(before, 10s);
  }
}

TEST(ConnectFsm, JitterSpreadsTheWaits) {
  ConnectFsm low({});
  ConnectFsm high({});
  EXPECT_EQ(low.resume(Event::kFailed, 0).wait, 2000ms);
  EXPECT_EQ(high.resume(Event::kFailed, 0.8).wait, 2800ms);
}

TEST(ConnectFsm, DoesNotTryAgainWhatIsRefusedOrStopped) {
  for (const Event event : {Event::kRefused, Event::kStopped}) {
    ConnectFsm fsm({});
    EXPECT_EQ(fsm.resume(Event::kStart, 0), Action{Kind::kTry});
    EXPECT_EQ(fsm.resume(event, 0), Action{Kind::kGiveUp});
  }
}

}  // namespace
}  // namespace gesso::mongo
