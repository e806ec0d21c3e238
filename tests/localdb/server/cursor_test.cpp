// Cursors end to end: batches, limits, what happens between batches, and how they end.
#include <chrono>

#include "tests/localdb/server/server_fixture.hpp"

namespace gesso::localdb {
namespace {

class CursorTest : public CommandTest {
 protected:
  void fill(int count, std::size_t bytes = 0) {
    std::vector<bson::Document> documents;
    for (int i = 0; i < count; ++i) {
      documents.push_back(bson::make_document("_id", i, "x", std::string(bytes, 'x')));
    }
    const auto reply = client_.request(client_.message(
        bson::make_document("insert", "c", "$db", "test"), 0, "documents", documents));
    ASSERT_TRUE(reply && is_ok(*reply));
  }

  static std::int64_t id(bson::View reply) { return reply.at_path("cursor.id").as_int64(); }
  static std::size_t size(bson::View reply) {
    const bson::Value first = reply.at_path("cursor.firstBatch");
    return (first ? first : reply.at_path("cursor.nextBatch")).as_document().count();
  }
  bson::Document more(std::int64_t cursor, const std::string& options = "") {
    return run(R"({"getMore": {"$numberLong": ")" + std::to_string(cursor) +
               R"("}, "collection": "c")" + options + "}");
  }
};

TEST_F(CursorTest, TheFirstBatchHoldsAHundredAndOneThenAllThatFits) {
  fill(500);
  const bson::Document first = good(R"({"find": "c"})");
  EXPECT_EQ(size(first), 101U);
  EXPECT_EQ(first.view().at_path("cursor.ns").as_string(), "test.c");
  const bson::Document rest = more(id(first));
  EXPECT_EQ(size(rest), 399U);
  EXPECT_EQ(id(rest), 0);
  EXPECT_EQ(rest.view().at_path("cursor.nextBatch.0._id").as_int32(), 101);
}

TEST_F(CursorTest, ABatchSizeOfZeroOpensACursorWithoutDocuments) {
  fill(3);
  const bson::Document first = good(R"({"find": "c", "batchSize": 0})");
  EXPECT_EQ(size(first), 0U);
  ASSERT_NE(id(first), 0);
  EXPECT_EQ(size(more(id(first))), 3U);
}

TEST_F(CursorTest, NothingIsLeftOpenWhenTheBatchHoldsAll) {
  fill(5);
  EXPECT_EQ(id(good(R"({"find": "c", "batchSize": 5})")), 0);
  EXPECT_EQ(id(good(R"({"find": "c", "batchSize": 2, "limit": 2})")), 0);
  EXPECT_EQ(id(good(R"({"find": "c", "batchSize": 2, "singleBatch": true})")), 0);
}

TEST_F(CursorTest, ALimitCountsOverAllBatches) {
  fill(50);
  const bson::Document first = good(R"({"find": "c", "batchSize": 10, "limit": 25, "skip": 5})");
  const bson::Document second = more(id(first), R"(, "batchSize": 10)");
  const bson::Document third = more(id(first), R"(, "batchSize": 10)");
  EXPECT_EQ(size(first) + size(second) + size(third), 25U);
  EXPECT_EQ(id(third), 0);
  EXPECT_EQ(third.view().at_path("cursor.nextBatch.4._id").as_int32(), 29);
}

TEST_F(CursorTest, AReplyHoldsAboutSixteenMegabytes) {
  fill(20, 1'000'000);
  const bson::Document first = good(R"({"find": "c", "batchSize": 1000})");
  EXPECT_EQ(size(first), 16U);
  EXPECT_LE(first.size(), 16U * 1024 * 1024 + 1000);
  EXPECT_EQ(size(more(id(first))), 4U);
}

TEST_F(CursorTest, ASortInMemoryGoesOnInTheNextBatch) {
  fill(30);
  const bson::Document first =
      good(R"({"find": "c", "sort": {"x": 1, "_id": -1}, "batchSize": 10})");
  const bson::Document rest = more(id(first));
  EXPECT_EQ(rest.view().at_path("cursor.nextBatch.0._id").as_int32(), 19);
  EXPECT_EQ(size(rest), 20U);
}

TEST_F(CursorTest, AnAggregationGoesOnInTheNextBatch) {
  fill(30);
  const bson::Document first = good(
      R"({"aggregate": "c", "pipeline": [{"$project": {"n": {"$add": ["$_id", 1]}}}], "cursor": {"batchSize": 10}})");
  EXPECT_EQ(size(first), 10U);
  run(R"({"drop": "c"})");  // what is left is there already
  const bson::Document rest = more(id(first));
  EXPECT_EQ(size(rest), 20U);
  EXPECT_EQ(rest.view().at_path("cursor.nextBatch.0.n").as_int32(), 11);
}

TEST_F(CursorTest, KillingClosesAndSaysWhatItFound) {
  fill(5);
  const std::int64_t cursor = id(good(R"({"find": "c", "batchSize": 1})"));
  const bson::Document reply = good(R"({"killCursors": "c", "cursors": [{"$numberLong": ")" +
                                    std::to_string(cursor) + R"("}, {"$numberLong": "77"}]})");
  EXPECT_EQ(reply.view().at_path("cursorsKilled.0").as_int64(), cursor);
  EXPECT_EQ(reply.view().at_path("cursorsNotFound.0").as_int64(), 77);
  EXPECT_EQ(code_of(more(cursor)), 43);
}

TEST_F(CursorTest, BelongsToItsNamespace) {
  fill(5);
  const std::int64_t cursor = id(good(R"({"find": "c", "batchSize": 1})"));
  EXPECT_EQ(code(R"({"getMore": {"$numberLong": ")" + std::to_string(cursor) +
                 R"("}, "collection": "d"})"),
            13);
  EXPECT_EQ(size(more(cursor)), 4U);
}

TEST_F(CursorTest, OutlivesTheConnectionThatOpenedIt) {
  fill(5);
  std::int64_t cursor = 0;
  {
    TestClient other = client();
    cursor = id(other.run(R"({"find": "c", "batchSize": 1})"));
  }
  EXPECT_EQ(size(more(cursor)), 4U);
}

TEST_F(CursorTest, EndsWithAnErrorWhenItsCollectionIsDropped) {
  fill(5);
  const std::int64_t cursor = id(good(R"({"find": "c", "batchSize": 1})"));
  good(R"({"drop": "c"})");
  EXPECT_EQ(code_of(more(cursor)), 175);
  EXPECT_EQ(code_of(more(cursor)), 43);
}

TEST_F(CursorTest, AnIdleOneIsClosed) {
  start({.cursor_timeout = std::chrono::milliseconds{1}});
  TestClient other = client();
  other.run(R"({"insert": "c", "documents": [{}, {}, {}]})");
  const std::string first = std::to_string(id(other.run(R"({"find": "c", "batchSize": 1})")));
  const std::string kept =
      std::to_string(id(other.run(R"({"find": "c", "batchSize": 1, "noCursorTimeout": true})")));
  // The housekeeper has come by when it is one fewer.
  const auto open = [&] {
    const bson::Document status = other.run(R"({"serverStatus": 1})");
    return status.view().at_path("metrics.cursor.open.total").integer();
  };
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds{10};
  while (open() != 1 && std::chrono::steady_clock::now() < until) std::this_thread::yield();
  EXPECT_EQ(
      code_of(other.run(R"({"getMore": {"$numberLong": ")" + first + R"("}, "collection": "c"})")),
      43);
  EXPECT_TRUE(
      is_ok(other.run(R"({"getMore": {"$numberLong": ")" + kept + R"("}, "collection": "c"})")));
}

}  // namespace
}  // namespace gesso::localdb
