#include "gesso/localdb/index/key_encoder.hpp"

#include <gtest/gtest.h>

#include <vector>

#include "gesso/bson/compare.hpp"
#include "gesso/bson/json.hpp"
#include "tests/localdb/index/random_bson.hpp"

namespace gesso::localdb {
namespace {

std::string encoded(bson::Value value, bool descending = false) {
  std::string key;
  encode_value(value, descending, key);
  return key;
}

int sign(int number) { return (number > 0) - (number < 0); }

TEST(KeyEncoder, OrdersRandomValuesAsBsonCompares) {
  RandomBson random(1);
  std::vector<bson::Document> values;
  for (int i = 0; i < 400; ++i) values.push_back(random.boxed());
  for (const bson::Document& left : values) {
    const std::string left_key = encoded(left["v"]);
    for (const bson::Document& right : values) {
      const std::string right_key = encoded(right["v"]);
      const int expected = sign(bson::compare(left["v"], right["v"]));
      ASSERT_EQ(sign(left_key.compare(right_key)), expected)
          << bson::to_json(left.view(), bson::JsonFormat::kCanonical) << " and "
          << bson::to_json(right.view(), bson::JsonFormat::kCanonical);
    }
  }
}

TEST(KeyEncoder, ReversesTheOrderOfDescendingFields) {
  RandomBson random(2);
  for (int i = 0; i < 3000; ++i) {
    const bson::Document left = random.boxed();
    const bson::Document right = random.boxed();
    ASSERT_EQ(sign(encoded(left["v"], true).compare(encoded(right["v"], true))),
              -sign(bson::compare(left["v"], right["v"])))
        << bson::to_json(left.view()) << " and " << bson::to_json(right.view());
  }
}

TEST(KeyEncoder, MakesNoValueThePrefixOfAnother) {
  RandomBson random(3);
  for (int i = 0; i < 3000; ++i) {
    const std::string left = encoded(random.boxed()["v"]);
    const std::string right = encoded(random.boxed()["v"]);
    if (left != right) {
      EXPECT_FALSE(left.starts_with(right));
    }
  }
}

TEST(KeyEncoder, GivesEqualNumbersOfAllTypesTheSameBytes) {
  const bson::Document numbers = bson::make_document("int", 1, "long", std::int64_t{1}, "double",
                                                     1.0, "decimal", *bson::parse_decimal("1.00"));
  for (const bson::Element& number : numbers.view()) {
    EXPECT_EQ(encoded(number.value), encoded(numbers["int"])) << number.key;
  }
  const bson::Document large = bson::make_document(
      "long", std::int64_t{9007199254740993}, "decimal", *bson::parse_decimal("9007199254740993"));
  EXPECT_EQ(encoded(large["long"]), encoded(large["decimal"]));
}

TEST(KeyEncoder, EncodesAMissingValueAsNull) {
  const bson::Document null = bson::make_document("v", bson::Null{});
  EXPECT_EQ(encoded(bson::Value()), encoded(null["v"]));
}

TEST(KeyEncoder, FindsTheSuccessorOfAPrefix) {
  EXPECT_EQ(successor("ab"), "ac");
  EXPECT_EQ(successor(std::string("a\xFF\xFF")), "b");
  EXPECT_EQ(successor("\xFF"), "");
  EXPECT_EQ(successor(""), "");
}

TEST(KeyEncoder, CutsLongKeysToDistinctOnesOfTheSameBeginning) {
  std::string one(1000, 'x');
  std::string other = one + 'y';
  std::string fits(kMaxKeyBytes, 'x');
  EXPECT_TRUE(truncate_key(one));
  EXPECT_TRUE(truncate_key(other));
  EXPECT_FALSE(truncate_key(fits));
  EXPECT_EQ(one.size(), kMaxKeyBytes);
  EXPECT_NE(one, other);
  EXPECT_EQ(one.substr(0, kCutKeyBytes), other.substr(0, kCutKeyBytes));
}

}  // namespace
}  // namespace gesso::localdb
