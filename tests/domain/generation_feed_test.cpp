// A watch whose database, an account of Azure Cosmos DB (RU), tells of changes by a change stream
// through a gate, while another process changes generations.
#include "gesso/domain/generation_feed.hpp"

#include <gtest/gtest.h>

#include <condition_variable>
#include <mutex>

#include "gesso/localdb/localdb.hpp"
#include "gesso/mongo/indexes.hpp"
#include "gesso/repositories/generation_repository.hpp"
#include "gesso/repositories/indexes.hpp"
#include "gesso/testing/tcp_gate.hpp"
#include "gesso/testing/temp_dir.hpp"
#include "tests/support/eventually.hpp"

namespace gesso::domain {
namespace {

using namespace std::chrono_literals;
using models::Generation;
using models::GenerationId;
using models::GenerationStatus;
using repositories::GenerationRepository;
using testing::eventually;

// The statuses that one watcher was told, with waiting for the next.
class Told {
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<GenerationStatus> statuses_;

 public:
  void operator()(const GenerationEvent& event) {
    const std::lock_guard lock(mutex_);
    if (event.generation) statuses_.push_back(event.generation->status);
    changed_.notify_all();
  }
  bool wait_for(GenerationStatus status) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, 60s,
                             [&] { return !statuses_.empty() && statuses_.back() == status; });
  }
};

class GenerationFeedTest : public ::testing::Test {
 protected:
  SystemClock clock_;
  SystemRandom random_;
  IdGenerator ids_{clock_, random_};
  const repositories::RepositoryContext context_{
      .clock = clock_, .random = random_, .ids = ids_, .bcrypt_cost = 4};
  testing::TempDir folder_;
  localdb::Server server_{{.data_dir = folder_ / "data",
                           .unix_socket = folder_ / "ru.sock",
                           .listen_host = "127.0.0.1",
                           .listen_port = 0,
                           .cosmos = localdb::CosmosOptions{.ru = 1'000'000}}};
  std::optional<testing::TcpGate> gate_;
  std::unique_ptr<mongo::Service> database_;  // of this process, and of another one
  std::unique_ptr<mongo::Service> gated_;     // what the stream goes by

  void SetUp() override {
    server_.start();
    gate_.emplace(server_.port());
    database_ = connected(server_.uri());
    database_->run([](mongo::Session& session) {
      (void)mongo::create_indexes(session, repositories::declared_indexes(), {});
    });
    gated_ = connected("mongodb://127.0.0.1:" + std::to_string(gate_->port()) + "/");
    ASSERT_TRUE(gated_->has_change_streams());
  }

  std::unique_ptr<mongo::Service> connected(const std::string& uri) {
    auto service =
        std::make_unique<mongo::Service>(mongo::ServiceOptions{.uri = Secret(std::string_view(uri)),
                                                               .database = "feed",
                                                               .pool_size = 4,
                                                               .warm_minimum = 0,
                                                               .connect_attempts = 1,
                                                               .server_selection_timeout = 2000ms},
                                         clock_, random_);
    service->connect();
    return service;
  }
  template <class F>
  auto elsewhere(F&& unit) {
    return database_->run(
        [&](mongo::Session& session) { return unit(GenerationRepository(session, context_)); });
  }
  Generation pending() {
    return elsewhere([](GenerationRepository generations) {
      return generations.create_generation({.user_id = "user_ada", .prompt = "A lake"});
    });
  }
  void fail(const Generation& generation) {
    elsewhere([&](GenerationRepository generations) {
      return generations.mark_as_failed(generation.id, "no paint");
    });
  }
  // Looks at what is watched that often.
  std::unique_ptr<GenerationWatch> watch(std::chrono::milliseconds every) {
    return std::make_unique<GenerationWatch>(
        [this](const std::vector<GenerationId>& ids) {
          return elsewhere([&](GenerationRepository generations) {
            return generations.find_many(query::where<&Generation::id>.in(ids), query::unsorted);
          });
        },
        WatchOptions{.looks = {.min = every, .max = every, .retry = every}});
  }
  static FeedOptions quick() {
    return {.patience = 50ms, .grace = 50ms, .retry_min = 10ms, .retry_max = 20ms};
  }

  // A generation that is watched, and looked at that often, with its feed.
  struct Watched {
    Generation made;
    std::unique_ptr<GenerationWatch> watching;
    GenerationFeed feed;
    Told told = {};
    GenerationWatch::Subscription subscription;

    Watched(GenerationFeedTest& test, std::chrono::milliseconds every)
        : made(test.pending()),
          watching(test.watch(every)),
          feed(*test.gated_, *watching, quick()),
          subscription(watching->watch(made.id, -1, std::ref(told))) {}

    bool opens() {
      return eventually([&] { return feed.figures().is_open; }, 60s);
    }
    bool breaks() {
      return eventually([&] { return !feed.figures().is_open; }, 60s);
    }
  };
};

TEST_F(GenerationFeedTest, WhatAnotherProcessChangesIsToldThoughNobodyLooks) {
  Watched one(*this, 1h);
  ASSERT_TRUE(one.told.wait_for(GenerationStatus::kPending));
  ASSERT_TRUE(one.opens());
  fail(one.made);
  EXPECT_TRUE(one.told.wait_for(GenerationStatus::kFailed));
  EXPECT_GE(one.feed.figures().changes, 1U);
  EXPECT_EQ(one.feed.figures().failures, 0U);
}

TEST_F(GenerationFeedTest, WithoutWatchersThereIsNoStream) {
  Watched one(*this, 1h);
  ASSERT_TRUE(one.opens());
  one.subscription.end();
  EXPECT_TRUE(one.breaks());
  EXPECT_EQ(one.feed.figures().failures, 0U);
  one.subscription = one.watching->watch(one.made.id, -1, std::ref(one.told));
  EXPECT_TRUE(one.opens());
}

TEST_F(GenerationFeedTest, WhileTheStreamIsBrokenPollingTells) {
  Watched one(*this, 20ms);
  ASSERT_TRUE(one.opens());
  gate_->refuse();
  ASSERT_TRUE(one.breaks());
  const std::uint64_t changes = one.feed.figures().changes;
  fail(one.made);
  EXPECT_TRUE(one.told.wait_for(GenerationStatus::kFailed));
  EXPECT_GE(one.feed.figures().failures, 1U);
  EXPECT_EQ(one.feed.figures().changes, changes);
}

TEST_F(GenerationFeedTest, WhatHappenedWhileItWasBrokenIsSeenWhenItIsOpenAgain) {
  Watched one(*this, 1h);
  ASSERT_TRUE(one.told.wait_for(GenerationStatus::kPending));
  ASSERT_TRUE(one.opens());
  gate_->refuse();
  ASSERT_TRUE(one.breaks());
  // All were looked at when it broke. Who comes later is looked at no sooner.
  Told told_later;
  const auto later = one.watching->watch(pending().id, -1, std::ref(told_later));
  ASSERT_TRUE(told_later.wait_for(GenerationStatus::kPending));
  const std::uint64_t changes = one.feed.figures().changes;
  fail(one.made);
  gate_->pass();
  EXPECT_TRUE(one.told.wait_for(GenerationStatus::kFailed));
  EXPECT_EQ(one.feed.figures().changes, changes);
}

}  // namespace
}  // namespace gesso::domain
