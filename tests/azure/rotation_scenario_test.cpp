// Whole histories of a vault, a database and requests, in simulated time.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "gesso/azure/rotation_fsm.hpp"
#include "tests/azure/rotation_world.hpp"

namespace gesso::azure {
namespace {

using namespace std::chrono_literals;
using State = RotationFsm::State;
using RefusalAction = RotationFsm::RefusalAction;
using Moment = RotationFsm::Moment;
using Kind = RotationFsm::Action::Kind;

// Serving with version "1", ten requests a second.
World serving(std::uint64_t seed = 1, RotationFsm::Options options = {}) {
  World world(seed, options);
  world.vault = "1";
  world.keys = {"1"};
  world.request_interval = 100ms;
  world.run(1s);
  EXPECT_EQ(world.fsm.state(), State::kReady);
  return world;
}

TEST(RotationScenario, ConnectsWithTheFirstSecret) {
  World world;
  world.vault = "1";
  world.keys = {"1"};
  world.run(1s);
  EXPECT_EQ(world.fsm.state(), State::kReady);
  EXPECT_EQ(world.fsm.pool_number(), 1U);
  EXPECT_EQ(world.counts.reads, 1);
  EXPECT_EQ(world.counts.applies, 1);
}

TEST(RotationScenario, PollsWithJitterAndTouchesTheDatabaseForNewVersionsOnly) {
  World world = serving();
  world.request_interval = 10s;
  const World::Counts day = world.run_and_count(24h);
  EXPECT_GE(day.reads, 24 * 60 / 6.5 - 1);
  EXPECT_LE(day.reads, 24 * 60 / 4);
  EXPECT_EQ(day.applies, 0);
  EXPECT_EQ(day.failed, 0);
}

TEST(RotationScenario, BothKeysValidIsARotationThatNobodyNotices) {
  World world = serving();
  world.keys = {"1", "2"};
  world.vault = "2";
  world.run(7min);
  EXPECT_EQ(world.in_use, "2");
  EXPECT_EQ(world.fsm.state(), State::kReady);
  world.keys = {"2"};
  world.run(8min);
  EXPECT_EQ(world.counts.failed, 0);
  EXPECT_EQ(world.counts.longest_wait, 0ms);
}

TEST(RotationScenario, SecretBeforeKeyKeepsTheOldPoolUntilTheKeyIsThere) {
  World world = serving();
  world.vault = "2";
  world.at(10min, [&] { world.keys = {"2"}; });
  world.run(9min);
  EXPECT_EQ(world.fsm.state(), State::kNewSecretRefused);
  EXPECT_EQ(world.in_use, "1");
  world.run(11min);
  EXPECT_EQ(world.fsm.state(), State::kReady);
  EXPECT_EQ(world.in_use, "2");
  EXPECT_EQ(world.counts.failed, 0);
  // The refusals of the requests end the cool-down: a read, a try, no more.
  EXPECT_LT(world.counts.longest_wait, 300ms);
}

TEST(RotationScenario, SecretBeforeKeyIsTakenWithoutAnyRequestToSaySo) {
  World world = serving();
  world.request_interval = 0ms;
  world.vault = "2";
  world.at(3h, [&] { world.keys = {"1", "2"}; });
  world.run(3h);
  EXPECT_EQ(world.fsm.state(), State::kNewSecretRefused);
  world.run(3h + 80s);
  EXPECT_EQ(world.in_use, "2");
}

TEST(RotationScenario, TheSecretInHandIsTriedFirstWhenTheOldKeyGoesThoughTheVaultIsDown) {
  World world = serving();
  world.vault = "2";
  world.at(10min, [&] {
    world.vault = std::nullopt;
    world.read_time = 9s;
    world.keys = {"2"};
  });
  world.run(9min);
  ASSERT_EQ(world.fsm.state(), State::kNewSecretRefused);
  world.run(11min);
  EXPECT_EQ(world.in_use, "2");
  EXPECT_EQ(world.counts.failed, 0);
  EXPECT_LT(world.counts.longest_wait, 200ms);
}

TEST(RotationScenario, HoursBetweenSecretAndKeyHammerNeitherVaultNorDatabase) {
  World world = serving();
  world.vault = "2";
  world.run(1h);
  const World::Counts hour = world.run_and_count(2h);
  EXPECT_LE(hour.reads, 15);    // the polls
  EXPECT_LE(hour.applies, 76);  // one in 48 to 78 s
  EXPECT_GE(hour.applies, 45);
  EXPECT_EQ(hour.failed, 0);
  EXPECT_EQ(world.in_use, "1");
}

TEST(RotationScenario, KeyBeforeSecretCostsRequestsAWaitAndNoFailure) {
  for (const auto gap : {0ms, 100ms, 1000ms, 3000ms, 6000ms}) {
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
      World world = serving(seed);
      world.at(10s, [&] { world.keys = {"2"}; });
      world.at(10s + gap, [&] { world.vault = "2"; });
      world.run(60s);
      EXPECT_EQ(world.in_use, "2");
      EXPECT_EQ(world.fsm.state(), State::kReady);
      EXPECT_EQ(world.counts.failed, 0) << gap.count() << " ms, seed " << seed;
      EXPECT_LT(world.counts.longest_wait, gap + 3000ms) << gap.count() << " ms, seed " << seed;
      EXPECT_LE(world.counts.reads, 12);
    }
  }
}

TEST(RotationScenario, KeyBeforeSecretByHoursFailsFastAndRecovers) {
  World world = serving();
  world.at(10s, [&] { world.keys = {"2"}; });
  world.at(3h, [&] { world.vault = "2"; });
  world.run(10s + 29s);
  const World::Counts later = world.run_and_count(1h);
  EXPECT_GT(later.failed, 0);
  EXPECT_EQ(world.fsm.state(), State::kCredentialsRefused);
  EXPECT_EQ(world.fsm.refused(world.fsm.pool_number(), Moment{48h}), RefusalAction::kNoUse);
  const World::Counts hour = world.run_and_count(2h);
  EXPECT_LE(hour.reads, 76);
  EXPECT_LE(hour.applies, 76);
  world.run(3h + 80s);
  EXPECT_EQ(world.in_use, "2");
  EXPECT_EQ(world.fsm.state(), State::kReady);
  EXPECT_EQ(world.run_and_count(4h).failed, 0);
}

TEST(RotationScenario, ASecretThatIsBadForGoodCostsLittle) {
  World world = serving();
  world.at(10s, [&] {
    world.vault = "bad";
    world.keys = {};
  });
  const World::Counts first = world.run_and_count(1h);
  EXPECT_LE(first.reads, 100);
  EXPECT_LE(first.applies, 200);
  const World::Counts hour = world.run_and_count(2h);
  EXPECT_LE(hour.reads, 76 + 15);
  EXPECT_LE(hour.applies, 2 * (76 + 15));
  EXPECT_GE(hour.reads, 40);  // and yet it goes on
  EXPECT_EQ(world.fsm.state(), State::kCredentialsRefused);
  world.vault = "2";
  world.keys = {"2"};
  world.run(2h + 80s);
  EXPECT_EQ(world.fsm.state(), State::kReady);
}

TEST(RotationScenario, OneRefusalLeadsToOneReadHoweverManyReport) {
  World world = serving();
  world.request_interval = 1ms;
  world.vault = "2";
  world.keys = {"2"};
  const World::Counts counts = world.run_and_count(3s);
  EXPECT_EQ(counts.reads, 1);
  EXPECT_EQ(counts.applies, 1);
  EXPECT_EQ(counts.failed, 0);
  EXPECT_GT(counts.requests, 1000);
}

TEST(RotationScenario, AMissingPermissionIsToldFromABadKeyAndNotLookedAtAgainSoon) {
  World world = serving();
  world.permitted = false;
  const World::Counts minute = world.run_and_count(1min);
  EXPECT_EQ(world.fsm.state(), State::kReady);
  EXPECT_GT(minute.failed, 500);  // at once, since no secret helps
  EXPECT_LT(minute.longest_wait, 300ms);
  EXPECT_LE(minute.applies, 6);  // after 0, 5, 15, 35 s
  const World::Counts hour = world.run_and_count(1h);
  EXPECT_LE(hour.reads, 60 + 15);
  EXPECT_LE(hour.applies, 60);
  EXPECT_GT(world.fsm.verifications(), 10U);
  world.permitted = true;
  EXPECT_EQ(world.run_and_count(2h).failed, 0);
}

TEST(RotationScenario, AStalePoolIsReplacedThoughANewerSecretIsBad) {
  World world = serving();
  world.vault = "bad";
  world.run(10min);
  ASSERT_EQ(world.fsm.state(), State::kNewSecretRefused);
  const std::uint64_t before = world.fsm.pool_number();
  EXPECT_EQ(world.fsm.refused(before, Moment{24h} + world.time()), RefusalAction::kWait);
  world.run(10min + 2s);
  EXPECT_GT(world.fsm.pool_number(), before);
  EXPECT_EQ(world.fsm.state(), State::kNewSecretRefused);
  world.keys = {"1", "bad"};  // it is still tried
  world.run(13min);
  EXPECT_EQ(world.in_use, "bad");
}

TEST(RotationScenario, AVaultThatIsDownAtStartIsWaitedFor) {
  World world;
  world.keys = {"1"};
  world.run(1h);
  EXPECT_EQ(world.fsm.state(), State::kWaitingForVault);
  EXPECT_LE(world.counts.reads, 90);
  world.vault = "1";
  world.run(1h + 80s);
  EXPECT_EQ(world.fsm.state(), State::kReady);
  EXPECT_THAT(world.states, ::testing::SizeIs(3));  // starting is told by its read alone
}

TEST(RotationScenario, ADatabaseThatIsDownAtStartIsWaitedForWithoutReadingTheVaultAgain) {
  World world;
  world.vault = "1";
  world.keys = {"1"};
  world.database_up = false;
  world.run(1h);
  EXPECT_EQ(world.fsm.state(), State::kWaitingForDatabase);
  EXPECT_LE(world.counts.reads, 16);
  EXPECT_LE(world.counts.applies, 90);
  world.database_up = true;
  world.run(1h + 80s);
  EXPECT_EQ(world.fsm.state(), State::kReady);
}

TEST(RotationScenario, ASecretThatIsNotAcceptedAtStartIsReadAgain) {
  World world;
  world.vault = "1";
  world.keys = {"2"};
  world.at(10s, [&] { world.vault = "2"; });
  world.run(9s);
  EXPECT_EQ(world.fsm.state(), State::kNotAccepted);
  world.run(30s);
  EXPECT_EQ(world.fsm.state(), State::kReady);
}

TEST(RotationScenario, AnUnreadableSecretIsTriedOnce) {
  World world;
  world.vault = "garbage";
  world.unreadable = {"garbage"};
  world.run(1h);
  EXPECT_EQ(world.fsm.state(), State::kNotAccepted);
  EXPECT_EQ(world.counts.applies, 1);
  EXPECT_GE(world.counts.reads, 40);
  EXPECT_LE(world.counts.reads, 90);

  World later = serving();
  later.vault = "garbage";
  later.unreadable = {"garbage"};
  const World::Counts hours = later.run_and_count(2h);
  EXPECT_EQ(later.fsm.state(), State::kNewSecretRefused);
  EXPECT_EQ(hours.applies, 1);
  EXPECT_LE(hours.reads, 31);
  EXPECT_EQ(hours.failed, 0);
  later.vault = "1";  // taken back
  later.run(2h + 7min);
  EXPECT_EQ(later.fsm.state(), State::kReady);
}

TEST(RotationScenario, NobodyNoticesAVaultThatIsDownLater) {
  World world = serving();
  world.vault = std::nullopt;
  const World::Counts hours = world.run_and_count(5h);
  EXPECT_EQ(hours.failed, 0);
  EXPECT_EQ(hours.applies, 0);
  EXPECT_EQ(world.fsm.state(), State::kReady);
  EXPECT_FALSE(world.fsm.vault_ok());
  world.vault = "1";
  world.run(5h + 7min);
  EXPECT_TRUE(world.fsm.vault_ok());
}

TEST(RotationScenario, StopEndsIt) {
  World world = serving();
  world.fsm.stop();
  EXPECT_EQ(world.fsm.next(Moment{48h}).kind, Kind::kStop);
  EXPECT_EQ(world.fsm.refused(world.fsm.pool_number(), Moment{48h}), RefusalAction::kNoUse);
  EXPECT_EQ(world.fsm.state(), State::kStopped);
}

// Rotations in random orders with random gaps, one after the other.
TEST(RotationScenario, NoOrderOfShortGapsFailsARequest) {
  for (std::uint64_t seed = 1; seed <= 25; ++seed) {
    World world = serving(seed);
    world.request_interval = 50ms;
    std::mt19937_64 random(seed);
    auto time = 5000ms;
    for (int version = 2; version <= 11; ++version) {
      const std::string name = std::to_string(version);
      const std::string before = std::to_string(version - 1);
      const auto gap = std::chrono::milliseconds{random() % 6000};
      const auto secret = [&world, name] { world.vault = name; };
      const auto key = [&world, name] { world.keys = {name}; };
      switch (random() % 3) {
        case 0:
          world.at(time, secret);
          world.at(time + gap, key);
          break;
        case 1:
          world.at(time, key);
          world.at(time + gap, secret);
          break;
        default:
          world.at(time, [&world, name, before] { world.keys = {before, name}; });
          world.at(time + gap, secret);
          world.at(time + gap + 1000ms, key);
      }
      time += gap + 1000ms + std::chrono::milliseconds{random() % 20'000};
    }
    world.run(time + 30s);
    EXPECT_EQ(world.counts.failed, 0) << "seed " << seed;
    EXPECT_EQ(world.in_use, "11") << "seed " << seed;
    EXPECT_EQ(world.fsm.state(), State::kReady) << "seed " << seed;
  }
}

// Whatever happens: no hammering, and once all is well again it finds its way back.
TEST(RotationScenario, AnyHistoryEndsReadyAndNeverHammers) {
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    World world(seed);
    std::mt19937_64 random(seed);
    world.request_interval = 1000ms;
    int version = 1;
    for (auto time = 0ms; time < 2h; time += std::chrono::milliseconds{random() % 240'000}) {
      const int what = static_cast<int>(random() % 7);
      const std::string name = std::to_string(what == 0 ? ++version : version);
      world.at(time, [&world, what, name] {
        switch (what) {
          case 0:
          case 1:
            world.vault = name;
            break;
          case 2:
            world.vault = std::nullopt;
            break;
          case 3:
            world.keys = {name};
            break;
          case 4:
            world.keys.clear();
            break;
          case 5:
            world.database_up = !world.database_up;
            break;
          default:
            world.permitted = !world.permitted;
        }
      });
    }
    for (auto hour = 10min; hour <= 2h; hour += 10min) {
      const World::Counts counts = world.run_and_count(hour);
      EXPECT_LE(counts.reads, 150) << "seed " << seed;
      EXPECT_LE(counts.applies, 250) << "seed " << seed;
    }
    world.vault = "last";
    world.keys = {"last"};
    world.database_up = true;
    world.permitted = true;
    world.run(2h + 10min);
    EXPECT_EQ(world.fsm.state(), State::kReady) << "seed " << seed;
    EXPECT_EQ(world.in_use, "last") << "seed " << seed;
    EXPECT_EQ(world.run_and_count(3h).failed, 0) << "seed " << seed;
  }
}

}  // namespace
}  // namespace gesso::azure
