// Bare LMDB under the loads of client_bench: what a store on it could reach at most. Documents
// stand under their `_id` in one table. One run is one measurement, printed as a line of JSON.
//
//   lmdb_bench --folder FOLDER --load LOAD [--threads 1] [--seconds 1] [--warm-up 0.1]
//              [--documents 100000] [--indexes 5] [--group 1]
//
// `insert` commits as the engine does: the first thread that waits puts what all have queued and
// commits it durably, always `--group` documents together.
#include <bson/bson.h>
#include <lmdb.h>

#include <deque>
#include <filesystem>
#include <mutex>
#include <random>
#include <semaphore>

#include "workload.hpp"

namespace {

using namespace gesso;
using namespace gesso::bench;

constexpr std::size_t kMapBytes = std::size_t{64} << 30;
constexpr std::uint64_t kBulkDocuments = 1000;
constexpr std::size_t kMaxTables = 16;

void check(int result, const char* doing) {
  if (result != 0) fail(std::string(doing) + ": " + mdb_strerror(result));
}

template <class Bytes>
MDB_val value_of(const Bytes& bytes) {
  return {.mv_size = bytes.size(),
          .mv_data = const_cast<char*>(reinterpret_cast<const char*>(bytes.data()))};
}

class Environment {
  MDB_env* env_ = nullptr;

 public:
  explicit Environment(const std::string& folder) {
    std::filesystem::create_directories(folder);
    check(mdb_env_create(&env_), "create");
    check(mdb_env_set_mapsize(env_, kMapBytes), "map");
    check(mdb_env_set_maxdbs(env_, kMaxTables), "tables");
    check(mdb_env_open(env_, folder.c_str(), MDB_NOTLS, 0600), "open");
  }
  Environment(const Environment&) = delete;
  Environment& operator=(const Environment&) = delete;
  ~Environment() { mdb_env_close(env_); }

  [[nodiscard]] MDB_txn* begin(unsigned flags = 0) const {
    MDB_txn* transaction = nullptr;
    check(mdb_txn_begin(env_, nullptr, flags, &transaction), "begin");
    return transaction;
  }

  [[nodiscard]] MDB_dbi table(const std::string& name) const {
    MDB_txn* transaction = begin();
    MDB_dbi table = 0;
    check(mdb_dbi_open(transaction, name.c_str(), MDB_CREATE, &table), "open a table");
    check(mdb_txn_commit(transaction), "commit");
    return table;
  }

  // Bytes of the file that are in use.
  [[nodiscard]] std::size_t file_bytes() const {
    MDB_envinfo info{};
    MDB_stat stat{};
    check(mdb_env_info(env_, &info), "info");
    check(mdb_env_stat(env_, &stat), "stat");
    return (info.me_last_pgno + 1) * stat.ms_psize;
  }
};

void put(MDB_txn* transaction, MDB_dbi table, const std::string& key,
         const bson::Document& document, unsigned flags = MDB_NOOVERWRITE) {
  MDB_val k = value_of(key), v = value_of(document);
  check(mdb_put(transaction, table, &k, &v, flags), "put");
}

// Documents that wait for the commit that takes them, `group` of them together. Each thread sleeps
// on its own semaphore: nobody wakes who is not released or made the leader.
class GroupCommit {
  struct Waiting {
    const std::string* key;
    const bson::Document* document;
    bool done = false;
    bool leads = false;
    std::counting_semaphore<8> wake{0};  // a leader of its own accord may get another release
  };
  // When threads end there may be too few for a group; then a smaller one goes after this time.
  static constexpr std::chrono::milliseconds kPatience{2};

  const Environment& environment_;
  MDB_dbi table_;
  std::size_t group_;
  std::mutex mutex_;  // guards all below
  std::deque<Waiting*> queue_;
  bool led_ = false;

  void lead() {
    std::unique_lock lock(mutex_);
    const auto taken_end =
        queue_.begin() + static_cast<std::ptrdiff_t>(std::min(group_, queue_.size()));
    const std::vector<Waiting*> taken(queue_.begin(), taken_end);
    queue_.erase(queue_.begin(), taken_end);
    lock.unlock();
    MDB_txn* transaction = environment_.begin();
    for (const Waiting* one : taken) put(transaction, table_, *one->key, *one->document);
    check(mdb_txn_commit(transaction), "commit");
    ++commits;
    writes += taken.size();
    lock.lock();
    led_ = queue_.size() >= group_;
    if (led_) {
      queue_.front()->leads = true;
      queue_.front()->wake.release();
    }
    for (Waiting* one : taken) {
      one->done = true;
      one->wake.release();
    }
  }

 public:
  std::atomic<std::uint64_t> commits = 0, writes = 0;

  GroupCommit(const Environment& environment, MDB_dbi table, std::size_t group)
      : environment_(environment), table_(table), group_(group) {}

  void insert(const std::string& key, const bson::Document& document) {
    Waiting self{.key = &key, .document = &document};
    std::unique_lock lock(mutex_);
    queue_.push_back(&self);
    self.leads = !led_ && queue_.size() >= group_;
    led_ = led_ || self.leads;
    while (!self.done) {
      const bool leads = self.leads;
      self.leads = false;
      lock.unlock();
      if (leads) {
        lead();
      } else if (!self.wake.try_acquire_for(kPatience)) {
        lock.lock();
        if (!self.done && !led_) self.leads = led_ = true;
        continue;
      }
      lock.lock();
    }
  }
};

// The keys of an index's entry are a few fields and, to tell equal ones apart, the `_id`.
std::string index_key(std::size_t index, std::uint64_t number, std::uint64_t documents,
                      const std::string& id) {
  const std::uint64_t users = std::max<std::uint64_t>(1, documents / kDocumentsPerUser);
  char created[9] = {};
  const auto moment = static_cast<std::uint64_t>(created_at(number));
  for (std::size_t i = 0; i < 8; ++i) created[i] = static_cast<char>(moment >> (56 - 8 * i));
  const std::string user = user_id(number % users), at(created, 8);
  const std::string status(status_text(number / users));
  const std::string fields[] = {user + at, status, user + status, status + at, at};
  return fields[index] + id;
}

// Makes the table anew, kBulkDocuments a commit. The clock is stopped while documents are made.
void fill(const Environment& environment, const Arguments& arguments) {
  const std::uint64_t documents = arguments.count("--documents", 100'000);
  const std::size_t indexes = std::min<std::size_t>(arguments.count("--indexes", 0), 5);
  const MDB_dbi table = environment.table("documents");
  std::vector<MDB_dbi> index_tables;
  for (std::size_t i = 0; i < indexes; ++i) {
    index_tables.push_back(environment.table("index" + std::to_string(i)));
  }
  MDB_txn* transaction = environment.begin();
  check(mdb_drop(transaction, table, 0), "empty");
  for (const MDB_dbi index : index_tables) check(mdb_drop(transaction, index, 0), "empty");
  check(mdb_txn_commit(transaction), "commit");

  Measured measured;
  for (std::uint64_t first = 0; first < documents; first += kBulkDocuments) {
    const std::uint64_t end = std::min(documents, first + kBulkDocuments);
    std::vector<std::pair<std::string, bson::Document>> batch;
    std::vector<std::vector<std::string>> keys(indexes);
    for (std::uint64_t number = first; number < end; ++number) {
      const std::string id = make_id("gen_", number);
      batch.emplace_back(id, make_generation(id, number, documents));
      for (std::size_t i = 0; i < indexes; ++i) {
        keys[i].push_back(index_key(i, number, documents, id));
      }
    }
    const auto start = SteadyClock::now();
    const auto cpu = cpu_of(::getpid());
    transaction = environment.begin();
    for (const auto& [id, document] : batch) put(transaction, table, id, document);
    for (std::size_t i = 0; i < indexes; ++i) {
      for (const std::string& key : keys[i]) {
        put(transaction, index_tables[i], key, bson::Document());
      }
    }
    check(mdb_txn_commit(transaction), "commit");
    measured.own_cpu += cpu_of(::getpid()) - cpu;
    measured.took += SteadyClock::now() - start;
  }
  measured.operations = documents;
  print(measured, 1, ", \"file_bytes\": " + std::to_string(environment.file_bytes()));
}

void insert(const Environment& environment, const Arguments& arguments) {
  const std::size_t threads = arguments.count("--threads", 1);
  const std::uint64_t documents = arguments.count("--documents", 100'000);
  const std::size_t group = std::clamp<std::size_t>(arguments.count("--group", 1), 1, threads);
  GroupCommit commit(environment, environment.table("inserted"), group);
  std::vector<std::uint64_t> numbers(threads);
  const Measured measured = repeat(threads, arguments.duration(), [&](std::size_t thread) {
    const std::uint64_t number = numbers[thread]++;
    const std::string id = make_fresh_id(thread, number);
    commit.insert(id, make_generation(id, number, documents));
  });
  print(measured, 1,
        ", \"commits\": " + std::to_string(commit.commits) +
            ", \"writes\": " + std::to_string(commit.writes));
}

void get(const Environment& environment, const Arguments& arguments) {
  const std::uint64_t documents = arguments.count("--documents", 100'000);
  const MDB_dbi table = environment.table("documents");
  std::vector<std::minstd_rand> randoms;
  for (unsigned seed = 0; seed < arguments.count("--threads", 1); ++seed) {
    randoms.emplace_back(seed + 1);
  }
  print(repeat(randoms.size(), arguments.duration(), [&](std::size_t thread) {
    const std::string id = make_id("gen_", randoms[thread]() % documents);
    MDB_txn* transaction = environment.begin(MDB_RDONLY);
    MDB_val key = value_of(id), found{};
    check(mdb_get(transaction, table, &key, &found), "get");
    std::vector<char> copy(static_cast<char*>(found.mv_data),
                           static_cast<char*>(found.mv_data) + found.mv_size);
    if (copy.size() != kDocumentBytes) fail("another document");
    mdb_txn_abort(transaction);
  }));
}

// Reads a document and puts it back, changed: one durable commit each.
void inc(const Environment& environment, const Arguments& arguments) {
  const std::uint64_t documents = arguments.count("--documents", 100'000);
  const MDB_dbi table = environment.table("documents");
  std::minstd_rand random(1);
  print(repeat(1, arguments.duration(), [&](std::size_t) {
    const std::string id = make_id("gen_", random() % documents);
    MDB_txn* transaction = environment.begin();
    MDB_val key = value_of(id), found{};
    check(mdb_get(transaction, table, &key, &found), "get");
    std::string copy(static_cast<char*>(found.mv_data), found.mv_size);
    copy[copy.size() - 2] = static_cast<char>(copy[copy.size() - 2] + 1);
    MDB_val changed = value_of(copy);
    check(mdb_put(transaction, table, &key, &changed, 0), "put");
    check(mdb_txn_commit(transaction), "commit");
  }));
}

// Looks up two fields of every document with libbson and compares them.
void scan(const Environment& environment, const Arguments& arguments) {
  const MDB_dbi table = environment.table("documents");
  std::uint64_t documents = 0;
  const auto number_of = [](const bson_t& document, const char* field) {
    bson_iter_t found;
    if (!bson_iter_init_find(&found, &document, field)) fail("no such field");
    return bson_iter_as_double(&found);
  };
  const Measured measured = repeat(1, arguments.duration(), [&](std::size_t) {
    MDB_txn* transaction = environment.begin(MDB_RDONLY);
    MDB_cursor* cursor = nullptr;
    check(mdb_cursor_open(transaction, table, &cursor), "open a cursor");
    MDB_val key{}, value{};
    documents = 0;
    for (int result = mdb_cursor_get(cursor, &key, &value, MDB_FIRST); result == 0;
         result = mdb_cursor_get(cursor, &key, &value, MDB_NEXT)) {
      bson_t document;
      if (!bson_init_static(&document, static_cast<const std::uint8_t*>(value.mv_data),
                            value.mv_size)) {
        fail("bad BSON");
      }
      if (number_of(document, "num_images") >= 3 && number_of(document, "guidance_scale") < 2) {
        fail("a scan found something");
      }
      ++documents;
    }
    mdb_cursor_close(cursor);
    mdb_txn_abort(transaction);
  });
  print(measured, static_cast<double>(documents));
}

}  // namespace

int main(int argc, char** argv) {
  const Arguments arguments(argc, argv);
  const Environment environment(arguments.text("--folder"));
  const std::string load = arguments.text("--load");
  if (load == "fill") {
    fill(environment, arguments);
  } else if (load == "insert") {
    insert(environment, arguments);
  } else if (load == "get") {
    get(environment, arguments);
  } else if (load == "inc") {
    inc(environment, arguments);
  } else if (load == "scan") {
    scan(environment, arguments);
  } else {
    fail("no such load: " + load);
  }
}
