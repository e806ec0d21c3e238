// What each method of the repositories costs on Azure Cosmos DB (RU), by the embedded engine's
// model of its charges: docs/REQUEST_CHARGES.md. A change that makes a request dearer shows there.
#include <gtest/gtest.h>

#include <cstdio>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "gesso/mongo/indexes.hpp"
#include "gesso/mongo/service.hpp"
#include "gesso/repositories/account_repository.hpp"
#include "gesso/repositories/generation_repository.hpp"
#include "gesso/repositories/indexes.hpp"
#include "gesso/repositories/rate_limit_repository.hpp"
#include "gesso/repositories/subscription_repository.hpp"
#include "gesso/repositories/usage_log_repository.hpp"
#include "gesso/repositories/user_repository.hpp"
#include "gesso/repositories/webhook_event_repository.hpp"
#include "gesso/testing/fake_clock.hpp"
#include "gesso/testing/seeded_random.hpp"
#include "gesso/testing/temp_dir.hpp"
#include "tests/models/golden.hpp"
#include "tests/repositories/fixture.hpp"

namespace gesso::repositories {
namespace {

using namespace std::chrono_literals;

// An account whose requests are charged and never refused.
class ChargedDatabase {
  testing::TempDir folder_;
  SystemClock system_clock_;
  testing::SeededRandom random_;
  testing::FakeClock clock_{std::chrono::sys_days{std::chrono::year{2100} / 1 / 31}};
  IdGenerator ids_{clock_, random_};
  localdb::Server server_{{.data_dir = folder_ / "data",
                           .unix_socket = folder_ / "ru.sock",
                           .cosmos = localdb::CosmosOptions{.ru = 100'000'000, .partitions = 1}}};
  std::mutex mutex_;  // guards finds_
  std::vector<bson::Document> finds_;
  mongo::Service service_{options(), system_clock_, random_};

  mongo::ServiceOptions options() {
    server_.start();
    mongo::ServiceOptions options;
    options.uri = Secret(server_.uri());
    options.database = "charged";
    options.pool_size = 2;
    options.warm_minimum = 0;
    options.charge_sampling = 1;
    options.observe_command = [this](std::string_view name, bson::View command,
                                     std::chrono::microseconds, bool) {
      const std::lock_guard lock(mutex_);
      if (name == "find") finds_.emplace_back(command);
    };
    return options;
  }

 public:
  const RepositoryContext context{
      .clock = clock_, .random = random_, .ids = ids_, .bcrypt_cost = 4};

  ChargedDatabase() {
    service_.connect();
    service_.run(
        [](mongo::Session& session) { (void)mongo::create_indexes(session, declared_indexes()); });
  }
  ~ChargedDatabase() { service_.stop(); }

  // Every find that was sent, as the server says it is answered.
  std::vector<bson::Document> explanations() {
    std::vector<bson::Document> finds;
    {
      const std::lock_guard lock(mutex_);
      finds.swap(finds_);
    }
    return service_.run([&](mongo::Session& session) {
      std::vector<bson::Document> out;
      for (const bson::Document& find : finds) {
        bson::Builder asked;
        for (const char* field : {"find", "filter", "sort", "limit"}) {
          if (const bson::Value value = find[field]) asked.append(field, value);
        }
        out.push_back(session.run_command(bson::make_document("explain", asked.finish())));
      }
      return out;
    });
  }

  // What a unit of work cost.
  double charge(const std::function<void(mongo::Session&)>& unit) {
    return service_.run([&](mongo::Session& session) {
      unit(session);
      return session.request_charge().value().request_units;
    });
  }
};

class RequestCharges : public ::testing::Test {
 protected:
  ChargedDatabase database_;
  std::string table_;

  template <class R, class F>
  void row(const std::string& method, F&& call) {
    const double charge = database_.charge([&](mongo::Session& session) {
      R repository(session, database_.context);
      call(repository);
    });
    char text[32];
    std::snprintf(text, sizeof text, "%.2f", charge);
    table_ += "| `" + method + "` | " + text + " |\n";
  }
  template <class R, class F>
  void do_on(F&& call) {
    (void)database_.charge([&](mongo::Session& session) {
      R repository(session, database_.context);
      call(repository);
    });
  }
  void heading(const std::string& text) {
    table_ += "\n## " + text + "\n\n| method | RU |\n|---|---|\n";
  }
};

TEST_F(RequestCharges, AreAsTheyWere) {
  const models::UserId user = "user_ada";
  const Time now = database_.context.clock.now();
  table_ =
      "# Request charges\n"
      "\n"
      "Printed by `tests/repositories/request_charges_test.cpp`: what each method costs on Azure "
      "Cosmos\n"
      "DB (RU), in request units, by the embedded engine's model of its charges\n"
      "([COSMOS_EMULATOR.md](COSMOS_EMULATOR.md)), in one partition, with the indexes that "
      "`init-db`\n"
      "makes there. The documents are small ones: a user without logins or operations, a prompt of "
      "a\n"
      "few words. Beside 20 generations and 20 log entries of the user there is nothing in the\n"
      "collections; a list costs more the more it returns.\n"
      "\n"
      "400 RU/s, the least that a collection has, are so many of a method a second.\n";

  heading("Users");
  row<UserRepository>("create_user", [&](UserRepository& users) {
    models::User ada{.id = user,
                     .email = "ada@example.com",
                     .stripe_customer_id = "cus_ada",
                     .created_at = now,
                     .updated_at = now};
    users.insert(ada);
  });
  row<UserRepository>("find_by_id",
                      [&](UserRepository& users) { EXPECT_TRUE(users.find_by_id(user)); });
  row<AccountRepository>("find_for_admission (each request)", [&](AccountRepository& accounts) {
    EXPECT_TRUE(accounts.find_for_admission(user, CredentialKind::kSession));
  });
  row<UserRepository>("find_by_email", [&](UserRepository& users) {
    EXPECT_TRUE(users.find_by_email("ada@example.com"));
  });
  row<UserRepository>("find_by_stripe_customer_id", [&](UserRepository& users) {
    EXPECT_TRUE(users.find_by_stripe_customer_id("cus_ada"));
  });
  row<UserRepository>("find_by_auth_provider, nobody", [&](UserRepository& users) {
    EXPECT_FALSE(users.find_by_auth_provider(models::AuthProvider::kGoogle, "1"));
  });
  row<UserRepository>("update_profile", [&](UserRepository& users) {
    (void)users.update_profile(user, {.full_name = {{"Ada"}}});
  });
  row<UserRepository>("increment_generations",
                      [&](UserRepository& users) { (void)users.increment_generations(user); });
  row<UserRepository>("deduct_credits", [&](UserRepository& users) {
    EXPECT_TRUE(users.deduct_credits(user, 1, "op_1"));
  });
  row<UserRepository>("add_credits", [&](UserRepository& users) {
    EXPECT_TRUE(users.add_credits(user, 1, "op_2"));
  });
  row<AccountRepository>("change_account", [&](AccountRepository& accounts) {
    (void)accounts.change_account(user, [](Account& account) {
      account.is_verified = true;
      return true;
    });
  });
  row<UserRepository>("list, one user", [&](UserRepository& users) {
    EXPECT_EQ(users.list(true, {}, {.limit = 20}).items.size(), 1U);
  });

  heading("Generations");
  std::optional<models::GenerationId> first;
  row<GenerationRepository>("create_generation", [&](GenerationRepository& generations) {
    first = generations.create_generation({.user_id = user, .prompt = "A lake at dusk"}).id;
  });
  do_on<GenerationRepository>([&](GenerationRepository& generations) {
    for (int i = 1; i < 20; ++i) {
      (void)generations.create_generation({.user_id = user, .prompt = "A lake at dusk"});
    }
  });
  row<GenerationRepository>("find_by_id", [&](GenerationRepository& generations) {
    EXPECT_TRUE(generations.find_by_id(first.value()));
  });
  row<GenerationRepository>("page_by_user, 20 of 20", [&](GenerationRepository& generations) {
    EXPECT_EQ(generations.page_by_user(user, {}, {.limit = 20}).items.size(), 20U);
  });
  row<GenerationRepository>("find_by_status, 10", [&](GenerationRepository& generations) {
    (void)generations.find_by_status(models::GenerationStatus::kPending, {.limit = 10});
  });
  row<GenerationRepository>("claim_next", [&](GenerationRepository& generations) {
    const auto claimed = generations.claim_next("worker");
    ASSERT_TRUE(claimed);
    first = claimed->id;
  });
  row<GenerationRepository>("mark_as_processing", [&](GenerationRepository& generations) {
    EXPECT_TRUE(generations.mark_as_processing(first.value(), "pred_1"));
  });
  row<GenerationRepository>("find_by_replicate_prediction_id",
                            [&](GenerationRepository& generations) {
                              EXPECT_TRUE(generations.find_by_replicate_prediction_id("pred_1"));
                            });
  row<GenerationRepository>("mark_as_completed", [&](GenerationRepository& generations) {
    EXPECT_TRUE(generations.mark_as_completed(first.value(), {"https://a.example/1"}, {}));
  });
  row<GenerationRepository>("mark_as_failed", [&](GenerationRepository& generations) {
    const auto claimed = generations.claim_next("worker");
    EXPECT_TRUE(generations.mark_as_failed(claimed.value().id, "no paint"));
  });
  row<GenerationRepository>("get_user_stats, of 20", [&](GenerationRepository& generations) {
    EXPECT_EQ(generations.get_user_stats(user).total_generations, 20);
  });

  heading("Subscriptions");
  std::optional<models::SubscriptionId> subscription;
  row<SubscriptionRepository>("create_subscription", [&](SubscriptionRepository& subscriptions) {
    subscription = subscriptions
                       .create_subscription({.user_id = user,
                                             .plan = models::SubscriptionPlan::kPro,
                                             .stripe_subscription_id = "stripe_1",
                                             .credits_per_month = 100,
                                             .current_period_end = now + 30 * 24h})
                       .id;
  });
  row<SubscriptionRepository>("find_by_user", [&](SubscriptionRepository& subscriptions) {
    EXPECT_TRUE(subscriptions.find_by_user(user));
  });
  row<SubscriptionRepository>(
      "find_by_stripe_subscription_id", [&](SubscriptionRepository& subscriptions) {
        EXPECT_TRUE(subscriptions.find_by_stripe_subscription_id("stripe_1"));
      });
  row<SubscriptionRepository>("use_credits", [&](SubscriptionRepository& subscriptions) {
    EXPECT_TRUE(subscriptions.use_credits(subscription.value(), 1, "op_1"));
  });
  row<SubscriptionRepository>("reset_period_usage", [&](SubscriptionRepository& subscriptions) {
    EXPECT_TRUE(subscriptions.reset_period_usage(subscription.value(), now + 60 * 24h));
  });
  row<SubscriptionRepository>("find_due, none", [&](SubscriptionRepository& subscriptions) {
    EXPECT_TRUE(subscriptions.find_due(models::SubscriptionStatus::kActive, now).empty());
  });

  heading("Usage logs");
  row<UsageLogRepository>("log", [&](UsageLogRepository& logs) {
    (void)logs.log({.user_id = user, .action_type = models::ActionType::kApiRequest});
  });
  row<UsageLogRepository>("create_many of 19", [&](UsageLogRepository& logs) {
    std::vector<models::UsageLog> entries;
    for (int i = 0; i < 19; ++i) {
      entries.push_back(make_usage_log(
          database_.context, {.user_id = user, .action_type = models::ActionType::kApiRequest}));
    }
    EXPECT_EQ(logs.create_many(entries).created, 19);
  });
  const TimeRange range{.from = now - 1h, .to = now + 1h};
  row<UsageLogRepository>("page_by_user, 20 of 20", [&](UsageLogRepository& logs) {
    EXPECT_EQ(logs.page_by_user(user, range, {.limit = 20}).items.size(), 20U);
  });
  row<UsageLogRepository>("count_actions, 20", [&](UsageLogRepository& logs) {
    EXPECT_EQ(logs.count_actions(user, models::ActionType::kApiRequest, now - 1h), 20);
  });
  row<UsageLogRepository>("summary, of 20", [&](UsageLogRepository& logs) {
    EXPECT_EQ(logs.summary(user, range).size(), 1U);
  });

  heading("Rate limits");
  row<RateLimitRepository>("hit, the first of a window", [&](RateLimitRepository& limits) {
    EXPECT_TRUE(limits.hit("user_ada", "/", 10, 1min).allowed);
  });
  row<RateLimitRepository>("hit, a later one", [&](RateLimitRepository& limits) {
    EXPECT_TRUE(limits.hit("user_ada", "/", 10, 1min).allowed);
  });
  row<RateLimitRepository>(
      "block", [&](RateLimitRepository& limits) { limits.block("user_ada", "/", now + 1h); });
  row<RateLimitRepository>("is_blocked", [&](RateLimitRepository& limits) {
    EXPECT_TRUE(limits.is_blocked("user_ada", "/"));
  });

  heading("Webhook events");
  const models::StripeEvent event{.id = "evt_1", .type = "invoice.paid", .created = now};
  const auto id = webhook_event_id(models::WebhookProvider::kStripe, "evt_1");
  row<WebhookEventRepository>(
      "receive", [&](WebhookEventRepository& events) { EXPECT_EQ(events.receive(event).id, id); });
  row<WebhookEventRepository>("receive, once more",
                              [&](WebhookEventRepository& events) { (void)events.receive(event); });
  row<WebhookEventRepository>("mark_applied",
                              [&](WebhookEventRepository& events) { events.mark_applied(id); });
  row<WebhookEventRepository>("find_due, none", [&](WebhookEventRepository& events) {
    EXPECT_TRUE(events.find_due(now).empty());
  });
  models::testing::expect_golden("docs/REQUEST_CHARGES.md", table_);

  // And each of the queries finds an index for every one of its conditions, but for the guard
  // against what is due: every document has that field, and the server deletes what is due.
  const std::vector<bson::Document> explanations = database_.explanations();
  EXPECT_GT(explanations.size(), 20U);
  for (const bson::Document& explanation : explanations) {
    const std::string text = bson::to_json(explanation);
    const bson::Value paths =
        explanation.view().at_path("stages.0.details.indexUsage.pathsNotIndexed.individualIndexes");
    ASSERT_TRUE(paths.is_array()) << text;
    for (const bson::Element& path : paths.as_document()) {
      const std::string_view name = path.value.as_string();
      EXPECT_EQ(name, "expires_at") << text;
    }
  }
}

// Those that nobody sees: what stays of deleted generations, and in the place of charges that were
// given up.
std::vector<models::Generation> hidden_generations(const models::UserId& user, std::size_t count,
                                                   const RepositoryContext& context) {
  const Time now = context.clock.now();
  std::vector<models::Generation> out;
  for (std::size_t i = 0; i < count; ++i) {
    out.push_back({.id = models::GenerationId::next(context.ids),
                   .user_id = user,
                   .prompt = "(deleted)",
                   .status = models::GenerationStatus::kFailed,
                   .voided_at = now,
                   .claimable_at = now,
                   .created_at = now,
                   .updated_at = now});
  }
  return out;
}

// Without an index of the field that hides them, a page of a user with 10,000 of them cost 195 RU
// instead of 5, since each was loaded to see that it is one.
TEST_F(RequestCharges, DoNotGrowWithWhatNobodySees) {
  using models::GenerationStatus;
  const models::UserId user = "user_ada";
  const auto charges = [&] {
    do_on<GenerationRepository>([&](GenerationRepository& generations) {
      for (int i = 0; i < 2; ++i) {
        (void)generations.create_generation({.user_id = user, .prompt = "A lake at dusk"});
      }
    });
    std::map<std::string, double> out;
    const auto measure = [&](const std::string& method, auto call) {
      out[method] = database_.charge([&](mongo::Session& session) {
        GenerationRepository generations(session, database_.context);
        call(generations);
      });
    };
    measure("claim_next", [&](auto& generations) { (void)generations.claim_next("worker"); });
    measure("page_by_user",
            [&](auto& generations) { (void)generations.page_by_user(user, {}, {.limit = 1}); });
    measure("page_by_user, of a status", [&](auto& generations) {
      (void)generations.page_by_user(user, GenerationStatus::kFailed, {.limit = 1});
    });
    measure("find_by_status", [&](auto& generations) {
      (void)generations.find_by_status(GenerationStatus::kFailed, {.limit = 1});
    });
    measure("find_newest", [&](auto& generations) {
      (void)generations.find_newest(GenerationStatus::kFailed, user, {}, {.limit = 1});
    });
    return out;
  };
  const auto before = charges();
  constexpr std::size_t kHidden = 2000;
  do_on<GenerationRepository>([&](GenerationRepository& generations) {
    EXPECT_EQ(generations.create_many(hidden_generations(user, kHidden, database_.context)).created,
              static_cast<std::int64_t>(kHidden));
  });
  const auto after = charges();
  for (const auto& [method, charge] : before) {
    EXPECT_LT(after.at(method), 1.1 * charge) << method;
  }
}

}  // namespace
}  // namespace gesso::repositories
