#include "gesso/localdb/index/spec.hpp"

#include <gtest/gtest.h>

#include "gesso/bson/json.hpp"
#include "gesso/localdb/language/command_error.hpp"

namespace gesso::localdb {
namespace {

IndexSpec parse(const std::string& json) { return IndexSpec::parse(bson::from_json(json).view()); }

int refusal(const std::string& json) {
  try {
    parse(json);
    return 0;
  } catch (const CommandError& error) {
    return error.code();
  }
}

TEST(IndexSpec, NamesAnIndexAfterItsKey) {
  EXPECT_EQ(parse(R"({"key": {"a": 1, "b.c": -1}})").name, "a_1_b.c_-1");
  EXPECT_EQ(parse(R"({"key": {"a": 1.0}, "name": "mine"})").name, "mine");
}

TEST(IndexSpec, ReadsBackWhatItDescribes) {
  for (const char* json :
       {R"({"v": 2, "key": {"_id": 1}, "name": "_id_"})",
        R"({"v": 2, "key": {"a": 1, "b": -1}, "name": "n", "unique": true, "sparse": true})",
        R"({"v": 2, "key": {"a": 1}, "name": "a_1", "expireAfterSeconds": 60})",
        R"({"v": 2, "key": {"a": 1}, "name": "a_1", "unique": true,
            "partialFilterExpression": {"a": {"$exists": true}}})"}) {
    const bson::Document description = parse(json).describe();
    EXPECT_EQ(bson::to_json(IndexSpec::parse(description).describe().view()),
              bson::to_json(description.view()));
    EXPECT_EQ(bson::to_json(IndexSpec::parse(description).describe()["key"]),
              bson::to_json(bson::from_json(json)["key"]));
  }
}

struct Refusal {
  const char* json;
  int code;
};

TEST(IndexSpec, RefusesWhatNoIndexCanHaveWithMongoDBsCodes) {
  for (const auto& [json, code] : std::initializer_list<Refusal>{
           {R"({"key": {}})", 67},
           {R"({"key": {"a": 0}})", 67},
           {R"({"key": {"a": "text"}})", 67},
           {R"({"key": {"a": true}})", 67},
           {R"({"key": {"": 1}})", 67},
           {R"({"key": {"a..b": 1}})", 67},
           {R"({"key": {"$a": 1}})", 67},
           {R"({"key": {"a": 1}, "name": "*"})", 67},
           {R"({"key": {"a": 1}, "name": ""})", 67},
           {R"({"key": {"a": 1}, "name": 5})", 14},
           {R"({"key": 5})", 14},
           {R"({"name": "x"})", 9},
           {R"({"key": {"a": 1}, "frobnicate": 1})", 197},
           {R"({"key": {"a": 1}, "expireAfterSeconds": "1"})", 14},
           {R"({"key": {"a": 1}, "expireAfterSeconds": -1})", 67},
           {R"({"key": {"a": 1}, "expireAfterSeconds": 2147483648})", 67},
           {R"({"key": {"a": 1, "b": 1}, "expireAfterSeconds": 1})", 67},
           {R"({"key": {"_id": 1}, "expireAfterSeconds": 1})", 67},
           {R"({"key": {"_id": -1}})", 2},
           {R"({"key": {"a": 1}, "name": "_id_"})", 67},
           {R"({"key": {"a": 1}, "sparse": true, "partialFilterExpression": {"a": 1}})", 67},
           {R"({"key": {"a": 1}, "partialFilterExpression": {"a": {"$ne": 1}}})", 67},
           {R"({"key": {"a": 1}, "partialFilterExpression": {"a": {"$exists": false}}})", 67},
           {R"({"key": {"a": 1}, "collation": {"locale": "de"}})", 67},
       }) {
    EXPECT_EQ(refusal(json), code) << json;
  }
}

int conflict(const std::string& existing, const std::string& wanted) {
  try {
    return compare_specs(parse(existing), parse(wanted)) == SpecRelation::kIdentical ? 1 : 0;
  } catch (const CommandError& error) {
    return error.code();
  }
}

TEST(IndexSpec, TellsTheSameIndexFromAConflictingOne) {
  const std::string existing = R"({"key": {"a": 1}, "name": "n"})";
  EXPECT_EQ(conflict(existing, R"({"key": {"a": 1.0}, "name": "n"})"), 1);
  EXPECT_EQ(conflict(existing, R"({"key": {"b": 1}, "name": "m"})"), 0);
  EXPECT_EQ(conflict(existing, R"({"key": {"b": 1}, "name": "n"})"), 86);
  EXPECT_EQ(conflict(existing, R"({"key": {"a": 1}, "name": "m"})"), 85);
  EXPECT_EQ(conflict(existing, R"({"key": {"a": 1}, "name": "n", "unique": true})"), 86);
  EXPECT_EQ(conflict(existing, R"({"key": {"a": 1}, "name": "n", "expireAfterSeconds": 1})"), 85);
  EXPECT_EQ(conflict(existing, R"({"key": {"a": 1}, "name": "m", "expireAfterSeconds": 1})"), 85);
}

TEST(IndexSpec, IndexesOfOneKeyMayDifferInWhatTheyHold) {
  const std::string existing = R"({"key": {"a": 1}, "name": "n"})";
  for (const char* option :
       {R"("unique": true)", R"("sparse": true)", R"("partialFilterExpression": {"b": 1})"}) {
    const std::string key = R"({"key": {"a": 1}, )" + std::string(option);
    EXPECT_EQ(conflict(existing, key + R"(, "name": "m"})"), 0) << option;
    EXPECT_EQ(conflict(existing, key + R"(, "name": "n"})"), 86) << option;
  }
}

}  // namespace
}  // namespace gesso::localdb
