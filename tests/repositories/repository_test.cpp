// What every repository can do, on users, generations and usage logs.
#include "gesso/repositories/repository.hpp"

#include <set>

#include "gesso/repositories/generation_repository.hpp"
#include "gesso/repositories/usage_log_repository.hpp"
#include "gesso/repositories/user_repository.hpp"
#include "tests/repositories/fixture.hpp"

namespace gesso::repositories {
namespace {

using namespace query;
using models::Generation;
using models::GenerationStatus;
using models::User;
using models::UserId;

struct UserCard {
  UserId id;
  schema::Email email;
};
BOOST_DESCRIBE_STRUCT(UserCard, (), (id, email))

struct CreditsOfTier {
  models::SubscriptionTier id = models::SubscriptionTier::kFree;
  std::int64_t credits = 0;
};
BOOST_DESCRIBE_STRUCT(CreditsOfTier, (), (id, credits))

class BaseRepositoryTest : public RepositoryTest {
 protected:
  template <class F>
  auto users(F&& unit) {
    return with<Repository<User>>(std::forward<F>(unit));
  }
  User make_user(std::string_view email) {
    return {.id = UserId::next(ids_),
            .email = email,
            .created_at = clock_.now(),
            .updated_at = clock_.now()};
  }
};

const auto kActive = where<&User::is_active> == true;

TEST_F(BaseRepositoryTest, CreateManySaysWhatBecameOfEachItem) {
  const User taken = add_user("b@example.com");
  User same_id = make_user("d@example.com");
  same_id.id = taken.id;
  const std::vector<User> batch{make_user("a@example.com"), make_user("b@example.com"),
                                make_user("c@example.com"), same_id};
  const CreateManyResult result =
      users([&](Repository<User> users) { return users.create_many(batch); });
  EXPECT_EQ(result.created, 2);
  ASSERT_EQ(result.failures.size(), 4U);
  EXPECT_FALSE(result.failures[0]);
  EXPECT_EQ(result.failures[1]->kind(), ErrorKind::kDuplicate);
  EXPECT_EQ(result.failures[1]->field(), "email");
  EXPECT_FALSE(result.failures[2]);
  EXPECT_EQ(result.failures[3]->field(), "id");
}

TEST_F(BaseRepositoryTest, ATakenIdIsDuplicateWithItsField) {
  User user = add_user("a@example.com");
  user.email = "b@example.com";
  const Error error = error_of([&] { users([&](Repository<User> users) { users.create(user); }); });
  EXPECT_EQ(error.kind(), ErrorKind::kDuplicate);
  EXPECT_EQ(error.field(), "id");
}

TEST_F(BaseRepositoryTest, AChangeBringsAnInsertWhereItFoundSomething) {
  const User user = add_user("a@example.com");
  User friend_of_theirs = make_user("b@example.com");
  const auto change = [&](const UserId& id, const User& inserted) {
    return users([&](Repository<User> users) {
      return users.change_one_then_insert(
          where<&User::id> == id, update(inc<&User::credits_remaining>(1)), users, inserted);
    });
  };
  const auto find = [&](const UserId& id) {
    return users([&](Repository<User> users) { return users.find_by_id(id); });
  };
  EXPECT_FALSE(change(friend_of_theirs.id, friend_of_theirs));
  EXPECT_FALSE(find(friend_of_theirs.id));
  EXPECT_TRUE(change(user.id, friend_of_theirs));
  EXPECT_TRUE(find(friend_of_theirs.id));
  EXPECT_EQ(find(user.id)->credits_remaining, user.credits_remaining + 1);

  const Error same_id = error_of([&] { (void)change(user.id, friend_of_theirs); });
  EXPECT_EQ(same_id.kind(), ErrorKind::kDuplicate);
  EXPECT_EQ(same_id.field(), "id");
  friend_of_theirs.id = UserId::next(ids_);
  const Error same_email = error_of([&] { (void)change(user.id, friend_of_theirs); });
  EXPECT_EQ(same_email.kind(), ErrorKind::kDuplicate);
  EXPECT_EQ(same_email.field(), "email");
  EXPECT_EQ(find(user.id)->credits_remaining, user.credits_remaining + 3);  // the change stays
}

TEST_F(BaseRepositoryTest, OneIsFoundUpdatedAndDeleted) {
  const User user = add_user("a@example.com");
  users([&](Repository<User> users) {
    EXPECT_EQ(users.find_by_id(user.id), user);
    EXPECT_EQ(users.find_one(where<&User::email> == "a@example.com"), user);
    EXPECT_TRUE(users.exists(where<&User::email> == "a@example.com"));
    clock_.advance(std::chrono::seconds(1));
    const auto changed = users.update_by_id(user.id, update(set<&User::is_verified>(true)));
    EXPECT_TRUE(changed->is_verified);
    EXPECT_EQ(changed->updated_at, clock_.now());
    EXPECT_TRUE(users.delete_by_id(user.id));
    EXPECT_FALSE(users.delete_by_id(user.id));
    EXPECT_EQ(users.find_by_id(user.id), std::nullopt);
    EXPECT_EQ(users.update_by_id(user.id, update(set<&User::is_verified>(true))), std::nullopt);
    EXPECT_FALSE(users.exists(where<&User::email> == "a@example.com"));
  });
}

TEST_F(BaseRepositoryTest, ListsAreSortedSkippedLimitedAndProjected) {
  for (const char* email : {"a@example.com", "b@example.com", "c@example.com"}) {
    add_user(email);
    clock_.advance(std::chrono::seconds(1));
  }
  users([&](Repository<User> users) {
    EXPECT_EQ(users.count(kActive), 3);
    EXPECT_EQ(users.count(all<User>()), 3);
    const std::vector<UserCard> cards = users.find_many(
        kActive, sort_by(asc<&User::created_at>), {.skip = 1, .limit = 1}, project<UserCard>());
    ASSERT_EQ(cards.size(), 1U);
    EXPECT_EQ(cards[0].email, "b@example.com");
    const auto newest = users.find_one(kActive, sort_by(desc<&User::created_at>));
    EXPECT_EQ(newest->email, "c@example.com");
    EXPECT_EQ(users.find_many(unindexed(where<&User::is_verified> == true)).size(), 0U);
  });
}

TEST_F(BaseRepositoryTest, AStreamGivesEveryDocumentInOrder) {
  users([&](Repository<User> users) {
    std::vector<User> batch;
    for (int i = 0; i < 250; ++i) {  // more than one batch of a cursor
      batch.push_back(make_user("user" + std::to_string(i) + "@example.com"));
      clock_.advance(std::chrono::milliseconds(1));
    }
    ASSERT_EQ(users.create_many(batch).created, 250);
    std::size_t i = 0;
    for (const User& user : users.stream(kActive, sort_by(asc<&User::created_at>))) {
      ASSERT_LT(i, batch.size());
      EXPECT_EQ(user.id, batch[i++].id);
    }
    EXPECT_EQ(i, batch.size());
  });
}

TEST_F(BaseRepositoryTest, AnAggregationHasTypedResults) {
  add_user("a@example.com", 3);
  add_user("b@example.com", 4);
  users([&](Repository<User> users) {
    const auto groups = users.aggregate<CreditsOfTier>(
        kActive,
        bson::make_array(bson::make_document(
            "$group", bson::make_document("_id", "$subscription_tier", "credits",
                                          bson::make_document("$sum", "$credits_remaining")))));
    ASSERT_EQ(groups.size(), 1U);
    EXPECT_EQ(groups[0].id, models::SubscriptionTier::kFree);
    EXPECT_EQ(groups[0].credits, 7);
  });
}

TEST_F(BaseRepositoryTest, AnUpdateOfNothingFindsTheDocument) {
  with<UsageLogRepository>([&](UsageLogRepository logs) {
    const auto log =
        logs.log({.user_id = "user_ada", .action_type = models::ActionType::kApiRequest});
    EXPECT_EQ(logs.update_by_id(log.id, {}), log);
  });
}

TEST_F(BaseRepositoryTest, WhatIsStoredAndUnknownSurvivesAnUpdate) {
  const User user = add_user("a@example.com");
  run([&](mongo::Session& session) {
    session.update_one("users", bson::make_document("_id", user.id.str()),
                       bson::make_document("$set", bson::make_document("shoe_size", 42)));
    Repository<User>(session, context_)
        .update_by_id(user.id, update(set<&User::is_verified>(true)));
    const auto stored = session.find_one("users", bson::make_document("_id", user.id.str()));
    EXPECT_EQ((*stored)["shoe_size"].integer(), 42);
    EXPECT_TRUE((*stored)["is_verified"].as_bool());
  });
}

TEST_F(BaseRepositoryTest, ADocumentThatDoesNotDecodeIsAnErrorThatSaysWhereAndWhy) {
  add_user("a@example.com");
  const User broken = add_user("b@example.com");
  run([&](mongo::Session& session) {
    session.update_one(
        "users", bson::make_document("_id", broken.id.str()),
        bson::make_document("$set", bson::make_document("credits_remaining", "many")));
    Repository<User> users(session, context_);
    const Error error = error_of([&] { (void)users.find_many(kActive); });
    EXPECT_EQ(error.kind(), ErrorKind::kInternal);
    const std::string what = error.what();
    for (const std::string& part :
         {users.ns(), broken.id.str(), std::string("credits_remaining"), std::string("string")}) {
      EXPECT_NE(what.find(part), std::string::npos) << part << " in: " << what;
    }
    EXPECT_THROW((void)users.find_by_id(broken.id), Error);

    int skipped = 0;
    const auto count = [&](const Error&) { ++skipped; };
    EXPECT_EQ(users.find_many(kActive, unsorted, {.skip_undecodable = count}).size(), 1U);
    EXPECT_EQ(skipped, 1);
    EXPECT_EQ(users.page(kActive, sort_by(desc<&User::created_at>), {.skip_undecodable = count})
                  .items.size(),
              1U);
    EXPECT_EQ(skipped, 2);
  });
}

TEST_F(BaseRepositoryTest, DocumentsWithoutASortKeyDoNotEndTheirList) {
  std::set<std::string> whole;
  std::vector<std::string> broken;
  for (int i = 0; i < 5; ++i) {
    const std::string id = add_user("user" + std::to_string(i) + "@example.com").id.str();
    if (i < 2) broken.push_back(id);
    if (i >= 2) whole.insert(id);
    clock_.advance(std::chrono::seconds{1});
  }
  run([&](mongo::Session& session) {
    for (const std::string& id : broken) {
      session.update_one("users", bson::make_document("_id", id),
                         bson::make_document("$unset", bson::make_document("created_at", "")));
    }
    Repository<User> users(session, context_);
    const auto walk = [&](auto sort) {
      std::set<std::string> met;
      std::string cursor;
      for (int pages = 0; pages < 20; ++pages) {
        const auto page = users.page(
            kActive, sort, {.limit = 1, .cursor = cursor, .skip_undecodable = [](const Error&) {}});
        for (const User& user : page.items) EXPECT_TRUE(met.insert(user.id.str()).second);
        if (!page.next) break;
        cursor = *page.next;
      }
      return met;
    };
    EXPECT_EQ(walk(sort_by(asc<&User::created_at>)), whole);  // those without come first
    EXPECT_EQ(walk(sort_by(desc<&User::created_at>)), whole);
  });
}

TEST_F(BaseRepositoryTest, WhatHasExpiredIsGoneBeforeItIsDeleted) {
  with<UsageLogRepository>([&](UsageLogRepository logs) {
    const auto log =
        logs.log({.user_id = "user_ada", .action_type = models::ActionType::kApiRequest});
    const auto of_ada = where<&models::UsageLog::user_id> == "user_ada";
    EXPECT_TRUE(logs.find_by_id(log.id));
    clock_.advance(models::UsageLog::kLifetime);
    EXPECT_FALSE(logs.find_by_id(log.id));
    EXPECT_FALSE(logs.exists(of_ada));
    EXPECT_EQ(logs.count(of_ada), 0);
    EXPECT_TRUE(logs.find_many(of_ada).empty());
  });
}

}  // namespace
}  // namespace gesso::repositories
