// What commands cost, as Azure Cosmos DB (RU) tells it, and what becomes of it.
#include "gesso/mongo/request_charge.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>

#include "gesso/bson/json.hpp"
#include "tests/mongo/support.hpp"

namespace gesso::mongo {
namespace {

using namespace std::chrono_literals;
using bson::make_array;
using bson::make_document;
using testing::Answer;
using ::testing::ElementsAre;
using testing::ScriptedServer;

TEST(RequestCharge, IsReadInAllFormsOfTheReply) {
  struct Case {
    const char* reply;  // with its source
    double units;
    std::chrono::milliseconds delayed;
  };
  const Case cases[] = {
      // learn.microsoft.com, find-request-unit-charge (2019)
      {R"({"_t": "GetRequestStatisticsResponse", "ok": 1, "CommandName": "OP_QUERY",
           "RequestCharge": 10, "RequestDurationInMilliSeconds": {"$numberLong": "50"}})",
       10, 0ms},
      // cjoakim/azure-cosmos-db, apis/mongo/java (2023)
      {R"({"CommandName": "find", "RequestCharge": 4.93, "RequestDurationInMilliSeconds": 173,
           "EstimatedDelayFromRateLimitingInMilliseconds": {"$numberLong": "17679"},
           "RetriedDueToRateLimiting": true, "ActivityId": "x", "ok": 1})",
       4.93, 17679ms},
  };
  for (const Case& one : cases) {
    const auto charge = read_charge(bson::from_json(one.reply));
    ASSERT_TRUE(charge) << one.reply;
    EXPECT_EQ(charge->request_units, one.units);
    EXPECT_EQ(charge->delayed, one.delayed);
  }
  EXPECT_FALSE(read_charge(bson::from_json(R"({"ok": 1})")));
  EXPECT_FALSE(read_charge(bson::from_json(R"({"ok": 1, "RequestCharge": "much"})")));
}

// A server that charges: 10.1 for an insert, 1 for a read, and tells of the last command.
class ChargeTest : public ::testing::Test {
 protected:
  World world;
  std::atomic<int> throttle{0};  // so many commands more are refused
  std::vector<std::string> charges;
  ScriptedServer server{[this](bson::View command) { return answer(command); },
                        make_document("setName", "globaldb")};

  Answer answer(bson::View command) {
    const std::string_view name = command.begin()->key;
    if (name == "getLastRequestStatistics") {
      return Answer::reply(make_document("CommandName", "x", "RequestCharge", last_, "ok", 1.0));
    }
    if (name == "insert" || name == "find" || name == "getMore") {
      last_ = name == "insert" ? 10.1 : 1.0;
      if (throttle.fetch_sub(1) > 0) {
        return Answer::error(16500, "Error=16500, RetryAfterMs=4, Details='no'");
      }
    }
    if (name == "insert") return Answer::reply(make_document("n", 1, "ok", 1.0));
    if (name == "find" && !command.contains("singleBatch")) {
      return Answer::reply(
          make_document("cursor",
                        make_document("firstBatch", make_array(make_document("_id", 1)), "id",
                                      std::int64_t{77}, "ns", "test.users"),
                        "ok", 1.0));
    }
    if (name == "getMore") {
      return Answer::reply(
          make_document("cursor",
                        make_document("nextBatch", make_array(make_document("_id", 2)), "id",
                                      std::int64_t{0}, "ns", "test.users"),
                        "ok", 1.0));
    }
    return Answer::standard();
  }

  ServiceOptions options(double sampling) {
    ServiceOptions out = short_options(server.uri());
    out.charge_sampling = sampling;
    out.observe_charge = [this](const CommandCharge& charge) {
      charges.push_back(std::string(charge.operation) + " " + std::string(charge.collection) + " " +
                        std::to_string(charge.request_units).substr(0, 4));
    };
    return out;
  }

 private:
  double last_ = 0;
};

TEST_F(ChargeTest, IsAskedForBehindEachCommandAndSummedByUnit) {
  Service service(options(1), world.clock, world.random);
  service.connect();
  charges.clear();
  const auto spent = service.run([](Session& session) {
    session.insert_one("users", make_document("_id", 1));
    (void)session.find_one("users", make_document("_id", 1));
    return session.request_charge();
  });
  ASSERT_TRUE(spent);
  EXPECT_DOUBLE_EQ(spent->request_units, 11.1);
  EXPECT_EQ(spent->commands, 2u);
  EXPECT_THAT(charges, ElementsAre("insert users 10.1", "find users 1.00"));
  const auto next = service.run([](Session& session) { return session.request_charge(); });
  EXPECT_EQ(next.value().commands, 0u);
}

TEST_F(ChargeTest, OfACursorIsAskedForBehindEachBatch) {
  Service service(options(1), world.clock, world.random);
  service.connect();
  charges.clear();
  service.run([](Session& session) {
    Cursor cursor = session.find("users", {});
    while (cursor.next()) {
    }
  });
  EXPECT_THAT(charges, ElementsAre("find users 1.00", "getMore users 1.00"));
}

TEST_F(ChargeTest, NothingIsAskedWithoutSamplingOrElsewhere) {
  Service silent(options(0), world.clock, world.random);
  silent.connect();
  EXPECT_FALSE(silent.run([](Session& session) { return session.request_charge(); }));
  ScriptedServer plain([](bson::View) { return Answer::standard(); });
  ServiceOptions all = short_options(plain.uri());
  all.charge_sampling = 1;
  Service elsewhere(std::move(all), world.clock, world.random);
  elsewhere.connect();
  EXPECT_FALSE(elsewhere.run([](Session& session) { return session.request_charge(); }));
  EXPECT_TRUE(server.commands("getLastRequestStatistics").empty());
  EXPECT_TRUE(plain.commands("getLastRequestStatistics").empty());
}

TEST_F(ChargeTest, WhereSomeAreAskedEachStandsForTheOthers) {
  ServiceOptions some = options(0.5);
  double weight = 0;
  some.observe_charge = [&](const CommandCharge& charge) { weight = charge.weight; };
  Service service(std::move(some), world.clock, world.random);
  service.connect();
  for (int i = 0; i < 200; ++i) {
    service.run([](Session& session) { (void)session.find_one("users", make_document("_id", 1)); });
  }
  EXPECT_EQ(weight, 2);
  const std::size_t asked = server.commands("getLastRequestStatistics").size();
  EXPECT_GT(asked, 60u);
  EXPECT_LT(asked, 140u);
}

TEST_F(ChargeTest, ABatchInTheMiddleOfACursorThatIsThrottledIsFetchedAgain) {
  Service service(options(0), world.clock, world.random);
  service.connect();
  std::vector<std::int64_t> ids;
  service.run([&](Session& session) {
    Cursor cursor = session.find("users", {});
    while (const auto document = cursor.next()) {
      ids.push_back((*document)["_id"].integer().value());
      throttle = ids.size() == 1 ? 2 : 0;
    }
  });
  EXPECT_THAT(ids, ElementsAre(1, 2));
  EXPECT_EQ(server.commands("getMore").size(), 3u);
}

// Each may have a throughput of its own.
TEST_F(ChargeTest, OneCollectionThatIsRefusedHoldsBackNoOther) {
  Service service(options(1), world.clock, world.random);
  service.connect();
  throttle = 1;
  service.run([](Session& session) { session.insert_one("logs", make_document("_id", 1)); });
  // Ten request units a second are the least that is learned: so many of these would take a minute.
  const auto began = std::chrono::steady_clock::now();
  service.run([](Session& session) {
    for (int i = 0; i < 60; ++i) session.insert_one("users", make_document("_id", i));
  });
  EXPECT_LT(std::chrono::steady_clock::now() - began, 4s);
}

TEST_F(ChargeTest, ARefusalIsLearnedFromAndShown) {
  Service service(options(1), world.clock, world.random);
  service.connect();
  EXPECT_EQ(service.status().throughput_limit, 0);
  throttle = 1;
  service.run([](Session& session) { session.insert_one("users", make_document("_id", 1)); });
  EXPECT_GT(service.status().throughput_limit, 0);
  // In the background it waits its turn, and comes.
  service.run(
      Deadline::after(5s),
      [](Session& session) { session.insert_one("users", make_document("_id", 2)); },
      Priority::kBackground);
  EXPECT_EQ(server.commands("insert").size(), 3u);
}

}  // namespace
}  // namespace gesso::mongo
