// Which indexes there can be, how they are shown, and which sorts they serve.
#include "gesso/localdb/cosmos/ledger.hpp"
#include "gesso/localdb/plan/plan.hpp"
#include "tests/localdb/cosmos/account_fixture.hpp"

namespace gesso::localdb::cosmos {
namespace {

class IndexTest : public AccountTest {
 protected:
  void SetUp() override { open_wide(); }

  bson::Document create(const std::string& spec, const std::string& collection = "c") {
    return run("{\"createIndexes\": \"" + collection + "\", \"indexes\": [" + spec + "]}");
  }
  void made(const std::string& spec, const std::string& collection = "c") {
    const bson::Document reply = create(spec, collection);
    EXPECT_EQ(reply["ok"].number(), 1) << spec << "\n" << bson::to_json(reply);
  }
  void refused(const std::string& spec, int code, const std::string& text,
               const std::string& collection = "c") {
    const bson::Document reply = create(spec, collection);
    EXPECT_EQ(code_of(reply), code) << spec << "\n" << bson::to_json(reply);
    EXPECT_EQ(text_of(reply), text) << spec;
  }
  void sharded(const std::string& name, const std::string& key) {
    good(R"({"customAction": "CreateCollection", "collection": ")" + name + R"(", "shardKey": ")" +
         key + R"("})");
  }
};

constexpr const char* kUnique = R"({"key": {"email": 1}, "name": "email_1", "unique": true})";

TEST_F(IndexTest, TheReplyHasItsName) {
  const bson::Document reply = create(R"({"key": {"a": 1}, "name": "a_1"})");
  EXPECT_EQ(reply["_t"].as_string(), "CreateIndexesResponse");
  EXPECT_EQ(reply["createdCollectionAutomatically"].as_bool(), true);
  EXPECT_EQ(reply["numIndexesBefore"].integer(), 1);
  EXPECT_EQ(reply["numIndexesAfter"].integer(), 2);
  EXPECT_EQ(good(R"({"dropIndexes": "c", "index": "a_1"})")["_t"].as_string(),
            "DropIndexesResponse");
}

TEST_F(IndexTest, ANewShardedCollectionListsTheIndexOfIdAlone) {
  sharded("c", "pk");
  EXPECT_EQ(found(R"({"listIndexes": "c", "cursor": {}})"),
            R"([{"v":1,"key":{"_id":1.0},"name":"_id_","ns":"test.c"}])");
}

TEST_F(IndexTest, AUniqueIndexNeedsAnEmptyCollection) {
  insert("c", R"({"_id": 1})");
  refused(kUnique, 67, "Cannot create unique index when collection contains documents");
  good(R"({"delete": "c", "deletes": [{"q": {}, "limit": 0}]})");
  made(kUnique);
  insert("c", R"({"_id": 1, "email": "a"})");
  made(kUnique);  // it is there
  open_wide({.capabilities = {"EnableUniqueIndexReIndex"}});
  made(R"({"key": {"name": 1}, "name": "name_1", "unique": true})");
}

TEST_F(IndexTest, AUniqueIndexOfAShardedCollectionHasTheShardKey) {
  sharded("c", "university");
  refused(R"({"key": {"student_id": 1}, "name": "s", "unique": true})", 67,
          "cannot create unique index over { student_id : 1.0 } with shard key pattern { "
          "university : 1.0 }");
  made(R"({"key": {"university": 1, "student_id": 1}, "name": "both", "unique": true})");
  made(R"({"key": {"university": 1}, "name": "key", "unique": true})");
}

TEST_F(IndexTest, WithContinuousBackupUniqueIndexesAreMadeWithTheirCollection) {
  open_wide({.continuous_backup = true});
  const bson::Document reply = create(kUnique);
  EXPECT_EQ(code_of(reply), 2);
  EXPECT_NE(text_of(reply).find("The unique index cannot be modified. To change the unique index, "
                                "remove the collection and re-create a new one."),
            std::string::npos);
  good(R"({"customAction": "CreateCollection", "collection": "d", "shardKey": "student_id",
           "indexes": [{"key": {"student_id": 1}, "name": "student_id_1", "unique": true}]})");
}

TEST_F(IndexTest, SparseIsAcceptedAndIgnored) {
  made(R"({"key": {"email": 1}, "name": "email_1", "unique": true, "sparse": true})");
  EXPECT_EQ(found(R"({"listIndexes": "c", "cursor": {}})").find("sparse"), std::string::npos);
  insert("c", R"({"_id": 1})");
  const bson::Document reply = run(R"({"insert": "c", "documents": [{"_id": 2}]})");
  EXPECT_EQ(reply.view().at_path("writeErrors.0.code").integer(), 11000);
}

TEST_F(IndexTest, WhatNeedsACapability) {
  const std::string nested = "Unique and compound indexes do not support nested paths";
  refused(R"({"key": {"a.b": 1}, "name": "x", "unique": true})", 2, nested);
  refused(R"({"key": {"a.b": 1, "c": 1}, "name": "x"})", 2, nested);
  made(R"({"key": {"a.b": 1}, "name": "single"})");
  const std::string partial =
      R"({"key": {"e": 1}, "name": "e_1", "unique": true,
          "partialFilterExpression": {"e": {"$exists": true}}})";
  EXPECT_EQ(code_of(create(partial)), 2);
  open_wide({.capabilities = {"EnableUniqueCompoundNestedDocs", "EnablePartialUniqueIndex"}});
  made(R"({"key": {"a.b": 1}, "name": "x", "unique": true})");
  made(partial);
  EXPECT_EQ(code_of(create(R"({"key": {"f": 1}, "name": "f_1",
                               "partialFilterExpression": {"e": 1}})")),
            2);  // of unique ones only
}

TEST_F(IndexTest, WhatNoIndexCanBe) {
  refused(R"({"key": {"_id": 1}, "name": "_id_", "unique": true})", 2,
          "The field 'unique' is not valid for an _id index specification");
  EXPECT_EQ(code_of(create(R"({"key": {"a": "text"}, "name": "x"})")), 67);
  EXPECT_EQ(code_of(create(R"({"key": {"a": "hashed"}, "name": "x"})")), 67);
  EXPECT_EQ(code_of(create(R"({"key": {"a": 1, "b": 1, "c": 1, "d": 1, "e": 1, "f": 1, "g": 1,
                                       "h": 1, "i": 1}, "name": "nine"})")),
            67);
  EXPECT_EQ(code_of(create(R"({"key": {"$**": 1}, "name": "w", "unique": true})")), 67);
  EXPECT_EQ(code_of(create(R"({"key": {"$**": 1, "a": 1}, "name": "w"})")), 67);
  EXPECT_EQ(code_of(create(R"({"key": {"$**": 1}, "name": "w", "expireAfterSeconds": 5})")), 67);
}

TEST_F(IndexTest, OnlyOneFieldHasATimeToLive) {
  open_wide({.capabilities = {"EnableTtlOnCustomPath"}});
  made(R"({"key": {"_ts": 1}, "name": "_ts_1", "expireAfterSeconds": 10})");
  EXPECT_EQ(code_of(create(R"({"key": {"d": 1}, "name": "d_1", "expireAfterSeconds": 10})")), 67);
}

TEST_F(IndexTest, WildcardsAreShownAndAnswerFilters) {
  made(R"({"key": {"a.$**": 1}, "name": "a.$**_1"})");
  insert_all("c", {sized(bson::from_json(R"({"_id": 1, "a": {"x": 1}, "b": 1})"), 10'000)});
  EXPECT_NE(found(R"({"listIndexes": "c", "cursor": {}})").find(R"("key":{"a.$**":1.0})"),
            std::string::npos);
  EXPECT_EQ(found(R"({"find": "c", "filter": {"a.x": 1}, "projection": {"_id": 1}})"),
            R"([{"_id":1}])");
  const double by_index = charge();
  (void)found(R"({"find": "c", "filter": {"b": 1}})");
  EXPECT_GT(charge(), by_index);
  good(R"({"find": "c", "sort": {"a.x": 1}})");
  EXPECT_EQ(code(R"({"find": "c", "sort": {"b": 1}})"), 2);
}

TEST_F(IndexTest, ASortNeedsAnIndex) {
  insert("c", R"({"_id": 1, "created_at": 1})");
  const bson::Document reply = run(R"({"find": "c", "sort": {"created_at": -1}})");
  EXPECT_EQ(code_of(reply), 2);
  EXPECT_EQ(reply["codeName"].as_string(), "BadValue");
  EXPECT_TRUE(text_of(reply).starts_with(
      "Error=2, Details='Response status code does not indicate success: BadRequest (400); "
      "Substatus: 0; ActivityId: "))
      << text_of(reply);
  EXPECT_TRUE(text_of(reply).ends_with(
      "; Reason: ({\"Errors\":[\"The index path corresponding to the specified order-by item is "
      "excluded.\"]});'"))
      << text_of(reply);
  good(R"({"find": "c", "sort": {"_id": 1}})");
  // Even where the filter leaves one document.
  EXPECT_EQ(code(R"({"find": "c", "filter": {"_id": 1}, "sort": {"created_at": -1}})"), 2);
  EXPECT_EQ(code(R"({"aggregate": "c", "pipeline": [{"$sort": {"created_at": 1}}],
                     "cursor": {}})"),
            2);
  EXPECT_EQ(code(R"({"findAndModify": "c", "query": {}, "sort": {"created_at": 1},
                     "remove": true})"),
            2);
  // Behind a $group it is done in memory.
  good(R"({"aggregate": "c", "pipeline": [{"$group": {"_id": "$created_at"}},
           {"$sort": {"_id": 1}}], "cursor": {}})");
  made(R"({"key": {"created_at": 1}, "name": "created_at_1"})");
  good(R"({"find": "c", "sort": {"created_at": -1}})");
}

TEST_F(IndexTest, ACompoundIndexServesSortsAlongItsWholePath) {
  insert("c", R"({"_id": 1, "a": 1, "b": 1, "c": 1})");
  made(R"({"key": {"a": 1, "b": -1}, "name": "ab"})");
  good(R"({"find": "c", "sort": {"a": 1, "b": -1}})");
  good(R"({"find": "c", "sort": {"a": -1, "b": 1}})");
  const std::string composite =
      "The order by query does not have a corresponding composite index that it can be served "
      "from.";
  for (const char* sort :
       {R"({"a": 1, "b": 1})", R"({"b": -1, "a": 1})", R"({"a": 1, "b": -1, "c": 1})"}) {
    const bson::Document reply = run(R"({"find": "c", "sort": )" + std::string(sort) + "}");
    EXPECT_EQ(code_of(reply), 2) << sort;
    EXPECT_NE(text_of(reply).find(composite), std::string::npos) << text_of(reply);
  }
  EXPECT_EQ(code(R"({"find": "c", "sort": {"a": 1}})"), 2);  // not by a part of it
}

TEST_F(IndexTest, FindAndModifySortsByOneFieldOnly) {
  insert("c", R"({"_id": 1, "a": 1, "b": 1})");
  made(R"({"key": {"a": 1, "b": 1}, "name": "ab"})");
  EXPECT_EQ(code(R"({"findAndModify": "c", "sort": {"a": 1, "b": 1}, "remove": true})"), 2);
}

TEST_F(IndexTest, BuildsAreWhatCurrentOpTells) {
  EXPECT_EQ(json(good(R"({"currentOp": 1, "command.createIndexes": "c"})")["inprog"]), "[]");
}

TEST_F(AccountTest, ASortAlongACompoundIndexWalksAlongIt) {
  open_wide();
  good(R"({"createIndexes": "c", "indexes": [{"key": {"a": 1}, "name": "a_1"},
           {"key": {"a": 1, "b": -1}, "name": "a_1_b_-1"}]})");
  for (int i = 0; i < 6; ++i) {
    insert("c", bson::to_json(bson::make_document("_id", i, "a", i % 2, "b", i)));
  }
  EXPECT_EQ(found(R"({"find": "c", "filter": {"a": 1}, "sort": {"a": 1, "b": -1}, "limit": 2})"),
            R"([{"_id":5,"a":1,"b":5},{"_id":3,"a":1,"b":3}])");
  EXPECT_EQ(found(R"({"find": "c", "filter": {"a": 1}, "sort": {"a": -1, "b": 1}, "limit": 2})"),
            R"([{"_id":1,"a":1,"b":1},{"_id":3,"a":1,"b":3}])");

  Services& services = engine_->services();
  Operation operation(services.operations, client_, "find", "test", bson::View());
  CommandLedger ledger(*dialect_, services, operation, "find");
  const ReadTransaction snapshot = store_->read();
  const CollectionPtr collection = snapshot.find_collection("test", "c");
  const auto plan = [&](const std::string& filter, const std::string& sort) {
    const bson::Document conditions = bson::from_json(filter);
    const bson::Document order = bson::from_json(sort);
    PlanRequest request{.filter = std::make_shared<const Matcher>(Matcher::compile(conditions)),
                        .sort = order};
    (void)ledger.begin(collection, request, QueryUse::kFind);
    const Plan made = make_plan(snapshot, collection, request);
    return spec_of(*made.scans.front().index).name + (made.sort.empty() ? "" : ", sorted");
  };
  EXPECT_EQ(plan(R"({"a": 1})", R"({"a": 1, "b": -1})"), "a_1_b_-1");
  EXPECT_EQ(plan(R"({"a": {"$gt": 0}})", R"({"a": -1, "b": 1})"), "a_1_b_-1");
  // It serves nothing else, and what is charged for being read is read.
  EXPECT_EQ(plan(R"({"a": 1})", "{}"), "a_1");
  EXPECT_EQ(plan(R"({"a": 1})", R"({"a": 1})"), "a_1");
  EXPECT_EQ(plan(R"({"a": 1, "b": 3})", R"({"a": 1, "b": -1})"), "a_1, sorted");
}

}  // namespace
}  // namespace gesso::localdb::cosmos
