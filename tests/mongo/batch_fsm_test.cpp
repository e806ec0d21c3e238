#include "gesso/mongo/batch_fsm.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <numeric>
#include <random>

#include "gesso/bson/builder.hpp"

namespace gesso::mongo {
namespace {

using bson::make_document;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr BatchFsm::Limits kLimits{.most_items = 3, .most_bytes = 1000};

std::size_t small(std::size_t) { return 10; }

std::vector<std::size_t> first(std::size_t count) {
  std::vector<std::size_t> items(count);
  std::iota(items.begin(), items.end(), std::size_t{0});
  return items;
}

struct Refusal {
  int place;
  int code;
};

bson::Document reply(std::initializer_list<Refusal> refusals) {
  bson::Builder errors;
  for (const auto& [place, code] : refusals) {
    errors.push(make_document("index", place, "code", code, "errmsg", "no"));
  }
  return make_document("ok", 1.0, "writeErrors", bson::Array(errors.finish()));
}
bson::Document done() { return make_document("ok", 1.0); }

std::vector<std::size_t> items(const std::vector<BatchFsm::Refused>& refused) {
  std::vector<std::size_t> out;
  for (const auto& one : refused) out.push_back(one.item);
  return out;
}

TEST(BatchFsm, GoesOutInCommandsOfWhatFits) {
  BatchFsm batch(first(4), BatchOrder::kUnordered);
  EXPECT_THAT(batch.next(kLimits, small), ElementsAre(0, 1, 2));
  batch.answered(done());
  EXPECT_THAT(batch.next(kLimits, small), ElementsAre(3));
  batch.answered(done());
  EXPECT_TRUE(batch.done());
}

TEST(BatchFsm, AnItemThatFillsACommandGoesAlone) {
  BatchFsm batch(first(3), BatchOrder::kUnordered);
  const auto sizes = [](std::size_t item) { return item == 1 ? std::size_t{5000} : 600; };
  EXPECT_THAT(batch.next(kLimits, sizes), ElementsAre(0));
  EXPECT_THAT(batch.next(kLimits, sizes), ElementsAre(1));
  EXPECT_THAT(batch.next(kLimits, sizes), ElementsAre(2));
}

TEST(BatchFsm, UnorderedOnlyWhatWasThrottledGoesOutAgain) {
  BatchFsm batch(first(3), BatchOrder::kUnordered);
  (void)batch.next(kLimits, small);
  const bson::Document said = reply({{0, 16500}, {1, 11000}, {2, 16500}});
  const auto outcome = batch.answered(said);
  EXPECT_THAT(items(outcome.failed), ElementsAre(1));
  EXPECT_THAT(items(outcome.throttled), ElementsAre(0, 2));
  EXPECT_THAT(batch.next(kLimits, small), ElementsAre(0, 2));
  batch.answered(done());
  EXPECT_TRUE(batch.done());
}

TEST(BatchFsm, OrderedWhatStoodBehindTheThrottledOneGoesOutAgainWithIt) {
  BatchFsm batch(first(5), BatchOrder::kOrdered);
  (void)batch.next(kLimits, small);
  const auto outcome = batch.answered(reply({{1, 16500}}));
  EXPECT_THAT(items(outcome.throttled), ElementsAre(1));
  EXPECT_THAT(batch.next(kLimits, small), ElementsAre(1, 2, 3));
  batch.answered(done());
  EXPECT_THAT(batch.next(kLimits, small), ElementsAre(4));
}

TEST(BatchFsm, OrderedNothingGoesOutBehindAFailure) {
  BatchFsm batch(first(5), BatchOrder::kOrdered);
  (void)batch.next(kLimits, small);
  const auto outcome = batch.answered(reply({{1, 11000}}));
  EXPECT_THAT(items(outcome.failed), ElementsAre(1));
  EXPECT_TRUE(batch.done());
}

TEST(BatchFsm, WhatIsGivenUpIsTold) {
  BatchFsm batch(first(4), BatchOrder::kUnordered);
  (void)batch.next(kLimits, small);
  batch.answered(reply({{2, 16500}}));
  EXPECT_THAT(batch.abandon(), ElementsAre(2, 3));
  EXPECT_TRUE(batch.done());
  EXPECT_THAT(batch.abandon(), IsEmpty());
}

// Against a server that throttles and refuses at random: each item is done once or failed once, and
// an ordered batch does a beginning of it.
TEST(BatchFsm, EveryItemEndsOnceWhateverTheServerDoes) {
  std::mt19937 random(7);
  for (int round = 0; round < 2000; ++round) {
    const BatchOrder order = round % 2 == 0 ? BatchOrder::kOrdered : BatchOrder::kUnordered;
    const std::size_t count = random() % 12;
    BatchFsm batch(first(count), order);
    std::vector<int> ends(count, 0);
    bool failed = false;
    while (!batch.done()) {
      const std::vector<std::size_t> sent = batch.next(kLimits, small);
      ASSERT_FALSE(sent.empty());
      bson::Builder errors;
      for (std::size_t place = 0; place < sent.size(); ++place) {
        const auto luck = random() % 10;
        if (luck >= 4) {
          ++ends[sent[place]];
          continue;
        }
        const int code = luck == 0 ? 11000 : 16500;
        if (code == 11000) {
          ++ends[sent[place]];
          failed = true;
        }
        errors.push(make_document("index", static_cast<int>(place), "code", code));
        if (order == BatchOrder::kOrdered) break;
      }
      const bson::Document said =
          make_document("ok", 1.0, "writeErrors", bson::Array(errors.finish()));
      batch.answered(said);
    }
    if (order == BatchOrder::kOrdered && failed) {
      EXPECT_TRUE(std::ranges::is_sorted(ends, std::greater<>())) << "a gap, or one done twice";
      EXPECT_LE(std::ranges::max(ends), 1);
    } else {
      EXPECT_THAT(ends, ::testing::Each(1));
    }
  }
}

}  // namespace
}  // namespace gesso::mongo
