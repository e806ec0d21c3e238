// What a repository makes of a server that does not say which value is taken, as Azure Cosmos DB
// (RU) does not.
#include "gesso/mongo/service.hpp"
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

class DuplicateTest : public ::testing::Test {
 protected:
  SystemClock clock_;
  SystemRandom random_;
  IdGenerator ids_{clock_, random_};
  const Context context_{.clock = clock_, .random = random_, .ids = ids_, .bcrypt_cost = 4};

  // What a repository throws for an insert that such a server refuses; `holder` has the email
  // address, if anybody has.
  Error refused(const std::optional<std::string>& holder) {
    ScriptedServer server([&](bson::View command) {
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
    });
    mongo::ServiceOptions options;
    options.uri = Secret(server.uri());
    options.database = "test";
    options.pool_size = 1;
    options.warm_minimum = 0;
    mongo::Service service(std::move(options), clock_, random_);
    service.connect();
    return error_of([&] {
      service.run([&](mongo::Session& session) {
        UserRepository(session, context_)
            .create_user(
                {.email = "ada@example.com", .password = schema::Password("correct horse")});
      });
    });
  }
};

TEST_F(DuplicateTest, TheTakenFieldIsLookedUpWhereTheServerDoesNotNameIt) {
  const Error error = refused("user_other");
  EXPECT_EQ(error.kind(), ErrorKind::kDuplicate);
  EXPECT_EQ(error.field(), "email");
}

TEST_F(DuplicateTest, WhereNoOtherHoldsAValueItIsTheId) {
  const Error error = refused(std::nullopt);
  EXPECT_EQ(error.kind(), ErrorKind::kDuplicate);
  EXPECT_EQ(error.field(), "id");
}

}  // namespace
}  // namespace gesso::repositories
