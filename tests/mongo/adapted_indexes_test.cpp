#include "gesso/mongo/adapted_indexes.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "gesso/bson/builder.hpp"

namespace gesso::mongo {
namespace {

using bson::make_document;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr DialectTraits kRu = traits_of(Dialect::kCosmosRu);

std::vector<std::string> texts(const AdaptedIndexes& indexes) {
  std::vector<std::string> out;
  for (const AdaptedIndex& index : indexes.made) {
    out.push_back(bson::to_text(index.spec) + (index.note.empty() ? "" : " (" + index.note + ")"));
  }
  return out;
}

CollectionIndex plain(bson::Document keys, bool sorts = true) {
  return {.collection = "c", .spec = {.keys = std::move(keys)}, .sorts = sorts};
}
CollectionIndex unique(bson::Document keys) {
  return {.collection = "c", .spec = {.keys = std::move(keys), .unique = true}};
}
CollectionIndex unique_when_present(std::string_view field) {
  return {.collection = "c",
          .spec = {.keys = make_document(field, 1),
                   .unique = true,
                   .partial_filter = make_document(field, make_document("$exists", true))}};
}
CollectionIndex ttl(std::string_view field) {
  return {.collection = "c", .spec = {.keys = make_document(field, 1), .expire_after_seconds = 0}};
}

TEST(AdaptedIndexes, AreTheDeclaredOnesWhereCompoundIndexesServeFilters) {
  const std::vector<CollectionIndex> declared{plain(make_document("a", 1, "b", -1), false),
                                              unique_when_present("c"), ttl("at")};
  for (const Dialect dialect : {Dialect::kMongoDb, Dialect::kLocalDb, Dialect::kDocumentDb}) {
    const AdaptedIndexes here = adapt(declared, traits_of(dialect));
    EXPECT_THAT(texts(here),
                ElementsAre("a_1_b_-1 { \"a\" : 1, \"b\" : -1 }",
                            "c_1 { \"c\" : 1 } unique where { \"c\" : { \"$exists\" : true } }",
                            "at_1 { \"at\" : 1 } expires after 0 s"));
    EXPECT_THAT(here.dropped, IsEmpty());
  }
}

TEST(AdaptedIndexes, OnRuFiltersGetAnIndexForEachFieldOnce) {
  const std::vector<CollectionIndex> declared{plain(make_document("a", 1, "b", -1)),
                                              plain(make_document("a", 1)),
                                              plain(make_document("b", 1, "c", 1, "_id", -1))};
  EXPECT_THAT(texts(adapt(declared, kRu)),
              ElementsAre("a_1_b_-1 { \"a\" : 1, \"b\" : -1 } (sorts along its whole path)",
                          "a_1 { \"a\" : 1 } (filters; a compound index serves none here)",
                          "b_1 { \"b\" : 1 } (filters; a compound index serves none here)",
                          "b_1_c_1__id_-1 { \"b\" : 1, \"c\" : 1, \"_id\" : -1 } (sorts along its "
                          "whole path)",
                          "c_1 { \"c\" : 1 } (filters; a compound index serves none here)"));
}

TEST(AdaptedIndexes, OnRuWhatNothingSortsAlongIsNoCompoundIndex) {
  const AdaptedIndexes here = adapt(std::vector{plain(make_document("a", 1, "b", 1), false)}, kRu);
  EXPECT_EQ(texts(here).size(), 2u);
  ASSERT_EQ(here.dropped.size(), 1u);
  EXPECT_THAT(here.dropped[0].why, HasSubstr("nothing sorts along it"));
}

TEST(AdaptedIndexes, AGuardHasOneWhereAFilterNeedsItsOwn) {
  CollectionIndex guard = plain(make_document("hidden_at", 1), false);
  guard.guards = true;
  EXPECT_THAT(
      texts(adapt(std::vector{guard}, kRu)),
      ElementsAre(
          "hidden_at_1 { \"hidden_at\" : 1 } (filters; every query asks that it is missing)"));
  const AdaptedIndexes elsewhere = adapt(std::vector{guard}, traits_of(Dialect::kMongoDb));
  EXPECT_THAT(texts(elsewhere), IsEmpty());
  ASSERT_EQ(elsewhere.dropped.size(), 1u);
  EXPECT_THAT(elsewhere.dropped[0].why, HasSubstr("other conditions"));
}

TEST(AdaptedIndexes, OnRuExpiryIsByTimestamp) {
  EXPECT_THAT(texts(adapt(std::vector{ttl("at")}, kRu)),
              ElementsAre("_ts_1 { \"_ts\" : 1 } expires after -1 s (documents expire by their own "
                          "ttl, counted from their last change)"));
  EXPECT_THAT(texts(adapt(std::vector{ttl("at")},
                          traits_of(Dialect::kCosmosRu, {.ttl_on_custom_path = true}))),
              ElementsAre("at_1 { \"at\" : 1 } expires after 0 s"));
}

TEST(AdaptedIndexes, OnRuUniqueWhenPresentIsUniqueUnderAnotherName) {
  EXPECT_THAT(
      texts(adapt(std::vector{unique_when_present("stripe_id")}, kRu)),
      ElementsAre("unique_stripe_id_1 { \"unique_stripe_id\" : 1 } unique (holds stripe_id, "
                  "or the document's _id where it is absent)",
                  "stripe_id_1 { \"stripe_id\" : 1 }"));
  EXPECT_THAT(texts(adapt(std::vector{unique_when_present("links.key")}, kRu)),
              ElementsAre("links.key_1 { \"links.key\" : 1 } (not unique: no index here is, among "
                          "the elements of lists)"));
}

TEST(AdaptedIndexes, OnRuWithPartialIndexesItStaysPartialAndFiltersGetOneMore) {
  EXPECT_THAT(texts(adapt(std::vector{unique_when_present("s")},
                          traits_of(Dialect::kCosmosRu, {.partial_unique = true}))),
              ElementsAre("s_1 { \"s\" : 1 } unique where { \"s\" : { \"$exists\" : true } }",
                          "s_1 { \"s\" : 1 }"));
}

TEST(AdaptedIndexes, OnRuAUniqueIndexServesTheFiltersOfItsField) {
  EXPECT_THAT(texts(adapt(std::vector{plain(make_document("email", 1, "at", 1)),
                                      unique(make_document("email", 1))},
                          kRu)),
              ElementsAre("email_1_at_1 { \"email\" : 1, \"at\" : 1 } (sorts along its whole path)",
                          "at_1 { \"at\" : 1 } (filters; a compound index serves none here)",
                          "email_1 { \"email\" : 1 } unique"));
}

TEST(AdaptedIndexes, OnRuUniquenessIsWithinTheShardKey) {
  EXPECT_THAT(texts(adapt(std::vector{unique(make_document("n", 1))}, kRu, "user")),
              ElementsAre("user_1_n_1 { \"user\" : 1, \"n\" : 1 } unique (unique within one user)",
                          "n_1 { \"n\" : 1 }"));
  EXPECT_THAT(texts(adapt(std::vector{unique(make_document("user", 1))}, kRu, "user")),
              ElementsAre("user_1 { \"user\" : 1 } unique"));
  EXPECT_THAT(texts(adapt(std::vector{unique(make_document("n", 1)), unique_when_present("s")}, kRu,
                          "_id")),
              ElementsAre("n_1 { \"n\" : 1 } (not unique: the shard key is _id)",
                          "s_1 { \"s\" : 1 } (not unique: the shard key is _id)"));
}

TEST(AdaptedIndexes, OnRuSparseIsNeverSent) {
  CollectionIndex sparse = plain(make_document("a", 1));
  sparse.spec.sparse = true;
  EXPECT_FALSE(adapt(std::vector{sparse}, kRu).made.at(0).spec.sparse);
}

}  // namespace
}  // namespace gesso::mongo
