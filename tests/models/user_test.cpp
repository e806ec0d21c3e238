#include "gesso/models/user.hpp"

#include <gtest/gtest.h>

#include "gesso/schema/json.hpp"

namespace gesso::models {
namespace {

TEST(UserTest, SurvivesBson) {
  const User user{.id = "user_1",
                  .email = "Ann@Example.org",
                  .full_name = "Ann",
                  .created_at = Time{std::chrono::milliseconds{5}},
                  .updated_at = Time{std::chrono::milliseconds{7}}};
  const bson::Document stored = schema::to_bson(user);
  EXPECT_EQ(stored["_id"].as_string(), "user_1");
  EXPECT_EQ(stored["email"].as_string(), "ann@example.org");
  EXPECT_EQ(schema::from_bson<User>(stored), user);
  EXPECT_EQ(schema::from_json<User>(schema::to_json(user)), user) << schema::to_json(user);
}

}  // namespace
}  // namespace gesso::models
