#include "gesso/repositories/user_repository.hpp"

#include <atomic>
#include <thread>

#include "tests/repositories/fixture.hpp"

namespace gesso::repositories {
namespace {

using namespace query;
using models::AuthProvider;
using models::SubscriptionTier;
using models::User;
using models::UserCreate;

class UserRepositoryTest : public RepositoryTest {
 protected:
  template <class F>
  auto users(F&& unit) {
    return with<UserRepository>(std::forward<F>(unit));
  }
  User register_user(std::string_view email, std::string_view password = "correct horse") {
    return users([&](UserRepository users) {
      return users.create_user({.email = email, .password = schema::Password(password)});
    });
  }
};

TEST_F(UserRepositoryTest, ANewUserIsStoredWithDefaultsAndAHash) {
  const User user = register_user("Ada@Example.com");
  EXPECT_EQ(user.email, "ada@example.com");
  EXPECT_EQ(user.credits_remaining, 10);
  EXPECT_EQ(user.created_at, clock_.now());
  EXPECT_TRUE(user.hashed_password->reveal().starts_with("$bcrypt-sha256$v=2,t=2b,r=4$"));
  EXPECT_EQ(users([&](UserRepository users) { return users.find_by_id(user.id); }), user);
}

TEST_F(UserRepositoryTest, ATakenEmailIsDuplicateInAnyCaseOfLetters) {
  register_user("ada@example.com");
  const Error error = error_of([&] { register_user("ADA@example.COM"); });
  EXPECT_EQ(error.kind(), ErrorKind::kDuplicate);
  EXPECT_EQ(error.field(), "email");
}

TEST_F(UserRepositoryTest, OfManyWhoTakeOneAddressAtOnceOneHasIt) {
  constexpr int kThreads = 8;
  const User grace = register_user("grace@example.com");
  std::atomic<int> made = 0;
  std::atomic<int> taken = 0;
  std::vector<std::jthread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&, i] {
      try {
        if (i == 0) {  // one who is there already comes to it by a change
          users([&](UserRepository users) {
            return users.update_user(grace.id, {.email = "ada@example.com"});
          });
        } else {
          register_user("ada@example.com");
        }
        ++made;
      } catch (const Error& error) {
        EXPECT_EQ(error.kind(), ErrorKind::kDuplicate) << error.what();
        EXPECT_EQ(error.field(), "email");
        ++taken;
      }
    });
  }
  threads.clear();
  EXPECT_EQ(made, 1);
  EXPECT_EQ(taken, kThreads - 1);
  EXPECT_EQ(users([&](UserRepository users) {
              return users.count(query::where<&User::email> == "ada@example.com");
            }),
            1);
}

TEST_F(UserRepositoryTest, AChangeToATakenEmailIsDuplicateToo) {
  register_user("ada@example.com");
  const User grace = register_user("grace@example.com");
  const Error error = error_of([&] {
    users([&](UserRepository users) {
      return users.update_user(grace.id, {.email = "ada@example.com"});
    });
  });
  EXPECT_EQ(error.kind(), ErrorKind::kDuplicate);
  EXPECT_EQ(error.field(), "email");
}

TEST_F(UserRepositoryTest, ALoginByEmailNeedsAPassword) {
  const Error error = error_of([&] {
    users([&](UserRepository users) { return users.create_user({.email = "ada@example.com"}); });
  });
  EXPECT_EQ(error.kind(), ErrorKind::kValidation);
  ASSERT_EQ(error.violations().size(), 1U);
  EXPECT_EQ(to_string(error.violations()[0].path), "password");
}

TEST_F(UserRepositoryTest, UsersAreFoundByWhatIdentifiesThem) {
  User ada = register_user("ada@example.com");
  const User grace = users([&](UserRepository users) {
    (void)users.create_user({.email = "other@example.com",
                             .auth_provider = AuthProvider::kGoogle,
                             .auth_provider_id = "42"});
    return users.create_user({.email = "grace@example.com",
                              .auth_provider = AuthProvider::kGithub,
                              .auth_provider_id = "42"});
  });
  ada = *users([&](UserRepository users) { return users.set_stripe_customer(ada.id, "cus_1"); });
  users([&](UserRepository users) {
    EXPECT_EQ(users.find_by_email("ADA@example.com"), ada);
    EXPECT_EQ(users.find_by_email("nobody@example.com"), std::nullopt);
    EXPECT_EQ(users.find_by_email("no address"), std::nullopt);
    EXPECT_EQ(users.find_by_stripe_customer_id("cus_1"), ada);
    EXPECT_EQ(users.find_by_stripe_customer_id(""), std::nullopt);
    EXPECT_EQ(users.find_by_auth_provider(AuthProvider::kGithub, "42"), grace);
    EXPECT_EQ(users.find_by_auth_provider(AuthProvider::kMicrosoft, "42"), std::nullopt);
  });
}

TEST_F(UserRepositoryTest, APasswordIsVerifiedForItsUserOnly) {
  const User ada = register_user("ada@example.com", "correct horse");
  users([&](UserRepository users) {
    EXPECT_EQ(users.verify_password("Ada@example.com", "correct horse"), ada);
    EXPECT_EQ(users.verify_password("ada@example.com", "correct horsf"), std::nullopt);
    EXPECT_EQ(users.verify_password("nobody@example.com", "correct horse"), std::nullopt);
    EXPECT_EQ(users.verify_password("ada@example.com", ""), std::nullopt);
    EXPECT_EQ(users.verify_password("ada@example.com", std::string(100, 'x')), std::nullopt);
  });
}

// In CPU time of this thread, which no other load on the machine changes.
std::chrono::nanoseconds cpu_time(const std::function<void()>& work) {
  const auto now = [] {
    timespec time{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
  };
  const auto start = now();
  work();
  return now() - start;
}

TEST_F(UserRepositoryTest, AnUnknownEmailCostsAsMuchTimeAsAWrongPassword) {
  const RepositoryContext slow{.clock = clock_, .random = random_, .ids = ids_, .bcrypt_cost = 7};
  run([&](mongo::Session& session) {
    UserRepository users(session, slow);
    (void)users.create_user(
        {.email = "ada@example.com", .password = schema::Password("correct horse")});
    const auto wrong =
        cpu_time([&] { (void)users.verify_password("ada@example.com", "correct horsf"); });
    const auto unknown =
        cpu_time([&] { (void)users.verify_password("nobody@example.com", "correct horsf"); });
    EXPECT_GT(unknown, wrong / 2);
    EXPECT_LT(unknown, wrong * 2);
    (void)users.create_user({.email = "grace@example.com",
                             .auth_provider = AuthProvider::kGithub,
                             .auth_provider_id = "12"});
    for (const char* email : {"grace@example.com", "no address"}) {
      EXPECT_GT(cpu_time([&] { EXPECT_FALSE(users.verify_password(email, "correct horsf")); }),
                wrong / 2)
          << email;
    }
  });
}

TEST_F(UserRepositoryTest, CreditsAreTakenOnlyWhereThereAreEnough) {
  const User ada = add_user("ada@example.com", 3);
  users([&](UserRepository users) {
    EXPECT_EQ(users.deduct_credits(ada.id, 2, ids_.next("op_"))->credits_remaining, 1);
    EXPECT_EQ(users.deduct_credits(ada.id, 2, ids_.next("op_")), std::nullopt);
    EXPECT_EQ(users.find_by_id(ada.id)->credits_remaining, 1);
    EXPECT_EQ(users.add_credits(ada.id, 5, ids_.next("op_"))->credits_remaining, 6);
    EXPECT_THROW(users.deduct_credits(ada.id, -1, ids_.next("op_")), Error);
    EXPECT_THROW(users.add_credits(ada.id, 0, ids_.next("op_")), Error);
    EXPECT_EQ(users.add_credits("user_nobody", 1, ids_.next("op_")), std::nullopt);
  });
}

TEST_F(UserRepositoryTest, EveryChangeSetsUpdatedAt) {
  const User ada = add_user("ada@example.com");
  clock_.advance(std::chrono::minutes(1));
  users([&](UserRepository users) {
    const auto changed = users.increment_generations(ada.id);
    EXPECT_EQ(changed->total_generations, 1);
    EXPECT_EQ(changed->created_at, ada.created_at);
    EXPECT_EQ(changed->updated_at, clock_.now());
    EXPECT_EQ(users.set_tier(ada.id, SubscriptionTier::kPro)->subscription_tier,
              SubscriptionTier::kPro);
    EXPECT_FALSE(users.deactivate(ada.id)->is_active);
    EXPECT_EQ(users.deactivate("user_nobody"), std::nullopt);
  });
}

TEST_F(UserRepositoryTest, AnUpdateTakesAwayWhatIsNull) {
  const User ada = add_user("ada@example.com");
  users([&](UserRepository users) {
    EXPECT_EQ(users.update_user(ada.id, {.full_name = "Ada Lovelace"})->full_name, "Ada Lovelace");
    EXPECT_EQ(users.update_user(ada.id, {})->full_name, "Ada Lovelace");
    models::UserUpdate clear;
    clear.full_name.emplace();
    EXPECT_EQ(users.update_user(ada.id, clear)->full_name, std::nullopt);
  });
}

TEST_F(UserRepositoryTest, ActiveUsersComeNewestFirst) {
  std::vector<std::string> emails;
  for (const char* name : {"a", "b", "c", "d"}) {
    emails.push_back(std::string(name) + "@example.com");
    add_user(emails.back());
    clock_.advance(std::chrono::seconds(1));
  }
  users([&](UserRepository users) {
    users.deactivate(users.find_by_email("b@example.com")->id);
    const auto active = users.get_active_users(1, 5);
    ASSERT_EQ(active.size(), 2U);
    EXPECT_EQ(active[0].email, "c@example.com");
    EXPECT_EQ(active[1].email, "a@example.com");
  });
}

TEST_F(UserRepositoryTest, ManyAtOnceTakeExactlyTheCreditsThatThereAre) {
  constexpr int kThreads = 32;
  constexpr int kTries = 2000;
  constexpr int kCredits = 1000;
  const User ada = add_user("ada@example.com", kCredits);
  std::atomic<int> tries = 0;
  std::atomic<int> taken = 0;
  std::vector<std::jthread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&] {
      while (tries++ < kTries) {
        const auto charged = users([&](UserRepository users) {
          return users.deduct_credits(ada.id, 1, ids_.next("op_"));
        });
        if (charged) ++taken;
      }
    });
  }
  threads.clear();
  EXPECT_EQ(taken, kCredits);
  EXPECT_EQ(
      users([&](UserRepository users) { return users.find_by_id(ada.id); })->credits_remaining, 0);
}

TEST_F(UserRepositoryTest, AChangeOfCreditsThatIsRepeatedIsMadeOnce) {
  const User ada = register_user("ada@example.com");
  users([&](UserRepository users) {
    const auto granted = users.add_credits(ada.id, 5, "grant-1", "an apology");
    EXPECT_EQ(granted->credits_remaining, 15);
    ASSERT_EQ(granted->recent_operations.size(), 1U);
    EXPECT_EQ(granted->recent_operations[0],
              (models::CreditOperation{
                  .token = "grant-1", .credits = 5, .reason = "an apology", .at = clock_.now()}));
    EXPECT_EQ(users.add_credits(ada.id, 5, "grant-1"), granted);
    // 12 would be too much the second time, but it is not the second time.
    const auto deducted = users.deduct_credits(ada.id, 12, "order-1");
    EXPECT_EQ(deducted->credits_remaining, 3);
    EXPECT_EQ(users.deduct_credits(ada.id, 12, "order-1"), deducted);
    EXPECT_EQ(users.deduct_credits(ada.id, 12, "order-2"), std::nullopt);
    EXPECT_EQ(users.find_by_id(ada.id), deducted);
  });
}

TEST_F(UserRepositoryTest, TheLastOperationsAreKeptAndNoMore) {
  const User ada = register_user("ada@example.com");
  users([&](UserRepository users) {
    const auto token = [](int i) { return "op_" + std::to_string(i); };
    for (int i = 0; i < models::kRecentOperations + 6; ++i) users.add_credits(ada.id, 1, token(i));
    const auto kept = users.find_by_id(ada.id)->recent_operations;
    ASSERT_EQ(kept.size(), static_cast<std::size_t>(models::kRecentOperations));
    EXPECT_EQ(kept.front().token, token(6));
    EXPECT_EQ(kept.back().token, token(models::kRecentOperations + 5));
  });
}

TEST_F(UserRepositoryTest, ANewUserHasNoSubscriptionToLookForUntilOneIsBought) {
  const User ada = register_user("ada@example.com");
  EXPECT_FALSE(ada.may_have_subscription);
  add_subscription(ada.id, 3);
  users(
      [&](UserRepository users) { EXPECT_TRUE(users.find_by_id(ada.id)->may_have_subscription); });
}

}  // namespace
}  // namespace gesso::repositories
