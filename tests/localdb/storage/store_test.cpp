#include "gesso/localdb/storage/store.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "gesso/base/error.hpp"
#include "gesso/base/meter.hpp"
#include "gesso/bson/builder.hpp"
#include "gesso/bson/json.hpp"
#include "gesso/localdb/storage/check.hpp"
#include "gesso/localdb/storage/storage_error.hpp"
#include "gesso/testing/seeded_random.hpp"
#include "tests/localdb/storage/store_fixture.hpp"

namespace gesso::localdb {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class StoreTest : public StoreFixture {};

TEST_F(StoreTest, FindsADocumentByItsId) {
  const RecordId record = insert(R"({"_id": "user_1", "name": "Ada"})");
  const ReadTransaction read = store().read();
  const auto found = read.find_by_id(*collection(read), json(R"({"v": "user_1"})")["v"]);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->id, record);
  EXPECT_EQ(found->document["name"].as_string(), "Ada");
  EXPECT_FALSE(read.find_by_id(*collection(read), json(R"({"v": "user_2"})")["v"]));
}

TEST_F(StoreTest, FindsAnIdOfAnotherNumberTypeAndALongOne) {
  const std::string long_id(2000, 'x');
  insert(R"({"_id": 5})");
  write(
      [&](WriteTransaction& txn) { txn.insert(users(txn), bson::make_document("_id", long_id)); });
  const ReadTransaction read = store().read();
  const bson::Document ids = bson::make_document("double", 5.0, "text", long_id);
  EXPECT_TRUE(read.find_by_id(*collection(read), ids["double"]));
  EXPECT_TRUE(read.find_by_id(*collection(read), ids["text"]));
}

TEST_F(StoreTest, ScansACollectionInTheOrderOfInsertionBothWays) {
  for (const char* id : {"c", "a", "b"}) insert(std::string(R"({"_id": ")") + id + "\"}");
  write([](WriteTransaction& txn) {
    txn.insert(*txn.ensure_collection("test", "other"), bson::make_document("_id", 1));
  });
  const ReadTransaction read = store().read();
  RecordCursor cursor(read, *collection(read));
  std::string forward;
  for (bool more = cursor.first(); more; more = cursor.next()) {
    forward += cursor.document()["_id"].as_string();
  }
  std::string backward;
  for (bool more = cursor.last(); more; more = cursor.previous()) {
    backward += cursor.document()["_id"].as_string();
  }
  EXPECT_EQ(forward, "cab");
  EXPECT_EQ(backward, "bac");
}

TEST_F(StoreTest, RefusesASecondDocumentOfAUniqueKeyAndKeepsTheRest) {
  create_index(R"({"key": {"email": 1, "n": -1}, "unique": true})");
  insert(R"({"_id": 1, "email": "a@x", "n": 1})");
  try {
    insert(R"({"_id": 2, "email": "a@x", "n": 1.0})");
    FAIL();
  } catch (const StorageError& error) {
    EXPECT_EQ(error.fault(), StorageFault::kDuplicateKey);
    EXPECT_STREQ(error.what(),
                 "E11000 duplicate key error collection: test.users index: email_1_n_-1 dup key: "
                 "{ email: \"a@x\", n: 1.0 }");
    EXPECT_EQ(bson::to_json(error.details()["keyPattern"]),
              bson::to_json(json(R"({"v": {"email": 1, "n": -1}})")["v"]));
    EXPECT_EQ(error.details()["keyValue"].as_document()["email"].as_string(), "a@x");
  }
  insert(R"({"_id": 2, "email": "a@x", "n": 2})");
  EXPECT_EQ(documents(), 2U);
  expect_clean();
}

TEST_F(StoreTest, TakesMissingAsNullInAUniqueIndexUnlessItIsPartial) {
  create_index(R"({"key": {"a": 1}, "unique": true})");
  create_index(
      R"({"key": {"b": 1}, "unique": true, "partialFilterExpression": {"b": {"$exists": true}}})");
  insert(R"({"_id": 1})");
  EXPECT_THROW(insert(R"({"_id": 2, "a": null})"), StorageError);
  insert(R"({"_id": 3, "a": 1})");
  insert(R"({"_id": 4, "a": 2, "b": 1})");
  EXPECT_THROW(insert(R"({"_id": 5, "a": 3, "b": 1})"), StorageError);
  expect_clean();
}

TEST_F(StoreTest, LetsADocumentRepeatItsOwnValueInAUniqueIndex) {
  create_index(R"({"key": {"tags": 1}, "unique": true})");
  const RecordId record = insert(R"({"_id": 1, "tags": ["x", "x"]})");
  write([&](WriteTransaction& txn) {
    txn.replace(users(txn), record, json(R"({"_id": 1, "tags": ["y", "x"]})"));
  });
  EXPECT_THROW(insert(R"({"_id": 2, "tags": ["z", "y"]})"), StorageError);
  expect_clean();
}

TEST_F(StoreTest, KeepsCountersExactThroughInsertReplaceAndRemove) {
  const RecordId first = insert(R"({"_id": 1, "text": "short"})");
  const RecordId second = insert(R"({"_id": 2})");
  write([&](WriteTransaction& txn) {
    txn.replace(users(txn), first, json(R"({"_id": 1, "text": "much longer than before"})"));
    txn.remove(users(txn), second);
    EXPECT_EQ(txn.counters(users(txn)).documents, 1U);
  });
  const ReadTransaction read = store().read();
  const CollectionCounters counters = read.counters(*collection(read));
  EXPECT_EQ(counters.documents, 1U);
  EXPECT_EQ(counters.data_bytes, json(R"({"_id": 1, "text": "much longer than before"})").size());
  EXPECT_EQ(read.counters(collection(read)->id_index()).entries, 1U);
}

// A replacement looks at the indexes of what has changed only: whatever changes, in whatever order
// the fields come, the entries are those of the new document.
TEST_F(StoreTest, EntriesFollowEveryReplacement) {
  for (const char* index :
       {R"({"key": {"a": 1}, "name": "a"})", R"({"key": {"b.c": -1, "z": 1}, "name": "bcz"})",
        R"({"key": {"d": 1}, "name": "d", "sparse": true})",
        R"({"key": {"e": 1}, "name": "e", "partialFilterExpression": {"a": {"$gt": 1}}})",
        R"({"key": {"f": 1}, "name": "f", "unique": true, "sparse": true})"}) {
    create_index(index);
  }
  const std::vector<std::string> fields{
      R"("a": 1)",          R"("a": 2)",   R"("a": [1, 2])", R"("b": {"c": 1})",
      R"("b": [{"c": 2}])", R"("b": 3)",   R"("d": "x")",    R"("d": null)",
      R"("e": 5)",          R"("e": "5")", R"("z": 9)",      R"("z": {"a": 1})"};
  gesso::testing::SeededRandom random;
  const auto below = [&](std::size_t most) {
    return static_cast<std::size_t>(random.uniform() * static_cast<double>(most));
  };
  const auto make = [&](int id, int unique) {
    std::string text = "{\"_id\": " + std::to_string(id);
    std::set<char> used;
    for (std::size_t n = below(5); n > 0; --n) {
      const std::string& field = fields[below(fields.size())];
      if (used.insert(field[1]).second) text += ", " + field;
    }
    if (below(2) == 0) text += ", \"f\": " + std::to_string(unique);
    return json(text + "}");
  };
  std::vector<RecordId> ids;
  for (int i = 0; i < 8; ++i) ids.push_back(insert(make(i, i)));
  for (int step = 0; step < 600; ++step) {
    const std::size_t which = below(ids.size());
    const bson::Document document = make(static_cast<int>(which), step + 100);
    write([&](WriteTransaction& txn) { txn.replace(users(txn), ids[which], document); });
    if (step % 100 == 99) expect_clean();
  }
}

TEST_F(StoreTest, KeepsEverythingOverAReopening) {
  create_index(R"({"key": {"a": 1}, "expireAfterSeconds": 60, "name": "ttl"})");
  const RecordId record = insert(R"({"_id": 1, "a": [1, 2]})");
  reopen();
  const ReadTransaction read = store().read();
  const CollectionPtr users = collection(read);
  ASSERT_TRUE(users);
  const Index* const index = users->index_by_name("ttl");
  ASSERT_NE(index, nullptr);
  EXPECT_EQ(spec_of(*index).expire_after_seconds, 60);
  EXPECT_THAT(index->multikey, ElementsAre(true));
  EXPECT_EQ(read.get(*users, record)->count(), 2U);
  EXPECT_EQ(read.counters(*users).documents, 1U);
}

TEST_F(StoreTest, GivesASnapshotThatLaterWritesDoNotChange) {
  const RecordId record = insert(R"({"_id": 1, "n": 1})");
  const ReadTransaction before = store().read();
  write([&](WriteTransaction& txn) {
    txn.replace(users(txn), record, json(R"({"_id": 1, "n": 2})"));
    txn.create_collection("test", "new");
  });
  const ReadTransaction after = store().read();
  EXPECT_EQ((*before.get(*collection(before), record))["n"].as_int32(), 1);
  EXPECT_EQ((*after.get(*collection(after), record))["n"].as_int32(), 2);
  EXPECT_FALSE(before.find_collection("test", "new"));
  EXPECT_TRUE(after.find_collection("test", "new"));
}

TEST_F(StoreTest, UndoesAnOperationThatThrowsAndNoOther) {
  EXPECT_THROW(write([&](WriteTransaction& txn) {
                 txn.insert(users(txn), json(R"({"_id": 1})"));
                 txn.create_collection("test", "half");
                 throw std::runtime_error("no");
               }),
               std::runtime_error);
  insert(R"({"_id": 2})");
  {
    const ReadTransaction read = store().read();
    EXPECT_FALSE(read.find_collection("test", "half"));
    EXPECT_EQ(read.counters(*collection(read)).documents, 1U);
  }
  expect_clean();
}

TEST_F(StoreTest, ReturnsWhatTheOperationReturns) {
  const std::string name =
      store().write([](WriteTransaction& txn) { return txn.ensure_collection("a", "b")->ns(); });
  EXPECT_EQ(name, "a.b");
}

TEST_F(StoreTest, BuildsAnIndexOverWhatIsThereOrRefusesItWhole) {
  insert(R"({"_id": 1, "a": 2})");
  insert(R"({"_id": 2, "a": 1})");
  create_index(R"({"key": {"a": 1}, "unique": true})");
  insert(R"({"_id": 3, "a": 3, "b": 1})");
  insert(R"({"_id": 4, "a": 4, "b": 1})");
  try {
    create_index(R"({"key": {"b": 1}, "unique": true})");
    FAIL();
  } catch (const StorageError& error) {
    EXPECT_EQ(error.fault(), StorageFault::kDuplicateKey);
  }
  const ReadTransaction read = store().read();
  EXPECT_EQ(collection(read)->indexes.size(), 2U);
  IndexCursor cursor(read, *collection(read)->index_by_name("a_1"));
  std::vector<RecordId> order;
  for (bool more = cursor.seek(""); more; more = cursor.next()) order.push_back(cursor.record());
  EXPECT_THAT(order, ElementsAre(2, 1, 3, 4));
}

TEST_F(StoreTest, SaysWhetherAnIndexWasNew) {
  EXPECT_TRUE(create_index(R"({"key": {"a": 1}})"));
  EXPECT_FALSE(create_index(R"({"key": {"a": 1}})"));
  EXPECT_FALSE(create_index(R"({"key": {"_id": 1}})"));
}

TEST_F(StoreTest, DropsAnIndexButNotThatOfTheId) {
  create_index(R"({"key": {"a": 1}})");
  insert(R"({"_id": 1, "a": 1})");
  write([&](WriteTransaction& txn) { txn.drop_index(users(txn), "a_1"); });
  const auto fault_of = [&](const char* name) {
    try {
      write([&](WriteTransaction& txn) { txn.drop_index(users(txn), name); });
    } catch (const StorageError& error) {
      return std::optional(error.fault());
    }
    return std::optional<StorageFault>();
  };
  EXPECT_EQ(fault_of("a_1"), StorageFault::kNoIndex);
  EXPECT_EQ(fault_of("_id_"), StorageFault::kIdIndex);
  expect_clean();
}

TEST_F(StoreTest, DropsALargeCollectionAtOnceAndSweepsItsRowsAfterwards) {
  write([&](WriteTransaction& txn) {
    const CollectionPtr large = txn.ensure_collection("test", "large");
    for (int i = 0; i < 1500; ++i) txn.insert(*large, bson::make_document("_id", i));
  });
  write([](WriteTransaction& txn) {
    EXPECT_TRUE(txn.drop_collection("test", "large"));
    EXPECT_FALSE(txn.drop_collection("test", "large"));
    // A new one of that name has nothing of the old one.
    const CollectionPtr again = txn.ensure_collection("test", "large");
    EXPECT_EQ(txn.counters(*again).documents, 0U);
    txn.insert(*again, bson::make_document("_id", 7));
  });
  expect_clean();
  store().sweep();
  expect_clean();
  write([](WriteTransaction& txn) { EXPECT_EQ(txn.purge_dropped(10), 0U); });
  const ReadTransaction read = store().read();
  EXPECT_EQ(read.counters(*read.find_collection("test", "large")).documents, 1U);
}

TEST_F(StoreTest, RefusesBadNamesAndTakenOnes) {
  const auto fault_of = [&](std::string_view database, std::string_view name) {
    try {
      write([&](WriteTransaction& txn) { txn.create_collection(database, name); });
    } catch (const StorageError& error) {
      return std::optional(error.fault());
    }
    return std::optional<StorageFault>();
  };
  EXPECT_EQ(fault_of("test", "fine"), std::nullopt);
  EXPECT_EQ(fault_of("test", "fine"), StorageFault::kCollectionExists);
  EXPECT_EQ(fault_of("", "x"), StorageFault::kInvalidName);
  EXPECT_EQ(fault_of("a.b", "x"), StorageFault::kInvalidName);
  EXPECT_EQ(fault_of(std::string(64, 'd'), "x"), StorageFault::kInvalidName);
  EXPECT_EQ(fault_of("test", ""), StorageFault::kInvalidName);
  EXPECT_EQ(fault_of("test", "a$b"), StorageFault::kInvalidName);
  EXPECT_EQ(fault_of("test", ".a"), StorageFault::kInvalidName);
  EXPECT_EQ(fault_of("test", std::string(252, 'c')), StorageFault::kInvalidName);
}

TEST_F(StoreTest, RenamesACollectionWithItsDocuments) {
  insert(R"({"_id": 1})");
  write([&](WriteTransaction& txn) { txn.rename_collection(users(txn), "test", "people"); });
  const ReadTransaction read = store().read();
  EXPECT_FALSE(collection(read));
  EXPECT_EQ(read.counters(*read.find_collection("test", "people")).documents, 1U);
}

TEST_F(StoreTest, KeepsOutASecondOpener) {
  try {
    const Store second(options());
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kConflict);
    EXPECT_THAT(error.what(), HasSubstr("in use by another process"));
  }
}

TEST_F(StoreTest, StoresDocumentsOfManyMegabytes) {
  const std::string text(15U << 20, 'x');
  write([&](WriteTransaction& txn) {
    txn.insert(users(txn), bson::make_document("_id", 1, "text", text));
  });
  const ReadTransaction read = store().read();
  EXPECT_EQ(read.find_by_id(*collection(read), json(R"({"v": 1})")["v"])
                ->document["text"]
                .as_string()
                .size(),
            text.size());
  EXPECT_GE(read.counters(*collection(read)).storage_bytes, text.size());
}

// By which a statement about many documents paces itself.
TEST_F(StoreTest, AnOperationSeesWhetherOthersWaitForTheWriter) {
  std::jthread other;
  std::atomic<bool> looked = false;
  write([&](WriteTransaction& txn) {
    EXPECT_FALSE(txn.is_awaited());
    other = std::jthread([&] {
      Meter meter([&] { looked = true; });  // asked by who stands in the queue
      const Meter::Scope scope(&meter);
      write([](WriteTransaction&) {});
    });
    while (!looked) std::this_thread::yield();
    EXPECT_TRUE(txn.is_awaited());
  });
  other.join();
  write([](WriteTransaction& txn) { EXPECT_FALSE(txn.is_awaited()); });
}

// Of three operations the second leads the group that the third is to be in, and holds it up.
TEST_F(StoreTest, RunsNoOperationThatIsNotWantedAnyMoreWhenItsTurnComes) {
  struct Gone {};
  std::atomic<bool> first_runs = false;
  std::atomic<bool> first_may_end = false;
  std::atomic<bool> second_runs = false;
  std::atomic<bool> second_may_end = false;
  std::atomic<int> second_looks = 0;
  std::atomic<int> third_looks = 0;
  std::atomic<bool> third_is_wanted = true;
  bool third_ran = false;

  std::jthread first([&] {
    write([&](WriteTransaction&) {
      first_runs = true;
      first_runs.notify_one();
      first_may_end.wait(false);
    });
  });
  first_runs.wait(false);
  std::jthread second([&] {
    Meter meter([&] { ++second_looks; });
    const Meter::Scope scope(&meter);
    write([&](WriteTransaction& txn) {
      second_runs = true;
      second_runs.notify_one();
      second_may_end.wait(false);
      txn.insert(users(txn), json(R"({"_id": 2})"));
    });
  });
  while (second_looks == 0) std::this_thread::yield();
  std::jthread third([&] {
    Meter meter([&] {
      ++third_looks;
      if (!third_is_wanted) throw Gone();
    });
    const Meter::Scope scope(&meter);
    EXPECT_THROW(write([&](WriteTransaction&) { third_ran = true; }), Gone);
  });
  while (third_looks == 0) std::this_thread::yield();

  first_may_end = true;
  first_may_end.notify_one();
  second_runs.wait(false);
  third_is_wanted = false;
  third.join();  // while the second runs
  second_may_end = true;
  second_may_end.notify_one();
  second.join();
  EXPECT_FALSE(third_ran);
  insert(R"({"_id": 4})");
  EXPECT_EQ(documents(), 2U);
  expect_clean();
}

}  // namespace
}  // namespace gesso::localdb
