// Which plan is chosen, as explain shows it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "gesso/bson/builder.hpp"
#include "gesso/localdb/language/command_error.hpp"
#include "gesso/localdb/plan/execution.hpp"
#include "tests/localdb/plan/plan_fixture.hpp"

namespace gesso::localdb {
namespace {

class PlannerTest : public PlanFixture {
 protected:
  // "FETCH(IXSCAN a_1 forward [1, 1])", "SORT(COLLSCAN forward)", ...
  static std::string summary(bson::View stage) {
    std::string out(stage["stage"].as_string());
    if (out == "IDHACK") return out;
    if (out == "COLLSCAN") return out + " " + std::string(stage["direction"].as_string());
    if (out == "IXSCAN") {
      out.append(" ").append(stage["indexName"].as_string());
      out.append(" ").append(stage["direction"].as_string());
      for (const bson::Element& field : stage["indexBounds"].as_document()) {
        for (const bson::Element& interval : field.value.as_document()) {
          out.append(" ").append(interval.value.as_string());
        }
        out.append(";");
      }
      return out;
    }
    if (stage.contains("filter")) out += "+filter";
    out += "(";
    if (const bson::Value inputs = stage["inputStages"]) {
      for (const bson::Element& input : inputs.as_document()) {
        out += summary(input.value.as_document()) + "|";
      }
    } else {
      out += summary(stage["inputStage"].as_document());
    }
    return out + ")";
  }

  std::string plan(const std::string& filter, const std::string& sort = "{}",
                   const std::string& hint = "", std::uint64_t limit = 0, std::uint64_t skip = 0) {
    const ReadTransaction read = store().read();
    const bson::Document sort_document = json(sort);
    const bson::Document hint_document = json("{\"v\": " + (hint.empty() ? "null" : hint) + "}");
    const Plan made = make_plan(read, collection(read),
                                {.filter = matcher(filter),
                                 .sort = sort_document,
                                 .hint = hint.empty() ? bson::Value() : hint_document["v"],
                                 .skip = skip,
                                 .limit = limit});
    return summary(describe_plan(made));
  }
};

TEST_F(PlannerTest, ScansTheCollectionWhereNoIndexServes) {
  EXPECT_EQ(plan("{}"), "COLLSCAN forward");
  EXPECT_EQ(plan(R"({"a": 1})"), "COLLSCAN forward");
  EXPECT_EQ(plan(R"({"a": 1})", R"({"b": 1})"), "SORT(COLLSCAN forward)");
  EXPECT_EQ(plan("{}", R"({"$natural": -1})"), "COLLSCAN backward");
}

TEST_F(PlannerTest, LooksADocumentUpByItsId) {
  EXPECT_EQ(plan(R"({"_id": 1})"), "IDHACK");
  EXPECT_EQ(plan(R"({"_id": {"$eq": 1}})", R"({"b": 1})", "", 1), "IDHACK");
  EXPECT_EQ(plan(R"({"_id": {"a": 1}})"), "IDHACK");
  // What MongoDB has its planner look at.
  EXPECT_EQ(plan(R"({"_id": {"$in": [1]}})"), "FETCH(IXSCAN _id_ forward [1, 1];)");
  EXPECT_EQ(plan(R"({"_id": 1})", "{}", R"({"_id": 1})"), "FETCH(IXSCAN _id_ forward [1, 1];)");
  EXPECT_EQ(plan(R"({"_id": 1})", "{}", "", 0, 2), "SKIP(FETCH(IXSCAN _id_ forward [1, 1];))");
  EXPECT_EQ(plan(R"({"$and": [{"_id": 1}]})"), "FETCH(IXSCAN _id_ forward [1, 1];)");
  EXPECT_EQ(plan(R"({"_id": 1, "a": 2})", R"({"b": 1})"),
            "FETCH+filter(IXSCAN _id_ forward [1, 1];)");
}

TEST_F(PlannerTest, BoundsAnIndexByEqualityListAndRange) {
  create_index(R"({"key": {"a": 1}})");
  EXPECT_EQ(plan(R"({"a": 1})"), "FETCH(IXSCAN a_1 forward [1, 1];)");
  EXPECT_EQ(plan(R"({"a": {"$in": [3, 1, 1.0]}})"), "FETCH(IXSCAN a_1 forward [1, 1] [3, 3];)");
  EXPECT_EQ(plan(R"({"a": {"$gt": 1, "$lte": 5}})"), "FETCH(IXSCAN a_1 forward (1, 5];)");
  EXPECT_EQ(plan(R"({"a": {"$gte": "x"}})"), "FETCH(IXSCAN a_1 forward [\"x\", {}];)");
  EXPECT_EQ(plan(R"({"a": {"$lt": 3}})"), "FETCH(IXSCAN a_1 forward (-inf.0, 3);)");
  EXPECT_EQ(plan(R"({"a": null})"), "FETCH+filter(IXSCAN a_1 forward [null, null];)");
  EXPECT_EQ(plan(R"({"a": {"$exists": false}})"), "FETCH+filter(IXSCAN a_1 forward [null, null];)");
  EXPECT_EQ(plan(R"({"a": {"$ne": 1}})"), "COLLSCAN forward");
  EXPECT_EQ(plan(R"({"a": {"$gt": 5, "$lt": 1}})"), "FETCH(IXSCAN a_1 forward;)");
}

TEST_F(PlannerTest, UsesEqualityThenOrderThenRangeOfACompoundIndex) {
  create_index(R"({"key": {"user": 1, "status": 1, "at": -1}})");
  EXPECT_EQ(plan(R"({"user": "u", "status": "s"})", R"({"at": -1})"),
            "FETCH(IXSCAN user_1_status_1_at_-1 forward [\"u\", \"u\"]; [\"s\", \"s\"]; "
            "[MaxKey, MinKey];)");
  EXPECT_EQ(plan(R"({"user": "u", "status": "s"})", R"({"at": 1})"),
            "FETCH(IXSCAN user_1_status_1_at_-1 backward [\"u\", \"u\"]; [\"s\", \"s\"]; "
            "[MinKey, MaxKey];)");
  EXPECT_EQ(plan(R"({"status": "s", "user": "u", "at": {"$gt": 5}})", R"({"user": 1, "at": -1})"),
            "FETCH(IXSCAN user_1_status_1_at_-1 forward [\"u\", \"u\"]; [\"s\", \"s\"]; "
            "[inf.0, 5);)");
  EXPECT_EQ(plan(R"({"user": "u"})", R"({"status": 1, "at": -1})"),
            "FETCH(IXSCAN user_1_status_1_at_-1 forward [\"u\", \"u\"]; [MinKey, MaxKey]; "
            "[MaxKey, MinKey];)");
  EXPECT_EQ(plan(R"({"user": "u"})", R"({"at": -1})").substr(0, 5), "SORT(");
  EXPECT_EQ(plan(R"({"user": "u"})", R"({"status": 1, "at": 1})").substr(0, 5), "SORT(");
  EXPECT_EQ(plan(R"({"user": {"$in": ["u", "v"]}})", R"({"status": 1})").substr(0, 5), "SORT(");
  EXPECT_EQ(plan(R"({"user": {"$in": ["u", "v"]}, "status": "s"})", R"({"user": -1, "at": 1})"),
            "FETCH(IXSCAN user_1_status_1_at_-1 backward [\"v\", \"v\"] [\"u\", \"u\"]; "
            "[\"s\", \"s\"]; [MinKey, MaxKey];)");
  EXPECT_EQ(plan(R"({"status": "s"})"), "COLLSCAN forward");
}

TEST_F(PlannerTest, GivesTheOrderByAWholeIndexWhereNothingBoundsOne) {
  create_index(R"({"key": {"a": 1}})");
  EXPECT_EQ(plan("{}", R"({"a": -1})", "", 5),
            "LIMIT(FETCH(IXSCAN a_1 backward [MaxKey, MinKey];))");
  EXPECT_EQ(plan(R"({"b": 1})", R"({"a": 1})"),
            "FETCH+filter(IXSCAN a_1 forward [MinKey, MaxKey];)");
}

TEST_F(PlannerTest, PrefersTheIndexThatBoundsMoreAndSorts) {
  create_index(R"({"key": {"a": 1}})");
  create_index(R"({"key": {"a": 1, "b": 1}})");
  create_index(R"({"key": {"a": 1, "at": 1}})");
  EXPECT_EQ(plan(R"({"a": 1, "b": 2})"), "FETCH(IXSCAN a_1_b_1 forward [1, 1]; [2, 2];)");
  EXPECT_EQ(plan(R"({"a": 1})"), "FETCH(IXSCAN a_1 forward [1, 1];)");
  EXPECT_EQ(plan(R"({"a": 1})", R"({"at": 1})"),
            "FETCH(IXSCAN a_1_at_1 forward [1, 1]; [MinKey, MaxKey];)");
}

TEST_F(PlannerTest, CountsEntriesWhereNeitherIndexIsBetterInAll) {
  create_index(R"({"key": {"status": 1}})");
  create_index(R"({"key": {"user": 1}})");
  for (int i = 0; i < 50; ++i) {
    insert(bson::make_document("_id", i, "status", "done", "user", i));
  }
  EXPECT_EQ(plan(R"({"status": "done", "user": 7})"),
            "FETCH+filter(IXSCAN user_1 forward [7, 7];)");
  EXPECT_EQ(plan(R"({"user": {"$gte": 0}, "status": "rare"})"),
            "FETCH+filter(IXSCAN status_1 forward [\"rare\", \"rare\"];)");
}

TEST_F(PlannerTest, NeitherIntersectsNorOrdersWhereAFieldHasArrays) {
  create_index(R"({"key": {"a": 1}})");
  create_index(R"({"key": {"b.x": 1, "b.y": 1}})");
  insert(R"({"_id": 1, "a": [1, 9], "b": [{"x": 1, "y": 2}]})");
  EXPECT_EQ(plan(R"({"a": {"$gt": 5, "$lt": 3}})"), "FETCH+filter(IXSCAN a_1 forward (5, inf.0];)");
  EXPECT_EQ(plan("{}", R"({"a": 1})"), "SORT(COLLSCAN forward)");
  EXPECT_EQ(plan(R"({"b.x": 1, "b.y": 2})"),
            "FETCH+filter(IXSCAN b.x_1_b.y_1 forward [1, 1]; [MinKey, MaxKey];)");
}

TEST_F(PlannerTest, OrdersByTheFieldBehindAnEqualityOnAnArray) {
  create_index(R"({"key": {"tags": 1, "at": 1}})");
  insert(R"({"_id": 1, "tags": ["x", "y"], "at": 1})");
  EXPECT_EQ(plan(R"({"tags": "x"})", R"({"at": 1})"),
            "FETCH(IXSCAN tags_1_at_1 forward [\"x\", \"x\"]; [MinKey, MaxKey];)");
}

TEST_F(PlannerTest, UsesAPartialIndexOnlyForWhatItHolds) {
  create_index(R"({"key": {"ref": 1}, "unique": true,
                   "partialFilterExpression": {"ref": {"$type": "string"}}})");
  EXPECT_EQ(plan(R"({"ref": "r"})"), "FETCH(IXSCAN ref_1 forward [\"r\", \"r\"];)");
  EXPECT_EQ(plan(R"({"ref": 5})"), "COLLSCAN forward");
  EXPECT_EQ(plan(R"({"ref": null})"), "COLLSCAN forward");
  EXPECT_EQ(plan("{}", R"({"ref": 1})"), "SORT(COLLSCAN forward)");
  create_index(R"({"key": {"n": 1}, "partialFilterExpression": {"n": {"$gt": 5}, "s": "x"}})");
  EXPECT_EQ(plan(R"({"n": {"$gte": 6}, "s": "x"})"),
            "FETCH+filter(IXSCAN n_1 forward [6, inf.0];)");
  EXPECT_EQ(plan(R"({"n": {"$gte": 5}, "s": "x"})"), "COLLSCAN forward");
  EXPECT_EQ(plan(R"({"n": 7})"), "COLLSCAN forward");
}

TEST_F(PlannerTest, UsesASparseIndexOnlyForWhatItHolds) {
  create_index(R"({"key": {"a": 1}, "sparse": true})");
  EXPECT_EQ(plan(R"({"a": 1})"), "FETCH(IXSCAN a_1 forward [1, 1];)");
  EXPECT_EQ(plan(R"({"a": {"$exists": true}})"),
            "FETCH+filter(IXSCAN a_1 forward [MinKey, MaxKey];)");
  EXPECT_EQ(plan(R"({"a": null})"), "COLLSCAN forward");
  EXPECT_EQ(plan(R"({"a": {"$exists": false}})"), "COLLSCAN forward");
  EXPECT_EQ(plan("{}", R"({"a": 1})"), "SORT(COLLSCAN forward)");
}

TEST_F(PlannerTest, UnitesTheIndexesOfAllBranches) {
  create_index(R"({"key": {"a": 1}})");
  create_index(R"({"key": {"b": 1}})");
  EXPECT_EQ(plan(R"({"$or": [{"a": 1}, {"b": 2, "c": 3}]})"),
            "FETCH+filter(OR(IXSCAN a_1 forward [1, 1];|IXSCAN b_1 forward [2, 2];|))");
  EXPECT_EQ(plan(R"({"$or": [{"a": 1}, {"c": 3}]})"), "COLLSCAN forward");
}

TEST_F(PlannerTest, DoesNotOrderByAnIndexWithCutKeys) {
  create_index(R"({"key": {"a": 1}})");
  EXPECT_EQ(plan("{}", R"({"a": 1})"), "FETCH(IXSCAN a_1 forward [MinKey, MaxKey];)");
  insert(bson::make_document("_id", 1, "a", std::string(1000, 'x')));
  EXPECT_EQ(plan("{}", R"({"a": 1})"), "SORT(COLLSCAN forward)");
}

TEST_F(PlannerTest, ObeysAHint) {
  create_index(R"({"key": {"a": 1}, "name": "by_a"})");
  EXPECT_EQ(plan(R"({"_id": 1})", "{}", R"("by_a")"),
            "FETCH+filter(IXSCAN by_a forward [MinKey, MaxKey];)");
  EXPECT_EQ(plan(R"({"a": 1})", "{}", R"({"a": 1})"), "FETCH(IXSCAN by_a forward [1, 1];)");
  EXPECT_EQ(plan(R"({"a": 1})", "{}", R"({"$natural": -1})"), "COLLSCAN backward");
  for (const char* bad : {R"("nope")", R"({"nope": 1})", "5", R"({"$natural": 2})"}) {
    try {
      plan("{}", "{}", bad);
      ADD_FAILURE() << bad;
    } catch (const CommandError& error) {
      EXPECT_EQ(error.code(), 2);
    }
  }
}

}  // namespace
}  // namespace gesso::localdb
