// A find by `_id` takes a short way past planner and cursor; what it answers is what the long way
// does.
#include "tests/localdb/server/server_fixture.hpp"

namespace gesso::localdb {
namespace {

// The whole reply to a find by `_id`, and to the same question in words that take the long way.
struct Answers {
  std::string short_way, long_way;
};

class PointReadTest : public CommandTest {
 protected:
  Answers ask(const std::string& id, const std::string& more = "") {
    return {bson::to_json(good(R"({"find": "c", "filter": {"_id": )" + id + "}" + more + "}")),
            bson::to_json(
                good(R"({"find": "c", "filter": {"_id": {"$eq": )" + id + "}}" + more + "}"))};
  }
};

TEST_F(PointReadTest, AnswersAsThePlannerDoes) {
  good(R"({"insert": "c", "documents": [
      {"_id": 1, "a": {"b": 1, "c": [1, 2]}, "list": [{"x": 1, "y": 2}, {"x": 3}], "s": "text"},
      {"_id": "1", "a": 5}, {"_id": {"$date": 1}, "a": 6},
      {"_id": {"$oid": "5f43a0b8c3d2e1f0a9b8c7d6"}, "a": 7},
      {"_id": {"$binary": {"base64": "AAEC", "subType": "00"}}, "a": 8},
      {"_id": {"$numberLong": "9007199254740993"}, "a": 9}, {"_id": null, "a": 10},
      {"_id": {"k": 1}, "a": 11}, {"_id": 2.5, "a": 12}]})");
  const auto ids = std::to_array<const char*>(
      {"1", "1.0", "{\"$numberLong\": \"1\"}", "{\"$numberDecimal\": \"1.00\"}", "\"1\"", "2",
       "{\"$date\": 1}", "{\"$oid\": \"5f43a0b8c3d2e1f0a9b8c7d6\"}",
       "{\"$binary\": {\"base64\": \"AAEC\", \"subType\": \"00\"}}",
       "{\"$numberLong\": \"9007199254740993\"}", "{\"$numberLong\": \"9007199254740992\"}", "null",
       "{\"k\": 1}", "2.5"});
  const auto wishes = std::to_array<const char*>(
      {"", R"(, "limit": 1, "singleBatch": true)", R"(, "limit": 1, "projection": {"a": 1})",
       R"(, "projection": {"_id": 0, "a.b": 1, "list.x": 1})", R"(, "projection": {"a": 0})",
       R"(, "projection": {"list": {"$slice": 1}})", R"(, "projection": {"n": {"$type": "$a"}})",
       R"(, "projection": {})", R"(, "sort": {"a": 1})", R"(, "skip": 1)"});
  for (const char* const id : ids) {
    for (const char* const wish : wishes) {
      const Answers answers = ask(id, wish);
      EXPECT_EQ(answers.short_way, answers.long_way) << id << wish;
    }
  }
}

TEST_F(PointReadTest, AProjectionThatWasKeptIsNotTakenForAnother) {
  good(R"({"insert": "c", "documents": [{"_id": 1, "a": 1, "b": 2, "c": 3}]})");
  // More of them than are kept, twice round.
  for (int round = 0; round < 2; ++round) {
    for (int i = 0; i < 12; ++i) {
      const std::string name = "f" + std::to_string(i);
      EXPECT_EQ(found(R"({"find": "c", "filter": {"_id": 1}, "projection": {"_id": 0, "a": 1, ")" +
                      name + R"(": 1}})"),
                R"([ { "a" : 1 } ])");
    }
    EXPECT_EQ(found(R"({"find": "c", "filter": {"_id": 1}, "projection": {"_id": 0, "b": 1}})"),
              R"([ { "b" : 2 } ])");
  }
}

TEST_F(PointReadTest, WhatIsWrongIsRefusedAsOnTheLongWay) {
  good(R"({"insert": "c", "documents": [{"_id": 1}]})");
  for (const char* const wish : {R"("limit": -1)", R"("projection": {"a": 1, "b": 0})",
                                 R"("projection": {"a": 1, "a.b": 1})", R"("nonsense": 1)",
                                 R"("sort": {"a": 7})", R"("hint": "none")"}) {
    const auto code = [&](const std::string& filter) {
      return code_of(run(R"({"find": "c", "filter": )" + filter + ", " + wish + "}"));
    };
    EXPECT_NE(code(R"({"_id": 1})"), 0) << wish;
    EXPECT_EQ(code(R"({"_id": 1})"), code(R"({"_id": {"$eq": 1}})")) << wish;
  }
}

TEST_F(PointReadTest, AnOpenCursorIsStillOne) {
  good(R"({"insert": "c", "documents": [{"_id": 1}]})");
  const bson::Document reply = good(R"({"find": "c", "filter": {"_id": 1}, "batchSize": 0})");
  EXPECT_NE(reply.view().at_path("cursor.id").as_int64(), 0);
}

}  // namespace
}  // namespace gesso::localdb
