#include "gesso/repositories/indexes.hpp"

#include <utility>

#include "gesso/bson/builder.hpp"
#include "gesso/models/generation.hpp"
#include "gesso/models/rate_limit_log.hpp"
#include "gesso/models/subscription.hpp"
#include "gesso/models/usage_log.hpp"
#include "gesso/models/user.hpp"
#include "gesso/models/webhook_event.hpp"
#include "gesso/query/index.hpp"
#include "gesso/query/served.hpp"

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
  if constexpr (requires { Model::kHiddenBy; }) {
    const std::string_view field = schema::field_name<Model::kHiddenBy>;
    bson::IndexSpec spec{.keys = bson::make_document(field, 1)};
    spec.name = bson::default_index_name(spec.keys);
    into.push_back({.collection = std::string(Model::kCollection),
                    .spec = std::move(spec),
                    .sorts = false,
                    .guards = true});
  }
}

// Whether each index that is declared unique stays so in a collection that is sharded: whether the
// shard key is among its fields. What is unique when present is not asked: identities are claimed
// (domain/identity_claims.hpp), and who tells of a prediction is asked whose it is
// (domain/predictions.cpp).
template <auto ShardKey, class... Declarations>
constexpr bool stays_unique(query::IndexList<Declarations...>) {
  return ((Declarations::kind != query::IndexKind::kUnique ||
           query::detail::has_key(Declarations::keys, schema::field_name<ShardKey>)) &&
          ...);
}

template <class Model>
void add_shard_key(std::map<std::string, std::string>& into) {
  if constexpr (requires { Model::kShardKey; }) {
    static_assert(stays_unique<Model::kShardKey>(typename Model::Indexes{}),
                  "on Azure Cosmos DB (RU) two documents could have one value of a unique field");
    into.emplace(Model::kCollection, schema::field_name<Model::kShardKey>);
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
  std::map<std::string, std::string> keys;
  add_shard_key<models::User>(keys);
  add_shard_key<models::Generation>(keys);
  add_shard_key<models::Subscription>(keys);
  add_shard_key<models::UsageLog>(keys);
  add_shard_key<models::RateLimitLog>(keys);
  add_shard_key<models::WebhookEvent>(keys);
  return keys;
}

}  // namespace gesso::repositories
