#include "gesso/repositories/indexes.hpp"

#include <utility>

#include "gesso/models/generation.hpp"
#include "gesso/models/rate_limit_log.hpp"
#include "gesso/models/subscription.hpp"
#include "gesso/models/usage_log.hpp"
#include "gesso/models/user.hpp"
#include "gesso/models/webhook_event.hpp"
#include "gesso/query/index.hpp"

namespace gesso::repositories {
namespace {

template <class Model>
void add(std::vector<mongo::CollectionIndex>& into) {
  for (bson::IndexSpec& spec : query::index_specs<Model>()) {
    into.push_back({std::string(Model::kCollection), std::move(spec)});
  }
}

}  // namespace

std::vector<mongo::CollectionIndex> declared_indexes() {
  std::vector<mongo::CollectionIndex> indexes;
  add<models::User>(indexes);
  add<models::Generation>(indexes);
  add<models::Subscription>(indexes);
  add<models::UsageLog>(indexes);
  add<models::RateLimitLog>(indexes);
  add<models::WebhookEvent>(indexes);
  return indexes;
}

}  // namespace gesso::repositories
