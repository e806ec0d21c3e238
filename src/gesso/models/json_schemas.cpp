#include "gesso/models/json_schemas.hpp"

#include "gesso/models/generation.hpp"
#include "gesso/models/rate_limit_log.hpp"
#include "gesso/models/subscription.hpp"
#include "gesso/models/usage_log.hpp"
#include "gesso/models/user.hpp"
#include "gesso/schema/json_schema.hpp"

namespace gesso::models {
namespace {

template <class... Models>
void append_schemas(bson::Builder& schemas, schema::SchemaUse use) {
  (schemas.append(Models::kName, schema::json_schema_fragment<Models>(use)), ...);
}

}  // namespace

bson::Document json_schemas() {
  bson::Builder schemas;
  append_schemas<User, Generation, Subscription, UsageLog, RateLimitLog>(
      schemas, schema::SchemaUse::kOutput);
  append_schemas<UserCreate, UserUpdate, GenerationCreate, SubscriptionCreate, SubscriptionUpdate,
                 UsageLogCreate>(schemas, schema::SchemaUse::kInput);
  return schemas.finish();
}

}  // namespace gesso::models
