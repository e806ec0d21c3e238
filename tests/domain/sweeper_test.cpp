#include "gesso/domain/sweeper.hpp"

#include <gtest/gtest.h>

#include <thread>

#include "gesso/bson/builder.hpp"
#include "tests/api/service_fixture.hpp"

namespace gesso::domain {
namespace {

using namespace std::chrono_literals;

class SweeperTest : public ::testing::Test {
 protected:
  testing::ServiceFixture fixture;
  std::string token = fixture.token_of("ann@example.com");

  boost::json::value me() { return fixture.ask("GET", "/api/v1/users/me", {}, token).value(); }

  // Leaves what a charge of 3 credits leaves that died before it inserted its generation.
  void crash_while_charging(std::chrono::milliseconds age) {
    testing::Running& service = fixture.service();
    const std::string id(me().at("id").as_string());
    const std::string generation = service.ids.next("gen_");
    const bson::Document hold =
        bson::make_document("token", generation, "generation_id", generation, "credits",
                            std::int64_t{3}, "at", service.clock.now() - age);
    service.database.run([&](mongo::Session& session) {
      session.update_one(
          "users", bson::make_document("_id", id),
          bson::make_document("$inc", bson::make_document("credits_remaining", std::int64_t{-3}),
                              "$push", bson::make_document("pending_charges", hold)));
    });
    ASSERT_EQ(me().at("credits_remaining"), 7);
  }
};

TEST_F(SweeperTest, GivesBackWhatACrashedChargeTook) {
  crash_while_charging(1min);
  const Sweeper sweeper(fixture.service().database, fixture.service().repository_context,
                        {.interval = 10ms, .charge_grace = 30s});
  const auto until = std::chrono::steady_clock::now() + 20s;
  while (me().at("credits_remaining") != 10 && std::chrono::steady_clock::now() < until) {
    std::this_thread::yield();
  }
  EXPECT_EQ(me().at("credits_remaining"), 10);
}

TEST_F(SweeperTest, LeavesAChargeThatIsStillOnItsWay) {
  crash_while_charging(0ms);
  // It sweeps once before it ends.
  {
    const Sweeper sweeper(fixture.service().database, fixture.service().repository_context,
                          {.charge_grace = 1h});
  }
  EXPECT_EQ(me().at("credits_remaining"), 7);
}

}  // namespace
}  // namespace gesso::domain
