// Loads a server that speaks the MongoDB protocol through libmongoc: the engine, or what it is
// compared with. One run is one measurement, printed as a line of JSON; bench/run.py takes turns.
//
//   client_bench --uri URI --load LOAD [--threads 1] [--seconds 1] [--warm-up 0.1]
//                [--server-pid PID] [--documents 100000] [--collection documents] [--indexes 5]
//                [--into inserted]
//
// `fill` makes the collection that the others read; `insert` inserts --into another. `beside-...`
// runs that statement over all of the collection once, while the threads insert single documents
// elsewhere; `beside-nothing` inserts for --seconds.
#include <mongoc/mongoc.h>

#include <array>
#include <functional>
#include <map>
#include <memory>
#include <random>

#include "workload.hpp"

namespace {

using namespace gesso;
using namespace gesso::bench;

constexpr const char* kDatabase = "bench";
constexpr std::size_t kBulkDocuments = 1000;
constexpr std::int32_t kPage = 20;

// A document of ours for libmongoc, which copies what it keeps.
class Borrowed {
  bson_t bson_;

 public:
  explicit Borrowed(const bson::Document& document) {
    if (!bson_init_static(&bson_, document.data(), document.size())) fail("bad BSON");
  }
  operator const bson_t*() const { return &bson_; }
};

// One client of the pool and a collection of it, for one thread.
class Connection {
  mongoc_client_pool_t* pool_;
  mongoc_client_t* client_;
  mongoc_collection_t* collection_;
  std::minstd_rand random_;

 public:
  Connection(mongoc_client_pool_t* pool, const std::string& collection, unsigned seed)
      : pool_(pool),
        client_(mongoc_client_pool_pop(pool)),
        collection_(mongoc_client_get_collection(client_, kDatabase, collection.c_str())),
        random_(seed) {}
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  ~Connection() {
    mongoc_collection_destroy(collection_);
    mongoc_client_pool_push(pool_, client_);
  }

  std::uint64_t below(std::uint64_t limit) {
    return std::uniform_int_distribution<std::uint64_t>(0, limit - 1)(random_);
  }

  // The int64 at a dotted path of the answer, 0 where there is none.
  std::int64_t run(const bson::Document& command, const char* path = "ok") {
    bson_t reply;
    bson_error_t error;
    if (!mongoc_client_command_simple(client_, kDatabase, Borrowed(command), nullptr, &reply,
                                      &error)) {
      fail(std::string(command.view().begin()->key) + ": " + error.message);
    }
    bson_iter_t root, found;
    std::int64_t value = 0;
    if (bson_iter_init(&root, &reply) && bson_iter_find_descendant(&root, path, &found)) {
      value = bson_iter_as_int64(&found);
    }
    bson_destroy(&reply);
    return value;
  }

  // Reads the cursor to its end; the number of documents.
  std::int64_t find(const bson::Document& filter, const bson::Document& options) {
    mongoc_cursor_t* cursor =
        mongoc_collection_find_with_opts(collection_, Borrowed(filter), Borrowed(options), nullptr);
    std::int64_t documents = 0;
    const bson_t* document = nullptr;
    while (mongoc_cursor_next(cursor, &document)) ++documents;
    bson_error_t error;
    if (mongoc_cursor_error(cursor, &error)) fail(error.message);
    mongoc_cursor_destroy(cursor);
    return documents;
  }

  void insert(const bson::Document& document) {
    bson_error_t error;
    if (!mongoc_collection_insert_one(collection_, Borrowed(document), nullptr, nullptr, &error)) {
      fail(error.message);
    }
  }

  void insert(const std::vector<bson::Document>& documents) {
    mongoc_bulk_operation_t* bulk =
        mongoc_collection_create_bulk_operation_with_opts(collection_, nullptr);
    bson_error_t error;
    for (const bson::Document& document : documents) {
      if (!mongoc_bulk_operation_insert_with_opts(bulk, Borrowed(document), nullptr, &error)) {
        fail(error.message);
      }
    }
    if (mongoc_bulk_operation_execute(bulk, nullptr, &error) == 0) fail(error.message);
    mongoc_bulk_operation_destroy(bulk);
  }

  void update(const bson::Document& filter, const bson::Document& change) {
    bson_error_t error;
    if (!mongoc_collection_update_one(collection_, Borrowed(filter), Borrowed(change), nullptr,
                                      nullptr, &error)) {
      fail(error.message);
    }
  }
};

struct PoolDeleter {
  void operator()(mongoc_client_pool_t* pool) const { mongoc_client_pool_destroy(pool); }
};

class Loads {
  Arguments arguments_;
  Duration duration_;
  std::size_t threads_;
  std::uint64_t documents_;
  std::string collection_;
  std::unique_ptr<mongoc_client_pool_t, PoolDeleter> pool_;
  std::vector<std::unique_ptr<Connection>> connections_;
  Connection control_;  // for what is not measured

  static mongoc_client_pool_t* open_pool(const std::string& text) {
    mongoc_uri_t* uri = mongoc_uri_new(text.c_str());
    if (uri == nullptr) fail("no connection string: " + text);
    mongoc_client_pool_t* pool = mongoc_client_pool_new(uri);
    mongoc_uri_destroy(uri);
    return pool;
  }

 public:
  explicit Loads(const Arguments& arguments)
      : arguments_(arguments),
        duration_(arguments.duration()),
        threads_(arguments.count("--threads", 1)),
        documents_(arguments.count("--documents", 100'000)),
        collection_(arguments.text("--collection", "documents")),
        pool_(open_pool(arguments.text("--uri"))),
        control_(pool_.get(), collection_, 0) {}

  void run(const std::string& load);

 private:
  void connect(const std::string& collection);
  void measure(double units, const std::function<void(Connection&, std::size_t)>& operation);
  void make_indexes(const std::string& collection, std::size_t count);
  void drop(const std::string& collection);
  void fill();
  void insert_beside(const std::string& statement);
  std::string commits_since(std::array<std::int64_t, 2> before);
  std::array<std::int64_t, 2> commits();
};

void Loads::connect(const std::string& collection) {
  connections_.clear();
  for (std::size_t thread = 0; thread < threads_; ++thread) {
    connections_.push_back(
        std::make_unique<Connection>(pool_.get(), collection, static_cast<unsigned>(thread + 1)));
  }
}

// Commits and the writes in them, where the server tells (the engine does): how large groups are.
std::array<std::int64_t, 2> Loads::commits() {
  const auto command = bson::make_document("serverStatus", 1);
  return {control_.run(command, "lmdb.commits"), control_.run(command, "lmdb.writes")};
}

std::string Loads::commits_since(std::array<std::int64_t, 2> before) {
  const auto [commits_now, writes_now] = commits();
  return ", \"commits\": " + std::to_string(commits_now - before[0]) +
         ", \"writes\": " + std::to_string(writes_now - before[1]);
}

void Loads::measure(double units, const std::function<void(Connection&, std::size_t)>& operation) {
  const auto before = commits();
  const Measured measured = repeat(
      threads_, duration_, [&](std::size_t thread) { operation(*connections_[thread], thread); });
  print(measured, units, commits_since(before));
}

void Loads::make_indexes(const std::string& collection, std::size_t count) {
  const std::array<std::pair<const char*, bson::Document>, 5> indexes = {
      std::pair{"user_id_1_created_at_-1", bson::make_document("user_id", 1, "created_at", -1)},
      std::pair{"status_1", bson::make_document("status", 1)},
      std::pair{"user_id_1_status_1", bson::make_document("user_id", 1, "status", 1)},
      std::pair{"status_1_created_at_1", bson::make_document("status", 1, "created_at", 1)},
      std::pair{"created_at_1", bson::make_document("created_at", 1)}};
  for (std::size_t i = 0; i < std::min(count, indexes.size()); ++i) {
    control_.run(bson::make_document(
        "createIndexes", collection, "indexes",
        bson::make_array(bson::make_document("key", indexes[i].second, "name", indexes[i].first))));
  }
}

void Loads::drop(const std::string& collection) {
  mongoc_client_t* client = mongoc_client_pool_pop(pool_.get());
  mongoc_collection_t* handle = mongoc_client_get_collection(client, kDatabase, collection.c_str());
  mongoc_collection_drop(handle, nullptr);  // an error where there is none
  mongoc_collection_destroy(handle);
  mongoc_client_pool_push(pool_.get(), client);
}

// Makes the collection anew, in commands of kBulkDocuments by one thread. The clock is stopped
// while documents are made.
void Loads::fill() {
  drop(collection_);
  make_indexes(collection_, arguments_.count("--indexes", 5));
  Measured measured;
  const auto server_cpu = duration_.server != 0 ? cpu_of(duration_.server) : measured.took;
  const auto before = commits();
  std::vector<bson::Document> batch;
  for (std::uint64_t number = 0; number < documents_; ++number) {
    batch.push_back(make_generation(make_id("gen_", number), number, documents_));
    if (batch.size() < kBulkDocuments && number + 1 < documents_) continue;
    const auto start = SteadyClock::now();
    const auto own_cpu = cpu_of(::getpid());
    control_.insert(batch);
    measured.own_cpu += cpu_of(::getpid()) - own_cpu;
    measured.took += SteadyClock::now() - start;
    batch.clear();
  }
  measured.operations = documents_;
  if (duration_.server != 0) measured.server_cpu = cpu_of(duration_.server) - server_cpu;
  print(measured, 1, commits_since(before));
}

// Latencies of single inserts while `statement` runs over the whole collection.
void Loads::insert_beside(const std::string& statement) {
  using bson::make_array;
  using bson::make_document;
  const auto all = make_document();
  const std::map<std::string, bson::Document> statements = {
      {"updateMany",
       make_document("update", collection_, "updates",
                     make_array(make_document("q", all, "u",
                                              make_document("$inc", make_document("attempts", 1)),
                                              "multi", true)))},
      {"deleteMany", make_document("delete", collection_, "deletes",
                                   make_array(make_document("q", all, "limit", 0)))},
      {"createIndex",
       make_document("createIndexes", collection_, "indexes",
                     make_array(make_document("key", make_document("created_at", 1, "user_id", 1),
                                              "name", "beside")))}};
  if (statement != "nothing") {
    if (!statements.contains(statement)) fail("no such statement: " + statement);
    if (statement == "createIndex") {
      // There is none the first time.
      mongoc_client_t* client = mongoc_client_pool_pop(pool_.get());
      const auto command = make_document("dropIndexes", collection_, "index", "beside");
      mongoc_client_command_simple(client, kDatabase, Borrowed(command), nullptr, nullptr, nullptr);
      mongoc_client_pool_push(pool_.get(), client);
    }
  }

  connect("inserted");
  std::vector<std::vector<std::uint32_t>> latencies(threads_);
  std::atomic<bool> warm = false, measuring = false, done = false;
  std::atomic<std::size_t> warm_threads = 0;
  Measured measured;
  {
    std::vector<std::jthread> workers;
    for (std::size_t thread = 0; thread < threads_; ++thread) {
      workers.emplace_back([&, thread] {
        for (std::uint64_t number = 0; !done; ++number) {
          const auto document = make_generation(make_fresh_id(thread, number), number, documents_);
          const auto before = SteadyClock::now();
          const bool counts = measuring;
          connections_[thread]->insert(document);
          const auto nanoseconds = std::chrono::nanoseconds(SteadyClock::now() - before).count();
          if (counts) {
            latencies[thread].push_back(static_cast<std::uint32_t>(
                std::min<std::int64_t>(nanoseconds, std::int64_t{UINT32_MAX})));
          }
          if (number == 20 && ++warm_threads == threads_) {
            warm = true;
            warm.notify_one();
          }
        }
      });
    }
    warm.wait(false);
    measuring = true;
    const auto start = SteadyClock::now();
    if (statement == "nothing") {
      std::this_thread::sleep_for(duration_.measured);
    } else {
      control_.run(statements.at(statement));
    }
    measured.took = SteadyClock::now() - start;
    measuring = false;
    done = true;
  }
  for (const auto& of_thread : latencies) {
    measured.latencies_ns.insert(measured.latencies_ns.end(), of_thread.begin(), of_thread.end());
  }
  measured.operations = measured.latencies_ns.size();
  std::ranges::sort(measured.latencies_ns);
  print(measured);
}

void Loads::run(const std::string& load) {
  using bson::make_array;
  using bson::make_document;
  if (load == "fill") return fill();
  if (load.starts_with("beside-")) return insert_beside(load.substr(7));

  const std::uint64_t users = std::max<std::uint64_t>(1, documents_ / kDocumentsPerUser);
  const auto by_random_id = [&](Connection& connection) {
    return make_document("_id", make_id("gen_", connection.below(documents_)));
  };
  connect(load == "insert" ? arguments_.text("--into", "inserted") : collection_);
  if (load == "ping") {
    measure(1, [command = make_document("ping", 1)](Connection& connection, std::size_t) {
      connection.run(command);
    });
  } else if (load == "find_id") {
    measure(1, [&, options = make_document("limit", 1, "singleBatch", true)](Connection& connection,
                                                                             std::size_t) {
      if (connection.find(by_random_id(connection), options) != 1) fail("no such document");
    });
  } else if (load == "find_20") {
    const auto options =
        make_document("sort", make_document("created_at", -1), "limit", kPage, "singleBatch", true);
    measure(kPage, [&](Connection& connection, std::size_t) {
      const auto filter = make_document("user_id", user_id(connection.below(users)));
      if (connection.find(filter, options) != kPage) fail("not 20 documents");
    });
  } else if (load == "insert") {
    std::vector<std::uint64_t> numbers(threads_);
    measure(1, [&](Connection& connection, std::size_t thread) {
      const std::uint64_t number = numbers[thread]++;
      connection.insert(make_generation(make_fresh_id(thread, number), number, documents_));
    });
  } else if (load == "inc") {
    measure(1, [&, change = make_document("$inc", make_document("attempts", 1))](
                   Connection& connection, std::size_t) {
      connection.update(by_random_id(connection), change);
    });
  } else if (load == "scan") {
    // Every document passes the first condition half of the time, none the second.
    const auto filter = make_document("num_images", make_document("$gte", 3), "guidance_scale",
                                      make_document("$lt", 2.0));
    measure(static_cast<double>(documents_), [&](Connection& connection, std::size_t) {
      if (connection.find(filter, make_document()) != 0) fail("a scan found something");
    });
  } else if (load == "count") {
    const auto command =
        make_document("count", collection_, "query", make_document("status", "completed"));
    const std::int64_t matching = control_.run(command, "n");
    measure(static_cast<double>(matching), [&](Connection& connection, std::size_t) {
      if (connection.run(command, "n") != matching) fail("another count");
    });
  } else if (load == "match_count") {
    const auto command =
        make_document("aggregate", collection_, "pipeline",
                      make_array(make_document("$match", make_document("status", "completed")),
                                 make_document("$count", "n")),
                      "cursor", make_document());
    const std::int64_t matching = control_.run(command, "cursor.firstBatch.0.n");
    measure(static_cast<double>(matching), [&](Connection& connection, std::size_t) {
      if (connection.run(command, "cursor.firstBatch.0.n") != matching) fail("another count");
    });
  } else {
    fail("no such load: " + load);
  }
}

}  // namespace

int main(int argc, char** argv) {
  mongoc_init();
  const Arguments arguments(argc, argv);
  Loads(arguments).run(arguments.text("--load"));
  mongoc_cleanup();
}
