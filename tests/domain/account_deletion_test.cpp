#include "gesso/domain/account_deletion.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <set>

#include "gesso/domain/api_keys.hpp"
#include "gesso/domain/billing.hpp"
#include "gesso/domain/charging.hpp"
#include "gesso/images/blob_store.hpp"
#include "gesso/repositories/generation_repository.hpp"
#include "gesso/repositories/subscription_repository.hpp"
#include "gesso/repositories/usage_log_repository.hpp"
#include "gesso/repositories/user_repository.hpp"
#include "gesso/schema/json.hpp"
#include "tests/domain/account_fixture.hpp"
#include "tests/domain/stripe_world.hpp"

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
  DeletionReport sweep_with(const StripeTransport& stripe) {
    return sweep_deleted_accounts(run_, context_, {.settings = billing_, .stripe = stripe});
  }
  std::int64_t sweep() { return sweep_with({}).gone; }

  BillingSettings billing_{.plans = priced_plans(), .sells = true};
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

// A store that is told what to remove, and whether somebody holds a connection meanwhile.
class ToldStore final : public images::BlobStore {
 public:
  const bool& in_unit;
  std::vector<std::string> removed = {};
  bool works = true;

  explicit ToldStore(const bool& in_unit_in) : in_unit(in_unit_in) {}

  images::PutOutcome put(std::string_view, const images::Blob&, const client::Call&) override {
    return images::PutOutcome::kThere;
  }
  images::PutOutcome copy(std::string_view, const std::string&, const client::Call&) override {
    return images::PutOutcome::kThere;
  }
  std::optional<images::Blob> get(std::string_view, const client::Call&) override { return {}; }
  void remove(std::string_view name, const client::Call&) override {
    EXPECT_FALSE(in_unit) << name;
    removed.emplace_back(name);
    if (!works) throw Error(ErrorKind::kUnavailable, "the store is away");
  }
  std::vector<images::StoredBlob> list(std::string_view, std::string_view, std::size_t,
                                       const client::Call&) override {
    return {};
  }
  std::string address(std::string_view name) const override {
    return "https://images.invalid/" + std::string(name);
  }
  std::optional<std::string> name_at(std::string_view address) const override {
    return std::string(address.substr(address.find("generations/")));
  }
  std::string link(std::string_view name, Time) override { return address(name); }
};

class DeletedImagesTest : public AccountDeletionTest {
 protected:
  bool in_unit_ = false;
  ToldStore store_{in_unit_};

  void give_image(const models::GenerationId& id) {
    with<GenerationRepository>([&](GenerationRepository generations) {
      const std::string folder = "https://images.invalid/generations/" + id.str();
      generations.update_by_id(
          id, update(set<&models::Generation::blob_urls>(
                         std::vector<models::Url>{models::Url(folder + "/0.png")}),
                     set<&models::Generation::thumbnail_urls>(
                         std::vector<models::Url>{models::Url(folder + "/0.small.webp")})));
    });
  }
  DeletionReport sweep_with_images(const client::Call& removing = {}) {
    const RunUnit run = [this](const Unit& unit) {
      in_unit_ = true;
      run_(unit);
      in_unit_ = false;
    };
    return sweep_deleted_accounts(run, context_, {.settings = billing_}, &store_, removing);
  }
};

TEST_F(DeletedImagesTest, GoWithTheAccountPageByPageAndWithNoConnectionHeld) {
  services_.on_deletion = [] {};  // the sweep does the second step
  const User ada = registered("ada@example.com");
  constexpr std::size_t kMoreThanAPage = 205;
  for (std::size_t i = 0; i < kMoreThanAPage; ++i) {
    give_image(add_generation(ada.id, "A lake at dusk").id);
  }
  const User bob = registered("bob@example.com");
  give_image(add_generation(bob.id, "A harbour").id);
  EXPECT_TRUE(std::holds_alternative<Accepted>(remove(logged_in("ada@example.com"))));
  EXPECT_EQ(sweep_with_images().gone, 1);
  EXPECT_EQ(store_.removed.size(), 2 * kMoreThanAPage);
  EXPECT_EQ(documents_of(ada.id), 0);
  EXPECT_EQ(std::set<std::string>(store_.removed.begin(), store_.removed.end()).size(),
            2 * kMoreThanAPage);
}

TEST_F(DeletedImagesTest, AStoreThatIsAwayIsAskedOnceAndKeepsNobody) {
  services_.on_deletion = [] {};
  const User ada = registered("ada@example.com");
  give_image(add_generation(ada.id, "A lake at dusk").id);
  give_image(add_generation(ada.id, "A harbour").id);
  EXPECT_TRUE(std::holds_alternative<Accepted>(remove(logged_in("ada@example.com"))));
  store_.works = false;
  EXPECT_EQ(sweep_with_images().gone, 1);
  EXPECT_EQ(store_.removed.size(), 1U);
  EXPECT_EQ(documents_of(ada.id), 0);
}

TEST_F(DeletedImagesTest, AreLeftToTheOrphanSweepWhereThereIsNoTime) {
  services_.on_deletion = [] {};
  const User ada = registered("ada@example.com");
  give_image(add_generation(ada.id, "A lake at dusk").id);
  EXPECT_TRUE(std::holds_alternative<Accepted>(remove(logged_in("ada@example.com"))));
  std::stop_source ending;
  ending.request_stop();
  EXPECT_EQ(sweep_with_images({.stop = ending.get_token()}).gone, 1);
  EXPECT_TRUE(store_.removed.empty());
  EXPECT_EQ(documents_of(ada.id), 0);
}

TEST_F(DeletedImagesTest, StayWhileAChargeIsOnItsWay) {
  services_.on_deletion = [] {};
  const User ada = registered("ada@example.com");
  give_image(add_generation(ada.id, "A lake at dusk").id);
  EXPECT_TRUE(std::holds_alternative<Accepted>(remove(logged_in("ada@example.com"))));
  with<UserRepository>([&](UserRepository users) {
    users.update_by_id(
        ada.id,
        update(push<&User::pending_charges>(models::PendingCharge{
            .token = "gen_x", .generation_id = "gen_x", .credits = 1, .at = clock_.now()})));
  });
  EXPECT_EQ(sweep_with_images().gone, 0);
  EXPECT_TRUE(store_.removed.empty());
}

// Stripe, as far as subscriptions go.
class FakeStripe {
 public:
  enum class Mood { kWorks, kIsDown, kIsUnreachable, kRefuses };
  Mood mood = Mood::kWorks;
  std::map<std::string, std::string> subscriptions;  // their states by id
  std::vector<StripeCall> calls;

  StripeTransport transport() {
    return [this](const StripeCall& call, Deadline) { return answer(call); };
  }

 private:
  StripeReply answer(const StripeCall& call) {
    calls.push_back(call);
    if (mood == Mood::kIsUnreachable) throw Error(ErrorKind::kUnavailable, "no route to Stripe");
    if (mood == Mood::kIsDown) return {.status = 503, .body = "<html>"};
    if (mood == Mood::kRefuses) {
      return {.status = 401, .body = R"({"error":{"type":"invalid_request_error"}})"};
    }
    const std::string id = call.path.substr(call.path.rfind('/') + 1);
    const auto found = subscriptions.find(id);
    const bool is_there =
        found != subscriptions.end() && (call.method == "GET" || found->second != "canceled");
    if (!is_there) {
      return {.status = 404,
              .body = R"({"error":{"type":"invalid_request_error","code":"resource_missing"}})"};
    }
    if (call.method == "DELETE") found->second = "canceled";
    return {.status = 200,
            .body = R"({"object":"subscription","id":")" + id +
                    R"(","customer":"cus_1","status":")" + found->second +
                    R"(","created":1700000000,"items":{"data":[]}})"};
  }
};

class PayingAccountTest : public AccountDeletionTest {
 protected:
  const Time february_ = at("2100-02-28T12:00:00Z");
  FakeStripe stripe_;
  std::optional<User> ada_;

  void SetUp() override {
    AccountDeletionTest::SetUp();
    ada_ = registered("ada@example.com");
    add_generation(ada_->id, "A lake at dusk");
    buy("sub_a");
  }
  void buy(const std::string& id) {
    stripe_.subscriptions[id] = "active";
    const StripeSubscriptionOf sold(id, "price_pro_monthly", clock_.now(), ada_->id.str());
    apply(sold.state(models::StripeStatus::kActive, clock_.now(), "created"));
    apply(sold.paid("in_" + id, clock_.now(), february_, models::InvoiceReason::kCreate));
  }
  void apply(const models::StripeEvent& event) {
    run([&](mongo::Session& session) {
      EXPECT_EQ(Billing(session, context_, billing_).apply(event), ApplyOutcome::kApplied);
    });
  }
  void delete_ada() {
    EXPECT_TRUE(std::holds_alternative<Accepted>(remove(logged_in("ada@example.com"))));
  }
  std::int64_t count(const char* collection) {
    return run([&](mongo::Session& session) {
      return session.count(collection, bson::make_document("user_id", ada_->id.str()));
    });
  }
};

TEST_F(PayingAccountTest, WhatItPaysForIsCancelledAndItsIdsStayForADay) {
  int told = 0;
  services_.on_deletion = [&] { ++told; };
  delete_ada();
  EXPECT_EQ(told, 1);  // whoever sweeps does it now
  EXPECT_EQ(sweep_with(stripe_.transport()).cancelled, 1);
  EXPECT_EQ(count("generations"), 0);
  EXPECT_EQ(count("subscriptions"), 1);
  EXPECT_EQ(stripe_.subscriptions["sub_a"], "canceled");
  ASSERT_EQ(stripe_.calls.size(), 1U);
  EXPECT_EQ(stripe_.calls[0], cancel_now("sub_a", "sub_a"));
  // What Stripe then tells of it is nobody's to wait for.
  const StripeSubscriptionOf sold("sub_a", "price_pro_monthly", clock_.now(), ada_->id.str());
  apply(sold.deleted(clock_.now()));
  EXPECT_EQ(sweep_with(stripe_.transport()).gone, 0);
  clock_.advance(25h);
  EXPECT_EQ(sweep_with(stripe_.transport()).gone, 1);
  EXPECT_EQ(documents_of(ada_->id), 0);
  EXPECT_EQ(stripe_.calls.size(), 1U);
}

TEST_F(PayingAccountTest, IsCancelledOnceStripeIsThereAgain) {
  delete_ada();
  using Mood = FakeStripe::Mood;
  for (const Mood mood : {Mood::kIsDown, Mood::kIsUnreachable, Mood::kRefuses}) {
    stripe_.mood = mood;
    clock_.advance(25h);
    const DeletionReport report = sweep_with(stripe_.transport());
    EXPECT_EQ(report.paying, 1);
    EXPECT_EQ(report.gone, 0);
    EXPECT_EQ(report.cancelled, 0);
    EXPECT_EQ(count("subscriptions"), 1);
  }
  EXPECT_EQ(sweep_with({}).paying, 1);  // nobody may ask Stripe
  stripe_.mood = Mood::kWorks;
  const DeletionReport report = sweep_with(stripe_.transport());
  EXPECT_EQ(report.cancelled, 1);
  EXPECT_EQ(report.gone, 1);
  EXPECT_EQ(stripe_.subscriptions["sub_a"], "canceled");
}

TEST_F(PayingAccountTest, OneThatStripeDoesNotKnowOrHasCancelledIsNotWaitedFor) {
  buy("sub_b");
  stripe_.subscriptions["sub_a"] = "canceled";  // its event was lost
  stripe_.subscriptions.erase("sub_b");
  delete_ada();
  const DeletionReport report = sweep_with(stripe_.transport());
  EXPECT_EQ(report.cancelled, 2);
  EXPECT_EQ(report.paying, 0);
}

TEST_F(PayingAccountTest, ACheckoutThatWasOpenBuysForNobodyAndIsCancelled) {
  delete_ada();
  sweep_with(stripe_.transport());
  clock_.advance(23h);
  buy("sub_late");
  EXPECT_EQ(sweep_with(stripe_.transport()).cancelled, 1);
  EXPECT_EQ(stripe_.subscriptions["sub_late"], "canceled");
  clock_.advance(2h);
  EXPECT_EQ(sweep_with(stripe_.transport()).gone, 1);
}

TEST_F(PayingAccountTest, ACrashAnywhereLeavesNobodyPaying) {
  if (!Database::get().has_fail_points()) GTEST_SKIP();
  delete_ada();
  bool finished = false;
  for (int commands = 0; !finished; ++commands) {
    ASSERT_LT(commands, 50);
    Database::get().fail_after(commands);
    try {
      finished = sweep_with(stripe_.transport()).paying == 0;
    } catch (const Error&) {
    }
    Database::get().stop_failing();
    clock_.advance(1min);
  }
  EXPECT_EQ(stripe_.subscriptions["sub_a"], "canceled");
  clock_.advance(25h);
  EXPECT_EQ(sweep_with(stripe_.transport()).gone, 1);
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
  // What a crash left of linking, and is no link.
  with<UserRepository>([&](UserRepository users) {
    users.update_by_id(ada.id, update(push<&User::linked_identities>(
                                   models::LinkedIdentity{.key = "claim/github/7",
                                                          .provider = models::AuthProvider::kGithub,
                                                          .auth_provider_id = "x",
                                                          .linked_at = clock_.now()})));
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
  EXPECT_EQ(size("linked_identities"), 0U);
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
