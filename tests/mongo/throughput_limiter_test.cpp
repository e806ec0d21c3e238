#include "gesso/mongo/throughput_limiter.hpp"

#include <gtest/gtest.h>

#include <cstdio>
#include <deque>
#include <random>
#include <string>

namespace gesso::mongo {
namespace {

using namespace std::chrono_literals;
using TimePoint = ThroughputLimiter::TimePoint;
constexpr TimePoint kStart{std::chrono::hours{1}};

// A server as Azure Cosmos DB (RU) counts: request units by the second, nothing carried over; what
// is let in while any are left may overdraw them.
class Budget {
  double each_second_;
  double left_;
  std::chrono::seconds second_{-1};

 public:
  explicit Budget(double each_second) : each_second_(each_second), left_(each_second) {}

  bool admits(double charge, TimePoint now) {
    const auto second = std::chrono::floor<std::chrono::seconds>(now.time_since_epoch());
    if (second != second_) {
      second_ = second;
      left_ = each_second_ + std::min(left_, 0.0);  // a debt is paid first
    }
    if (left_ <= 0) return false;
    left_ -= charge;
    return true;
  }
  // What such a server calls RetryAfterMs.
  static std::chrono::milliseconds left_in_second(TimePoint now) {
    const auto second = std::chrono::floor<std::chrono::seconds>(now.time_since_epoch());
    return std::chrono::ceil<std::chrono::milliseconds>(second + 1s - now.time_since_epoch());
  }
  void set(double each_second) { each_second_ = each_second; }
};

struct Load {
  double units_a_second;  // of work that arrive
  double charge;          // of each, give or take a half
  Priority priority = Priority::kForeground;
};

struct Outcome {
  double done = 0;  // request units
  int refused = 0;
  int finished[2] = {0, 0};  // by priority
  double longest_wait[2] = {0, 0};
};

// Runs loads against a budget for so long; arrivals wait in two queues, as the pool has them.
class Simulation {
  Budget server_;
  ThroughputLimiter limiter_;
  std::mt19937 random_{11};
  TimePoint now_ = kStart;

  struct Unit {
    double charge;
    TimePoint arrived;
  };
  std::deque<Unit> queues_[2];
  double due_[2] = {0, 0};
  TimePoint last_background_ = kStart;

  // Whether a unit was started.
  bool start_one(Outcome& out) {
    const bool overdue =
        !queues_[1].empty() &&
        now_ - std::max(last_background_, queues_[1].front().arrived) >= kBackgroundPatience;
    const int which = overdue || queues_[0].empty() ? 1 : 0;
    auto& queue = queues_[which];
    if (queue.empty()) return false;
    const Priority as = overdue ? Priority::kForeground : static_cast<Priority>(which);
    const auto admission = limiter_.admit(as, now_);
    if (admission.wait > 0s) return false;
    const Unit unit = queue.front();
    double spent = 0;
    if (server_.admits(unit.charge, now_)) {
      spent = unit.charge;
      out.done += spent;
      ++out.finished[which];
      const double waited = std::chrono::duration<double>(now_ - unit.arrived).count();
      out.longest_wait[which] = std::max(out.longest_wait[which], waited);
      queue.pop_front();
      limiter_.charged(spent, now_);
    } else {
      ++out.refused;
      limiter_.charged(0.4, now_);
      limiter_.refused(server_.left_in_second(now_), now_);
    }
    if (which == 1) last_background_ = now_;
    limiter_.finished(as, admission.reserved, spent, now_);
    return true;
  }

 public:
  explicit Simulation(double budget) : server_(budget) {}

  Outcome run(std::vector<Load> loads, std::chrono::seconds time) {
    Outcome out;
    const TimePoint end = now_ + time;
    for (; now_ < end; now_ += 1ms) {
      for (const Load& load : loads) {
        const auto which = static_cast<std::size_t>(load.priority);
        for (due_[which] += load.units_a_second / 1000; due_[which] >= 1; --due_[which]) {
          const double spread = 0.5 + static_cast<double>(random_() % 1000) / 1000;
          if (queues_[which].size() < 100) queues_[which].push_back({load.charge * spread, now_});
        }
      }
      // A client sends again at once what was refused: so many times a millisecond at most.
      for (int i = 0; i < 20 && start_one(out); ++i) {
      }
    }
    return out;
  }
  void set_budget(double budget) { server_.set(budget); }
  const ThroughputLimiter& limiter() const { return limiter_; }
};

TEST(ThroughputLimiter, DelaysNothingWhereNothingIsRefused) {
  ThroughputLimiter limiter;
  TimePoint now = kStart;
  for (int i = 0; i < 10'000; ++i, now += 100us) {
    const auto admission = limiter.admit(Priority::kBackground, now);
    EXPECT_EQ(admission.wait, 0s);
    limiter.charged(10, now);
    limiter.finished(Priority::kBackground, admission.reserved, 10, now);
  }
  EXPECT_FALSE(limiter.is_shaping());
}

TEST(ThroughputLimiter, LearnsTheBudgetFromChargesAtTheFirstRefusal) {
  Simulation simulation(400);
  (void)simulation.run({{.units_a_second = 120, .charge = 10}}, 10s);
  EXPECT_NEAR(simulation.limiter().budget(), 400, 60);
}

// The property: for budgets and charges of any kind, at three times the load, what is done is at
// least nine tenths of what there is, and refusals are few.
TEST(ThroughputLimiter, AtThreeTimesTheLoadNineTenthsOfTheBudgetAreUsedAndLittleIsRefused) {
  std::string table = "budget  charge  goodput  refused\n";
  for (const double budget : {400.0, 1000.0, 4000.0, 10'000.0}) {
    for (const double charge : {1.0, 5.0, 12.0, 40.0}) {
      Simulation simulation(budget);
      (void)simulation.run({{.units_a_second = 3 * budget / charge, .charge = charge}}, 10s);
      const Outcome out =
          simulation.run({{.units_a_second = 3 * budget / charge, .charge = charge}}, 120s);
      const double goodput = out.done / (budget * 120);
      const int all = out.finished[0] + out.refused;
      char line[80];
      std::snprintf(line, sizeof line, "%6.0f  %6.0f  %6.1f %%  %5.2f %%\n", budget, charge,
                    100 * goodput, 100.0 * out.refused / all);
      table += line;
      EXPECT_GE(goodput, 0.9) << budget << " " << charge;
      EXPECT_LE(out.refused, all / 20) << budget << " " << charge;
    }
  }
  std::fputs(table.c_str(), stdout);
}

TEST(ThroughputLimiter, TheBackgroundWaitsFirstAndIsNotStarved) {
  Simulation simulation(1000);
  const std::vector<Load> loads{
      {.units_a_second = 80, .charge = 10},  // eight tenths of what there is
      {.units_a_second = 200, .charge = 10, .priority = Priority::kBackground}};
  (void)simulation.run(loads, 20s);
  const Outcome out = simulation.run(loads, 60s);
  EXPECT_LT(out.longest_wait[0], 1.1);  // the rest of a second, after a refusal
  EXPECT_GE(out.finished[0], 79 * 60);
  EXPECT_GE(out.finished[1], 60 / 2 - 1);
  EXPECT_GT(out.longest_wait[1], out.longest_wait[0]);
}

TEST(ThroughputLimiter, WhereForegroundTakesAllTheBackgroundGetsOneInTwoSeconds) {
  Simulation simulation(400);
  const std::vector<Load> loads{
      {.units_a_second = 120, .charge = 10},
      {.units_a_second = 50, .charge = 10, .priority = Priority::kBackground}};
  (void)simulation.run(loads, 10s);
  const Outcome out = simulation.run(loads, 60s);
  EXPECT_GE(out.finished[1], 20);
  EXPECT_LE(out.finished[1], 32);
}

TEST(ThroughputLimiter, FollowsABudgetThatIsRaisedAndOneThatIsLowered) {
  Simulation simulation(400);
  const std::vector<Load> loads{{.units_a_second = 300, .charge = 10}};
  (void)simulation.run(loads, 20s);
  simulation.set_budget(1000);
  (void)simulation.run(loads, 60s);
  EXPECT_GT(simulation.run(loads, 20s).done, 20 * 1000 * 0.9);
  simulation.set_budget(400);
  (void)simulation.run(loads, 10s);
  const Outcome out = simulation.run(loads, 20s);
  EXPECT_GT(out.done, 20 * 400 * 0.9);
  EXPECT_LT(out.refused, out.finished[0] / 10);
}

TEST(ThroughputLimiter, IsForgottenWhenNothingIsRefusedForLong) {
  Simulation simulation(400);
  (void)simulation.run({{.units_a_second = 120, .charge = 10}}, 5s);
  EXPECT_TRUE(simulation.limiter().is_shaping());
  (void)simulation.run({{.units_a_second = 1, .charge = 10}}, 150s);
  EXPECT_FALSE(simulation.limiter().is_shaping());
}

}  // namespace
}  // namespace gesso::mongo
