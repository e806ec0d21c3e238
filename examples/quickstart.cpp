// The quick start: users, generations and subscriptions on a database inside this process.
//
//   ./quickstart [data folder]
//
// Without a folder the data lives in a temporary one. To use a server instead, give the service
// its URI and leave the embedded engine out; nothing else changes.
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <iostream>

#include "gesso/base/id.hpp"
#include "gesso/localdb/localdb.hpp"
#include "gesso/mongo/indexes.hpp"
#include "gesso/mongo/service.hpp"
#include "gesso/repositories/generation_repository.hpp"
#include "gesso/repositories/indexes.hpp"
#include "gesso/repositories/subscription_repository.hpp"
#include "gesso/repositories/user_repository.hpp"

using namespace gesso;
using namespace gesso::repositories;

namespace {

// [users]
models::User user_operations(mongo::Session& session, const RepositoryContext& context) {
  UserRepository users(session, context);

  // Create user
  models::User user = users.create_user({.email = "user@example.com",
                                         .password = schema::Password("securepassword"),
                                         .full_name = "John Doe"});

  // Find by email
  user = users.find_by_email("user@example.com").value();

  // Deduct credits: nothing where there are not enough
  user = users.deduct_credits(user.id, 1, "order-1").value();

  // Increment generation count
  user = users.increment_generations(user.id).value();

  std::cout << user.email << " has " << user.credits_remaining << " credits left\n";
  return user;
}
// [users]

// [generations]
void generation_operations(mongo::Session& session, const RepositoryContext& context,
                           const models::User& user) {
  GenerationRepository generations(session, context);

  // Create generation
  auto generation =
      generations.create_generation({.user_id = user.id,
                                     .prompt = "A beautiful sunset over mountains",
                                     .model_type = models::ModelType::kStableDiffusionXl});

  // Mark as processing
  generation = generations.mark_as_processing(generation.id, "pred_abc123").value();

  // Mark as completed
  generation = generations
                   .mark_as_completed(generation.id, {"https://replicate.delivery/1.png"},
                                      {"https://storage.blob.core.windows.net/1.png"})
                   .value();

  // Get user stats
  const GenerationStats stats = generations.get_user_stats(user.id);
  std::cout << "Total: " << stats.total_generations
            << ", Completed: " << stats.completed_generations << '\n';

  // A query of one's own: it compiles because an index serves it
  using namespace query;
  const auto newest =
      generations.find_many(where<&models::Generation::user_id> == user.id,
                            sort_by(desc<&models::Generation::created_at>), {.limit = 10});
  std::cout << "Newest: " << newest.front().prompt << '\n';
}
// [generations]

// [subscriptions]
void subscription_operations(mongo::Session& session, const RepositoryContext& context,
                             const models::User& user) {
  SubscriptionRepository subscriptions(session, context);

  // Create subscription
  auto subscription = subscriptions.create_subscription(
      {.user_id = user.id,
       .plan = models::SubscriptionPlan::kPro,
       .stripe_subscription_id = "sub_xxx",
       .stripe_customer_id = "cus_xxx",
       .stripe_price_id = "price_xxx",
       .billing_interval = models::BillingInterval::kMonthly,
       .credits_per_month = 500,
       .current_period_end = context.clock.now() + std::chrono::days(30)});

  // Use credits
  subscription = subscriptions.use_credits(subscription.id, 1, "order-2").value();
  std::cout << "Used this period: " << subscription.credits_used_this_period << '\n';

  // Reset period usage (at billing cycle renewal)
  const Time next_period_end = subscription.current_period_end + std::chrono::days(30);
  subscription = subscriptions.reset_period_usage(subscription.id, next_period_end).value();
  std::cout << "Used this period: " << subscription.credits_used_this_period << '\n';
}
// [subscriptions]

int run(const std::filesystem::path& folder) {
  localdb::Server database({.data_dir = folder, .unix_socket = folder / "localdb.sock"});
  database.start();

  SystemClock clock;
  SystemRandom random;
  IdGenerator ids(clock, random);
  const RepositoryContext context{.clock = clock, .random = random, .ids = ids};

  mongo::Service service({.uri = Secret(database.uri())}, clock, random);
  service.connect();
  service.run(
      [](mongo::Session& session) { (void)mongo::create_indexes(session, declared_indexes()); });

  // One unit of work: a worker thread with a connection of its own.
  service.run([&](mongo::Session& session) {
    const models::User user = user_operations(session, context);
    generation_operations(session, context, user);
    subscription_operations(session, context, user);
  });
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  const std::filesystem::path folder = argc > 1
                                           ? std::filesystem::path(argv[1])
                                           : std::filesystem::temp_directory_path() /
                                                 ("gesso-quickstart-" + std::to_string(getpid()));
  try {
    std::filesystem::create_directories(folder);
    const int code = run(folder);
    if (argc == 1) std::filesystem::remove_all(folder);
    return code;
  } catch (const std::exception& error) {
    std::cerr << "quickstart: " << error.what() << '\n';
    return 1;
  }
}
