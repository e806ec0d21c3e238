#include "gesso/localdb/plan/execution.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "gesso/base/meter.hpp"
#include "gesso/bson/builder.hpp"
#include "gesso/localdb/language/command_error.hpp"
#include "tests/localdb/plan/plan_fixture.hpp"

namespace gesso::localdb {
namespace {

using ::testing::ElementsAre;

class ExecutionTest : public PlanFixture {
 protected:
  void insert_numbers(int count) {
    write([&](WriteTransaction& txn) {
      for (int i = 0; i < count; ++i) {
        txn.insert(users(txn), bson::make_document("_id", i, "n", i, "even", i % 2 == 0));
      }
    });
  }
};

TEST_F(ExecutionTest, SkipsAndLimits) {
  insert_numbers(10);
  const ReadTransaction read = store().read();
  const auto even = matcher(R"({"even": true})");
  EXPECT_THAT(run(read, {.filter = even, .skip = 1, .limit = 2}), ElementsAre(3, 5));
  const bson::Document descending = json(R"({"n": -1})");
  EXPECT_THAT(run(read, {.filter = even, .sort = descending, .skip = 1, .limit = 2}),
              ElementsAre(7, 5));
  EXPECT_THAT(run(read, {.filter = even, .sort = descending}), ElementsAre(9, 7, 5, 3, 1));
}

TEST_F(ExecutionTest, GoesOnInAnotherSnapshotWhereItStood) {
  create_index(R"({"key": {"n": 1}})");
  for (const char* sort :
       {"{}", R"({"n": 1})", R"({"n": -1})", R"({"$natural": -1})", R"({"even": 1, "n": 1})"}) {
    write([&](WriteTransaction& txn) {
      txn.drop_collection("test", "users");
      txn.create_index(*txn.create_collection("test", "users"),
                       read_index(json(R"({"key": {"n": 1}})")));
    });
    insert_numbers(10);
    const bson::Document sort_document = json(sort);
    std::vector<std::int32_t> found;
    std::optional<Execution> execution;
    {
      const ReadTransaction read = store().read();
      execution.emplace(make_plan(read, collection(read), {.sort = sort_document}));
    }
    for (int batch = 0; batch < 20; ++batch) {
      const ReadTransaction read = store().read();
      execution->attach(read);
      if (const auto record = execution->next()) {
        found.push_back(record->document["n"].as_int32());
      }
      execution->detach();
      if (batch == 3) {
        // Neither the row that it stands on, gone, nor a new one far away may trouble it.
        write([&](WriteTransaction& txn) {
          const bson::Document id = bson::make_document("v", found.back());
          txn.remove(users(txn), txn.find_by_id(users(txn), id["v"])->id);
        });
      }
    }
    std::sort(found.begin(), found.end());
    EXPECT_THAT(found, ElementsAre(0, 1, 2, 3, 4, 5, 6, 7, 8, 9)) << sort;
  }
}

TEST_F(ExecutionTest, GivesARecordAgainThatWasPutBack) {
  insert_numbers(3);
  const bson::Document by_number = json(R"({"even": 1, "n": 1})");
  for (const bson::View sort : {bson::View(), by_number.view()}) {
    std::optional<Execution> execution;
    {
      const ReadTransaction read = store().read();
      execution.emplace(make_plan(read, collection(read), {.sort = sort, .limit = 2}));
      execution->attach(read);
      EXPECT_TRUE(execution->next());
      EXPECT_TRUE(execution->next());
      execution->push_back();
      EXPECT_EQ(execution->stats().returned, 1U);
      execution->detach();
    }
    const ReadTransaction read = store().read();
    execution->attach(read);
    const auto again = execution->next();
    ASSERT_TRUE(again);
    EXPECT_EQ(again->document["n"].as_int32(), sort.empty() ? 1 : 0);
    EXPECT_FALSE(execution->next());
  }
}

TEST_F(ExecutionTest, EndsWithAnErrorWhenItsCollectionOrIndexIsGone) {
  create_index(R"({"key": {"n": 1}})");
  insert_numbers(3);
  const auto code_after = [&](const std::function<void(WriteTransaction&)>& change) {
    std::optional<Execution> execution;
    {
      const ReadTransaction read = store().read();
      execution.emplace(
          make_plan(read, collection(read), {.filter = matcher(R"({"n": {"$gte": 0}})")}));
      execution->attach(read);
      EXPECT_TRUE(execution->next());
      execution->detach();
    }
    write(change);
    const ReadTransaction read = store().read();
    try {
      execution->attach(read);
    } catch (const CommandError& error) {
      return error.code();
    }
    return 0;
  };
  EXPECT_EQ(code_after([](WriteTransaction& txn) { txn.drop_index(users(txn), "n_1"); }), 175);
  EXPECT_EQ(code_after([](WriteTransaction& txn) { txn.drop_collection("test", "users"); }), 175);
}

TEST_F(ExecutionTest, StopsASortThatTakesTooMuchMemoryUnlessItHasALimit) {
  for (int i = 0; i < 20; ++i) {
    insert(bson::make_document("_id", i, "n", i, "text", std::string(1000, 'x')));
  }
  const bson::Document sort = json(R"({"n": -1})");
  const ReadTransaction read = store().read();
  const auto top = [&](std::uint64_t limit) {
    Execution execution(make_plan(read, collection(read), {.sort = sort, .limit = limit}),
                        {.sort_memory_bytes = 10'000});
    execution.attach(read);
    return rest_of(execution);
  };
  EXPECT_THAT(top(3), ElementsAre(20, 19, 18));
  try {
    top(0);
    FAIL();
  } catch (const CommandError& error) {
    EXPECT_EQ(error.code(), 292);
  }
}

TEST_F(ExecutionTest, IsStoppedByAnInterrupt) {
  insert_numbers(3000);
  const ReadTransaction read = store().read();
  Execution execution(make_plan(read, collection(read), {.filter = matcher(R"({"n": -1})")}));
  execution.attach(read);
  Meter meter([] { throw CommandError(50, "late"); });
  const Meter::Scope scope(&meter);
  EXPECT_THROW(execution.next(), CommandError);
}

TEST_F(ExecutionTest, CountsWhatItLooksAt) {
  create_index(R"({"key": {"n": 1}})");
  insert_numbers(10);
  const ReadTransaction read = store().read();
  Execution execution(
      make_plan(read, collection(read), {.filter = matcher(R"({"n": {"$lt": 4}, "even": true})")}));
  execution.attach(read);
  EXPECT_EQ(rest_of(execution).size(), 2U);
  const bson::Document stats = execution.describe();
  EXPECT_EQ(stats["nReturned"].as_int32(), 2);
  EXPECT_EQ(stats["totalDocsExamined"].as_int32(), 4);
  EXPECT_LE(stats["totalKeysExamined"].as_int32(), 5);
  EXPECT_EQ(stats["executionStages"].as_document()["stage"].as_string(), "FETCH");
}

TEST_F(ExecutionTest, CountsByMetadataByEntriesAndByDocuments) {
  create_index(R"({"key": {"n": 1}})");
  insert_numbers(10);
  const ReadTransaction read = store().read();
  const auto count_of = [&](const char* filter, std::uint64_t skip = 0, std::uint64_t limit = 0) {
    return count(read, collection(read), {.filter = matcher(filter), .skip = skip, .limit = limit});
  };
  EXPECT_EQ(count_of("{}"), 10U);
  EXPECT_EQ(count_of("{}", 3), 7U);
  EXPECT_EQ(count_of("{}", 20), 0U);
  EXPECT_EQ(count_of("{}", 3, 2), 2U);
  EXPECT_EQ(count_of(R"({"n": {"$gte": 4}})"), 6U);
  EXPECT_EQ(count_of(R"({"n": {"$gte": 4}})", 1, 3), 3U);
  EXPECT_EQ(count_of(R"({"n": {"$gte": 4}})", 5, 3), 1U);
  EXPECT_EQ(count_of(R"({"even": true, "n": {"$gte": 4}})"), 3U);
  EXPECT_EQ(count_of(R"({"even": true, "n": {"$gte": 4}})", 2), 1U);
}

TEST_F(ExecutionTest, PlansByTheFlagsOfTheIndexAsItIsInTheTransaction) {
  create_index(R"({"key": {"n": 1}})");
  write([&](WriteTransaction& txn) {
    const CollectionPtr before = collection(txn);
    txn.insert(*before, json(R"({"_id": 1, "n": [1, 9]})"));
    Execution execution(
        make_plan(txn, before, {.filter = matcher(R"({"n": {"$gt": 5, "$lt": 3}})")}));
    execution.attach(txn);
    EXPECT_THAT(rest_of(execution), ElementsAre(1));
    EXPECT_EQ(count(txn, before, {.filter = matcher(R"({"n": {"$gte": 0}})")}), 1U);
  });
}

TEST_F(ExecutionTest, SeesTheWritesOfItsOwnTransaction) {
  create_index(R"({"key": {"n": 1}})");
  insert_numbers(3);
  write([&](WriteTransaction& txn) {
    txn.insert(users(txn), json(R"({"_id": 9, "n": 1.5})"));
    const bson::Document sort = json(R"({"n": 1})");
    EXPECT_THAT(run(txn, {.sort = sort}), ElementsAre(1, 2, 4, 3));
    EXPECT_EQ(count(txn, collection(txn), {}), 4U);
  });
}

}  // namespace
}  // namespace gesso::localdb
