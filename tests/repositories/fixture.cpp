#include "tests/repositories/fixture.hpp"

#include <array>
#include <cstdlib>

#include "gesso/bson/builder.hpp"
#include "gesso/mongo/indexes.hpp"
#include "gesso/repositories/generation_repository.hpp"
#include "gesso/repositories/indexes.hpp"
#include "gesso/repositories/subscription_repository.hpp"
#include "gesso/repositories/user_repository.hpp"
#include "tests/support/tested_dialect.hpp"

namespace gesso::repositories {

namespace {

Database* const kDatabase =
    static_cast<Database*>(::testing::AddGlobalTestEnvironment(new Database));  // gtest owns it

constexpr std::array kCollections{
    models::User::kCollection,         models::Generation::kCollection,
    models::Subscription::kCollection, models::UsageLog::kCollection,
    models::RateLimitLog::kCollection, models::WebhookEvent::kCollection};

}  // namespace

Database& Database::get() { return *kDatabase; }

void Database::SetUp() {
  std::string uri;
  if (const char* given = std::getenv("GESSO_TEST_MONGODB_URI")) {
    uri = given;
  } else {
    server_ = std::make_unique<localdb::Server>(
        testing::on_tested_dialect({.data_dir = folder_ / "data",
                                    .unix_socket = (folder_ / "localdb.sock").string(),
                                    .test_commands = true}));
    server_->start();
    uri = server_->uri();
  }
  IdGenerator ids(system_clock_, random_);
  mongo::ServiceOptions options;
  options.uri = Secret(std::string_view(uri));
  options.database = ids.next("gesso_test_");
  options.warm_minimum = 0;
  options.queue_limit = 100'000;
  // At 400 request units a second whoever comes last of many waits long.
  if (testing::is_on_cosmos()) options.default_deadline = std::chrono::minutes{10};
  options.observe_command = [this](std::string_view name, bson::View command,
                                   std::chrono::microseconds, bool) {
    const std::lock_guard lock(mutex_);
    if (recording_) sent_.push_back({std::string(name), bson::Document(command)});
  };
  service_ = std::make_unique<mongo::Service>(std::move(options), system_clock_, random_);
  service_->connect();
  service_->run([&](mongo::Session& session) {
    (void)mongo::create_indexes(session, declared_indexes(), testing::tested_collections());
  });
}

void Database::TearDown() {
  if (service_) {
    service_->run([](mongo::Session& session) {
      (void)session.run_command(bson::make_document("dropDatabase", 1));
    });
  }
  service_.reset();
  server_.reset();
}

void Database::clear() {
  service_->run([](mongo::Session& session) {
    for (const std::string_view collection : kCollections) session.delete_many(collection, {});
  });
}

void Database::start_recording() {
  const std::lock_guard lock(mutex_);
  recording_ = true;
  sent_.clear();
}

std::vector<SentCommand> Database::stop_recording() {
  const std::lock_guard lock(mutex_);
  recording_ = false;
  return std::move(sent_);
}

bool Database::has_fail_points() const { return server_ != nullptr && !testing::is_on_cosmos(); }

void Database::fail_after(int commands, int code) {
  const auto names = bson::make_array("find", "findAndModify", "insert", "update", "delete");
  service_->run([&](mongo::Session& session) {
    (void)session.run_command(
        "admin",
        bson::make_document("configureFailPoint", "failCommand", "mode",
                            bson::make_document("skip", commands), "data",
                            bson::make_document("failCommands", names, "errorCode", code)));
  });
}

void Database::stop_failing() {
  service_->run([](mongo::Session& session) {
    (void)session.run_command(
        "admin", bson::make_document("configureFailPoint", "failCommand", "mode", "off"));
  });
}

models::User RepositoryTest::add_user(std::string_view email, std::int64_t credits) {
  return with<UserRepository>([&](UserRepository users) {
    return users.create({.id = models::UserId::next(ids_),
                         .email = email,
                         .credits_remaining = credits,
                         .created_at = clock_.now(),
                         .updated_at = clock_.now()});
  });
}

models::Generation RepositoryTest::add_generation(const models::UserId& user_id,
                                                  std::string_view prompt) {
  return with<GenerationRepository>([&](GenerationRepository generations) {
    return generations.create_generation({.user_id = user_id, .prompt = prompt});
  });
}

models::Subscription RepositoryTest::add_subscription(const models::UserId& user_id,
                                                      std::int64_t credits) {
  return with<SubscriptionRepository>([&](SubscriptionRepository subscriptions) {
    return subscriptions.create_subscription(
        {.user_id = user_id,
         .plan = models::SubscriptionPlan::kPro,
         .credits_per_month = credits,
         .current_period_end = clock_.now() + std::chrono::days(30)});
  });
}

}  // namespace gesso::repositories
