// What repositories do otherwise on Azure Cosmos DB (RU): it does not say which value is taken, and
// its TTL counts from the last change.
#include "gesso/mongo/service.hpp"
#include "gesso/repositories/rate_limit_repository.hpp"
#include "gesso/repositories/usage_log_repository.hpp"
#include "gesso/repositories/user_repository.hpp"
#include "gesso/testing/scripted_server.hpp"
#include "tests/repositories/fixture.hpp"

namespace gesso::repositories {
namespace {

using bson::make_array;
using bson::make_document;
using models::UserId;
using testing::Answer;
using testing::ScriptedServer;

// The text of a real account.
constexpr std::string_view kCosmosText =
    "E11000 duplicate key error collection: test.users. Failed _id or unique index constraint.";

const bson::Document kHello = make_document("setName", "globaldb");

class CosmosTest : public ::testing::Test {
 protected:
  SystemClock clock_;
  SystemRandom random_;
  IdGenerator ids_{clock_, random_};
  const RepositoryContext context_{
      .clock = clock_, .random = random_, .ids = ids_, .bcrypt_cost = 4};

  template <class F>
  void run_on(const ScriptedServer& server, F&& unit) {
    mongo::ServiceOptions options;
    options.uri = Secret(server.uri());
    options.database = "test";
    options.pool_size = 1;
    options.warm_minimum = 0;
    mongo::Service service(std::move(options), clock_, random_);
    service.connect();
    service.run(std::forward<F>(unit));
  }

  // What a repository throws for an insert that such a server refuses; `holder` has the email
  // address, if anybody has.
  Error refused(const std::optional<std::string>& holder) {
    ScriptedServer server(
        [&](bson::View command) {
          const std::string_view name = command.begin()->key;
          if (name == "insert") {
            return Answer::reply(make_document(
                "n", 0, "writeErrors",
                make_array(make_document("index", 0, "code", 11000, "errmsg", kCosmosText)), "ok",
                1.0));
          }
          if (name == "find") {
            const bool by_email = command["filter"].as_document().contains("email");
            return Answer::batch("test.users", by_email && holder
                                                   ? make_array(make_document("_id", *holder))
                                                   : bson::Array());
          }
          return Answer::standard();
        },
        kHello);
    return error_of([&] {
      run_on(server, [&](mongo::Session& session) {
        UserRepository(session, context_)
            .create_user(
                {.email = "ada@example.com", .password = schema::Password("correct horse")});
      });
    });
  }
};

TEST_F(CosmosTest, TheTakenFieldIsLookedUpWhereTheServerDoesNotNameIt) {
  const Error error = refused("user_other");
  EXPECT_EQ(error.kind(), ErrorKind::kDuplicate);
  EXPECT_EQ(error.field(), "email");
}

TEST_F(CosmosTest, WhereNoOtherHoldsAValueItIsTheId) {
  const Error error = refused(std::nullopt);
  EXPECT_EQ(error.kind(), ErrorKind::kDuplicate);
  EXPECT_EQ(error.field(), "id");
}

TEST_F(CosmosTest, ADocumentThatExpiresCarriesItsTtl) {
  ScriptedServer server([](bson::View) { return Answer::reply(make_document("n", 1, "ok", 1.0)); },
                        kHello);
  run_on(server, [&](mongo::Session& session) {
    (void)UsageLogRepository(session, context_)
        .log({.user_id = "user_ada", .action_type = models::ActionType::kApiRequest});
    (void)UserRepository(session, context_)
        .create_user({.email = "ada@example.com", .password = schema::Password("correct horse")});
  });
  const auto inserts = server.commands("insert");
  ASSERT_EQ(inserts.size(), 2U);
  EXPECT_EQ(inserts[0].view().at_path("documents.0.ttl").integer(), 90 * 24 * 3600);
  EXPECT_FALSE(inserts[1].view().at_path("documents.0.ttl"));
}

TEST_F(CosmosTest, EveryHitSetsTheTtlAnew) {
  const Time end = clock_.now() + std::chrono::hours(1);
  ScriptedServer server(
      [&](bson::View command) {
        if (command.begin()->key != "findAndModify") {
          return command.begin()->key == "find" ? Answer::batch("test.rate_limit_logs", {})
                                                : Answer::standard();
        }
        return Answer::reply(make_document(
            "value",
            make_document("_id", "rate_1", "user_id", "user_ada", "endpoint", "/", "request_count",
                          1, "window_start", clock_.now(), "window_end", end, "expires_at", end),
            "ok", 1.0));
      },
      kHello);
  run_on(server, [&](mongo::Session& session) {
    RateLimitRepository limits(session, context_);
    EXPECT_TRUE(limits.hit("user_ada", "/", 5, std::chrono::minutes(1)).allowed);
  });
  const auto hits = server.commands("findAndModify");
  ASSERT_EQ(hits.size(), 1U);
  const auto ttl = hits[0].view().at_path("update.$set.ttl").integer();
  ASSERT_TRUE(ttl);
  EXPECT_GT(*ttl, 3600);  // the rest of the window, and an hour
  EXPECT_LE(*ttl, 3660);
  EXPECT_EQ(hits[0].view().at_path("update.$inc.request_count").integer(), 1);
}

}  // namespace
}  // namespace gesso::repositories
