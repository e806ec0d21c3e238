// Which write may be made again after its answer was lost: every one of the repositories', with a
// connection that is cut after the server has done it. What comes of it is docs/REPEATED_WRITES.md.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "gesso/bson/json.hpp"
#include "gesso/repositories/account_repository.hpp"
#include "gesso/repositories/generation_repository.hpp"
#include "gesso/repositories/rate_limit_repository.hpp"
#include "gesso/repositories/subscription_repository.hpp"
#include "gesso/repositories/usage_log_repository.hpp"
#include "gesso/repositories/user_repository.hpp"
#include "gesso/repositories/webhook_event_repository.hpp"
#include "tests/models/golden.hpp"
#include "tests/repositories/fixture.hpp"
#include "tests/repositories/lossy_database.hpp"

namespace gesso::repositories {
namespace {

using namespace std::chrono_literals;
using models::Generation;
using models::Subscription;
using models::User;

// All repositories of a unit of work, and whom it is about: what is made for one has ids that say
// so, since a repetition must find what the first attempt made.
struct Unit {
  mongo::Session& session;
  const RepositoryContext& context;
  std::string who;

  UserRepository users{session, context};
  AccountRepository accounts{session, context};
  GenerationRepository generations{session, context};
  SubscriptionRepository subscriptions{session, context};
  RateLimitRepository limits{session, context};
  UsageLogRepository logs{session, context};
  WebhookEventRepository events{session, context};

  models::UserId user_id() const { return "user_" + who; }
  models::GenerationId generation_id() const { return "gen_" + who; }
  models::SubscriptionId subscription_id() const { return "sub_" + who; }
  models::UsageLogId log_id() const { return "log_" + who; }

  Time now() const { return context.clock.now(); }
  User user() const {
    return {.id = user_id(),
            .email = who + "@example.com",
            .credits_remaining = 10,
            .created_at = now(),
            .updated_at = now()};
  }
  Generation generation() const {
    Generation made = generations.make_generation({.user_id = user_id(), .prompt = "A lake"});
    made.id = generation_id();
    return made;
  }
  Subscription subscription() const {
    return {.id = subscription_id(),
            .user_id = user_id(),
            .plan = models::SubscriptionPlan::kPro,
            .credits_per_month = 100,
            .current_period_start = now(),
            .current_period_end = now() + 30 * 24h,
            .created_at = now(),
            .updated_at = now()};
  }
  models::UsageLog log() const {
    return {.id = log_id(),
            .user_id = user_id(),
            .action_type = models::ActionType::kApiRequest,
            .created_at = now(),
            .expires_at = now() + models::UsageLog::kLifetime};
  }
  models::StripeEvent event() const {
    return {.id = "evt_" + who, .type = "invoice.paid", .created = now()};
  }

  // Everything that is stored about `who`, without what names it.
  std::string state() {
    std::string all;
    for (const std::string_view collection :
         {User::kCollection, Generation::kCollection, Subscription::kCollection,
          models::UsageLog::kCollection, models::RateLimitLog::kCollection,
          models::WebhookEvent::kCollection}) {
      mongo::FindOptions options;
      options.sort = bson::make_document("_id", 1);
      mongo::Cursor cursor = session.find(collection, {}, options);
      while (const auto document = cursor.next()) {
        std::string text = bson::to_json(*document);
        if (text.find(who) == std::string::npos) continue;
        for (std::size_t at = 0; (at = text.find(who, at)) != std::string::npos;) {
          text.replace(at, who.size(), "WHO");
        }
        all += std::string(collection) + " " + without_ids(text) + "\n";
      }
    }
    return all;
  }

  // Ids that are made anew by each call tell nothing.
  static std::string without_ids(std::string text) {
    for (const std::string_view field : {"\"_id\" : \"", "\"unique_\" : \""}) {
      const std::size_t at = text.find(field);
      if (at == std::string::npos) continue;
      const std::size_t begin = at + field.size();
      text.replace(begin, text.find('"', begin) - begin, "ID");
    }
    return text;
  }
};

struct Write {
  const char* name;
  const char* why;  // it is what it is
  std::function<void(Unit&)> prepare;
  std::function<void(Unit&)> call;
};

void nothing(Unit&) {}
void with_user(Unit& unit) { unit.users.insert(unit.user()); }
void with_generation(Unit& unit) { unit.generations.insert(unit.generation()); }
void with_claimed(Unit& unit) {
  Generation made = unit.generation();
  made.status = models::GenerationStatus::kProcessing;
  made.started_at = unit.now();
  unit.generations.insert(made);
}
void with_subscription(Unit& unit) {
  with_user(unit);
  unit.subscriptions.insert(unit.subscription());
}
void with_event(Unit& unit) { (void)unit.events.receive(unit.event()); }

constexpr const char* kOwnId =
    "the document brings its id; the second insert is told that it is there";
constexpr const char* kUnique =
    "a unique value is in it; the second insert is told that it is taken";
constexpr const char* kSameValue = "sets fields to values; the second sets them again";
constexpr const char* kRevision = "counts a revision up, which only has to differ: harmless";
constexpr const char* kToken = "brings a token, which the document remembers";
constexpr const char* kMoved = "moves on from a state; the second finds it moved";

const LimitWindow kWindow = LimitWindow::at(Time{std::chrono::hours{500'000}}, 1min);

const Write kWrites[] = {
    {"Repository::insert, create", kOwnId, nothing, [](Unit& u) { u.users.insert(u.user()); }},
    {"Repository::create_many", kOwnId, nothing,
     [](Unit& u) {
       const std::vector<models::UsageLog> logs{u.log()};
       for (const auto& failure : u.logs.create_many(logs).failures) {
         if (failure) throw *failure;
       }
     }},
    {"Repository::update_by_id, update_one with $set", kSameValue, with_user,
     [](Unit& u) {
       (void)u.users.update_by_id(u.user_id(), query::update(query::set<&User::full_name>("Ada")));
     }},
    {"Repository::delete_by_id, delete_one by id", "what is gone is not deleted twice", with_user,
     [](Unit& u) { (void)u.users.delete_by_id(u.user_id()); }},
    {"UserRepository::create_user", kUnique, nothing,
     [](Unit& u) {
       (void)u.users.create_user(
           {.email = u.who + "@example.com", .password = schema::Password("correct horse")},
           std::nullopt);
     }},
    {"UserRepository::update_user, update_profile", kSameValue, with_user,
     [](Unit& u) { (void)u.users.update_user(u.user_id(), {.full_name = {{"Ada"}}}); }},
    {"UserRepository::increment_generations", "adds one, and nothing tells the two apart",
     with_user, [](Unit& u) { (void)u.users.increment_generations(u.user_id()); }},
    {"UserRepository::deduct_credits", kToken, with_user,
     [](Unit& u) { (void)u.users.deduct_credits(u.user_id(), 3, "op_" + u.who); }},
    {"UserRepository::add_credits", kToken, with_user,
     [](Unit& u) { (void)u.users.add_credits(u.user_id(), 3, "op_" + u.who); }},
    {"UserRepository::set_tier, set_role, mark_as_verified, set_stripe_customer", kSameValue,
     with_user,
     [](Unit& u) { (void)u.users.set_tier(u.user_id(), models::SubscriptionTier::kPro); }},
    {"UserRepository::deactivate, reactivate", kRevision, with_user,
     [](Unit& u) { (void)u.users.deactivate(u.user_id()); }},
    {"AccountRepository::change_account, save",
     "the revision is a condition; the second reads again, and finds nothing to change", with_user,
     [](Unit& u) {
       (void)u.accounts.change_account(u.user_id(), [](Account& account) {
         account.is_verified = true;
         return true;
       });
     }},
    {"GenerationRepository::create_generation",
     "makes an id each time; make_generation and create keep it", nothing,
     [](Unit& u) {
       (void)u.generations.create_generation({.user_id = u.user_id(), .prompt = "A lake"});
     }},
    {"GenerationRepository::mark_as_processing", kMoved, with_generation,
     [](Unit& u) { (void)u.generations.mark_as_processing(u.generation_id(), "pred_" + u.who); }},
    {"GenerationRepository::mark_as_completed", kMoved, with_claimed,
     [](Unit& u) {
       (void)u.generations.mark_as_completed(u.generation_id(), {"https://a.example/1"}, {});
     }},
    {"GenerationRepository::mark_as_failed", kMoved, with_claimed,
     [](Unit& u) { (void)u.generations.mark_as_failed(u.generation_id(), "no paint"); }},
    {"SubscriptionRepository::create_subscription",
     "the user's document is told first, then a unique value is inserted", with_user,
     [](Unit& u) {
       (void)u.subscriptions.create_subscription({.user_id = u.user_id(),
                                                  .plan = models::SubscriptionPlan::kPro,
                                                  .credits_per_month = 100,
                                                  .current_period_end = u.now() + 30 * 24h});
     }},
    {"SubscriptionRepository::use_credits", kToken, with_subscription,
     [](Unit& u) { (void)u.subscriptions.use_credits(u.subscription_id(), 3, "op_" + u.who); }},
    {"SubscriptionRepository::reset_period_usage",
     "the period that it begins is a condition; the second finds it begun", with_subscription,
     [](Unit& u) {
       (void)u.subscriptions.reset_period_usage(u.subscription_id(), u.now() + 60 * 24h);
     }},
    {"SubscriptionRepository::set_status, cancel", kRevision, with_subscription,
     [](Unit& u) {
       (void)u.subscriptions.set_status(u.subscription_id(), models::SubscriptionStatus::kPastDue);
     }},
    {"RateLimitRepository::take, hit", kToken, nothing,
     [](Unit& u) { (void)u.limits.take(u.user_id().str(), "/", kWindow, 10, 2, "op_" + u.who); }},
    {"RateLimitRepository::give_back", kToken,
     [](Unit& u) { (void)u.limits.take(u.user_id().str(), "/", kWindow, 10, 2, "take"); },
     [](Unit& u) { u.limits.give_back(u.user_id().str(), "/", kWindow, 1, "op_" + u.who); }},
    {"RateLimitRepository::block", kSameValue, nothing,
     [](Unit& u) { u.limits.block(u.user_id().str(), "/", u.now() + 1h); }},
    {"RateLimitRepository::reset", "what is gone is not deleted twice",
     [](Unit& u) { u.limits.block(u.user_id().str(), "/", u.now() + 1h); },
     [](Unit& u) { u.limits.reset(u.user_id().str(), "/"); }},
    {"UsageLogRepository::log", "makes an id each time; create_many of entries with ids keeps them",
     nothing,
     [](Unit& u) {
       (void)u.logs.log({.user_id = u.user_id(), .action_type = models::ActionType::kFileUpload});
     }},
    {"WebhookEventRepository::receive", "the id follows from the provider's", nothing,
     [](Unit& u) { (void)u.events.receive(u.event()); }},
    {"WebhookEventRepository::mark_applied, mark_ignored, park", kSameValue, with_event,
     [](Unit& u) {
       u.events.mark_applied(webhook_event_id(models::WebhookProvider::kStripe, "evt_" + u.who));
     }},
};

// Whether a message of the wire protocol is a command that writes.
bool is_write(std::string_view message) {
  using namespace std::string_view_literals;
  for (const std::string_view name : {"\x02insert\0"sv, "\x02update\0"sv,
                                      "\x02"
                                      "delete\0"sv,
                                      "\x02"
                                      "findAndModify\0"sv}) {
    if (message.find(name) < 40) return true;  // the first field of the body
  }
  return false;
}

class RepeatedWrites : public ::testing::Test {
 protected:
  LossyDatabase database_;
  testing::FakeClock clock_{std::chrono::sys_days{std::chrono::year{2100} / 1 / 31}};
  SystemRandom random_;
  IdGenerator ids_{clock_, random_};
  const RepositoryContext context_{
      .clock = clock_, .random = random_, .ids = ids_, .bcrypt_cost = 4};

  template <class F>
  auto as(const std::string& who, F&& f) {
    return database_.service().run([&](mongo::Session& session) {
      Unit unit{session, context_, who};
      return f(unit);
    });
  }
  void lose_next_write() {
    database_.lose = [left = std::make_shared<std::atomic<int>>(1)](std::string_view message) {
      return is_write(message) && left->fetch_sub(1) > 0;
    };
  }
};

TEST_F(RepeatedWrites, AreDoneOnceOrAreKnownNotToBe) {
  std::string table =
      "# Writes that are made again\n"
      "\n"
      "Printed by `tests/repositories/repeated_writes_test.cpp`, which loses the answer to the "
      "first\n"
      "write of each call after the server has done it, and calls again.\n"
      "\n"
      "A server that knows numbered writes (a replica set or a router of MongoDB; Azure Cosmos DB "
      "(RU)\n"
      "with `EnableMongoRetryableWrites` among `GESSO_COSMOS_CAPABILITIES`) is sent each write of "
      "one\n"
      "document under a number, and once more under the same one where its answer was lost: then\n"
      "nobody above notices. Everywhere else such a write is one `Unavailable` that is not "
      "retryable,\n"
      "and the caller decides, by this table:\n"
      "\n"
      "- **once**: the call may be made again; it was done once, and answers as the first would "
      "have.\n"
      "- **once, refused**: it may be made again; it was done once, and the second is told that it "
      "is "
      "done\n"
      "  (`duplicate`, `conflict`).\n"
      "- **twice**: it must not be made again blindly, unless the reason calls it harmless.\n"
      "\n"
      "What the server had no capacity for (16500) it did not do: that is repeated everywhere, and "
      "in a\n"
      "batch only the refused items. A timeout (50) of a write is never repeated by itself: half "
      "of it\n"
      "may be done; but `delete_many` goes on, since what is gone does not match any more.\n"
      "\n"
      "| write | made again | why |\n"
      "|---|---|---|\n";
  int number = 0;
  for (const Write& write : kWrites) {
    const std::string subject = "w" + std::to_string(++number) + "lost";
    const std::string twin = "w" + std::to_string(number) + "kept";
    as(twin, [&](Unit& unit) {
      write.prepare(unit);
      write.call(unit);
    });
    as(subject, [&](Unit& unit) { write.prepare(unit); });

    lose_next_write();
    const Error lost = error_of([&] { as(subject, write.call); });
    database_.lose = {};
    EXPECT_EQ(lost.kind(), ErrorKind::kUnavailable) << write.name << ": " << lost.what();
    EXPECT_FALSE(lost.retryable()) << write.name;

    std::string verdict = "once";
    try {
      as(subject, write.call);
    } catch (const Error& refused) {
      EXPECT_TRUE(refused.kind() == ErrorKind::kDuplicate || refused.kind() == ErrorKind::kConflict)
          << write.name << ": " << refused.what();
      verdict = "once, refused";
    }
    const auto state_of = [&](const std::string& who) {
      return as(who, [](Unit& unit) { return unit.state(); });
    };
    if (state_of(subject) != state_of(twin)) verdict = "twice";
    table += std::string("| `") + write.name + "` | " + verdict + " | " + write.why + " |\n";
  }
  models::testing::expect_golden("docs/REPEATED_WRITES.md", table);
}

}  // namespace
}  // namespace gesso::repositories
