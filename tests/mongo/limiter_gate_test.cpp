// What the limiters learn of commands whose charge was not asked for.
#include "gesso/mongo/detail/limiter_gate.hpp"

#include <gtest/gtest.h>

namespace gesso::mongo::detail {
namespace {

TEST(LimiterGate, WhatABatchDidBeforeItWasRefusedWasPaidFor) {
  LimiterGate gate;
  gate.charged({.operation = "insert", .collection = "usage_logs"}, false, 148, Refusal{},
               Priority::kBackground, 0);
  // So many the server gave: the budget is not what the refusal alone cost.
  EXPECT_GT(gate.budget(), 1000);
}

TEST(LimiterGate, WhatWasRefusedWholeTellsNothingOfABudget) {
  LimiterGate gate;
  gate.charged({.operation = "insert", .collection = "usage_logs"}, false, 0, Refusal{},
               Priority::kBackground, 0);
  EXPECT_LT(gate.budget(), 100);
}

}  // namespace
}  // namespace gesso::mongo::detail
