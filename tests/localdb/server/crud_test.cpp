// Writes and reads end to end, as bytes over the socket.
#include "tests/localdb/server/server_fixture.hpp"

namespace gesso::localdb {
namespace {

using bson::make_document;

TEST_F(CommandTest, SaysHelloAsAStandaloneServer) {
  const bson::Document hello = good(R"({"hello": 1})", "admin");
  EXPECT_EQ(hello["minWireVersion"].as_int32(), 0);
  EXPECT_EQ(hello["maxWireVersion"].as_int32(), 21);
  EXPECT_EQ(hello["logicalSessionTimeoutMinutes"].as_int32(), 30);
  EXPECT_TRUE(hello["isWritablePrimary"].as_bool());
  EXPECT_TRUE(hello["localdb"].is_document());
  // Any of these would promise what we do not do.
  for (const char* field : {"setName", "msg", "topologyVersion", "compression"}) {
    EXPECT_FALSE(hello.contains(field)) << field;
  }
  EXPECT_EQ(hello["ok"].type(), bson::Type::kDouble);
}

TEST_F(CommandTest, AnUnknownCommandHasItsCode) {
  const bson::Document reply = run(R"({"atlasVersion": 1})");
  EXPECT_EQ(code_of(reply), 59);
  EXPECT_EQ(reply["codeName"].as_string(), "CommandNotFound");
  EXPECT_EQ(reply["ok"].as_double(), 0.0);
  EXPECT_EQ(reply["code"].type(), bson::Type::kInt32);
}

TEST_F(CommandTest, InsertsAndFindsInTheOrderOfInsertion) {
  EXPECT_EQ(
      good(R"({"insert": "c", "documents": [{"_id": 3}, {"_id": 1}, {"_id": 2}]})")["n"].as_int32(),
      3);
  EXPECT_EQ(found(R"({"find": "c"})"), R"([ { "_id" : 3 }, { "_id" : 1 }, { "_id" : 2 } ])");
  EXPECT_EQ(found(R"({"find": "c", "sort": {"_id": 1}, "skip": 1, "limit": 1})"),
            R"([ { "_id" : 2 } ])");
  EXPECT_EQ(found(R"({"find": "nothing"})"), "[  ]");
}

TEST_F(CommandTest, MakesAnIdAndPutsItFirst) {
  good(R"({"insert": "c", "documents": [{"a": 1}, {"a": 2, "_id": 7}]})");
  const bson::Document reply = good(R"({"find": "c"})");
  EXPECT_EQ(reply.view().at_path("cursor.firstBatch.0._id").type(), bson::Type::kObjectId);
  EXPECT_EQ(reply.view().at_path("cursor.firstBatch.1").as_document().begin()->key, "_id");
}

// Whether `at` of the collection's one document is a time, and no empty timestamp.
bool has_time(bson::View reply, std::string_view path = "at") {
  const bson::View document = reply.at_path("cursor.firstBatch.0").as_document();
  return document.at_path(path).as_timestamp().seconds > 1'700'000'000U;
}

TEST_F(CommandTest, AnEmptyTimestampOfAWholeDocumentBecomesNow) {
  const std::string zero = R"({"$timestamp": {"t": 0, "i": 0}})";
  const auto after = [&](const std::string& first, const std::string& second) {
    good(R"({"delete": "c", "deletes": [{"q": {}, "limit": 0}]})");
    if (!first.empty()) good(first);
    good(second);
    return good(R"({"find": "c"})");
  };
  const std::string insert = R"({"insert": "c", "documents": [{"_id": 1, "at": )" + zero +
                             R"(, "in": {"at": )" + zero + "}}]";
  const std::string replacement = R"("u": {"at": )" + zero + R"(, "in": {"at": )" + zero + "}}";
  const std::string one = R"({"insert": "c", "documents": [{"_id": 1}]})";
  const std::string bypass = R"(, "bypassEmptyTsReplacement": true})";
  const auto update = [](const std::string& change) {
    return R"({"update": "c", "updates": [{"q": {"_id": 1}, "upsert": true, )" + change + "}]";
  };
  const std::string find_and_modify =
      R"({"findAndModify": "c", "query": {"_id": 1}, "upsert": true, "update": {"at": )" + zero +
      "}";
  EXPECT_TRUE(has_time(after("", insert + "}")));
  EXPECT_FALSE(has_time(after("", insert + "}"), "in.at"));
  EXPECT_TRUE(has_time(after(one, update(replacement) + "}")));
  EXPECT_FALSE(has_time(after(one, update(replacement) + "}"), "in.at"));
  EXPECT_TRUE(has_time(after("", update(replacement) + "}")));
  EXPECT_TRUE(has_time(after(one, find_and_modify + "}")));
  EXPECT_TRUE(has_time(after("", find_and_modify + "}")));
  // A replacement by what is there already is a change all the same.
  EXPECT_TRUE(has_time(after(insert + bypass, update(replacement) + "}")));

  for (const std::string& set :
       {R"("u": {"$set": {"at": )" + zero + "}}", R"("u": {"$setOnInsert": {"at": )" + zero + "}}",
        R"("u": [{"$set": {"at": )" + zero + "}}]"}) {
    EXPECT_FALSE(has_time(after("", update(set) + "}"))) << set;
  }
  EXPECT_FALSE(has_time(after("", R"({"update": "c", "updates": [{"q": {"at": )" + zero +
                                      R"(}, "u": {"$set": {"b": 1}}, "upsert": true}]})")));

  EXPECT_FALSE(has_time(after("", insert + bypass)));
  EXPECT_FALSE(has_time(after(one, update(replacement) + bypass)));
  EXPECT_FALSE(has_time(after("", update(replacement) + bypass)));
  EXPECT_FALSE(has_time(after(one, find_and_modify + bypass)));
  // Which means nothing to a delete, as documents' validation does.
  good(R"({"delete": "c", "deletes": [{"q": {}, "limit": 0}], "bypassDocumentValidation": true)" +
       bypass);

  EXPECT_TRUE(is_ok(client_.run(make_document(
      "insert", "ids", "documents", bson::make_array(make_document("_id", bson::Timestamp{}))))));
  EXPECT_EQ(
      good(R"({"find": "ids"})").view().at_path("cursor.firstBatch.0._id").as_timestamp().seconds,
      0U);
}

TEST_F(CommandTest, ADuplicateTellsItsKeyInEveryForm) {
  good(R"({"createIndexes": "c", "indexes": [{"key": {"a": 1}, "name": "a", "unique": true}]})");
  good(R"({"insert": "c", "documents": [{"_id": 1, "a": 1}, {"_id": 2, "a": 2}]})");
  const auto expect_key = [](bson::View error, const std::string& what) {
    EXPECT_EQ(error["code"].integer(), 11000) << what;
    ASSERT_TRUE(error["keyPattern"].is_document() && error["keyValue"].is_document())
        << what << json(error);
    EXPECT_EQ(json(error["keyPattern"].as_document()), R"({ "a" : 1 })") << what;
    EXPECT_EQ(json(error["keyValue"].as_document()), R"({ "a" : 1 })") << what;
  };
  for (const char* const command :
       {R"({"insert": "c", "documents": [{"a": 1}]})",
        R"({"insert": "c", "documents": [{"a": 1}, {"a": 7}], "ordered": false})",
        R"({"update": "c", "updates": [{"q": {"_id": 2}, "u": {"$set": {"a": 1}}}]})",
        R"({"update": "c", "updates": [{"q": {"_id": 2}, "u": {"a": 1}}]})",
        R"({"update": "c", "updates": [{"q": {"_id": 2}, "u": [{"$set": {"a": 1}}]}]})",
        R"({"update": "c", "updates": [{"q": {}, "u": {"$set": {"a": 1}}, "multi": true}]})",
        R"({"update": "c", "updates": [{"q": {"_id": 9}, "u": {"a": 1}, "upsert": true}]})"}) {
    expect_key(good(command).view().at_path("writeErrors.0").as_document(), command);
  }
  good(R"({"insert": "twice", "documents": [{"a": 1}, {"a": 1}]})");
  for (
      const char* const command :
      {R"({"findAndModify": "c", "query": {"_id": 2}, "update": {"$set": {"a": 1}}})",
       R"({"findAndModify": "c", "query": {"_id": 9}, "update": {"a": 1}, "upsert": true})",
       R"({"createIndexes": "twice", "indexes": [{"key": {"a": 1}, "name": "a", "unique": true}]})"}) {
    expect_key(run(command), command);
  }
  good(R"({"renameCollection": "test.c", "to": "test.d"})", "admin");
  const bson::Document renamed = good(R"({"insert": "d", "documents": [{"a": 1}]})");
  const bson::View error = renamed.view().at_path("writeErrors.0").as_document();
  expect_key(error, "renamed");
  EXPECT_NE(error["errmsg"].as_string().find("collection: test.d index: a dup key: { a: 1 }"),
            std::string_view::npos);
}

TEST_F(CommandTest, ManyDuplicatesOfOneBatchAllTellTheirKeys) {
  good(R"({"insert": "c", "documents": [{"_id": 1}]})");
  bson::Builder documents;
  constexpr std::int32_t kCount = 20'000;  // more than there is room for all their texts
  for (std::int32_t i = 0; i < kCount; ++i) documents.push(make_document("_id", 1));
  const bson::Document reply = client_.run(
      make_document("insert", "c", "ordered", false, "documents", bson::Array(documents.finish())));
  std::int32_t told = 0;
  bson::View last;
  for (const bson::Element& error : reply["writeErrors"].as_document()) {
    last = error.value.as_document();
    told += last["keyPattern"].is_document() && last["keyValue"].is_document() ? 1 : 0;
  }
  EXPECT_EQ(told, kCount);
  EXPECT_EQ(last["errmsg"].as_string(), "");
}

TEST_F(CommandTest, AnOrderedBatchStopsAtADuplicateAndSaysWhich) {
  const bson::Document reply =
      good(R"({"insert": "c", "documents": [{"_id": 1}, {"_id": 1}, {"_id": 2}]})");
  EXPECT_EQ(reply["n"].as_int32(), 1);
  const bson::View error = reply.view().at_path("writeErrors.0").as_document();
  EXPECT_EQ(error["index"].as_int32(), 1);
  EXPECT_EQ(error["code"].as_int32(), 11000);
  EXPECT_EQ(error["errmsg"].as_string(),
            "E11000 duplicate key error collection: test.c index: _id_ dup key: { _id: 1 }");
  EXPECT_EQ(json(error["keyPattern"].as_document()), R"({ "_id" : 1 })");
  EXPECT_EQ(json(error["keyValue"].as_document()), R"({ "_id" : 1 })");
  EXPECT_EQ(good(R"({"count": "c"})")["n"].as_int32(), 1);
}

TEST_F(CommandTest, AnUnorderedBatchGoesOn) {
  const bson::Document reply = good(
      R"({"insert": "c", "ordered": false,
          "documents": [{"_id": 1}, {"_id": 1}, {"_id": {"$regularExpression": {"pattern": "a", "options": ""}}}, {"_id": 2}]})");
  EXPECT_EQ(reply["n"].as_int32(), 2);
  EXPECT_EQ(reply.view().at_path("writeErrors.0.index").as_int32(), 1);
  EXPECT_EQ(reply.view().at_path("writeErrors.1.index").as_int32(), 2);
  EXPECT_EQ(reply.view().at_path("writeErrors.1.code").as_int32(), 53);
}

TEST_F(CommandTest, UpdatesOneManyAndCountsWhatChanged) {
  good(
      R"({"insert": "c", "documents": [{"_id": 1, "a": 1}, {"_id": 2, "a": 1}, {"_id": 3, "a": 5}]})");
  const bson::Document reply = good(
      R"({"update": "c", "updates": [{"q": {"a": 1}, "u": {"$set": {"b": 1}}},
                                     {"q": {}, "u": {"$set": {"a": 5}}, "multi": true}]})");
  EXPECT_EQ(reply["n"].as_int32(), 4);
  EXPECT_EQ(reply["nModified"].as_int32(), 3);
  EXPECT_EQ(
      found(R"({"find": "c"})"),
      R"([ { "_id" : 1, "a" : 5, "b" : 1 }, { "_id" : 2, "a" : 5 }, { "_id" : 3, "a" : 5 } ])");
}

TEST_F(CommandTest, AnUpdateDoesNotMeetItsOwnOutput) {
  good(R"({"createIndexes": "c", "indexes": [{"key": {"a": 1}, "name": "a"}]})");
  good(R"({"insert": "c", "documents": [{"_id": 1, "a": 1}, {"_id": 2, "a": 2}]})");
  good(
      R"({"update": "c", "updates": [{"q": {"a": {"$gt": 0}}, "u": {"$inc": {"a": 10}}, "multi": true}]})");
  EXPECT_EQ(found(R"({"find": "c"})"), R"([ { "_id" : 1, "a" : 11 }, { "_id" : 2, "a" : 12 } ])");
}

TEST_F(CommandTest, UpsertsAndTellsTheId) {
  const bson::Document reply = good(
      R"({"update": "c", "updates": [{"q": {"_id": 7, "k": "x"}, "u": {"$inc": {"n": 1}}, "upsert": true},
                                     {"q": {"k": "y"}, "u": {"k": "y"}, "upsert": true}]})");
  EXPECT_EQ(reply["n"].as_int32(), 2);
  EXPECT_EQ(reply["nModified"].as_int32(), 0);
  EXPECT_EQ(reply.view().at_path("upserted.0._id").as_int32(), 7);
  EXPECT_EQ(reply.view().at_path("upserted.1.index").as_int32(), 1);
  EXPECT_EQ(reply.view().at_path("upserted.1._id").type(), bson::Type::kObjectId);
  EXPECT_EQ(found(R"({"find": "c", "filter": {"_id": 7}})"),
            R"([ { "_id" : 7, "k" : "x", "n" : 1 } ])");
}

TEST_F(CommandTest, AnUpdateWithoutAMatchMakesNoCollection) {
  EXPECT_EQ(
      good(R"({"update": "c", "updates": [{"q": {}, "u": {"$set": {"a": 1}}}]})")["n"].as_int32(),
      0);
  EXPECT_EQ(found(R"({"listCollections": 1})"), "[  ]");
}

TEST_F(CommandTest, AStatementThatIsWrongIsAWriteErrorAndTheOthersRun) {
  good(R"({"insert": "c", "documents": [{"_id": 1, "a": 1}]})");
  const bson::Document reply = good(
      R"({"update": "c", "ordered": false,
          "updates": [{"q": {}, "u": {"$colour": {"a": 1}}}, {"q": {}, "u": {"$set": {"_id": 5}}},
                      {"q": {}, "u": {"a": 2}, "multi": true}, {"q": {}, "u": {"$set": {"a": 9}}}]})");
  EXPECT_EQ(reply["n"].as_int32(), 1);
  EXPECT_EQ(reply.view().at_path("writeErrors.0.code").as_int32(), 9) << json(reply);
  EXPECT_EQ(reply.view().at_path("writeErrors.1.code").as_int32(), 66);
  EXPECT_EQ(reply.view().at_path("writeErrors.2.code").as_int32(), 9);
  EXPECT_EQ(found(R"({"find": "c"})"), R"([ { "_id" : 1, "a" : 9 } ])");
}

TEST_F(CommandTest, ArrayFiltersReachTheElementsTheyName) {
  good(R"({"insert": "c", "documents": [{"_id": 1, "a": [1, 5, 9]}]})");
  good(
      R"({"update": "c", "updates": [{"q": {}, "u": {"$set": {"a.$[x]": 0}}, "arrayFilters": [{"x": {"$gte": 5}}]}]})");
  EXPECT_EQ(found(R"({"find": "c"})"), R"([ { "_id" : 1, "a" : [ 1, 0, 0 ] } ])");
}

TEST_F(CommandTest, AnUpdateThatMakesADocumentTooLargeChangesNothing) {
  good(R"({"insert": "c", "documents": [{"_id": 1}]})");
  const bson::Document command =
      make_document("update", "c", "updates",
                    bson::make_array(make_document(
                        "q", make_document(), "u",
                        make_document("$set", make_document("a", std::string(9'000'000, 'x'), "b",
                                                            std::string(9'000'000, 'x'))))));
  EXPECT_EQ(client_.run(command).view().at_path("writeErrors.0.code").as_int32(), 10334);
  EXPECT_EQ(found(R"({"find": "c"})"), R"([ { "_id" : 1 } ])");
}

TEST_F(CommandTest, LetHoldsExpressionsThatSeeNoDocument) {
  good(R"({"insert": "c", "documents": [{"_id": 1, "a": "$b"}, {"_id": 2, "a": 3}]})");
  EXPECT_EQ(found(R"({"find": "c", "filter": {"$expr": {"$eq": ["$a", "$$x"]}},
                      "let": {"x": {"$literal": "$b"}}, "projection": {"_id": 1}})"),
            R"([ { "_id" : 1 } ])");
  EXPECT_EQ(found(R"({"aggregate": "c", "pipeline": [{"$match": {"_id": 2}}, {"$project":
                      {"sum": {"$add": ["$a", "$$n"]}}}], "cursor": {}, "let": {"n": {"$add": [1, 2]}}})"),
            R"([ { "_id" : 2, "sum" : 6 } ])");
  EXPECT_EQ(code(R"({"find": "c", "let": {"x": "$a"}})"), 4890500);
  EXPECT_EQ(code(R"({"find": "c", "let": {"x": 1, "y": "$$x"}})"), 17276);
}

TEST_F(CommandTest, DeletesOneOrAll) {
  good(R"({"insert": "c", "documents": [{"_id": 1}, {"_id": 2}, {"_id": 3}]})");
  EXPECT_EQ(good(R"({"delete": "c", "deletes": [{"q": {}, "limit": 1}]})")["n"].as_int32(), 1);
  EXPECT_EQ(good(R"({"delete": "c", "deletes": [{"q": {}, "limit": 0}]})")["n"].as_int32(), 2);
  EXPECT_EQ(code(R"({"delete": "c", "deletes": [{"q": {}, "limit": 2}]})"), 9);
}

TEST_F(CommandTest, AnswersABatchThatFailsWholeWithinOneMessage) {
  bson::Builder command;
  command.append("insert", "c").append("ordered", false);
  command.open_array("documents");
  const std::string id(20'000, 'x');
  for (int i = 0; i < 1000; ++i) command.push(bson::make_document("_id", id));
  command.close();
  const bson::Document reply = client_.run(command.finish(), "test");
  EXPECT_EQ(reply["n"].integer(), 1);
  EXPECT_LT(reply.size(), 16U << 20);
  const bson::View errors = reply["writeErrors"].as_document();
  EXPECT_EQ(errors["0"].as_document()["keyValue"].as_document()["_id"].as_string(), id);
  EXPECT_EQ(errors["998"].as_document()["code"].integer(), 11000);
}

// What a client is told went wrong has not happened: it may send it again.
TEST_F(CommandTest, ChangesNothingWhereTheFieldsOfFindAndModifyFail) {
  const std::string before = R"([ { "_id" : 1, "a" : 0, "n" : 1 } ])";
  good(R"({"insert": "c", "documents": [{"_id": 1, "a": 0, "n": 1}]})");
  const std::string fields = R"("fields": {"r": {"$divide": ["$n", "$a"]}})";
  for (
      const std::string what :
      {R"("query": {"_id": 1}, "update": {"$inc": {"n": 1}})",
       R"("query": {"_id": 1}, "update": {"$inc": {"n": 1}}, "new": true)",
       R"("query": {"_id": 1}, "update": {"_id": 1, "n": 5, "a": 0}, "new": true)",
       R"("query": {"_id": 1}, "remove": true)",
       R"("query": {"_id": 2}, "update": {"$set": {"n": 1, "a": 0}}, "upsert": true, "new": true)"}) {
    const std::string command = R"({"findAndModify": "c", )" + what + ", " + fields + "}";
    EXPECT_EQ(code(command), 2) << command;
    EXPECT_EQ(found(R"({"find": "c"})"), before) << command;
  }
}

TEST_F(CommandTest, FindAndModifyGivesTheOldOrTheNewDocument) {
  good(R"({"insert": "c", "documents": [{"_id": 1, "n": 1}, {"_id": 2, "n": 5}]})");
  const bson::Document before =
      good(R"({"findAndModify": "c", "sort": {"n": -1}, "update": {"$inc": {"n": 1}}})");
  EXPECT_EQ(json(before["value"].as_document()), R"({ "_id" : 2, "n" : 5 })");
  EXPECT_EQ(json(before["lastErrorObject"].as_document()),
            R"({ "n" : 1, "updatedExisting" : true })");
  const bson::Document after = good(
      R"({"findAndModify": "c", "query": {"_id": 2}, "update": {"$inc": {"n": 1}}, "new": true, "fields": {"_id": 0}})");
  EXPECT_EQ(json(after["value"].as_document()), R"({ "n" : 7 })");
  const bson::Document removed =
      good(R"({"findAndModify": "c", "query": {"_id": 1}, "remove": true})");
  EXPECT_EQ(removed.view().at_path("value.n").as_int32(), 1);
  EXPECT_EQ(json(removed["lastErrorObject"].as_document()), R"({ "n" : 1 })");
  const bson::Document none =
      good(R"({"findAndModify": "c", "query": {"_id": 1}, "remove": true})");
  EXPECT_TRUE(none["value"].is_null());
}

TEST_F(CommandTest, FindAndModifyUpserts) {
  const bson::Document reply = good(
      R"({"findAndModify": "c", "query": {"_id": 9}, "update": {"$set": {"a": 1}}, "upsert": true})");
  EXPECT_TRUE(reply["value"].is_null());
  EXPECT_EQ(json(reply["lastErrorObject"].as_document()),
            R"({ "n" : 1, "updatedExisting" : false, "upserted" : 9 })");
  const bson::Document shown = good(
      R"({"findAndModify": "c", "query": {"_id": 8}, "update": {"$set": {"a": 1}}, "upsert": true, "new": true})");
  EXPECT_EQ(json(shown["value"].as_document()), R"({ "_id" : 8, "a" : 1 })");
}

TEST_F(CommandTest, FindAndModifyReportsADuplicateAtTheTop) {
  good(R"({"createIndexes": "c", "indexes": [{"key": {"e": 1}, "name": "e_1", "unique": true}]})");
  good(R"({"insert": "c", "documents": [{"_id": 1, "e": 1}, {"_id": 2, "e": 2}]})");
  const bson::Document reply =
      run(R"({"findAndModify": "c", "query": {"_id": 1}, "update": {"$set": {"e": 2}}})");
  EXPECT_EQ(code_of(reply), 11000);
  EXPECT_EQ(json(reply["keyPattern"].as_document()), R"({ "e" : 1 })");
  EXPECT_EQ(json(reply["keyValue"].as_document()), R"({ "e" : 2 })");
}

TEST_F(CommandTest, CountsAndListsDistinctValues) {
  good(
      R"({"insert": "c", "documents": [{"a": 1}, {"a": [1, 2]}, {"a": 1.0}, {"b": {"x": "y"}}, {"b": [{"x": "z"}]}]})");
  EXPECT_EQ(good(R"({"count": "c"})")["n"].as_int32(), 5);
  EXPECT_EQ(good(R"({"count": "c", "query": {"a": 1}})")["n"].as_int32(), 3);
  EXPECT_EQ(good(R"({"count": "c", "query": {"a": 1}, "skip": 1, "limit": -1})")["n"].as_int32(),
            1);
  EXPECT_EQ(bson::to_json(good(R"({"distinct": "c", "key": "a"})")["values"]), "[ 1, 2 ]");
  EXPECT_EQ(bson::to_json(good(R"({"distinct": "c", "key": "b.x"})")["values"]), R"([ "y", "z" ])");
}

struct Refusal {
  const char* command;
  int code;
};

class Refused : public CommandTest, public ::testing::WithParamInterface<Refusal> {};

TEST_P(Refused, WithMongoDbsCode) {
  const bson::Document reply = run(GetParam().command);
  EXPECT_EQ(code_of(reply), GetParam().code) << GetParam().command << "\n" << json(reply);
}

INSTANTIATE_TEST_SUITE_P(
    All, Refused,
    ::testing::Values(
        Refusal{R"({"find": 5})", 73}, Refusal{R"({"find": "a$b"})", 73},
        Refusal{R"({"find": "c", "colour": 1})", 40415},
        Refusal{R"({"find": "c", "filter": 1})", 14},
        Refusal{R"({"find": "c", "limit": -1})", 51024},
        Refusal{R"({"find": "c", "batchSize": -1})", 51024},
        Refusal{R"({"find": "c", "tailable": true})", 115},
        Refusal{R"({"find": "c", "collation": {"locale": "de"}})", 115},
        Refusal{R"({"find": "c", "filter": {"a": {"$colour": 1}}})", 2},
        Refusal{R"({"find": "c", "maxTimeMS": -1})", 2},
        Refusal{R"({"find": "c", "readConcern": {"level": "snapshot"}})", 72},
        Refusal{R"({"insert": "c", "documents": []})", 16}, Refusal{R"({"insert": "c"})", 40414},
        Refusal{R"({"insert": "system.x", "documents": [{}]})", 73},
        Refusal{R"({"insert": "c", "documents": [{}], "writeConcern": {"w": 2}})", 2},
        Refusal{R"({"insert": "c", "documents": [{}], "writeConcern": {"w": "dc"}})", 79},
        Refusal{
            R"({"insert": "c", "documents": [{}], "lsid": {"id": 1}, "txnNumber": {"$numberLong": "1"}})",
            20},
        Refusal{R"({"insert": "c", "documents": [{}], "txnNumber": {"$numberLong": "1"}})", 72},
        Refusal{R"({"update": "c", "updates": [{"q": {}}]})", 40414},
        Refusal{R"({"update": "c", "updates": [{"q": {}, "u": {}, "colour": 1}]})", 40415},
        Refusal{R"({"delete": "c", "deletes": [{"q": {}}]})", 40414},
        Refusal{R"({"findAndModify": "c"})", 9},
        Refusal{R"({"findAndModify": "c", "remove": true, "update": {}})", 9},
        Refusal{R"({"findAndModify": "c", "remove": true, "new": true})", 9},
        Refusal{R"({"getMore": {"$numberLong": "5"}, "collection": "c"})", 43},
        Refusal{R"({"getMore": 5, "collection": "c"})", 14},
        Refusal{R"({"aggregate": "c", "pipeline": []})", 9},
        Refusal{R"({"aggregate": 1, "pipeline": [], "cursor": {}})", 73},
        Refusal{R"({"aggregate": "c", "pipeline": [{"$colour": 1}], "cursor": {}})", 40324},
        Refusal{R"({"aggregate": "c", "pipeline": [5], "cursor": {}})", 14},
        Refusal{R"({"create": "c", "capped": true, "size": 5})", 115},
        Refusal{R"({"listIndexes": "nothing"})", 26},
        Refusal{R"({"dropIndexes": "nothing", "index": "*"})", 26},
        Refusal{R"({"explain": {"ping": 1}})", 59},
        Refusal{R"({"explain": {"find": "c"}, "verbosity": "loud"})", 9},
        Refusal{R"({"saslContinue": 1, "conversationId": 1, "payload": ""})", 17},
        Refusal{R"({"saslStart": 1, "mechanism": "PLAIN", "payload": ""})", 334},
        Refusal{R"({"getParameter": 1, "foo": 1})", 72}, Refusal{R"({"replSetGetStatus": 1})", 76}),
    [](const auto& one) { return std::to_string(one.index); });

TEST_F(CommandTest, AMessageWithoutADatabaseIsRefused) {
  const auto reply = client_.request(client_.message(make_document("ping", 1)));
  ASSERT_TRUE(reply);
  EXPECT_EQ(code_of(*reply), 40571);
}

TEST_F(CommandTest, ADatabaseWithABadNameIsRefused) {
  EXPECT_EQ(code(R"({"find": "c"})", "a b"), 73);
}

TEST_F(CommandTest, MaxTimeEndsACommand) {
  std::string documents;
  for (int i = 0; i < 3000; ++i) documents += (i ? ", {}" : "{}");
  good(R"({"insert": "c", "documents": [)" + documents + "]}");
  // Compares every pair by a regular expression in a computed way; takes far longer than allowed.
  const bson::Document reply = run(
      R"({"aggregate": "c", "cursor": {}, "maxTimeMS": 1, "pipeline": [
          {"$lookup": {"from": "c", "localField": "x", "foreignField": "y", "as": "z"}}, {"$count": "n"}]})");
  EXPECT_EQ(code_of(reply), 50) << json(reply);
}

// Three loops of a thousand rounds within one document, 10^9 rounds together.
constexpr const char* kEndless = R"({"$let": {"vars": {"r": {"$range": [0, 1000]}}, "in":
    {"$reduce": {"input": "$$r", "initialValue": 0, "in":
    {"$reduce": {"input": "$$r", "initialValue": 0, "in":
    {"$size": {"$filter": {"input": "$$r", "cond": {"$lt": ["$$this", 0]}}}}}}}}}})";

TEST_F(CommandTest, MaxTimeEndsAnExpressionThatIterates) {
  good(R"({"insert": "c", "documents": [{}]})");
  const std::string endless = kEndless;
  EXPECT_EQ(code(R"({"find": "c", "maxTimeMS": 20, "filter": {"$expr": )" + endless + "}}"), 50);
  EXPECT_EQ(code(R"({"find": "c", "maxTimeMS": 20, "let": {"x": )" + endless + "}}"), 50);
  EXPECT_EQ(
      code(R"({"aggregate": "c", "maxTimeMS": 20, "cursor": {}, "pipeline": [{"$project": {"x": )" +
           endless + "}}]}"),
      50);
  EXPECT_EQ(code(R"({"update": "c", "maxTimeMS": 20, "updates": [{"q": {}, "u": [{"$set": {"x": )" +
                 endless + "}}]}]}"),
            50);
  EXPECT_EQ(found(R"({"find": "c", "projection": {"_id": 0}})"), "[ {  } ]");
}

}  // namespace
}  // namespace gesso::localdb
