// Documents that are due: `_ts` with `ttl`, a date of the application's, hidden at once.
#include "tests/localdb/cosmos/account_fixture.hpp"

namespace gesso::localdb::cosmos {
namespace {

class TimeToLiveTest : public AccountTest {
 protected:
  void SetUp() override { open_wide(); }

  void expire(const std::string& path, int seconds) {
    good(R"({"createIndexes": "c", "indexes": [{"key": {")" + path + R"(": 1}, "name": ")" + path +
         R"(_1", "expireAfterSeconds": )" + std::to_string(seconds) + "}]}");
  }
  // The ids that are there.
  std::string ids() {
    std::string all;
    const bson::Document reply = good(R"({"find": "c", "sort": {"_id": 1}})");
    for (const auto& [key, document] : reply.view().at_path("cursor.firstBatch").as_document()) {
      all += (all.empty() ? "" : " ") + std::to_string(*document.as_document()["_id"].integer());
    }
    return all;
  }
};

TEST_F(TimeToLiveTest, WhatIsDueIsHiddenAtOnceAndRemovedLater) {
  expire("_ts", 10);
  insert("c", R"({"_id": 1})");
  advance(9999);
  EXPECT_EQ(ids(), "1");
  advance(1);
  EXPECT_EQ(ids(), "");
  EXPECT_EQ(good(R"({"count": "c"})")["n"].integer(), 0);
  EXPECT_EQ(found(R"({"aggregate": "c", "pipeline": [{"$match": {}}], "cursor": {}})"), "[]");
  EXPECT_EQ(good(R"({"update": "c", "updates": [{"q": {"_id": 1}, "u": {"$set": {"a": 1}}}]})")["n"]
                .integer(),
            0);
  EXPECT_EQ(good(R"({"delete": "c", "deletes": [{"q": {}, "limit": 0}]})")["n"].integer(), 0);
  EXPECT_EQ(store_->sweep(), 1U);
}

TEST_F(TimeToLiveTest, EveryUpdateBeginsTheTimeAnew) {
  expire("_ts", 10);
  insert("c", R"({"_id": 1})");
  insert("c", R"({"_id": 2})");
  advance(8000);
  good(R"({"update": "c", "updates": [{"q": {"_id": 1}, "u": {"$set": {"seen": 1}}}]})");
  advance(8000);
  EXPECT_EQ(ids(), "1");
  // One that changes nothing is an update all the same.
  good(R"({"update": "c", "updates": [{"q": {"_id": 1}, "u": {"$set": {"seen": 1}}}]})");
  advance(8000);
  EXPECT_EQ(ids(), "1");
  advance(2000);
  EXPECT_EQ(ids(), "");
}

TEST_F(TimeToLiveTest, ADocumentMaySayItsOwn) {
  expire("_ts", 10);
  insert("c", R"({"_id": 1, "ttl": 5})");
  insert("c", R"({"_id": 2, "ttl": 20})");
  insert("c", R"({"_id": 3, "ttl": -1})");
  insert("c", R"({"_id": 4, "ttl": 20.5})");                           // none: it is no integer
  insert("c", R"({"_id": 5, "ttl": {"$numberLong": "2147483649"}})");  // none: it does not fit
  insert("c", R"({"_id": 6, "ttl": 20.0})");
  advance(6000);
  EXPECT_EQ(ids(), "2 3 4 5 6");
  advance(5000);
  EXPECT_EQ(ids(), "2 3 6");
  advance(10'000);
  EXPECT_EQ(ids(), "3");
}

TEST_F(TimeToLiveTest, MinusOneLeavesItToTheDocuments) {
  expire("_ts", -1);
  insert("c", R"({"_id": 1})");
  insert("c", R"({"_id": 2, "ttl": 5})");
  advance(5000);
  EXPECT_EQ(ids(), "1");
}

TEST_F(TimeToLiveTest, WithoutTheIndexAFieldOfThatNameMeansNothing) {
  insert("c", R"({"_id": 1, "ttl": 5})");
  advance(600'000);
  EXPECT_EQ(ids(), "1");
  // And with it at once, for what was there before.
  expire("_ts", -1);
  EXPECT_EQ(ids(), "");
}

TEST_F(TimeToLiveTest, WhatIsDueIsInNobodysWay) {
  expire("_ts", 10);
  good(R"({"createIndexes": "c", "indexes": [{"key": {"email": 1}, "name": "email_1",
           "unique": true}]})");
  insert("c", R"({"_id": 1, "email": "a"})");
  advance(10'000);
  insert("c", R"({"_id": 1, "email": "a"})");
  EXPECT_EQ(ids(), "1");
}

TEST_F(TimeToLiveTest, TheMomentOfModificationIsNotSeen) {
  insert("c", R"({"_id": 1, "a": {"b": 2}})");
  EXPECT_EQ(found(R"({"find": "c"})"), R"([{"_id":1,"a":{"b":2}}])");
  EXPECT_EQ(json(good(R"({"findAndModify": "c", "query": {"_id": 1},
                                   "update": {"$set": {"c": 3}}, "new": true})")["value"]),
            R"({"_id":1,"a":{"b":2},"c":3})");
  EXPECT_EQ(found(R"({"find": "c"})"), R"([{"_id":1,"a":{"b":2},"c":3}])");
  good(R"({"update": "c", "updates": [{"q": {"_id": 1}, "u": {"d": 4}}]})");
  EXPECT_EQ(found(R"({"aggregate": "c", "pipeline": [{"$project": {"k": {"$objectToArray":
                      "$$ROOT"}}}, {"$project": {"n": {"$size": "$k"}}}], "cursor": {}})"),
            R"([{"_id":1,"n":2}])");
}

TEST_F(TimeToLiveTest, AnotherFieldNeedsTheCapabilityAndCountsInMilliseconds) {
  const bson::Document refused =
      run(R"({"createIndexes": "c", "indexes": [{"key": {"until": 1}, "name": "until_1",
              "expireAfterSeconds": 0}]})");
  EXPECT_EQ(code_of(refused), 2);
  EXPECT_EQ(text_of(refused), "The 'expireAfterSeconds' option is supported on '_ts' field only.");

  open_wide({.capabilities = {"EnableTtlOnCustomPath"}});
  expire("until", 0);
  const auto in = [&](std::int64_t milliseconds) {
    return std::to_string((clock_.now().time_since_epoch().count() + milliseconds));
  };
  insert("c", R"({"_id": 1, "until": {"$date": {"$numberLong": ")" + in(5000) + R"("}}})");
  insert("c", R"({"_id": 2, "until": {"$numberLong": ")" + in(5000) + R"("}})");
  insert("c", R"({"_id": 3, "until": 1769860800})");  // of seconds: January 1970
  insert("c", R"({"_id": 4, "until": "soon"})");
  insert("c", R"({"_id": 5, "until": [{"$numberLong": ")" + in(9000) + R"("}, {"$numberLong": ")" +
                  in(3000) + R"("}]})");
  EXPECT_EQ(ids(), "1 2 4 5");
  advance(3000);
  EXPECT_EQ(ids(), "1 2 4");
  advance(2000);
  EXPECT_EQ(ids(), "4");
}

TEST_F(TimeToLiveTest, AMomentBeyondAllTimeNeverComes) {
  open_wide({.capabilities = {"EnableTtlOnCustomPath"}});
  expire("until", 1);
  insert("c", R"({"_id": 1, "until": {"$numberLong": "9223372036854775807"}})");
  insert("c", R"({"_id": 2, "until": {"$date": {"$numberLong": "9223372036854775807"}}})");
  insert("c", R"({"_id": 3, "until": {"$numberLong": "9223372036854774807"}})");  // the last one
  EXPECT_EQ(ids(), "1 2 3");
  EXPECT_EQ(store_->sweep(), 0U);
}

TEST_F(TimeToLiveTest, MinusOneIsNoTimeForAnotherField) {
  open_wide({.capabilities = {"EnableTtlOnCustomPath"}});
  expire("until", -1);
  insert("c", R"({"_id": 1, "until": {"$date": "2001-01-01T00:00:00Z"}})");
  EXPECT_EQ(ids(), "1");
  EXPECT_EQ(store_->sweep(), 0U);
}

TEST_F(TimeToLiveTest, ItSurvivesARestart) {
  expire("_ts", 10);
  insert("c", R"({"_id": 1, "ttl": 20})");
  open_wide();
  EXPECT_EQ(found(R"({"listIndexes": "c", "cursor": {}})"),
            R"([{"v":1,"key":{"_id":1.0},"name":"_id_","ns":"test.c"},)"
            R"({"v":1,"key":{"_ts":1.0},"name":"_ts_1","ns":"test.c","expireAfterSeconds":10}])");
  advance(19'000);
  EXPECT_EQ(ids(), "1");
  advance(1000);
  EXPECT_EQ(ids(), "");
}

}  // namespace
}  // namespace gesso::localdb::cosmos
