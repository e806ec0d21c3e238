// What planners and positional operators read from a Matcher, and what cases in JSON cannot say.
#include "gesso/localdb/language/match/matcher.hpp"

#include <gmock/gmock.h>

#include "gesso/localdb/language/match/path.hpp"
#include "gesso/localdb/language/match/projection.hpp"
#include "gesso/localdb/language/match/regex.hpp"
#include "tests/localdb/language/match/case_file.hpp"

namespace gesso::localdb {
namespace {

using bson::from_json;
using bson::make_array;
using bson::make_document;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

Matcher compile(const char* json) { return Matcher::compile(from_json(json)); }

std::string text_of(const Predicate& predicate) {
  constexpr const char* kNames[] = {"=", "<", "<=", ">", ">=", "in", "exists", "absent", "other"};
  const std::string text = predicate.path + " " + kNames[static_cast<std::size_t>(predicate.op)];
  return predicate.operand.is_missing() ? text : text + " " + bson::to_json(predicate.operand);
}

std::vector<std::string> conjunction_of(const Matcher& matcher) {
  std::vector<std::string> texts;
  for (const Predicate& predicate : matcher.conjunction()) texts.push_back(text_of(predicate));
  return texts;
}

TEST(MatcherTest, GivesTheConjunctionOfItsConditions) {
  const Matcher matcher = compile(
      R"({"a": 1, "b": {"$gt": 1, "$lte": 5}, "c": {"$in": [1, 2]}, "d.e": {"$exists": true},
          "f": {"$exists": false}, "g": {"$lt": "x"}, "h": {"$gte": null}, "i": {"$eq": [1]}})");
  EXPECT_THAT(conjunction_of(matcher),
              ElementsAre("a = 1", "b > 1", "b <= 5", "c in [ 1, 2 ]", "d.e exists", "f absent",
                          "g < \"x\"", "h >= null", "i = [ 1 ]"));
  EXPECT_TRUE(matcher.is_exact_conjunction());
  EXPECT_THAT(matcher.or_branches(), IsEmpty());
}

TEST(MatcherTest, FlattensNestedAndAndAnOrOfOneBranch) {
  const Matcher matcher =
      compile(R"({"$and": [{"a": 1}, {"$and": [{"b": 2}]}, {"$or": [{"c": 3, "d": 4}]}], "e": 5})");
  EXPECT_THAT(conjunction_of(matcher), ElementsAre("a = 1", "b = 2", "c = 3", "d = 4", "e = 5"));
  EXPECT_TRUE(matcher.is_exact_conjunction());
}

TEST(MatcherTest, CallsOtherConditionsOther) {
  const Matcher matcher = compile(
      R"({"a": {"$ne": 1}, "b": {"$elemMatch": {"$gt": 1}}, "c": {"$size": 1},
          "d": {"$in": [{"$regularExpression": {"pattern": "x", "options": ""}}]},
          "e": {"$not": {"$gt": 1}}})");
  EXPECT_THAT(conjunction_of(matcher),
              ElementsAre("a other", "b other", "c other", "d other", "e other"));
  EXPECT_FALSE(matcher.is_exact_conjunction());
}

TEST(MatcherTest, AnAllIsSeveralEqualities) {
  EXPECT_THAT(conjunction_of(compile(R"({"a": {"$all": [1, 2]}})")), ElementsAre("a = 1", "a = 2"));
}

TEST(MatcherTest, NorAndExprAreNoPartOfTheConjunction) {
  const Matcher matcher = compile(R"({"a": 1, "$nor": [{"b": 2}], "$expr": {"$gt": ["$c", 1]}})");
  EXPECT_THAT(conjunction_of(matcher), ElementsAre("a = 1"));
  EXPECT_FALSE(matcher.is_exact_conjunction());
}

TEST(MatcherTest, GivesTheBranchesOfAnOr) {
  const Matcher matcher = compile(R"({"a": 1, "$or": [{"b": 1}, {"c": {"$gt": 2}}]})");
  ASSERT_EQ(matcher.or_branches().size(), 2U);
  EXPECT_THAT(conjunction_of(matcher.or_branches()[0]), ElementsAre("b = 1"));
  EXPECT_THAT(conjunction_of(matcher.or_branches()[1]), ElementsAre("c > 2"));
  EXPECT_FALSE(matcher.is_exact_conjunction());
}

TEST(MatcherTest, KnowsTheFilterThatIsAlwaysTrue) {
  EXPECT_TRUE(compile("{}").always());
  EXPECT_TRUE(compile(R"({"$comment": "all of them"})").always());
  EXPECT_FALSE(compile(R"({"a": {"$exists": false}})").always());
}

TEST(MatcherTest, OwnsItsFilter) {
  std::optional<Matcher> matcher;
  {
    const bson::Document filter =
        from_json(R"({"a": {"$in": ["x", "y"]}, "b": "long enough text"})");
    matcher = Matcher::compile(filter);
  }
  const Matcher moved = std::move(*matcher);
  EXPECT_TRUE(moved.matches(from_json(R"({"a": "y", "b": "long enough text"})")));
  EXPECT_EQ(bson::to_json(moved.filter()["b"]), "\"long enough text\"");
}

TEST(MatcherTest, RecordsTheElementThatEachArrayMatchedBy) {
  const Matcher matcher = compile(R"({"a": 3, "b.c": 7, "d": {"$elemMatch": {"x": 1}}})");
  MatchDetails details;
  ASSERT_TRUE(matcher.matches(
      from_json(R"({"a": [1, 2, 3], "b": [{"c": 1}, {"c": [5, 7]}], "d": [{"x": 1}]})"), &details));
  EXPECT_EQ(details.index_in("a"), 2U);
  EXPECT_EQ(details.index_in("b"), 1U);
  EXPECT_EQ(details.index_in("b.c"), 1U);
  EXPECT_EQ(details.index_in("d"), 0U);
}

TEST(MatcherTest, RecordsNothingWithoutAnArray) {
  MatchDetails details;
  ASSERT_TRUE(compile(R"({"a": 1})").matches(from_json(R"({"a": 1})"), &details));
  EXPECT_EQ(details.index_in("a"), std::nullopt);
}

TEST(MatcherTest, ForgetsWhatAFailedBranchOfAnOrRecorded) {
  const Matcher matcher = compile(R"({"$or": [{"a": 3, "b": 1}, {"a": 2}]})");
  MatchDetails details;
  ASSERT_TRUE(matcher.matches(from_json(R"({"a": [1, 2, 3]})"), &details));
  EXPECT_EQ(details.index_in("a"), 1U);
}

TEST(MatcherTest, ExpressionsSeeTheVariablesOfTheCommand) {
  const Matcher matcher = Matcher::compile(from_json(R"({"$expr": {"$eq": ["$a", "$$wanted"]}})"),
                                           {.now = case_now(), .let = make_document("wanted", 5)});
  EXPECT_TRUE(matcher.matches(make_document("a", 5)));
  EXPECT_FALSE(matcher.matches(make_document("a", 6)));
}

TEST(MatcherTest, OfTwoFieldsOfANameTheFirstCounts) {
  const bson::Document document = make_document("a", 1, "a", 2);
  EXPECT_TRUE(Matcher::compile(make_document("a", 1)).matches(document));
  EXPECT_FALSE(Matcher::compile(make_document("a", 2)).matches(document));
}

TEST(MatcherTest, StringsMayHoldNul) {
  const bson::Document document = make_document("a", std::string_view("x\0y", 3));
  EXPECT_TRUE(Matcher::compile(document).matches(document));
  EXPECT_FALSE(Matcher::compile(make_document("a", "x")).matches(document));
}

// Each level compiles once: twice each would be 2^60 for this filter.
TEST(MatcherTest, CompilesDeeplyNestedAlternativesInTime) {
  bson::Document filter = make_document("a", 1);
  for (int depth = 0; depth < 60; ++depth) {
    filter = make_document("$or", make_array(filter, make_document("b", 2)));
  }
  const Matcher matcher = Matcher::compile(make_document(
      "x", make_document("$elemMatch", make_document("y", 1, "$or", make_array(filter, filter)))));
  EXPECT_TRUE(matcher.matches(from_json(R"({"x": [{"y": 1, "a": 1}]})")));
  EXPECT_FALSE(matcher.matches(from_json(R"({"x": [{"y": 1, "c": 1}]})")));
}

TEST(RegexTest, APatternThatWouldRunForEverIsRefused) {
  const CompiledRegex regex("^(a|aa|b?a)+$", "");
  EXPECT_EQ(error_code_of([&] { static_cast<void>(regex.matches(std::string(60, 'a') + "c")); }),
            51156);
}

TEST(RegexTest, ALongTextNeedsMoreThanTheStackOfTheCompiledPattern) {
  const CompiledRegex regex("^(?:(a|b)c?)*d$", "");
  std::string text;
  for (int i = 0; i < 20'000; ++i) text += "ab";
  EXPECT_TRUE(regex.matches(text + "d"));
  EXPECT_FALSE(regex.matches(text));
}

TEST(PathTest, RefusesAPathDeeperThanAnyDocument) {
  std::string path = "a";
  for (int i = 1; i < kMaxPathComponents; ++i) path += ".a";
  EXPECT_EQ(error_code_of([&] { check_field_path(path); }), 0);
  EXPECT_EQ(error_code_of([&] { check_field_path(path + ".a"); }), 15);
}

TEST(PathTest, PathsOverlapWhereOneLeadsToTheOther) {
  EXPECT_TRUE(paths_overlap("a", "a"));
  EXPECT_TRUE(paths_overlap("a", "a.b"));
  EXPECT_TRUE(paths_overlap("a.b", "a"));
  EXPECT_FALSE(paths_overlap("a", "ab"));
  EXPECT_FALSE(paths_overlap("a.b", "a.c"));
}

TEST(ProjectionTest, KnowsTheIdentity) {
  EXPECT_TRUE(Projection::compile(from_json("{}")).is_identity());
  EXPECT_FALSE(Projection::compile(from_json(R"({"a": 0})")).is_identity());
  EXPECT_FALSE(Projection::compile(from_json(R"({"_id": 0})")).is_identity());
  EXPECT_TRUE(Projection::compile(from_json(R"({"a.$": 1})")).needs_query());
  EXPECT_FALSE(Projection::compile(from_json(R"({"a": 1})")).needs_query());
}

}  // namespace
}  // namespace gesso::localdb
