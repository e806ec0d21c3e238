// What cases in JSON cannot say about pipelines and expressions.
#include "gesso/localdb/language/aggregate/pipeline.hpp"
#include "gesso/base/meter.hpp"

#include <gmock/gmock.h>

#include <set>

#include "gesso/localdb/language/aggregate/arena.hpp"
#include "tests/localdb/language/aggregate/list_source.hpp"
#include "tests/localdb/language/match/case_file.hpp"

namespace gesso::localdb {
namespace {

using bson::from_json;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

Pipeline compile(const char* stages, const PipelineContext& context = {}) {
  const bson::Document document = from_json(std::string(R"({"stages": )") + stages + "}");
  return Pipeline::compile(document["stages"].as_document(), context);
}

TEST(PipelineTest, GivesWhatItBeginsWithToAPlanner) {
  const Pipeline pipeline = compile(
      R"([{"$match": {"a": 1}}, {"$sort": {"b": -1}}, {"$skip": 2}, {"$limit": 3}, {"$count": "n"}])");
  EXPECT_EQ(bson::to_json(pipeline.leading().filter.view()), R"({ "a" : 1 })");
  EXPECT_EQ(bson::to_json(pipeline.leading().sort.view()), R"({ "b" : -1 })");
  EXPECT_EQ(pipeline.leading().skip, 2);
  EXPECT_EQ(pipeline.leading().limit, 3);
}

TEST(PipelineTest, JoinsTheFiltersItBeginsWith) {
  const Pipeline pipeline = compile(R"([{"$match": {"a": 1}}, {"$match": {"b": 2}}])");
  EXPECT_EQ(bson::to_json(pipeline.leading().filter.view()),
            R"({ "$and" : [ { "a" : 1 }, { "b" : 2 } ] })");
}

TEST(PipelineTest, WhatStandsBehindOtherStagesIsNotForThePlanner) {
  const Pipeline pipeline =
      compile(R"([{"$limit": 1}, {"$match": {"a": 1}}, {"$sort": {"a": 1}}])");
  EXPECT_TRUE(pipeline.leading().filter.empty());
  EXPECT_TRUE(pipeline.leading().sort.empty());
  EXPECT_EQ(pipeline.leading().limit, 1);
}

TEST(PipelineTest, NamesTheCollectionsItReads) {
  const Pipeline pipeline = compile(
      R"([{"$lookup": {"from": "a", "as": "x", "pipeline": [{"$unionWith": "b"}]}},
          {"$facet": {"f": [{"$unionWith": "c"}]}}])");
  EXPECT_THAT(pipeline.collections(), ElementsAre("a", "b", "c"));
}

TEST(PipelineTest, KnowsWhetherItNeedsAnInput) {
  EXPECT_TRUE(compile(R"([{"$documents": []}])").has_own_input());
  EXPECT_FALSE(compile(R"([{"$match": {}}])").has_own_input());
  EXPECT_TRUE(compile("[]").empty());
}

TEST(PipelineTest, OwnsItsStages) {
  PipelineContext context;
  std::optional<Pipeline> pipeline;
  pipeline = compile(
      R"([{"$match": {"a": "a text that is longer than a few bytes"}},
          {"$group": {"_id": "another text that is longer", "n": {"$sum": 1}}}])");
  const bson::Document input =
      from_json(R"({"0": {"a": "a text that is longer than a few bytes"}, "1": {"a": "b"}})");
  const SourcePtr output = pipeline->open(
      std::make_unique<ListSource>(bson::Value(bson::Type::kArray, input.data())), context);
  const auto document = output->next();
  ASSERT_TRUE(document);
  EXPECT_EQ(bson::to_json(*document), R"({ "_id" : "another text that is longer", "n" : 1 })");
  EXPECT_FALSE(output->next());
  EXPECT_FALSE(output->next());
}

// {n: 0}, {n: 1}, ...
class Counter final : public DocumentSource {
  int left_;
  int next_ = 0;
  bson::Document current_;

 public:
  explicit Counter(int count) : left_(count) {}
  std::optional<bson::View> next() override {
    if (left_-- == 0) return std::nullopt;
    current_ = bson::make_document("n", next_++);
    return current_.view();
  }
};

TEST(PipelineTest, CanBeInterrupted) {
  PipelineContext context;
  Meter meter([] { throw CommandError(ErrorCode::kMaxTimeMsExpired, "too late"); });
  const Meter::Scope scope(&meter);
  for (const char* stages : {R"([{"$sort": {"n": 1}}])", R"([{"$group": {"_id": "$n"}}])",
                             R"([{"$count": "n"}])", R"([{"$facet": {"x": []}}])"}) {
    const Pipeline pipeline = compile(stages, context);
    EXPECT_EQ(error_code_of([&] {
                static_cast<void>(pipeline.open(std::make_unique<Counter>(1000), context)->next());
              }),
              50)
        << stages;
  }
}

TEST(PipelineTest, SamplesEachDocumentAtMostOnce) {
  PipelineContext context;
  double value = 0;
  context.random = [&value] { return value = value > 0.8 ? 0.05 : value + 0.13; };
  const Pipeline pipeline = compile(R"([{"$sample": {"size": 5}}])", context);
  const SourcePtr output = pipeline.open(std::make_unique<Counter>(50), context);
  std::set<int> seen;
  int count = 0;
  while (const auto document = output->next()) {
    seen.insert((*document)["n"].as_int32());
    ++count;
  }
  EXPECT_EQ(count, 5);
  EXPECT_EQ(seen.size(), 5U);
}

TEST(PipelineTest, ReadsNoOtherCollectionWithoutALookUp) {
  PipelineContext context;
  const Pipeline pipeline =
      compile(R"([{"$lookup": {"from": "o", "localField": "n", "foreignField": "n", "as": "x"}}])");
  EXPECT_EQ(error_code_of([&] {
              static_cast<void>(pipeline.open(std::make_unique<Counter>(1), context)->next());
            }),
            115);
}

TEST(PipelineTest, SortsManyByAHeapAsByASort) {
  PipelineContext context;
  const char* const mixed = R"({"$mod": [{"$multiply": ["$n", 7919]}, 101]})";
  const std::string add = std::string(R"([{"$addFields": {"k": )") + mixed + "}}, ";
  const Pipeline all = compile((add + R"({"$sort": {"k": -1}}])").c_str());
  const Pipeline some = compile((add + R"({"$sort": {"k": -1}}, {"$limit": 20}])").c_str());
  const SourcePtr every = all.open(std::make_unique<Counter>(500), context);
  const SourcePtr first = some.open(std::make_unique<Counter>(500), context);
  for (int i = 0; i < 20; ++i) {
    EXPECT_EQ(bson::to_json(*first->next()), bson::to_json(*every->next()));
  }
  EXPECT_FALSE(first->next());
}

TEST(ArenaTest, RefusesMoreThanItsLimit) {
  Arena arena(100'000);
  EXPECT_EQ(error_code_of([&] { static_cast<void>(arena.allocate(200'000)); }), 292);
  EXPECT_EQ(error_code_of([&] {
              for (int i = 0; i < 1000; ++i) static_cast<void>(arena.allocate(1000));
            }),
            292);
  arena.reset();
  EXPECT_EQ(error_code_of([&] { static_cast<void>(arena.allocate(50'000)); }), 0);
}

TEST(ArenaTest, ServesAgainAfterAReset) {
  Arena arena;
  for (int round = 0; round < 5; ++round) {
    std::vector<bson::Value> values;
    for (int i = 0; i < 5000; ++i) values.push_back(arena.int32(i));
    for (int i = 0; i < 5000; ++i) ASSERT_EQ(values[static_cast<std::size_t>(i)].as_int32(), i);
    arena.reset();
  }
}

}  // namespace
}  // namespace gesso::localdb
