#include "gesso/api/openapi.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <set>

#include "gesso/api/operations.hpp"

namespace gesso::api {
namespace {

namespace json = boost::json;

class OpenapiTest : public ::testing::Test {
 protected:
  const json::value document = json::parse(openapi_document(operations(), "1.2.3"));

  const json::value& at(const std::string& pointer) { return document.at_pointer(pointer); }
};

TEST_F(OpenapiTest, HasEveryOperationOnceUnderItsPathAndMethod) {
  std::set<std::string> ids;
  for (const auto& [path, item] : at("/paths").as_object()) {
    for (const auto& [method, operation] : item.as_object()) {
      EXPECT_TRUE(ids.insert(std::string(operation.at("operationId").as_string())).second);
    }
  }
  EXPECT_EQ(ids.size(), operations().size());
  for (const Operation& operation : operations()) {
    EXPECT_TRUE(ids.contains(std::string(operation.info().id))) << operation.info().id;
  }
}

TEST_F(OpenapiTest, ResolvesEveryReference) {
  const auto& schemas = at("/components/schemas").as_object();
  std::size_t references = 0;
  const auto walk = [&](const auto& self, const json::value& value) -> void {
    if (const auto* array = value.if_array()) {
      for (const auto& item : *array) self(self, item);
    } else if (const auto* object = value.if_object()) {
      for (const auto& [key, member] : *object) {
        if (key == "$ref") {
          ++references;
          const std::string name(member.as_string());
          EXPECT_TRUE(schemas.contains(name.substr(name.rfind('/') + 1))) << name;
        } else {
          self(self, member);
        }
      }
    }
  };
  walk(walk, document);
  EXPECT_GT(references, 10u);
}

TEST_F(OpenapiTest, SaysWhatAListTakesAndGives) {
  const auto& list = at("/paths/~1api~1v1~1generations/get");
  std::set<std::string> names;
  for (const auto& one : list.at("parameters").as_array()) {
    names.insert(std::string(one.at("name").as_string()));
    EXPECT_EQ(one.at("in").as_string(), "query");
  }
  EXPECT_EQ(names, (std::set<std::string>{"status", "limit", "cursor"}));
  EXPECT_EQ(list.at_pointer("/responses/200/content/application~1json/schema/$ref").as_string(),
            "#/components/schemas/GenerationPage");
  EXPECT_EQ(at("/components/schemas/GenerationPage/properties/items/items/$ref").as_string(),
            "#/components/schemas/Generation");
  EXPECT_EQ(list.at_pointer("/security/0/bearer/0").as_string(), "generations:read");
}

TEST_F(OpenapiTest, NamesTheProblemsOfTheFunctionsType) {
  const auto& responses = at("/paths/~1api~1v1~1generations/post/responses").as_object();
  EXPECT_TRUE(responses.contains("201"));
  EXPECT_TRUE(responses.contains("422"));
  EXPECT_THAT(std::string(responses.at("402").at("description").as_string()),
              ::testing::HasSubstr("not_enough_credits"));
}

TEST_F(OpenapiTest, ShowsNoInternalField) {
  const auto& user = at("/components/schemas/User/properties").as_object();
  EXPECT_TRUE(user.contains("email"));
  EXPECT_FALSE(user.contains("hashed_password"));
  EXPECT_FALSE(user.contains("pending_charges"));
}

}  // namespace
}  // namespace gesso::api
