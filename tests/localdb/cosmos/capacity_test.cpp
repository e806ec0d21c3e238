// Partitions, burst capacity, server-side retry, numbered writes.
#include <atomic>
#include <future>
#include <thread>

#include "gesso/localdb/cosmos/container.hpp"
#include "tests/localdb/cosmos/account_fixture.hpp"

namespace gesso::localdb::cosmos {
namespace {

class CapacityTest : public AccountTest {
 protected:
  // How many tiny documents of one shard key value go in.
  std::int64_t inserts(const std::string& key, int first, int count) {
    std::vector<bson::Document> documents;
    for (int i = first; i < first + count; ++i) {
      documents.push_back(bson::make_document("_id", i, "k", key));
    }
    return *insert_all("c", documents)["n"].integer();
  }
};

TEST_F(CapacityTest, OneValueOfTheShardKeyHasOnePartitionsShare) {
  open({.ru = 1000, .partitions = 10});
  good(R"({"shardCollection": "test.c", "key": {"k": "hashed"}})");
  EXPECT_EQ(inserts("a", 0, 100), 12);  // 8.77 each, of 100
  // Another value in another partition has a share of its own.
  std::int64_t all = 12;
  for (int i = 0; i < 100; ++i) all += inserts("key " + std::to_string(i), 1000 + 100 * i, 100);
  EXPECT_GE(all, 110);
  EXPECT_LE(all, 120);
}

TEST_F(CapacityTest, ExplainTellsWhatEachPartitionHolds) {
  open_wide({.partitions = 4});
  good(R"({"shardCollection": "test.c", "key": {"k": "hashed"}})");
  EXPECT_EQ(inserts("a", 0, 30), 30);
  EXPECT_EQ(inserts("b", 30, 5), 5);
  const bson::Document plan =
      good(R"({"explain": {"find": "c", "filter": {"_id": {"$gte": 30}}}})");
  std::int64_t examined = 0;
  std::int64_t given = 0;
  std::int64_t partitions = 0;
  for (const bson::Element& one :
       plan.view().at_path("stages.0.details.shardInformation").as_document()) {
    ++partitions;
    examined += *one.value.as_document()["retrievedDocumentCount"].integer();
    given += *one.value.as_document()["outputDocumentCount"].integer();
  }
  EXPECT_EQ(partitions, 4);
  EXPECT_EQ(given, 5);
  EXPECT_EQ(examined,
            *plan.view().at_path("stages.0.details.queryMetrics.retrievedDocumentCount").integer());
}

TEST(ThroughputTest, AWindowDoesNotGoBack) {
  Throughput throughput(false);
  const Provision provision{.owner = "db.c", .ru = 400};
  const std::chrono::steady_clock::time_point second{std::chrono::seconds{1000}};
  throughput.charge(provision, 0, 400, second);
  // Its time is of the second before, its turn came later.
  EXPECT_TRUE(throughput.admit(provision, 0, second - std::chrono::milliseconds{1}));
  EXPECT_TRUE(throughput.admit(provision, 0, second));
  EXPECT_FALSE(throughput.admit(provision, 0, second + std::chrono::seconds{1}));
}

TEST_F(CapacityTest, PartitionsFollowTheThroughput) {
  EXPECT_EQ(partitions_of({.ru = 400}), 1U);
  EXPECT_EQ(partitions_of({.ru = 6000}), 1U);
  EXPECT_EQ(partitions_of({.ru = 6100}), 2U);
  EXPECT_EQ(partitions_of({.ru = 60'000}), 10U);
  EXPECT_EQ(partitions_of({.ru = 10'000, .autoscale = true}), 1U);
  EXPECT_EQ(partitions_of({.ru = 11'000, .autoscale = true}), 2U);
}

TEST_F(CapacityTest, BurstCapacitySavesFiveMinutesAndSpendsThreeThousandASecond) {
  open({.ru = 400, .burst = true});
  std::int64_t next = 0;
  const auto second = [&] {
    std::vector<bson::Document> documents;
    for (int i = 0; i < 1000; ++i) {
      documents.push_back(bson::make_document("_id", next + i));
    }
    const std::int64_t n = *insert_all("c", documents)["n"].integer();
    next += n;
    advance(1000);
    return n;
  };
  EXPECT_EQ(second(), 50);  // 8.11 each: nothing is saved yet
  advance(600'000);
  EXPECT_EQ(second(), 370);  // 3,000
  // 120,000 were saved, of which 2,600 went with that second.
  for (int i = 0; i < 44; ++i) ASSERT_EQ(second(), 370) << i;
  std::int64_t rest = 0;
  for (int i = 0; i < 5; ++i) rest += second();
  EXPECT_LT(rest, 5 * 370);
  EXPECT_EQ(second(), 50);
}

TEST_F(CapacityTest, ThroughputOfThreeThousandSavesNothing) {
  open({.ru = 3000, .burst = true});
  advance(600'000);
  std::vector<bson::Document> documents;
  for (int i = 0; i < 1000; ++i) documents.push_back(bson::make_document("_id", i));
  EXPECT_EQ(insert_all("c", documents)["n"].integer(), 370);
}

TEST_F(CapacityTest, AutoscaleHasAllOfItAtOnce) {
  open({.ru = 1000, .autoscale = true});
  std::vector<bson::Document> documents;
  for (int i = 0; i < 200; ++i) documents.push_back(bson::make_document("_id", i));
  EXPECT_EQ(insert_all("c", documents)["n"].integer(), 124);  // 8.11 each
  const bson::Document reply = good(R"({"customAction": "GetCollection", "collection": "c"})");
  EXPECT_EQ(reply["provisionedThroughput"].integer(), 100);
  EXPECT_EQ(reply.view().at_path("autoScaleSettings.maxThroughput").integer(), 1000);
}

// The clock goes on by itself, by a second whenever somebody waits for a while.
class RetryTest : public CapacityTest {
  std::atomic<bool> done_ = false;
  std::thread ticker_;

 protected:
  void start_clock() {
    ticker_ = std::thread([this] {
      while (!done_) {
        std::this_thread::sleep_for(std::chrono::milliseconds{1});
        advance(50);
      }
    });
  }
  void TearDown() override {
    done_ = true;
    if (ticker_.joinable()) ticker_.join();
  }
};

TEST_F(RetryTest, TheServerWaitsInsteadOfRefusing) {
  open({.ru = 400, .ssr = true});
  start_clock();
  std::vector<bson::Document> documents;
  for (int i = 0; i < 500; ++i) documents.push_back(bson::make_document("_id", i));
  const auto begun = clock_.steady_now();
  const bson::Document reply = insert_all("c", documents);
  EXPECT_EQ(reply["n"].integer(), 500) << bson::to_json(reply);
  const auto took = std::chrono::duration<double>(clock_.steady_now() - begun).count();
  EXPECT_GT(took, 8);  // 4,050 units at 400 a second
  const bson::Document statistics = good(R"({"getLastRequestStatistics": 1})");
  EXPECT_EQ(statistics["RetriedDueToRateLimiting"].as_bool(), true);
  EXPECT_GT(statistics["EstimatedDelayFromRateLimitingInMilliseconds"].as_int64(), 3000);
}

TEST_F(RetryTest, EveryCommandWaitsWhereItWouldBeRefused) {
  open({.ru = 8, .ssr = true});
  insert("c", R"({"_id": 1, "a": 1})");
  start_clock();
  int waited = 0;  // a loaded machine lets a window pass between two commands
  for (const char* command :
       {R"({"find": "c", "filter": {"a": 1}})", R"({"distinct": "c", "key": "a"})",
        R"({"aggregate": "c", "pipeline": [{"$group": {"_id": "$a"}}], "cursor": {}})",
        R"({"findAndModify": "c", "query": {"_id": 1}, "update": {"$set": {"b": 1}}})",
        R"({"update": "c", "updates": [{"q": {"a": 1}, "u": {"$set": {"b": 2}}, "multi": true}]})",
        R"({"update": "c", "updates": [{"q": {"_id": 2}, "u": {"$set": {"b": 2}},
            "upsert": true}]})",
        R"({"delete": "c", "deletes": [{"q": {"_id": 2}, "limit": 1}]})"}) {
    good(R"({"update": "c", "updates": [{"q": {"_id": 1}, "u": {"$inc": {"n": 1}}}]})");
    good(command);
    const bson::Document last = good(R"({"getLastRequestStatistics": 1})");
    waited += last["RetriedDueToRateLimiting"].as_bool() ? 1 : 0;
  }
  EXPECT_GT(waited, 0);
  EXPECT_EQ(found(R"({"find": "c"})"), R"([{"_id":1,"a":1,"n":7,"b":2}])");
}

TEST_F(RetryTest, AfterAMinuteItGivesUpAndTheWorkIsHalfDone) {
  open_wide();
  good(R"({"createIndexes": "c", "indexes": [{"key": {"tags": 1}, "name": "tags_1"}]})");
  bson::Builder tags;
  for (int i = 0; i < 100; ++i) tags.push(i);
  const bson::Array hundred(tags.finish());
  std::vector<bson::Document> documents;
  for (int i = 0; i < 500; ++i) {
    documents.push_back(bson::make_document("_id", i, "tags", hundred));
  }
  ASSERT_EQ(insert_all("c", documents)["n"].integer(), 500);
  open({.ru = 400, .ssr = true});
  start_clock();
  // 500 times 74.6 units, of which a minute has 24,000.
  const bson::Document reply = run(R"({"delete": "c", "deletes": [{"q": {}, "limit": 0}]})");
  ASSERT_TRUE(reply.contains("writeErrors")) << bson::to_json(reply);
  EXPECT_EQ(reply.view().at_path("writeErrors.0.code").integer(), 50);
  EXPECT_EQ(reply.view().at_path("writeErrors.0.errmsg").as_string(),
            "Request timed out. Retries due to rate limiting: True.");
  EXPECT_GT(*reply["n"].integer(), 150);
  EXPECT_LT(*reply["n"].integer(), 500);
  EXPECT_GT(charge(), 10'000);  // one that timed out tells its charge too
}

// A second of the fake clock goes by with every look, and no window has anything left.
TEST_F(CapacityTest, ARetryDoesNotBeginTheTimeOfACommandAnew) {
  open({.ru = 400, .ssr = true});
  insert("c", R"({"_id": 1})");
  dialect_->throughput().charge({.owner = "test.c", .ru = 400}, 0, 1e9,
                                clock_.steady_now() + std::chrono::hours{1});
  auto reply = std::async(std::launch::async, [&] {
    return run(R"({"find": "c", "filter": {"a": 1}, "maxTimeMS": 200})");
  });
  while (reply.wait_for(std::chrono::milliseconds{20}) != std::future_status::ready) advance(1000);
  const bson::Document failed = reply.get();
  EXPECT_EQ(code_of(failed), 50);
  EXPECT_EQ(text_of(failed).find("Retries"), std::string::npos) << text_of(failed);
}

class NumberedTest : public AccountTest {
 protected:
  void SetUp() override { open_wide({.capabilities = {"EnableMongoRetryableWrites"}}); }

  bson::Document numbered(const std::string& command, int number) {
    bson::Builder out;
    out.append_all(bson::from_json(command));
    const std::array<std::uint8_t, 16> session{1, 2, 3};
    out.append("lsid", bson::make_document("id", bson::Binary{.subtype = 4, .bytes = session}));
    out.append("txnNumber", std::int64_t{number});
    return run(out.finish().view());
  }
};

TEST_F(NumberedTest, AWriteThatIsSentAgainIsNotDoneAgain) {
  insert("c", R"({"_id": 1, "n": 0})");
  const std::string command =
      R"({"update": "c", "updates": [{"q": {"_id": 1}, "u": {"$inc": {"n": 1}}}]})";
  const bson::Document first = numbered(command, 1);
  EXPECT_EQ(json(numbered(command, 1)), json(first));
  EXPECT_EQ(found(R"({"find": "c"})"), R"([{"_id":1,"n":1}])");
  (void)numbered(command, 2);
  EXPECT_EQ(found(R"({"find": "c"})"), R"([{"_id":1,"n":2}])");
  EXPECT_EQ(code_of(numbered(command, 1)), 225);
  // One that failed is tried again.
  EXPECT_EQ(code_of(numbered(R"({"findAndModify": "c", "query": {"_id": 1},
                                 "sort": {"n": 1}, "remove": true})",
                             3)),
            2);
  EXPECT_EQ(code_of(numbered(R"({"findAndModify": "c", "query": {"_id": 1}, "remove": true})", 3)),
            0);
}

TEST_F(NumberedTest, TheOldestSessionsAreForgottenFirstWhereThereIsNoRoom) {
  Operation operation(engine_->services().operations, client_, "insert", "test", bson::View());
  const auto session = [](int i) {
    return SessionId{static_cast<std::uint8_t>(i / 256), static_cast<std::uint8_t>(i % 256)};
  };
  const bson::Document reply = bson::make_document("n", 1);
  // Whether the first write of so many sessions is known.
  const auto known = [&](NumberedWrites& writes, int i) {
    const bool is_known = writes.enter(session(i), 1, operation).has_value();
    if (!is_known) writes.leave(session(i), std::nullopt);
    return is_known;
  };
  const auto write = [&](NumberedWrites& writes, int i) {
    ASSERT_FALSE(writes.enter(session(i), 1, operation));
    writes.leave(session(i), reply);
  };
  NumberedWrites few({.sessions = 20});
  for (int i = 0; i < 21; ++i) write(few, i);
  for (int i = 3; i < 21; ++i) EXPECT_TRUE(known(few, i)) << i;
  EXPECT_FALSE(known(few, 0));

  NumberedWrites small({.reply_bytes = 10 * reply.size()});
  for (int i = 0; i < 12; ++i) write(small, i);
  for (int i = 2; i < 12; ++i) EXPECT_TRUE(known(small, i)) << i;
  EXPECT_FALSE(known(small, 1));

  NumberedWrites brief({.sessions = 20, .timeout = std::chrono::milliseconds{0}});
  for (int i = 0; i < 21; ++i) write(brief, i);
  EXPECT_TRUE(known(brief, 20));
  EXPECT_FALSE(known(brief, 19));
}

TEST_F(NumberedTest, AShardedCollectionWantsItsShardKey) {
  good(R"({"shardCollection": "test.c", "key": {"k": "hashed"}})");
  insert("c", R"({"_id": 1, "k": 5})");
  EXPECT_EQ(code_of(numbered(R"({"delete": "c", "deletes": [{"q": {"_id": 1}, "limit": 1}]})", 1)),
            61);
  EXPECT_EQ(code_of(numbered(
                R"({"findAndModify": "c", "query": {"_id": 1}, "update": {"$set": {"n": 1}}})", 2)),
            61);
  EXPECT_EQ(code_of(numbered(R"({"update": "c", "updates": [{"q": {"_id": 1, "k": 5},
                                 "u": {"$set": {"n": 1}}}]})",
                             3)),
            0);
}

}  // namespace
}  // namespace gesso::localdb::cosmos
