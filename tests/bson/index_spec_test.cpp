#include "gesso/bson/index_spec.hpp"

#include <gtest/gtest.h>

#include "gesso/bson/builder.hpp"
#include "gesso/bson/json.hpp"

namespace gesso::bson {
namespace {

IndexSpec whole() {
  return {.name = "mine",
          .keys = make_document("a", 1, "b", -1),
          .unique = true,
          .sparse = true,
          .expire_after_seconds = 60,
          .partial_filter = make_document("a", make_document("$exists", true))};
}

TEST(IndexSpecTest, IsReadBackAsItIsWritten) {
  EXPECT_EQ(to_json(to_bson(whole())),
            R"({ "key" : { "a" : 1, "b" : -1 }, "name" : "mine", "unique" : true, )"
            R"("sparse" : true, "expireAfterSeconds" : 60, )"
            R"("partialFilterExpression" : { "a" : { "$exists" : true } } })");
  const IndexSpec read = read_index_spec(to_bson(whole()));
  EXPECT_EQ(to_bson(read), to_bson(whole()));
  EXPECT_EQ(read.leading_field(), "a");
}

TEST(IndexSpecTest, IsNamedByItsKeysWhereItHasNoName) {
  EXPECT_EQ(default_index_name(make_document("a", 1, "b.c", -1, "d", "text")), "a_1_b.c_-1_d_text");
  EXPECT_EQ(to_json(to_bson(IndexSpec{.keys = make_document("a", 1)})),
            R"({ "key" : { "a" : 1 }, "name" : "a_1" })");
}

TEST(IndexSpecTest, WhatAServerShowsWronglyIsLeftOut) {
  const IndexSpec read = read_index_spec(
      make_document("name", 5, "key", "a", "unique", 1, "expireAfterSeconds", "soon", "v", 2));
  EXPECT_TRUE(read.name.empty() && read.keys.empty() && read.unique && !read.sparse);
  EXPECT_FALSE(read.expire_after_seconds.has_value());
}

TEST(IndexSpecTest, TypesOfNumbersDoNotCountInAComparisonButOrderDoes) {
  const IndexSpec wanted{.keys = make_document("a", 1, "b", -1), .expire_after_seconds = 0};
  const IndexSpec shown = read_index_spec(make_document(
      "key", make_document("a", 1.0, "b", std::int64_t{-1}), "expireAfterSeconds", 0.0));
  EXPECT_TRUE(have_same_keys(wanted, shown));
  EXPECT_EQ(differing_options(wanted, shown), "");
  EXPECT_FALSE(have_same_keys(wanted, {.keys = make_document("b", -1, "a", 1)}));
}

TEST(IndexSpecTest, EachOptionThatDiffersIsSaidWithBothSides) {
  const IndexSpec bare{.keys = make_document("a", 1)};
  EXPECT_EQ(differing_options(whole(), bare),
            "unique: wanted true, stands false; sparse: wanted true, stands false; "
            "expireAfterSeconds: wanted 60, stands none; "
            R"(partialFilterExpression: wanted { "a" : { "$exists" : true } }, stands none)");
  EXPECT_EQ(differing_options(bare, bare), "");
}

TEST(IndexSpecTest, TellsPeopleWhatItIs) {
  EXPECT_EQ(to_text(whole()),
            R"(mine { "a" : 1, "b" : -1 } unique sparse expires after 60 s where )"
            R"({ "a" : { "$exists" : true } })");
}

}  // namespace
}  // namespace gesso::bson
