// The schema document, the JSON Schemas and the indexes: what others read of the models.
#include <gtest/gtest.h>

#include <set>

#include "gesso/models/generation.hpp"
#include "gesso/models/json_schemas.hpp"
#include "gesso/models/rate_limit_log.hpp"
#include "gesso/models/schema_markdown.hpp"
#include "gesso/models/subscription.hpp"
#include "gesso/models/usage_log.hpp"
#include "gesso/models/user.hpp"
#include "gesso/schema/json_text.hpp"
#include "tests/models/golden.hpp"

namespace gesso::models::testing {
namespace {

// One schema a line, so that a difference is readable.
std::string schemas_text() {
  const bson::Document schemas = json_schemas();
  std::string text;
  for (const bson::Element& schema : schemas.view()) {
    text += std::string(schema.key) + " ";
    schema::write_json_value(text, schema.value);
    text += '\n';
  }
  return text;
}

TEST(SchemaDocumentTest, IsWhatTheModelsDeclare) {
  expect_golden("docs/DATABASE_SCHEMA.md", schema_markdown());
}

TEST(JsonSchemasTest, AreAsTheyWere) {
  expect_golden("tests/models/json_schemas.golden", schemas_text());
}

TEST(JsonSchemasTest, SayNothingOfSecretsAndMarks) {
  const std::string text = schemas_text();
  for (const char* name :
       {"hashed_password", "pending_charges", "lease_owner", "login_sessions", "api_keys", "totp",
        "linked_identities", "recovery_codes", "email_token", "reset_token"}) {
    EXPECT_EQ(text.find(name), std::string::npos) << name;
  }
}

template <class Model>
std::set<std::string> index_names() {
  std::set<std::string> names;
  for (const bson::IndexSpec& index : query::index_specs<Model>()) {
    std::string name = index.name;
    if (index.unique) name += " unique";
    if (index.expire_after_seconds) name += " ttl";
    EXPECT_TRUE(names.insert(name).second) << name << " stands twice";
  }
  return names;
}

// Every index that the seed lists for a collection is declared; a model may have more.
template <class Model>
void expect_indexes(std::initializer_list<std::string> seed) {
  const std::set<std::string> declared = index_names<Model>();
  for (const std::string& name : seed) EXPECT_TRUE(declared.contains(name)) << name;
}

TEST(IndexesTest, AreThoseOfTheSeedAtLeast) {
  expect_indexes<User>({"email_1 unique", "auth_provider_id_1", "stripe_customer_id_1",
                        "created_at_1", "is_active_1", "subscription_tier_1_is_active_1"});
  expect_indexes<Generation>({"user_id_1_created_at_-1", "status_1",
                              "replicate_prediction_id_1 unique", "user_id_1_status_1",
                              "status_1_created_at_1"});
  expect_indexes<Subscription>({"user_id_1 unique", "stripe_subscription_id_1 unique",
                                "stripe_customer_id_1", "status_1_current_period_end_1",
                                "plan_1_status_1"});
  expect_indexes<UsageLog>(
      {"user_id_1_created_at_-1", "action_type_1", "user_id_1_action_type_1", "expires_at_1 ttl"});
  expect_indexes<RateLimitLog>(
      {"user_id_1_endpoint_1", "user_id_1_endpoint_1_window_end_1", "expires_at_1 ttl"});
}

}  // namespace
}  // namespace gesso::models::testing
