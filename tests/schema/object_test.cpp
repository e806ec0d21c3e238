#include "gesso/schema/object.hpp"

#include <gtest/gtest.h>

#include "gesso/base/error.hpp"
#include "gesso/schema/json.hpp"

namespace gesso::schema {
namespace {

bson::Document nested(int levels) {
  std::string text;
  for (int i = 1; i < levels; ++i) text += "{\"a\":";
  text += "{}";
  for (int i = 1; i < levels; ++i) text += "}";
  return parse_json(text);
}

TEST(ObjectTest, HoldsEightLevels) {
  EXPECT_NO_THROW(Object{nested(8)});
  EXPECT_THROW(Object{nested(9)}, Error);
}

TEST(ObjectTest, HoldsSixteenKibibytes) {
  const auto of_size = [](std::size_t size) {
    return bson::make_document("a", std::string(size - 13, 'x'));  // 4 + 1+2 + 4+1 + 1
  };
  EXPECT_EQ(of_size(100).size(), 100U);
  EXPECT_NO_THROW(Object{of_size(Object::kMaxBytes)});
  EXPECT_THROW(Object{of_size(Object::kMaxBytes + 1)}, Error);
}

TEST(ObjectTest, RefusesEveryKeyThatAnUpdateCouldNotAddress) {
  const std::vector<Violation> violations =
      Object::check(parse_json(R"({"ok":1,"":2,"$a":3,"b.c":4,"deep":[{"$x":1}]})"));
  std::vector<std::string> paths;
  for (const Violation& violation : violations) paths.push_back(to_string(violation.path));
  EXPECT_EQ(paths, (std::vector<std::string>{"", "$a", "b.c", "deep.0.$x"}));
}

TEST(ObjectTest, TakesWhatTheDatabaseHolds) {
  const bson::Document stored = bson::make_document("$a", 1);
  EXPECT_EQ(Object::unchecked(stored).view()["$a"].as_int32(), 1);
}

}  // namespace
}  // namespace gesso::schema
