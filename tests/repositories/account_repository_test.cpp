#include "gesso/repositories/account_repository.hpp"

#include <gtest/gtest.h>

#include <thread>

#include "gesso/repositories/user_repository.hpp"
#include "tests/repositories/fixture.hpp"

namespace gesso::repositories {
namespace {

using namespace query;
using models::User;

class AccountRepositoryTest : public RepositoryTest {
 protected:
  template <class F>
  auto accounts(F&& unit) {
    return with<AccountRepository>(std::forward<F>(unit));
  }
  Account account(const models::UserId& id) {
    return *accounts([&](AccountRepository repository) { return repository.find_account(id); });
  }
  static models::ApiKey key(std::string_view name) {
    return {.id = "key_1",
            .name = name,
            .prefix = "gk_1",
            .hash = std::string(43, 'a'),
            .scopes = {models::Scope::kUsageRead},
            .created_at = Time{}};
  }
};

TEST_F(AccountRepositoryTest, ReadsADocumentOfYesterday) {
  run([](mongo::Session& session) {
    session.insert_one("users", bson::make_document("_id", "user_old", "email", "old@example.com",
                                                    "created_at", Time{}, "updated_at", Time{}));
  });
  const Account old = account("user_old");
  EXPECT_TRUE(old.is_active);
  EXPECT_EQ(old.role, models::UserRole::kUser);
  EXPECT_TRUE(old.login_sessions.empty());
  EXPECT_FALSE(old.account_revision);
  accounts([](AccountRepository repository) {
    EXPECT_EQ(repository.change_account("user_old",
                                        [](Account& account) { return account.api_keys.size(); }),
              0U);
    EXPECT_TRUE(repository.change_account("user_old", [](Account& account) {
      account.role = models::UserRole::kAdmin;
      return true;
    }));
  });
  EXPECT_EQ(account("user_old").role, models::UserRole::kAdmin);
  EXPECT_EQ(account("user_old").account_revision, 1);
}

TEST_F(AccountRepositoryTest, WritesWhatChangedAndNothingElse) {
  const User ada = add_user("ada@example.com", 10);
  accounts([&](AccountRepository repository) {
    repository.change_account(ada.id, [&](Account& account) {
      // Meanwhile, elsewhere.
      with<UserRepository>([&](UserRepository users) {
        users.update_by_id(ada.id, update(inc<&User::credits_remaining>(-3)));
      });
      account.full_name = "Ada";
      account.api_keys.push_back(key("ci"));
      return true;
    });
  });
  const User after =
      *with<UserRepository>([&](UserRepository users) { return users.find_by_id(ada.id); });
  EXPECT_EQ(after.credits_remaining, 7);
  EXPECT_EQ(after.full_name, "Ada");
  EXPECT_EQ(after.api_keys.size(), 1U);
  EXPECT_EQ(after.hashed_password, ada.hashed_password);
}

TEST_F(AccountRepositoryTest, WritesNothingWhereNothingChanged) {
  const User ada = add_user("ada@example.com");
  Database::get().start_recording();
  accounts([&](AccountRepository repository) {
    return repository.change_account(ada.id, [](Account&) { return 1; });
  });
  EXPECT_EQ(Database::get().stop_recording().size(), 1U);
  EXPECT_FALSE(account(ada.id).account_revision);
}

TEST_F(AccountRepositoryTest, WhoComesSecondDecidesAnew) {
  const User ada = add_user("ada@example.com");
  int calls = 0;
  accounts([&](AccountRepository repository) {
    repository.change_account(ada.id, [&](Account& account) {
      if (++calls == 1) {
        accounts([&](AccountRepository other) {
          other.change_account(ada.id, [](Account& theirs) {
            theirs.api_keys.push_back(key("first"));
            return true;
          });
        });
      }
      account.api_keys.push_back(key("second"));
      return true;
    });
  });
  EXPECT_EQ(calls, 2);
  const Account after = account(ada.id);
  ASSERT_EQ(after.api_keys.size(), 2U);
  EXPECT_EQ(after.api_keys[0].name, "first");
  EXPECT_EQ(after.account_revision, 2);
}

TEST_F(AccountRepositoryTest, ALockOutIsNeverOverwritten) {
  const User ada = add_user("ada@example.com");
  accounts([&](AccountRepository repository) {
    const Account before = *repository.find_account(ada.id);
    with<UserRepository>([&](UserRepository users) { users.deactivate(ada.id); });
    Account after = before;
    after.login_sessions.push_back({.id = "ses_1",
                                    .token_hash = std::string(43, 'a'),
                                    .created_at = clock_.now(),
                                    .last_used_at = clock_.now(),
                                    .expires_at = clock_.now()});
    EXPECT_FALSE(repository.save(before, after));
  });
  EXPECT_FALSE(account(ada.id).is_active);
  EXPECT_TRUE(account(ada.id).login_sessions.empty());
}

TEST_F(AccountRepositoryTest, NoChangeOfManyAtOnceIsLost) {
  const User ada = add_user("ada@example.com");
  {
    std::vector<std::jthread> threads;
    for (int thread = 0; thread < 16; ++thread) {
      threads.emplace_back([&] {
        for (int i = 0; i < 3; ++i) {
          accounts([&](AccountRepository repository) {
            repository.change_account(ada.id, [](Account& account) {
              account.api_keys.push_back(key("k"));
              return true;
            });
          });
        }
      });
    }
  }
  EXPECT_EQ(account(ada.id).api_keys.size(), 48U);
  EXPECT_EQ(account(ada.id).account_revision, 48);
}

TEST_F(AccountRepositoryTest, SaysWhichValueIsTaken) {
  add_user("ada@example.com");
  const User bob = add_user("bob@example.com");
  const Error error = error_of([&] {
    accounts([&](AccountRepository repository) {
      repository.change_account(bob.id, [](Account& account) {
        account.email = "ada@example.com";
        return true;
      });
    });
  });
  EXPECT_EQ(error.kind(), ErrorKind::kDuplicate);
  EXPECT_EQ(error.field(), "email");
}

TEST_F(AccountRepositoryTest, NobodyIsNotChanged) {
  accounts([](AccountRepository repository) {
    EXPECT_FALSE(repository.change_account("user_nobody", [](Account&) { return true; }));
    EXPECT_FALSE(repository.find_for_admission("user_nobody", CredentialKind::kSession));
  });
}

TEST_F(AccountRepositoryTest, ListsUsersByPagesNewestFirst) {
  const User ada = add_user("ada@example.com");
  clock_.advance(std::chrono::seconds{1});
  const User bob = add_user("bob@example.com");
  clock_.advance(std::chrono::seconds{1});
  const User cleo = add_user("cleo@example.com");
  with<UserRepository>([&](UserRepository users) {
    users.deactivate(bob.id);
    const auto first = users.list(true, {}, {.limit = 1});
    ASSERT_EQ(first.items.size(), 1U);
    EXPECT_EQ(first.items[0].id, cleo.id);
    const auto second = users.list(true, {}, {.limit = 1, .cursor = *first.next});
    ASSERT_EQ(second.items.size(), 1U);
    EXPECT_EQ(second.items[0].id, ada.id);
    const auto inactive = users.list(false, {}, {});
    ASSERT_EQ(inactive.items.size(), 1U);
    EXPECT_EQ(inactive.items[0].id, bob.id);
    EXPECT_FALSE(inactive.next);
    // The same of one tier.
    users.set_tier(ada.id, models::SubscriptionTier::kPro);
    users.set_tier(bob.id, models::SubscriptionTier::kPro);
    const auto pro = users.list(true, models::SubscriptionTier::kPro, {});
    ASSERT_EQ(pro.items.size(), 1U);
    EXPECT_EQ(pro.items[0].id, ada.id);
    EXPECT_EQ(users.list(false, models::SubscriptionTier::kPro, {}).items.at(0).id, bob.id);
    EXPECT_EQ(users.list(true, models::SubscriptionTier::kFree, {}).items.at(0).id, cleo.id);
  });
}

}  // namespace
}  // namespace gesso::repositories
