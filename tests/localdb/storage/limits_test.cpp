// What may be wrong with the folder, the disk or an operation, and must not hurt the rest: a row of
// the catalog that cannot be read, a map at its limit, little address space, an operation that
// fails half-way beside others.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <lmdb.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <fstream>
#include <random>
#include <thread>

#include "gesso/base/error.hpp"
#include "gesso/bson/builder.hpp"
#include "gesso/localdb/language/command_error.hpp"
#include "gesso/localdb/storage/storage_error.hpp"
#include "gesso/localdb/storage/sweep.hpp"
#include "tests/localdb/storage/damage.hpp"
#include "tests/localdb/storage/store_fixture.hpp"

namespace gesso::localdb {
namespace {

using namespace std::chrono_literals;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class LimitsTest : public StoreFixture {
 protected:
  // What the store says when it refuses `operation`.
  template <class F>
  std::optional<StorageFault> fault_of(F&& operation) {
    try {
      write(std::forward<F>(operation));
    } catch (const StorageError& error) {
      return error.fault();
    }
    return std::nullopt;
  }

  void damage(const char* table, const std::function<void(MDB_cursor*)>& change) {
    store_.reset();
    damage_folder(dir_.path(), table, change);
    store_.emplace(options());
  }

  // Puts `text` in the place of the first collection's row whose bytes hold `name`.
  void damage_row(std::string_view name, const std::function<std::string(std::string)>& change) {
    damage("catalog", [&](MDB_cursor* cursor) {
      MDB_val key{};
      MDB_val value{};
      while (mdb_cursor_get(cursor, &key, &value, MDB_NEXT) == 0) {
        std::string row(static_cast<const char*>(value.mv_data), value.mv_size);
        if (*static_cast<const char*>(key.mv_data) != 'C' || row.find(name) == std::string::npos) {
          continue;
        }
        row = change(row);
        value = {.mv_size = row.size(), .mv_data = row.data()};
        ASSERT_EQ(mdb_cursor_put(cursor, &key, &value, MDB_CURRENT), 0);
        return;
      }
      FAIL() << "no such row";
    });
  }

  void expect_only_users_is_damaged() {
    write([](WriteTransaction& txn) {
      txn.insert(*txn.find_collection("test", "sound"), bson::make_document("_id", 2));
    });
    {
      const ReadTransaction read = store().read();
      EXPECT_EQ(read.counters(*read.find_collection("test", "sound")).documents, 2U);
      EXPECT_EQ(read.catalog().collections("test").size(), 2U);
      EXPECT_THROW(static_cast<void>(read.find_collection("test", "users")), StorageError);
    }
    EXPECT_EQ(fault_of([](WriteTransaction& txn) { txn.ensure_collection("test", "users"); }),
              StorageFault::kDamagedCollection);
    EXPECT_EQ(fault_of([](WriteTransaction& txn) { txn.create_collection("test", "users"); }),
              StorageFault::kCollectionExists);
    store_.reset();
    EXPECT_THAT(check_folder(dir_.path(), read_index).faults,
                Contains(HasSubstr("test.users: its row of the catalog cannot be read")));
    store_.emplace(options());
    EXPECT_TRUE(write([](WriteTransaction& txn) { return txn.drop_collection("test", "users"); }));
    store().sweep();
    expect_clean();
    write([](WriteTransaction& txn) { txn.create_collection("test", "users"); });
  }

  static void expire_after(WriteTransaction& txn, std::int64_t seconds) {
    IndexSpec changed = spec_of(*users(txn).index_by_name("ttl"));
    changed.expire_after_seconds = seconds;
    txn.change_index(users(txn), "ttl", std::make_shared<const IndexSpec>(changed));
  }

  void add_sound_collection() {
    create_index(R"({"key": {"at": 1}, "expireAfterSeconds": 60, "name": "ttl"})");
    insert(bson::make_document("_id", 1, "at", clock_.now()));
    write([](WriteTransaction& txn) {
      txn.insert(*txn.ensure_collection("test", "sound"), bson::make_document("_id", 1));
    });
  }
};

TEST_F(LimitsTest, WritesNoRowOfTheCatalogThatItWouldNotRead) {
  create_index(R"({"key": {"at": 1}, "expireAfterSeconds": 60, "name": "ttl"})");
  insert(bson::make_document("_id", 1, "at", clock_.now() - 1h));
  for (const std::int64_t seconds : {std::int64_t{1} << 31, std::int64_t{1} << 32,
                                     (std::int64_t{1} << 32) + 5, std::int64_t{-1}, INT64_MAX}) {
    EXPECT_THROW(write([&](WriteTransaction& txn) { expire_after(txn, seconds); }), CommandError)
        << seconds;
    reopen();
    const ReadTransaction read = store().read();
    EXPECT_EQ(spec_of(*collection(read)->index_by_name("ttl")).expire_after_seconds, 60) << seconds;
  }
  write([&](WriteTransaction& txn) { expire_after(txn, INT32_MAX); });
  reopen();
  EXPECT_EQ(store().sweep(), 0U);
  EXPECT_EQ(documents(), 1U);
}

TEST_F(LimitsTest, ServesTheOthersWhereARowOfTheCatalogHoldsABadIndex) {
  add_sound_collection();
  damage_row("users", [](std::string row) {
    const std::string seconds(
        "\x10"
        "expireAfterSeconds\0",
        20);
    const std::size_t at = row.find(seconds);
    EXPECT_NE(at, std::string::npos);
    row.replace(at + seconds.size(), 4, std::string("\x00\x00\x00\x80", 4));
    return row;
  });
  expect_only_users_is_damaged();
}

TEST_F(LimitsTest, ServesTheOthersWhereARowOfTheCatalogIsNoDocument) {
  add_sound_collection();
  damage_row("users", [](const std::string&) { return std::string("rubbish"); });
  const ReadTransaction read = store().read();
  EXPECT_EQ(read.counters(*read.find_collection("test", "sound")).documents, 1U);
  ASSERT_EQ(read.catalog().collections("local").size(), 1U);
  EXPECT_THAT(read.catalog().collections("local").front()->damage, HasSubstr("length"));
}

TEST_F(LimitsTest, RefusesNewDocumentsAtTheLimitOfItsMapAndGoesOnWithTheRest) {
  store_.reset();
  StoreOptions small = options();
  small.map_bytes = 4U << 20;
  store_.emplace(small);
  const std::string text(10'000, 'x');
  std::int32_t next = 0;
  const auto insert_one = [&](WriteTransaction& txn) {
    txn.insert(users(txn), bson::make_document("_id", next, "text", text));
  };
  while (next < 1000 && !fault_of(insert_one)) ++next;
  ASSERT_GT(next, 100);
  ASSERT_LT(next, 1000);
  EXPECT_EQ(fault_of(insert_one), StorageFault::kNoRoom);
  EXPECT_EQ(documents(), static_cast<std::uint64_t>(next));
  // A change that takes no room is one, and deletes make room again.
  write([&](WriteTransaction& txn) {
    txn.replace(users(txn), 1, bson::make_document("_id", 0, "text", "short"));
  });
  for (RecordId id = 2; id < 100; ++id) {
    EXPECT_TRUE(write([&](WriteTransaction& txn) { return txn.remove(users(txn), id); }));
  }
  EXPECT_EQ(fault_of(insert_one), std::nullopt);
  store_.reset();
  EXPECT_THAT(check_folder(dir_.path(), read_index).faults, IsEmpty());
}

// The number of bytes of address space that this process has.
std::uint64_t address_space() {
  std::ifstream statm("/proc/self/statm");
  std::uint64_t pages = 0;
  statm >> pages;
  return pages * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

TEST_F(LimitsTest, OpensAndServesWithLittleAddressSpace) {
  insert(R"({"_id": 1})");
  store_.reset();
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    const std::uint64_t most = address_space() + (std::uint64_t{5} << 30);
    const rlimit limit{.rlim_cur = most, .rlim_max = most};
    if (::setrlimit(RLIMIT_AS, &limit) != 0) ::_exit(2);
    try {
      Store store({.data_dir = dir_.path(), .read_index = read_index, .sweep_period = 0ms});
      if (store.stats(store.read()).map_bytes > std::uint64_t{4} << 30) ::_exit(3);
      store.write(
          [&](WriteTransaction& txn) { txn.insert(users(txn), bson::make_document("_id", 2)); });
    } catch (...) {
      ::_exit(4);
    }
    ::_exit(0);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFEXITED(status)) << status;
  EXPECT_EQ(WEXITSTATUS(status), 0);
  store_.emplace(options());
  EXPECT_EQ(documents(), 2U);
}

TEST_F(LimitsTest, TakesASecondSnapshotWhileItHasOne) {
  const ReadTransaction outer = store().read();
  insert(R"({"_id": 1})");
  const ReadTransaction inner = store().read();
  EXPECT_EQ(outer.counters(*collection(outer)).documents, 0U);
  EXPECT_EQ(inner.counters(*collection(inner)).documents, 1U);
  EXPECT_GT(store().stats(outer).map_bytes, 0U);
}

// What fails half-way is undone alone, or kept, as it asked for, and nothing runs twice.
TEST_F(LimitsTest, RunsEachOperationOfAGroupOnceWhateverTheOthersDo) {
  constexpr int kThreads = 8;
  constexpr int kEach = 40;
  std::atomic<int> runs = 0;
  std::vector<std::thread> threads;
  std::vector<std::vector<std::int32_t>> expected(kThreads);
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      std::mt19937 random(static_cast<unsigned>(t));
      for (int i = 0; i < kEach; ++i) {
        const std::int32_t first = (t * kEach + i) * 10;
        const auto count = static_cast<std::int32_t>(random() % 4);
        const bool fails = random() % 2 == 0;
        const OnError on_error = random() % 2 == 0 ? OnError::kUndo : OnError::kKeep;
        const bool makes_collection = random() % 4 == 0;
        try {
          store().write(
              [&](WriteTransaction& txn) {
                ++runs;
                if (makes_collection) txn.ensure_collection("made", std::to_string(first));
                for (std::int32_t n = 0; n < count; ++n) {
                  txn.insert(users(txn), bson::make_document("_id", first + n));
                }
                if (fails) throw CommandError(ErrorCode::kMaxTimeMsExpired, "late");
              },
              on_error);
          EXPECT_FALSE(fails);
        } catch (const CommandError&) {
          EXPECT_TRUE(fails);
        }
        const bool stays = !fails || on_error == OnError::kKeep;
        const ReadTransaction read = store().read();
        const auto made = read.find_collection("made", std::to_string(first));
        EXPECT_EQ(made != nullptr, makes_collection && stays);
        for (std::int32_t n = 0; stays && n < count; ++n) expected[t].push_back(first + n);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(runs, kThreads * kEach);
  std::set<std::int32_t> wanted;
  for (const auto& part : expected) wanted.insert(part.begin(), part.end());
  std::set<std::int32_t> found;
  {
    const ReadTransaction read = store().read();
    RecordCursor cursor(read, users(read));
    for (bool more = cursor.first(); more; more = cursor.next()) {
      found.insert(cursor.document()["_id"].as_int32());
    }
    EXPECT_EQ(read.counters(users(read)).documents, wanted.size());
  }
  EXPECT_EQ(found, wanted);
  expect_clean();
}

TEST_F(LimitsTest, EndsASweepWhereAnIndexAndItsDocumentsDisagree) {
  create_index(R"({"key": {"at": 1}, "expireAfterSeconds": 0, "name": "ttl"})");
  for (std::int32_t n = 0; n < 3; ++n) {
    insert(bson::make_document("_id", n, "at", clock_.now() - 1h));
  }
  // Entries of documents that there are not, more than a batch of them, on both sides of the rest.
  damage("entries", [](MDB_cursor* cursor) {
    MDB_val key{};
    MDB_val value{};
    ASSERT_EQ(mdb_cursor_get(cursor, &key, &value, MDB_LAST), 0);
    std::string entry(static_cast<const char*>(key.mv_data), key.mv_size);
    MDB_val none{.mv_size = 0, .mv_data = nullptr};
    for (unsigned n = 0; n < 700; ++n) {
      entry[entry.size() - 3] = 1;
      entry[entry.size() - 2] = static_cast<char>(n >> 8);
      entry[entry.size() - 1] = static_cast<char>(n & 0xFF);
      key = {.mv_size = entry.size(), .mv_data = entry.data()};
      ASSERT_EQ(mdb_cursor_put(cursor, &key, &none, 0), 0);
    }
  });
  EXPECT_EQ(store().sweep(), 3U);
  EXPECT_EQ(documents(), 0U);
}

TEST_F(LimitsTest, LeavesASweepThatIsToStop) {
  create_index(R"({"key": {"at": 1}, "expireAfterSeconds": 0, "name": "ttl"})");
  write([&](WriteTransaction& txn) {
    const CollectionPtr large = txn.ensure_collection("test", "large");
    for (std::int32_t n = 0; n < 5000; ++n) txn.insert(*large, bson::make_document("_id", n));
    txn.insert(users(txn), bson::make_document("_id", 1, "at", clock_.now() - 1h));
  });
  write([](WriteTransaction& txn) { txn.drop_collection("test", "large"); });
  const std::atomic<bool> stopping = true;
  EXPECT_EQ(sweep_store(store(), clock_.now(), stopping), 0U);
  EXPECT_EQ(documents(), 1U);
  EXPECT_GT(write([](WriteTransaction& txn) { return txn.purge_dropped(10); }), 0U);
}

}  // namespace
}  // namespace gesso::localdb
