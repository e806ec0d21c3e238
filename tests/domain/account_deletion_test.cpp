#include "gesso/domain/account_deletion.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "gesso/domain/api_keys.hpp"
#include "gesso/domain/charging.hpp"
#include "gesso/repositories/generation_repository.hpp"
#include "gesso/repositories/subscription_repository.hpp"
#include "gesso/repositories/usage_log_repository.hpp"
#include "gesso/repositories/user_repository.hpp"
#include "gesso/schema/json.hpp"
#include "tests/domain/account_fixture.hpp"

namespace gesso::domain {
namespace {

using namespace query;
using namespace repositories;
using namespace std::chrono_literals;
using models::User;
using ::testing::HasSubstr;
using ::testing::Not;

class AccountDeletionTest : public AccountTest {
 protected:
  // A user of whom each collection holds something.
  User furnished(std::string_view email) {
    User user = registered(email);
    add_generation(user.id, "A lake at dusk");
    add_generation(user.id, "A harbour");
    add_subscription(user.id, 5);
    with<UsageLogRepository>([&](UsageLogRepository logs) {
      logs.create({.id = models::UsageLogId::next(ids_),
                   .user_id = user.id,
                   .action_type = models::ActionType::kApiRequest,
                   .created_at = clock_.now(),
                   .expires_at = clock_.now() + 24h});
    });
    return user;
  }
  std::int64_t documents_of(const models::UserId& id) {
    return run([&](mongo::Session& session) {
      const bson::Document filter = bson::make_document("user_id", id.str());
      std::int64_t count = 0;
      for (const char* name : {"generations", "subscriptions", "usage_logs", "rate_limit_logs"}) {
        count += session.count(name, filter);
      }
      return count + session.count("users", bson::make_document("_id", id.str()));
    });
  }
  auto remove(const SignedIn& login, std::string_view password = kPassword) {
    return delete_account(services_, run_, requester(login), by_password(password));
  }
  std::int64_t sweep() {
    return run([&](mongo::Session& session) { return sweep_deleted_accounts(session, context_); });
  }
};

TEST_F(AccountDeletionTest, LeavesNothingOfTheUserAndAllOfOthers) {
  const User ada = furnished("ada@example.com");
  const User bob = furnished("bob@example.com");
  const SignedIn login = logged_in("ada@example.com");
  const std::int64_t of_bob = documents_of(bob.id);
  EXPECT_TRUE(std::holds_alternative<NotProven>(remove(login, "wrong horse")));
  EXPECT_EQ(documents_of(ada.id), of_bob);
  EXPECT_TRUE(std::holds_alternative<Accepted>(remove(login)));
  EXPECT_EQ(documents_of(ada.id), 0);
  EXPECT_EQ(documents_of(bob.id), of_bob);
  EXPECT_FALSE(is_admitted(login.access_token));
  registered("ada@example.com");  // the address is free
}

TEST_F(AccountDeletionTest, ACrashBetweenAnyTwoStepsIsFinishedByTheSweep) {
  if (!Database::get().has_fail_points()) GTEST_SKIP();
  for (int commands = 0;; ++commands) {
    Database::get().clear();
    const User ada = furnished("ada@example.com");
    const SignedIn login = logged_in("ada@example.com");
    Database::get().fail_after(commands);
    bool crashed = false;
    try {
      (void)remove(login);
    } catch (const Error&) {
      crashed = true;  // before the first step was done: nothing has happened
    }
    Database::get().stop_failing();
    const bool locked_out = !is_admitted(login.access_token);
    EXPECT_NE(crashed, locked_out) << commands;
    if (locked_out) {
      // From the first step on nothing names the person, and the address is free.
      const auto left =
          with<UserRepository>([&](UserRepository users) { return users.find_by_id(ada.id); });
      if (left) {
        EXPECT_THAT(bson::to_json(schema::to_bson(*left)), Not(HasSubstr("ada@"))) << commands;
      }
      const bool more = left.has_value();
      EXPECT_EQ(sweep(), more ? 1 : 0) << commands;
      EXPECT_EQ(documents_of(ada.id), 0) << commands;
      if (!more) break;
    }
    ASSERT_LT(commands, 50);
  }
}

TEST_F(AccountDeletionTest, WaitsForAChargeThatIsOnItsWay) {
  const User ada = furnished("ada@example.com");
  const SignedIn login = logged_in("ada@example.com");
  with<UserRepository>([&](UserRepository users) {
    users.update_by_id(
        ada.id,
        update(push<&User::pending_charges>(models::PendingCharge{
            .token = "gen_x", .generation_id = "gen_x", .credits = 1, .at = clock_.now()})));
  });
  (void)remove(login);
  EXPECT_FALSE(is_admitted(login.access_token));
  EXPECT_EQ(sweep(), 0);
  clock_.advance(10min);
  with<Charging>([](Charging charging) { charging.sweep(5min); });
  EXPECT_EQ(sweep(), 1);
  EXPECT_EQ(documents_of(ada.id), 0);
}

TEST_F(AccountDeletionTest, TheSweepLeavesWhoseAddressMerelyLooksLikeThat) {
  const User odd = registered("~dolly@example.com");
  EXPECT_EQ(sweep(), 0);
  EXPECT_EQ(documents_of(odd.id), 1);
}

TEST_F(AccountDeletionTest, AnExportHoldsAllThatIsThePersonsAndNoSecret) {
  const User ada = furnished("ada@example.com");
  furnished("bob@example.com");
  const SignedIn login = logged_in("ada@example.com");
  const auto key = run([&](mongo::Session& session) {
    return create_api_key(services_, session, requester(login), models::kUserScopes,
                          {"ci", {models::Scope::kUsageRead}, {}});
  });
  std::string text;
  EXPECT_TRUE(run([&](mongo::Session& session) {
    return export_account(session, context_, ada.id,
                          [&](std::string_view piece) { text += piece; });
  }));
  const bson::Document exported = schema::parse_json(text);
  EXPECT_EQ(exported["user"].as_document()["email"].as_string(), "ada@example.com");
  const auto size = [&](const char* name) {
    std::size_t count = 0;
    for ([[maybe_unused]] const auto& item : exported[name].as_document()) ++count;
    return count;
  };
  EXPECT_EQ(size("sessions"), 1U);
  EXPECT_EQ(size("api_keys"), 1U);
  EXPECT_EQ(size("generations"), 2U);
  EXPECT_EQ(size("usage_logs"), 1U);
  EXPECT_EQ(exported["subscription"].as_document()["user_id"].as_string(), ada.id.str());
  EXPECT_THAT(text, Not(HasSubstr("bob@")));
  EXPECT_THAT(text, Not(HasSubstr("bcrypt")));
  EXPECT_THAT(text, Not(HasSubstr("hash")));
  EXPECT_FALSE(run([&](mongo::Session& session) {
    return export_account(session, context_, "user_nobody", [](std::string_view) { FAIL(); });
  }));
}

}  // namespace
}  // namespace gesso::domain
