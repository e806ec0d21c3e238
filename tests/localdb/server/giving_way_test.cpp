// Statements about many documents give way to others, and each document is changed once.
#include <gmock/gmock.h>

#include <atomic>
#include <set>
#include <thread>

#include "tests/localdb/server/server_fixture.hpp"

namespace gesso::localdb {
namespace {

class GivingWayTest : public CommandTest {
 protected:
  static constexpr std::int32_t kDocuments = 20'000;

  void fill() {
    for (std::int32_t from = 0; from < kDocuments; from += 5000) {
      bson::Builder command;
      command.append("insert", "c");
      command.open_array("documents");
      for (std::int32_t n = from; n < from + 5000; ++n) {
        command.push(bson::make_document("_id", n, "n", 0, "state", "new"));
      }
      command.close();
      ASSERT_TRUE(is_ok(client_.run(command.finish(), "test")));
    }
  }

  // Runs `command` on connections of their own until `done`; how often each was answered well.
  template <class Command>
  std::vector<std::thread> beside(int threads, const std::atomic<bool>& done,
                                  std::atomic<std::int64_t>& count, Command command) {
    std::vector<std::thread> running;
    for (int t = 0; t < threads; ++t) {
      running.emplace_back([&, t, command] {
        TestClient mine = client();
        for (std::int64_t i = 0; !done; ++i) {
          const bson::Document reply = mine.run(command(t, i), "test");
          EXPECT_TRUE(is_ok(reply)) << json(reply);
          ++count;
        }
      });
    }
    return running;
  }
  std::int64_t commits() {
    return *good(R"({"serverStatus": 1})").view().at_path("lmdb.commits").integer();
  }
  std::int64_t sum() {
    const bson::Document reply = good(
        R"({"aggregate": "c", "pipeline": [{"$group": {"_id": null, "n": {"$sum": "$n"}}}], "cursor": {}})");
    return *reply.view().at_path("cursor.firstBatch.0.n").integer();
  }
};

TEST_F(GivingWayTest, UpdatesEveryDocumentOnceBesideOthersThatWrite) {
  fill();
  std::atomic<bool> done = false;
  std::atomic<std::int64_t> others = 0;
  std::vector<std::thread> threads = beside(3, done, others, [](int t, std::int64_t i) {
    return R"({"update": "c", "updates": [{"q": {"_id": )" +
           std::to_string((i * 3 + t) * 37 % kDocuments) + R"(}, "u": {"$inc": {"n": 1}}}]})";
  });
  constexpr int kRounds = 3;
  for (int round = 0; round < kRounds; ++round) {
    const std::int64_t before = commits();
    const bson::Document reply = good(
        R"({"update": "c", "updates": [{"q": {"state": "new"}, "u": {"$inc": {"n": 1}}, "multi": true}]})");
    EXPECT_EQ(reply["n"].integer(), kDocuments);
    EXPECT_EQ(reply["nModified"].integer(), kDocuments);
    EXPECT_GT(commits(), before + 3);
  }
  done = true;
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(sum(), others + std::int64_t{kRounds} * kDocuments);
}

TEST_F(GivingWayTest, MeetsNoDocumentOfItsOwnMaking) {
  fill();
  good(R"({"createIndexes": "c", "indexes": [{"key": {"n": 1}, "name": "n"}]})");
  const bson::Document reply = good(
      R"({"update": "c", "updates": [{"q": {"n": {"$gte": 0}}, "u": {"$inc": {"n": 5}}, "multi": true}]})");
  EXPECT_EQ(reply["n"].integer(), kDocuments);
  EXPECT_EQ(sum(), std::int64_t{kDocuments} * 5);
}

TEST_F(GivingWayTest, DeletesWhatMatchesWhenItsTurnComes) {
  fill();
  std::atomic<bool> done = false;
  std::atomic<std::int64_t> inserted = 0;
  std::vector<std::thread> threads = beside(2, done, inserted, [](int t, std::int64_t i) {
    return R"({"insert": "c", "documents": [{"_id": "k)" + std::to_string(t) + "." +
           std::to_string(i) + R"(", "state": "kept", "n": 1}]})";
  });
  const bson::Document reply =
      good(R"({"delete": "c", "deletes": [{"q": {"state": "new"}, "limit": 0}]})");
  done = true;
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(reply["n"].integer(), kDocuments);
  EXPECT_EQ(good(R"({"count": "c"})")["n"].integer(), inserted.load());
}

TEST_F(GivingWayTest, ClaimsEachDocumentOnceThroughAQueryWithoutAnIndex) {
  fill();
  // Those that a claim is about stand behind all others: the search takes longer than the writer
  // has time for.
  constexpr int kJobs = 60;
  bson::Builder command;
  command.append("insert", "c");
  command.open_array("documents");
  for (int n = 0; n < kJobs; ++n) {
    command.push(bson::make_document("_id", "job" + std::to_string(n), "state", "open", "n", 0));
  }
  command.close();
  ASSERT_TRUE(is_ok(client_.run(command.finish(), "test")));
  std::atomic<int> nothing = 0;
  std::mutex mutex;
  std::multiset<std::string> claimed;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      TestClient mine = client();
      for (;;) {
        const bson::Document reply = mine.run(
            R"({"findAndModify": "c", "query": {"state": "open"}, "update": {"$set": {"state": "taken"}}})",
            "test");
        if (!reply["value"].is_document()) break;
        const std::lock_guard lock(mutex);
        claimed.emplace(reply["value"].as_document()["_id"].as_string());
      }
      ++nothing;
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(claimed.size(), static_cast<std::size_t>(kJobs));
  EXPECT_EQ(std::set<std::string>(claimed.begin(), claimed.end()).size(),
            static_cast<std::size_t>(kJobs));
  EXPECT_EQ(nothing, 4);
}

TEST_F(GivingWayTest, UpsertsOnlyWhereNothingMatches) {
  fill();
  bson::Document reply = good(
      R"({"update": "c", "updates": [{"q": {"state": "new"}, "u": {"$set": {"a": 1}}, "multi": true, "upsert": true}]})");
  EXPECT_EQ(reply["n"].integer(), kDocuments);
  EXPECT_FALSE(reply["upserted"]);
  reply = good(
      R"({"update": "c", "updates": [{"q": {"state": "none"}, "u": {"$set": {"a": 1}}, "multi": true, "upsert": true}, {"q": {"state": "none"}, "u": {"$set": {"a": 2}}, "upsert": true}]})");
  EXPECT_EQ(reply["n"].integer(), 2);
  EXPECT_EQ(reply["upserted"].as_document().size() > 0, true);
  EXPECT_EQ(good(R"({"count": "c", "query": {"state": "none"}})")["n"].integer(), 1);
}

TEST_F(GivingWayTest, SaysWhichOfAnOrderedBatchFailedAndKeepsWhatWasBefore) {
  good(R"({"createIndexes": "c", "indexes": [{"key": {"u": 1}, "name": "u", "unique": true}]})");
  for (const bool ordered : {true, false}) {
    good(R"({"delete": "c", "deletes": [{"q": {}, "limit": 0}]})");
    bson::Builder command;
    command.append("insert", "c").append("ordered", ordered);
    command.open_array("documents");
    for (std::int32_t n = 0; n < 9000; ++n) {
      command.push(bson::make_document("_id", n, "u", n == 6000 ? 5999 : n));
    }
    command.close();
    const bson::Document reply = client_.run(command.finish(), "test");
    EXPECT_EQ(reply["n"].integer(), ordered ? 6000 : 8999);
    EXPECT_EQ(reply.view().at_path("writeErrors.0.index").integer(), 6000);
    EXPECT_EQ(good(R"({"count": "c"})")["n"].integer(), ordered ? 6000 : 8999);
  }
}

TEST_F(GivingWayTest, BuildsAnIndexForTwoWhoAskAtOnce) {
  fill();
  std::vector<std::thread> threads;
  for (int t = 0; t < 3; ++t) {
    threads.emplace_back([&] {
      TestClient mine = client();
      const bson::Document reply = mine.run(
          R"({"createIndexes": "c", "indexes": [{"key": {"state": 1, "n": 1}, "name": "s"}]})",
          "test");
      EXPECT_TRUE(is_ok(reply)) << json(reply);
      EXPECT_EQ(reply["numIndexesAfter"].integer(), 2);
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(good(R"({"count": "c", "query": {"state": "new"}, "hint": "s"})")["n"].integer(),
            kDocuments);
}

}  // namespace
}  // namespace gesso::localdb
