#include "gesso/schema/json_schema.hpp"

#include <gtest/gtest.h>

#include "tests/schema/account.hpp"

namespace gesso::schema::testing {
namespace {

TEST(JsonSchemaTest, SaysWhatIsAccepted) {
  EXPECT_EQ(json_text(json_schema<Account>()),
            R"({"$schema":"https://json-schema.org/draft/2020-12/schema","title":"Account",)"
            R"("description":"For tests.","type":"object","properties":{)"
            R"("id":{"type":"string","pattern":"^acc_[0-9A-Za-z_-]{1,64}$","description":"Key."},)"
            R"("email":{"type":"string","format":"email","maxLength":254,"description":"Login."},)"
            R"("name":{"type":"string","minLength":2,"maxLength":5},)"
            R"("level":{"type":"integer","minimum":1,"maximum":4,"default":1},)"
            R"("scale":{"type":"number","minimum":1,"maximum":20,"default":7.5},)"
            R"("credits":{"type":"integer","minimum":0,"default":0},)"
            R"("colour":{"type":"string","enum":["red","green","deep-blue"],"default":"red"},)"
            R"("active":{"type":"boolean","default":true},)"
            R"("ratio":{"type":"number","default":0.0},)"
            R"("delta":{"type":"integer","default":0},)"
            R"("note":{"anyOf":[{"type":"string"},{"type":"null"}]},)"
            R"("nick":{"anyOf":[{"type":"string","minLength":1,"maxLength":5},{"type":"null"}]},)"
            R"("tags":{"type":"array","items":{"type":"string","minLength":1,"maxLength":5},)"
            R"("default":[]},)"
            R"("addresses":{"type":"array","items":{"type":"object","properties":{)"
            R"("street":{"type":"string","minLength":1,"maxLength":20},)"
            R"("number":{"type":"integer","minimum":1,"maximum":999}},)"
            R"("required":["street","number"],"additionalProperties":false},"default":[]},)"
            R"("home":{"anyOf":[{"type":"object","properties":{)"
            R"("street":{"type":"string","minLength":1,"maxLength":20},)"
            R"("number":{"type":"integer","minimum":1,"maximum":999}},)"
            R"("required":["street","number"],"additionalProperties":false},{"type":"null"}]},)"
            R"("settings":{"type":"object","default":{}},)"
            R"("created_at":{"type":"string","format":"date-time"}},)"
            R"("required":["id","email","name","created_at"],"additionalProperties":false})");
}

TEST(JsonSchemaTest, SaysThatEveryFieldIsSent) {
  const bson::Document schema = json_schema_fragment<Account>(SchemaUse::kOutput);
  EXPECT_FALSE(schema.contains("$schema"));
  EXPECT_FALSE(schema.contains("additionalProperties"));
  EXPECT_EQ(schema["required"].as_document().count(), 17U);  // all but the hash and the lease
}

TEST(JsonSchemaTest, KnowsNothingOfHashesAndInternalFields) {
  const bson::Document schema = json_schema<Account>();
  const bson::View properties = schema["properties"].as_document();
  EXPECT_FALSE(properties.contains("hash"));
  EXPECT_FALSE(properties.contains("lease"));
}

}  // namespace
}  // namespace gesso::schema::testing
