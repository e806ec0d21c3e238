// Indexes that are built while others write.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <future>
#include <random>
#include <set>
#include <thread>

#include "gesso/base/meter.hpp"
#include "gesso/bson/builder.hpp"
#include "gesso/localdb/language/command_error.hpp"
#include "gesso/localdb/storage/index_build.hpp"
#include "gesso/localdb/storage/sorted_runs.hpp"
#include "gesso/localdb/storage/storage_error.hpp"
#include "tests/localdb/storage/store_fixture.hpp"

namespace gesso::localdb {
namespace {

TEST(SortedRunsTest, GivesEntriesInOrderWhetherTheyFitIntoMemoryOrNot) {
  const gesso::testing::TempDir folder;
  std::mt19937 random(7);
  std::vector<std::pair<std::string, RecordId>> entries;
  for (RecordId id = 1; id <= 5000; ++id) {
    std::string key(random() % 40, 'k');
    for (char& c : key) c = static_cast<char>(random() % 256);
    entries.emplace_back(key, id);
    if (random() % 3 == 0) entries.emplace_back(key, id + 10'000);
  }
  for (const std::size_t memory : {std::size_t{1} << 24, std::size_t{20'000}, std::size_t{1}}) {
    SortedRuns runs(folder.path(), memory);
    for (const auto& [key, id] : entries) runs.add(key, id);
    runs.sort();
    EXPECT_EQ(runs.spilled() > 0, memory < (1U << 20)) << memory;
    std::vector<std::pair<std::string, RecordId>> sorted = entries;
    std::sort(sorted.begin(), sorted.end());
    std::size_t at = 0;
    while (runs.next()) {
      ASSERT_LT(at, sorted.size());
      ASSERT_EQ(sorted[at].first, runs.key());
      ASSERT_EQ(sorted[at].second, runs.record());
      ++at;
    }
    EXPECT_EQ(at, sorted.size());
    EXPECT_FALSE(runs.next());
  }
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
}

class IndexBuildTest : public StoreFixture {
 protected:
  void fill(std::int32_t documents) {
    for (std::int32_t from = 0; from < documents; from += 1000) {
      write([&](WriteTransaction& txn) {
        for (std::int32_t n = from; n < std::min(from + 1000, documents); ++n) {
          txn.insert(users(txn), bson::make_document("_id", n, "n", n % 97, "u", n, "tags",
                                                     bson::make_array(n % 7, n % 11)));
        }
      });
    }
  }

  std::vector<std::uint32_t> begin(const std::vector<std::string>& descriptions) {
    return write([&](WriteTransaction& txn) {
      std::vector<std::uint32_t> ids;
      for (const std::string& description : descriptions) {
        ids.push_back(*txn.begin_index(users(txn), read_index(json(description))));
      }
      return ids;
    });
  }
  std::uint32_t users_id() {
    const ReadTransaction read = store().read();
    return users(read).id;
  }
  std::size_t indexes() {
    const ReadTransaction read = store().read();
    return users(read).indexes.size();
  }
};

TEST_F(IndexBuildTest, BuildsSeveralOverOneScanBeyondItsMemory) {
  fill(5000);
  const auto ids = begin({R"({"key": {"n": 1}})", R"({"key": {"u": -1}, "unique": true})",
                          R"({"key": {"tags": 1}})",
                          R"({"key": {"u": 1}, "name": "few",
                              "partialFilterExpression": {"u": {"$lt": 10}}})"});
  build_indexes(store(), users_id(), ids, {.memory_bytes = 64U << 10});
  {
    const ReadTransaction read = store().read();
    EXPECT_EQ(read.counters(*users(read).index_by_name("n_1")).entries, 5000U);
    EXPECT_EQ(read.counters(*users(read).index_by_name("few")).entries, 10U);
    EXPECT_TRUE(users(read).index_by_name("tags_1")->is_multikey());
    EXPECT_FALSE(users(read).index_by_name("n_1")->is_multikey());
    EXPECT_TRUE(users(read).building.empty());
  }
  expect_clean();
}

// Threads insert, change and delete all the while; afterwards every document has its entries.
TEST_F(IndexBuildTest, AgreesWithWhatOthersWroteMeanwhile) {
  constexpr std::int32_t kDocuments = 6000;
  for (const std::size_t memory : {std::size_t{32} << 10, std::size_t{64} << 20}) {
    fill(kDocuments);
    std::atomic<bool> done = false;
    std::vector<std::thread> writers;
    for (unsigned t = 0; t < 3; ++t) {
      writers.emplace_back([&, t] {
        std::mt19937 random(t);
        std::int32_t next = kDocuments + static_cast<std::int32_t>(t) * 1'000'000;
        while (!done) {
          write([&](WriteTransaction& txn) {
            const Collection& all = users(txn);
            for (int i = 0; i < 20; ++i) {
              const RecordId id = 1 + random() % kDocuments;
              const auto n = static_cast<std::int32_t>(random() % 97);
              const auto document = txn.get(all, id);
              switch (random() % 4) {
                case 0:
                  txn.insert(all, bson::make_document("_id", next, "n", n, "u", next));
                  ++next;
                  break;
                case 1:
                  if (document) txn.remove(all, id);
                  break;
                default:
                  if (!document) break;
                  txn.replace(all, id,
                              bson::make_document("_id", (*document)["_id"].as_int32(), "n", n, "u",
                                                  (*document)["u"].as_int32(), "tags",
                                                  bson::make_array(n, n % 3)));
              }
            }
          });
        }
      });
    }
    const auto ids = begin({R"({"key": {"n": 1, "u": -1}})", R"({"key": {"u": 1}, "unique": true})",
                            R"({"key": {"tags": 1}, "sparse": true})"});
    build_indexes(store(), users_id(), ids, {.memory_bytes = memory});
    done = true;
    for (std::thread& writer : writers) writer.join();
    expect_clean();
    store().sweep();
    expect_clean();
    write([](WriteTransaction& txn) {
      txn.drop_collection("test", "users");
      txn.create_collection("test", "users");
    });
  }
}

TEST_F(IndexBuildTest, LeavesNothingOfABuildThatFails) {
  fill(3000);
  insert(bson::make_document("_id", 9000, "u", 17));
  const auto ids = begin({R"({"key": {"n": 1}})", R"({"key": {"u": 1}, "unique": true})"});
  try {
    build_indexes(store(), users_id(), ids, {.memory_bytes = 64U << 10});
    FAIL();
  } catch (const StorageError& error) {
    EXPECT_EQ(error.fault(), StorageFault::kDuplicateKey);
    EXPECT_EQ(error.details()["keyValue"].as_document()["u"].as_int32(), 17);
  }
  EXPECT_EQ(indexes(), 1U);
  expect_clean();
  store().sweep();
  expect_clean();
  write([](WriteTransaction& txn) { EXPECT_EQ(txn.purge_dropped(10), 0U); });
}

TEST_F(IndexBuildTest, EndsWhenItsCollectionIsDroppedOrItIsInterrupted) {
  fill(3000);
  const std::uint32_t id = users_id();
  int checks = 0;  // one at least while it scans, and one while it puts the entries in
  const auto stop = [&] {
    if (++checks == 2) throw CommandError(ErrorCode::kInterrupted, "stop");
  };
  EXPECT_THROW(build_indexes(store(), id, begin({R"({"key": {"n": 1}})"}),
                             {.memory_bytes = 1U << 10, .check_interrupt = stop}),
               CommandError);
  EXPECT_EQ(indexes(), 1U);
  checks = 0;
  const auto drop = [&] {
    if (++checks == 2) write([](WriteTransaction& txn) { txn.drop_collection("test", "users"); });
  };
  try {
    build_indexes(store(), id, begin({R"({"key": {"n": 1}})"}), {.check_interrupt = drop});
    FAIL();
  } catch (const StorageError& error) {
    EXPECT_EQ(error.fault(), StorageFault::kBuildAborted);
  }
  expect_clean();
  store().sweep();
  expect_clean();
}

TEST_F(IndexBuildTest, LeavesNothingBehindWhenItIsInterruptedWhileItWaitsForTheWriter) {
  fill(100);
  const auto ids = begin({R"({"key": {"n": 1}})"});
  std::promise<void> begun;
  std::promise<void> may_end;
  std::jthread holder([&] {
    write([&](WriteTransaction&) {
      begun.set_value();
      may_end.get_future().wait();
    });
  });
  begun.get_future().wait();
  std::promise<void> looked;
  int looks = 0;
  auto build = std::async(std::launch::async, [&] {
    Meter meter([&] {
      if (++looks == 1) looked.set_value();
      throw CommandError(ErrorCode::kInterrupted, "stop");
    });
    const Meter::Scope scope(&meter);
    build_indexes(store(), users_id(), ids, {});
  });
  looked.get_future().wait();
  // It is not over before what it had begun is undone, which needs the writer too.
  EXPECT_EQ(build.wait_for(std::chrono::milliseconds{100}), std::future_status::timeout);
  may_end.set_value();
  EXPECT_THROW(build.get(), CommandError);
  EXPECT_EQ(looks, 1);
  const ReadTransaction read = store().read();
  EXPECT_THAT(users(read).building, ::testing::IsEmpty());
}

TEST_F(IndexBuildTest, RefusesADuplicateWhileItIsBuilt) {
  fill(100);
  const auto ids = begin({R"({"key": {"u": 1}, "unique": true})"});
  insert(bson::make_document("_id", 500, "u", 500));
  EXPECT_THROW(insert(bson::make_document("_id", 501, "u", 500)), StorageError);
  EXPECT_THROW(begin({R"({"key": {"u": 1}, "name": "other", "unique": true})"}), CommandError);
  build_indexes(store(), users_id(), ids, {});
  EXPECT_THROW(insert(bson::make_document("_id", 502, "u", 500)), StorageError);
  EXPECT_EQ(documents(), 101U);
  expect_clean();
}

TEST_F(IndexBuildTest, DropsWhatWasBeingBuiltWhenItsProcessWasKilled) {
  fill(3000);
  store_.reset();
  int pipe[2];
  ASSERT_EQ(::pipe(pipe), 0);
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    Store mine(options());
    store_.reset();
    const ReadTransaction read = mine.read();
    const std::uint32_t collection = users(read).id;
    const std::uint32_t id = mine.write([&](WriteTransaction& txn) {
      return *txn.begin_index(users(txn), read_index(json(R"({"key": {"n": 1}})")));
    });
    int checks = 0;
    build_indexes(mine, collection, {id}, {.memory_bytes = 1U << 10, .check_interrupt = [&] {
                                             if (++checks < 2) return;
                                             static_cast<void>(!::write(pipe[1], "x", 1));
                                             ::pause();
                                           }});
    ::_exit(1);
  }
  char said = 0;
  ASSERT_EQ(::read(pipe[0], &said, 1), 1);
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  ::close(pipe[0]);
  ::close(pipe[1]);
  store_.emplace(options());
  {
    const ReadTransaction read = store().read();
    EXPECT_EQ(users(read).indexes.size(), 1U);
    EXPECT_TRUE(users(read).building.empty());
    EXPECT_EQ(read.counters(users(read)).documents, 3000U);
  }
  expect_clean();
  EXPECT_TRUE(create_index(R"({"key": {"n": 1}})"));
  store().sweep();
  expect_clean();
}

}  // namespace
}  // namespace gesso::localdb
