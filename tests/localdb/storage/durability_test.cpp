// Group commit, a full map, a full disk, kill -9, and folders that are not to be opened.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <lmdb.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <fstream>
#include <set>
#include <thread>

#include "gesso/base/error.hpp"
#include "gesso/bson/builder.hpp"
#include "gesso/localdb/storage/storage_error.hpp"
#include "tests/localdb/storage/store_fixture.hpp"

namespace gesso::localdb {
namespace {

using ::testing::HasSubstr;

class DurabilityTest : public StoreFixture {};

TEST_F(DurabilityTest, CommitsTheWritesOfManyThreadsInGroups) {
  constexpr int kThreads = 8;
  constexpr int kWrites = 20;
  std::vector<std::thread> threads;
  std::atomic<int> refused = 0;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < kWrites; ++i) {
        const int id = t * kWrites + i;
        write(
            [&](WriteTransaction& txn) { txn.insert(users(txn), bson::make_document("_id", id)); });
        // What fails half-way beside the others takes nothing of them along.
        try {
          write([&](WriteTransaction& txn) {
            txn.insert(users(txn), bson::make_document("_id", id + 1'000'000));
            txn.insert(users(txn), bson::make_document("_id", id));
          });
        } catch (const StorageError& error) {
          refused += error.fault() == StorageFault::kDuplicateKey ? 1 : 0;
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(documents(), kThreads * kWrites);
  EXPECT_EQ(refused, kThreads * kWrites);
  const Store::Stats stats = store().stats(store().read());
  EXPECT_LT(stats.commits, stats.writes);
  expect_clean();
}

TEST_F(DurabilityTest, CountsOneCounterUpFromManyThreadsWithoutLosingAny) {
  const RecordId record = insert(R"({"_id": 1, "n": 0})");
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 25; ++i) {
        write([&](WriteTransaction& txn) {
          const std::int32_t n = (*txn.get(users(txn), record))["n"].as_int32();
          txn.replace(users(txn), record, bson::make_document("_id", 1, "n", n + 1));
        });
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  const ReadTransaction read = store().read();
  EXPECT_EQ((*read.get(users(read), record))["n"].as_int32(), 100);
}

TEST_F(DurabilityTest, RefusesAFolderThatANewerVersionWrote) {
  store_.reset();
  MDB_env* env = nullptr;
  mdb_env_create(&env);
  mdb_env_set_maxdbs(env, 4);
  ASSERT_EQ(mdb_env_open(env, dir_.path().c_str(), 0, 0600), 0);
  MDB_txn* txn = nullptr;
  ASSERT_EQ(mdb_txn_begin(env, nullptr, 0, &txn), 0);
  MDB_dbi table = 0;
  ASSERT_EQ(mdb_dbi_open(txn, "catalog", 0, &table), 0);
  std::string name = "format";
  std::uint32_t format = 999;
  MDB_val key{.mv_size = name.size(), .mv_data = name.data()};
  MDB_val value{.mv_size = sizeof format, .mv_data = &format};
  ASSERT_EQ(mdb_put(txn, table, &key, &value, 0), 0);
  ASSERT_EQ(mdb_txn_commit(txn), 0);
  mdb_env_close(env);
  try {
    store_.emplace(options());
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kValidation);
    EXPECT_THAT(error.what(), HasSubstr("newer version"));
  }
}

TEST_F(DurabilityTest, RefusesAFolderWhoseDataIsSomethingElse) {
  const gesso::testing::TempDir other;
  std::ofstream(other / "data.mdb") << std::string(10'000, 'x');
  try {
    const Store store({.data_dir = other.path()});
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kValidation);
  }
}

TEST_F(DurabilityTest, SaysWhyAFolderCannotBeMade) {
  std::ofstream(dir_ / "file") << "x";
  try {
    const Store store({.data_dir = dir_ / "file" / "data"});
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kInternal);
    EXPECT_THAT(error.what(), HasSubstr("make the folder"));
  }
}

// The largest file that this process may write, for the time of a scope.
class FileSizeLimit {
  rlimit before_{};

 public:
  explicit FileSizeLimit(std::uintmax_t bytes) {
    ::signal(SIGXFSZ, SIG_IGN);
    ::getrlimit(RLIMIT_FSIZE, &before_);
    rlimit limit = before_;
    limit.rlim_cur = bytes;
    ::setrlimit(RLIMIT_FSIZE, &limit);
  }
  FileSizeLimit(const FileSizeLimit&) = delete;
  FileSizeLimit& operator=(const FileSizeLimit&) = delete;
  ~FileSizeLimit() { ::setrlimit(RLIMIT_FSIZE, &before_); }
};

TEST_F(DurabilityTest, RefusesWritesOnAFullDiskAndGoesOnWhenThereIsRoom) {
  const std::string text(50'000, 'x');
  const auto insert_text = [&](int id) {
    write([&](WriteTransaction& txn) {
      txn.insert(users(txn), bson::make_document("_id", id, "text", text));
    });
  };
  insert_text(0);
  int acknowledged = 1;
  {
    const FileSizeLimit full(std::filesystem::file_size(dir_ / "data.mdb") + 300'000);
    try {
      for (; acknowledged < 100; ++acknowledged) insert_text(acknowledged);
      FAIL() << "the disk was not full";
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::kInternal);
      EXPECT_THAT(error.what(), HasSubstr("disk full"));
    }
    EXPECT_EQ(documents(), static_cast<std::uint64_t>(acknowledged));
  }
  insert_text(acknowledged++);
  EXPECT_EQ(documents(), static_cast<std::uint64_t>(acknowledged));
  expect_clean();
}

// Writes documents one after another and says each one's number through the pipe once it is
// acknowledged, until it is killed.
[[noreturn]] void write_until_killed(const StoreOptions& options, int pipe) {
  Store store(options);
  for (std::int32_t n = 0;; ++n) {
    store.write([n](WriteTransaction& txn) {
      const Collection& users = *txn.find_collection("test", "users");
      txn.insert(users, bson::make_document("_id", n, "tags", bson::make_array(n % 7, n % 11)));
      if (n % 3 == 2)
        txn.remove(users, txn.find_by_id(users, bson::make_document("v", n - 1)["v"])->id);
    });
    if (::write(pipe, &n, sizeof n) != sizeof n) ::_exit(1);
  }
}

TEST_F(DurabilityTest, KeepsEveryAcknowledgedWriteWhenItsProcessIsKilled) {
  create_index(R"({"key": {"tags": 1}})");
  store_.reset();
  for (int round = 0; round < 3; ++round) {
    int pipe[2];
    ASSERT_EQ(::pipe(pipe), 0);
    StoreOptions folder = options();
    const gesso::testing::TempDir fresh;
    if (round > 0) folder.data_dir = fresh.path();
    if (round > 0) {
      Store prepared(folder);
      prepared.write([](WriteTransaction& txn) {
        const CollectionPtr users = txn.ensure_collection("test", "users");
        txn.create_index(*users, read_index(json(R"({"key": {"tags": 1}})")));
      });
    }
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      ::close(pipe[0]);
      write_until_killed(folder, pipe[1]);
    }
    ::close(pipe[1]);
    std::int32_t acknowledged = -1;
    const std::int32_t enough = 20 + 17 * round;
    while (acknowledged < enough) {
      ASSERT_EQ(::read(pipe[0], &acknowledged, sizeof acknowledged), sizeof acknowledged);
    }
    ::kill(child, SIGKILL);
    // What it still said before it died counts as well.
    for (std::int32_t n = 0; ::read(pipe[0], &n, sizeof n) == sizeof n;) acknowledged = n;
    ::close(pipe[0]);
    int status = 0;
    ::waitpid(child, &status, 0);

    const FolderReport report = check_folder(folder.data_dir, read_index);
    EXPECT_THAT(report.faults, ::testing::IsEmpty());
    Store after(folder);
    const ReadTransaction read = after.read();
    for (std::int32_t n = 0; n <= acknowledged; ++n) {
      const bool removed = n % 3 == 1 && n < acknowledged;
      if (n % 3 == 1 && n == acknowledged) continue;  // its removal may have been on its way
      EXPECT_EQ(read.find_by_id(users(read), bson::make_document("v", n)["v"]).has_value(),
                !removed)
          << n;
    }
  }
}

}  // namespace
}  // namespace gesso::localdb
