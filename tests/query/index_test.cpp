#include "gesso/query/index.hpp"

#include <gtest/gtest.h>

#include "tests/query/studio.hpp"

namespace gesso::query {
namespace {

using studio::Card;
using studio::Coat;
using studio::Commission;

TEST(IndexTest, TheDeclarationIsTheListAtRunTime) {
  std::string listed;
  for (const bson::IndexSpec& spec : index_specs<Commission>()) listed += to_json(spec) + '\n';
  EXPECT_EQ(listed,
            R"({ "key" : { "title" : 1 }, "name" : "title_1", "unique" : true }
{ "key" : { "client" : 1, "ordered_at" : -1, "_id" : -1 }, "name" : "client_1_ordered_at_-1__id_-1" }
{ "key" : { "state" : 1, "ordered_at" : 1, "price" : 1 }, "name" : "state_1_ordered_at_1_price_1" }
{ "key" : { "price" : 1 }, "name" : "price_1" }
{ "key" : { "coats.at" : 1 }, "name" : "coats.at_1" }
{ "key" : { "receipt" : 1 }, "name" : "receipt_1", "unique" : true, )"
            R"("partialFilterExpression" : { "receipt" : { "$exists" : true } } }
{ "key" : { "keep_until" : 1 }, "name" : "keep_until_1", "expireAfterSeconds" : 0 }
)");
}

TEST(SortTest, PrintsItsKeysInOrder) {
  EXPECT_EQ(to_json(sort_by(asc<&Commission::state>, desc<&Commission::ordered_at>)),
            R"({ "state" : 1, "ordered_at" : -1 })");
  EXPECT_EQ(to_json(unsorted), "{ }");
}

TEST(ProjectionTest, NamesTheFieldsOfItsType) {
  EXPECT_EQ(to_json(project<Card>()), R"({ "title" : 1, "state" : 1, "_id" : 0 })");
  EXPECT_TRUE((ProjectionOf<Card, Commission>));
  EXPECT_FALSE((ProjectionOf<Coat, Commission>));
}

}  // namespace
}  // namespace gesso::query
