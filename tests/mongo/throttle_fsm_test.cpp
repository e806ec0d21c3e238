#include "gesso/mongo/throttle_fsm.hpp"

#include <gtest/gtest.h>

namespace gesso::mongo {
namespace {

using namespace std::chrono_literals;
using Action = ThrottleFsm::Action;

constexpr auto kPlenty = 60s;

Action waits(std::chrono::milliseconds time) { return {.kind = Action::Kind::kWait, .wait = time}; }
constexpr Action kGivesUp{.kind = Action::Kind::kGiveUp};

TEST(ThrottleFsm, WaitsAsLongAsTheServerAsks) {
  ThrottleFsm fsm;
  EXPECT_EQ(fsm.refused(34ms, kPlenty, 0), waits(34ms));
}

TEST(ThrottleFsm, AWaitThatIsNotNamedDoublesUpToItsMost) {
  ThrottleFsm fsm({.wait_min = 2ms, .wait_max = 10ms});
  EXPECT_EQ(fsm.refused(std::nullopt, kPlenty, 0), waits(2ms));
  EXPECT_EQ(fsm.refused(std::nullopt, kPlenty, 0), waits(4ms));
  EXPECT_EQ(fsm.refused(std::nullopt, kPlenty, 0), waits(8ms));
  EXPECT_EQ(fsm.refused(std::nullopt, kPlenty, 0), waits(10ms));
  EXPECT_EQ(fsm.refused(std::nullopt, kPlenty, 0), waits(10ms));
  EXPECT_EQ(fsm.refusals(), 5);
}

TEST(ThrottleFsm, AServerThatAlwaysAsksForLittleIsNotHammered) {
  ThrottleFsm fsm;
  std::chrono::milliseconds last{0};
  for (int i = 0; i < 8; ++i) last = fsm.refused(1ms, kPlenty, 0).wait;
  EXPECT_EQ(last, 256ms);
  EXPECT_EQ(fsm.refused(900ms, kPlenty, 0), waits(900ms));
}

TEST(ThrottleFsm, JitterMakesAWaitUpToAQuarterLonger) {
  for (const double jitter : {0.0, 0.3, 0.99}) {
    ThrottleFsm fsm;
    const auto wait = fsm.refused(100ms, kPlenty, jitter).wait;
    EXPECT_GE(wait, 100ms);
    EXPECT_LT(wait, 125ms);
  }
}

TEST(ThrottleFsm, GivesUpWhereTheDeadlineComesFirst) {
  EXPECT_EQ(ThrottleFsm().refused(100ms, 100ms, 0), kGivesUp);
  EXPECT_EQ(ThrottleFsm().refused(std::nullopt, 0ms, 0), kGivesUp);
  EXPECT_EQ(ThrottleFsm().refused(100ms, 101ms, 0.9), waits(101ms));
}

}  // namespace
}  // namespace gesso::mongo
