// What is refused, and in which words.
#include "gesso/base/error.hpp"
#include "tests/localdb/cosmos/account_fixture.hpp"

namespace gesso::localdb::cosmos {
namespace {

struct Refusal {
  const char* command;
  int code;
  const char* text;  // the beginning of it
};

class RefusalTest : public AccountTest {
 protected:
  void check(std::initializer_list<Refusal> refusals) {
    for (const Refusal& refusal : refusals) {
      const bson::Document reply = run(std::string(refusal.command));
      EXPECT_EQ(reply["ok"].number(), 0) << refusal.command;
      EXPECT_EQ(code_of(reply), refusal.code) << refusal.command << "\n" << text_of(reply);
      EXPECT_TRUE(text_of(reply).starts_with(refusal.text)) << refusal.command << "\n"
                                                            << text_of(reply);
    }
  }
};

TEST_F(RefusalTest, NumberedWritesNeedTheCapability) {
  open_wide();
  check({{R"({"insert": "c", "documents": [{"_id": 1}], "txnNumber": {"$numberLong": "1"}})", 2,
          "Retryable writes are not supported. Please disable retryable writes by specifying "
          "\"retrywrites=false\" in the connection string or an equivalent driver specific "
          "config."}});
}

TEST_F(RefusalTest, CommandsThatAreNotListed) {
  open_wide();
  check({{R"({"collMod": "c"})", 115, "Command collMod not supported."},
         {R"({"renameCollection": "test.c", "to": "test.d"})", 115,
          "Command renameCollection not supported."},
         {R"({"serverStatus": 1})", 115, "Command serverStatus not supported."},
         {R"({"connectionStatus": 1})", 115, "Command connectionStatus not supported."},
         {R"({"mapReduce": "c"})", 115, "Command mapReduce not supported."},
         {R"({"gessoUpdateThenInsert": "c"})", 115, "Command gessoUpdateThenInsert not supported."},
         {R"({"noSuchThing": 1})", 115, "Command noSuchThing not supported."}});
}

TEST_F(RefusalTest, ADuplicateDoesNotSayOfWhat) {
  open_wide();
  insert("c", R"({"_id": 1})");
  const bson::Document reply = run(R"({"insert": "c", "documents": [{"_id": 1}]})");
  const bson::View error = reply.view().at_path("writeErrors.0").as_document();
  EXPECT_EQ(error["code"].integer(), 11000);
  EXPECT_EQ(
      error["errmsg"].as_string(),
      "E11000 duplicate key error collection: test.c. Failed _id or unique index constraint.");
  EXPECT_FALSE(error.contains("keyPattern"));
  EXPECT_FALSE(error.contains("keyValue"));
}

// Each with the rest of a command that would be understood.
TEST_F(RefusalTest, StagesThatAreNotListed) {
  open_wide();
  insert("c", R"({"_id": 1})");
  for (const char* stage :
       {"bucket", "bucketAuto", "collStats", "currentOp", "graphLookup", "indexStats",
        "listLocalSessions", "listSessions", "unionWith", "setWindowFields", "densify", "fill",
        "documents", "search", "noSuchStage"}) {
    const bson::Document reply = run(R"({"aggregate": "c", "pipeline": [{"$)" + std::string(stage) +
                                     R"(": {}}], "cursor": {}})");
    EXPECT_EQ(code_of(reply), 40324) << stage;
    EXPECT_EQ(text_of(reply), "Unrecognized pipeline stage name: $" + std::string(stage));
  }
  check({{R"({"aggregate": "c", "pipeline": [{"$facet": {"a": [{"$bucket": {}}]}}],
              "cursor": {}})",
          40324, "Unrecognized pipeline stage name: $bucket"},
         {R"({"aggregate": "c", "pipeline": [{"$lookup": {"from": "d", "let": {}, "pipeline": [],
              "as": "x"}}], "cursor": {}})",
          9, "Unrecognized parameter to $lookup: let"}});
  good(R"({"aggregate": "c", "pipeline": [{"$lookup": {"from": "d", "localField": "a",
           "foreignField": "b", "as": "x"}}], "cursor": {}})");
  good(R"({"aggregate": "c", "pipeline": [{"$facet": {"a": [{"$count": "n"}]}}], "cursor": {}})");
}

TEST_F(RefusalTest, ExpressionsThatAreNotListed) {
  open_wide();
  insert("c", R"({"_id": 1, "a": 1})");
  for (const char* name : {"meta", "dateTrunc", "dateAdd", "dateDiff", "getField", "setField",
                           "replaceAll", "replaceOne", "function", "rand", "isNumber", "bsonSize",
                           "sortArray", "firstN", "topN", "median", "bitAnd"}) {
    const bson::Document reply = run(R"({"aggregate": "c", "pipeline": [{"$project": {"x": {"$)" +
                                     std::string(name) + R"(": "$a"}}}], "cursor": {}})");
    EXPECT_EQ(code_of(reply), 168) << name;
    EXPECT_EQ(text_of(reply), "Unrecognized expression '$" + std::string(name) + "'");
  }
  check({{R"({"find": "c", "filter": {"$expr": {"$isNumber": "$a"}}})", 168,
          "Unrecognized expression '$isNumber'"},
         {R"({"aggregate": "c", "pipeline": [{"$match": {"$expr": {"$eq": ["$a", [1]]}}}],
              "cursor": {}})",
          2, "$eq does not support an array literal as an operand"}});
  good(R"({"aggregate": "c", "pipeline": [{"$project": {"x": {"$literal": {"$rand": {}}}}}],
           "cursor": {}})");
  good(R"({"find": "c", "filter": {"$expr": {"$in": ["$a", [1, 2]]}}})");
}

TEST_F(RefusalTest, QueryOperatorsThatAreNotListed) {
  open_wide();
  insert("c", R"({"_id": 1})");
  check(
      {{R"({"find": "c", "filter": {"$where": "true"}})", 2, "unknown top level operator: $where"},
       {R"({"find": "c", "filter": {"$text": {"$search": "x"}}})", 2,
        "unknown top level operator: $text"},
       {R"({"find": "c", "filter": {"$jsonSchema": {}}})", 2,
        "unknown top level operator: $jsonSchema"},
       {R"({"find": "c", "filter": {"a": {"$bitsAllSet": 1}}})", 2,
        "unknown operator: $bitsAllSet"},
       {R"({"find": "c", "filter": {"$and": [{"a": {"$not": {"$bitsAnyClear": 1}}}]}})", 2,
        "unknown operator: $bitsAnyClear"},
       {R"({"count": "c", "query": {"a": {"$bitsAnySet": 1}}})", 2,
        "unknown operator: $bitsAnySet"},
       {R"({"delete": "c", "deletes": [{"q": {"a": {"$bitsAllClear": 1}}, "limit": 0}]})", 2,
        "unknown operator: $bitsAllClear"},
       {R"({"find": "c", "projection": {"a": {"$meta": "textScore"}}})", 2,
        "Unsupported projection option: $meta"}});
  good(R"({"find": "c", "filter": {"a": {"$regex": "^x", "$options": "i"}}})");
  good(R"({"find": "c", "filter": {"a": {"$elemMatch": {"b": {"$gt": 1}}}}})");
}

TEST_F(RefusalTest, UpdateOperatorsThatAreNotListed) {
  open_wide();
  insert("c", R"({"_id": 1})");
  check({{R"({"update": "c", "updates": [{"q": {}, "u": {"$noSuch": {"a": 1}}}]})", 9,
          "Unknown modifier: $noSuch"},
         {R"({"findAndModify": "c", "query": {}, "update": {"$noSuch": {"a": 1}}})", 9,
          "Unknown modifier: $noSuch"}});
  good(R"({"update": "c", "updates": [{"q": {"_id": 1}, "u": {"$bit": {"n": {"or": 1}}}}]})");
}

TEST_F(RefusalTest, TransactionsAreRefused) {
  open_wide();
  check({{R"({"insert": "c", "documents": [{"_id": 1}], "txnNumber": {"$numberLong": "1"},
              "startTransaction": true, "autocommit": false})",
          50841, "Multi-document transactions cannot be run in a sharded collection"}});
}

TEST_F(RefusalTest, HelloMayBeRefusedBeforeTheLogIn) {
  open_wide({.hello = false});
  check({{R"({"hello": 1})", 115, "Command Hello not supported prior to authentication"}});
  EXPECT_EQ(good(R"({"isMaster": 1})")["maxWireVersion"].integer(), 8);
}

TEST_F(RefusalTest, TheHandshakeIsAReplicaSets) {
  open_wide({.region = "South India", .host = "acct-southindia.mongo.cosmos.azure.com:10255"});
  const bson::Document reply = good(R"({"isMaster": 1})");
  EXPECT_EQ(reply["setName"].as_string(), "globaldb");
  EXPECT_EQ(reply.view().at_path("hosts.0").as_string(),
            "acct-southindia.mongo.cosmos.azure.com:10255");
  EXPECT_EQ(reply["me"].as_string(), reply["primary"].as_string());
  EXPECT_EQ(reply.view().at_path("tags.region").as_string(), "South India");
  EXPECT_EQ(reply["maxMessageSizeBytes"].integer(), 4'194'304);
  EXPECT_EQ(reply["maxWriteBatchSize"].integer(), 1000);
  EXPECT_TRUE(reply.contains("logicalSessionTimeoutMinutes"));
  EXPECT_FALSE(reply.contains("localdb"));
  struct {
    const char* version;
    int wire;
  } const versions[] = {{"3.6", 6}, {"4.0", 7}, {"4.2", 8}, {"5.0", 13}, {"6.0", 17}, {"7.0", 21}};
  for (const auto& [version, wire] : versions) {
    open_wide({.server_version = version});
    EXPECT_EQ(good(R"({"isMaster": 1})")["maxWireVersion"].integer(), wire) << version;
    EXPECT_EQ(good(R"({"buildInfo": 1})")["version"].as_string(), std::string(version) + ".0");
  }
  EXPECT_THROW(open_wide({.server_version = "4.4"}), Error);
}

TEST_F(RefusalTest, ADocumentHasTwoMegabytesOrSixteen) {
  open_wide();
  const bson::Document small = sized(bson::make_document("_id", 1), 2 << 20);
  const bson::Document large = sized(bson::make_document("_id", 2), (2 << 20) + 1);
  EXPECT_FALSE(insert_all("c", {small}).contains("writeErrors"));
  const bson::Document refused = insert_all("c", {large});
  const bson::View error = refused.view().at_path("writeErrors.0").as_document();
  EXPECT_EQ(error["code"].integer(), 16);
  EXPECT_TRUE(error["errmsg"].as_string().starts_with(
      "Error=16, Details='Response status code does not indicate success: RequestEntityTooLarge "
      "(413); "));
  EXPECT_NE(error["errmsg"].as_string().find("{\"Errors\":[\"Request size is too large\"]}"),
            std::string_view::npos);
  const bson::Document grown =
      run(R"({"update": "c", "updates": [{"q": {"_id": 1}, "u": {"$set": {"more": 1}}}]})");
  EXPECT_EQ(grown.view().at_path("writeErrors.0.code").integer(), 16);
  open_wide({.capabilities = {"EnableMongo16MBDocumentSupport"}});
  EXPECT_FALSE(insert_all("c", {large}).contains("writeErrors"));
}

TEST_F(RefusalTest, AnUnshardedCollectionIsFullAtItsCap) {
  open_wide({.unsharded_bytes = 1000});
  EXPECT_FALSE(
      insert_all("c", {sized(bson::make_document("_id", 1), 600)}).contains("writeErrors"));
  EXPECT_TRUE(insert_all("c", {sized(bson::make_document("_id", 2), 600)}).contains("writeErrors"));
  good(R"({"shardCollection": "test.d", "key": {"_id": "hashed"}})");
  for (int i = 0; i < 3; ++i) {
    EXPECT_FALSE(
        insert_all("d", {sized(bson::make_document("_id", i), 600)}).contains("writeErrors"));
  }
}

TEST_F(RefusalTest, WhatNoAccountHasIsRefusedAtOnce) {
  EXPECT_THROW(open_wide({.capabilities = {"EnableEverything"}}), Error);
  EXPECT_THROW(open_wide({.capabilities = {"EnableTtlOnCustomPath"}, .continuous_backup = true}),
               Error);
}

TEST_F(RefusalTest, ABatchIsNoLongerThanTheLongestMessage) {
  open_wide();
  for (int i = 1; i <= 5; ++i) {
    const std::size_t bytes = (std::size_t{1800} << 10) + static_cast<std::size_t>(i);
    insert_all("big", {sized(bson::make_document("_id", i), bytes)});
  }
  const std::size_t most = dialect_->presentation().max_message_bytes;
  const bson::Document first = good(R"({"find": "big"})");
  EXPECT_LE(first.size(), most);
  EXPECT_EQ(first.view().at_path("cursor.firstBatch").as_document().count(), 2U);
  const bson::Document second = good(R"({"getMore": {"$numberLong": ")" +
                                     std::to_string(*first.view().at_path("cursor.id").integer()) +
                                     R"("}, "collection": "big"})");
  EXPECT_LE(second.size(), most);
  EXPECT_EQ(second.view().at_path("cursor.nextBatch").as_document().count(), 2U);
  EXPECT_NE(second.view().at_path("cursor.id").integer(), 0);
  EXPECT_EQ(code(R"({"distinct": "big", "key": "fill"})"), 17217);
}

}  // namespace
}  // namespace gesso::localdb::cosmos
