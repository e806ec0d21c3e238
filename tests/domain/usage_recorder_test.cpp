#include "gesso/domain/usage_recorder.hpp"

#include <set>
#include <thread>

#include "gesso/repositories/usage_log_repository.hpp"
#include "tests/repositories/fixture.hpp"
#include "tests/repositories/lossy_database.hpp"
#include "tests/support/eventually.hpp"
#include "tests/support/tested_dialect.hpp"

namespace gesso::domain {
namespace {

using namespace repositories;
using namespace std::chrono_literals;
using models::ActionType;
using models::UsageLogCreate;
using testing::eventually;

UsageLogCreate request(int number) {
  return {.user_id = "user_ada",
          .action_type = ActionType::kApiRequest,
          .resource_id = std::to_string(number)};
}

// The numbers of the entries that are stored. None is stored twice.
std::set<int> stored(mongo::Service& database, const RepositoryContext& context) {
  return database.run([&](mongo::Session& session) {
    const Time now = context.clock.now();
    std::set<int> numbers;
    for (const auto& log :
         UsageLogRepository(session, context)
             .find_by_user("user_ada", {.from = now - 24h, .to = now + 24h}, {.limit = 0})) {
      EXPECT_TRUE(numbers.insert(std::stoi(log.resource_id->str())).second);
    }
    return numbers;
  });
}

std::set<int> numbers_to(int end) {
  std::set<int> numbers;
  for (int i = 0; i < end; ++i) numbers.insert(i);
  return numbers;
}

class UsageRecorderTest : public RepositoryTest {
 protected:
  void TearDown() override {
    if (Database::get().has_fail_points()) Database::get().stop_failing();
  }
  std::set<int> stored() { return domain::stored(Database::get().service(), context_); }
};

constexpr UsageRecorderOptions kQuick{
    .batch_size = 10, .flush_interval = 5ms, .retry_min = 1ms, .retry_max = 4ms};

TEST_F(UsageRecorderTest, ACleanStopWritesEverythingInBatches) {
  UsageRecorder recorder(Database::get().service(), context_,
                         {.batch_size = 100, .flush_interval = 1h});
  Database::get().start_recording();
  for (int i = 0; i < 250; ++i) EXPECT_TRUE(recorder.record(request(i)));
  EXPECT_EQ(recorder.stop(Deadline::after(20s)), 0U);
  int inserts = 0;
  for (const SentCommand& command : Database::get().stop_recording()) {
    inserts += command.name == "insert" ? 1 : 0;
  }
  // Where there are few request units, what was refused of a batch is sent again.
  if (!testing::is_on_cosmos()) {
    EXPECT_LE(inserts, 6);
  }
  EXPECT_EQ(stored(), numbers_to(250));
  const UsageStatistics statistics = recorder.statistics();
  EXPECT_EQ(statistics.recorded, 250U);
  EXPECT_EQ(statistics.written, 250U);
  EXPECT_EQ(statistics.waiting, 0U);
  EXPECT_FALSE(recorder.record(request(0)));
}

TEST_F(UsageRecorderTest, AnEntryIsOfTheMomentWhenItWasRecorded) {
  const Time moment = clock_.now();
  UsageRecorder recorder(Database::get().service(), context_, {.flush_interval = 1h});
  recorder.record(request(1));
  clock_.advance(1h);
  recorder.stop(Deadline::after(20s));
  with<UsageLogRepository>([&](UsageLogRepository logs) {
    const auto found = logs.find_by_user("user_ada", {.from = moment, .to = moment + 1ms});
    ASSERT_EQ(found.size(), 1U);
    EXPECT_EQ(found[0].expires_at, moment + std::chrono::days(90));
  });
}

TEST_F(UsageRecorderTest, FewEntriesAreWrittenAfterAWhile) {
  UsageRecorder recorder(Database::get().service(), context_, kQuick);
  recorder.record(request(0));
  EXPECT_TRUE(eventually([&] { return recorder.statistics().written == 1; }));
}

TEST_F(UsageRecorderTest, ManyEntriesAreWrittenAtOnce) {
  UsageRecorder recorder(Database::get().service(), context_,
                         {.batch_size = 10, .flush_interval = 1h});
  for (int i = 0; i < 10; ++i) recorder.record(request(i));
  EXPECT_TRUE(eventually([&] { return recorder.statistics().written == 10; }));
}

TEST_F(UsageRecorderTest, WhileTheDatabaseFailsEntriesWaitAndNoMoreThanSoMany) {
  if (!Database::get().has_fail_points()) GTEST_SKIP();
  UsageRecorderOptions options = kQuick;
  options.queue_limit = 100;
  UsageRecorder recorder(Database::get().service(), context_, options);
  Database::get().fail_after(0);
  const Time began = clock_.now();
  for (int i = 0; i < 130; ++i) {
    EXPECT_EQ(recorder.record(request(i)), i < 100);
    clock_.advance(1ms);
  }
  EXPECT_TRUE(eventually([&] { return recorder.statistics().failed_batches > 5; }));
  EXPECT_EQ(recorder.statistics().dropped_full, 30U);
  EXPECT_EQ(recorder.statistics().waiting, 100U);
  EXPECT_EQ(recorder.statistics().oldest, began);
  EXPECT_EQ(recorder.statistics().written, 0U);
  Database::get().stop_failing();
  EXPECT_TRUE(eventually([&] { return recorder.statistics().written == 100; }));
  EXPECT_FALSE(recorder.statistics().oldest);
  EXPECT_EQ(stored(), numbers_to(100));
  EXPECT_TRUE(recorder.record(request(100)));
}

TEST_F(UsageRecorderTest, AStopThatIsOverLeavesTheRestAndSaysHowMuch) {
  if (!Database::get().has_fail_points()) GTEST_SKIP();
  UsageRecorder recorder(Database::get().service(), context_, kQuick);
  Database::get().fail_after(0);
  for (int i = 0; i < 25; ++i) recorder.record(request(i));
  EXPECT_EQ(recorder.stop(Deadline::after(50ms)), 25U);
  EXPECT_EQ(recorder.stop(Deadline::after(50ms)), 25U);
  EXPECT_EQ(recorder.statistics().dropped_late, 25U);
  EXPECT_EQ(recorder.statistics().waiting, 0U);
}

TEST_F(UsageRecorderTest, WhatCannotBeStoredStopsNothingElse) {
  UsageRecorder recorder(Database::get().service(), context_, kQuick);
  for (int i = 0; i < 5; ++i) recorder.record(request(i));
  UsageLogCreate large = request(5);
  large.metadata = schema::Object::unchecked(
      bson::make_document("text", std::string(std::size_t{17} << 20, 'x')));
  recorder.record(std::move(large));
  for (int i = 5; i < 10; ++i) recorder.record(request(i));
  EXPECT_EQ(recorder.stop(Deadline::after(20s)), 0U);
  EXPECT_EQ(stored(), numbers_to(10));
  EXPECT_EQ(recorder.statistics().dropped_unfit, 1U);
}

TEST_F(UsageRecorderTest, ThreadsRecordAtOnce) {
  UsageRecorder recorder(Database::get().service(), context_, kQuick);
  const int each = static_cast<int>(testing::many(250, 50));
  {
    std::vector<std::jthread> threads;
    for (int thread = 0; thread < 4; ++thread) {
      threads.emplace_back([&, thread] {
        for (int i = 0; i < each; ++i) recorder.record(request(thread * each + i));
      });
    }
  }
  EXPECT_EQ(recorder.stop(Deadline::after(20s)), 0U);
  EXPECT_EQ(stored(), numbers_to(4 * each));
}

TEST(LostInserts, ABatchWhoseAnswerWasLostIsNotStoredTwice) {
  LossyDatabase database;
  testing::FakeClock clock;
  SystemRandom random;
  IdGenerator ids(clock, random);
  const RepositoryContext context{.clock = clock, .random = random, .ids = ids};
  UsageRecorder recorder(database.service(), context, kQuick);
  database.lose_next("insert");
  for (int i = 0; i < 25; ++i) recorder.record(request(i));
  EXPECT_EQ(recorder.stop(Deadline::after(20s)), 0U);
  EXPECT_EQ(recorder.statistics().failed_batches, 1U);
  EXPECT_EQ(recorder.statistics().written, 25U);
  EXPECT_EQ(stored(database.service(), context), numbers_to(25));
}

}  // namespace
}  // namespace gesso::domain
