// Databases and collections with shard keys, throughput and indexes.
#include "tests/localdb/cosmos/account_fixture.hpp"

namespace gesso::localdb::cosmos {
namespace {

class ExtensionTest : public AccountTest {
 protected:
  void SetUp() override { open({.ru = 400}); }

  // Of a command that fails as an extension command does.
  int failure(const std::string& json) {
    const bson::Document reply = run(json);
    EXPECT_EQ(reply["ok"].number(), 0) << json;
    EXPECT_TRUE(reply["errMsg"].is_string()) << bson::to_json(reply);
    EXPECT_FALSE(reply.contains("errmsg")) << bson::to_json(reply);
    return code_of(reply);
  }
};

TEST_F(ExtensionTest, ACollectionIsMadeWithAllThatItNeeds) {
  EXPECT_EQ(json(good(R"({"customAction": "CreateCollection", "collection": "c",
      "shardKey": "a.b", "offerThroughput": 1000,
      "indexes": [{"key": {"_id": 1}, "name": "_id_1"}, {"key": {"x": 1}, "name": "x_1"}]})")),
            R"({"ok":1.0})");
  EXPECT_EQ(json(good(R"({"customAction": "GetCollection", "collection": "c",
                                   "showIndexes": true})")),
            R"({"database":"test","collection":"c","shardKeyDefinition":{"a.b":"hashed"},)"
            R"("provisionedThroughput":1000,"indexes":[)"
            R"({"v":1,"key":{"_id":1.0},"name":"_id_","ns":"test.c"},)"
            R"({"v":1,"key":{"x":1.0},"name":"x_1","ns":"test.c"}],"ok":1.0})");
  EXPECT_EQ(failure(R"({"customAction": "CreateCollection", "collection": "c"})"), 48);
}

TEST_F(ExtensionTest, ItSurvivesARestart) {
  good(R"({"customAction": "CreateCollection", "collection": "c", "shardKey": "pk",
           "autoScaleSettings": {"maxThroughput": 4000}})");
  open({.ru = 400});
  const bson::Document reply = good(R"({"customAction": "GetCollection", "collection": "c"})");
  EXPECT_EQ(reply.view().at_path("shardKeyDefinition.pk").as_string(), "hashed");
  EXPECT_EQ(reply["provisionedThroughput"].integer(), 400);  // a tenth
  EXPECT_EQ(reply.view().at_path("autoScaleSettings.maxThroughput").integer(), 4000);
}

TEST_F(ExtensionTest, AnImplicitCollectionIsUnshardedWithTheDefault) {
  insert("c", R"({"_id": 1})");
  EXPECT_EQ(json(good(R"({"customAction": "GetCollection", "collection": "c"})")),
            R"({"database":"test","collection":"c","provisionedThroughput":400,"ok":1.0})");
  EXPECT_EQ(code(R"({"shardCollection": "test.c", "key": {"x": "hashed"}})"), 48);
}

TEST_F(ExtensionTest, ThroughputHasBounds) {
  const auto make = [](const std::string& more) {
    return R"({"customAction": "CreateCollection", "collection": "n", )" + more + "}";
  };
  EXPECT_EQ(failure(make(R"("offerThroughput": 300)")), 2);
  EXPECT_EQ(failure(make(R"("offerThroughput": 450)")), 2);
  EXPECT_EQ(failure(make(R"("offerThroughput": 10100)")), 2);  // needs a shard key
  EXPECT_EQ(failure(make(R"("autoScaleSettings": {"maxThroughput": 900})")), 2);
  EXPECT_EQ(
      failure(make(R"("offerThroughput": 400, "autoScaleSettings": {"maxThroughput": 1000})")), 2);
  EXPECT_EQ(failure(make(R"("shardKey": "x", "offerThroughput": "many")")), 2);
  EXPECT_EQ(failure(make(R"("shardKey": "x", "offerThroughput": 1000100)")), 2);
  EXPECT_EQ(failure(make(R"("shardKey": "x", "offerThroughput": 6e12)")), 2);
  EXPECT_EQ(failure(make(R"("shardKey": "x", "autoScaleSettings": {"maxThroughput": 1000100})")),
            2);
  good(make(R"("shardKey": "x", "offerThroughput": 100000)"));
  // A hundredth of the most that it ever had.
  EXPECT_EQ(failure(R"({"customAction": "UpdateCollection", "collection": "n",
                        "offerThroughput": 900})"),
            2);
  good(R"({"customAction": "UpdateCollection", "collection": "n", "offerThroughput": 1000})");
  // Which the portal alone does.
  EXPECT_EQ(failure(R"({"customAction": "UpdateCollection", "collection": "n",
                        "autoScaleSettings": {"maxThroughput": 10000}})"),
            2);
}

TEST_F(ExtensionTest, UpdateCollectionReplacesTheIndexes) {
  good(R"({"customAction": "CreateCollection", "collection": "c",
           "indexes": [{"key": {"a": 1}, "name": "a_1"}, {"key": {"b": 1}, "name": "b_1"}]})");
  good(R"({"customAction": "UpdateCollection", "collection": "c",
           "indexes": [{"key": {"_id": 1}, "name": "_id_1"}, {"key": {"b": 1}, "name": "b_1"},
                       {"key": {"d": 1}, "name": "d_1"}]})");
  const std::string indexes = found(R"({"listIndexes": "c", "cursor": {}})");
  EXPECT_EQ(indexes.find("a_1"), std::string::npos) << indexes;
  EXPECT_NE(indexes.find("b_1"), std::string::npos) << indexes;
  EXPECT_NE(indexes.find("d_1"), std::string::npos) << indexes;
  // So that it changes a time to live, too.
  for (const int seconds : {10, 20}) {
    good(R"({"customAction": "UpdateCollection", "collection": "c", "indexes": [
             {"key": {"_ts": 1}, "name": "_ts_1", "expireAfterSeconds": )" +
         std::to_string(seconds) + "}]}");
    EXPECT_NE(found(R"({"listIndexes": "c", "cursor": {}})")
                  .find("\"expireAfterSeconds\":" + std::to_string(seconds)),
              std::string::npos);
  }
}

TEST_F(ExtensionTest, AThroughputThatIsRaisedIsThereAtOnce) {
  good(R"({"customAction": "CreateCollection", "collection": "c", "offerThroughput": 400})");
  std::vector<bson::Document> documents;
  for (int i = 0; i < 100; ++i) documents.push_back(bson::make_document("_id", i));
  EXPECT_EQ(insert_all("c", documents)["n"].integer(), 50);  // 8.1 each
  good(R"({"customAction": "UpdateCollection", "collection": "c", "offerThroughput": 800})");
  documents.erase(documents.begin(), documents.begin() + 50);
  EXPECT_EQ(insert_all("c", documents)["n"].integer(), 49);
}

TEST_F(ExtensionTest, ADatabaseMayShareItsThroughput) {
  good(R"({"customAction": "CreateDatabase", "offerThroughput": 500})");
  EXPECT_EQ(json(good(R"({"customAction": "GetDatabase"})")),
            R"({"database":"test","provisionedThroughput":500,"ok":1.0})");
  EXPECT_EQ(failure(R"({"customAction": "CreateDatabase"})"), 48);
  insert("a", R"({"_id": 1})");
  EXPECT_EQ(json(good(R"({"customAction": "GetCollection", "collection": "a"})")),
            R"({"database":"test","collection":"a","ok":1.0})");
  std::vector<bson::Document> documents;
  for (int i = 10; i < 110; ++i) documents.push_back(bson::make_document("_id", i));
  EXPECT_EQ(insert_all("a", documents)["n"].integer(), 61);  // with the first, 502.2 of 500
  EXPECT_EQ(insert_all("b", {bson::make_document("_id", 1)})["n"].integer(), 0);
  good(R"({"customAction": "UpdateDatabase", "offerThroughput": 600})");
  EXPECT_EQ(insert_all("b", {bson::make_document("_id", 1)})["n"].integer(), 1);
  // What is kept of it is nobody's to see.
  EXPECT_EQ(found(R"({"listCollections": 1, "cursor": {}})").find("system.cosmos"),
            std::string::npos);
  EXPECT_EQ(code(R"({"insert": "system.cosmos", "documents": [{"_id": 1}]})"), 73);
}

TEST_F(ExtensionTest, CollectionsPastTwentyFiveRaiseADatabasesLeast) {
  good(R"({"customAction": "CreateDatabase", "offerThroughput": 1000})");
  for (int i = 0; i < 27; ++i) good(R"({"create": "c)" + std::to_string(i) + "\"}");
  EXPECT_EQ(failure(R"({"customAction": "UpdateDatabase", "offerThroughput": 500})"), 2);
  good(R"({"customAction": "UpdateDatabase", "offerThroughput": 600})");
}

TEST_F(ExtensionTest, WhatIsNotThere) {
  EXPECT_EQ(failure(R"({"customAction": "GetCollection", "collection": "none"})"), 26);
  EXPECT_EQ(failure(R"({"customAction": "UpdateCollection", "collection": "none"})"), 26);
  EXPECT_EQ(failure(R"({"customAction": "GetDatabase"})"), 26);
  EXPECT_EQ(failure(R"({"customAction": "NoSuchAction"})"), 2);
  EXPECT_EQ(failure(R"({"customAction": "CreateCollection", "collection": "a b"})"), 73);
}

TEST_F(ExtensionTest, AShellsWayToAShardedCollection) {
  good(R"({"enableSharding": "test"})");
  EXPECT_EQ(json(good(R"({"shardCollection": "test.c", "key": {"x": "hashed"}})")),
            R"({"collectionsharded":"test.c","_t":"ShardCollectionResponse","ok":1.0})");
  const bson::Document reply = run(R"({"insert": "c", "documents": [{"_id": 1}]})");
  EXPECT_EQ(reply.view().at_path("writeErrors.0.code").integer(), 61);
  insert("c", R"({"_id": 1, "x": 5})");
  const bson::Document moved =
      run(R"({"update": "c", "updates": [{"q": {"_id": 1}, "u": {"$set": {"x": 6}}}]})");
  EXPECT_EQ(moved.view().at_path("writeErrors.0.code").integer(), 66);
}

TEST_F(ExtensionTest, ACollectionMayBeShardedWhoeverMakesIt) {
  open({.ru = 400, .sharded = {{"generations", "user_id"}}});
  insert("generations", R"({"_id": 1, "user_id": "u"})");
  EXPECT_EQ(good(R"({"customAction": "GetCollection", "collection": "generations"})")
                .view()
                .at_path("shardKeyDefinition.user_id")
                .as_string(),
            "hashed");
}

TEST_F(ExtensionTest, ShardCollectionNeedsRightsOnItsDatabase) {
  engine_ = std::make_unique<Engine>(EngineOptions{.require_auth = true, .dialect = dialect_.get()},
                                     *store_, clock_, random_);
  auth::UserDirectory& users = engine_->services().users;
  for (const auto& [name, role] : {std::pair{"writer", "readWrite"}, {"reader", "read"}}) {
    auth::User user;
    user.name = name;
    user.db = "admin";
    user.roles = {{.name = role, .db = "mine"}};
    users.put(user);
  }
  client_.user = users.find("admin", "reader");
  EXPECT_EQ(code(R"({"shardCollection": "mine.c", "key": {"k": "hashed"}})"), 13);
  client_.user = users.find("admin", "writer");
  EXPECT_EQ(code(R"({"shardCollection": "yours.c", "key": {"k": "hashed"}})"), 13);
  good(R"({"shardCollection": "mine.c", "key": {"k": "hashed"}})");
}

}  // namespace
}  // namespace gesso::localdb::cosmos
