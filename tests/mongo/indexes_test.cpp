#include "gesso/mongo/indexes.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <mutex>
#include <thread>

#include "gesso/bson/json.hpp"
#include "tests/mongo/support.hpp"

namespace gesso::mongo {
namespace {

using bson::from_json;
using bson::make_array;
using bson::make_document;
using testing::Answer;
using ::testing::HasSubstr;

// A server that keeps indexes, and no more.
class IndexServer {
  std::mutex mutex_;
  std::map<std::string, std::vector<bson::Document>> collections_;
  testing::ScriptedServer server_;

  Answer answer(bson::View command) {
    const std::lock_guard lock(mutex_);
    const std::string_view name = command.begin()->key;
    if (name != "listIndexes" && name != "create" && name != "createIndexes") {
      return Answer::standard();
    }
    const std::string collection(command.begin()->value.as_string());
    if (name == "listIndexes") {
      const auto found = collections_.find(collection);
      if (found == collections_.end()) return Answer::error(26, "ns does not exist");
      bson::Builder batch;
      for (const bson::Document& index : found->second) batch.push(index);
      return Answer::batch("test." + collection, bson::Array(batch.finish()));
    }
    if (name == "create") {
      if (collections_.contains(collection)) return Answer::error(48, "already exists");
      collections_[collection].push_back(
          from_json(R"({"v": 2, "key": {"_id": 1}, "name": "_id_"})"));
      return Answer::ok();
    }
    for (const bson::Element& element : command["indexes"].as_document()) {
      const bson::View index = element.value.as_document();
      for (const bson::Document& one : collections_[collection]) {
        if (bson::to_json(one["key"]) == bson::to_json(index["key"])) {
          return Answer::error(68, "index already exists");
        }
      }
      collections_[collection].emplace_back(index);
    }
    return Answer::ok();
  }

 public:
  IndexServer() : server_([this](bson::View command) { return answer(command); }) {}

  void add(const std::string& collection, const char* index) {
    const std::lock_guard lock(mutex_);
    collections_[collection].push_back(from_json(index));
  }
  const testing::ScriptedServer& server() const { return server_; }
};

class Indexes : public ::testing::Test {
 protected:
  World world;
  IndexServer server;
  Service service{short_options(server.server().uri()), world.clock, world.random};

  std::vector<CollectionIndex> wanted{
      {"users", {.keys = make_document("email", 1), .unique = true}},
      {"users", {.keys = make_document("a", 1, "b", -1)}},
      {"logs", {.keys = make_document("expires_at", 1), .expire_after_seconds = 0}},
      {"subs",
       {.keys = make_document("stripe_id", 1),
        .unique = true,
        .partial_filter = make_document("stripe_id", make_document("$exists", true))}},
  };

  IndexPlan plan() {
    return service.run([&](Session& session) { return plan_indexes(session, wanted); });
  }
  IndexPlan create() {
    return service.run([&](Session& session) { return create_indexes(session, wanted); });
  }
};

TEST_F(Indexes, PlanChangesNothingAndSaysWhatIsMissing) {
  const IndexPlan first = plan();
  EXPECT_THAT(first.create_collections, ::testing::ElementsAre("users", "logs", "subs"));
  EXPECT_EQ(first.create.size(), 4u);
  EXPECT_TRUE(server.server().commands("create").empty());
  EXPECT_TRUE(server.server().commands("createIndexes").empty());
  EXPECT_EQ(first.to_text(),
            "create collection users\n"
            "create collection logs\n"
            "create collection subs\n"
            "create users email_1 { \"email\" : 1 } unique\n"
            "create users a_1_b_-1 { \"a\" : 1, \"b\" : -1 }\n"
            "create logs expires_at_1 { \"expires_at\" : 1 } expires after 0 s\n"
            "create subs stripe_id_1 { \"stripe_id\" : 1 } unique"
            " where { \"stripe_id\" : { \"$exists\" : true } }\n");
}

TEST_F(Indexes, ApplyMakesThemAndASecondTimeHasNothingToDo) {
  EXPECT_FALSE(create().is_settled());
  const IndexPlan second = create();
  EXPECT_TRUE(second.is_settled());
  EXPECT_EQ(second.keep.size(), 4u);
  EXPECT_EQ(server.server().commands("createIndexes").size(), 4u);
  const bson::Document sent = server.server().commands("createIndexes")[3];
  EXPECT_TRUE(sent.view().at_path("indexes.0.unique").as_bool());
  EXPECT_TRUE(sent.view().at_path("indexes.0.partialFilterExpression.stripe_id.$exists").as_bool());
}

TEST_F(Indexes, NamesVersionsAndNumberTypesDoNotCount) {
  server.add("users", R"({"v": 2, "key": {"_id": 1}, "name": "_id_"})");
  server.add("users", R"({"v": 1, "key": {"email": 1.0}, "name": "by_email", "unique": true,
                          "ns": "test.users", "background": true})");
  server.add("logs", R"({"v": 2, "key": {"expires_at": {"$numberLong": "1"}}, "name": "ttl",
                         "expireAfterSeconds": 0.0})");
  const IndexPlan now = plan();
  EXPECT_EQ(now.keep.size(), 2u);
  EXPECT_TRUE(now.differs.empty());
  EXPECT_TRUE(now.extra.empty());
}

TEST_F(Indexes, WhatDiffersIsReportedWithBothSidesAndLeftAlone) {
  server.add("users", R"({"v": 2, "key": {"email": 1}, "name": "email_1"})");
  server.add("users", R"({"v": 2, "key": {"b": 1}, "name": "a_1_b_-1"})");
  server.add("logs", R"({"v": 2, "key": {"expires_at": 1}, "name": "expires_at_1",
                         "expireAfterSeconds": 3600})");
  server.add("subs", R"({"v": 2, "key": {"stripe_id": 1}, "name": "stripe_id_1", "unique": true})");
  const IndexPlan now = create();
  ASSERT_EQ(now.differs.size(), 4u);
  EXPECT_EQ(now.differs[0].what, "unique: wanted true, stands false");
  EXPECT_EQ(now.differs[1].what, "key: wanted { \"a\" : 1, \"b\" : -1 }, stands { \"b\" : 1 }");
  EXPECT_EQ(now.differs[2].what, "expireAfterSeconds: wanted 0, stands 3600");
  EXPECT_THAT(now.differs[3].what, HasSubstr("stands none"));
  EXPECT_FALSE(now.is_settled());
  EXPECT_THAT(now.to_text(), HasSubstr("DIFFERS users email_1"));
  EXPECT_TRUE(server.server().commands("createIndexes").empty());
  EXPECT_TRUE(server.server().commands("dropIndexes").empty());
}

TEST_F(Indexes, WhatIsToBeUniqueAndIsNotIsRequired) {
  EXPECT_NO_THROW(require_unique(create()));
  server.add("users", R"({"v": 2, "key": {"x": 1}, "name": "x_1"})");
  wanted.push_back({"users", {.keys = make_document("x", 1), .unique = true}});
  try {
    require_unique(create());
    FAIL() << "nothing was said";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kConflict);
    EXPECT_THAT(error.what(), HasSubstr("two documents of users"));
    EXPECT_THAT(error.what(),
                HasSubstr("x_1 stands there instead (unique: wanted true, stands false)"));
  }
  // One that is unique among some is not enough; one that is so among all is more than enough.
  server.add("logs", R"({"v": 2, "key": {"y": 1}, "name": "y_1", "unique": true,
                         "partialFilterExpression": {"y": {"$exists": true}}})");
  wanted.back() = {"logs", {.keys = make_document("y", 1), .unique = true}};
  EXPECT_THROW(require_unique(create()), Error);
  server.add("logs", R"({"v": 2, "key": {"z": 1}, "name": "z_1", "unique": true})");
  wanted.back() = {"logs",
                   {.keys = make_document("z", 1),
                    .unique = true,
                    .partial_filter = make_document("z", make_document("$exists", true))}};
  EXPECT_NO_THROW(require_unique(create()));
  // That it should not be unique endangers nothing.
  wanted.back() = {"users", {.keys = make_document("email", 1)}};
  EXPECT_NO_THROW(require_unique(create()));
}

TEST_F(Indexes, WhatNobodyDeclaredIsShownAndStays) {
  server.add("users", R"({"v": 2, "key": {"old": 1}, "name": "old_1"})");
  const IndexPlan now = create();
  ASSERT_EQ(now.extra.size(), 1u);
  EXPECT_THAT(now.to_text(), HasSubstr("extra users old_1"));
  EXPECT_TRUE(server.server().commands("dropIndexes").empty());
}

TEST_F(Indexes, WhatALongerOneServesIsNotMade) {
  wanted.push_back({"users", {.keys = make_document("a", 1)}});
  wanted.push_back({"users", {.keys = make_document("a", 1, "b", -1, "c", 1)}});
  const IndexPlan now = create();
  EXPECT_TRUE(plan().is_settled());
  ASSERT_EQ(now.spared.size(), 2u);  // {a} and {a, b}
  EXPECT_THAT(now.to_text(), HasSubstr("spare users a_1 { \"a\" : 1 } ("));
  EXPECT_THAT(now.to_text(),
              HasSubstr("spare users a_1_b_-1 { \"a\" : 1, \"b\" : -1 } (a_1_b_-1_c_1 serves it "
                        "too)"));
  EXPECT_EQ(server.server().commands("createIndexes").size(), 4u);
}

TEST_F(Indexes, OneThatIsServedAndThereIsShownAndStays) {
  wanted.push_back({"users", {.keys = make_document("a", 1)}});
  server.add("users", R"({"v": 2, "key": {"a": 1.0}, "name": "short"})");
  const IndexPlan now = create();
  ASSERT_EQ(now.spared.size(), 1u);
  EXPECT_TRUE(now.spared[0].exists);
  EXPECT_TRUE(now.extra.empty());
  EXPECT_THAT(now.to_text(), HasSubstr("the server has it"));
  EXPECT_TRUE(server.server().commands("dropIndexes").empty());
}

// It will not be made as it was declared, so it cannot be relied on.
TEST_F(Indexes, OneThatIsThereOtherwiseServesNothing) {
  wanted.push_back({"users", {.keys = make_document("a", 1)}});
  server.add("users", R"({"v": 2, "key": {"a": 1, "b": -1}, "name": "a_1_b_-1", "sparse": true})");
  const IndexPlan now = plan();
  EXPECT_TRUE(now.spared.empty()) << now.to_text();
  EXPECT_EQ(now.differs.size(), 1u);
  EXPECT_THAT(now.to_text(), HasSubstr("create users a_1 "));
}

// Another direction is another order; what says more than its keys is more than a way to find.
TEST_F(Indexes, OnlyAPlainBeginningIsServed) {
  wanted = {{"users", {.keys = make_document("a", 1, "b", -1)}},
            {"users", {.keys = make_document("a", -1)}},
            {"users", {.keys = make_document("b", -1)}},
            {"pages", {.keys = make_document("a", "hashed")}},
            {"pages", {.keys = make_document("a", "text", "b", 1)}},
            {"users", {.keys = make_document("a", 1), .unique = true}},
            {"logs", {.keys = make_document("a", 1), .expire_after_seconds = 0}},
            {"logs", {.keys = make_document("a", 1, "b", 1)}},
            {"subs", {.keys = make_document("a", 1)}},
            {"subs",
             {.keys = make_document("a", 1, "b", 1),
              .partial_filter = make_document("b", make_document("$exists", true))}}};
  const IndexPlan now = plan();
  EXPECT_TRUE(now.spared.empty()) << now.to_text();
  EXPECT_EQ(now.create.size(), wanted.size());
}

TEST_F(Indexes, AnotherFieldOrderIsAnotherIndex) {
  server.add("users", R"({"v": 2, "key": {"b": -1, "a": 1}, "name": "other"})");
  const IndexPlan now = plan();
  EXPECT_EQ(now.create.size(), 4u);
  EXPECT_EQ(now.extra.size(), 1u);
}

TEST_F(Indexes, WhoComesSecondFindsWhatTheFirstOneMade) {
  // Both plan on an empty server, then both apply.
  const IndexPlan mine = plan();
  const IndexPlan theirs = plan();
  service.run([&](Session& session) { apply_indexes(session, theirs); });
  EXPECT_NO_THROW(service.run([&](Session& session) { apply_indexes(session, mine); }));
  EXPECT_TRUE(plan().is_settled());
}

TEST_F(Indexes, SomethingElseMadeInTheMeantimeIsAConflict) {
  const IndexPlan mine = plan();
  server.add("users", R"({"v": 2, "key": {"email": 1}, "name": "email_1"})");
  const Error error =
      error_of([&] { service.run([&](Session& session) { apply_indexes(session, mine); }); });
  EXPECT_EQ(error.kind(), ErrorKind::kConflict);
}

}  // namespace
}  // namespace gesso::mongo
