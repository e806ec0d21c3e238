// Collections, databases, indexes, statistics and explain, end to end.
#include "tests/localdb/server/server_fixture.hpp"

namespace gesso::localdb {
namespace {

TEST_F(CommandTest, MakesAndDropsCollections) {
  good(R"({"create": "a"})");
  good(R"({"create": "a"})");  // the same again
  good(R"({"insert": "b", "documents": [{}]})");
  const bson::Document list = good(R"({"listCollections": 1, "filter": {"name": "a"}})");
  const bson::View entry = list.view().at_path("cursor.firstBatch.0").as_document();
  EXPECT_EQ(entry["type"].as_string(), "collection");
  EXPECT_EQ(entry.at_path("info.uuid").as_binary().subtype, 4);
  EXPECT_EQ(bson::to_json(entry["idIndex"]),
            R"({ "v" : 2, "key" : { "_id" : 1 }, "name" : "_id_" })");
  EXPECT_EQ(list.view().at_path("cursor.ns").as_string(), "test.$cmd.listCollections");
  const bson::Document dropped = good(R"({"drop": "b"})");
  EXPECT_EQ(dropped["nIndexesWas"].as_int32(), 1);
  EXPECT_EQ(dropped["ns"].as_string(), "test.b");
  EXPECT_FALSE(good(R"({"drop": "b"})").contains("ns"));
  EXPECT_EQ(found(R"({"listCollections": 1, "nameOnly": true})"),
            R"([ { "name" : "a", "type" : "collection" } ])");
}

TEST_F(CommandTest, ListsAndDropsDatabases) {
  good(R"({"insert": "c", "documents": [{}]})", "one");
  good(R"({"insert": "c", "documents": [{}]})", "two");
  const bson::Document list = good(R"({"listDatabases": 1, "filter": {"name": "one"}})", "admin");
  EXPECT_EQ(list.view().at_path("databases.0.name").as_string(), "one");
  EXPECT_EQ(list.view().at_path("databases.0.sizeOnDisk").type(), bson::Type::kInt64);
  EXPECT_FALSE(list.view().at_path("databases.1"));
  EXPECT_EQ(good(R"({"dropDatabase": 1})", "one")["dropped"].as_string(), "one");
  EXPECT_FALSE(good(R"({"dropDatabase": 1})", "one").contains("dropped"));
  EXPECT_EQ(bson::to_json(good(R"({"listDatabases": 1, "nameOnly": true})", "admin")["databases"]),
            R"([ { "name" : "two" } ])");
  EXPECT_EQ(code(R"({"dropDatabase": 1})", "admin"), 20);
}

TEST_F(CommandTest, RenamesACollection) {
  good(R"({"insert": "a", "documents": [{"_id": 1}]})");
  good(R"({"create": "b"})");
  EXPECT_EQ(code(R"({"renameCollection": "test.a", "to": "test.b"})", "admin"), 48);
  good(R"({"renameCollection": "test.a", "to": "test.b", "dropTarget": true})", "admin");
  EXPECT_EQ(found(R"({"find": "b"})"), R"([ { "_id" : 1 } ])");
  EXPECT_EQ(code(R"({"renameCollection": "test.a", "to": "test.c"})", "admin"), 26);
}

TEST_F(CommandTest, MakesIndexesAndTellsHowMany) {
  const bson::Document made = good(
      R"({"createIndexes": "c", "indexes": [{"key": {"a": 1}, "name": "a_1"}, {"key": {"b": -1}, "name": "b", "unique": true}]})");
  EXPECT_EQ(made["numIndexesBefore"].as_int32(), 1);
  EXPECT_EQ(made["numIndexesAfter"].as_int32(), 3);
  EXPECT_TRUE(made["createdCollectionAutomatically"].as_bool());
  const bson::Document again =
      good(R"({"createIndexes": "c", "indexes": [{"key": {"a": 1}, "name": "a_1"}]})");
  EXPECT_EQ(again["note"].as_string(), "all indexes already exist");
  EXPECT_EQ(
      found(R"({"listIndexes": "c"})"),
      R"([ { "v" : 2, "key" : { "_id" : 1 }, "name" : "_id_" }, { "v" : 2, "key" : { "a" : 1 }, "name" : "a_1" }, { "v" : 2, "key" : { "b" : -1 }, "name" : "b", "unique" : true } ])");
}

TEST_F(CommandTest, IndexesThatDifferAreRefused) {
  good(R"({"createIndexes": "c", "indexes": [{"key": {"a": 1}, "name": "x"}]})");
  EXPECT_EQ(code(R"({"createIndexes": "c", "indexes": [{"key": {"b": 1}, "name": "x"}]})"), 86);
  EXPECT_EQ(
      code(
          R"({"createIndexes": "c", "indexes": [{"key": {"a": 1}, "name": "x", "unique": true}]})"),
      86);
  EXPECT_EQ(code(R"({"createIndexes": "c", "indexes": [{"key": {"a": 1}, "name": "y"}]})"), 85);
  EXPECT_EQ(code(R"({"createIndexes": "c", "indexes": []})"), 2);
}

TEST_F(CommandTest, IndexesOfOneKeyMayStandSideBySideAndAreDroppedByName) {
  good(R"({"createIndexes": "c", "indexes": [{"key": {"a": 1}, "name": "plain"},
           {"key": {"a": 1}, "name": "unique", "unique": true},
           {"key": {"a": 1}, "name": "partial", "partialFilterExpression": {"b": 1}}]})");
  good(R"({"insert": "c", "documents": [{"_id": 1, "a": 1}]})");
  EXPECT_EQ(good(R"({"insert": "c", "documents": [{"a": 1}]})")
                .view()
                .at_path("writeErrors.0.code")
                .as_int32(),
            11000);
  EXPECT_EQ(found(R"({"find": "c", "filter": {"a": 1}})"), R"([ { "_id" : 1, "a" : 1 } ])");
  EXPECT_EQ(code(R"({"dropIndexes": "c", "index": {"a": 1}})"), 181);
  good(R"({"dropIndexes": "c", "index": ["unique", "partial"]})");
  good(R"({"dropIndexes": "c", "index": {"a": 1}})");
}

TEST_F(CommandTest, TakesTheIndexOptionsOfOldClientsThatMeanNothingNow) {
  good(R"({"createIndexes": "c", "indexes": [{"key": {"a": 1}, "name": "a_1", "background": true,
           "dropDups": true}]})");
  good(R"({"validate": "c", "scandata": true})");
}

TEST_F(CommandTest, AnIndexThatCannotBeBuiltLeavesNothing) {
  good(R"({"insert": "c", "documents": [{"a": 1}, {"a": 1}]})");
  EXPECT_EQ(
      code(
          R"({"createIndexes": "c", "indexes": [{"key": {"b": 1}, "name": "b"}, {"key": {"a": 1}, "name": "a", "unique": true}]})"),
      11000);
  EXPECT_EQ(good(R"({"dropIndexes": "c", "index": "*"})")["nIndexesWas"].as_int32(), 1);
}

TEST_F(CommandTest, DropsIndexesByNameByKeyByListAndAll) {
  const std::string make =
      R"({"createIndexes": "c", "indexes": [{"key": {"a": 1}, "name": "a"}, {"key": {"b": 1}, "name": "b"}, {"key": {"c": 1}, "name": "c"}]})";
  good(make);
  good(R"({"dropIndexes": "c", "index": "a"})");
  good(R"({"dropIndexes": "c", "index": {"b": 1}})");
  EXPECT_EQ(code(R"({"dropIndexes": "c", "index": "a"})"), 27);
  EXPECT_EQ(code(R"({"dropIndexes": "c", "index": {"zz": 1}})"), 27);
  EXPECT_EQ(code(R"({"dropIndexes": "c", "index": "_id_"})"), 72);
  good(make);
  good(R"({"dropIndexes": "c", "index": ["a", "b"]})");
  EXPECT_EQ(good(R"({"dropIndexes": "c", "index": "*"})")["nIndexesWas"].as_int32(), 2);
}

TEST_F(CommandTest, CollModChangesTheTimeOfATtlIndex) {
  good(
      R"({"createIndexes": "c", "indexes": [{"key": {"at": 1}, "name": "at", "expireAfterSeconds": 60}]})");
  const bson::Document reply =
      good(R"({"collMod": "c", "index": {"name": "at", "expireAfterSeconds": 90}})");
  EXPECT_EQ(reply["expireAfterSeconds_old"].integer(), 60);
  EXPECT_EQ(reply["expireAfterSeconds_new"].integer(), 90);
  EXPECT_EQ(good(R"({"listIndexes": "c"})")
                .view()
                .at_path("cursor.firstBatch.1.expireAfterSeconds")
                .integer(),
            90);
}

TEST_F(CommandTest, RefusesAnExpiryThatNoIndexCanHave) {
  good(
      R"({"createIndexes": "c", "indexes": [{"key": {"at": 1}, "name": "at", "expireAfterSeconds": 60}]})");
  for (const char* seconds : {"2147483648", "4294967296", "4294967301", "1e300"}) {
    EXPECT_EQ(
        code(std::string(R"({"collMod": "c", "index": {"name": "at", "expireAfterSeconds": )") +
             seconds + "}}"),
        72)
        << seconds;
    EXPECT_EQ(
        code(
            std::string(
                R"({"createIndexes": "c", "indexes": [{"key": {"b": 1}, "name": "b", "expireAfterSeconds": )") +
            seconds + "}]}"),
        67)
        << seconds;
  }
  start({.test_commands = true});
  TestClient again = client();
  EXPECT_EQ(again.run(R"({"listIndexes": "c"})", "test")
                .view()
                .at_path("cursor.firstBatch.1.expireAfterSeconds")
                .integer(),
            60);
}

TEST_F(CommandTest, TellsSizesAndCounts) {
  good(R"({"createIndexes": "c", "indexes": [{"key": {"a": 1}, "name": "a"}]})");
  good(R"({"insert": "c", "documents": [{"_id": 1, "a": 1}, {"_id": 2, "a": 2}]})");
  const bson::Document stats = good(R"({"collStats": "c"})");
  EXPECT_EQ(stats["count"].integer(), 2);
  EXPECT_EQ(stats["size"].integer(), 2 * 21);
  EXPECT_EQ(stats["nindexes"].as_int32(), 2);
  EXPECT_GT(stats.view().at_path("indexSizes.a").as_int64(), 0);
  const bson::Document stage = good(
      R"({"aggregate": "c", "pipeline": [{"$collStats": {"storageStats": {}, "count": {}}}], "cursor": {}})");
  EXPECT_EQ(stage.view().at_path("cursor.firstBatch.0.storageStats.count").integer(), 2);
  EXPECT_EQ(stage.view().at_path("cursor.firstBatch.0.count").integer(), 2);
  const bson::Document whole = good(R"({"dbStats": 1})");
  EXPECT_EQ(whole["objects"].integer(), 2);
  EXPECT_EQ(whole["indexes"].as_int32(), 2);
  EXPECT_TRUE(good(R"({"validate": "c"})")["valid"].as_bool());
  EXPECT_EQ(good(R"({"collStats": "nothing"})")["count"].integer(), 0);
}

TEST_F(CommandTest, ExplainsALookUpByIdAsMongoDbDoes) {
  good(R"({"insert": "c", "documents": [{"_id": 1, "a": 1}, {"_id": 2, "a": 2}]})");
  const auto explain = [&](const std::string& command) {
    return good(R"({"explain": )" + command + R"(, "verbosity": "executionStats"})");
  };
  for (const char* const command :
       {R"({"find": "c", "filter": {"_id": 2}})",
        R"({"find": "c", "filter": {"_id": 2}, "limit": 1, "sort": {"a": 1}})",
        R"({"aggregate": "c", "pipeline": [{"$match": {"_id": 2}}], "cursor": {}})"}) {
    const bson::Document reply = explain(command);
    EXPECT_EQ(json(reply.view().at_path("queryPlanner.winningPlan").as_document()),
              R"({ "stage" : "IDHACK" })");
    EXPECT_EQ(json(reply.view().at_path("executionStats.executionStages").as_document()),
              R"({ "stage" : "IDHACK", "nReturned" : 1, "keysExamined" : 1, "docsExamined" : 1 })");
    EXPECT_EQ(reply.view().at_path("executionStats.totalKeysExamined").integer(), 1);
  }
  for (const auto& [command, stage] : std::vector<std::pair<std::string, std::string>>{
           {R"({"count": "c", "query": {"_id": 2}})", "COUNT"},
           {R"({"update": "c", "updates": [{"q": {"_id": 2}, "u": {"$set": {"a": 3}}}]})",
            "UPDATE"},
           {R"({"delete": "c", "deletes": [{"q": {"_id": 2}, "limit": 1}]})", "DELETE"},
           {R"({"findAndModify": "c", "query": {"_id": 2}, "update": {"$set": {"a": 3}}})",
            "UPDATE"}}) {
    const bson::Document reply = explain(command);
    const bson::Value plan = reply.view().at_path("queryPlanner.winningPlan");
    EXPECT_EQ(plan.as_document()["stage"].as_string(), stage);
    EXPECT_EQ(json(plan.as_document()["inputStage"].as_document()), R"({ "stage" : "IDHACK" })");
  }
}

TEST_F(CommandTest, ExplainsEveryCommandThatPlans) {
  good(R"({"createIndexes": "c", "indexes": [{"key": {"a": 1}, "name": "a"}]})");
  good(R"({"insert": "c", "documents": [{"a": 1}, {"a": 2}, {"a": 2}]})");
  const bson::Document find =
      good(R"({"explain": {"find": "c", "filter": {"a": 2}}, "verbosity": "executionStats"})");
  EXPECT_EQ(find.view().at_path("queryPlanner.winningPlan.stage").as_string(), "FETCH");
  EXPECT_EQ(find.view().at_path("queryPlanner.winningPlan.inputStage.stage").as_string(), "IXSCAN");
  EXPECT_EQ(find.view().at_path("executionStats.nReturned").integer(), 2);
  EXPECT_EQ(find.view().at_path("executionStats.totalDocsExamined").integer(), 2);
  EXPECT_FALSE(good(R"({"explain": {"find": "c"}, "verbosity": "queryPlanner"})")
                   .contains("executionStats"));

  const auto stage = [&](const std::string& command) {
    const bson::Document reply = good(R"({"explain": )" + command + "}");
    return std::string(reply.view().at_path("queryPlanner.winningPlan.stage").as_string());
  };
  EXPECT_EQ(stage(R"({"count": "c", "query": {"a": 2}})"), "COUNT");
  EXPECT_EQ(stage(R"({"distinct": "c", "key": "a"})"), "COLLSCAN");
  EXPECT_EQ(stage(R"({"update": "c", "updates": [{"q": {"a": 2}, "u": {"$set": {"b": 1}}}]})"),
            "UPDATE");
  EXPECT_EQ(stage(R"({"delete": "c", "deletes": [{"q": {"a": 2}, "limit": 0}]})"), "DELETE");
  EXPECT_EQ(stage(R"({"findAndModify": "c", "query": {"a": 2}, "remove": true})"), "DELETE");
  EXPECT_EQ(stage(R"({"find": "nothing"})"), "EOF");
  EXPECT_EQ(stage(R"({"aggregate": "c", "pipeline": [{"$match": {"a": 1}}], "cursor": {}})"),
            "FETCH");
  const bson::Document update = good(
      R"({"explain": {"update": "c", "updates": [{"q": {"a": 2}, "u": {"$set": {"a": 5}}, "multi": true}]}})");
  EXPECT_EQ(update.view().at_path("executionStats.executionStages.nWouldModify").integer(), 2);
  EXPECT_EQ(good(R"({"count": "c", "query": {"a": 2}})")["n"].as_int32(), 2);  // nothing changed
}

TEST_F(CommandTest, ExplainsAPipelineByItsCursorAndItsStages) {
  good(R"({"createIndexes": "c", "indexes": [{"key": {"a": 1}, "name": "a"}]})");
  const std::string command =
      R"("aggregate": "c", "pipeline": [{"$match": {"a": 1}}, {"$group": {"_id": "$b"}}])";
  for (const std::string& whole : {R"({"explain": {)" + command + R"(, "cursor": {}}})",
                                   "{" + command + R"(, "explain": true})"}) {
    const bson::Document reply = good(whole);
    EXPECT_EQ(reply.view()
                  .at_path("stages.0.$cursor.queryPlanner.winningPlan.inputStage.indexName")
                  .as_string(),
              "a");
    EXPECT_TRUE(reply.view().at_path("stages.1.$group"));
  }
}

TEST_F(CommandTest, CountsThroughTheIndexWhenAPipelineOnlyCounts) {
  good(R"({"insert": "c", "documents": [{"a": 1}, {"a": 2}, {"a": 2}]})");
  const auto counted = [&](const std::string& stages) {
    return found(R"({"aggregate": "c", "cursor": {}, "pipeline": [)" + stages + "]}");
  };
  const std::string group = R"({"$group": {"_id": 1, "n": {"$sum": 1}}})";
  EXPECT_EQ(counted(group), R"([ { "_id" : 1, "n" : 3 } ])");
  EXPECT_EQ(counted(R"({"$match": {"a": 2}}, )" + group), R"([ { "_id" : 1, "n" : 2 } ])");
  EXPECT_EQ(counted(R"({"$match": {"a": 9}}, )" + group), "[  ]");
  EXPECT_EQ(counted(R"({"$match": {}}, {"$skip": 1}, {"$limit": 1}, )" + group),
            R"([ { "_id" : 1, "n" : 1 } ])");
  // Alike, but not the same.
  EXPECT_EQ(counted(R"({"$group": {"_id": 1, "n": {"$sum": 2}}})"),
            R"([ { "_id" : 1, "n" : 6 } ])");
  EXPECT_EQ(counted(R"({"$group": {"_id": null, "n": {"$sum": "$a"}}})"),
            R"([ { "_id" : null, "n" : 5 } ])");
}

TEST_F(CommandTest, LooksUpInAnotherCollection) {
  good(R"({"insert": "c", "documents": [{"_id": 1, "k": "x"}, {"_id": 2, "k": "z"}]})");
  good(R"({"insert": "kinds", "documents": [{"_id": "x", "name": "X"}]})");
  EXPECT_EQ(
      found(
          R"({"aggregate": "c", "cursor": {}, "pipeline": [{"$lookup": {"from": "kinds", "localField": "k", "foreignField": "_id", "as": "kind"}}]})"),
      R"([ { "_id" : 1, "k" : "x", "kind" : [ { "_id" : "x", "name" : "X" } ] }, { "_id" : 2, "k" : "z", "kind" : [  ] } ])");
}

TEST_F(CommandTest, ACollectionThatDoesNotExistJoinsAsAnEmptyOne) {
  good(R"({"insert": "c", "documents": [{"_id": 1}]})");
  EXPECT_EQ(found(R"({"aggregate": "c", "cursor": {}, "pipeline": [{"$lookup": {"from": "no",
                      "localField": "_id", "foreignField": "_id", "as": "x"}}, {"$unionWith": "no"}]})"),
            R"([ { "_id" : 1, "x" : [  ] } ])");
}

TEST_F(CommandTest, FollowsTheFieldsOfADbRef) {
  good(R"({"insert": "c", "documents": [
           {"_id": 1, "kind": {"$ref": "kinds", "$id": "x"}, "all": [{"$ref": "kinds", "$id": "x"}]}]})");
  good(R"({"insert": "kinds", "documents": [{"_id": "x"}]})");
  for (const char* path : {"kind.$id", "all.$id"}) {
    EXPECT_EQ(found(R"({"aggregate": "c", "cursor": {}, "pipeline": [{"$lookup": {"from": "kinds",
                        "localField": ")" +
                    std::string(path) +
                    R"(", "foreignField": "_id", "as": "k"}}, {"$project": {"k": 1, "_id": 0}}]})"),
              R"([ { "k" : [ { "_id" : "x" } ] } ])")
        << path;
  }
  EXPECT_EQ(
      found(
          R"({"aggregate": "c", "cursor": {}, "pipeline": [{"$project": {"_id": "$kind.$id"}}]})"),
      R"([ { "_id" : "x" } ])");
  EXPECT_EQ(found(R"({"find": "c", "sort": {"kind.$id": 1}, "projection": {"kind.$id": 1}})"),
            R"([ { "_id" : 1, "kind" : { "$id" : "x" } } ])");
  good(R"({"createIndexes": "c", "indexes": [{"key": {"kind.$id": 1}, "name": "k"}]})");
  good(
      R"({"update": "c", "updates": [{"q": {"kind.$id": "x"}, "u": {"$set": {"kind.$id": "y"}}}]})");
  EXPECT_EQ(good(R"({"count": "c", "query": {"kind.$id": "y"}})")["n"].as_int32(), 1);
}

TEST_F(CommandTest, AnswersWhatAShellAsksAtItsStart) {
  for (
      const char* command :
      {R"({"buildInfo": 1})", R"({"getParameter": 1, "featureCompatibilityVersion": 1})",
       R"({"getParameter": 1, "authenticationMechanisms": 1})", R"({"getCmdLineOpts": 1})",
       R"({"hostInfo": 1})", R"({"connectionStatus": 1})", R"({"serverStatus": 1})",
       R"({"getLog": "startupWarnings"})", R"({"getLog": "*"})", R"({"whatsmyuri": 1})",
       R"({"currentOp": 1})", R"({"listCommands": 1})", R"({"startSession": 1})",
       R"({"endSessions": [{"id": {"$binary": {"base64": "AAAAAAAAAAAAAAAAAAAAAA==", "subType": "04"}}}]})",
       R"({"refreshSessions": []})",
       R"({"aggregate": 1, "pipeline": [{"$currentOp": {}}], "cursor": {}})",
       R"({"aggregate": 1, "pipeline": [{"$listLocalSessions": {}}], "cursor": {}})"}) {
    good(command, "admin");
  }
}

TEST_F(CommandTest, AFailPointMakesCommandsFailAsItSays) {
  good(R"({"configureFailPoint": "failCommand", "mode": {"times": 1},
           "data": {"failCommands": ["insert"], "errorCode": 91, "errorLabels": ["RetryableWriteError"]}})",
       "admin");
  const bson::Document failed = run(R"({"insert": "c", "documents": [{}]})");
  EXPECT_EQ(code_of(failed), 91);
  EXPECT_EQ(failed.view().at_path("errorLabels.0").as_string(), "RetryableWriteError");
  good(R"({"insert": "c", "documents": [{}]})");

  good(R"({"configureFailPoint": "failCommand", "mode": {"times": 1},
           "data": {"failCommands": ["insert"], "writeConcernError": {"code": 64, "errmsg": "waiting"}}})",
       "admin");
  EXPECT_EQ(good(R"({"insert": "c", "documents": [{}]})")
                .view()
                .at_path("writeConcernError.code")
                .as_int32(),
            64);
  EXPECT_EQ(good(R"({"count": "c"})")["n"].as_int32(), 2);

  good(R"({"configureFailPoint": "failCommand", "mode": {"times": 1},
           "data": {"failCommands": ["ping"], "closeConnection": true}})",
       "admin");
  TestClient other = client();
  EXPECT_EQ(other.request(other.message(bson::make_document("ping", 1, "$db", "admin"))),
            std::nullopt);
}

TEST_F(ServerTest, FailPointsAreForTestServersOnly) {
  start({});
  EXPECT_EQ(
      code_of(client().run(
          R"({"configureFailPoint": "failCommand", "mode": "alwaysOn", "data": {}})", "admin")),
      59);
}

}  // namespace
}  // namespace gesso::localdb
