// Every method of every repository, as the server plans it: an index scan, no scan of a collection
// and no sort in memory.
//
// The commands are those that the methods really send; each is sent once more under `explain`. An
// account of Azure Cosmos DB explains reads only, and tells of the paths that it looked up.
#include <algorithm>
#include <functional>
#include <set>

#include "gesso/bson/json.hpp"
#include "gesso/domain/billing.hpp"
#include "gesso/domain/charging.hpp"
#include "gesso/domain/credit_grants.hpp"
#include "gesso/domain/generation_work.hpp"
#include "gesso/domain/generations.hpp"
#include "gesso/domain/predictions.hpp"
#include "gesso/repositories/rate_limit_repository.hpp"
#include "gesso/repositories/usage_log_repository.hpp"
#include "gesso/repositories/webhook_event_repository.hpp"
#include "tests/repositories/fixture.hpp"
#include "tests/support/tested_dialect.hpp"

namespace gesso::domain {
namespace {

using namespace query;
using namespace repositories;
using namespace std::chrono_literals;
using models::Generation;
using models::GenerationStatus;
using models::User;

// Each value of a field named "stage" below a winning plan.
void collect_stages(bson::View document, bool winning, std::set<std::string>& stages) {
  for (const bson::Element& element : document) {
    if (winning && element.key == "stage" && element.value.is_string()) {
      stages.emplace(element.value.as_string());
    }
    if (element.key == "rejectedPlans") continue;
    if (element.value.is_document() || element.value.is_array()) {
      collect_stages(element.value.as_document(), winning || element.key == "winningPlan", stages);
    }
  }
}

// What the driver adds to a command, and an explain must not hold.
bson::Document as_asked(bson::View command) {
  static constexpr std::string_view kAdded[] = {
      "lsid", "$db", "$readPreference", "txnNumber", "maxTimeMS", "$clusterTime", "writeConcern"};
  bson::Builder builder;
  for (const bson::Element& element : command) {
    if (std::ranges::find(kAdded, element.key) == std::end(kAdded)) {
      builder.append_element(element);
    }
  }
  return builder.finish();
}

// The paths that an account of Azure Cosmos DB says it found in indexes, or did not.
std::set<std::string> paths_in(bson::View stage, std::string_view which) {
  std::set<std::string> paths;
  const bson::Value listed =
      stage.at_path("details.indexUsage." + std::string(which) + ".individualIndexes");
  if (!listed.is_array()) return paths;
  for (const bson::Element& path : listed.as_document()) paths.emplace(path.value.as_string());
  return paths;
}

void expect_plan(bson::View plan, const std::string& what) {
  std::set<std::string> stages;
  collect_stages(plan, false, stages);
  EXPECT_FALSE(stages.contains("COLLSCAN")) << what;
  EXPECT_FALSE(stages.contains("SORT")) << what;
  const bool by_index = std::ranges::any_of(stages, [](const std::string& stage) {
    return stage.starts_with("IXSCAN") || stage.starts_with("IDHACK") ||
           stage.starts_with("EXPRESS") || stage.starts_with("COUNT_SCAN");
  });
  EXPECT_TRUE(by_index) << what;
}

void expect_cosmos_plan(bson::View plan, const std::string& what) {
  // What ends documents is looked at in those that the rest found.
  static const std::set<std::string> kGuards{"expires_at"};
  const bson::View first = plan["stages"].as_document().begin()->value.as_document();
  std::set<std::string> scanned;
  std::ranges::set_difference(paths_in(first, "pathsNotIndexed"), kGuards,
                              std::inserter(scanned, scanned.end()));
  EXPECT_EQ(scanned, std::set<std::string>{}) << what;
  const bool is_point_read = first["stage"].as_string() == "$pointLookup";
  const bson::Value query = first.at_path("details.query");                // a point read has none
  const bool is_of_all = query.is_string() && query.as_string() == "{ }";  // along _id
  EXPECT_TRUE(is_point_read || is_of_all || !paths_in(first, "pathsIndexed").empty()) << what;
}

class ExplainTest : public RepositoryTest {
 protected:
  // Runs `method`, and then explains what it sent.
  void expect_served(const std::string& name, const std::function<void(mongo::Session&)>& method) {
    Database& database = Database::get();
    database.start_recording();
    run(method);
    const std::vector<SentCommand> sent = database.stop_recording();
    int explained = 0;
    for (const SentCommand& command : sent) {
      static const std::set<std::string> kReads{"find", "aggregate", "count"};
      static const std::set<std::string> kWrites{"findAndModify", "update", "delete"};
      const bool is_write = kWrites.contains(command.name);
      if (is_write && testing::is_on_cosmos()) ++explained;
      if (!kReads.contains(command.name) && (!is_write || testing::is_on_cosmos())) continue;
      ++explained;
      const bson::Document asked = as_asked(command.command);
      const bson::Document plan = run([&](mongo::Session& session) {
        return session.run_command(
            bson::make_document("explain", asked, "verbosity", "queryPlanner"));
      });
      const std::string what = name + ": " + bson::to_json(asked) + "\n" + bson::to_json(plan);
      testing::is_on_cosmos() ? expect_cosmos_plan(plan, what) : expect_plan(plan, what);
    }
    EXPECT_GT(explained, 0) << name << " sent nothing that can be explained";
  }
};

TEST_F(ExplainTest, UserRepository) {
  const User ada = add_user("ada@example.com", 10);
  const auto served = [&](const char* name, auto method) {
    expect_served(name, [&](mongo::Session& session) {
      UserRepository users(session, context_);
      method(users);
    });
  };
  served("find_by_id", [&](auto& users) { (void)users.find_by_id(ada.id); });
  served("find_by_email", [&](auto& users) { (void)users.find_by_email("ada@example.com"); });
  served("find_by_stripe_customer_id",
         [&](auto& users) { (void)users.find_by_stripe_customer_id("cus_1"); });
  served("find_by_auth_provider", [&](auto& users) {
    (void)users.find_by_auth_provider(models::AuthProvider::kGoogle, "1");
  });
  served("verify_password",
         [&](auto& users) { (void)users.verify_password("ada@example.com", "correct horse"); });
  served("update_user", [&](auto& users) { users.update_user(ada.id, {.full_name = "Ada"}); });
  served("increment_generations", [&](auto& users) { users.increment_generations(ada.id); });
  served("deduct_credits", [&](auto& users) { users.deduct_credits(ada.id, 1, ids_.next("op_")); });
  served("add_credits", [&](auto& users) { users.add_credits(ada.id, 1, ids_.next("op_")); });
  served("get_active_users", [&](auto& users) { (void)users.get_active_users(0, 10); });
  served("set_tier", [&](auto& users) { users.set_tier(ada.id, models::SubscriptionTier::kPro); });
  served("deactivate", [&](auto& users) { users.deactivate(ada.id); });
  served("delete_by_id", [&](auto& users) { users.delete_by_id(ada.id); });
  served("exists",
         [&](auto& users) { (void)users.exists(where<&User::email> == "ada@example.com"); });
  served("count", [&](auto& users) { (void)users.count(where<&User::is_active> == true); });
  served("stream", [&](auto& users) { (void)users.stream(all<User>()).next(); });
  served("page", [&](auto& users) {
    (void)users.page(where<&User::is_active> == true, sort_by(desc<&User::created_at>));
  });
}

TEST_F(ExplainTest, GenerationRepository) {
  const models::UserId ada = "user_ada";
  for (int i = 0; i < 5; ++i) add_generation(ada);
  const Generation one = add_generation(ada);
  const Generation two = add_generation(ada);
  const auto served = [&](const char* name, auto method) {
    expect_served(name, [&](mongo::Session& session) {
      GenerationRepository generations(session, context_);
      method(generations);
    });
  };
  const auto pending = GenerationStatus::kPending;
  served("find_by_user", [&](auto& repository) { (void)repository.find_by_user(ada); });
  served("find_by_user of a status",
         [&](auto& repository) { (void)repository.find_by_user(ada, pending); });
  served("page_by_user", [&](auto& repository) {
    const auto first = repository.page_by_user(ada, {}, {.limit = 2});
    const auto second = repository.page_by_user(ada, {}, {.limit = 2, .cursor = *first.next});
    (void)repository.page_by_user(ada, {}, {.limit = 2, .cursor = *second.previous});
  });
  served("page_by_user of a status", [&](auto& repository) {
    const auto first = repository.page_by_user(ada, pending, {.limit = 2});
    (void)repository.page_by_user(ada, pending, {.limit = 2, .cursor = *first.next});
  });
  served("find_newest", [&](auto& repository) {
    (void)repository.find_newest(pending, std::nullopt, std::nullopt, {.limit = 10});
  });
  served("find_newest of a user", [&](auto& repository) {
    (void)repository.find_newest(pending, ada, std::nullopt, {.limit = 10});
  });
  served("find_by_status", [&](auto& repository) { (void)repository.find_by_status(pending); });
  served("find_by_replicate_prediction_id",
         [&](auto& repository) { (void)repository.find_by_replicate_prediction_id("pred_1"); });
  served("get_pending_generations",
         [&](auto& repository) { (void)repository.get_pending_generations(10); });
  served("claim_next", [&](auto& repository) { (void)repository.claim_next("worker"); });
  served("mark_as_processing",
         [&](auto& repository) { repository.mark_as_processing(one.id, "pred_1"); });
  served("mark_as_completed", [&](auto& repository) {
    clock_.advance(1s);
    repository.mark_as_completed(one.id, {}, {});
  });
  served("mark_as_failed",
         [&](auto& repository) { repository.mark_as_failed(two.id, "no paint"); });
  served("get_user_stats", [&](auto& repository) { (void)repository.get_user_stats(ada); });
}

TEST_F(ExplainTest, SubscriptionRepository) {
  const auto bought = add_subscription("user_ada", 10);
  const auto served = [&](const char* name, auto method) {
    expect_served(name, [&](mongo::Session& session) {
      SubscriptionRepository subscriptions(session, context_);
      method(subscriptions);
    });
  };
  served("find_by_user", [&](auto& repository) { (void)repository.find_by_user("user_ada"); });
  served("find_by_stripe_subscription_id",
         [&](auto& repository) { (void)repository.find_by_stripe_subscription_id("sub_1"); });
  served("find_by_stripe_customer_id",
         [&](auto& repository) { (void)repository.find_by_stripe_customer_id("cus_1"); });
  served("find_due", [&](auto& repository) {
    (void)repository.find_due(models::SubscriptionStatus::kActive, clock_.now());
  });
  served("find_current", [&](auto& repository) { (void)repository.find_current("user_ada"); });
  served("change_state", [&](auto& repository) { repository.change_state(bought, bought); });
  served("settle", [&](auto& repository) { repository.settle(bought); });
  served("use_credits",
         [&](auto& repository) { repository.use_credits(bought.id, 1, ids_.next("op_")); });
  served("reset_period_usage", [&](auto& repository) { repository.reset_period_usage(bought.id); });
  served("change_plan", [&](auto& repository) {
    repository.change_plan(bought.id,
                           {.plan = models::SubscriptionPlan::kBasic, .credits_per_month = 5});
  });
  served("set_status", [&](auto& repository) {
    repository.set_status(bought.id, models::SubscriptionStatus::kPastDue);
  });
  served("cancel", [&](auto& repository) { repository.cancel(bought.id, CancelWhen::kNow); });
}

TEST_F(ExplainTest, WebhookEventRepository) {
  const auto served = [&](const char* name, auto method) {
    expect_served(name, [&](mongo::Session& session) {
      WebhookEventRepository events(session, context_);
      method(events);
    });
  };
  const models::StripeEvent event{.id = "evt_1", .type = "invoice.paid", .created = clock_.now()};
  served("receive", [&](auto& events) { (void)events.receive(event); });
  const auto id = webhook_event_id(models::WebhookProvider::kStripe, event.id);
  served("park", [&](auto& events) { events.park(*events.find_by_id(id), "not yet"); });
  served("mark_applied", [&](auto& events) { events.mark_applied(id); });
  served("mark_ignored", [&](auto& events) { events.mark_ignored(id, "nothing"); });
  served("find_due", [&](auto& events) { (void)events.find_due(clock_.now()); });
  served("find_parked", [&](auto& events) { (void)events.find_parked("cus_1"); });
}

TEST_F(ExplainTest, Billing) {
  const User ada = add_user("ada@example.com");
  add_subscription(ada.id, 10);
  const BillingSettings settings;
  clock_.advance(24h * 31);
  const auto served = [&](const char* name, auto method) {
    expect_served(name, [&](mongo::Session& session) {
      Billing billing(session, context_, settings);
      method(billing);
    });
  };
  served("apply", [&](auto& billing) {
    billing.apply({.id = "evt_1",
                   .type = "checkout.session.completed",
                   .created = clock_.now(),
                   .kind = models::StripeEventKind::kCheckoutCompleted,
                   .customer_id = models::ForeignId("cus_1"),
                   .user_id = models::ForeignId(ada.id.str())});
  });
  served("sweep_due", [&](auto& billing) { billing.sweep_due(clock_.now()); });
  served("mine", [&](auto& billing) { (void)billing.mine(ada.id); });
}

TEST_F(ExplainTest, UsageLogRepository) {
  const auto served = [&](const char* name, auto method) {
    expect_served(name, [&](mongo::Session& session) {
      UsageLogRepository logs(session, context_);
      method(logs);
    });
  };
  const TimeRange day{.from = clock_.now() - 24h, .to = clock_.now()};
  served("find_by_user", [&](auto& logs) { (void)logs.find_by_user("user_ada", day); });
  served("count_actions", [&](auto& logs) {
    (void)logs.count_actions("user_ada", models::ActionType::kApiRequest, day.from);
  });
  served("summary", [&](auto& logs) { (void)logs.summary("user_ada", day); });
  served("page_by_user", [&](auto& logs) {
    for (int i = 0; i < 3; ++i) {
      (void)logs.log({.user_id = "user_ada", .action_type = models::ActionType::kApiRequest});
    }
    const TimeRange all{.from = day.from, .to = day.to + 1h};
    const auto first = logs.page_by_user("user_ada", all, {.limit = 1});
    (void)logs.page_by_user("user_ada", all, {.limit = 1, .cursor = *first.next});
  });
  served("totals", [&](auto& logs) { (void)logs.totals(day); });
  served("top_users", [&](auto& logs) { (void)logs.top_users(day, UsageOrder::kCount, 3); });
}

TEST_F(ExplainTest, RateLimitRepository) {
  const auto served = [&](const char* name, auto method) {
    expect_served(name, [&](mongo::Session& session) {
      RateLimitRepository limits(session, context_);
      method(limits);
    });
  };
  served("hit", [&](auto& limits) { limits.hit("user_ada", "/", 5, 1min); });
  const LimitWindow window = LimitWindow::at(clock_.now(), 1min);
  served("take", [&](auto& limits) { (void)limits.take("user_ada", "/", window, 5, 2, "one"); });
  served("give_back", [&](auto& limits) { limits.give_back("user_ada", "/", window, 1, "two"); });
  served("look", [&](auto& limits) { (void)limits.look("user_ada", "/", std::span(&window, 1)); });
  served("block", [&](auto& limits) { limits.block("user_ada", "/", clock_.now() + 1min); });
  served("is_blocked", [&](auto& limits) { (void)limits.is_blocked("user_ada", "/"); });
  served("reset", [&](auto& limits) { limits.reset("user_ada", "/"); });
}

TEST_F(ExplainTest, Charging) {
  const User ada = add_user("ada@example.com", 10);
  add_subscription(ada.id, 1);
  models::GenerationId id = "gen_none";
  const auto served = [&](const char* name, auto method) {
    expect_served(name, [&](mongo::Session& session) {
      Charging charging(session, context_);
      method(charging);
    });
  };
  served("charge_and_create", [&](auto& charging) {
    id = std::get<Generation>(
             charging.charge_and_create({.user_id = ada.id, .prompt = "A lake", .cost_credits = 2}))
             .id;
  });
  with<GenerationRepository>(
      [&](GenerationRepository generations) { generations.mark_as_failed(id, "no paint"); });
  served("refund", [&](auto& charging) { charging.refund(id); });
  const Generation refunded = *with<GenerationRepository>(
      [&](GenerationRepository generations) { return generations.find_by_id(id); });
  served("settle", [&](auto& charging) { charging.settle(refunded); });
  served("sweep", [&](auto& charging) { charging.sweep(0ms); });
}

TEST_F(ExplainTest, CreditGrants) {
  const User ada = add_user("ada@example.com", 10);
  const auto served = [&](const char* name, auto method) {
    expect_served(name, [&](mongo::Session& session) {
      CreditGrants grants(session, context_);
      method(grants);
    });
  };
  served("grant", [&](auto& grants) {
    (void)grants.grant({.user_id = ada.id,
                        .grant = {.credits = 5, .reason = "A prize", .granted_by = "user_boss"}},
                       IdempotencyKey("key"));
  });
  with<UserRepository>([&](UserRepository users) {
    users.update_by_id(ada.id,
                       update(push<&User::pending_grants>(models::PendingGrant{
                           .token = "grant_1",
                           .log_id = "log_1",
                           .grant = {.credits = 5, .reason = "A prize", .granted_by = "user_boss"},
                           .at = clock_.now()})));
  });
  served("sweep", [&](auto& grants) { grants.sweep(0ms); });
}

TEST_F(ExplainTest, Predictions) {
  const User ada = add_user("ada@example.com", 10);
  const Generation made = add_generation(ada.id);
  const auto served = [&](const char* name, auto method) {
    expect_served(name, [&](mongo::Session& session) {
      Predictions predictions(session, context_);
      method(predictions);
    });
  };
  served("apply, addressed", [&](auto& predictions) {
    predictions.apply(made.id, {.id = "p", .status = PredictionStatus::kProcessing});
  });
  served("apply, by its id", [&](auto& predictions) {
    predictions.apply({}, {.id = "p", .status = PredictionStatus::kFailed});
  });
}

TEST_F(ExplainTest, GenerationsAndWork) {
  const User ada = add_user("ada@example.com", 10);
  add_subscription(ada.id, 1);
  Generation made = add_generation(ada.id);
  const auto served = [&](const char* name, auto method) {
    expect_served(name, [&](mongo::Session& session) {
      Generations generations(session, context_);
      GenerationWork work(session, context_);
      method(generations, work);
    });
  };
  const auto claim = [&] {
    return Claim{.generation_id = made.id, .worker = "worker", .attempt = made.attempts.value()};
  };
  served("create with a key", [&](auto& generations, auto&) {
    (void)generations.create({.user_id = ada.id, .prompt = "A lake", .cost_credits = 2}, "key-1");
  });
  served("get", [&](auto& generations, auto&) { (void)generations.get(ada.id, made.id); });
  served("list", [&](auto& generations, auto&) { (void)generations.list(ada.id, {}, {}); });
  served("claim", [&](auto&, auto& work) { made = *work.claim("worker"); });
  served("heartbeat", [&](auto&, auto& work) { (void)work.heartbeat(claim()); });
  served("cancel", [&](auto& generations, auto&) { (void)generations.cancel(ada.id, made.id); });
  served("fail",
         [&](auto&, auto& work) { (void)work.fail(claim(), FailureKind::kCancelled, "stopped"); });
  served("remove", [&](auto& generations, auto&) { (void)generations.remove(ada.id, made.id); });
  served("complete", [&](auto&, auto& work) {
    made = *work.claim("worker");
    (void)work.complete(claim(), {});
  });
  add_generation(ada.id);
  served("end_expired", [&](auto&, auto& work) {
    (void)work.claim("worker");
    clock_.advance(1h);
    (void)work.end_expired();
  });
}

}  // namespace
}  // namespace gesso::domain
