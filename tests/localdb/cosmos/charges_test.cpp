// The model of charges against every figure that was published or measured
// (docs/COSMOS_EMULATOR.md names the sources). Prints the table.
#include "gesso/localdb/cosmos/charges.hpp"

#include <cmath>
#include <cstdio>

#include "gesso/localdb/cosmos/ledger.hpp"
#include "tests/localdb/cosmos/account_fixture.hpp"

namespace gesso::localdb::cosmos {
namespace {

struct Figure {
  const char* what;
  double modelled;
  double published;
  double tolerance;  // of the published one, as a share; 0 for a figure that the model leaves off
};

double page(double documents, double kb_each, bool sorted = false) {
  return query_charge({.returned_kb = documents * kb_each,
                       .sorted = sorted ? static_cast<std::size_t>(documents) : 0});
}

// The deletes of a filter that no index answers: so many of those that were scanned.
double deletes(std::size_t deleted, std::size_t scanned, double kb) {
  return query_charge({.scanned_kb = static_cast<double>(scanned) * kb}) +
         static_cast<double>(deleted) * insert_charge(kb, 4);
}

constexpr double kDocument = 0.495;  // KB, of the measured account

const Figure kFigures[] = {
    {"point read, 1 KB", read_charge(1), 1, 0.001},
    {"point read, 4 KB (2018)", read_charge(4), 1.3, 0.03},
    {"point read, 10 KB (\"approximately one\")", read_charge(10), 1, 0},
    {"point read, 64 KB (2018)", read_charge(64), 10, 0},
    {"point read, 100 KB", read_charge(100), 10, 0.001},
    {"point read, 0.5 KB", read_charge(0.5), 1, 0.001},
    {"point read, 0.9 KB", read_charge(0.9), 1, 0.001},
    {"point read of nothing", read_charge(0), 1, 0.001},
    {"write, 1 KB, nothing indexed", insert_charge(1, 0), 5, 0},
    {"write, 4 KB, nothing indexed (2018)", insert_charge(4, 0), 7, 0.26},
    {"write, 64 KB, nothing indexed (2018)", insert_charge(64, 0), 48, 0.25},
    {"write, 100 KB, nothing indexed", insert_charge(100, 0), 50, 0.06},
    {"create, 1 KB, 25 values indexed (NoSQL)", insert_charge(1, 25), 15, 0},
    {"one indexed path more (NoSQL)", insert_charge(1, 5) - insert_charge(1, 4), 0.67, 0.02},
    {"all of an item indexed (NoSQL, 62 paths)", insert_charge(1, 62), 48.38, 0.02},
    {"two of its paths indexed", insert_charge(1, 2), 8.38, 0.06},
    {"none of its paths indexed", insert_charge(1, 0), 7.05, 0.06},
    {"insert, 0.5 KB, 4 paths", insert_charge(kDocument, 4), 10.10, 0.001},
    {"insert of 1,000 of them", 1000 * insert_charge(kDocument, 4), 10'102, 0.001},
    {"insert of 100 of them", 100 * insert_charge(kDocument, 4), 1'010, 0.003},
    {"insertOne, the first of a process", insert_charge(kDocument, 4), 20.88, 0},
    {"insert of three fields (2018)", insert_charge(0.1, 3), 10, 0.06},
    {"updateOne by key, a field more", update_charge(kDocument, 4, 0), 11.67, 0.001},
    {"deleteOne by key", insert_charge(kDocument, 4), 10.10, 0.001},
    {"deleteOne, tiny, one index more", insert_charge(0.1, 5), 10.69, 0.02},
    {"deleteMany of 100 tiny", query_charge({}) + 100 * insert_charge(0.1, 5), 1110.67, 0.03},
    {"deleteMany, 443 of 1,116 scanned", deletes(443, 1116, kDocument), 4505.1, 0.01},
    {"deleteMany, 231 of 231", deletes(231, 231, kDocument), 2346.2, 0.01},
    {"deleteMany, 298 of 10,000", deletes(298, 10'000, kDocument), 3213.5, 0.011},
    {"find, indexed, 1 of 10,000", page(1, kDocument), 4.93, 0.001},
    {"find, indexed, other accounts", page(1, kDocument), 5.27, 0.07},
    {"find, 10,000 scanned, none found", query_charge({.scanned_kb = 10'000 * kDocument}), 171.1,
     0.005},
    {"seven items (NoSQL)", page(7, 1), 7, 0.25},
    {"top ten (NoSQL)", page(10, 1), 10, 0.05},
    {"hundred items sorted (NoSQL)", page(100, 1, true), 70, 0.08},
    {"one document of 10 KB (NoSQL)", page(1, 10), 3.19, 0},
    {"a partition without a match", query_charge({.finds_nothing = true}), 2.5, 0.001},
    {"a request refused with 429", kRefusedCharge, 0.38, 0.001},
};

TEST(ChargesTest, TheModelFitsTheFiguresThatWereMeasured) {
  std::printf("%-45s %10s %10s %8s\n", "", "model", "published", "off by");
  for (const Figure& figure : kFigures) {
    const double off = std::abs(figure.modelled - figure.published) / figure.published;
    std::printf("%-45s %10.2f %10.2f %7.1f%%%s\n", figure.what, figure.modelled, figure.published,
                100 * off, figure.tolerance == 0 ? "  (known not to fit)" : "");
    if (figure.tolerance > 0) {
      EXPECT_LE(off, figure.tolerance) << figure.what;
    } else {
      EXPECT_GT(off, 0.25) << figure.what << " fits after all: give it a tolerance";
    }
  }
}

// The account that was measured: documents of 495 bytes, four indexes, sharded by `pk`.
class MeasuredAccountTest : public AccountTest {
 protected:
  void SetUp() override {
    open_wide();
    good(R"({"customAction": "CreateCollection", "collection": "c", "shardKey": "pk",
             "indexes": [{"key": {"_id": 1}, "name": "_id_1"},
                         {"key": {"pk": 1}, "name": "pk_1"},
                         {"key": {"transponder": 1}, "name": "transponder_1"},
                         {"key": {"plate": 1}, "name": "plate_1"}]})");
  }

  static bson::Document document(int i) {
    return sized(bson::make_document("_id", i, "pk", i % 97, "transponder", "t" + std::to_string(i),
                                     "plate", "p" + std::to_string(i % 7)),
                 495);
  }
  void fill(int count) {
    for (int i = 0; i < count; i += 1000) {
      std::vector<bson::Document> batch;
      for (int j = i; j < std::min(count, i + 1000); ++j) batch.push_back(document(j));
      const bson::Document reply = insert_all("c", batch);
      ASSERT_FALSE(reply.contains("writeErrors")) << bson::to_json(reply);
    }
  }
};

TEST_F(MeasuredAccountTest, ABatchCostsTheSumOfItsItemsUnrounded) {
  fill(1000);
  EXPECT_NEAR(charge(), 10'100, 0.5);
  EXPECT_NE(charge(), 10'100);  // a sum of doubles, which is not rounded: as measured
}

TEST_F(MeasuredAccountTest, WhatTheCommandsCostIsWhatWasMeasured) {
  fill(1000);
  good(R"({"find": "c", "filter": {"_id": 5, "pk": 5}})");
  EXPECT_DOUBLE_EQ(charge(), 1.0);
  good(R"({"find": "c", "filter": {"_id": 5000, "pk": 5}})");
  EXPECT_DOUBLE_EQ(charge(), 1.0);
  good(R"({"find": "c", "filter": {"transponder": "t5"}})");
  EXPECT_NEAR(charge(), 4.93, 0.005);
  good(R"({"find": "c", "filter": {"transponder": "t5", "pk": 5}})");
  EXPECT_NEAR(charge(), 4.93, 0.005);
  good(R"({"find": "c", "filter": {"nothing": 5}})");
  EXPECT_NEAR(charge(), 4.65 + 0.0337 * 495, 0.01);
  good(R"({"update": "c", "updates": [{"q": {"_id": 5, "pk": 5}, "u": {"$set": {"n": 1}}}]})");
  EXPECT_NEAR(charge(), 11.67, 0.005);
  good(
      R"({"update": "c", "updates": [{"q": {"_id": 5, "pk": 5}, "u": {"$set": {"plate": "x"}}}]})");
  EXPECT_NEAR(charge(), 11.67 + 0.665, 0.01);
  good(R"({"update": "c", "updates": [{"q": {"_id": 5000, "pk": 5}, "u": {"$set": {"n": 1}}}]})");
  EXPECT_DOUBLE_EQ(charge(), 1.0);
  good(R"({"delete": "c", "deletes": [{"q": {"_id": 5, "pk": 5}, "limit": 1}]})");
  EXPECT_NEAR(charge(), 10.10, 0.005);
  good(R"({"delete": "c", "deletes": [{"q": {"n": 1}, "limit": 0}]})");
  EXPECT_NEAR(charge(), 4.65 + 0.0337 * 494.5, 0.05);
}

TEST_F(MeasuredAccountTest, FindingDocumentsToDeleteCostsWhatAQueryCosts) {
  fill(1000);
  good(R"({"delete": "c", "deletes": [{"q": {"plate": {"$in": ["p1", "p2"]}, "no": null},
                                       "limit": 0}]})");
  const double deleted = 2.0 * 143;  // of 1,000, remainders 1 and 2 of 7
  EXPECT_NEAR(charge(), 4.65 + deleted * (10.10 + 0.0337 * 0.495), 2);
}

TEST_F(MeasuredAccountTest, IndexedTermsAreCounted) {
  good(R"({"customAction": "CreateCollection", "collection": "d",
           "indexes": [{"key": {"tags": 1}, "name": "tags_1"},
                       {"key": {"a": 1, "b": 1}, "name": "a_1_b_1"}]})");
  insert("d", R"({"_id": 1})");
  EXPECT_NEAR(charge(), 7.44 + 0.665 * 2, 0.01);  // _id and the compound one
  insert("d", R"({"_id": 2, "tags": ["x", "y", "z"]})");
  EXPECT_NEAR(charge(), 7.44 + 0.665 * 5, 0.01);
  good(R"({"createIndexes": "d", "indexes": [{"key": {"$**": 1}, "name": "all"}]})");
  insert("d", R"({"_id": 3, "n": {"x": 1, "y": 2}})");
  EXPECT_NEAR(charge(), 7.44 + 0.665 * 5, 0.01);  // and _id, n.x and n.y of the wildcard
}

TEST_F(MeasuredAccountTest, ACompoundIndexAnswersNoFilter) {
  good(R"({"createIndexes": "c", "indexes": [{"key": {"a": 1, "b": 1}, "name": "a_1_b_1"}]})");
  fill(200);
  good(R"({"find": "c", "filter": {"a": 1, "b": 2}})");
  EXPECT_NEAR(charge(), 4.65 + 0.0337 * 99, 0.01);
  // One condition that an index answers: what meets it is read.
  good(R"({"find": "c", "filter": {"plate": "p1", "b": 2}})");
  EXPECT_NEAR(charge(), 4.65 + 0.0337 * 29 * 0.495, 0.01);
}

TEST_F(MeasuredAccountTest, AQueryWithoutTheShardKeyVisitsEachPartition) {
  open_wide({.partitions = 10});
  fill(100);
  good(R"({"find": "c", "filter": {"transponder": "t5"}})");
  EXPECT_NEAR(charge(), 4.93 + 9 * 2.5, 0.02);
  good(R"({"find": "c", "filter": {"transponder": "t5", "pk": 5}})");
  EXPECT_NEAR(charge(), 4.93, 0.005);
  good(R"({"find": "c", "filter": {"transponder": "none"}})");
  EXPECT_NEAR(charge(), 10 * 2.5, 0.02);
}

TEST_F(MeasuredAccountTest, ReadsCostTwiceAsMuchUnderStrongConsistency) {
  open_wide({.strong = true});
  fill(10);
  EXPECT_NEAR(charge(), 101, 0.01);
  good(R"({"find": "c", "filter": {"_id": 5, "pk": 5}})");
  EXPECT_DOUBLE_EQ(charge(), 2.0);
}

TEST_F(MeasuredAccountTest, StatisticsTellOfTheLastCommandOfTheConnection) {
  fill(10);
  Client other{.id = 2, .peer = "test", .is_local = true};
  (void)run_on(other, bson::from_json(R"({"find": "c", "filter": {"_id": 5, "pk": 5}})").view());
  const bson::Document mine = good(R"({"getLastRequestStatistics": 1})");
  EXPECT_EQ(mine["CommandName"].as_string(), "insert");
  EXPECT_EQ(mine["RetriedDueToRateLimiting"].as_bool(), false);
  EXPECT_EQ(mine["EstimatedDelayFromRateLimitingInMilliseconds"].as_int64(), 0);
  EXPECT_EQ(mine["ActivityId"].as_string().size(), 36U);
  EXPECT_FALSE(mine.contains("_t"));
  const bson::Document theirs =
      run_on(other, bson::from_json(R"({"getLastRequestStatistics": 1})").view());
  EXPECT_EQ(theirs["CommandName"].as_string(), "find");
  // Asking is no request, and neither is a ping.
  good(R"({"ping": 1})");
  EXPECT_EQ(good(R"({"getLastRequestStatistics": 1})")["CommandName"].as_string(), "insert");
}

TEST_F(MeasuredAccountTest, ExplainTellsTheCharge) {
  fill(10);
  const bson::Document query =
      good(R"({"explain": {"find": "c", "filter": {"transponder": "t5", "other": 1}}})");
  EXPECT_EQ(query.view().at_path("stages.0.stage").as_string(), "$query");
  EXPECT_EQ(query.view()
                .at_path("stages.0.details.indexUsage.pathsIndexed.individualIndexes.0")
                .as_string(),
            "transponder");
  EXPECT_EQ(query.view()
                .at_path("stages.0.details.indexUsage.pathsNotIndexed.individualIndexes.0")
                .as_string(),
            "other");
  EXPECT_NEAR(query["totalRequestCharge"].as_double(), 4.65 + 0.0337 * 0.495, 0.01);
  const bson::Document point = good(R"({"explain": {"find": "c", "filter": {"_id": 5, "pk": 5}}})");
  EXPECT_EQ(point.view().at_path("stages.0.stage").as_string(), "$pointLookup");
  EXPECT_DOUBLE_EQ(point["totalRequestCharge"].as_double(), 1.0);
}

TEST_F(AccountTest, OfQueriesThatHaveEndedTheirChargesAreKept) {
  open_wide();
  insert("c", R"({"_id": 1})");
  Services& services = engine_->services();
  Operation operation(services.operations, client_, "aggregate", "test", bson::View());
  const ReadTransaction snapshot = store_->read();
  const CollectionPtr collection = snapshot.find_collection("test", "c");
  const auto begin = [&](CommandLedger& ledger) {
    PlanRequest request;
    return ledger.begin(collection, request, QueryUse::kPipeline);
  };
  CommandLedger one(*dialect_, services, operation, "aggregate");
  (void)begin(one);
  one.settle();
  CommandLedger many(*dialect_, services, operation, "aggregate");
  const std::shared_ptr<Watch> outer = begin(many);
  for (int i = 0; i < 99; ++i) (void)begin(many);
  EXPECT_EQ(many.hand_over().size(), 2U);  // of one that goes on, and the last
  EXPECT_EQ(many.total(), 0);              // it is all one command's
  many.settle();
  EXPECT_NEAR(many.total(), 100 * one.total(), 1e-6);
}

}  // namespace
}  // namespace gesso::localdb::cosmos
