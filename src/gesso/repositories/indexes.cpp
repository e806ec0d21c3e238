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
  const std::vector<query::IndexKind> kinds = query::index_kinds<Model>();
  std::vector<bson::IndexSpec> specs = query::index_specs<Model>();
  for (std::size_t i = 0; i < specs.size(); ++i) {
    into.push_back({.collection = std::string(Model::kCollection),
                    .spec = std::move(specs[i]),
                    .sorts = kinds[i] != query::IndexKind::kLookup});
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

std::map<std::string, std::string> declared_shard_keys() {
  const auto field = [](std::string_view name) { return std::string(name); };
  return {
      {field(models::Generation::kCollection),
       field(schema::field_name<&models::Generation::user_id>)},
      {field(models::UsageLog::kCollection), field(schema::field_name<&models::UsageLog::user_id>)},
      {field(models::RateLimitLog::kCollection),
       field(schema::field_name<&models::RateLimitLog::id>)},
      {field(models::WebhookEvent::kCollection),
       field(schema::field_name<&models::WebhookEvent::id>)},
  };
}

}  // namespace gesso::repositories
