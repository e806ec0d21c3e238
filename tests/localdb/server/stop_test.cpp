// Whatever a client asks for can be stopped: hostile commands against every way to end them.
#include <gmock/gmock.h>

#include <chrono>
#include <thread>

#include "tests/localdb/server/server_fixture.hpp"

namespace gesso::localdb {
namespace {

using SteadyClock = std::chrono::steady_clock;
using std::chrono::milliseconds;

// What a sanitizer on a busy machine may take; the aim is 100 ms, and what was measured is printed.
constexpr milliseconds kBound{5000};

// Each would run for a second at the least, most of them for hours. "COMMENT" is where a test puts
// its marks.
struct Hostile {
  const char* name;
  const char* command;
  bool is_get_more = false;  // the command opens a cursor, and what is hostile is getMore
};

#define EXPENSIVE R"({"$gt": [{"$size": {"$range": [0, {"$add": ["$n", 2000000]}]}}, 5]})"

constexpr Hostile kHostile[] = {
    {"ranges within ranges",
     R"({"aggregate": 1, "pipeline": [{"$documents": [{}]}, {"$project": {"x": {"$map": {"input":
        {"$range": [0, 1000000]}, "in": {"$size": {"$range": [0, 100000]}}}}}}], "cursor": {})"},
    {"a reduction of a reduction",
     R"({"aggregate": 1, "pipeline": [{"$documents": [{}]}, {"$project": {"x": {"$reduce": {"input":
        {"$range": [0, 1000000]}, "initialValue": 0, "in": {"$reduce": {"input": {"$range": [0, 1000000]},
        "initialValue": 0, "in": {"$add": ["$$value", 1]}}}}}}}], "cursor": {})"},
    {"a product of arrays",
     R"({"aggregate": 1, "pipeline": [{"$documents": [{}]}, {"$project": {"a": {"$range": [0, 100000]}}},
        {"$unwind": "$a"}, {"$project": {"b": {"$range": [0, 100000]}}}, {"$unwind": "$b"},
        {"$group": {"_id": null, "n": {"$sum": "$b"}}}], "cursor": {})"},
    {"a regular expression that goes over the text from every place",
     R"({"find": "large", "filter": {"s": {"$regex": "a*b"}})"},
    {"a regular expression that backtracks",
     R"({"find": "large", "filter": {"s": {"$regex": "^(a|aa)+$"}})"},
    {"$regexFindAll",
     R"({"aggregate": "large", "pipeline": [{"$project": {"x": {"$regexFindAll": {"input": "$s", "regex": "a*b"}}}}], "cursor": {})"},
    {"$strLenCP again and again",
     R"({"aggregate": "large", "pipeline": [{"$project": {"x": {"$map": {"input": {"$range": [0, 1000000]},
        "in": {"$strLenCP": "$s"}}}}}], "cursor": {})"},
    {"$indexOfCP again and again",
     R"({"aggregate": "large", "pipeline": [{"$project": {"x": {"$map": {"input": {"$range": [0, 1000000]},
        "in": {"$indexOfCP": ["$s", "aaaaaaaaaaaaaaaab"]}}}}}], "cursor": {})"},
    {"sets of large arrays",
     R"({"aggregate": "large", "pipeline": [{"$project": {"x": {"$map": {"input": {"$range": [0, 1000000]},
        "in": {"$size": {"$setUnion": ["$v", [1]]}}}}}}], "cursor": {})"},
    {"sorting arrays",
     R"({"aggregate": "large", "pipeline": [{"$project": {"x": {"$map": {"input": {"$range": [0, 1000000]},
        "in": {"$size": {"$sortArray": {"input": "$v", "sortBy": -1}}}}}}}], "cursor": {})"},
    {"a join without an index",
     R"({"aggregate": "many", "pipeline": [{"$lookup": {"from": "many", "let": {"n": "$n"}, "pipeline":
        [{"$match": {"$expr": {"$eq": ["$none", "$$n"]}}}], "as": "x"}}], "cursor": {})"},
    {"find by an expression",
     R"({"find": "many", "filter": {"$expr": {"$not": [)" EXPENSIVE R"(]}})"},
    {"count", R"({"count": "many", "query": {"$expr": )" EXPENSIVE "}"},
    {"distinct", R"({"distinct": "many", "key": "n", "query": {"$expr": )" EXPENSIVE "}"},
    {"an update of many",
     R"({"update": "many", "updates": [{"q": {}, "u": [{"$set": {"x": )" EXPENSIVE
     R"(}}], "multi": true}])"},
    {"an update of one that has to be found",
     R"({"update": "many", "updates": [{"q": {"$expr": {"$not": [)" EXPENSIVE
     R"(]}}, "u": {"$set": {"x": 1}}}])"},
    {"a delete", R"({"delete": "many", "deletes": [{"q": {"$expr": {"$not": [)" EXPENSIVE
                 R"(]}}, "limit": 0}])"},
    {"findAndModify", R"({"findAndModify": "many", "query": {"$expr": {"$not": [)" EXPENSIVE
                      R"(]}}, "update": {"$set": {"x": 1}})"},
    {"getMore",
     R"({"find": "many", "filter": {"$expr": {"$or": [{"$lt": ["$n", 2]}, {"$not": [)" EXPENSIVE
     R"(]}]}}, "batchSize": 1)",
     true},
};

enum class Way { kMaxTime, kKillOp, kKillSessions, kClientGone, kKillCursors };

class StopTest : public CommandTest {
 protected:
  TestClient other_ = client();
  milliseconds slowest_{0};
  std::string slowest_name_;

  void fill() {
    bson::Builder many;
    many.append("insert", "many");
    many.open_array("documents");
    for (std::int32_t n = 0; n < 3000; ++n) many.push(bson::make_document("_id", n, "n", n));
    many.close();
    ASSERT_TRUE(is_ok(client_.run(many.finish(), "test")));
    bson::Builder values;
    for (std::int32_t n = 0; n < 200'000; ++n) values.push(n * 7919 % 200'000);
    const bson::Document large = bson::make_document("_id", 1, "s", std::string(2'000'000, 'a'),
                                                     "v", bson::Array(values.finish()));
    ASSERT_TRUE(is_ok(client_.run(
        bson::make_document("insert", "large", "documents", bson::make_array(large)), "test")));
  }

  // {...} of the running operation with that comment; empty when there is none.
  bson::Document running(const std::string& comment) {
    const bson::Document reply =
        other_.run(R"({"currentOp": 1, "command.comment": ")" + comment + "\"}", "admin");
    EXPECT_TRUE(is_ok(reply)) << json(reply);
    for (const bson::Element& operation : reply["inprog"].as_document()) {
      return bson::Document(operation.value.as_document());
    }
    return {};
  }
  // Until it runs, or does not. False when that took too long.
  bool wait_until(const std::string& comment, bool runs) {
    const auto until = SteadyClock::now() + 2 * kBound;
    while (running(comment).empty() == runs) {
      if (SteadyClock::now() > until) return false;
      std::this_thread::yield();
    }
    return true;
  }

  static std::string session(int n) {
    std::string base64 = "AAAAAAAAAAAAAAAAAAA" + std::to_string(10 + n) + "A==";
    return R"({"id": {"$binary": {"base64": ")" + base64 + R"(", "subType": "04"}}})";
  }

  // Opens the cursor where there is one; its id, or 0.
  std::int64_t open(TestClient& mine, const Hostile& hostile, const std::string& lsid) {
    if (!hostile.is_get_more) return 0;
    const bson::Document reply =
        mine.run(std::string(hostile.command) + R"(, "lsid": )" + lsid + "}", "test");
    return reply.view().at_path("cursor.id").integer().value_or(0);
  }

  void stop(const Hostile& hostile, Way way, int n) {
    SCOPED_TRACE(std::string(hostile.name) + ", way " + std::to_string(static_cast<int>(way)));
    const std::string comment = "stop" + std::to_string(n);
    const std::string lsid = session(n);
    auto mine = std::make_unique<TestClient>(client());
    const std::int64_t cursor = open(*mine, hostile, lsid);
    if (hostile.is_get_more) {
      ASSERT_GT(cursor, 0);
    }
    std::string command = hostile.is_get_more ? R"({"getMore": )" + std::to_string(cursor) +
                                                    R"(, "collection": "many")"
                                              : std::string(hostile.command);
    command += R"(, "comment": ")" + comment + R"(", "lsid": )" + lsid;
    if (way == Way::kMaxTime) command += hostile.is_get_more ? "" : R"(, "maxTimeMS": 50)";
    command += "}";

    SteadyClock::time_point stopped = SteadyClock::now() + milliseconds{50};
    std::atomic<int> code = -1;
    std::string answer;
    std::jthread runner([&] {
      try {
        const bson::Document reply = mine->run(command, "test");
        code = code_of(reply);
        if (code == 0) answer = json(reply);
      } catch (const std::exception& error) {
        answer = error.what();
        code = 0;  // the connection is at its end
      }
    });
    if (way != Way::kMaxTime) {
      ASSERT_TRUE(wait_until(comment, true)) << "it did not run";
      const bson::Document operation = running(comment);
      EXPECT_GE(operation["microsecs_running"].integer().value_or(-1), 0) << json(operation);
      stopped = SteadyClock::now();
      if (way == Way::kKillOp) {
        const std::string id = std::to_string(operation["opid"].as_int32());
        EXPECT_TRUE(is_ok(other_.run(R"({"killOp": 1, "op": )" + id + "}", "admin")));
      } else if (way == Way::kKillSessions) {
        EXPECT_TRUE(is_ok(other_.run(R"({"killSessions": [)" + lsid + "]}", "test")));
      } else if (way == Way::kKillCursors) {
        EXPECT_TRUE(is_ok(other_.run(R"({"killCursors": "many", "cursors": [{"$numberLong": ")" +
                                         std::to_string(cursor) + "\"}]}",
                                     "test")));
      } else {
        mine->close();
      }
    }
    runner.join();
    ASSERT_TRUE(wait_until(comment, false)) << "it still runs";
    const auto took = std::chrono::duration_cast<milliseconds>(SteadyClock::now() - stopped);
    EXPECT_LT(took, kBound);
    if (took > slowest_) {
      slowest_ = took;
      slowest_name_ = hostile.name;
    }
    if (way == Way::kMaxTime) {
      EXPECT_EQ(code, 50) << answer;
    }
    if (way == Way::kKillOp || way == Way::kKillSessions) {
      EXPECT_EQ(code, 11601) << answer;
    }
    if (way == Way::kKillCursors) {
      EXPECT_EQ(code, 237) << answer;
    }
  }
};

TEST_F(StopTest, EndsEveryHostileCommandInEveryWay) {
  fill();
  int n = 0;
  for (const Hostile& hostile : kHostile) {
    for (const Way way :
         {Way::kMaxTime, Way::kKillOp, Way::kKillSessions, Way::kClientGone, Way::kKillCursors}) {
      if (way == Way::kKillCursors && !hostile.is_get_more) continue;
      if (way == Way::kMaxTime && hostile.is_get_more) continue;  // of the find, see cursor_test
      stop(hostile, way, n++);
    }
  }
  std::printf("report: %d commands were stopped, the slowest (%s) in %lld ms\n", n,
              slowest_name_.c_str(), static_cast<long long>(slowest_.count()));
}

// Each is short, but has to wait for the writer, which somebody else holds.
constexpr Hostile kWaiting[] = {
    {"an insert", R"({"insert": "many", "documents": [{"_id": "waits"}])"},
    {"an update", R"({"update": "many", "updates": [{"q": {"_id": 1}, "u": {"$set": {"x": 1}}}])"},
    {"a delete", R"({"delete": "many", "deletes": [{"q": {"_id": 1}, "limit": 1}])"},
    {"findAndModify", R"({"findAndModify": "many", "query": {"_id": 1}, "remove": true)"},
    {"an index", R"({"createIndexes": "many", "indexes": [{"key": {"n": 1}, "name": "n"}])"},
};

TEST_F(StopTest, EndsWhatWaitsForTheWriterWhileAnotherHoldsIt) {
  fill();
  TestClient holds = client();
  bson::Document held;
  std::jthread holder([&] {
    held = holds.run(
        R"({"update": "large", "updates": [{"q": {"_id": 1}, "u": [{"$set": {"x": {"$size": {"$map": {"input":
           {"$range": [0, {"$add": ["$_id", 1000000]}]}, "in": {"$strLenCP": "$s"}}}}}}]}], "comment": "holds"})",
        "test");
  });
  // Nothing but the pipeline, which the writer runs, is so much work.
  while (running("holds").view().at_path("progress.work").integer().value_or(0) < 10'000'000) {
    std::this_thread::yield();
  }
  int n = 0;
  for (const Hostile& waiting : kWaiting) {
    for (const Way way : {Way::kMaxTime, Way::kKillOp, Way::kKillSessions, Way::kClientGone}) {
      stop(waiting, way, n++);
      ASSERT_FALSE(running("holds").empty()) << waiting.name;
    }
  }
  std::printf("report: %d commands that waited were stopped, the slowest (%s) in %lld ms\n", n,
              slowest_name_.c_str(), static_cast<long long>(slowest_.count()));
  const std::string id = std::to_string(running("holds")["opid"].as_int32());
  EXPECT_TRUE(is_ok(other_.run(R"({"killOp": 1, "op": )" + id + "}", "admin")));
  holder.join();
  EXPECT_EQ(code_of(held), 11601) << json(held);

  // None of them was done, and others write on.
  good(R"({"insert": "many", "documents": [{"_id": "after"}]})");
  EXPECT_EQ(found(R"({"find": "many", "filter": {"_id": {"$in": [0, 1, "waits", "after"]}}})"),
            R"([ { "_id" : 0, "n" : 0 }, { "_id" : 1, "n" : 1 }, { "_id" : "after" } ])");
  EXPECT_EQ(good(R"({"listIndexes": "many"})")["cursor"]
                .as_document()["firstBatch"]
                .as_document()
                .count(),
            1U);
}

TEST_F(StopTest, EndsEveryHostileCommandAtShutdown) {
  fill();
  for (const Hostile& hostile : kHostile) {
    if (hostile.is_get_more) continue;
    SCOPED_TRACE(hostile.name);
    const std::string comment = "shutdown";
    auto mine = std::make_unique<TestClient>(client());
    std::jthread runner([&] {
      try {
        (void)mine->run(std::string(hostile.command) + R"(, "comment": "shutdown"})", "test");
      } catch (const std::exception&) {  // the connection ends
      }
    });
    ASSERT_TRUE(wait_until(comment, true)) << "it did not run";
    const auto begun = SteadyClock::now();
    server_->stop();
    runner.join();
    // A second of grace comes first.
    EXPECT_LT(SteadyClock::now() - begun, kBound + milliseconds{1000});
    start({.test_commands = true});
    other_ = client();
  }
}

TEST_F(StopTest, ShowsWhatRunsAndNoSecrets) {
  const bson::Document reply = good(R"({"currentOp": 1})", "admin");
  const bson::View mine = reply["inprog"].as_document().begin()->value.as_document();
  EXPECT_EQ(mine["command"].as_document()["currentOp"].integer(), 1);
  EXPECT_TRUE(mine["active"].as_bool());
  EXPECT_GT(mine["opid"].as_int32(), 0);
  EXPECT_TRUE(mine["secs_running"]);
  EXPECT_TRUE(mine.at_path("progress.work"));
  const bson::Document stage = good(
      R"({"aggregate": 1, "pipeline": [{"$currentOp": {"allUsers": true}}, {"$match": {"active": true}}], "cursor": {}})",
      "admin");
  EXPECT_EQ(stage["cursor"].as_document()["firstBatch"].as_document().count(), 1U);
  EXPECT_TRUE(is_ok(run(R"({"killOp": 1, "op": 123456})", "admin")));
}

}  // namespace
}  // namespace gesso::localdb
