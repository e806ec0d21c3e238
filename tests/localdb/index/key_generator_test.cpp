#include "gesso/localdb/index/key_generator.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "gesso/bson/builder.hpp"
#include "gesso/bson/json.hpp"
#include "gesso/localdb/index/key_encoder.hpp"
#include "gesso/localdb/language/command_error.hpp"

namespace gesso::localdb {
namespace {

IndexSpec index_on(const std::string& description) {
  return IndexSpec::parse(bson::from_json(description).view());
}

KeySet keys_of(const IndexSpec& spec, const std::string& document) {
  KeySet keys;
  generate_keys(spec, bson::from_json(document), keys);
  return keys;
}

// The encodings of arrays of values, one for each field: `[[1, "x"], [2, "x"]]`.
std::vector<std::string> encoded(const IndexSpec& spec, const std::string& keys) {
  std::vector<std::string> out;
  const bson::Document wanted = bson::from_json("{\"keys\": " + keys + "}");
  for (const bson::Element& key : wanted["keys"].as_document()) {
    std::string& bytes = out.emplace_back();
    std::size_t field = 0;
    for (const bson::Element& value : key.value.as_document()) {
      encode_value(value.value, spec.fields.at(field++).descending, bytes);
    }
  }
  std::sort(out.begin(), out.end());
  return out;
}

struct Case {
  std::string name, key, document, keys;
  std::vector<bool> multikey;
};

class KeysOfDocuments : public ::testing::TestWithParam<Case> {};

TEST_P(KeysOfDocuments, AreTheCombinationsThatItsPathsLeadTo) {
  const Case& test = GetParam();
  const IndexSpec spec = index_on("{\"key\": " + test.key + "}");
  const KeySet keys = keys_of(spec, test.document);
  EXPECT_EQ(keys.keys, encoded(spec, test.keys));
  EXPECT_EQ(keys.multikey, test.multikey);
}

INSTANTIATE_TEST_SUITE_P(
    Index, KeysOfDocuments,
    ::testing::Values(
        Case{"Scalar", R"({"a": 1})", R"({"a": 5})", "[[5]]", {false}},
        Case{"Missing", R"({"a": 1})", R"({"b": 5})", "[[null]]", {false}},
        Case{"Nested", R"({"a.b": 1})", R"({"a": {"b": 5}})", "[[5]]", {false}},
        Case{"ThroughAScalar", R"({"a.b": 1})", R"({"a": 5})", "[[null]]", {false}},
        Case{"Compound", R"({"a": 1, "b": -1})", R"({"b": 2, "a": 1})", "[[1, 2]]", {false, false}},
        Case{"Array", R"({"a": 1})", R"({"a": [3, 1, 3]})", "[[1], [3]]", {true}},
        Case{"EmptyArray", R"({"a": 1})", R"({"a": []})", R"([[{"$undefined": true}]])", {true}},
        Case{"NestedArray", R"({"a": 1})", R"({"a": [[1, 2], 3]})", "[[[1, 2]], [3]]", {true}},
        Case{"ArrayOfDocuments",
             R"({"a.b": 1})",
             R"({"a": [{"b": 1}, {"b": [2, 3]}, {}, 7]})",
             "[[1], [2], [3], [null]]",
             {true}},
        Case{"EmptyArrayOnTheWay", R"({"a.b": 1})", R"({"a": []})", "[[null]]", {true}},
        Case{"CompoundWithArray",
             R"({"a": 1, "b": 1})",
             R"({"a": [1, 2], "b": "x"})",
             R"([[1, "x"], [2, "x"]])",
             {true, false}},
        Case{"TwoPathsThroughOneArray",
             R"({"a.b": 1, "a.c": 1})",
             R"({"a": [{"b": 1, "c": 2}, {"b": 3, "c": 4}]})",
             "[[1, 2], [3, 4]]",
             {true, true}},
        Case{"Position", R"({"a.0": 1})", R"({"a": [7, 8]})", "[[7]]", {false}},
        Case{"PositionPastTheEnd", R"({"a.5": 1})", R"({"a": [7, 8]})", "[[null]]", {false}}),
    [](const auto& test) { return test.param.name; });

TEST(KeyGenerator, RefusesTwoDifferentArraysInOneKey) {
  const IndexSpec spec = index_on(R"({"key": {"a": 1, "b": 1}})");
  try {
    keys_of(spec, R"({"a": [1], "b": [2]})");
    FAIL();
  } catch (const CommandError& error) {
    EXPECT_EQ(error.code(), 171);
    EXPECT_STREQ(error.what(), "cannot index parallel arrays [b] [a]");
  }
}

TEST(KeyGenerator, LeavesOutOfASparseIndexOnlyWhatHasNoneOfItsFields) {
  const IndexSpec spec = index_on(R"({"key": {"a": 1, "b": 1}, "sparse": true})");
  EXPECT_TRUE(keys_of(spec, R"({"c": 1})").keys.empty());
  EXPECT_EQ(keys_of(spec, R"({"b": 1})").keys.size(), 1U);
  EXPECT_EQ(keys_of(spec, R"({"a": null})").keys.size(), 1U);
}

TEST(KeyGenerator, LeavesOutOfAPartialIndexWhatItsFilterDoesNotMatch) {
  const IndexSpec spec =
      index_on(R"({"key": {"a": 1}, "partialFilterExpression": {"a": {"$type": "string"}}})");
  EXPECT_TRUE(keys_of(spec, R"({"a": null})").keys.empty());
  EXPECT_TRUE(keys_of(spec, R"({})").keys.empty());
  EXPECT_EQ(keys_of(spec, R"({"a": "x"})").keys.size(), 1U);
}

TEST(KeyGenerator, SaysWhichValuesMadeAKey) {
  const IndexSpec spec = index_on(R"({"key": {"a": 1, "b": 1}})");
  const bson::Document document = bson::from_json(R"({"a": ["x", "y"]})");
  std::string key;
  encode_value(document["a"].as_document()["1"], false, key);
  encode_value(bson::Value(), false, key);
  EXPECT_EQ(bson::to_json(key_values(spec, document, key).view()),
            bson::to_json(bson::from_json(R"({"a": "y", "b": null})").view()));
}

}  // namespace
}  // namespace gesso::localdb
