#include "gesso/mongo/stored_form.hpp"

#include <gtest/gtest.h>

#include <limits>

#include "gesso/bson/builder.hpp"
#include "gesso/bson/json.hpp"

namespace gesso::mongo {
namespace {

using namespace std::chrono_literals;
using bson::from_json;
using bson::make_document;

constexpr DialectTraits kRu = traits_of(Dialect::kCosmosRu);
const Time kNow{std::chrono::sys_days{std::chrono::year{2026} / 1 / 1}};

std::vector<bson::IndexSpec> declared() {
  return {{.keys = make_document("until", 1), .expire_after_seconds = 0},
          {.keys = make_document("stripe", 1),
           .unique = true,
           .partial_filter = make_document("stripe", make_document("$exists", true))},
          {.keys = make_document("links.key", 1),
           .unique = true,
           .partial_filter = make_document("links.key", make_document("$exists", true))}};
}

class StoredFormTest : public ::testing::Test {
 protected:
  const StoredForm form_{declared()};
  const bson::Document by_id_ = make_document("_id", "a");

  std::string inserted(const bson::Document& document, const DialectTraits& traits = kRu) {
    return bson::to_json(form_.inserted(document, kNow, traits));
  }
  std::string updated(const char* update, const bson::Document& stored = {}) {
    return bson::to_json(form_.updated(by_id_, from_json(update), stored, kNow, kRu));
  }
};

TEST_F(StoredFormTest, AddsNothingWhereTheServerLacksNothing) {
  const bson::Document document = make_document("_id", "a", "until", kNow + 90s);
  for (const Dialect dialect : {Dialect::kMongoDb, Dialect::kLocalDb, Dialect::kDocumentDb}) {
    const DialectTraits traits = traits_of(dialect);
    EXPECT_EQ(inserted(document, traits), bson::to_json(document));
    const bson::Document unset = from_json(R"({"$unset": {"stripe": ""}})");
    EXPECT_EQ(bson::to_json(form_.updated(by_id_, unset, {}, kNow, traits)), bson::to_json(unset));
    EXPECT_TRUE(form_.needed({}, unset, traits).empty());
  }
}

TEST_F(StoredFormTest, AnInsertCarriesItsTtlAndWhatStandsForAnAbsentField) {
  const bson::Document stored =
      form_.inserted(make_document("_id", "a", "until", kNow + 90s + 1ms), kNow, kRu);
  EXPECT_EQ(stored["ttl"].integer(), 91);
  EXPECT_EQ(stored["unique_stripe"].as_string(), "a");
  EXPECT_FALSE(stored["unique_links.key"]);
}

TEST_F(StoredFormTest, AnInsertWithTheFieldCarriesItTwice) {
  const bson::Document stored =
      form_.inserted(make_document("_id", "a", "until", kNow, "stripe", "sub_1"), kNow, kRu);
  EXPECT_EQ(stored["unique_stripe"].as_string(), "sub_1");
  EXPECT_EQ(stored["stripe"].as_string(), "sub_1");
}

TEST_F(StoredFormTest, WithACapabilityTheServerDoesItItself) {
  const bson::Document document = make_document("_id", "a", "until", kNow + 90s);
  const DialectTraits custom = traits_of(Dialect::kCosmosRu, {.ttl_on_custom_path = true});
  EXPECT_FALSE(form_.inserted(document, kNow, custom)["ttl"]);
  EXPECT_TRUE(form_.inserted(document, kNow, custom)["unique_stripe"]);
  const DialectTraits partial = traits_of(Dialect::kCosmosRu, {.partial_unique = true});
  EXPECT_TRUE(form_.inserted(document, kNow, partial)["ttl"]);
  EXPECT_FALSE(form_.inserted(document, kNow, partial)["unique_stripe"]);
}

// A change restarts the server's count.
TEST_F(StoredFormTest, EveryUpdateSetsTheTtlAnew) {
  const bson::Document update = from_json(R"({"$inc": {"n": 1}})");
  const bson::Document needed = form_.needed(by_id_, update, kRu);
  EXPECT_TRUE(needed.contains("until"));
  const bson::Document stored = make_document("_id", "a", "until", kNow + 30s);
  EXPECT_EQ(updated(R"({"$inc": {"n": 1}})", stored),
            bson::to_json(from_json(R"({"$set": {"ttl": 30}, "$inc": {"n": 1}})")));
}

TEST_F(StoredFormTest, AnUpdateThatSaysWhenItEndsNeedsNoRead) {
  for (const char* operation : {"$set", "$setOnInsert"}) {
    const bson::Document update =
        make_document(operation, make_document("until", kNow + 45s, "n", 1));
    EXPECT_TRUE(form_.needed(by_id_, update, kRu).empty());
    const bson::Document sent = form_.updated(by_id_, update, {}, kNow, kRu);
    EXPECT_EQ(sent.view().at_path("$set.ttl").integer(), 45);
  }
}

TEST_F(StoredFormTest, AFieldThatIsSetOrTakenAwayTakesItsDoubleAlong) {
  const bson::Document stored = make_document("_id", "a", "until", kNow + 1s);
  EXPECT_EQ(updated(R"({"$set": {"stripe": "sub_2"}})", stored),
            bson::to_json(
                from_json(R"({"$set": {"stripe": "sub_2", "ttl": 1, "unique_stripe": "sub_2"}})")));
  EXPECT_EQ(updated(R"({"$unset": {"stripe": true}})", stored),
            bson::to_json(from_json(
                R"({"$set": {"ttl": 1, "unique_stripe": "a"}, "$unset": {"stripe": true}})")));
}

TEST_F(StoredFormTest, WhereTheFilterNamesNoIdTheDocumentIsReadForIt) {
  const StoredForm unique_only(std::vector{declared()[1]});
  const bson::Document unset = from_json(R"({"$unset": {"stripe": true}})");
  EXPECT_TRUE(unique_only.needed(by_id_, unset, kRu).empty());
  const bson::Document by_user = make_document("user", "u");
  EXPECT_TRUE(unique_only.needed(by_user, unset, kRu).contains("_id"));
  const bson::Document sent =
      unique_only.updated(by_user, unset, make_document("_id", "b"), kNow, kRu);
  EXPECT_EQ(sent.view().at_path("$set.unique_stripe").as_string(), "b");
  EXPECT_TRUE(unique_only.needed(by_user, from_json(R"({"$set": {"n": 1}})"), kRu).empty());
}

TEST(TtlSeconds, AreAtLeastOneAndFitTheServersInteger) {
  EXPECT_EQ(ttl_seconds(kNow, kNow + 1500ms), 2);
  EXPECT_EQ(ttl_seconds(kNow, kNow), 1);
  EXPECT_EQ(ttl_seconds(kNow, kNow - 1h), 1);
  EXPECT_EQ(ttl_seconds(kNow, Time::max()), std::numeric_limits<std::int32_t>::max());
}

}  // namespace
}  // namespace gesso::mongo
