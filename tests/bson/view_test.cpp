#include "gesso/bson/view.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "gesso/base/error.hpp"
#include "gesso/bson/builder.hpp"
#include "gesso/bson/decimal.hpp"
#include "gesso/bson/json.hpp"

namespace gesso::bson {
namespace {

using testing::HasSubstr;
using Bytes = std::vector<std::uint8_t>;

Document every_type() {
  const std::uint8_t blob[] = {1, 2, 3};
  return make_document("double", 1.5, "string", "tëxt", "document", make_document("a", 1), "array",
                       make_array(1, "x", Null{}), "binary", Binary{.subtype = 4, .bytes = blob},
                       "id", ObjectId{{1, 2, 3}}, "bool", true, "date",
                       Time{std::chrono::milliseconds{-5}}, "null", Null{}, "regex",
                       Regex{.pattern = "^a", .options = "i"}, "int", std::int32_t{-7}, "timestamp",
                       Timestamp{.seconds = 9, .increment = 2}, "long", std::int64_t{1} << 60,
                       "decimal", *parse_decimal("1.50"), "min", MinKey{}, "max", MaxKey{});
}

TEST(View, ReadsBackEveryTypeThatTheBuilderWrites) {
  const Document document = every_type();
  std::string why;
  ASSERT_TRUE(View::validate(document.view().bytes(), &why)) << why;
  EXPECT_EQ(document["double"].as_double(), 1.5);
  EXPECT_EQ(document["string"].as_string(), "tëxt");
  EXPECT_EQ(document["document"].as_document()["a"].as_int32(), 1);
  EXPECT_EQ(document["array"].as_document().count(), 3U);
  EXPECT_EQ(document["array"].as_document()["1"].as_string(), "x");
  EXPECT_EQ(document["binary"].as_binary().subtype, 4);
  EXPECT_EQ(document["binary"].as_binary().bytes.size(), 3U);
  EXPECT_EQ(document["id"].as_object_id(), (ObjectId{{1, 2, 3}}));
  EXPECT_TRUE(document["bool"].as_bool());
  EXPECT_EQ(document["date"].as_date().time_since_epoch().count(), -5);
  EXPECT_TRUE(document["null"].is_null());
  EXPECT_EQ(document["regex"].as_regex().pattern, "^a");
  EXPECT_EQ(document["regex"].as_regex().options, "i");
  EXPECT_EQ(document["int"].as_int32(), -7);
  EXPECT_EQ(document["timestamp"].as_timestamp(), (Timestamp{.seconds = 9, .increment = 2}));
  EXPECT_EQ(document["long"].as_int64(), std::int64_t{1} << 60);
  EXPECT_EQ(to_string(document["decimal"].as_decimal128()), "1.50");
  EXPECT_TRUE(document["absent"].is_missing());
  EXPECT_EQ(document.view().count(), 16U);
}

TEST(View, SurvivesExtendedJson) {
  const Document document = every_type();
  EXPECT_EQ(from_json(to_json(document, JsonFormat::kCanonical)), document);
}

TEST(View, FollowsDottedPaths) {
  const Document document =
      make_document("a", make_array(make_document("b", 1), make_document("b", 2)));
  EXPECT_EQ(document.view().at_path("a.1.b").as_int32(), 2);
  EXPECT_TRUE(document.view().at_path("a.2.b").is_missing());
  EXPECT_TRUE(document.view().at_path("a.1.b.c").is_missing());
}

TEST(View, RefusesEveryCutOfAValidDocument) {
  const Document document = every_type();
  const auto bytes = document.view().bytes();
  for (std::size_t length = 0; length < bytes.size(); ++length) {
    EXPECT_FALSE(View::validate(bytes.first(length))) << length;
  }
}

struct Broken {
  const char* name;
  Bytes bytes;
  const char* why;
};

TEST(View, SaysWhereBytesAreBroken) {
  const std::vector<Broken> cases = {
      {"length too long", {6, 0, 0, 0, 0}, "byte 0: document length does not fit"},
      {"no terminator", {5, 0, 0, 0, 1}, "byte 4: document not terminated"},
      {"unknown type", {8, 0, 0, 0, 0x20, 'a', 0, 0}, "byte 7: unknown type"},
      {"bool of 2", {9, 0, 0, 0, 8, 'a', 0, 2, 0}, "byte 7: bool is neither 0 nor 1"},
      {"key never ends", {8, 0, 0, 0, 8, 'a', 'b', 0}, "byte 5: key not terminated"},
      {"key is not UTF-8", {8, 0, 0, 0, 10, 0xC0, 0, 0}, "byte 5: key is not UTF-8"},
      {"string is not UTF-8",
       {14, 0, 0, 0, 2, 'a', 0, 2, 0, 0, 0, 0xFF, 0, 0},
       "byte 11: string is not UTF-8"},
      {"negative string length",
       {13, 0, 0, 0, 2, 'a', 0, 0xFF, 0xFF, 0xFF, 0xFF, 0, 0},
       "byte 7: string length does not fit"},
      {"terminator in the middle", {6, 0, 0, 0, 0, 0}, "byte 4: terminator inside a document"},
  };
  for (const Broken& broken : cases) {
    std::string why;
    EXPECT_FALSE(View::validate(broken.bytes, &why)) << broken.name;
    EXPECT_EQ(why, broken.why) << broken.name;
  }
}

TEST(View, RefusesTooManyLevels) {
  Document nested;
  for (int i = 0; i < View::kMaxDepth - 1; ++i) nested = make_document("n", nested);
  EXPECT_TRUE(View::validate(nested.view().bytes()));
  nested = make_document("n", nested);
  std::string why;
  EXPECT_FALSE(View::validate(nested.view().bytes(), &why));
  EXPECT_THAT(why, HasSubstr("nested too deeply"));
}

TEST(Value, GivesAnIntegerOnlyWhereNothingIsLost) {
  const Document numbers =
      make_document("int", 5, "long", std::int64_t{5}, "double", 5.0, "half", 5.5, "huge", 1e300,
                    "edge", -0x1p63, "over", 0x1p63, "decimal", *parse_decimal("5.0"), "text", "5");
  for (const char* key : {"int", "long", "double", "decimal"}) {
    EXPECT_EQ(numbers[key].integer(), 5) << key;
  }
  EXPECT_EQ(numbers["edge"].integer(), INT64_MIN);
  for (const char* key : {"half", "huge", "over", "text"}) {
    EXPECT_FALSE(numbers[key].integer()) << key;
  }
}

TEST(Builder, ClosesNestedLevelsByScope) {
  Builder builder;
  {
    const auto outer = builder.document("outer");
    builder.append("a", 1);
    {
      const auto list = builder.array("list");
      builder.push(1).push("two");
    }
    builder.append("b", 2);
  }
  EXPECT_EQ(to_json(builder.finish()),
            R"({ "outer" : { "a" : 1, "list" : [ 1, "two" ], "b" : 2 } })");
  EXPECT_TRUE(builder.finish().empty());  // ready again
}

TEST(Builder, RefusesAKeyWithANulByte) {
  Builder builder;
  EXPECT_THROW(builder.append(std::string_view("a\0b", 3), 1), Error);
}

TEST(Json, SaysThatTextIsNotExtendedJson) {
  EXPECT_THROW((void)from_json("{\"a\": }"), Error);
  EXPECT_EQ(to_json(from_json(R"({"a": {"$numberLong": "5"}})")["a"]), "5");
}

TEST(OwnedValue, OutlivesWhereItCameFrom) {
  OwnedValue kept;
  {
    const Document document = make_document("a", "a string that is long enough for the heap");
    kept = OwnedValue(document["a"]);
  }
  EXPECT_EQ(kept.view().as_string(), "a string that is long enough for the heap");
}

}  // namespace
}  // namespace gesso::bson
