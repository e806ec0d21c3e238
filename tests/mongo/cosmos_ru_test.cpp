// The service against the embedded engine as an account of Azure Cosmos DB (RU).
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "gesso/bson/json.hpp"
#include "gesso/localdb/localdb.hpp"
#include "gesso/mongo/indexes.hpp"
#include "gesso/mongo/statistics.hpp"
#include "gesso/testing/temp_dir.hpp"
#include "tests/mongo/support.hpp"

namespace gesso::mongo {
namespace {

using namespace std::chrono_literals;
using bson::make_document;
using ::testing::HasSubstr;

class Account {
  testing::TempDir folder_;
  localdb::Server server_;

 public:
  explicit Account(localdb::CosmosOptions options)
      : server_({.data_dir = folder_ / "data",
                 .unix_socket = folder_ / "ru.sock",
                 .cosmos = std::move(options)}) {
    server_.start();
  }
  [[nodiscard]] ServiceOptions options() const {
    ServiceOptions out = short_options(server_.uri());
    out.default_deadline = 20s;
    return out;
  }
};

std::vector<CollectionIndex> wanted() {
  return {
      {"users", {.keys = make_document("email", 1), .unique = true}},
      {"users", {.keys = make_document("a", 1, "b", -1)}},
      {"users", {.keys = make_document("c", 1, "d", 1)}, /*sorts=*/false},
      {"logs", {.keys = make_document("expires_at", 1), .expire_after_seconds = 0}},
      {"subs",
       {.keys = make_document("stripe_id", 1),
        .unique = true,
        .partial_filter = make_document("stripe_id", make_document("$exists", true))}},
  };
}

class CosmosRu : public ::testing::Test {
 protected:
  World world;
  Account account{{.ru = 1'000'000, .partitions = 1}};
  Service service{account.options(), world.clock, world.random};

  void SetUp() override { service.connect(); }
  IndexPlan plan(const CollectionOptions& collections = {}) {
    return service.run(
        [&](Session& session) { return plan_indexes(session, wanted(), collections); });
  }
  IndexPlan create(const CollectionOptions& collections = {}) {
    return service.run(
        [&](Session& session) { return create_indexes(session, wanted(), collections); });
  }
};

TEST_F(CosmosRu, IsKnownByItsHello) { EXPECT_EQ(service.dialect(), Dialect::kCosmosRu); }

TEST_F(CosmosRu, IndexesAreMadeWithTheirCollectionsAndThenThereIsNothingToDo) {
  const IndexPlan first = create();
  EXPECT_EQ(first.create_collections.size(), 3u);
  EXPECT_TRUE(first.refused.empty());
  const IndexPlan second = plan();
  EXPECT_TRUE(second.is_settled()) << second.to_text();
  EXPECT_TRUE(second.extra.empty()) << second.to_text();
}

TEST_F(CosmosRu, CollectionsGetTheirThroughputAndShardKey) {
  const CollectionOptions collections{.throughput = {.autoscale = true, .request_units = 4000},
                                      .shard_keys = {{"subs", "user_id"}}};
  EXPECT_THAT(plan(collections).to_text(),
              HasSubstr("create collection subs sharded by user_id with up to 4000 RU/s\n"));
  create(collections);
  EXPECT_TRUE(plan(collections).is_settled()) << plan(collections).to_text();
  const bson::Document subs = service.run([](Session& session) {
    return session.run_command(
        make_document("customAction", "GetCollection", "collection", "subs"));
  });
  EXPECT_TRUE(subs.contains("shardKeyDefinition")) << bson::to_json(subs);
  const DatabaseStatistics statistics =
      service.run([](Session& session) { return database_stats(session); });
  for (const CollectionStatistics& one : statistics.collections) {
    EXPECT_EQ(one.throughput, 4000) << one.name;
  }
}

TEST_F(CosmosRu, AUniqueIndexOverDocumentsIsRefusedWithTheWayOut) {
  service.run([](Session& session) { session.insert_one("users", make_document("_id", "a")); });
  const IndexPlan now = create();
  ASSERT_EQ(now.refused.size(), 1u);
  EXPECT_EQ(now.refused[0].index.spec.name, "email_1");
  EXPECT_FALSE(now.is_settled());
  EXPECT_THAT(now.to_text(), HasSubstr("REFUSED users email_1"));
  EXPECT_THAT(now.refused[0].why, HasSubstr("drop this one, run init-db"));
  EXPECT_EQ(plan().create.size(), 0u) << plan().to_text();  // all others were made
}

TEST_F(CosmosRu, ManyMayMakeThemAtOnce) {
  std::vector<std::jthread> threads;
  std::atomic<int> failures = 0;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      World own;
      Service mine(account.options(), own.clock, own.random);
      try {
        mine.connect();
        mine.run([](Session& session) { (void)create_indexes(session, wanted()); });
      } catch (const Error& error) {
        ADD_FAILURE() << error.what();
        ++failures;
      }
    });
  }
  threads.clear();
  EXPECT_EQ(failures, 0);
  EXPECT_TRUE(plan().is_settled()) << plan().to_text();
}

TEST_F(CosmosRu, TheDialectCanBeForced) {
  ServiceOptions options = account.options();
  options.dialect = Dialect::kMongoDb;
  Service forced(std::move(options), world.clock, world.random);
  forced.connect();
  EXPECT_EQ(forced.dialect(), Dialect::kMongoDb);
}

TEST(CosmosRuWrites, AreNumberedOnlyWithTheCapability) {
  World world;
  Account plain({.ru = 1'000'000});
  const auto write = [](Session& session) { session.insert_one("c", make_document("_id", 1)); };
  Service silent(plain.options(), world.clock, world.random);
  silent.connect();
  EXPECT_NO_THROW(silent.run(write));
  // Who says of an account what it has not is refused by it.
  ServiceOptions wrong = plain.options();
  wrong.capabilities.retryable_writes = true;
  Service lying(std::move(wrong), world.clock, world.random);
  lying.connect();
  EXPECT_THAT(error_of([&] { lying.run(write); }).what(),
              HasSubstr("Retryable writes are not supported"));
  Account capable({.ru = 1'000'000, .capabilities = {"EnableMongoRetryableWrites"}});
  ServiceOptions right = capable.options();
  right.capabilities.retryable_writes = true;
  Service numbered(std::move(right), world.clock, world.random);
  numbered.connect();
  EXPECT_NO_THROW(numbered.run(write));
}

// Three times what there is: nothing fails, nothing is lost or doubled.
TEST(CosmosRuThrottling, ThreeTimesTheLoadTakesThreeTimesAsLongAndLosesNothing) {
  World world;
  Account account({.ru = 400, .partitions = 1});
  ServiceOptions options = account.options();
  options.pool_size = 8;
  options.queue_limit = 1000;
  Service service(std::move(options), world.clock, world.random);
  service.connect();
  std::vector<bson::Document> documents;
  for (int i = 0; i < 60; ++i) documents.push_back(make_document("_id", i));
  const InsertManyResult batch =
      service.run([&](Session& session) { return session.insert_many("batch", documents); });
  EXPECT_EQ(batch.inserted, 60);
  EXPECT_TRUE(batch.failures.empty());
  std::atomic<int> next = 0;
  std::atomic<int> failed = 0;
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 8; ++i) {
      threads.emplace_back([&] {
        for (int number = next++; number < 120; number = next++) {
          try {
            service.run([&](Session& session) {
              session.insert_one("single", make_document("_id", number));
            });
          } catch (const Error& error) {
            ADD_FAILURE() << error.what();
            ++failed;
          }
        }
      });
    }
  }
  EXPECT_EQ(failed, 0);
  EXPECT_EQ(service.run([](Session& session) { return session.count("single", {}); }), 120);
  EXPECT_GT(service.status().throughput_limit, 0);
  EXPECT_EQ(service.run([](Session& session) { return session.delete_many("single", {}); }), 120);
}

}  // namespace
}  // namespace gesso::mongo
